// The reference page docs/command-line.md, made from the commands themselves: `posthorn help --reference`.
import type { Command } from './command.ts'

const opening = `# The command line

Made by \`posthorn help --reference\`; do not edit.

\`posthorn [-C FILE] COMMAND [OPTIONS] ...\` works on the site that FILE configures. It is called \`mailman\` too, and takes
that program's commands and options.

- **With a server running**, a command runs in the server, over \`run/control.sock\` in the data directory. Without one, the
  command takes the data directory's lock and does the work itself. Two writers never meet; a command that finds the lock
  taken and nobody answering waits some seconds, then ends with 75 and says which process has it.
- **Files** given as arguments are read and written by the process that you started, with its rights and from its directory.
- **LISTSPEC** is a posting address (\`tea@lists.example.org\`) or a List-Id (\`tea.lists.example.org\`), in any letter case.
- **Exit codes**: 0 done or nothing to do, 1 not done, 2 wrong use or configuration (a list that does not exist is wrong
  use, as in Mailman; \`remove\` of one is 0), 3 nothing of that number or name in the store, 75 try again later. \`status\`: 0 healthy, 1 running with trouble, 2 not running.
- Mistakes go to standard error. As root, one warning is shown on a terminal; \`--run-as-root\` says that it is meant.
`

export function reference(commands: readonly Command[]): string {
  const pages = commands.map(
    ({ name, summary, help }) => `\n## ${name}\n\n${summary}.\n\n\`\`\`\n${help.trimEnd()}\n\`\`\`\n`,
  )
  return opening + pages.join('')
}
