// Completion for bash 4.2 and newer, without the package bash-completion.
import type { Command, Suggestion } from '../command.ts'
import { generalSpellings, quoted, type Spelling, spellingsOf } from './words.ts'

export function bashCompletion(commands: readonly Command[]): string {
  return `# bash completion for posthorn and mailman. Made by 'posthorn completion bash': put it into
# /etc/bash_completion.d/posthorn, or: source <(posthorn completion bash)

_posthorn_commands=${quoted(commands.map(({ name }) => name).join(' '))}

# The options of a command, and those of them that take a value.
_posthorn_options() {
  case $1 in
${commands.map(optionsCase).join('\n')}
    *) options=${wordsOf(generalSpellings)} valued=${valuedOf(generalSpellings)} ;;
  esac
}

# What comes next: COMMAND and an option, or COMMAND and the number of the argument.
_posthorn_next() {
  case "$1 $2" in
    "help 0") _posthorn_reply :command ;;
${[...commands.flatMap(valueCases), ...commands.flatMap(argumentCases)].join('\n')}
  esac
}

_posthorn_reply() {
  case $1 in
    :list) COMPREPLY=($(compgen -W "$("$program" "\${general[@]}" lists --quiet 2>/dev/null </dev/null)" -- "$current")) ;;
    :command) COMPREPLY=($(compgen -W "$_posthorn_commands" -- "$current")) ;;
    :file)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      ;;
    :directory)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      ;;
    *) COMPREPLY=($(compgen -W "$1" -- "$current")) ;;
  esac
}

_posthorn() {
  COMPREPLY=()
  # Readline cuts words at @, = and : as well; what was typed is cut at blanks only.
  local line=\${COMP_LINE:0:COMP_POINT} previous= current= command= program options valued word at=1 argument=0
  local -a words general=()
  read -ra words <<<"$line"
  [[ $line == *[[:blank:]] ]] && words+=('')
  local last=$((\${#words[@]} - 1))
  current=\${words[last]}
  program=\${words[0]/#\\~\\//$HOME/}
  _posthorn_options ''
  for (( ; at < last; at++)); do
    word=\${words[at]}
    if [[ $word == -C || $word == --config ]]; then
      previous=$word
      ((++at < last)) || break
      general=(-C "\${words[at]/#\\~\\//$HOME/}")
      previous=
    elif [[ $word == --config=* || $word == -C?* ]]; then
      general=("$word")
    elif [[ $word != -* ]]; then
      command=$word
      _posthorn_options "$command"
      break
    fi
  done
  if [[ $command ]]; then
    for ((at += 1; at < last; at++)); do
      word=\${words[at]}
      if [[ " $valued " == *" $word "* ]]; then
        previous=$word
        ((++at < last)) || break
        previous=
      elif [[ $word != -?* ]]; then
        argument=$((argument + 1))
      fi
    done
  fi
  local before=
  if [[ $previous == -C || $previous == --config ]] && [[ ! $command ]]; then
    _posthorn_reply :file
  elif [[ $previous ]]; then
    _posthorn_next "$command" "$previous"
  elif [[ $current == --*=* ]]; then
    before=\${current%%=*}=
    current=\${current#*=}
    _posthorn_next "$command" "\${before%=}"
  elif [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ ! $command ]]; then
    COMPREPLY=($(compgen -W "$_posthorn_commands help" -- "$current"))
  else
    _posthorn_next "$command" "$argument"
  fi
  # What readline has cut off already must not come twice.
  local cut=
  if [[ $before && $COMP_WORDBREAKS != *=* ]]; then
    COMPREPLY=("\${COMPREPLY[@]/#/$before}")
  elif [[ $current == *[@:=]* ]]; then
    cut=\${current%"\${current##*[@:=]}"}
    [[ $COMP_WORDBREAKS == *"\${cut: -1}"* ]] && COMPREPLY=("\${COMPREPLY[@]#"$cut"}")
  fi
  return 0
}

complete -F _posthorn posthorn mailman
`
}

const wordsOf = (spellings: readonly Spelling[]): string =>
  quoted(spellings.flatMap(({ words }) => words).join(' '))

const valuedOf = (spellings: readonly Spelling[]): string =>
  quoted(spellings.flatMap(({ words, value }) => (value === null ? [] : words)).join(' '))

function optionsCase(command: Command): string {
  const spellings = spellingsOf(command)
  return `    ${command.name}) options=${wordsOf(spellings)} valued=${valuedOf(spellings)} ;;`
}

function valueCases(command: Command): readonly string[] {
  return spellingsOf(command).flatMap(({ words, value }) =>
    value === null || value === 'anything'
      ? []
      : [
          `    ${words.map((word) => `"${command.name} ${word}"`).join(' | ')}) _posthorn_reply ${replyOf(value)} ;;`,
        ],
  )
}

function argumentCases({ name, args }: Command): readonly string[] {
  return args.flatMap(({ kind, suggestion }, at) => {
    if (suggestion === null) return []
    const place = kind === 'rest' ? `"${name} "[0-9]*` : `"${name} ${at}"`
    return [`    ${place}) _posthorn_reply ${replyOf(suggestion)} ;;`]
  })
}

const replyOf = (suggestion: Suggestion): string =>
  typeof suggestion === 'string' ? `:${suggestion}` : quoted(suggestion.join(' '))
