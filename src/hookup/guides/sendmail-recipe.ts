// What `posthorn hookup sendmail` prints: lines for the end of sendmail.mc. A domain of lists goes to a mailer that speaks
// LMTP (RFC 2033), by a rule that asks nobody; which addresses exist is asked at RCPT, so that unknown ones are refused
// there. Law: a domain that Posthorn shares with other mail is never routed by a service that may be down.
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Hookup, HookupWay, HostFacts, Setting } from '../../model/hookup.ts'
import { addressFromAfar, isLoopback, reachable } from './hosts.ts'
import type { SendmailFiles } from './sendmail-files.ts'

/** The table in data_dir that the text map reads: `ADDRESS word` a line. */
export const listsTable = 'sendmail_lists'

type Map =
  | { readonly kind: 'text'; readonly path: string }
  | { readonly kind: 'socket'; readonly place: string }

/** Pure. Without a `way` the tables are taken where they are written, else the look-up service where there is one. */
export function sendmailRecipe(
  facts: HostFacts,
  files: SendmailFiles,
  way: HookupWay = usualWay(facts),
): Hookup {
  const refusals = refusalsFor(facts, files, way)
  const only = facts.domains.filter(({ listOnly }) => listOnly).map(({ mailHost }) => mailHost)
  const shared = facts.domains.filter(({ listOnly }) => !listOnly).map(({ mailHost }) => mailHost)
  const table: Map = { kind: 'text', path: join(facts.dataDir, listsTable) }
  const known: Map =
    way === 'lookup'
      ? { kind: 'socket', place: socketPlace(facts.lookup.socketmap ?? usualSocketmap) }
      : table
  const usesTable = shared.length > 0 || (only.length > 0 && known.kind === 'text')
  const settings = [
    classes(only, shared),
    ...maps(usesTable ? table : null, only.length > 0 ? known : null),
    ...relayPermissions(facts, only),
    routes(facts, only, shared),
    ...lookupRules(facts, { only, shared, known }),
    mailer(facts),
  ]
  const mc = files.mc?.path ?? join(files.dir, 'sendmail.mc')
  return {
    files:
      refusals.length > 0
        ? []
        : [{ path: mc, kind: 'block', comment: 'dnl', place: 'end', settings, mode: 0o644 }],
    afterwards: afterwards(facts, files, usesTable),
    ours: [...(usesTable ? publication(facts) : []), ...(known.kind === 'socket' ? service(facts) : [])],
    notes: notes(facts, { only, shared, known }),
    refusals,
  }
}

const usualWay = ({ incoming, lookup }: HostFacts): HookupWay =>
  !incoming.includes('sendmail') && lookup.socketmap !== null ? 'lookup' : 'tables'

const usualSocketmap = '127.0.0.1:8026'

function refusalsFor(
  { domains, delimiter }: HostFacts,
  { dir, mc, cf }: SendmailFiles,
  way: HookupWay,
): readonly string[] {
  const refusals: string[] = []
  if (way === 'verify')
    refusals.push('Sendmail cannot ask the LMTP door at RCPT: take --way lookup, or --way tables')
  if (domains.length === 0)
    refusals.push("there is no domain yet: make one with 'posthorn domain add lists.example.org --list-only'")
  if (mc === null)
    refusals.push(
      cf === null
        ? `${dir} holds neither sendmail.mc nor sendmail.cf: name the folder of Sendmail's files with --config-dir`
        : `${cf.path} is there, but not the sendmail.mc that it was made from: put that into ${dir} (or name its folder with --config-dir); lines written into sendmail.cf itself would be lost when it is made anew`,
    )
  const needsTable = way !== 'lookup' || domains.some(({ listOnly }) => !listOnly)
  if (needsTable && !['', '+'].includes(delimiter))
    refusals.push(
      `Sendmail's rules part an address at +, and [mta] verp_delimiter is '${delimiter}': use +, or --way lookup with list-only domains`,
    )
  return refusals
}

function classes(only: readonly string[], shared: readonly string[]): Setting {
  return {
    lines: [
      'LOCAL_CONFIG',
      ...only.map((domain) => `C{PosthornDomains}${domain}`),
      ...shared.map((domain) => `C{PosthornShared}${domain}`),
    ],
    why:
      shared.length === 0
        ? 'Domains that are for lists alone: all their mail is for Posthorn.'
        : 'PosthornDomains are for lists alone; in PosthornShared other people have addresses too.',
    replaces: [],
  }
}

