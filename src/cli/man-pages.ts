// The manual pages in man(7), made from the commands and from the schema of the configuration: `posthorn help --man DIR`.
// They are made when a package is made and not kept, so that no page can be behind its program.
import type { Key, Keys, Section } from '../config/key.ts'
import { postfix } from '../config/postfix.ts'
import { families, sections } from '../config/schema.ts'
import { paths } from '../config/schema-system.ts'
import type { Command } from './command.ts'
import { generalSpellings, type Spelling, spellingsOf } from './completion/words.ts'

/** Each file's name and its text. `version` stands at the foot of each page. */
export function manualPages(commands: readonly Command[], version: string): ReadonlyMap<string, string> {
  return new Map([
    ['posthorn.1', overviewPage(commands, version)],
    ...commands.map((command) => [`posthorn-${command.name}.1`, commandPage(command, version)] as const),
    ['posthorn.cfg.5', configurationPage(version)],
  ])
}

function overviewPage(commands: readonly Command[], version: string): string {
  return page('posthorn', 1, version, [
    ...section('NAME', ['posthorn \\- a mailing\\-list server that plugs into your mail server']),
    ...section('SYNOPSIS', [
      `.B posthorn`,
      '[\\fB\\-C\\fR \\fIFILE\\fR] \\fICOMMAND\\fR [\\fIOPTIONS\\fR] ...',
    ]),
    ...section('DESCRIPTION', [
      words(
        'Takes mail for lists from the mail server by LMTP, judges it, and hands a copy for each member back by SMTP. With a server running, commands run in the server; without one they take the lock of the data directory. It is called mailman too, and takes that program’s commands and options.',
      ),
    ]),
    ...section('OPTIONS', generalSpellings.flatMap(optionLines)),
    ...section(
      'COMMANDS',
      commands.flatMap(({ name, summary }) => [
        '.TP',
        `.BR posthorn\\-${literal(name)} (1)`,
        words(`${summary}.`),
      ]),
    ),
    ...section('EXIT STATUS', exitCodes),
    ...section('FILES', [
      '.TP',
      '.I /etc/posthorn.cfg, /etc/mailman.cfg',
      words('The configuration, where neither -C nor the environment names one.'),
    ]),
    ...section('ENVIRONMENT', [
      '.TP',
      '.B POSTHORN_CONFIG_FILE, MAILMAN_CONFIG_FILE',
      words('The configuration file, where -C does not name one.'),
    ]),
    ...section('SEE ALSO', ['.BR posthorn.cfg (5)']),
  ])
}

function commandPage(command: Command, version: string): string {
  const { name, summary, usage, about, examples } = command
  const [, ...shape] = usage.split(' ')
  return page(`posthorn-${name}`, 1, version, [
    ...section('NAME', [`posthorn\\-${literal(name)} \\- ${words(lowerFirst(summary))}`]),
    ...section('SYNOPSIS', [`.B posthorn ${literal(name)}`, literal(shape.join(' '))]),
    ...section('DESCRIPTION', paragraphs(about)),
    ...section('OPTIONS', spellingsOf(command).flatMap(optionLines)),
    ...(examples.length === 0
      ? []
      : section('EXAMPLES', ['.nf', ...examples.map((example) => literal(example)), '.fi'])),
    ...section('EXIT STATUS', exitCodes),
    ...section('SEE ALSO', ['.BR posthorn (1),', '.BR posthorn.cfg (5)']),
  ])
}

function configurationPage(version: string): string {
  const all: readonly Section<Keys>[] = [
    ...Object.values(sections),
    paths,
    ...Object.values(families),
    postfix,
  ]
  return page('posthorn.cfg', 5, version, [
    ...section('NAME', ['posthorn.cfg \\- configuration of Posthorn, and mailman.cfg as Posthorn reads it']),
    ...section('DESCRIPTION', [
      words(
        'Sections in brackets, and in them lines of the form key: value. A line that is indented deeper than its key goes on with the value; # and ; begin a comment at the start of a line. Keys of Mailman’s that have no effect here are accepted, and told by ‘posthorn conf --check’. Yes and no may also be true and false, on and off, 1 and 0; durations are sums such as 1h30m, 5d, 2w; sizes are bytes, or have a unit such as MiB.',
      ),
    ]),
    ...all.flatMap((each) => [
      `.SH "[${literal(each.title)}]"`,
      words(each.doc),
      ...Object.entries(each.keys).flatMap(([name, key]) => keyLines(name, key)),
      ...(each.others === undefined ? [] : keyLines('(any other)', each.others)),
    ]),
    ...section('SEE ALSO', ['.BR posthorn (1),', '.BR posthorn\\-conf (1)']),
  ])
}

function keyLines(name: string, { type, standard, doc, treatment }: Key<unknown>): readonly string[] {
  const note =
    treatment === 'honoured'
      ? ''
      : 'ignored' in treatment
        ? ` No effect here: ${treatment.ignored}.`
        : 'later' in treatment
          ? ` Not yet: waits for ${treatment.later}.`
          : ` Here: ${treatment.translated}`
  const usual = standard === '' ? '' : ` Default: ${standard.replace(/\s*\n\s*/g, ' / ')}.`
  return ['.TP', `\\fB${literal(name)}\\fR: \\fI${literal(type.name)}\\fR`, words(`${doc}${note}${usual}`)]
}

const exitCodes = [
  words(
    '0: done, or nothing to do. 1: not done. 2: wrong use (a list that does not exist too) or configuration. 3: nothing of that number or name in the store. 75: try again later.',
  ),
]

function optionLines({ words: names, help, value, metavar }: Spelling): readonly string[] {
  const shown = names.map((name) => `\\fB${literal(name)}\\fR`).join(', ')
  const choices = typeof value === 'object' && value !== null ? value.join('|') : metavar
  return ['.TP', value === null ? shown : `${shown} \\fI${literal(choices)}\\fR`, words(help)]
}

function page(name: string, part: number, version: string, lines: readonly string[]): string {
  return `${[`.TH "${literal(name.toUpperCase())}" ${part} "" "Posthorn ${literal(version)}" "Posthorn"`, ...lines].join('\n')}\n`
}

const section = (title: string, lines: readonly string[]): readonly string[] => [`.SH ${title}`, ...lines]

/** A page of help as paragraphs; an empty line parts them. */
function paragraphs(about: string): readonly string[] {
  return about
    .split(/\n\s*\n/)
    .flatMap((paragraph, at) => [...(at > 0 ? ['.PP'] : []), words(paragraph.replace(/\s+/g, ' ').trim())])
}

const lowerFirst = (text: string): string => `${text.slice(0, 1).toLowerCase()}${text.slice(1)}`

/** Running text: nothing in it is a request, and letters beyond ASCII have their names. */
function words(text: string): string {
  const escaped = text
    .replace(/\s+/g, ' ')
    .replaceAll('\\', '\\e')
    .replace(/-/g, '\\-')
    .replace(/[’‘…–]/g, (sign) => named[sign] ?? sign)
    .replace(
      /[^ -~]/gu,
      (sign) => `\\[u${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    )
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped
}

/** What is typed: as words, with the quotes that a shell and a file know. */
const literal = (text: string): string =>
  words(text)
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('"', '\\(dq')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')

const named: Readonly<Record<string, string>> = { '’': '\\(cq', '‘': '\\(oq', '…': '...', '–': '\\(en' }
