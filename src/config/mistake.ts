// What is wrong with a configuration, one line each: the file, the line, the key, the fault, what is accepted.
// Mistakes stop the start (exit 2); the same shape serves for warnings, which do not.

export interface ConfigMistake {
  /** The file as it was named, `environment`, or null where the fault lies in no file. */
  readonly file: string | null
  /** Counted from 1; null where the fault lies in no line. */
  readonly line: number | null
  /** `section.key` or `section`; null for faults of syntax. */
  readonly subject: string | null
  /** The fault and what is accepted instead. */
  readonly what: string
}

/** Where a value was written: what every value of a file carries with it. */
export interface Place {
  readonly file: string
  readonly line: number
}

export function mistake(place: Place | null, subject: string | null, what: string): ConfigMistake {
  return { file: place?.file ?? null, line: place?.line ?? null, subject, what }
}

/** `file:line: section.key: what is wrong, what is accepted`, always one line. */
export function formatMistake({ file, line, subject, what }: ConfigMistake): string {
  const where = file === null ? null : line === null ? file : `${file}:${line}`
  return [where, subject, what]
    .filter((part) => part !== null)
    .join(': ')
    .replace(/\s*\n\s*/g, ' ')
}

/** A value between quotes as it is shown in a mistake: no line ends, not longer than a line. */
export function quote(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim()
  return `'${flat.length > 60 ? `${flat.slice(0, 57)}...` : flat}'`
}
