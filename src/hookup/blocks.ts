// Our lines in a file of the operator's; pure text. They stand between two marker lines; a line that they replace becomes
// a comment where it stands. Law: taking the lines out again gives the operator's text back byte for byte, and every run
// starts from that text, so a second run gives what the first one gave, whatever changed in between. Markers that do not
// pair are refused: what stands between them may be the operator's.
import type { ConfigurationFile } from '../model/hookup.ts'

/** How the line before our lines begins, behind the sign of a comment; and the one after them. */
export const opening = 'posthorn hookup begin'
export const closing = 'posthorn hookup end'
/** Behind the end of a block whose file ended without a line end. */
const unended = ' (the line above this block had no line end)'
const replaced = 'posthorn was: '
/** The first line of a file of ours. */
export const ownFile = "posthorn hookup: this file is made by 'posthorn hookup' and replaced by it"

export type Joined = { readonly text: string } | { readonly refusal: string }

/**
 * The text of one file with what all of `files` say about it (more than one block may go into one file). `text` is
 * null where there is no file; line numbers and places are those of the text without our lines.
 */
export function withBlocks(text: string | null, files: readonly ConfigurationFile[]): Joined {
  const [first] = files
  if (first === undefined) return { text: text ?? '' }
  if (first.kind === 'whole') return wholeFile(text, first)
  const { comment, path } = first
  const seen = readBlocks(text ?? '', comment)
  if ('unpaired' in seen) return { refusal: `${path}:${seen.line}: ${seen.unpaired}` }
  const lines = linesOf(seen.own)
  const isUnended = seen.own !== '' && !seen.own.endsWith('\n')
  const inserted: (readonly [at: number, block: readonly string[]])[] = []
  for (const file of files) {
    const at = placeOf(file.place, lines)
    if (at === null) return { refusal: noPlace(file) }
    inserted.push([at, blockOf(file, isUnended && at === lines.length)])
  }
  const gone = new Set(files.flatMap(({ settings }) => settings.flatMap(({ replaces }) => replaces)))
  const result: string[] = []
  for (let at = 0; at <= lines.length; at += 1) {
    for (const [place, block] of inserted) if (place === at) result.push(...block)
    const line = lines[at]
    if (line !== undefined) result.push(gone.has(at + 1) ? `${comment} ${replaced}${line}` : line)
  }
  const isOwnLast = !inserted.some(([at]) => at === lines.length)
  return { text: `${result.join('\n')}${isUnended && isOwnLast ? '' : '\n'}` }
}

/** The operator's own text: without our blocks, and with the lines that they replaced. Null when markers do not pair. */
export function withoutBlocks(text: string, comment: string): string | null {
  const seen = readBlocks(text, comment)
  return 'own' in seen ? seen.own : null
}

/** What is wrong with the markers of a text, for the operator; null: nothing. */
export function unpairedMarker(text: string, comment: string): string | null {
  const seen = readBlocks(text, comment)
  return 'unpaired' in seen ? `line ${seen.line}: ${seen.unpaired}` : null
}

type Read = { readonly own: string } | { readonly unpaired: string; readonly line: number }

function readBlocks(text: string, comment: string): Read {
  const [first, last, was] = [opening, closing, replaced].map((words) => `${comment} ${words}`) as [
    string,
    string,
    string,
  ]
  const result: string[] = []
  const lines = linesOf(text)
  let [begun, isUnended] = [0, text !== '' && !text.endsWith('\n')]
  for (const [index, line] of lines.entries()) {
    if (line.startsWith(first)) {
      if (begun > 0) return { unpaired: noEnd(first, last), line: begun }
      begun = index + 1
    } else if (line.startsWith(last)) {
      if (begun === 0)
        return {
          unpaired: `a line '${last}' has no line '${first}' before it: put it back, or remove what is left of that block`,
          line: index + 1,
        }
      begun = 0
      isUnended = line.startsWith(`${last}${unended}`)
    } else if (begun === 0) {
      result.push(line.startsWith(was) ? line.slice(was.length) : line)
      isUnended = index === lines.length - 1 && !text.endsWith('\n')
    }
  }
  if (begun > 0) return { unpaired: noEnd(first, last), line: begun }
  return { own: result.length === 0 ? '' : `${result.join('\n')}${isUnended ? '' : '\n'}` }
}

const noEnd = (first: string, last: string): string =>
  `a line '${first}' has no line '${last}' after it: put it back, or remove what is left of that block`

function linesOf(text: string): readonly string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

/** The index of the line before which the block goes; null when no line fits. */
function placeOf(place: ConfigurationFile['place'], lines: readonly string[]): number | null {
  if (place === 'end') return lines.length
  const [pattern, behind] = 'before' in place ? [place.before, 0] : [place.after, 1]
  const at = lines.findIndex((line) => pattern.test(line))
  return at < 0 ? null : at + behind
}

const noPlace = ({ path, place }: ConfigurationFile): string => {
  const where = place === 'end' ? '' : 'before' in place ? place.before.source : place.after.source
  return `${path}: there is no line like '${where}', beside which our lines would have to stand; add them by hand where they belong`
}

function blockOf({ comment, settings }: ConfigurationFile, isUnended: boolean): readonly string[] {
  return [
    `${comment} ${opening} (replaced by the next 'posthorn hookup'; your own lines belong outside)`,
    ...settings.flatMap(({ why, lines }) => [...commented(why, comment), ...lines]),
    `${comment} ${closing}${isUnended ? unended : ''}`,
  ]
}

function wholeFile(text: string | null, { path, comment, settings }: ConfigurationFile): Joined {
  const head = comment === '' ? [] : [`${comment} ${ownFile}`]
  const body = settings.flatMap(({ why, lines }) => [
    ...(comment === '' ? [] : commented(why, comment)),
    ...lines,
  ])
  const wanted = [...head, ...body].map((line) => `${line}\n`).join('')
  const isOurs =
    text === null || text === wanted || (comment !== '' && text.startsWith(`${comment} ${ownFile}`))
  return isOurs
    ? { text: wanted }
    : {
        refusal: `${path} is there and was not made by 'posthorn hookup': move it away, or add our lines to it by hand`,
      }
}

const width = 110

/** Words as lines of comment, as they stand in a block. */
export function commented(words: string, comment: string): readonly string[] {
  const lines: string[] = []
  let line = comment
  for (const word of words.split(/\s+/)) {
    if (line.length + 1 + word.length > width && line !== comment) {
      lines.push(line)
      line = comment
    }
    line += ` ${word}`
  }
  return [...lines, line]
}
