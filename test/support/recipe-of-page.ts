// The files that a page of the documentation tells an operator to write, so that a test tries the page itself.
import { ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'

const root = new URL('../../', import.meta.url)

/**
 * The indented block behind the paragraph that begins with the file's name in backquotes. Each of `changes` must be in
 * it: what stands there is an example, such as a port.
 */
export function fileOfPage(
  page: string,
  name: string,
  changes: Readonly<Record<string, string | number>> = {},
): string {
  const text = readFileSync(new URL(page, root), 'utf8')
  const at = text.indexOf(`\n\`${name}\``)
  ok(at >= 0, `${page} tells of no ${name}`)
  const block = /\n\n((?: {4}.*\n|\n)+)/.exec(text.slice(at))?.[1]
  ok(block !== undefined, `${page} shows no text for ${name}`)
  let file = `${block.replace(/^ {4}/gm, '').trimEnd()}\n`
  for (const [from, to] of Object.entries(changes)) {
    ok(file.includes(from), `${name} of ${page} does not say ${from}`)
    file = file.replaceAll(from, String(to))
  }
  return file
}