const tableMap = 'posthornlists'
// Posthorn knows its maps by name, and Sendmail sends the name that stands here.
const socketMap = 'recipients'

function maps(table: Map | null, known: Map | null): readonly Setting[] {
  const settings: Setting[] = []
  if (table?.kind === 'text')
    settings.push({
      lines: [`K${tableMap} text -T<TMPF> -k0 -v1 ${table.path}`],
      why: 'The addresses of all lists, read anew at each look-up: a new list counts at once. A fault defers, it does not refuse.',
      replaces: [],
    })
  if (known?.kind === 'socket')
    settings.push({
      lines: [`K${socketMap} socket -T<TMPF> ${known.place}`],
      why: 'Posthorn itself says which addresses exist. When it is down, mail for lists is deferred, and other mail is not touched.',
      replaces: [],
    })
  return settings
}

function relayPermissions({ lmtp }: HostFacts, only: readonly string[]): readonly Setting[] {
  const settings: Setting[] = []
  if (only.length > 0)
    settings.push({
      lines: only.map((domain) => `RELAY_DOMAIN(\`${domain}')dnl`),
      why: 'Mail from anywhere is taken for these domains.',
      replaces: [],
    })
  const ours = ourAddress(lmtp.host)
  if (ours !== null)
    settings.push({
      lines: [`RELAY_DOMAIN(\`${ours}')dnl`],
      why: 'Posthorn sends from this address to members everywhere.',
      replaces: [],
    })
  return settings
}

/** What Sendmail sees as the client when Posthorn is on another machine; null when it is on this one. */
export function ourAddress(lmtpHost: string): string | null {
  const address = addressFromAfar(lmtpHost)
  return address !== null && isIP(address) === 6 ? `IPv6:${address}` : address
}

function routes(facts: HostFacts, only: readonly string[], shared: readonly string[]): Setting {
  const to = `$#posthorn $@ ${mailerHost(facts.lmtp.host)} $:`
  const lines = ['LOCAL_RULE_0']
  if (only.length > 0) lines.push(`R$+ < @ $={PosthornDomains} $* > $*\t${to} $1 < @ $2 . > $4`)
  if (shared.length > 0)
    lines.push(
      `R$+ < @ $={PosthornShared} $* > $*\t$: $1 < @ $2 . > $4 $| $>PosthornTable $1 @ $2`,
      `R$* $| < $* < TMPF > >\t${cannotLook}`,
      'R$* $| < NO >\t$: $1',
      `R$* < @ $* > $* $| < $* >\t${to} $1 < @ $2 > $3`,
    )
  return {
    lines,
    why:
      shared.length === 0
        ? 'All mail of the domains goes to the mailer below, which is at the end of these lines.'
        : 'All mail of the domains, and mail for lists in shared ones, goes to the mailer below.',
    replaces: [],
  }
}

/** As Sendmail writes an address that is not to be looked up as a mail exchanger. */
export function mailerHost(host: string): string {
  const name = reachable(host)
  return isIP(name) === 6 ? `[IPv6:${name}]` : `[${name}]`
}

const cannotLook = '$#error $@ 4.3.0 $: "451 4.3.0 Lists cannot be looked up now"'

interface Ways {
  readonly only: readonly string[]
  readonly shared: readonly string[]
  readonly known: Map
}

function lookupRules({ delimiter }: HostFacts, { only, shared, known }: Ways): readonly Setting[] {
  const lines: string[] = []
  if (shared.length > 0 || known.kind === 'text')
    lines.push(
      'SPosthornTable',
      ...(delimiter === '' ? [] : [`R$+ ${delimiter} $* @ $+\t$: $1 @ $3`]),
      `R$+ @ $+\t$: < $(${tableMap} $1@$2 $: NO $) >`,
      '',
    )
  if (only.length > 0 && known.kind === 'socket')
    lines.push('SPosthornAsk', `R$+ @ $+\t$: < $(${socketMap} $1@$2 $: NO $) >`, '')
  if (only.length > 0)
    lines.push(
      'SLocal_check_rcpt',
      'R$*\t$: $1 $| $>CanonAddr $1',
      `R$* $| $+ < @ $={PosthornDomains} $* > $*\t$: $1 $| $>${known.kind === 'text' ? 'PosthornTable' : 'PosthornAsk'} $2 @ $3`,
      `R$* $| < $* < TMPF > >\t${cannotLook}`,
      'R$* $| < NO >\t$#error $@ 5.1.1 $: "550 5.1.1 No such list"',
    )
  return [
    {
      lines: ['LOCAL_RULESETS', ...lines],
      why: 'Unknown addresses are refused at RCPT; the known ones go on to all other checks (access map, DNS block lists). Between the two sides of a rule stands a tab.',
      replaces: [],
    },
  ]
}

