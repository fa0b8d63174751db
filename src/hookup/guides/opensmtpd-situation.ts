// What the doctor knows of an OpenSMTPD before it judges: its rules, actions and tables. Law: the files as they are now;
// what smtpd itself says of them comes beside.
import { dirname, join } from 'node:path'
import type { Ended, HostFacts, MailServerHost } from '../../model/hookup.ts'
import type { SmtpdConfiguration, Statement } from './opensmtpd-configuration.ts'
import { decide, type Probe, type Rule, rulesOf } from './opensmtpd-rules.ts'
import { readTables, type Table } from './opensmtpd-tables.ts'
import { seenFromOutside } from './seen-at.ts'

export interface Action {
  readonly name: string
  readonly statement: Statement
  /** `relay`, `lmtp`, `maildir` … */
  readonly method: string
  /** Of `relay host URL`; null without one. */
  readonly url: { readonly protocol: string; readonly host: string; readonly port: number | null } | null
  /** What follows the method. */
  readonly options: readonly string[]
}

export interface Situation {
  readonly facts: HostFacts
  readonly host: MailServerHost
  readonly configuration: SmtpdConfiguration
  readonly rules: readonly Rule[]
  readonly actions: ReadonlyMap<string, Action>
  readonly tables: ReadonlyMap<string, Table>
  /** What `smtpd -n` said; null when it cannot be started. */
  readonly said: Ended | null
  /** Domains that `for local` means. */
  readonly localNames: readonly string[]
}

/** Throws Unavailable when a table cannot be read. */
export async function situationOf(
  facts: HostFacts,
  host: MailServerHost,
  configuration: SmtpdConfiguration,
): Promise<Situation> {
  const { statements } = configuration
  const said = await host.run(['smtpd', '-n', '-f', configuration.path])
  const seenAt = said === null ? seenFromOutside(facts, host) : async (path: string) => path
  const actions = statements.filter(({ words }) => words[0] === 'action').map(actionOf)
  return {
    facts,
    host,
    configuration,
    rules: rulesOf(statements),
    actions: new Map(actions.map((action) => [action.name, action])),
    tables: await readTables(host, seenAt, configuration),
    said,
    localNames: ['localhost', facts.hostname, ...(await mailName(host, configuration.path))],
  }
}

/** Its own name, where a file says it: `for local` means it too. */
async function mailName(host: MailServerHost, conf: string): Promise<readonly string[]> {
  const name = (await host.readText(join(dirname(conf), 'mailname')))?.trim().toLowerCase() ?? ''
  return name === '' ? [] : [name]
}

function actionOf(statement: Statement): Action {
  const [, name = '', method = '', ...options] = statement.words
  const text = options[options.indexOf('host') + 1]
  return {
    name,
    statement,
    method,
    url: options.includes('host') && text !== undefined ? urlOf(text) : null,
    options,
  }
}

/** `PROTO://[LABEL@]HOST[:PORT]`; without a protocol it is smtp. */
function urlOf(text: string): Action['url'] {
  const [, protocol = 'smtp', rest = text] = /^([\w+]+):\/\/(.*)$/.exec(text) ?? []
  const place = rest.slice(rest.indexOf('@') + 1)
  const [, host = place, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(place) ?? []
  return { protocol, host: host.replace(/^\[|\]$/g, ''), port: port === undefined ? null : Number(port) }
}

/** An action that is meant for us: it speaks LMTP, or is called so. */
export const isForLists = ({ name, method, url }: Action): boolean =>
  method === 'lmtp' || url?.protocol === 'lmtp' || /posthorn|mailman|mm3|^lists?$/i.test(name)

export const decision = ({ rules, tables, localNames }: Situation, probe: Probe): ReturnType<typeof decide> =>
  decide(rules, tables, localNames, probe)

/** A client outside, of a network for documentation (RFC 5737). */
export const fromOutside = (recipient: string): Probe => ({
  client: '198.51.100.25',
  sender: 'somebody@example.net',
  recipient,
})

export const placeOf = ({ text, file, line }: Statement): { seen: string; file: string; line: number } => ({
  seen: text,
  file,
  line,
})
