// `posthorn …` as it is typed, in this process: a site of its own with its configuration file, and what was said.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { runCommandLine } from '../../src/cli/command-line.ts'
import type { Said } from './shell.ts'

export interface TypedSite {
  readonly directory: string
  readonly varDir: string
  /** The configuration file. */
  readonly file: string
  /** With `-C` and as root, where that is meant. */
  run(...argv: readonly string[]): Promise<Said>
}

/** Nothing of it is left when the test has ended. */
export function typedSite(t: TestContext): TypedSite {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-cli-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const varDir = join(directory, 'var')
  const file = join(directory, 'posthorn.cfg')
  const lines = [
    '[mailman]',
    'layout: local',
    '[paths.local]',
    `var_dir: ${varDir}`,
    '[mta]',
    'incoming: null',
  ]
  writeFileSync(file, `${lines.join('\n')}\nlmtp_port: 0\n`)
  return { directory, varDir, file, run: (...argv) => typed(['-C', file, '--run-as-root', ...argv]) }
}

/** Any command line. */
export async function typed(argv: readonly string[]): Promise<Said> {
  const said = { out: '', err: '' }
  const code = await runCommandLine(argv, {
    out: (text) => {
      said.out += text
    },
    err: (text) => {
      said.err += text
    },
    progress: () => undefined,
    drained: async () => undefined,
  })
  return { code, ...said }
}
