// What no single value shows: keys that contradict each other, and doors left open. Security laws: no door for mail
// or look-ups listens to the world without a list of who may come, and REST not with a password that everybody knows.
import type { DkimKey } from './dkim-keys.ts'
import { isLoopback, isWildcard } from './hosts.ts'
import { type MailServerSettings, needsFile } from './mail-server-sections.ts'
import { type ConfigMistake, mistake, type Place, quote } from './mistake.ts'
import type { FamilySections, SingleSections } from './schema.ts'

/** The sections with their values, which the checks look at together. */
export type Settings = Omit<SingleSections, 'dkim'> &
  FamilySections &
  MailServerSettings & { readonly dkim: { readonly keys: readonly DkimKey[] } }

/** Where a key was written, or null for a default; section and key as in the file. */
export type PlaceOf = (section: string, key: string) => Place | null

interface Checked {
  readonly errors: readonly ConfigMistake[]
  readonly warnings: readonly ConfigMistake[]
}

export function checkConfig(config: Settings, placeOf: PlaceOf): Checked {
  const errors: ConfigMistake[] = []
  const warnings: ConfigMistake[] = []
  const into = (list: ConfigMistake[]) => (section: string, key: string, what: string) => {
    list.push(mistake(placeOf(section, key), `${section}.${key}`, what))
  }
  checkDoors(config, into(errors), into(warnings))
  checkMailman(config, into(errors), into(warnings))
  checkMail(config, into(errors), into(warnings))
  checkArchivers(config, into(errors))
  return { errors, warnings }
}

type Say = (section: string, key: string, what: string) => void

/** The password that every Mailman begins with. */
const wellKnownPassword = 'restpass'

const writeAllow =
  'write [lmtp] allow with the addresses of your mail servers, such as 192.0.2.25 or 10.0.0.0/8'

function checkDoors({ mta, lmtp, lookup, web, webservice }: Settings, wrong: Say, warn: Say): void {
  if (isWildcard(mta.lmtpHost) && lmtp.allow === null) {
    const what = `${mta.lmtpHost} lets every host deliver; ${writeAllow}, or lmtp_host: 127.0.0.1`
    wrong('mta', 'lmtp_host', what)
  }
  if (lmtp.smtpIntake !== null && isWildcard(lmtp.smtpIntake.host) && lmtp.allow === null) {
    wrong('lmtp', 'smtp_intake', `${lmtp.smtpIntake.host} lets every host deliver; ${writeAllow}`)
  }
  for (const [key, address] of [
    ['socketmap', lookup.socketmap],
    ['tcp_table', lookup.tcpTable],
    ['readsocket', lookup.readsocket],
  ] as const) {
    if (address?.kind !== 'tcp' || !isWildcard(address.host) || lmtp.allow !== null) continue
    wrong('lookup', key, `${address.host} lets every host ask which addresses exist; ${writeAllow}`)
  }
  if (web.metrics !== null && isWildcard(web.metrics.host)) {
    const what = `${web.metrics.host} tells every host how this server is; write 127.0.0.1, or an address of a network of your own`
    warn('web', 'metrics', what)
  }
  if (webservice.adminPass !== wellKnownPassword) return
  const write = 'write a password of your own, or leave admin_pass out and let one be made'
  if (isLoopback(webservice.hostname)) warn('webservice', 'admin_pass', `is known to everybody; ${write}`)
  else
    wrong(
      'webservice',
      'admin_pass',
      `is known to everybody, and ${webservice.hostname} is not loopback; ${write}`,
    )
}

const listNameCharacters = /^[-_.+=!$*{}~0-9a-z]$/

function checkMailman({ mailman, languages }: Settings, wrong: Say, warn: Say): void {
  if (mailman.siteOwner === 'changeme@example.com') {
    warn(
      'mailman',
      'site_owner',
      'is still the example; write the address of the person who looks after this site',
    )
  }
  if (languages[mailman.defaultLanguage]?.enabled !== true) {
    const codes = Object.keys(languages).filter((code) => languages[code]?.enabled === true)
    const what = `${quote(mailman.defaultLanguage)} is not an enabled language; accepted: ${codes.join(', ')}`
    wrong('mailman', 'default_language', what)
  }
  if (!/^[a-z0-9][a-z0-9._-]*$/i.test(mailman.noreplyAddress)) {
    const what = `${quote(mailman.noreplyAddress)} is not a local part; accepted: a word such as noreply, without @`
    wrong('mailman', 'noreply_address', what)
  }
  const fault = listNameFault(mailman.listnameChars)
  if (fault !== null) {
    const accepted = 'accepted: a class such as [-_.0-9a-z], of nothing but -_.+=!$*{}~0-9a-z'
    wrong('mailman', 'listname_chars', `${fault}; ${accepted}`)
  }
}

