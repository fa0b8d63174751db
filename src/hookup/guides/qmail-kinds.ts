// All that `posthorn doctor qmail` may find. Law: a code is never renamed. Long, because it is a table.
import type { FindingKind, Severity } from '../../model/hookup.ts'

type Words = readonly [summary: string, why: string, change: string]

const hup = 'send qmail-send a HUP (svc -h /service/qmail-send)'
const byHookup = `run 'posthorn hookup qmail' and add its lines, and ${hup}`

/** Rank 100 is the middle; causes are smaller. */
function kind(
  name: string,
  severity: Severity,
  rank: number,
  [summary, why, change]: Words,
  explains: readonly string[] = [],
): FindingKind {
  const made = { code: `qmail.${name}`, severity, summary, why, change, rank }
  return explains.length === 0 ? made : { ...made, explains: explains.map((one) => `qmail.${one}`) }
}

export const notInstalled = kind('not-installed', 'error', 1, [
  'there is no qmail here',
  'A folder with control/me is the home of qmail.',
  'name it with --config-dir (/var/qmail unless said)',
])
export const meMissing = kind('me-missing', 'error', 2, [
  'control/me is missing or empty',
  'qmail-send does not start without it, and qmail-smtpd answers 421.',
  'write the full name of this machine into control/me, and start qmail again',
])
export const notRunning = kind('not-running', 'error', 3, [
  'qmail-send does not run',
  'Mail is queued, and nothing is delivered.',
  'start qmail (svc -u /service/qmail-send, or /var/qmail/rc)',
])
export const controlClosed = kind('control-closed', 'error', 4, [
  'a control file is closed to the users of qmail',
  'qmail-send keeps what it read before, and qmail-smtpd answers 421 to everybody.',
  "open it: 'chmod 644' on the file, 'chmod 755' on control",
])
export const carriageReturn = kind(
  'carriage-return',
  'error',
  5,
  [
    'lines of a file end with CR LF',
    'qmail takes the CR for a part of the line: the name of another domain, or of another program.',
    "take it out: 'sed -i s/\\r$// FILE'",
  ],
  [
    'hook-up-missing',
    'domain-refused',
    'domain-missing',
    'domain-excepted',
    'virtual-line-wrong',
    'user-missing',
    'hand-over-missing',
    'program-missing',
    'call-wrong',
    'relay-refused',
  ],
)
export const compiledBroken = kind('compiled-broken', 'error', 5, [
  'a compiled file is no cdb',
  'With users/cdb all local mail stays in the queue ("Trouble reading users/cdb"); with the others nobody can send mail to this machine.',
  'compile it again: qmail-newu, qmail-newmrh, or tcprules',
])
export const deliveriesHeld = kind('deliveries-held', 'error', 6, [
  'no local delivery is allowed',
  'With concurrencylocal 0 all mail for lists stays in the queue.',
  'write 10 into control/concurrencylocal, or remove the file, and restart qmail-send',
])
export const remoteHeld = kind('remote-deliveries-held', 'error', 7, [
  'no remote delivery is allowed',
  'With concurrencyremote 0 no post leaves to a member elsewhere.',
  'write 20 into control/concurrencyremote, or remove the file, and restart qmail-send',
])
export const hookUpMissing = kind(
  'hook-up-missing',
  'error',
  10,
  [
    'qmail does not know of the lists',
    'The domain is neither in rcpthosts nor in virtualdomains: its mail is refused ("that domain isn\'t in my list of allowed rcpthosts").',
    byHookup,
  ],
  ['domain-refused', 'domain-missing'],
)
export const domainLocal = kind('domain-local', 'error', 12, [
  'a domain that is for lists alone is in locals',
  'locals comes before virtualdomains: its mail goes to the accounts of this machine and to ~alias ("no mailbox here by that name").',
  `take the domain out of control/locals, and ${hup}`,
])
export const virtualLineWrong = kind('virtual-line-wrong', 'error', 13, [
  'a line of virtualdomains is written wrongly',
  'It is DOMAIN:PREFIX, without blanks and without @; qmail passes over other lines, or looks for a user with a blank in the name.',
  `write DOMAIN:PREFIX, and ${hup}`,
])
export const domainMissing = kind('domain-missing', 'error', 14, [
  'virtualdomains does not give the domain to anybody',
  'qmail takes its mail for remote: it goes to the MX, which is this machine, and comes back as a loop.',
  byHookup,
])
export const domainExcepted = kind('domain-excepted', 'error', 15, [
  'virtualdomains makes an exception of the domain',
  'With nothing behind the colon the domain is not virtual: its mail is taken for remote.',
  `write the user or prefix behind the colon, and ${hup}`,
])
export const routedToLmtp = kind('routed-to-lmtp', 'error', 15, [
  "smtproutes leads the domain to Posthorn's LMTP door",
  'qmail-remote speaks SMTP, which that door does not: mail for lists stays in the queue.',
  'give the domain to a user in control/virtualdomains; or set [lmtp] smtp_intake, and name its port in smtproutes',
])
export const routesLoop = kind('routes-loop', 'error', 78, [
  'smtproutes leads mail for the world back to this machine',
  "Posthorn's posts to members come back to this qmail until they have too many hops.",
  'name the mail server that takes mail for the world, or remove the line',
])
export const caughtElsewhere = kind('caught-elsewhere', 'error', 16, [
  'a wildcard line of virtualdomains takes the mail for lists elsewhere',
  'The domain has no line of its own, so a line for a parent, or for everything, takes it.',
  `add a line for the domain, and ${hup}`,
])
export const addressTaken = kind('address-taken', 'error', 17, [
  'virtualdomains takes the address of a list elsewhere',
  'A line for one address comes before that of its domain.',
  `remove the line, and ${hup}`,
])
export const domainRefused = kind('domain-refused', 'error', 20, [
  'qmail-smtpd refuses mail for the domain',
  'It is not in rcpthosts: mail from outside is refused ("that domain isn\'t in my list of allowed rcpthosts").',
  'add the domain to control/rcpthosts; it counts at once',
])
export const moreStale = kind(
  'morercpthosts-stale',
  'error',
  19,
  [
    'the domain is in morercpthosts, and not in what was compiled of it',
    'qmail-smtpd reads morercpthosts.cdb alone.',
    'run qmail-newmrh',
  ],
  ['domain-refused'],
)
export const recipientRefused = kind('recipient-refused', 'error', 22, [
  'badrcptto refuses the address of a list',
  'A qmail-smtpd with that patch refuses its mail.',
  'remove the line from control/badrcptto',
])
export const assignWrong = kind('assign-wrong', 'error', 24, [
  'users/assign cannot be compiled',
  'Each line has six fields behind the key, with a colon behind each, and the last line is a dot; else qmail-newu says "bad format" and changes nothing.',
  'mend the line, and run qmail-newu',
])
export const assignStale = kind('assign-stale', 'error', 25, [
  'users/assign was changed and not compiled',
  'qmail-lspawn reads users/cdb alone; mail for lists goes where the old one says.',
  'run qmail-newu',
])
export const assignedElsewhere = kind('assigned-elsewhere', 'error', 26, [
  'users/assign takes the mail for lists elsewhere',
  'A line for the address, or a wildcard that it begins with, comes before the account.',
  'take the line out of users/assign, or name the user and home of the lists there, and run qmail-newu',
])
export const userMissing = kind('user-missing', 'error', 30, [
  'the user of the virtual domain does not exist',
  'Mail goes on to ~alias, where no file is for it ("no mailbox here by that name").',
  'make the account, or name another one in control/virtualdomains',
])
export const userPassedOver = kind('user-passed-over', 'error', 31, [
  'qmail does not deliver to the user of the virtual domain',
  'An account counts only with a home that is its own and that can be reached, and never root.',
  'give the account a home of its own',
])
export const aliasMissing = kind('alias-missing', 'error', 32, [
  'the account alias is missing',
  'It gets all mail that is no account\'s; without it such mail stays in the queue ("Unable to find alias user").',
  'make the accounts of qmail again, as its INSTALL.ids says',
])
export const homeMissing = kind('home-missing', 'error', 33, [
  'the home of the user in charge is missing',
  'Mail for lists stays in the queue ("Unable to switch to ...").',
  'make the folder and give it to the user, or mend users/assign',
])
export const homeClosed = kind('home-closed', 'error', 34, [
  'the user in charge cannot enter the home',
  'Mail for lists stays in the queue ("Unable to switch to ...").',
  "run 'chmod o+x' on the folder",
])
export const homeWritable = kind('home-writable', 'error', 35, [
  'the home of the user in charge can be written by others',
  'qmail-local puts all mail off ("Uh-oh: home directory is writable").',
  "run 'chmod go-w' on the home",
])
export const homeSticky = kind('home-sticky', 'error', 36, [
  'the home of the user in charge is sticky',
  'This is how one holds mail while a .qmail file is edited: all mail stays in the queue.',
  "run 'chmod -t' on the home",
])
export const homeGroupWritable = kind('home-group-writable', 'warning', 37, [
  'the home of the user in charge can be written by its group',
  'A qmail that was built with conf-patrn 022 puts all mail off ("Uh-oh: home directory is writable").',
  "run 'chmod g-w' on the home",
])
export const fileMissing = kind('file-missing', 'error', 40, [
  'there is no .qmail file for the lists',
  'Mail bounces: "Sorry, no mailbox here by that name."',
  "run 'posthorn hookup qmail' and make the file that it names",
])
export const fileUnreadable = kind('file-unreadable', 'error', 41, [
  'the user in charge cannot read the .qmail file',
  'Mail for lists stays in the queue ("Unable to open .qmail-default: access denied").',
  "run 'chmod 644' on the file",
])
export const fileWritable = kind('file-writable', 'error', 42, [
  'the .qmail file can be written by others',
  'qmail-local puts all mail off ("Uh-oh: .qmail file is writable").',
  "run 'chmod 644' on the file",
])
export const fileGroupWritable = kind('file-group-writable', 'warning', 43, [
  'the .qmail file can be written by its group',
  'A qmail that was built with conf-patrn 022 puts all mail off ("Uh-oh: .qmail file is writable").',
  "run 'chmod 644' on the file",
])
export const fileEmpty = kind('file-empty', 'error', 44, [
  'the .qmail file is empty',
  "Mail goes where qmail's default delivery says, usually into a mailbox, and no post reaches Posthorn.",
  "run 'posthorn hookup qmail' and write its line into the file",
])
export const fileBlank = kind('file-blank', 'error', 45, [
  'the first line of the .qmail file is empty',
  'qmail-local puts all mail off ("Uh-oh: first line of .qmail file is blank").',
  'remove the line',
])
export const fileExecutable = kind('file-executable', 'error', 46, [
  'the .qmail file has the executable bit',
  'Then it may hold forwards alone: qmail-local puts mail off (".qmail has prog delivery but has x bit set").',
  "run 'chmod 644' on the file",
])
export const handOverMissing = kind('hand-over-missing', 'error', 48, [
  'the .qmail file for the lists does not start posthorn-qmail',
  'Mail for lists goes into a mailbox, to somebody else, or nowhere.',
  "run 'posthorn hookup qmail' and write its line into the file",
])
export const programMissing = kind('program-missing', 'error', 50, [
  'the program of the .qmail file is not there',
  'The shell leaves with 127, and mail stays in the queue until it is too old.',
  'name posthorn-qmail with its whole path',
])
export const programClosed = kind('program-closed', 'error', 51, [
  'the user in charge may not run the program of the .qmail file',
  'The shell leaves with 126, and mail stays in the queue until it is too old.',
  "run 'chmod a+rx' on the program, and 'chmod a+x' on the folders above it",
])
export const callWrong = kind('call-wrong', 'error', 52, [
  'the call of posthorn-qmail is wrong',
  'The program leaves with 111, and mail stays in the queue until it is too old.',
  'write posthorn-qmail PORT PARTS [HOST]',
])
export const wrongPort = kind('wrong-port', 'error', 53, [
  'the .qmail file names a port where Posthorn does not listen',
  'The program leaves with 111, and mail stays in the queue until it is too old.',
  "write Posthorn's LMTP port",
])
export const wrongHost = kind('wrong-host', 'error', 54, [
  'the .qmail file names a host where Posthorn does not listen',
  'The program leaves with 111, and mail stays in the queue until it is too old.',
  "write Posthorn's LMTP host as the third word, or leave it out for 127.0.0.1",
])
export const wrongSocket = kind('wrong-socket', 'error', 55, [
  'the .qmail file names a socket where Posthorn does not listen',
  'The program leaves with 111, and mail stays in the queue until it is too old.',
  'write the path of [lmtp] socket, or PORT instead of --unix',
])
export const wrongParts = kind('wrong-parts', 'error', 56, [
  'PARTS does not fit the prefix of the address',
  'The prefix stays in the address, or too much is taken off: Posthorn knows no such list, and all mail bounces.',
  'count the dashes: a prefix with n dashes needs PARTS n+1',
])
export const envelopeFixed = kind('envelope-fixed', 'error', 57, [
  'the .qmail file gives every message the same sender or recipient',
  'Each list has several addresses, and Posthorn judges posts and bounces by their envelopes.',
  'take --sender and --recipient out of the line',
])
export const sysexits = kind('sysexits', 'error', 58, [
  'posthorn-qmail is told to use exit codes that are not those of qmail',
  'For an unknown list it leaves with 67, which qmail takes for "try again later": such mail stays in the queue for a week.',
  'take --sysexits out of the line',
])
export const exitCodeHidden = kind('exit-code-hidden', 'error', 59, [
  'the line does not end with the exit code of posthorn-qmail',
  'What comes behind it says success or failure in its place: mail is lost while Posthorn is down, or does not bounce.',
  'let posthorn-qmail be the last of the line',
])
export const commandBefore = kind('command-before', 'error', 60, [
  'a line before it keeps mail from posthorn-qmail',
  'A program that leaves with 99 ends the file, one that fails puts mail off or bounces it.',
  'remove the line, or put it behind',
])
export const preline = kind('preline', 'warning', 61, [
  'preline puts lines before the message',
  'posthorn-qmail needs none; a "From " line at the top is no header field, and Posthorn judges what it gets.',
  'take preline out of the line',
])
export const deliveredTwice = kind('delivered-twice', 'warning', 62, [
  'the .qmail file delivers mail for lists a second time',
  'Every line is followed. When another one fails, the whole file is tried again.',
  'remove the other line',
])
export const programBefore = kind('program-before', 'warning', 63, [
  'another program runs before posthorn-qmail',
  'When it fails, or leaves with 99, the mail does not come to Posthorn.',
  'remove the line, or put it behind',
])
export const listFileMissing = kind('list-file-missing', 'error', 65, [
  'a list has no .qmail file',
  'In a domain that lists share with people each list needs its own: its mail bounces ("no mailbox here by that name"), or goes where the rest goes.',
  "run 'posthorn hookup qmail' and make the files that it names",
])
export const extensionFileMissing = kind('extension-file-missing', 'error', 66, [
  'a list has no .qmail file for its sub-addresses',
  'LIST-request, LIST-bounces+... and LIST-confirm+... need .qmail-LIST-default: bounces and confirmations do not come home.',
  "run 'posthorn hookup qmail' and make the files that it names",
])
export const accountTakesList = kind('account-takes-list', 'error', 67, [
  'an account of this machine has the name of a list',
  'qmail gives mail for NAME and for all NAME-... to the account first.',
  'call the list another name, or give its address to alias in users/assign',
])
export const fileShadows = kind('file-shadows', 'error', 68, [
  'a .qmail file of its own takes the mail of a list elsewhere',
  'A file with the name of the address comes before .qmail-default.',
  'move the file away',
])
export const fileMisnamed = kind('file-misnamed', 'warning', 69, [
  'qmail never looks for a .qmail file of that name',
  'It makes capitals small and turns dots into colons before it looks.',
  'name the file as qmail does',
])
export const filesElsewhere = kind(
  'files-elsewhere',
  'error',
  64,
  [
    'Posthorn writes the .qmail files into another home',
    'qmail looks in the home of the user in charge, and does not find them there.',
    'let [qmail] home name the home of the user whom the domain is given to',
  ],
  ['file-missing', 'list-file-missing', 'extension-file-missing'],
)
export const fileStale = kind('file-stale', 'info', 70, [
  'a .qmail file is there for a list that there is not',
  'Mail for it comes to Posthorn, which refuses it: it bounces as it should.',
  'remove the file',
])
export const senderRefused = kind('sender-refused', 'error', 75, [
  "badmailfrom refuses Posthorn's own mail",
  "All its mail is sent by LIST-bounces+...@DOMAIN: no post leaves, and members' replies by that domain neither.",
  'remove the line from control/badmailfrom',
])
export const relayRefused = kind('relay-refused', 'error', 76, [
  "qmail-smtpd does not relay Posthorn's mail",
  'Without RELAYCLIENT it takes mail for its own domains only: no post reaches a member elsewhere.',
  'add \'127.:allow,RELAYCLIENT=""\' to the rules of tcpserver, and compile them',
])
export const relayRulesStale = kind('relay-rules-stale', 'error', 77, [
  'the rules of tcpserver were changed and not compiled',
  "tcpserver reads the .cdb alone: Posthorn's mail is refused.",
  'compile them with tcprules (qmailctl cdb)',
])
export const sizeLimit = kind('size-limit', 'warning', 80, [
  'qmail-smtpd takes smaller messages than Posthorn',
  'Posts that Posthorn would take are refused, or refused when it sends them to the members ("exceeds my databytes limit").',
  'raise control/databytes, or lower [lmtp] max_message_size',
])
export const everythingAccepted = kind('open-relay', 'warning', 82, [
  'control/rcpthosts is missing',
  'qmail-smtpd then relays for everybody, and is soon on black lists.',
  'make control/rcpthosts with all domains that this machine takes mail for',
])
export const shortLife = kind('queue-lifetime', 'warning', 84, [
  'qmail gives up after a short time',
  "Mail for lists bounces when Posthorn, or a member's mail server, is down for longer.",
  'remove control/queuelifetime (a week), and restart qmail-send',
])
export const plainFile = kind('plain-dot-qmail', 'info', 90, [
  'mail for the user of the lists itself is handed to Posthorn too',
  'There EXT is empty, which is no address: such mail stays in the queue for a week, and bounces.',
  "let .qmail name a person's mailbox",
])
export const relayRulesUnknown = kind('relay-rules-unknown', 'info', 92, [
  'the rules of tcpserver were not found, or cannot be read here',
  "Whether qmail-smtpd relays Posthorn's mail is seen by the relay check alone.",
  'see that RELAYCLIENT is set for the address of Posthorn',
])
export const outsideDenied = kind('outside-denied', 'info', 93, [
  'tcpserver lets nobody in from outside',
  'Mail for lists can come from this machine alone, or from where the rules say.',
  "where mail is to come from outside, write ':allow' as the last rule, and compile the rules",
])
export const notReread = kind('not-reread', 'info', 94, [
  'locals or virtualdomains is newer than qmail-send',
  'It reads them when it starts, and at a HUP; whether it got one cannot be seen.',
  `when mail for lists goes astray, ${hup}`,
])

