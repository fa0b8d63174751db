// All that `posthorn doctor sendmail` may find: entries of the catalogue, one below the other, which is why the file is long.
// Law: a code is never renamed.
import type { FindingKind, Severity } from '../../model/hookup.ts'

type Words = readonly [summary: string, why: string, change: string]

const anew = "then 'make -C /etc/mail' and restart Sendmail"
const byHookup = `run 'posthorn hookup sendmail' and put its lines into sendmail.mc, ${anew}`

/** Rank 100 is the middle; causes are smaller. */
function kind(name: string, severity: Severity, rank: number, [summary, why, change]: Words): FindingKind {
  return { code: `sendmail.${name}`, severity, summary, why, change, rank }
}

export const noConfiguration = kind('no-configuration', 'error', 1, [
  'Sendmail has no sendmail.cf, or an empty one',
  'Without it Sendmail does not start.',
  "make it: 'make -C /etc/mail', or name the folder of Sendmail's files with --config-dir",
])
export const noProgram = kind('no-program', 'info', 940, [
  'the program sendmail cannot be asked',
  'The doctor followed the rules of sendmail.cf itself; what the DNS and compiled maps say is not known.',
  'install Sendmail where the doctor looks, or name the words that reach it with --command-prefix',
])
export const cfOlder = kind('cf-older-than-mc', 'warning', 10, [
  'sendmail.cf is older than sendmail.mc',
  'Sendmail reads sendmail.cf, so what was changed in sendmail.mc does not count yet.',
  "make it anew: 'make -C /etc/mail', and restart Sendmail",
])
export const cfStale = {
  ...kind('cf-not-made-anew', 'error', 5, [
    'the lines for lists are in sendmail.mc, and not in sendmail.cf',
    'Sendmail reads sendmail.cf, which was not made anew since.',
    "make it: 'make -C /etc/mail', and restart Sendmail",
  ]),
  explains: [
    'sendmail.cf-older-than-mc',
    'sendmail.hook-up-missing',
    'sendmail.rule-missing',
    'sendmail.mailer-missing',
  ],
}
export const spaces = {
  ...kind('spaces-in-rule', 'error', 11, [
    'a rule has blanks where a tab must part its sides',
    'Sendmail drops such a rule and goes on without it.',
    `put a tab between the two sides in sendmail.mc (an editor or a copied web page made blanks of it), ${anew}`,
  ]),
  explains: ['sendmail.rule-missing', 'sendmail.unknown-recipients-accepted'],
}
export const configurationError = kind('configuration-error', 'error', 12, [
  'Sendmail finds a fault in sendmail.cf',
  'The line does not count, and Sendmail may not start with it.',
  `mend the line in sendmail.mc, ${anew}`,
])
export const hookUpMissing = kind('hook-up-missing', 'error', 20, [
  'Sendmail does not know of Posthorn',
  'There is no mailer that speaks LMTP, so mail for lists goes the way of all other mail, and bounces or leaves the house.',
  byHookup,
])
export const mailerMissing = kind('mailer-missing', 'error', 21, [
  'a rule names a mailer that is not defined',
  'Sendmail cannot deliver to it: mail for lists stays in the queue or bounces with "unknown mailer".',
  `put the M line back behind MAILER_DEFINITIONS in sendmail.mc, ${anew}`,
])
export const ruleMissing = kind('rule-missing', 'error', 22, [
  'no rule leads list mail to the LMTP mailer',
  'The mailer is there and nothing uses it; mail for lists goes the way of all other mail.',
  `put the rule behind LOCAL_RULE_0 in sendmail.mc, ${anew}`,
])
export const ruleMisplaced = kind('rule-misplaced', 'error', 23, [
  'the rule for lists stands in a ruleset where it does not route',
  'Only ruleset 0 (ParseLocal, LOCAL_RULE_0 in sendmail.mc) chooses a mailer for an address.',
  `move the rule behind LOCAL_RULE_0 in sendmail.mc, ${anew}`,
])
export const ruleDoesNotFit = kind('rule-does-not-fit', 'error', 24, [
  'the rule for lists does not take list addresses',
  'Its left side does not match what Sendmail makes of the address.',
  byHookup,
])
export const domainMissing = kind('domain-missing', 'error', 25, [
  "a domain of Posthorn's is not among those that the rule takes",
  'Mail for its lists goes the way of all other mail.',
  `add the domain to the class in sendmail.mc, ${anew}`,
])
export const domainRenamed = kind('domain-renamed', 'error', 26, [
  'Sendmail replaces the domain of the lists by another name',
  'The DNS has an alias (CNAME) for it, which Sendmail follows before it looks at the rules.',
  "give the domain an MX and an address of its own in the DNS, or add FEATURE(`nocanonify') to sendmail.mc",
])
export const routedElsewhere = kind('routed-elsewhere', 'error', 27, [
  'list mail is routed elsewhere before the rule for lists is asked',
  'An earlier rule, or a mailertable or virtusertable entry, takes it.',
  'remove that entry or rule, or move it behind the rule for lists',
])
export const mailerNotIpc = kind('mailer-not-ipc', 'error', 30, [
  'the mailer for lists starts a program instead of connecting',
  'LMTP to Posthorn needs P=[IPC]; Sendmail would try to run a program.',
  `write P=[IPC] in the M line, ${anew}`,
])
export const mailerNotLmtp = kind('mailer-not-lmtp', 'error', 31, [
  'the mailer for lists speaks SMTP, not LMTP',
  'Without the flag z Sendmail says EHLO, which an LMTP server refuses: mail is deferred and bounces in the end.',
  `add z to F= in the M line, ${anew}`,
])
export const mailerArguments = kind('mailer-arguments', 'error', 32, [
  'the arguments of the mailer for lists are not those of a connection',
  'A= must be TCP, the host and the port (or FILE and the path of a socket).',
  `write A=TCP $h PORT in the M line, ${anew}`,
])
export const wrongPort = kind('wrong-port', 'error', 33, [
  'the mailer for lists goes to a port or socket where Posthorn does not listen',
  'Mail for lists is deferred ("Connection refused"), and bounces after days.',
  `write Posthorn's LMTP port into A= of the M line, ${anew}`,
])
export const wrongHost = kind('wrong-host', 'error', 34, [
  'list mail goes to a host where Posthorn does not listen',
  'Mail for lists is deferred ("Connection refused"), and bounces after days.',
  `write Posthorn's LMTP host behind $@ in the rule, ${anew}`,
])
export const hostWithoutBrackets = kind('host-without-brackets', 'error', 35, [
  'the host behind $@ has no brackets',
  'Sendmail then looks for a mail exchanger of that name in the DNS instead of connecting to it.',
  `write the host in brackets, as [127.0.0.1], ${anew}`,
])
export const mailerLineEnds = kind('mailer-line-ends', 'error', 36, [
  'the mailer for lists ends lines with LF alone',
  'SMTP and LMTP lines end with CR LF (RFC 5321 §2.3.8); Posthorn refuses others.',
  `write E=\\r\\n in the M line, ${anew}`,
])
export const mailerDots = kind('mailer-dots', 'error', 37, [
  'the mailer for lists does not double dots at line starts',
  'Without the flag X a line with a single dot ends the message, and the rest of it is lost (RFC 5321 §4.5.2).',
  `add X to F= in the M line, ${anew}`,
])
export const mailerLocal = kind('mailer-local', 'error', 38, [
  'the mailer for lists has flags that are for local users',
  'Sendmail looks for an account or an alias of that name, and finds none.',
  `take the flags w, A, 5, @, | and / out of F= in the M line, ${anew}`,
])
export const mailerRewrites = kind('mailer-rewrites', 'error', 39, [
  'the mailer for lists changes the recipient',
  'Posthorn does not know the changed address, or loses what follows the +.',
  `write R=EnvToSMTP/HdrFromSMTP in the M line, ${anew}`,
])
export const mailerFoldsCase = kind('mailer-folds-case', 'warning', 40, [
  'the mailer for lists makes local parts small',
  'Without the flag u an envelope sender that names a member by an address with capitals comes home changed.',
  `add u to F= in the M line, ${anew}`,
])
export const mailerSevenBits = kind('mailer-seven-bits', 'warning', 41, [
  'the mailer for lists strips the eighth bit',
  'With the flag 7 letters beyond ASCII are destroyed.',
  `take 7 out of F= in the M line, ${anew}`,
])
export const mailerWithoutRulesets = kind('mailer-without-rulesets', 'warning', 42, [
  'the mailer for lists has no rulesets, or names some that are not there',
  'Senders on this machine reach Posthorn without a domain, and are refused.',
  `write S=EnvFromSMTP/HdrFromSMTP and R=EnvToSMTP/HdrFromSMTP in the M line, ${anew}`,
])
export const mapNotDefined = kind('map-not-defined', 'error', 50, [
  'a rule asks a map that is not defined',
  'Sendmail takes that for "not found": every address of a list is refused.',
  `put the K line back behind LOCAL_CONFIG in sendmail.mc, ${anew}`,
])
export const mapMissing = kind('map-missing', 'error', 51, [
  'the file of a map is missing',
  'Look-ups fail: mail is deferred, or with the flag -o refused.',
  "have it made: 'posthorn aliases' for the table of lists, 'make -C /etc/mail' for Sendmail's own maps",
])
export const mapUnsafe = kind('map-unsafe', 'error', 52, [
  'Sendmail does not read a map because of its permissions',
  'A map must be readable, and no folder above it may be writable for a group or closed to others; Sendmail says "unsafe map file", and mail is deferred.',
  "run 'chmod g-w,o+x' on the folder, or use [lookup] socketmap, which needs no file (or set confDONT_BLAME_SENDMAIL, knowing what that opens)",
])
export const mapColumns = kind('map-columns', 'error', 53, [
  'the map is read by wrong columns or a wrong delimiter',
  'The address stands in the table, and Sendmail does not find it.',
  `write the K line as 'text -T<TMPF> -k0 -v1 FILE', ${anew}`,
])
export const mapEntryMissing = kind('map-entry-missing', 'error', 54, [
  'an address of a list is not in the table that Sendmail reads',
  'Mail to it is refused as unknown.',
  "write the table anew: 'posthorn aliases'; and let the K line name the file in data_dir",
])
export const tableNotWritten = kind('table-not-written', 'error', 49, [
  'Sendmail reads a table that Posthorn does not write',
  'New lists stay unknown, removed ones stay known.',
  "add sendmail to [mta] incoming, and run 'posthorn aliases'",
])
export const mapOptional = kind('map-optional', 'info', 150, [
  'the map of lists is optional (-o)',
  'When its file cannot be read Sendmail takes every list address for unknown and refuses it, instead of deferring.',
  `take -o out of the K line, ${anew}`,
])
export const mapFailsSilently = kind('map-without-temporary', 'info', 151, [
  'the map of lists has no mark for faults (-T)',
  'When it cannot be asked the address counts as unknown, or the client gets no clear answer.',
  `add -T<TMPF> to the K line and the rule for < TMPF >, ${anew}`,
])
export const extensionLost = kind('extension-refused', 'error', 55, [
  'addresses with an extension are refused',
  'LIST-bounces+… and LIST-confirm+… carry who it is about; bounces and confirmations do not come home.',
  `cut the extension off before the table is asked (the rule of SPosthornTable that 'posthorn hookup sendmail' prints), ${anew}`,
])
export const socketmapOff = kind('socketmap-off', 'error', 56, [
  'Sendmail asks a look-up service that Posthorn does not offer',
  'Every look-up fails, and mail for lists is deferred.',
  'set [lookup] socketmap in the configuration of Posthorn and restart it',
])
export const socketmapAddress = kind('socketmap-address', 'error', 57, [
  "Sendmail asks at an address that is not that of Posthorn's look-up service",
  'Every look-up fails, and mail for lists is deferred.',
  `write the address of [lookup] socketmap into the K line, ${anew}`,
])
export const socketmapDown = kind('socketmap-down', 'error', 58, [
  "Posthorn's look-up service does not answer Sendmail",
  'Mail for lists is deferred until it does.',
  "start Posthorn: 'posthorn start', and see its log",
])
export const socketmapName = kind('socketmap-name', 'error', 59, [
  'the socket map has a name that Posthorn does not know',
  'Sendmail sends the name of the K line; Posthorn has the maps recipients and domains, and refuses others.',
  `name the map recipients, in the K line and in the rule, ${anew}`,
])
export const mapAsRoute = kind('map-as-route', 'error', 60, [
  'the look-up service chooses the route',
  'When Posthorn is down, mail for the people of this domain waits too.',
  "route a list-only domain by a rule that asks nobody; look up a shared one in the table (what 'posthorn hookup sendmail' prints)",
])
export const relayDomainMissing = kind('relay-domain-missing', 'error', 61, [
  'Sendmail refuses mail from outside for a domain of lists',
  'It is neither local nor a domain that it relays for: "550 5.7.1 Relaying denied".',
  `add RELAY_DOMAIN(\`DOMAIN')dnl to sendmail.mc (or the domain to /etc/mail/relay-domains), ${anew}`,
])
export const listMailRefused = kind('list-mail-refused', 'error', 62, [
  'Sendmail refuses mail for a list',
  'A check of its own (access map, a rule of check_rcpt) says no.',
  'remove the entry that refuses it',
])
export const accessDenies = kind('access-denies', 'error', 63, [
  'the access map refuses list mail, or Posthorn',
  'An entry of it says REJECT, DISCARD or an error.',
  "remove the entry from the access file and run 'make -C /etc/mail'",
])
export const checkMissing = kind('unknown-recipients-accepted', 'warning', 70, [
  'Sendmail takes mail for lists that do not exist',
  'It is bounced later, to whoever was forged as its sender.',
  byHookup,
])
export const relayRefused = kind('relay-refused', 'error', 71, [
  "Sendmail does not relay Posthorn's mail",
  'No post reaches a member outside.',
  `let it relay for our address: RELAY_DOMAIN(\`ADDRESS')dnl in sendmail.mc, or 'Connect:ADDRESS RELAY' in the access map, ${anew}`,
])
export const senderRefused = kind('sender-refused', 'error', 72, [
  'Sendmail refuses the envelope senders of the lists',
  'Their domain is not known to the DNS, so "553 5.1.8 Domain of sender address does not exist" answers each post.',
  'give the domain of the lists an MX in the DNS',
])
export const senderMasqueraded = kind('sender-masqueraded', 'error', 74, [
  'Sendmail changes the envelope sender of copies',
  'Masquerading (masquerade_envelope) or a genericstable takes it: bounces go elsewhere, and members whose address is gone stay for ever.',
  `leave the domain of the lists out (MASQUERADE_EXCEPTION, GENERICS_DOMAIN), or take FEATURE(\`masquerade_envelope') out, ${anew}`,
])
export const milterDown = kind('milter-down', 'error', 75, [
  'a mail filter that Sendmail asks is not there, and then nothing is taken',
  'With F=R it refuses all mail, with F=T it puts it off.',
  `start the filter, or take its INPUT_MAIL_FILTER out, ${anew}`,
])
export const mailerHeld = kind('mailer-held', 'error', 44, [
  'the mailer for lists is not used at once',
  'With the flag e and HoldExpensive mail for lists waits for the next queue run; with the flag % until somebody asks for it.',
  `take the flag out of F=, ${anew}`,
])
export const mailerCutsLines = kind('mailer-cuts-lines', 'warning', 45, [
  'the mailer for lists cuts long lines',
  'L= is shorter than a line of a message may be (998 octets): signatures break, and so do some messages.',
  `take L= out, ${anew}`,
])
export const smallMessages = kind('message-size', 'warning', 860, [
  'Sendmail refuses all but small messages',
  'Posts that the lists would take are refused by it, and so are copies with footers.',
  `raise confMAX_MESSAGE_SIZE, or M= of the mailer, ${anew}`,
])
export const shortTtl = kind('queue-ttl', 'warning', 870, [
  'Sendmail gives up after a short time',
  'Mail for lists bounces when Posthorn, or a member’s mail server, is down for longer.',
  `confTO_QUEUERETURN is 5d by default, ${anew}`,
])
export const notListening = kind('not-listening', 'error', 73, [
  'Sendmail does not listen where Posthorn sends',
  'Posts cannot leave: "connection refused".',
  `set [mta] smtp_host and smtp_port to where Sendmail listens, or add DAEMON_OPTIONS to sendmail.mc, ${anew}`,
])
export const loginNeeded = kind('login-needed', 'error', 74, [
  'Posthorn sends to a port that wants a login',
  'DAEMON_OPTIONS with M=a takes mail after AUTH only ("530 5.7.0 Authentication required").',
  'send to port 25 of Sendmail, or set [mta] smtp_user and smtp_pass',
])
export const mapStale = kind('map-stale', 'warning', 80, [
  'a compiled map is older than its text',
  'Sendmail reads the compiled file; what was changed in the text does not count yet.',
  "compile it: 'make -C /etc/mail' (or makemap hash MAP < MAP)",
])
export const queueOnly = kind('queue-only', 'warning', 81, [
  'Sendmail only queues mail',
  'Posts leave at the next run of its queue, not at once.',
  `set confDELIVERY_MODE to background in sendmail.mc, ${anew}`,
])
export const loadLimits = kind('load-limits', 'warning', 82, [
  'Sendmail stops working at a low load',
  'While Posthorn delivers a post the load rises; Sendmail then refuses connections or only queues.',
  `raise confQUEUE_LA and confREFUSE_LA in sendmail.mc (8 and 12 for each processor are usual), ${anew}`,
])
export const notRestarted = kind('not-restarted', 'warning', 900, [
  'Sendmail runs with an older sendmail.cf',
  'It reads the file when it starts.',
  "restart it: 'service sendmail restart'",
])
export const loopbackOnly = kind('loopback-only', 'info', 950, [
  'Sendmail listens on the loopback address alone',
  'Mail for lists can come from this machine only.',
  `where mail is to come from outside, take Addr=127.0.0.1 out of DAEMON_OPTIONS in sendmail.mc, ${anew}`,
])

