import { ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { commands } from './commands.ts'
import { reference } from './reference.ts'

test("docs/command-line.md is what the commands say; 'posthorn help --reference > docs/command-line.md' renews it", () => {
  const page = readFileSync(new URL('../../docs/command-line.md', import.meta.url), 'utf8')
  ok(page === reference(commands))
})
