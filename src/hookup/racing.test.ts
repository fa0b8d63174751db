// Two processes on the same tables: whoever comes last wins, and nobody ever sees half of anything.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { run } from '../../test/support/server.ts'
import { postfixTables } from './postfix-tables.ts'

const program = new URL('../../test/support/publish-again.ts', import.meta.url).pathname
const times = 15

function fresh(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-race-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** What either of the two wants to stand there. */
function textOf(listNames: readonly string[], type: 'hash' | 'regex'): string {
  const domains = [{ mailHost: 'lists.example.org', aliasDomain: null, listOnly: true, listNames }]
  const style = { lmtpHost: '127.0.0.1', lmtpPort: 8024, type, compatible: false }
  return postfixTables({ domains }, style).get('postfix_lmtp') ?? ''
}

for (const { type, read, what } of [
  { type: 'regexp', read: 'postfix_lmtp', what: 'text' },
  { type: 'hash', read: 'postfix_lmtp.db', what: 'compiled table' },
] as const)
  test(`two processes race for ${type} tables: a reader finds the ${what} of the one or of the other, whole`, async (t) => {
    const directory = fresh(t)
    const postmap = join(directory, 'postmap-of-the-test')
    writeFileSync(postmap, '#!/bin/sh\nf=$(echo "$1" | cut -c6-)\ncp "$f" "$f.db"\n')
    chmodSync(postmap, 0o755)
    const lists = [['tea', ...Array.from({ length: 300 }, (_, i) => `a${i}`)], ['milk']] as const
    const wanted = lists.map((names) => textOf(names, type === 'hash' ? 'hash' : 'regex'))
    let isOver = false
    const racers = Promise.all(
      lists.map((names) =>
        run([
          process.execPath,
          '--disable-warning=ExperimentalWarning',
          program,
          directory,
          postmap,
          type,
          `${times}`,
          ...names,
        ]),
      ),
    ).finally(() => {
      isOver = true
    })
    const seen = new Set<string>()
    while (!isOver) {
      const text = textAt(join(directory, read))
      if (text !== null) seen.add(text)
      await new Promise((resolve) => setImmediate(resolve))
    }
    for (const { code, err } of await racers) deepEqual([code, err], [0, ''])
    for (const text of seen) ok(wanted.includes(text), `half a table: ${text.length} characters`)
    ok(seen.size > 0)
    if (type === 'hash')
      equal(textAt(join(directory, 'postfix_lmtp')), textAt(join(directory, 'postfix_lmtp.db')))
    deepEqual(
      readdirSync(directory).filter((name) => name.includes('.new')),
      [],
    )
  })

function textAt(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
