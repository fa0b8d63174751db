// All that `posthorn doctor opensmtpd` may find. Law: a code is never renamed.
import type { FindingKind, Severity } from '../../model/hookup.ts'

type Words = readonly [summary: string, why: string, change: string]

const restart = "see 'smtpd -n', and restart OpenSMTPD"
const byHookup = `run 'posthorn hookup opensmtpd' and put its lines before the first match of smtpd.conf, ${restart}`

/** Rank 100 is the middle; causes are smaller. */
function kind(name: string, severity: Severity, rank: number, [summary, why, change]: Words): FindingKind {
  return { code: `opensmtpd.${name}`, severity, summary, why, change, rank }
}

export const noConfiguration = kind('no-configuration', 'error', 1, [
  'OpenSMTPD has no smtpd.conf',
  'Without it OpenSMTPD does not start.',
  'write one, or name its folder with --config-dir',
])
export const tableMissing = kind('table-missing', 'error', 5, [
  'the file of a table is missing',
  'OpenSMTPD does not start without it.',
  "have it written: add opensmtpd to [mta] incoming, and run 'posthorn aliases'",
])
export const tableEmpty = kind('table-empty', 'error', 6, [
  'the table of list addresses is empty',
  'OpenSMTPD does not start with an empty table ("may not be used for rcpt-to lookups").',
  "have it written: 'posthorn aliases', which puts a line there that matches nothing",
])
export const undefinedName = kind('undefined-name', 'error', 7, [
  'a rule names an action or a table that is not defined before it',
  'OpenSMTPD does not start.',
  `put the action or table line before the rule, ${restart}`,
])
export const configurationError = {
  ...kind('configuration-error', 'error', 8, [
    'OpenSMTPD finds a fault in smtpd.conf',
    'It does not start with it; one that runs goes on with what it read before.',
    `mend the line, ${restart}`,
  ]),
  explains: ['opensmtpd.rule-missing', 'opensmtpd.unknown-recipients-accepted'],
}
export const hookUpMissing = kind('hook-up-missing', 'error', 20, [
  'OpenSMTPD does not know of Posthorn',
  'There is no action that speaks LMTP, so mail for lists is refused or goes another way.',
  byHookup,
])
export const ruleMissing = kind('rule-missing', 'error', 21, [
  'no rule leads list mail to the action for lists',
  'The action is there and nothing uses it for this domain.',
  byHookup,
])
export const domainMissing = kind('domain-missing', 'error', 22, [
  "a domain of Posthorn's is not among those that the rule takes",
  'Mail for its lists is refused ("550 Invalid recipient"), or goes the way of other mail.',
  `add the domain to the table of the rule, ${restart}`,
])
export const ruleShadowed = kind('rule-shadowed', 'error', 23, [
  'an earlier rule takes list mail',
  'The first rule that matches decides; the one for lists is never asked.',
  `move the rule for lists before it, ${restart}`,
])
export const onlyFromLocal = kind('only-from-local', 'error', 24, [
  'the rule for lists takes mail from this machine only',
  'Without "from any" a rule is for local clients; posts from outside are refused.',
  `write 'match from any for domain …', ${restart}`,
])
export const ruleNarrowed = kind('rule-narrowed', 'error', 24, [
  'the rule for lists has a condition that posts do not meet',
  'Posts come from anywhere, by plain SMTP, without a login: such mail is refused, or goes the way of other mail.',
  `take the condition out of the rule: 'match from any for domain … rcpt-to regex …', ${restart}`,
])
export const ruleElsewhere = kind('rule-elsewhere', 'error', 24, [
  'the rule for list addresses does not lead to Posthorn',
  'It takes the right mail and refuses it, or gives it to another action.',
  `name the action that speaks LMTP in it: 'action "posthorn"', ${restart}`,
])
export const actionSource = kind('action-source', 'error', 37, [
  'the action for lists sends from an address that cannot reach Posthorn',
  'The connection to Posthorn fails, and mail for lists waits in the queue.',
  `take 'src' out of the action, ${restart}`,
])
export const actionLocal = kind('action-local', 'error', 30, [
  'the action for lists is one for local users',
  'The actions lmtp, maildir, mbox and mda look for an account of that name and cut off what follows the +; there is none, so mail is refused.',
  `write 'action NAME relay host "lmtp://HOST:PORT"', ${restart}`,
])
export const notLmtp = kind('not-lmtp', 'error', 31, [
  'the action for lists does not speak LMTP',
  'Posthorn’s door speaks LMTP (RFC 2033); mail stays in the queue and bounces in the end.',
  `write relay host "lmtp://HOST:PORT", ${restart}`,
])
export const wrongPort = kind('wrong-port', 'error', 32, [
  'the action for lists goes to a port where Posthorn does not listen',
  'Mail for lists stays in the queue ("Connection refused"), and bounces after days.',
  `write Posthorn's LMTP port, ${restart}`,
])
export const wrongHost = kind('wrong-host', 'error', 33, [
  'the action for lists goes to a host where Posthorn does not listen',
  'Mail for lists stays in the queue ("Connection refused"), and bounces after days.',
  `write Posthorn's LMTP host, ${restart}`,
])
export const actionTls = kind('action-tls', 'error', 34, [
  'the action for lists wants TLS or a login',
  'Posthorn’s LMTP door offers neither, so nothing is delivered.',
  `take tls and auth out of the action, ${restart}`,
])
export const senderChanged = kind('sender-changed', 'error', 35, [
  'the action for lists changes the envelope sender',
  'Posthorn judges posts and bounces by it: <> would no longer be the null sender.',
  `take mail-from or srs out of the action, ${restart}`,
])
export const regexMissing = kind('regex-missing', 'error', 40, [
  'the rule looks for list addresses in the table without "regex"',
  'Its lines are regular expressions; as plain text they match no address.',
  `write 'rcpt-to regex <TABLE>', ${restart}`,
])
export const tableNotWritten = kind('table-not-written', 'error', 41, [
  'OpenSMTPD reads a table that Posthorn does not write',
  'New lists stay unknown, removed ones stay known.',
  "add opensmtpd to [mta] incoming, and run 'posthorn aliases'",
])
export const tableEntryMissing = kind('table-entry-missing', 'error', 42, [
  'a list is not in the table that OpenSMTPD reads',
  'Mail to it is refused as unknown.',
  "write the table anew: 'posthorn aliases'; and let the table line name the file in data_dir",
])
export const extensionRefused = kind('extension-refused', 'error', 43, [
  'addresses with an extension are not in the table',
  'LIST-bounces+… and LIST-confirm+… carry who it is about; bounces and confirmations do not come home.',
  "let Posthorn write the table ('posthorn aliases'), whose lines take extensions",
])
export const tableUnreadable = kind('table-unreadable', 'error', 44, [
  "OpenSMTPD's own user cannot read the table again",
  'It is read as root at the start and by that user afterwards: "smtpctl update table" fails, and new lists stay unknown.',
  "run 'chmod o+x' on the folders and 'chmod o+r' on the file",
])
export const tableStale = kind('table-stale', 'error', 45, [
  'the table changed, and OpenSMTPD was not told',
  'It reads a table once; lists made since are refused.',
  "run 'smtpctl update table posthorn_recipients', and set [opensmtpd] reload_command",
])
export const reloadMissing = kind('reload-command-missing', 'info', 46, [
  'nothing tells OpenSMTPD that lists were made or removed',
  'It reads a table once, until smtpctl tells it to read it again.',
  "set 'reload_command: smtpctl update table posthorn_recipients' in [opensmtpd] of the file that [mta] configuration names",
])
export const reloadWrong = kind('reload-command-wrong', 'error', 47, [
  'reload_command names a table that no rule uses',
  'The table of the rule is never read again; new lists stay unknown.',
  'name the table of the rule in [opensmtpd] reload_command',
])
export const reloadPowerless = kind('reload-command-powerless', 'warning', 48, [
  'smtpctl obeys root alone, and Posthorn runs as another user',
  '"smtpctl update table" answers "command failed"; new lists stay unknown until somebody runs it.',
  'let that user run this one command by sudo or doas, and say so in reload_command',
])
export const unknownAccepted = kind('unknown-recipients-accepted', 'warning', 50, [
  'OpenSMTPD takes mail for lists that do not exist',
  'It is bounced later, to whoever was forged as its sender.',
  byHookup,
])
export const relayRefused = kind('relay-refused', 'error', 60, [
  "OpenSMTPD does not relay Posthorn's mail",
  'No post reaches a member outside.',
  `add 'match from local for any action "relay"' (or 'match from src ADDRESS …' for Posthorn on another machine), ${restart}`,
])
export const relayAstray = kind('relay-astray', 'error', 61, [
  "Posthorn's mail to members goes to an action that does not lead outside",
  'Posts come back to Posthorn or are looked for among local users.',
  `let 'for any' lead to an action that relays, ${restart}`,
])
export const notListening = kind('not-listening', 'error', 62, [
  'OpenSMTPD does not listen where Posthorn sends',
  'Posts cannot leave: "connection refused".',
  `set [mta] smtp_host and smtp_port to where it listens, or add a listen line, ${restart}`,
])
export const loginNeeded = kind('login-needed', 'error', 63, [
  'Posthorn sends to a port that wants a login',
  'A listener with "auth" takes mail after AUTH only.',
  'send to another listener, or set [mta] smtp_user and smtp_pass',
])
export const tlsNeeded = kind('tls-needed', 'error', 64, [
  'Posthorn sends in clear text to a port that wants TLS',
  'A listener with "tls-require" or "smtps" takes no mail without it.',
  'send to another listener, or set [mta] smtp_secure_mode: starttls (smtps for a listener with smtps)',
])
export const localShadowed = kind('local-mail-elsewhere', 'warning', 59, [
  'an earlier rule takes mail for lists that comes from this machine',
  'Local mail to lists goes elsewhere, and so do the bounces that OpenSMTPD makes itself: members whose address is gone stay for ever.',
  `move the rules for lists before it, ${restart}`,
])
export const filterRefuses = kind('filter-refuses', 'error', 61, [
  'a filter refuses list mail, or mail of Posthorn',
  'It says no before any rule is asked.',
  `narrow the filter down, or let it pass list mail (bypass), ${restart}`,
])
export const paused = kind('paused', 'error', 90, [
  'OpenSMTPD is paused',
  'Mail waits in its queue, or is not taken, until it is told to go on.',
  'smtpctl resume mta',
])
export const smallMessages = kind('message-size', 'warning', 860, [
  'OpenSMTPD refuses all but small messages',
  'Posts that the lists would take are refused by it, and so are copies with footers.',
  "raise 'smtp max-message-size'; without the line it is 35 MB",
])
export const shortTtl = kind('queue-ttl', 'warning', 70, [
  'OpenSMTPD gives up after a short time',
  'Mail for lists bounces when Posthorn, or a member’s mail server, is down for longer.',
  "write 'queue ttl 4d', which is the default, and restart OpenSMTPD",
])
export const notRestarted = kind('not-restarted', 'warning', 900, [
  'OpenSMTPD runs with an older smtpd.conf',
  'It reads the file when it starts.',
  "restart it: 'service opensmtpd restart' (rcctl restart smtpd on OpenBSD)",
])
export const loopbackOnly = kind('loopback-only', 'info', 950, [
  'OpenSMTPD listens on the loopback address alone',
  'Mail for lists can come from this machine only.',
  "where mail is to come from outside, write 'listen on all', and restart OpenSMTPD",
])

export const listsSampled = kind('lists-sampled', 'info', 960, [
  'there are many lists, and not each was looked at',
  'The oldest and the newest of each domain were, and some of all the others.',
  "'posthorn doctor --deep' tries a new one",
])

export const opensmtpdKinds: readonly FindingKind[] = [
  noConfiguration,
  tableMissing,
  tableEmpty,
  undefinedName,
  configurationError,
  hookUpMissing,
  ruleMissing,
  domainMissing,
  ruleShadowed,
  ruleNarrowed,
  ruleElsewhere,
  actionSource,
  onlyFromLocal,
  actionLocal,
  notLmtp,
  wrongPort,
  wrongHost,
  actionTls,
  senderChanged,
  regexMissing,
  tableNotWritten,
  tableEntryMissing,
  extensionRefused,
  tableUnreadable,
  tableStale,
  reloadMissing,
  reloadWrong,
  reloadPowerless,
  unknownAccepted,
  relayRefused,
  relayAstray,
  notListening,
  loginNeeded,
  tlsNeeded,
  localShadowed,
  filterRefuses,
  paused,
  smallMessages,
  shortTtl,
  notRestarted,
  loopbackOnly,
  listsSampled,
]
