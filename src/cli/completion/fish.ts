// Completion for fish 3 and newer.
import type { Command, Suggestion } from '../command.ts'
import { generalSpellings, type Spelling, spellingsOf } from './words.ts'

export function fishCompletion(commands: readonly Command[]): string {
  const names = [...commands.map(({ name }) => name), 'help'].join(' ')
  return `# fish completion for posthorn and mailman. Made by 'posthorn completion fish': put it into
# ~/.config/fish/completions/posthorn.fish, or: posthorn completion fish | source

function __posthorn_words
    # The words before the cursor, without the configuration file.
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if contains -- $word -C --config
            set skip 1
        else if not string match -q -- '--config=*' $word; and not string match -q -- '-C?*' $word
            echo -- $word
        end
    end
end

function __posthorn_command
    for word in (__posthorn_words)
        string match -q -- '-*' $word; or begin
            echo $word
            return 0
        end
    end
    return 1
end

function __posthorn_in
    set -l command (__posthorn_command); and test $command = $argv[1]
end

# COMMAND, the number of the argument that comes next, and the options that take a value.
function __posthorn_at
    __posthorn_in $argv[1]; or return 1
    set -l words (__posthorn_words)
    set -l at -1
    set -l skip 0
    for word in $words
        if test $skip = 1
            set skip 0
        else if contains -- $word $argv[3..-1]
            set skip 1
        else if not string match -q -- '-?*' $word
            set at (math $at + 1)
        end
    end
    test $at = $argv[2]; or test $argv[2] = rest -a $at -ge 0
end

function __posthorn_lists
    set -l words (commandline -opc)
    set -l general
    for at in (seq (count $words))
        contains -- $words[$at] -C --config; and set general -C $words[(math $at + 1)]
    end
    $words[1] $general lists --quiet 2>/dev/null
end

for program in posthorn mailman
    complete -c $program -f
${generalSpellings.map((spelling) => optionLine(spelling, "'not __posthorn_command'")).join('\n')}
${commands.map(({ name, summary }) => `    complete -c $program -n 'not __posthorn_command' -a ${name} -d ${single(summary)}`).join('\n')}
    complete -c $program -n 'not __posthorn_command' -a help -d 'Explain a command'
    complete -c $program -n '__posthorn_in help' -a '${names}'
${commands.flatMap(linesOf).join('\n')}
end
`
}

function linesOf(command: Command): readonly string[] {
  const { name, args } = command
  const spellings = spellingsOf(command)
  const valued = spellings.flatMap(({ words, value }) => (value === null ? [] : words)).join(' ')
  return [
    ...spellings.map((spelling) => optionLine(spelling, single(`__posthorn_in ${name}`))),
    ...args.flatMap(({ kind, suggestion }, at) => {
      if (suggestion === null) return []
      const place = kind === 'rest' ? 'rest' : String(at)
      const where = single(`__posthorn_at ${name} ${place} ${valued}`.trimEnd())
      return [`    complete -c $program -n ${where} ${offer(suggestion)}`]
    }),
  ]
}

function optionLine({ words, help, value }: Spelling, where: string): string {
  const names = words.map((word) => (word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`))
  const offered = value === null ? '' : value === 'anything' ? ' -x' : ` -r ${offer(value)}`
  return `    complete -c $program -n ${where} ${names.join(' ')}${offered} -d ${single(help)}`
}

function offer(suggestion: Suggestion): string {
  switch (suggestion) {
    case 'list':
      return "-f -a '(__posthorn_lists)'"
    case 'file':
      return '-F'
    case 'directory':
      return "-f -a '(__fish_complete_directories)'"
    case 'command':
      return '-f'
    default:
      return `-f -a ${single(suggestion.join(' '))}`
  }
}

/** Text between single quotes for fish. */
const single = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`
