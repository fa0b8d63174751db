// Completion for zsh, by its own _arguments.
import type { Argument, Command, Suggestion } from '../command.ts'
import { generalSpellings, quoted, type Spelling, spellingsOf } from './words.ts'

export function zshCompletion(commands: readonly Command[]): string {
  return `#compdef posthorn mailman
# zsh completion for posthorn and mailman. Made by 'posthorn completion zsh': put it as _posthorn into a
# directory of $fpath, or: source <(posthorn completion zsh)

_posthorn_list() {
  local -a general lists
  local at=\${posthorn_words[(I)-C|--config]}
  ((at)) && general=(-C "\${(e)~posthorn_words[at+1]}")
  lists=(\${(f)"$(_call_program lists \${(q)posthorn_words[1]} \${(q)general} lists --quiet 2>/dev/null)"})
  compadd -a lists
}

_posthorn_command() {
  local -a commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`).join('\n')}
    'help:Explain a command'
  )
  _describe command commands
}

_posthorn() {
  local context state state_descr line
  local -a posthorn_words=("\${words[@]}")
  typeset -A opt_args
  _arguments -C \\
${generalSpellings.map((spelling) => `    ${optionSpec(spelling)} \\`).join('\n')}
    '1: :_posthorn_command' \\
    '*:: :->argument'
  [[ $state == argument ]] || return
  case $words[1] in
    help) _arguments '1: :_posthorn_command' ;;
${commands.map(caseOf).join('\n')}
  esac
}

if [[ \${funcstack[1]} == _posthorn ]]; then
  _posthorn "$@"
else
  compdef _posthorn posthorn mailman
fi
`
}

function caseOf(command: Command): string {
  const specs = [...spellingsOf(command).map(optionSpec), ...command.args.map(argumentSpec)]
  return `    ${command.name})
      _arguments -s \\
${specs.map((spec) => `        ${spec}`).join(' \\\n')}
      ;;`
}

/** `'*'{-o,--owner}'[An owner.]:ADDRESS:action'` */
function optionSpec({ words, help, value, metavar }: Spelling): string {
  const names = words.length === 1 ? (words[0] ?? '') : `{${words.join(',')}}`
  const text = `[${help.replace(/[[\]\\:]/g, '\\$&')}]${value === null ? '' : `:${metavar}:${actionOf(value)}`}`
  return `'*'${names}${quoted(text)}`
}

function argumentSpec({ name, kind, suggestion }: Argument, at: number): string {
  const place = kind === 'rest' ? '*' : String(at + 1)
  return quoted(`${place}:${name.toUpperCase()}:${actionOf(suggestion ?? 'anything')}`)
}

function actionOf(value: Suggestion | 'anything'): string {
  switch (value) {
    case 'anything':
      return ' '
    case 'list':
      return '_posthorn_list'
    case 'command':
      return '_posthorn_command'
    case 'file':
      return '_files'
    case 'directory':
      return '_files -/'
    default:
      return `(${value.join(' ')})`
  }
}
