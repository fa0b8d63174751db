// posthorn completion: what a shell needs to complete command lines, made from the commands themselves.
import { type Command, defineCommand, EX } from '../command.ts'
import { UsageFault } from '../options.ts'

const shells = ['bash', 'zsh', 'fish'] as const

export const completion = defineCommand({
  name: 'completion',
  summary: 'Print what a shell needs to complete command lines',
  about: `  Prints a script for bash, zsh or fish: it completes commands, options, their values, and the
  names of lists. List names are asked of Posthorn when they are wanted.`,
  examples: [
    'posthorn completion bash > /etc/bash_completion.d/posthorn',
    "posthorn completion zsh > '/usr/local/share/zsh/site-functions/_posthorn'",
    'posthorn completion fish > ~/.config/fish/completions/posthorn.fish',
  ],
  options: {},
  args: { shell: 'required' },
  suggests: { shell: shells },
  async runHere({ write, commands }, { shell }) {
    const known = shells.find((name) => name === shell)
    if (known === undefined) throw new UsageFault(`'${shell}' is none of ${shells.join(', ')}.`)
    await write(null, await scriptFor(known, commands))
    return EX.ok
  },
})

// Loaded here only: the other commands start sooner without them.
async function scriptFor(shell: (typeof shells)[number], commands: readonly Command[]): Promise<string> {
  switch (shell) {
    case 'bash':
      return (await import('../completion/bash.ts')).bashCompletion(commands)
    case 'zsh':
      return (await import('../completion/zsh.ts')).zshCompletion(commands)
    case 'fish':
      return (await import('../completion/fish.ts')).fishCompletion(commands)
  }
}
