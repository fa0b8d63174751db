// Ways in which an operator's smtpd.conf breaks a hook-up that was sound: the rule for lists made narrower, another feature
// of OpenSMTPD in the way, a slip of the pen. And ways that look odd, and work.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HostFacts } from '../../src/model/hookup.ts'
import type { MailServerLab } from './mail-server-lab.ts'

export const listOnly = 'lists.example.test'
export const shared = 'people.example.test'

type Undo = () => void | Promise<void>

export interface Breakage {
  readonly title: string
  /** What is told first, without `opensmtpd.`. */
  readonly code: string
  readonly seen?: RegExp
  /** Changes smtpd.conf. */
  readonly conf?: (text: string) => string
  /** Changes the table. */
  readonly table?: (text: string) => string
  readonly facts?: (facts: HostFacts) => HostFacts
  /** Anything else, given the table's path; what it gives back undoes it. */
  readonly also?: (table: string, lab: MailServerLab) => Undo | Promise<Undo>
}

export const replaced =
  (pattern: RegExp | string, by: string) =>
  (text: string): string => {
    const changed = text.replace(pattern, () => by)
    if (changed === text) throw new Error(`nothing to break: ${pattern}`)
    return changed
  }
/** Puts lines before the first rule of ours. */
export const earlier = (line: string) =>
  replaced(
    /^match from any for domain <posthorn_domains> rcpt-to/m,
    `${line}\nmatch from any for domain <posthorn_domains> rcpt-to`,
  )
export const both =
  (...edits: readonly ((text: string) => string)[]) =>
  (text: string): string =>
    edits.reduce((before, edit) => edit(before), text)
export const action = (by: string) => replaced(/^action "posthorn".*$/m, by)

/** What hookup writes for the list-only domain. */
const ours =
  'match from any for domain <posthorn_domains> rcpt-to regex <posthorn_recipients> action "posthorn"'
const rule = (from: string, to: string) => replaced(ours, ours.replace(from, to))
const listener = (...lines: readonly string[]) => replaced(/^listen on 127\.0\.0\.1.*$/m, lines.join('\n'))
const outgoing = (by: string) => replaced(/^action "relay" relay.*$/m, by)
const before = (line: string) => (text: string) => `${line}\n${text}`
const tableLine = (name: string, by: string) =>
  replaced(new RegExp(`^table ${name} .*$`, 'm'), `table ${name} ${by}`)
const listen = 'listen on 127.0.0.1 port PORT_OF_SMTP'

