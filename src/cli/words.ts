// Times, spans and sizes as a person reads them.
import { DAY, HOUR, MINUTE, SECOND } from '../base/clock.ts'

/** `2026-01-31 12:00:00 UTC` */
export function timeOf(instant: number): string {
  return `${new Date(instant).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** The two largest units: `3 d 4 h`, `12 s`. */
export function spanOf(milliseconds: number): string {
  const units = [
    [DAY, 'd'],
    [HOUR, 'h'],
    [MINUTE, 'min'],
    [SECOND, 's'],
  ] as const
  let left = Math.max(0, milliseconds)
  const parts: string[] = []
  for (const [length, name] of units) {
    const count = Math.floor(left / length)
    left -= count * length
    if (count > 0) parts.push(`${count} ${name}`)
    else if (parts.length > 0) break
  }
  return parts.slice(0, 2).join(' ') || '0 s'
}

/** Bytes as `12 bytes`, `3.4 KiB`, `5.6 MiB`. */
export function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  let [value, unit] = [bytes / 1024, 0]
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}

/** `1 member`, `2 members` */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`
}

/** Text that came with mail or from a peer: no control characters may reach the terminal. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ')
}

/** Rows in columns of equal width; the last is not padded. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? []
  return rows.map((row) =>
    row
      .map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}