function listNameFault(pattern: string): string | null {
  let allowed: RegExp
  try {
    allowed = new RegExp(`^${pattern}$`)
  } catch {
    return `${quote(pattern)} is not a regular expression`
  }
  if (!/^\[[^\]]+\]$/.test(pattern)) return `${quote(pattern)} is not a character class`
  const characters = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
  const beyond = characters.find((c) => allowed.test(c) && !listNameCharacters.test(c))
  return beyond === undefined ? null : `${quote(pattern)} allows ${JSON.stringify(beyond)}`
}

function checkMail(
  { mta, courier, arc, devmode, antispam, dkim, nntp }: Settings,
  wrong: Say,
  warn: Say,
): void {
  if ((mta.smtpUser === null) !== (mta.smtpPass === null)) {
    const [given, missing] = mta.smtpUser === null ? ['smtp_pass', 'smtp_user'] : ['smtp_user', 'smtp_pass']
    warn('mta', given, `without ${missing} there is no login; write both or none`)
  }
  const names = mta.incoming.map((each) => (each.kind === 'built-in' ? each.name : each.exportName))
  if (mta.configuration.kind === 'file' && !needsFile(mta.incoming, mta.configuration)) {
    warn('mta', 'configuration', `has no effect here: ${names.join(', ')} needs no further settings`)
  }
  if (names.includes('courier') && courier.home === null && Object.keys(courier.homes).length === 0) {
    const write = 'write [courier] home into the file that configuration names, or use null'
    warn('mta', 'incoming', `courier gets no files, since nothing says where its user's home is; ${write}`)
  }
  if (devmode.enabled && devmode.recipient === null) {
    wrong('devmode', 'recipient', 'is empty though devmode is enabled; write the address that gets all mail')
  }
  if (devmode.enabled && devmode.recipient !== null)
    warn('devmode', 'enabled', `every copy goes to ${devmode.recipient}, and none to a member`)
  for (const line of antispam.headerChecks) {
    if (/^[!-9;-~]+:\s*\S/.test(line)) continue
    wrong('antispam', 'header_checks', `${quote(line)} is not a check; accepted: Header: regular expression`)
  }
  for (const line of nntp.rewriteDuplicateHeaders) {
    if (/^\S+\s+\S+$/.test(line)) continue
    wrong(
      'nntp',
      'rewrite_duplicate_headers',
      `${quote(line)} is not a pair; accepted: Header X-Original-Header`,
    )
  }
  for (const { domain, selector } of dkim.keys) {
    if (domain !== '' && selector !== '') continue
    const name = `${domain}.${selector}`.replace(/^\.+|\.+$/g, '')
    wrong('dkim', name, 'names no selector; accepted: sign, or DOMAIN.SELECTOR such as example.org.s1')
  }
  if (!arc.enabled) return
  for (const key of ['privkey', 'selector', 'domain'] as const) {
    if (arc[key] === null) wrong('ARC', key, 'is empty though ARC is enabled; write it, or enabled: no')
  }
  if (!arc.sigHeaders.some((name) => name.toLowerCase() === 'from')) {
    wrong('ARC', 'sig_headers', 'lacks From, which a seal must cover (RFC 8617 §4.1.2); add it')
  }
}

function checkArchivers({ archivers }: Settings, wrong: Say): void {
  for (const [name, archiver] of Object.entries(archivers)) {
    if (!archiver.enable) continue
    const accepted =
      'accepted: prototype, mhonarc, mail-archive, hyperkitty, or a module of your own as ./file.ts#Name'
    if (archiver.class === null)
      wrong(`archiver.${name}`, 'class', `is empty though it is enabled; ${accepted}`)
    else if (archiver.class.kind === 'unknown') {
      wrong(`archiver.${name}`, 'class', `${quote(archiver.class.name)} is not known; ${accepted}`)
    }
  }
}
