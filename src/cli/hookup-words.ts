// What `posthorn hookup` says: the lines to write, file by file, each with its reason.
import { commented } from '../hookup/blocks.ts'
import type { ConfigurationFile, Hookup, HostFacts, Setting } from '../model/hookup.ts'

/** For a person who copies it by hand. */
export function hookupLines(title: string, facts: HostFacts, hookup: Hookup): readonly string[] {
  const { files, afterwards, ours, notes } = hookup
  const domains = facts.domains.map(
    ({ mailHost, listOnly, aliasDomain }) =>
      `${mailHost} (${listOnly ? 'list-only' : 'shared'}${aliasDomain === null ? '' : `, alias domain ${aliasDomain}`})`,
  )
  return [
    `${title} and Posthorn: LMTP at ${facts.lmtp.host} port ${facts.lmtp.port}; ${domains.join(', ')}`,
    ...ourLines(facts, ours),
    ...files.flatMap(fileLines),
    ...(files.every(({ settings }) => settings.length === 0) ? ['', 'Nothing is to be added.'] : []),
    ...(afterwards.length === 0 ? [] : ['', 'Then run:']),
    ...afterwards.map(({ argv, why }) => `    ${typed(argv)}      # ${why}`),
    ...(notes.length === 0 ? [] : ['', 'To know:']),
    ...notes.map((note) => `  * ${note}`),
  ]
}

/** As one types it. */
export const typed = (argv: readonly string[]): string =>
  argv.map((word) => (/^[\w./:=@,%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ')

/** What our own configuration lacks. */
export function ourLines({ configFile, mailServerFile }: HostFacts, ours: Hookup['ours']): readonly string[] {
  const main = configFile ?? 'the configuration of Posthorn, which has no file yet (posthorn.cfg)'
  const other = mailServerFile ?? "a file of its own, which '[mta] configuration: FILE' names"
  const groups = [
    { place: main, lines: ours.filter(({ inMailServerFile }) => !inMailServerFile) },
    { place: other, lines: ours.filter(({ inMailServerFile }) => inMailServerFile) },
  ].filter(({ lines }) => lines.length > 0)
  return groups.flatMap(({ place, lines }) => [
    '',
    `First, in ${place}, and then restart Posthorn:`,
    ...lines.flatMap(({ section, line, why }) => [`    # ${why}`, `    [${section}]`, `    ${line}`]),
  ])
}

function fileLines(file: ConfigurationFile): readonly string[] {
  const { mode } = file
  if (file.settings.length === 0) return []
  const where =
    file.kind === 'whole'
      ? ` (a file of its own, mode ${mode.toString(8).padStart(4, '0')})`
      : file.place === 'end'
        ? ''
        : 'before' in file.place
          ? ` (before the line like ${file.place.before.source})`
          : ` (after the line like ${file.place.after.source})`
  return ['', `In ${file.path}${where}:`, ...file.settings.flatMap((one) => settingLines(file, one))]
}

function settingLines({ comment }: ConfigurationFile, { lines, why, replaces }: Setting): readonly string[] {
  const taken =
    replaces.length === 0
      ? ''
      : ` (In place of ${replaces.length > 1 ? 'lines' : 'line'} ${replaces.join(', ')}.)`
  return [
    '',
    ...[...commented(why + taken, comment === '' ? '#' : comment), ...lines].map((line) => `    ${line}`),
  ]
}

/** The form of `--json`; places in a file come as the pattern of the line beside which the block goes. */
export function hookupAsJson(name: string, hookup: Hookup) {
  return {
    mail_server: name,
    files: hookup.files.map(({ path, kind, comment, place, settings, mode }) => ({
      path,
      kind,
      comment,
      place:
        place === 'end'
          ? 'end'
          : 'before' in place
            ? { before: place.before.source }
            : { after: place.after.source },
      mode: mode.toString(8).padStart(4, '0'),
      settings,
    })),
    afterwards: hookup.afterwards,
    ours: hookup.ours,
    notes: hookup.notes,
    refusals: hookup.refusals,
  }
}
