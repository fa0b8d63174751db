// All that `posthorn doctor courier` may find. Law: a code is never renamed. Long, because it is a table.
import type { FindingKind, Severity } from '../../model/hookup.ts'

type Words = readonly [summary: string, why: string, change: string]

const byHookup = "run 'posthorn hookup courier --write'"
const byAliases = "have it written: 'posthorn aliases'"
const inCommand =
  "set 'command' in [courier] of the file that [mta] configuration names, and run 'posthorn aliases'"

/** Rank 100 is the middle; causes are smaller. */
function kind(name: string, severity: Severity, rank: number, [summary, why, change]: Words): FindingKind {
  return { code: `courier.${name}`, severity, summary, why, change, rank }
}

export const noConfiguration = kind('no-configuration', 'error', 1, [
  'there is no configuration of Courier',
  'Without the file courierd the mail server does not start; the folder may be that of its IMAP server alone.',
  "install courier-mta, or name the folder of Courier's files with --config-dir",
])
export const filesClosed = kind('files-closed', 'error', 2, [
  'Courier’s own account cannot read its configuration',
  'Its programs run as the user courier. What they cannot read counts as missing, or makes them answer "432 Service temporarily unavailable" to all mail.',
  'chmod a+r on the file, a+rx on the folder',
])
export const authdaemonDown = kind('authdaemon-down', 'error', 3, [
  'Courier’s authentication library does not answer',
  'Courier asks authdaemond for every local account, and answers "450 Service temporarily unavailable" while it is down.',
  "run 'authdaemond start' (service courier-authdaemon start)",
])
export const accountUnknown = kind('account-unknown', 'error', 16, [
  'Courier’s authentication library does not know the account of the lists',
  'It knows what the modules of authmodulelist know; accounts of the system are known to authpam and authpwd. Courier refuses every address of the domain.',
  "add authpam to authmodulelist in authdaemonrc, and run 'authdaemond restart' (service courier-authdaemon restart)",
])
export const hookUpMissing = {
  ...kind('hook-up-missing', 'error', 10, [
    'Courier does not know of Posthorn',
    'No domain of Posthorn’s is given to an account, so mail for lists goes another way or is refused.',
    byHookup,
  ]),
  explains: [
    'courier.alias-missing',
    'courier.domain-not-accepted',
    'courier.case-matters',
    'courier.home-not-set',
    'courier.not-published',
  ],
}
export const dotExtension = kind('dot-extension', 'error', 11, [
  'Courier reads files of another name than Posthorn writes',
  'The file dotextension lets it read .NAME files in homes, so it finds none for any list.',
  'remove dotextension, and restart Courier',
])
export const domainLocal = {
  ...kind('domain-local', 'error', 12, [
    'a list-only domain is local',
    'A domain in locals is taken away from an address before aliases are looked at: mail for lists goes to accounts of that name, or is refused ("User <tea> unknown").',
    "take the line out of locals and run 'courier restart'",
  ]),
  explains: ['courier.alias-missing'],
}
export const meNotLocal = kind('me-not-local', 'error', 13, [
  'the name of the mail server is not local',
  'Mail for a whole domain goes on to ACCOUNT-NAME at this name. As it is not in locals, Courier takes every address, and sends the mail away.',
  "add the name to locals and run 'courier restart'",
])
export const aliasSyntax = kind('alias-syntax', 'error', 14, [
  'a line of the aliases cannot be read',
  'makealiases stops there, and the aliases stay what they were before.',
  "write 'NAME: ADDRESS', and run 'makealiases'",
])
export const aliasMissing = kind('alias-missing', 'error', 15, [
  'a domain of Posthorn’s is given to no account',
  'Without an alias for the whole domain its mail is sent on by DNS, comes back, and bounces.',
  byHookup,
])
export const aliasTwice = kind('alias-twice', 'error', 16, [
  'a domain is given to more than one account',
  'Courier sends a copy to each, and takes every address, for failures of an alias with several targets are told to nobody.',
  "leave one line for the domain, and run 'makealiases'",
])
export const aliasAddress = kind('alias-address', 'error', 17, [
  'a domain is given to an address instead of an account',
  'Courier adds -NAME behind it: the mail goes to ACCOUNT@HOST-NAME, which is nobody.',
  "write the name of the account alone, and run 'makealiases'",
])
export const aliasTargetMissing = kind('alias-target-missing', 'error', 18, [
  'a domain is given to an account that there is not',
  'Courier refuses every address in it ("User <NAME-tea> unknown").',
  "write the account whose home has the files, and run 'makealiases'",
])
export const aliasOtherAccount = {
  ...kind('alias-other-account', 'error', 19, [
    'a domain is given to another account than the one whose home has the files of its lists',
    'Courier looks for .courier-NAME in the home of the account that the alias names.',
    "let the alias name the account that has the home, and run 'makealiases'",
  ]),
}
export const aliasNotCompiled = {
  ...kind('alias-not-compiled', 'error', 20, [
    'the aliases changed, and makealiases was not run',
    'Courier reads aliases.dat, which makealiases makes.',
    "run 'makealiases'",
  ]),
}
export const aliasOutOfDate = kind('alias-out-of-date', 'warning', 21, [
  'the aliases changed after makealiases was run',
  'What this hook-up needs is in aliases.dat; other changes since then are not.',
  "run 'makealiases'",
])
export const listShadowed = kind('list-shadowed', 'error', 22, [
  'an address of a list goes elsewhere',
  'An alias, or an account, of that very name comes before what is said for the rest of the domain.',
  "remove the alias and run 'makealiases', or call the list another name",
])
export const domainRewritten = kind('domain-rewritten', 'error', 14, [
  'hosteddomains makes a domain of Posthorn’s another name of some other domain',
  'Courier looks for the address in that other domain.',
  "take the line out, and run 'makehosteddomains' and 'courier restart'",
])
export const hostedNotCompiled = kind('hosted-not-compiled', 'error', 14, [
  'hosteddomains changed, and makehosteddomains was not run',
  'Courier reads hosteddomains.dat, which makehosteddomains makes.',
  "run 'makehosteddomains' and 'courier restart'",
])
export const domainUnknown = kind('domain-unknown', 'error', 25, [
  'a shared domain is not known to Courier',
  'It is neither local nor hosted nor given to an account, so nobody has an address there, and lists get no mail.',
  "run 'posthorn hookup courier', which says what fits",
])
export const domainNotAccepted = kind('domain-not-accepted', 'error', 30, [
  'Courier does not take mail for a domain of Posthorn’s from the world',
  'It stands neither in esmtpacceptmailfor nor in a file of esmtpacceptmailfor.dir: "513 Relaying denied".',
  byHookup,
])
export const domainExcluded = kind('domain-excluded', 'error', 31, [
  'esmtpacceptmailfor leaves a domain of Posthorn’s out',
  'A line with ! stands before the one that would take it: "513 Relaying denied".',
  'take the line out',
])
export const acceptNotCompiled = kind('accept-not-compiled', 'error', 32, [
  'esmtpacceptmailfor.dir changed, and makeacceptmailfor was not run',
  'Courier reads esmtpacceptmailfor.dat, which makeacceptmailfor makes: "513 Relaying denied".',
  "run 'makeacceptmailfor'",
])
export const homeNotSet = kind('home-not-set', 'error', 40, [
  'Posthorn does not know where the files of the lists go',
  'Without a home in [courier] it writes none, and Courier refuses all lists.',
  "write 'home: HOME' into [courier] of the file that [mta] configuration names, restart Posthorn, and run 'posthorn aliases'",
])
export const homeWrong = {
  ...kind('home-wrong', 'error', 41, [
    'Posthorn writes the files of the lists where Courier does not look for them',
    'Courier looks in the home of the account that gets the domain, or in aliasdir.',
    'let [courier] name the right home, restart Posthorn, and run posthorn aliases',
  ]),
  explains: ['courier.dot-file-missing', 'courier.default-file-missing'],
}
export const homeMissing = {
  ...kind('home-missing', 'error', 42, [
    'the home of the lists is not there',
    'Neither can Posthorn write the files of the lists, nor can Courier start anything in it.',
    'make it, and give it to the account of the lists',
  ]),
  explains: ['courier.dot-file-missing', 'courier.default-file-missing', 'courier.home-unwritable'],
}
export const homeUnwritable = kind('home-unwritable', 'error', 43, [
  'Posthorn may not write the files of the lists',
  'New lists get none, and Courier refuses them.',
  'let the account that Posthorn runs as write there',
])
export const homeClosed = kind('home-closed', 'warning', 44, [
  'Courier cannot see which lists there are',
  'At RCPT it looks with its own account. In a folder that is closed to others it sees nothing, takes every address, and bounces the unknown ones later.',
  'chmod o+x on the folders',
])
export const homeOpen = kind('home-open', 'warning', 45, [
  'everybody may write in the home of the lists',
  'Whoever puts a .courier file there has Courier run programs as that account.',
  'chmod o-w',
])
export const notPublished = {
  ...kind('not-published', 'error', 46, [
    'Posthorn does not keep the files of the lists',
    'New lists get none, and Courier refuses them; removed ones stay.',
    "add courier to [mta] incoming, restart Posthorn, and run 'posthorn aliases'",
  ]),
  explains: ['courier.dot-file-missing', 'courier.default-file-missing'],
}
export const dotFileMissing = {
  ...kind('dot-file-missing', 'error', 50, [
    'a list has no file in the home',
    'Courier refuses its posting address ("User <mailman-tea> unknown").',
    byAliases,
  ]),
}
export const defaultFileMissing = kind('default-file-missing', 'error', 51, [
  'a list has no -default file in the home',
  'Courier refuses LIST-request@, LIST-bounces+…@, LIST-confirm+…@ and all the others: bounces and confirmations do not come home.',
  byAliases,
])
export const dotFileWritable = kind('dot-file-writable', 'error', 52, [
  'everybody may write to the file of a list',
  'Courier runs nothing from such a file and puts the mail off (".courier file is globally writeable").',
  'chmod o-w',
])
export const dotFileEmpty = kind('dot-file-empty', 'error', 53, [
  'the file of a list says nothing',
  'An empty file means the account’s own mailbox; one with remarks alone throws the mail away.',
  byAliases,
])
export const commandOther = kind('command-other', 'error', 54, [
  'the file of a list does not start posthorn-qmail',
  'The mail goes where the file says, and not to Posthorn.',
  byAliases,
])
export const commandWrong = kind('command-wrong', 'error', 55, [
  'posthorn-qmail is called with words that it does not understand',
  'It says so and leaves the mail in the queue, until it bounces.',
  inCommand,
])
export const programMissing = kind('program-missing', 'error', 56, [
  'the program that the file of a list starts is not there',
  'The shell ends with 127, which Courier takes for "try again later": the mail waits, and bounces in the end.',
  'ln -s /opt/posthorn/bin/posthorn-qmail /usr/local/bin/posthorn-qmail, or wherever Posthorn is',
])
export const programClosed = kind('program-closed', 'error', 57, [
  'the account of the lists may not run posthorn-qmail',
  'The shell ends with 126, which Courier takes for "try again later": the mail waits, and bounces in the end.',
  'chmod a+rx on the program and o+x on its folders',
])
export const noShell = kind('no-shell', 'error', 57, [
  'courierd starts programs with what is no shell',
  'SHELL in courierd starts the commands of all .courier files; with one that runs nothing, no mail comes to Posthorn.',
  "write SHELL=/bin/sh into courierd, and run 'courier restart'",
])
export const nodeMissing = kind('node-missing', 'error', 58, [
  'posthorn-qmail finds no Node.js that the account of the lists may run',
  'It leaves the mail in the queue, until it bounces.',
  `run 'npm ci' where Posthorn is, or let the command begin with POSTHORN_NODE=/path/of/node: ${inCommand}`,
])
export const wrongPort = kind('wrong-port', 'error', 59, [
  'the file of a list names a port where Posthorn does not listen',
  'posthorn-qmail gets no connection, and the mail waits.',
  byAliases,
])
export const wrongHost = kind('wrong-host', 'error', 60, [
  'the file of a list names a host where Posthorn does not listen',
  'posthorn-qmail gets no connection, and the mail waits.',
  byAliases,
])
export const wrongSocket = kind('wrong-socket', 'error', 61, [
  'the file of a list names a Unix socket where Posthorn does not listen',
  'posthorn-qmail gets no connection, and the mail waits.',
  inCommand,
])
export const wrongParts = kind('wrong-parts', 'error', 62, [
  'PARTS takes the wrong part of the address',
  'For an account that has a whole domain the list is EXT, what stands behind the first dash: PARTS is 1.',
  byAliases,
])
export const hostMissing = kind('host-missing', 'error', 63, [
  'the command does not say the domain',
  'Behind an alias for a whole domain Courier sets HOST to its own name: Posthorn is asked for a list at the mail server’s name, and refuses.',
  byAliases,
])
export const hostOther = kind('host-other', 'error', 64, [
  'the command says another domain',
  'Posthorn is asked for the list of that name in another domain.',
  byAliases,
])
export const outputRead = kind('output-read', 'error', 65, [
  'the line begins with two bars',
  'Courier reads what the program prints as more instructions; with || a refusal is lost in them.',
  'begin the line with one bar',
])
export const exitCodeHidden = kind('exit-code-hidden', 'error', 66, [
  'the exit code of posthorn-qmail does not come to Courier',
  'What stands behind the command ends with a code of its own: refused or waiting mail counts as delivered, and is lost.',
  'let the line end with the command',
])
export const textChanged = kind('text-changed', 'warning', 67, [
  'a program before posthorn-qmail changes the message',
  'preline puts From_, Return-Path and Delivered-To before it: the first is no header field.',
  'start posthorn-qmail alone',
])
export const moreInstructions = kind('more-instructions', 'warning', 68, [
  'the file of a list does more than to start posthorn-qmail',
  'When the last instruction fails, Courier does all of them again at the next try: copies come twice.',
  'leave the one line',
])
export const subAddressTaken = kind('sub-address-taken', 'error', 69, [
  'a file of its own takes some addresses of a list',
  'Courier takes the file that names most of the address; those addresses do not come to Posthorn.',
  'remove the file',
])
export const sysexitsMissing = kind('sysexits-missing', 'info', 70, [
  'posthorn-qmail is called without --sysexits',
  'It ends with 100 for whatever is refused for good. Courier then refuses all mail from the world for that address for up to two hours; with --sysexits only when the address is what was refused.',
  inCommand,
])
export const caseMatters = kind('case-matters', 'warning', 75, [
  'capitals and small letters differ in local addresses',
  'Without the file locallowercase Tea@ is unknown where tea@ is a list.',
  byHookup,
])
export const unknownAccepted = kind('unknown-accepted', 'warning', 76, [
  'a .courier-default takes addresses of lists that there are not',
  'They are not refused at RCPT: each becomes a bounce to whoever the sender claims to be, and a list made later is refused for up to two hours where its name was tried before.',
  'remove it; Posthorn writes a file for each list',
])
export const staleFile = kind('stale-file', 'warning', 77, [
  'a list that is gone has a file in the home still',
  'Courier takes its mail, and bounces it.',
  "run 'posthorn aliases', or remove the file",
])
export const courierdDown = kind('courierd-down', 'error', 80, [
  'courierd does not run',
  'Courier takes mail and does nothing with it.',
  "run 'courier start' (service courier start)",
])
export const esmtpdOff = kind('esmtpd-off', 'error', 81, [
  'the SMTP server of Courier is switched off',
  'ESMTPDSTART in esmtpd is not YES: it is not started, and nobody can send mail here.',
  "write ESMTPDSTART=YES, and run 'esmtpd start' (service courier-mta start)",
])
export const esmtpdDown = kind('esmtpd-down', 'error', 82, [
  'the SMTP server of Courier does not run',
  'Nobody can send mail here: neither the world nor Posthorn.',
  "run 'esmtpd start' (service courier-mta start)",
])
export const notListening = kind('not-listening', 'error', 83, [
  'Courier does not listen where Posthorn sends to',
  'PORT and ADDRESS of esmtpd say where it listens; posts do not leave Posthorn.',
  'let [mta] smtp_host and smtp_port say what esmtpd does, or the other way round',
])
export const loginNeeded = kind('login-needed', 'error', 84, [
  'Courier wants a login',
  'AUTH_REQUIRED refuses everybody who does not log in: Posthorn, and on port 25 the whole world.',
  'write AUTH_REQUIRED=0 and restart esmtpd; or set [mta] smtp_user and smtp_pass for the submission port',
])
export const tlsNeeded = kind('tls-needed', 'error', 85, [
  'Courier wants TLS',
  'ESMTP_TLS_REQUIRED refuses whoever does not begin with STARTTLS.',
  "set '[mta] smtp_secure_mode: starttls', or take ESMTP_TLS_REQUIRED out of esmtpd and restart it",
])
export const clientBlocked = kind('client-blocked', 'error', 86, [
  'Courier turns Posthorn away',
  'smtpaccess denies its address, or has BLOCK for it.',
  "take that line out, and run 'makesmtpaccess'",
])
export const relayRefused = kind('relay-refused', 'error', 87, [
  'Courier does not relay for Posthorn',
  'No line of smtpaccess has RELAYCLIENT for its address: mail to members elsewhere is answered "513 Relaying denied".',
  byHookup,
])
export const accessNotCompiled = kind('access-not-compiled', 'error', 88, [
  'smtpaccess changed, and makesmtpaccess was not run',
  'Courier reads smtpaccess.dat, which makesmtpaccess makes.',
  "run 'makesmtpaccess'",
])
export const senderRefused = kind('sender-refused', 'error', 89, [
  'Courier refuses mail from a list',
  'badfrom in bofh names the envelope sender of the copies: nothing that a list sends is taken.',
  'take the line out of bofh, and restart esmtpd',
])

