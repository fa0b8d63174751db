// What `posthorn` says about itself: the version, and the list of commands.
import { readFileSync } from 'node:fs'
import type { Command } from './command.ts'

const packageFile = new URL('../../package.json', import.meta.url)

function versionOf(text: string): string {
  const { version } = JSON.parse(text) as { readonly version?: unknown }
  return typeof version === 'string' ? version : 'of unknown version'
}

/** `0.1.0` */
export const version = versionOf(readFileSync(packageFile, 'utf8'))
export const programVersion = `Posthorn ${version}`
export const generalUsage = '[-C FILE] COMMAND [OPTIONS] ...'

export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  const rows = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)
  return `Usage: posthorn ${generalUsage}

${programVersion}, a mailing-list server that plugs into the mail server you already run.

Options:
  -C, --config FILE  The configuration file; without it posthorn.cfg and mailman.cfg
                     are looked for in the usual places.
  --run-as-root      Running as root is meant: no warning.
  --version          Show the version and exit.
  -h, --help         Show this and exit.

Commands:
${rows.join('\n')}

'posthorn COMMAND -h' explains a command. Exit codes: 0 done, 1 not done, 2 wrong use
(a list that does not exist too) or configuration, 3 nothing of that number or name
in the store, 75 try again later.
`
}