export const listsSampled = kind('lists-sampled', 'info', 960, [
  'there are many lists, and Sendmail was not asked about each',
  'It was asked about the oldest and the newest of each domain, and some of all the others.',
  "'posthorn doctor --deep' tries a new one",
])

export const sendmailKinds: readonly FindingKind[] = [
  noConfiguration,
  noProgram,
  cfOlder,
  cfStale,
  spaces,
  configurationError,
  hookUpMissing,
  mailerMissing,
  ruleMissing,
  ruleMisplaced,
  ruleDoesNotFit,
  domainMissing,
  domainRenamed,
  routedElsewhere,
  mailerNotIpc,
  mailerNotLmtp,
  mailerArguments,
  wrongPort,
  wrongHost,
  hostWithoutBrackets,
  mailerLineEnds,
  mailerDots,
  mailerLocal,
  mailerRewrites,
  mailerFoldsCase,
  mailerSevenBits,
  mailerWithoutRulesets,
  mapNotDefined,
  mapMissing,
  mapUnsafe,
  mapColumns,
  mapEntryMissing,
  tableNotWritten,
  mapOptional,
  mapFailsSilently,
  extensionLost,
  socketmapOff,
  socketmapAddress,
  socketmapDown,
  socketmapName,
  mapAsRoute,
  relayDomainMissing,
  listMailRefused,
  accessDenies,
  checkMissing,
  relayRefused,
  senderRefused,
  notListening,
  loginNeeded,
  mapStale,
  queueOnly,
  loadLimits,
  notRestarted,
  loopbackOnly,
  listsSampled,
  senderMasqueraded,
  milterDown,
  mailerHeld,
  mailerCutsLines,
  smallMessages,
  shortTtl,
]