export const courierKinds: readonly FindingKind[] = [
  noConfiguration,
  filesClosed,
  authdaemonDown,
  accountUnknown,
  hookUpMissing,
  dotExtension,
  domainLocal,
  meNotLocal,
  aliasSyntax,
  aliasMissing,
  aliasTwice,
  aliasAddress,
  aliasTargetMissing,
  aliasOtherAccount,
  aliasNotCompiled,
  aliasOutOfDate,
  listShadowed,
  domainRewritten,
  hostedNotCompiled,
  domainUnknown,
  domainNotAccepted,
  domainExcluded,
  acceptNotCompiled,
  homeNotSet,
  homeWrong,
  homeMissing,
  homeUnwritable,
  homeClosed,
  homeOpen,
  notPublished,
  dotFileMissing,
  defaultFileMissing,
  dotFileWritable,
  dotFileEmpty,
  commandOther,
  commandWrong,
  programMissing,
  programClosed,
  noShell,
  nodeMissing,
  wrongPort,
  wrongHost,
  wrongSocket,
  wrongParts,
  hostMissing,
  hostOther,
  outputRead,
  exitCodeHidden,
  textChanged,
  moreInstructions,
  subAddressTaken,
  sysexitsMissing,
  caseMatters,
  unknownAccepted,
  staleFile,
  courierdDown,
  esmtpdOff,
  esmtpdDown,
  notListening,
  loginNeeded,
  tlsNeeded,
  clientBlocked,
  relayRefused,
  accessNotCompiled,
  senderRefused,
]