function mailer({ lmtp }: HostFacts): Setting {
  return {
    lines: [
      'MAILER_DEFINITIONS',
      'Mposthorn,\tP=[IPC], F=mDFMuXzk8, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP/HdrFromSMTP, E=\\r\\n,',
      '\t\tT=DNS/RFC822/SMTP,',
      `\t\tA=TCP $h ${lmtp.port}`,
    ],
    why: 'LMTP (flag z) over TCP; u keeps capitals in addresses, 8 keeps eight bits, k takes a greeting with our own name; without L= long lines stay whole.',
    replaces: [],
  }
}

function afterwards(
  { varDir, dataDir }: HostFacts,
  files: SendmailFiles,
  usesTable: boolean,
): Hookup['afterwards'] {
  const { dir, mc, hasMakefile } = files
  const source = mc?.path ?? join(dir, 'sendmail.mc')
  const head = mc === null || /^\s*include\(.*cf\.m4/m.test(mc.text) ? '' : '/usr/share/sendmail/cf/m4/cf.m4 '
  const cf = join(dir, 'sendmail.cf')
  const make = hasMakefile
    ? { argv: ['make', '-C', dir], why: 'Makes sendmail.cf of sendmail.mc, and the maps.' }
    : {
        argv: ['sh', '-c', `m4 ${head}${source} > ${cf}.new && mv ${cf}.new ${cf}`],
        why: 'Makes sendmail.cf of sendmail.mc.',
      }
  return [
    ...(usesTable
      ? [
          {
            argv: ['chmod', 'g-w,o+x', ...new Set([varDir, dataDir])],
            why: 'Sendmail reads no map below a folder that a group may write to or that others may not pass; our files in it stay closed to others.',
          },
        ]
      : []),
    make,
    { argv: ['service', 'sendmail', 'restart'], why: 'Sendmail reads sendmail.cf when it starts.' },
  ]
}

function publication({ incoming }: HostFacts): Hookup['ours'] {
  if (incoming.includes('sendmail')) return []
  const names = [...incoming.filter((name) => name !== 'null'), 'sendmail']
  return [
    { section: 'mta', line: `incoming: ${names.join(' ')}`, why: `Posthorn writes the table ${listsTable}.` },
  ]
}

function service({ lookup }: HostFacts): Hookup['ours'] {
  const why = 'Posthorn tells Sendmail which addresses exist.'
  return lookup.socketmap === null ? [{ section: 'lookup', line: `socketmap: ${usualSocketmap}`, why }] : []
}

function notes({ relay, lmtp }: HostFacts, { only, shared, known }: Ways): readonly string[] {
  const notes: string[] = []
  if (only.length > 0 && known.kind === 'text')
    notes.push(
      "No file is needed where Sendmail can ask Posthorn: see 'posthorn hookup sendmail --way lookup'.",
    )
  if (shared.length > 0)
    notes.push(
      `In ${shared.join(', ')} Sendmail must know the other addresses as before (local-host-names, virtusertable); a list's address wins over an alias of the same name.`,
    )
  if (shared.length > 0 && known.kind === 'socket')
    notes.push(
      'Shared domains are looked up in the table, not by the look-up service: other mail there must flow when Posthorn is down.',
    )
  if (only.length > 0)
    notes.push(
      `The DNS must have an MX (no CNAME) for ${only.join(', ')}: Sendmail replaces a name that is an alias by what it stands for.`,
    )
  if (!isLoopback(relay.host) && ourAddress(lmtp.host) === null)
    notes.push(
      `Posthorn sends to ${relay.host}: where that is another machine, its Sendmail must relay for our address (RELAY_DOMAIN, or 'Connect:ADDRESS RELAY' in the access map).`,
    )
  return notes
}

/** `inet:PORT@HOST` or `unix:PATH`, as Sendmail's socket map is told; the place as our configuration says it. */
export function socketPlace(place: string): string {
  if (place.startsWith('/')) return `unix:${place}`
  const at = place.lastIndexOf(':')
  const host = place.slice(0, at).replace(/^\[|\]$/g, '')
  const port = place.slice(at + 1)
  const reached = reachable(host)
  return isIP(reached) === 6 ? `inet6:${port}@${reached}` : `inet:${port}@${reached}`
}