export const qmailKinds: readonly FindingKind[] = [
  notInstalled,
  meMissing,
  notRunning,
  controlClosed,
  carriageReturn,
  compiledBroken,
  deliveriesHeld,
  remoteHeld,
  hookUpMissing,
  domainLocal,
  virtualLineWrong,
  domainMissing,
  domainExcepted,
  routedToLmtp,
  routesLoop,
  caughtElsewhere,
  addressTaken,
  domainRefused,
  moreStale,
  recipientRefused,
  assignWrong,
  assignStale,
  assignedElsewhere,
  userMissing,
  userPassedOver,
  aliasMissing,
  homeMissing,
  homeClosed,
  homeWritable,
  homeSticky,
  homeGroupWritable,
  fileMissing,
  fileUnreadable,
  fileWritable,
  fileGroupWritable,
  fileEmpty,
  fileBlank,
  fileExecutable,
  handOverMissing,
  programMissing,
  programClosed,
  callWrong,
  wrongPort,
  wrongHost,
  wrongSocket,
  wrongParts,
  envelopeFixed,
  sysexits,
  exitCodeHidden,
  commandBefore,
  preline,
  deliveredTwice,
  programBefore,
  listFileMissing,
  extensionFileMissing,
  accountTakesList,
  fileShadows,
  fileMisnamed,
  filesElsewhere,
  fileStale,
  senderRefused,
  relayRefused,
  relayRulesStale,
  sizeLimit,
  everythingAccepted,
  shortLife,
  plainFile,
  relayRulesUnknown,
  outsideDenied,
  notReread,
]
