// All that can be wrong with Exim's side of a hook-up: the words of the catalogue. Ranks: what keeps Exim from reading its
// configuration, then what is misspelt, then routers and transports, then what is answered at RCPT, then what only costs time.
// It is long because it is a catalogue: one entry below the other, nothing else.
import type { FindingKind, Severity } from '../../model/hookup.ts'

const kinds: FindingKind[] = []

function kind(
  code: string,
  severity: Severity,
  rank: number,
  summary: string,
  why: string,
  change: string,
  ...explains: readonly string[]
): FindingKind {
  const own = { code: `exim.${code}`, severity, rank, summary, why, change }
  const made = explains.length === 0 ? own : { ...own, explains }
  kinds.push(made)
  return made
}

const lost = 'Mail for lists is refused at RCPT, or waits in the queue and bounces.'

// --- Exim cannot read it -------------------------------------------------------------------------------------------
export const syntax = kind(
  'syntax',
  'error',
  20,
  'Exim cannot read its configuration',
  'A running Exim goes on with what it read before; the next start fails, and then no mail moves at all.',
  'Mend that line; exim -bV must be silent about it.',
  'exim.not-generated',
)
export const stale = kind(
  'not-generated',
  'error',
  28,
  'The file that Exim reads is not made of the files as they are now',
  'On Debian Exim reads only what update-exim4.conf puts together: what was changed since counts for nothing.',
  'update-exim4.conf && systemctl reload exim4',
)
export const ignoredFile = kind(
  'ignored-file',
  'error',
  26,
  'update-exim4.conf passes over a file of conf.d because of its name',
  'Only names of letters, digits, - and _ are taken: a dot in the name leaves the file out.',
  'Rename it without the dot, then: update-exim4.conf && systemctl reload exim4',
)
export const notSplit = kind(
  'not-split',
  'error',
  27,
  'Our lines are in conf.d, but Exim is configured by exim4.conf.template',
  "With dc_use_split_config='false' nothing in conf.d is read.",
  "Set dc_use_split_config='true' in update-exim4.conf.conf (or put the lines into exim4.conf.template), then: update-exim4.conf && systemctl reload exim4",
)
// --- misspelt ------------------------------------------------------------------------------------------------------
export const undefinedMacro = kind(
  'undefined-macro',
  'error',
  40,
  'A macro is used that is not defined before',
  `Exim takes the word itself as the value: it names no path, no port, no domain. ${lost}`,
  'Define it in the main section, before it is used, or write it as it is defined.',
)
export const noSuchList = kind(
  'no-such-list',
  'error',
  41,
  'A list of domains is named that is not defined',
  'Exim cannot tell whether a domain is in it and puts the mail off, for every domain that comes by that line.',
  'domainlist mm_domains = lists.example.org',
)
export const noRouter = kind(
  'no-router',
  'error',
  45,
  'No router gives the addresses of lists to Posthorn',
  'Exim refuses them as unknown, or sends them into the world.',
  'posthorn hookup exim',
)
export const noTransport = kind(
  'no-transport',
  'error',
  46,
  'A router names a transport that there is not',
  'Exim puts all mail off that this router takes: transport not found.',
  'Write the name of the transport that speaks LMTP.',
)
export const wrongTransport = kind(
  'wrong-transport',
  'error',
  47,
  'The router for lists uses a transport that is not for Posthorn',
  'Mail for lists goes to mailboxes, or into the world.',
  'transport = posthorn_transport',
)
export const routerDriver = kind(
  'router-driver',
  'error',
  48,
  'The router for lists has a driver that does not give mail to a transport as it comes',
  'It redirects, or asks the DNS where the domain goes, rather than handing the mail to Posthorn.',
  'driver = accept',
)
export const takesAll = kind(
  'takes-all-mail',
  'error',
  49,
  'The router for lists takes the mail of every domain',
  'Without domains, require_files or condition nothing is left for the routers behind it: all mail goes to Posthorn.',
  'domains = +mm_domains',
)
// --- the router ----------------------------------------------------------------------------------------------------
export const domainMissing = kind(
  'domain-missing',
  'error',
  50,
  'A domain with lists is not among those of the router',
  `The router passes over it. ${lost}`,
  'Add it to the list of domains.',
)
export const markerFolder = kind(
  'marker-folder',
  'error',
  51,
  'Exim looks for the lists in a folder that is not theirs',
  `The router finds no list there and takes nothing. ${lost}`,
  'MM3_HOME must be the var_dir of Posthorn.',
)
export const lookupOff = kind(
  'lookup-off',
  'error',
  51,
  'Exim asks the look-up service, which is off',
  'The router cannot be answered, so Exim puts all mail for lists off.',
  'In the configuration of Posthorn: [lookup] readsocket: 127.0.0.1:8028; then: posthorn restart',
)
export const lookupPlace = kind(
  'lookup-place',
  'error',
  51,
  'Exim asks the look-up service at another place than it listens at',
  'The router cannot be answered, so Exim puts all mail for lists off.',
  'Write the place of [lookup] readsocket into the router.',
)
export const lookupInverted = kind(
  'lookup-inverted',
  'error',
  52,
  'The router takes the addresses that are unknown',
  'The condition is the wrong way round: lists are passed over, and everything else goes to Posthorn.',
  `condition = \${if !eq{\${readsocket{…}{$local_part@$domain\\n}{5s}}}{no}}`,
)
export const markerPath = kind(
  'marker-path',
  'error',
  52,
  'Exim does not find the folder of a list by the name that it looks for',
  `A list has the folder NAME.DOMAIN, small letters, below the folder of the markers. ${lost}`,
  `MM3_LISTCHK = MM3_HOME/lists/\${local_part}.\${domain}`,
)
export const markerMissing = kind(
  'marker-missing',
  'error',
  53,
  'The folder of a list is not there',
  `Posthorn makes it with the list; somebody removed it, or another folder was restored. ${lost}`,
  'posthorn aliases',
)
export const markerClosed = kind(
  'marker-closed',
  'error',
  53,
  "Exim's account cannot look into the folder of the lists",
  'At RCPT Exim is not root. When it may not pass a folder on the way it cannot tell whether the list is there, and answers 451 for every list.',
  'chmod o+x the folders on the way: that lets everybody pass, and read nothing.',
)
export const suffixNotOptional = kind(
  'suffix-not-optional',
  'error',
  54,
  'The router takes only addresses with a suffix, not the lists themselves',
  'local_part_suffix without local_part_suffix_optional makes the suffix a must: posts are refused as unknown.',
  'local_part_suffix_optional',
)
export const prefix = kind(
  'prefix',
  'error',
  54,
  'The router takes only addresses with a prefix',
  `Addresses of lists have none. ${lost}`,
  'Remove local_part_prefix, or add local_part_prefix_optional.',
)
export const suffixMissing = kind(
  'suffix-missing',
  'error',
  55,
  'Addresses that belong to a list are missing in local_part_suffix',
  'They are refused as unknown: bounces, confirmations or commands do not reach Posthorn.',
  'local_part_suffix = -bounces : -bounces+* : -confirm : -confirm+* : -join : -leave : -owner : -request : -subscribe : -unsubscribe',
)
export const tainted = kind(
  'tainted',
  'error',
  56,
  'Exim does not use what came from outside in this place',
  'Since 4.94 a local part or a domain from the envelope may not be part of such a value; Exim puts the mail off.',
  'Use require_files for the folder of the list, or $local_part_data and $domain_data.',
)
export const notVerified = kind(
  'router-not-verified',
  'error',
  56,
  'The router for lists is left out when recipients are verified',
  'verify = recipient in the access control list finds no router, and lists are refused at RCPT.',
  'Remove no_verify and verify_recipient = false from the router.',
)
export const verifyOnly = kind(
  'verify-only',
  'error',
  56,
  'The router for lists verifies only, and delivers nothing',
  'Mail is accepted at RCPT, and then no router takes it: it bounces.',
  'Remove verify_only from the router.',
)
export const shadowed = kind(
  'shadowed',
  'error',
  57,
  'Another router takes addresses of a list before ours',
  'Routers are asked in their order, and the first that takes an address has it.',
  'Move our router before that one, or take the domain out of that one.',
)
export const unseen = kind(
  'unseen',
  'error',
  58,
  'The router for lists lets the same mail go on to the routers behind it',
  'With unseen a post goes to Posthorn and to whoever takes it next, or bounces although it arrived.',
  'Remove unseen from the router.',
)
export const routerSkips = kind(
  'router-skips',
  'error',
  59,
  'The router for lists passes over an address of a list',
  lost,
  'Remove that condition, or make it hold for the lists.',
)
export const caseful = kind(
  'caseful',
  'warning',
  59,
  'Addresses of lists in capital letters are unknown',
  'The folder of a list has small letters. Without caseful_local_part Exim folds the local part by itself.',
  'Remove caseful_local_part from the router.',
)
export const errorsTo = kind(
  'errors-to',
  'warning',
  59,
  'The router for lists changes the envelope sender of posts',
  'Posthorn judges a post by its envelope sender too, and answers go there.',
  'Remove errors_to from the router.',
)
export const suffixTooWide = kind(
  'suffix-too-wide',
  'warning',
  60,
  'Any tail of a list’s name is taken at RCPT',
  'Posthorn knows only certain tails and refuses the others after Exim took them: they bounce to whoever was forged as sender.',
  'Name the tails that there are, as posthorn hookup exim does.',
)
// --- the transport -------------------------------------------------------------------------------------------------
export const transportDriver = kind(
  'transport-driver',
  'error',
  61,
  'The transport for lists does not speak to Posthorn',
  'Mail for lists goes into a file or to a program, and never becomes a post.',
  'driver = smtp, with protocol = lmtp',
)
export const protocol = kind(
  'protocol',
  'error',
  62,
  'The transport for lists speaks SMTP, not LMTP',
  'Posthorn answers HELO and EHLO at its LMTP port with 500, and Exim puts the mail off.',
  'protocol = lmtp',
)
export const port = kind(
  'port',
  'error',
  63,
  'Exim hands mail for lists to another port than Posthorn listens at',
  'Nobody answers there, or another program does: mail for lists waits in the queue of Exim.',
  'port must be [mta] lmtp_port.',
)
export const lmtpHost = kind(
  'host',
  'error',
  64,
  'Exim hands mail for lists to another host than Posthorn listens at',
  'Nobody answers there: mail for lists waits in the queue of Exim.',
  'hosts must be the address of [mta] lmtp_host.',
)
export const noHosts = kind(
  'no-hosts',
  'error',
  64,
  'The transport for lists names no host',
  'The router gives it none, so Exim has nowhere to connect to and puts the mail off.',
  'hosts = 127.0.0.1',
)
export const hostName = kind(
  'host-name',
  'error',
  65,
  'The host of the transport for lists is a name that Exim cannot find',
  'Exim asks the DNS, not /etc/hosts: where no resolver knows the name, all mail for lists is put off.',
  'hosts = 127.0.0.1',
)
export const allowLocalhost = kind(
  'allow-localhost',
  'error',
  66,
  'The transport for lists may not connect to this machine',
  'Without allow_localhost Exim takes a host that is itself for a loop, and freezes the mail.',
  'allow_localhost',
)
export const affixes = kind(
  'affixes',
  'error',
  67,
  'The transport for lists loses what kind of address it was',
  'Without rcpt_include_affixes Posthorn sees tea@… where the mail was for tea-bounces+…@ or tea-request@: bounces and commands become posts.',
  'rcpt_include_affixes = true',
)
export const demands = kind(
  'lmtp-demands',
  'error',
  68,
  'The transport for lists demands what Posthorn’s LMTP does not offer',
  'There is neither TLS nor AUTH at the LMTP door, so Exim never hands anything over.',
  'Remove hosts_require_tls and hosts_require_auth from the transport.',
)
export const returnPath = kind(
  'return-path',
  'error',
  68,
  'A transport writes one envelope sender over all others',
  'Copies of posts lose the sender that names the member, so bounces cannot be told apart; posts lose the sender that Posthorn judges.',
  'Remove return_path from the transport.',
)
export const partOnly = kind(
  'part-only',
  'error',
  68,
  'The transport for lists hands over only a part of the message',
  'Posthorn gets the header without the body, or the body without the header.',
  'Remove body_only and headers_only from the transport.',
)
export const messageId = kind(
  'message-id-removed',
  'warning',
  75,
  'Posts lose their Message-ID on the way to Posthorn',
  'Posthorn then makes a new one: answers no longer belong to their thread, and a repeated post cannot be known.',
  `Remove headers_remove, or add with it: headers_add = "Message-ID: \${if def:header_message-id:{$h_message-id:}{<E\${message_exim_id}@\${qualify_domain}>}}"`,
)
export const headersRemoved = kind(
  'headers-removed',
  'warning',
  76,
  'Exim takes header fields out of posts or copies that lists need',
  'Without them a post cannot be judged or read, or members’ programs do not see that it is from a list.',
  'Take those names out of headers_remove.',
)
export const filterMissing = kind(
  'filter-missing',
  'error',
  68,
  'A filter that mail of lists passes is not there',
  'Exim puts the mail off whenever it comes to the filter.',
  'Put the filter there, or remove the option.',
)
export const filterTakes = kind(
  'filter-takes-copies',
  'error',
  78,
  'The system filter takes the copies of posts',
  'What it takes is delivered nowhere else: no member gets a post.',
  'Except mail of lists (a List-Id) from that rule of the filter.',
)
export const expansion = kind(
  'expansion',
  'error',
  68,
  'Exim cannot expand a text of the transport for lists',
  'Exim puts the mail off each time.',
  'Correct the text; exim -be TEXT shows what becomes of it.',
)
// --- what is answered at RCPT --------------------------------------------------------------------------------------
export const noAcl = kind(
  'no-acl',
  'error',
  69,
  'There is no access control list for recipients',
  'Exim refuses every recipient that comes by SMTP: the post to a list, and the copies that Posthorn hands over.',
  'acl_smtp_rcpt = acl_check_rcpt',
)
export const noCallout = kind(
  'no-callout',
  'error',
  70,
  'The router takes every address of the domain, and nothing asks Posthorn which exist',
  'Unknown addresses are accepted at RCPT and bounce later, to whoever was forged as their sender.',
  'deny domains = +mm_domains\n     !verify = recipient/callout=10s,no_cache',
)
export const calloutPostmaster = kind(
  'callout-postmaster',
  'error',
  71,
  'The callout asks for postmaster too',
  'Posthorn has no such address in the domains of lists, so every address is refused at RCPT.',
  'Take postmaster and fullpostmaster out of the callout.',
)
export const calloutDeferOk = kind(
  'callout-defer-ok',
  'warning',
  71,
  'While Posthorn is down every address of the domain is accepted',
  'defer_ok lets a callout without an answer pass: unknown addresses bounce later, to whoever was forged as their sender.',
  'Take defer_ok out of the callout.',
)
export const calloutCached = kind(
  'callout-cached',
  'warning',
  72,
  'An address that was refused once stays refused, also when its list is made',
  'Exim remembers the answers to callouts: by default a refusal for two hours, so a new list may stay unknown.',
  '!verify = recipient/callout=10s,no_cache\nor, in the main section: callout_negative_expire = 10s',
)
export const domainNotAccepted = kind(
  'domain-not-accepted',
  'error',
  51,
  'Exim takes no mail for a domain with lists',
  'The access control list lets in mail for the domains that it names; others are refused as relaying.',
  'Add the domain to local_domains.',
)
export const lookupUnreachable = kind(
  'lookup-unreachable',
  'error',
  74,
  'Exim gets no answer from the look-up service',
  'Exim puts all mail for lists off until it answers.',
  'posthorn status; posthorn start',
)
export const relayRefused = kind(
  'relay-refused',
  'error',
  77,
  'Exim refuses the mail that Posthorn hands over for the members',
  'Posthorn’s address is not among those that may send into the world, so no copy leaves.',
  'hostlist relay_from_hosts = 127.0.0.1 : ::::1',
)
export const copyRefused = kind(
  'copy-refused',
  'error',
  77,
  'Exim refuses Posthorn, or the envelope senders of its copies',
  'No copy leaves for the members: Posthorn tries again and again, or gives up.',
  'Let Posthorn’s address pass before that statement: accept hosts = +relay_from_hosts',
)
export const dataRefused = kind(
  'message-refused',
  'error',
  83,
  'Exim refuses a message for its content, after it took the recipient',
  'Posts, bounces or copies of that kind do not pass.',
  'Let mail from Posthorn and for the domains of lists pass before that statement.',
)
export const held = kind(
  'held-domain',
  'error',
  78,
  'Exim keeps the mail of a domain with lists in its queue',
  'hold_domains, queue_domains and queue_smtp_domains stop delivery: posts wait, or do not come at all.',
  'Take the domain out of that option.',
)
export const rewrite = kind(
  'rewrite',
  'error',
  79,
  'Exim rewrites addresses of lists',
  'The envelope sender of a copy names the member: rewritten, its bounce does not come home; a rewritten recipient does not reach the list.',
  'Take the domains of lists out of the rewriting rule.',
)
export const notRouted = kind(
  'not-routed',
  'error',
  80,
  'Exim does not send an address of a list to Posthorn',
  lost,
  'exim -d+route -bt ADDRESS tells router by router why.',
)
export const dkimStrict = kind(
  'dkim-strict',
  'error',
  80,
  'Exim may not send without a signature, and has no key for it',
  'With dkim_strict every copy is put off until the key is there.',
  'Put the key there, readable for Exim, or remove dkim_strict.',
)
export const unknownAccepted = kind(
  'unknown-accepted',
  'error',
  82,
  'Exim accepts addresses that do not exist',
  'They bounce later, to whoever was forged as their sender, and the mail server gets a bad name.',
  'Verify recipients in the access control list before mail for the domain is accepted.',
)
export const rcptRefused = kind(
  'rcpt-refused',
  'error',
  83,
  'Exim refuses an address of a list at RCPT',
  'Although a router takes it, the access control list says no.',
  'Let the statement pass the domains of lists.',
)
export const rcptDeferred = kind(
  'rcpt-deferred',
  'error',
  84,
  'Exim cannot say at RCPT whether an address of a list exists',
  'The sending side tries again and again, and sends the mail back after days.',
  "Exim's log (paniclog, mainlog) says what went wrong.",
)
// --- what costs time -----------------------------------------------------------------------------------------------
export const unknownDeferred = kind(
  'unknown-deferred',
  'warning',
  86,
  'Exim answers "later" for addresses that do not exist',
  'The sending side tries for days where it should hear at once that there is no such address.',
  'See that no router or statement behind ours defers such an address.',
)
export const noRetry = kind(
  'no-retry',
  'warning',
  88,
  'There is no retry rule',
  'Exim then gives up at the first failure: while Posthorn restarts, posts bounce.',
  'begin retry\n* * F,2h,15m; G,16h,1h,1.5; F,4d,6h',
)
export const queueOnly = kind(
  'queue-only',
  'warning',
  90,
  'Exim only queues what it accepts',
  'Posts and copies wait for the next queue run.',
  'Remove queue_only.',
)
export const lookupRefuses = kind(
  'lookup-refuses',
  'warning',
  90,
  'While Posthorn cannot answer, lists are unknown',
  'An answer that is neither yes nor no must not refuse the mail for good.',
  `condition = \${if !eq{\${readsocket{…}{$local_part@$domain\\n}{5s}}}{no}}`,
)
export const fewRecipients = kind(
  'recipients-max',
  'warning',
  91,
  'Exim takes few recipients in one message',
  'Posthorn hands over a post to many members at once, [mta] max_recipients of them; what is over is refused and tried again.',
  'recipients_max = 50000',
)
export const fewMessages = kind(
  'max-per-connection',
  'warning',
  91,
  'Exim takes few messages over one connection, or few connections',
  'Posthorn hands over many copies at once: it is sent away and must come again, and all lists wait.',
  'smtp_accept_max_per_connection = 1000\nsmtp_accept_max = 100',
)
export const sizeLimit = kind(
  'size-limit',
  'warning',
  92,
  'Exim takes only very small messages',
  'Posts with an attachment are refused before Posthorn sees them.',
  'message_size_limit = 50M',
)
export const dkimKey = kind(
  'dkim-key',
  'warning',
  93,
  'The key that Exim is to sign with is not there',
  'Copies leave without a signature; large providers refuse them.',
  'Put the key there, readable for Exim.',
)
export const foreignDomain = kind(
  'foreign-domain',
  'info',
  95,
  'The list of domains names one that Posthorn does not know',
  'Perhaps it is misspelt; perhaps its lists are still to come.',
  'posthorn domain list',
)
export const queuePerConnection = kind(
  'queue-per-connection',
  'info',
  96,
  'Of many copies in one connection, those after the first few wait for the next queue run',
  'smtp_accept_queue_per_connection is 10 by default; Posthorn sends many copies over one connection.',
  'smtp_accept_queue_per_connection = 0',
)
export const sevenBit = kind(
  'seven-bit',
  'info',
  97,
  'Exim does not offer 8BITMIME',
  'Posthorn encodes what it hands over anew, and drops signatures that this would break.',
  'accept_8bitmime = true',
)

export const eximKinds: readonly FindingKind[] = kinds