export const furtherBreakages: readonly Breakage[] = [
  { title: 'posts only after a login', code: 'rule-narrowed', conf: rule('from any', 'auth from any') },
  { title: 'posts only by TLS', code: 'rule-narrowed', conf: rule('from any', 'tls from any') },
  { title: 'a tag that no listener gives', code: 'rule-narrowed', conf: rule('from any', 'tag INTERNET from any') },
  { title: 'posts only from members of one domain', code: 'rule-narrowed', conf: rule('from any', 'from any mail-from "@example.org"') },
  { title: 'posts only from one network', code: 'rule-narrowed', conf: rule('from any', 'from src "192.0.2.0/24"') },
  { title: 'posts only from one host’s greeting', code: 'rule-narrowed', conf: rule('from any', 'from any helo "mx.example.org"') },
  { title: 'all recipients but those of the table', code: 'rule-narrowed', conf: rule('rcpt-to', '! rcpt-to') },
  { title: 'our rule says reject', code: 'rule-elsewhere', conf: rule('action "posthorn"', 'reject') },
  { title: 'our rule relays to the world', code: 'rule-elsewhere', conf: rule('action "posthorn"', 'action "relay"') },
  { title: 'our rule delivers to local users', code: 'rule-elsewhere', conf: rule('action "posthorn"', 'action "local"') },
  { title: 'our rule for local domains', code: 'domain-missing', conf: rule('for domain <posthorn_domains>', 'for local') },
  { title: 'one expression in the rule instead of the table', code: 'table-entry-missing', seen: /tea\|milk/, conf: rule('<posthorn_recipients>', '"^(tea|milk)@"') },
  {
    title: 'our lines behind all others',
    code: 'local-mail-elsewhere',
    conf: (text) => {
      const block = /^# posthorn hookup begin[\s\S]*^# posthorn hookup end\n/m
      return replaced(block, '')(text) + (block.exec(text)?.[0] ?? '')
    },
  },
  { title: 'a table of another kind', code: 'table-missing', conf: replaced(/file:(\S+opensmtpd_recipients)/, 'db:/etc/mail/opensmtpd_recipients.db') },
  { title: 'a file of domains that is missing', code: 'table-missing', conf: tableLine('posthorn_domains', 'file:/etc/mail/domains') },
  { title: 'a folder for a table', code: 'table-missing', conf: tableLine('posthorn_recipients', 'file:/etc') },
  { title: 'a domain without braces', code: 'configuration-error', conf: tableLine('posthorn_domains', `"${listOnly}"`) },
  { title: 'LMTP with TLS', code: 'not-lmtp', conf: replaced('"lmtp://', '"lmtp+tls://') },
  { title: 'a backup MX', code: 'configuration-error', conf: replaced('relay host "lmtp', 'relay backup host "lmtp') },
  { title: 'an address to send from', code: 'action-source', conf: replaced(/^(action "posthorn" .*)$/m, 'action "posthorn" relay host "lmtp://127.0.0.1:PORT" src "192.0.2.1"') },
  { title: 'an action that only expands aliases', code: 'action-local', conf: action('action "posthorn" expand-only alias <aliases>') },
  { title: 'a program for each message', code: 'action-local', conf: action('action "posthorn" mda "/usr/bin/posthorn-qmail 8024"') },
  { title: 'a filter that refuses our envelope senders', code: 'filter-refuses', conf: listener('filter "f" phase mail-from match mail-from regex "-bounces\\+" reject "550 no"', `${listen} filter "f"`) },
  { title: 'a filter that refuses extensions', code: 'filter-refuses', conf: listener('filter "f" phase rcpt-to match rcpt-to regex "[+]" disconnect "550 no"', `${listen} filter "f"`) },
  { title: 'a filter in a chain that refuses this machine', code: 'filter-refuses', conf: listener('filter "f" phase connect match src "127.0.0.1" reject "550 no"', 'filter "g" chain { "f" }', `${listen} filter "g"`) },
  { title: 'a filter that there is not', code: 'configuration-error', conf: listener(`${listen} filter "f"`) },
  { title: 'an include of a file that there is not', code: 'configuration-error', conf: before('include "/etc/mail/lists.conf"') },
  { title: 'a macro that there is not', code: 'configuration-error', conf: both(before('way = "lmtp://127.0.0.1:PORT"'), action('action "posthorn" relay host $wya')) },
  { title: 'the action twice', code: 'configuration-error', conf: action('action "posthorn" relay host "lmtp://127.0.0.1:PORT"\naction "posthorn" relay host "lmtp://127.0.0.1:PORT"') },
  { title: 'a quote that is not closed', code: 'configuration-error', conf: replaced(/("lmtp:[^"]*)"/, '"lmtp://127.0.0.1:PORT') },
  { title: 'another envelope sender for all that leaves', code: 'sender-changed', conf: outgoing('action "relay" relay mail-from "@example.org"') },
  { title: 'relaying for other senders only', code: 'relay-refused', conf: replaced(/^match from local for any action "relay"$/m, 'match from local mail-from "@example.org" for any action "relay"') },
  { title: 'relaying to one domain only', code: 'relay-refused', conf: replaced(/^match from local for any action "relay"$/m, 'match from local for domain "example.org" action "relay"') },
  { title: 'a listener on another interface', code: 'not-listening', conf: listener('listen on eth0 port 25') },
  { title: 'no listener', code: 'not-listening', conf: listener('') },
  { title: 'a low limit of size', code: 'message-size', conf: before('smtp max-message-size "10K"') },
  { title: 'an earlier rule that takes all but some clients', code: 'rule-shadowed', conf: both(before('table trusted { 127.0.0.1 }'), earlier('match !from src <trusted> for any reject')) },
  {
    title: 'a list domain in mailname, and an earlier rule for local domains',
    code: 'rule-shadowed',
    conf: earlier('match from any for local action "local"'),
    also: (_, lab) => {
      const path = join(lab.root, 'etc/mailname')
      writeFileSync(path, `${listOnly}\n`)
      return () => writeFileSync(path, 'mta.lab.test\n')
    },
  },
  {
    title: 'deliveries are paused',
    code: 'paused',
    also: async (_, lab) => {
      await lab.exec(['smtpctl', 'pause', 'mta'])
      return async () => void (await lab.exec(['smtpctl', 'resume', 'mta']))
    },
  },
] // biome-ignore format: a table

export interface Oddity {
  readonly title: string
  readonly conf: (text: string) => string
  /** Files below the laboratory's root. */
  readonly files?: Readonly<Record<string, string>>
}

export const oddities: readonly Oddity[] = [
  { title: 'a macro for the place of Posthorn', conf: both(before('way = "lmtp://127.0.0.1:PORT"'), action('action "posthorn" relay host $way')) },
  { title: 'senders that are refused', conf: both(before('table bad { "@spam.example" }'), earlier('match from any mail-from <bad> for any reject')) },
  { title: 'a filter that asks the DNS', conf: listener('filter "f" phase connect match !rdns disconnect "550 no"', `${listen} filter "f"`) },
  { title: 'a filter that refuses others', conf: listener('filter "f" phase mail-from match mail-from regex "@spam" reject "550 no"', `${listen} filter "f"`) },
  { title: 'a filter that no listener uses', conf: before('filter "f" phase rcpt-to match rcpt-to regex "." reject "550 no"') },
  { title: 'domains in a file, with a remark', conf: tableLine('posthorn_domains', 'file:/etc/list-domains'), files: { 'etc/list-domains': `# lists\n${listOnly}\n` } },
  { title: 'a domain without quotes', conf: tableLine('posthorn_domains', `{ ${listOnly} }`) },
  { title: 'a rule over two lines', conf: rule(' rcpt-to', ' \\\n  rcpt-to') },
  { title: 'a tag, and a rule for it', conf: both(listener(`${listen} tag LOCAL`), earlier('match tag LOCAL from any for local action "local"')) },
  { title: 'an earlier rule for another domain', conf: earlier('match from any for domain "example.org" action "local"') },
  { title: 'an earlier rule for those who log in', conf: earlier('match auth from any for any action "relay"') },
  { title: 'SRS for what leaves', conf: both(before('srs key "0123456789abcdef"'), outgoing('action "relay" relay srs')) },
] // biome-ignore format: a table
