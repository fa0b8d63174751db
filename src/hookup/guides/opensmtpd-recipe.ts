// What `posthorn hookup opensmtpd` prints: lines for smtpd.conf before its first match, because the first rule that
// matches decides. List mail is relayed to us by LMTP (RFC 2033); a table of regular expressions says which addresses
// exist, so that unknown ones are refused at RCPT. Law: in a domain that lists share with people only list addresses are
// taken.
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Hookup, HookupWay, HostFacts, Setting } from '../../model/hookup.ts'
import { addressFromAfar, isLoopback, reachable } from './hosts.ts'
import type { SmtpdConfiguration } from './opensmtpd-configuration.ts'

/** The table in data_dir: one regular expression a line. */
export const recipientsTable = 'opensmtpd_recipients'

/** What smtpctl calls that table. */
export const tableName = 'posthorn_recipients'

/** What [opensmtpd] reload_command should be: OpenSMTPD reads a table once, until it is told to read it again. */
export const reloadCommand = `smtpctl update table ${tableName}`

/** Pure. `there` is null where there is no smtpd.conf. */
export function opensmtpdRecipe(
  facts: HostFacts,
  path: string,
  there: SmtpdConfiguration | null,
  way: HookupWay = 'tables',
): Hookup {
  const refusals: string[] = []
  if (way !== 'tables')
    refusals.push(`OpenSMTPD cannot ask Posthorn which addresses exist (--way ${way}): it reads a table`)
  if (facts.domains.length === 0)
    refusals.push("there is no domain yet: make one with 'posthorn domain add lists.example.org --list-only'")
  if (there === null) refusals.push(`${path} is not there: name the folder of smtpd.conf with --config-dir`)
  const firstMatch = there?.statements.find(({ words }) => words[0] === 'match') ?? null
  if (firstMatch !== null && firstMatch.file !== path)
    refusals.push(
      `the first match is in ${firstMatch.file}, which ${path} includes: our lines must stand before the include; put them there by hand`,
    )
  const only = facts.domains.filter(({ listOnly }) => listOnly).map(({ mailHost }) => mailHost)
  const shared = facts.domains.filter(({ listOnly }) => !listOnly).map(({ mailHost }) => mailHost)
  const settings = [
    ...tables(facts, only, shared),
    action(facts),
    ...matches(only, shared),
    ...relayRule(facts, there),
  ]
  return {
    files:
      refusals.length > 0
        ? []
        : [
            {
              path,
              kind: 'block',
              comment: '#',
              place: firstMatch === null ? 'end' : { before: /^\s*match\b/ },
              settings,
              mode: 0o644,
            },
          ],
    afterwards: [
      {
        argv: ['chmod', 'o+x', ...new Set([facts.varDir, facts.dataDir])],
        why: "OpenSMTPD's own user reads the table again when it is told to, so it must pass these folders; our files in them stay closed to others.",
      },
      { argv: ['smtpd', '-n', '-f', path], why: 'Says whether smtpd.conf is right, and changes nothing.' },
      { argv: ['service', 'opensmtpd', 'restart'], why: 'OpenSMTPD reads smtpd.conf when it starts.' },
    ],
    ours: ours(facts),
    notes: notes(facts),
    refusals,
  }
}

function tables(
  { dataDir }: HostFacts,
  only: readonly string[],
  shared: readonly string[],
): readonly Setting[] {
  const inline = (name: string, domains: readonly string[]): readonly string[] =>
    domains.length === 0 ? [] : [`table ${name} { ${domains.map((domain) => `"${domain}"`).join(', ')} }`]
  return [
    {
      lines: [...inline('posthorn_domains', only), ...inline('posthorn_shared', shared)],
      why:
        shared.length === 0
          ? 'Domains that are for lists alone.'
          : 'posthorn_domains are for lists alone; in posthorn_shared other people have addresses too.',
      replaces: [],
    },
    {
      lines: [`table ${tableName} file:${join(dataDir, recipientsTable)}`],
      why: 'A regular expression for the addresses of each list; Posthorn writes it.',
      replaces: [],
    },
  ]
}

function action({ lmtp }: HostFacts): Setting {
  return {
    lines: [`action "posthorn" relay host "lmtp://${urlHost(lmtp.host)}:${lmtp.port}"`],
    why: 'LMTP to Posthorn. It must be relay: the action lmtp is for local users, and loses what follows the +.',
    replaces: [],
  }
}

const urlHost = (host: string): string => {
  const name = reachable(host)
  return isIP(name) === 6 ? `[${name}]` : name
}

function matches(only: readonly string[], shared: readonly string[]): readonly Setting[] {
  const settings: Setting[] = []
  const route = (table: string): string =>
    `match from any for domain <${table}> rcpt-to regex <${tableName}> action "posthorn"`
  if (only.length > 0)
    settings.push({
      lines: [route('posthorn_domains'), 'match from any for domain <posthorn_domains> reject'],
      why: 'Addresses of lists go to Posthorn; all else in these domains is refused at RCPT. Other rules come behind.',
      replaces: [],
    })
  if (shared.length > 0)
    settings.push({
      lines: [route('posthorn_shared')],
      why: 'Addresses of lists go to Posthorn; all else is left to the rules behind.',
      replaces: [],
    })
  return settings
}

/** Posthorn on another machine is no local client. */
function relayRule({ lmtp }: HostFacts, there: SmtpdConfiguration | null): readonly Setting[] {
  const ours = addressFromAfar(lmtp.host)
  if (ours === null) return []
  const outgoing = there?.statements.find(({ text }) =>
    /^match\s+from\s+local\s+for\s+any\s+action\b/.test(text),
  )
  const name = outgoing?.words.at(-1)
  return [
    {
      lines: [
        ...(name === undefined ? ['action "posthorn_out" relay'] : []),
        `match from src "${ours}" for any action "${name ?? 'posthorn_out'}"`,
      ],
      why: 'Posthorn sends from this address to members everywhere.',
      replaces: [],
    },
  ]
}

function ours({ incoming }: HostFacts): Hookup['ours'] {
  if (incoming.includes('opensmtpd')) return []
  const names = [...incoming.filter((name) => name !== 'null'), 'opensmtpd']
  return [
    {
      section: 'mta',
      line: `incoming: ${names.join(' ')}`,
      why: `Posthorn writes the table ${recipientsTable}.`,
    },
  ]
}

function notes({ account, lmtp, relay, opensmtpd }: HostFacts): readonly string[] {
  const notes = [
    'The table must be there before smtpd is restarted: Posthorn writes it when it starts, or by posthorn aliases.',
  ]
  const isRoot = account.user === 'root'
  if (opensmtpd.reloadCommand.length === 0)
    notes.push(
      `OpenSMTPD reads a table once. When it runs with these lines, let Posthorn tell it of new lists: '[opensmtpd] reload_command: ${isRoot ? '' : 'sudo -n /usr/sbin/'}${reloadCommand}' in the file that [mta] configuration names.`,
    )
  if (!isRoot)
    notes.push(
      `smtpctl obeys root alone: let ${account.user} run this one command by '${account.user} ALL=(root) NOPASSWD: /usr/sbin/${reloadCommand}' in /etc/sudoers.d/posthorn.`,
    )
  if (!isLoopback(relay.host) && addressFromAfar(lmtp.host) === null)
    notes.push(
      `Posthorn sends to ${relay.host}: where that is another machine, its smtpd.conf needs 'match from src ADDRESS for any action …' for our address.`,
    )
  return notes
}
