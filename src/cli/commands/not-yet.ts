// Commands of Mailman's whose subsystems this release does not have. They are known and say so: a script that calls one
// learns it by words and exit code 2, whatever options it gives.
import { type Command, EX } from '../command.ts'

/** Name, and what is missing. */
const missing = [
  ['digests', 'This release makes no digests; members who want them get no copies.'],
  ['gatenews', 'This release has no gateway to news groups.'],
  ['import21', "This release does not import a Mailman's lists; 'posthorn addmembers' takes their members."],
  ['qfile', "There are no queue files: the queue is a table; 'posthorn queue show NUMBER' shows an entry."],
  [
    'shell',
    "There is no Python to talk to; 'posthorn set', 'members' and the others have --json for scripts.",
  ],
  [
    'withlist',
    "There is no Python to run; 'posthorn set', 'members' and the others have --json for scripts.",
  ],
] as const

export const notYet: readonly Command[] = missing.map(([name, words]) => ({
  name,
  summary: words,
  usage: `${name} ...`,
  help: `Usage: posthorn ${name} ...\n\n  ${words}\n`,
  options: {},
  args: [],
  about: `  ${words}`,
  examples: [],
  prepare: (argv) => {
    if (argv.includes('-h') || argv.includes('--help')) return { place: 'help' }
    return {
      place: 'here',
      run: async ({ out }) => {
        out.errorLine(`posthorn ${name}: ${words}`)
        return EX.usage
      },
    }
  },
}))
