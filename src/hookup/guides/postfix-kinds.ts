// What can be wrong with a hook-up of Postfix: the entries of the catalogue. Ranks below 100 come before what the general
// checks find: a line in main.cf explains a refused probe. 1 to 19 the files themselves, 20 to 39 the tables, 40 to 69 the
// way of a post in, 70 to 89 the way of our mail out, then what is only untidy. One long file, since it is one table.
import type { FindingKind, Severity } from '../../model/hookup.ts'

type Words = readonly [summary: string, why: string, change: string]

const kind = (
  name: string,
  severity: Severity,
  rank: number,
  [summary, why, change]: Words,
): FindingKind => ({
  code: `postfix.${name}`,
  severity,
  summary,
  why,
  change,
  rank,
})
/** Kinds that make every program of Postfix end. */
const stops = (one: FindingKind): FindingKind => ({ ...one, explains: ['postfix.fatal'] })
const error = (name: string, rank: number, ...words: Words) => kind(name, 'error', rank, words)
const warning = (name: string, rank: number, ...words: Words) => kind(name, 'warning', rank, words)
const info = (name: string, rank: number, ...words: Words) => kind(name, 'info', rank, words)

const all451 = 'Postfix answers 451 to all mail that has to be looked up there, of people too.'

// ---- the files ----

export const unreadableLine = stops(
  error(
    'unreadable-line',
    1,
    'A line of main.cf is no setting',
    'Every program of Postfix ends with "fatal" when it reads this line: no mail moves at all.',
    'Write it as "name = value", or make it a comment with # as its first sign.',
  ),
)
export const masterLine = error(
  'unreadable-service',
  2,
  'A line of master.cf is no service',
  'Postfix does not start, or starts without this service.',
  'A service has eight columns: name, type, private, unprivileged, chroot, wake-up, most processes, command; a line of -o options begins with a blank.',
)
export const selfReference = stops(
  error(
    'self-reference',
    3,
    'A setting refers to itself',
    'Postfix cannot work its value out and ends with "fatal: unreasonable macro nesting"; a setting cannot be added to by naming it.',
    'Write the former value out in the line.',
  ),
)
export const badValue = stops(
  error(
    'bad-value',
    4,
    'A setting has a value of the wrong kind',
    'The program of Postfix that needs it ends with "fatal", and its mail waits.',
    'Write a value of the right kind.',
  ),
)
export const swallowed = stops(
  error(
    'swallowed-setting',
    5,
    'An indented line is read as part of the setting above it',
    'A line of main.cf that begins with a blank goes on with the setting before, over comments too. So this setting does not count, and the one above has words that it should not have.',
    'Take the blanks at the beginning of the line away.',
  ),
)
export const lostBeginning = stops(
  error(
    'lost-beginning',
    6,
    'A setting was made a comment in its first line only',
    'Its indented lines now go on with the setting before the comment, whose value they change.',
    'Put # before the indented lines too, or take it away from the first.',
  ),
)
export const unknownRestriction = error(
  'unknown-restriction',
  14,
  'A restriction of smtpd has a name that Postfix does not know',
  'smtpd answers "451 4.3.5 Server configuration error" to everybody who comes so far.',
  'Correct the name.',
)
export const fatal = error(
  'fatal',
  13,
  'The programs of Postfix end with a fatal error',
  'None of them runs with this configuration: no mail moves at all.',
  'Correct the setting that is named.',
)
export const misspelled = error(
  'misspelled-name',
  7,
  'A setting has a name that Postfix does not know',
  'Postfix passes over it without a word in the log: the setting that was meant has its default.',
  'Correct the name.',
)
export const commentInValue = stops(
  error(
    'comment-in-value',
    8,
    'A # behind a value is part of the value',
    'Postfix knows comments at the beginning of a line only: the words after # are read as more values.',
    'Put the comment in a line of its own, above.',
  ),
)
export const overridden = error(
  'overridden-setting',
  9,
  'A later line of the same name takes our setting out of force',
  'Of two settings of one name the last counts: the words of the first are lost.',
  'Make one setting of both.',
)
export const othersOverridden = warning(
  'others-overridden',
  20,
  'A later line of the same name takes an earlier setting out of force',
  "Of two settings of one name the last counts: what the first served is not served any more, so other people's mail may be refused or go astray.",
  'Make one setting of both.',
)
export const repeated = info(
  'repeated-setting',
  150,
  'A setting is written twice',
  'The last one counts; nothing is lost by it, but a later change of the first has no effect.',
  'Keep the last.',
)
export const serviceOff = error(
  'service-off',
  10,
  'A service of Postfix that the hook-up needs is switched off',
  'Mail that needs it waits in the queue, or cannot come in.',
  'Switch it on.',
)
export const serviceMissing = error(
  'service-missing',
  11,
  'A transport is not in master.cf',
  'The queue manager finds no such service: the mail is put off with "mail transport unavailable", and comes back after days.',
  'Add the service to master.cf.',
)

// ---- the tables ----

export const notATable = error(
  'no-table',
  20,
  'A word where Postfix wants a table names none',
  `A table is TYPE:NAME without blanks or quotes. ${all451}`,
  'Write it as TYPE:/path.',
)
export const unsupportedType = error(
  'unsupported-type',
  21,
  'This Postfix does not know the type of a table',
  all451,
  "Name a type that 'postconf -m' lists, and make the table of that type.",
)
export const tableMissing = error(
  'table-missing',
  23,
  'A table is not there',
  all451,
  'Make the table, or take it out of main.cf.',
)
export const notCompiled = error(
  'table-not-compiled',
  24,
  'A table has not been compiled',
  `Postfix reads only the compiled file, and that is not there. ${all451}`,
  'Run postmap on it.',
)
export const unreadableTable = error(
  'table-unreadable',
  25,
  'Postfix cannot read a table',
  all451,
  'Let the account postfix read it.',
)
export const brokenTable = error(
  'table-broken',
  26,
  'A table cannot be asked',
  all451,
  'Mend the table, or take it out of main.cf.',
)
export const staleTable = error(
  'table-stale',
  27,
  'The compiled table does not say what its text says',
  'Postfix reads the compiled file alone: changes of the text do not count before postmap has run.',
  'Run postmap on it.',
)
export const olderTable = warning(
  'table-older',
  90,
  'A compiled table is older than its text',
  'It answers as the text does, so nothing is lost yet; Postfix warns in its log at every start, and the next change of the text is easily forgotten.',
  'Run postmap on it.',
)
export const outdated = error(
  'table-outdated',
  28,
  'A table of ours does not know a list',
  'Mail for the list is refused, or goes astray: the table is older than the list, or Postfix reads another file than Posthorn writes.',
  'posthorn aliases',
)
export const wrongFormat = error(
  'table-format',
  29,
  'A table holds lines of another kind of table',
  'Patterns are read as plain keys, or plain keys as patterns: the table answers nothing.',
  'Write both alike.',
)
export const lookUpElsewhere = error(
  'look-up-elsewhere',
  30,
  "A table asks Posthorn's look-up service where it is not",
  `Nobody answers there. ${all451}`,
  'Write the place of [lookup] socketmap or tcp_table.',
)
export const lookUpRoutes = warning(
  'look-up-routes',
  91,
  "Posthorn's look-up service decides on the way of other people's mail",
  "transport_maps and virtual_alias_maps are asked for every address of everybody: while Posthorn is down, nobody's mail moves.",
  'Use it only where it is asked for the domains of lists: relay_recipient_maps, or a check of these domains.',
)

// ---- the way in ----

export const tableAsAlias = error(
  'transport-table-as-alias',
  40,
  'A transport table stands where aliases belong',
  'The mail is sent to an address that reads "lmtp:…", and bounces as "unknown user".',
  'Take the table out there; it belongs to transport_maps.',
)
export const noTransport = error(
  'no-transport',
  46,
  'Nothing routes the addresses of lists to Posthorn',
  'Postfix brings the mail where it brings all other mail of the domain: to a mailbox, to another host, or to itself in a loop.',
  'Add our table to transport_maps.',
)
export const shadowed = error(
  'shadowed-route',
  45,
  'Another entry routes the addresses of lists before ours does',
  'The first answer counts: the mail never comes to Posthorn.',
  'Put our table first, or take the other entry out.',
)
export const aliasTakesLists = error(
  'rewritten-address',
  44,
  'The addresses of lists are rewritten before they are routed',
  'The mail goes to the other address, and never comes to Posthorn.',
  'Take the addresses of lists out of that table.',
)
export const senderRewritten = error(
  'rewritten-sender',
  75,
  'The envelope senders of lists are rewritten on their way out',
  'Bounces come back to an address that names no list or no member: they are lost.',
  'Except the domains of lists from that.',
)
export const nexthopSyntax = error(
  'nexthop-syntax',
  41,
  'A route to Posthorn is written wrong',
  'The LMTP client takes it for another host or port, so the mail waits in the queue.',
  'Write it as lmtp:[address]:port.',
)
export const wrongEndpoint = error(
  'wrong-endpoint',
  42,
  'A route leads to another place than where Posthorn takes mail',
  'Nobody listens there, or somebody else: the mail waits in the queue, or is lost to the other.',
  'Write the place of [mta] lmtp_host and lmtp_port.',
)
export const notLmtp = error(
  'not-lmtp',
  43,
  'A route to Posthorn speaks another protocol than LMTP',
  'At its LMTP door Posthorn answers an SMTP greeting with an error (RFC 2033 §4.1): the mail waits in the queue.',
  'Write lmtp: as the transport.',
)
export const lmtpName = warning(
  'lmtp-host-name',
  92,
  'The LMTP client looks a name up in the DNS alone',
  'Names of /etc/hosts, such as localhost, are not found there on many hosts, and the mail waits in the queue.',
  'Write an address in [mta] lmtp_host, or lmtp_host_lookup = native in main.cf.',
)
export const lmtpFamily = error(
  'inet-protocols',
  47,
  'Postfix may not use the address family of the route to Posthorn',
  'The LMTP client has no address to connect to, and the mail waits in the queue.',
  'inet_protocols = all',
)
export const lmtpClient = error(
  'lmtp-client',
  48,
  'The LMTP client of Postfix is told to want what Posthorn does not offer',
  'Each connection ends without a message handed over: the mail waits in the queue.',
  'Take the setting out.',
)
export const socketPath = error(
  'socket-path',
  49,
  'The LMTP client cannot reach the socket of Posthorn',
  'A path that it cannot open: the mail waits in the queue.',
  'Write the path of [lmtp] socket, and run the service without chroot.',
)
export const rateDelay = warning(
  'rate-delay',
  88,
  'Postfix waits after each message that it hands to Posthorn',
  'A delay meant for hosts outside counts for the way to Posthorn too: of many posts, each waits for all before it.',
  'lmtp_destination_rate_delay = 0s',
)
export const hopLimit = error(
  'hop-limit',
  64,
  'Postfix takes mail that has passed a few hosts for a loop',
  'A post passes several hosts on its way to the list, and again on its way to a member: it comes back with "too many hops".',
  'hopcount_limit = 50',
)
export const deadFilter = error(
  'filter-not-there',
  65,
  'Nobody listens where Postfix hands all mail to be looked at',
  'While the filter, milter or policy service is down, mail is refused for now or waits in the queue: posts, and copies too.',
  'Start that program, or take it out of main.cf.',
)
export const headerCheck = error(
  'header-check',
  66,
  'A header check takes the mail of lists',
  'Copies of posts say that they are from a list (Precedence, List-Id): they are refused, thrown away or sent elsewhere.',
  'Take that line out, or let mail of lists pass before it.',
)
export const deadRelay = error(
  'next-server-not-there',
  76,
  'Nobody listens where Postfix hands on its mail for the world',
  'Copies wait in the queue of Postfix, and come back after days.',
  'Start the mail server that relayhost names, or name another.',
)
export const twoClasses = error(
  'two-classes',
  50,
  'A list domain is in two address classes',
  'Postfix looks at mydestination first, then at virtual_alias_domains, virtual_mailbox_domains and relay_domains: the first one decides, and there lists are unknown users.',
  'Let one of them name the domain.',
)
export const twoClassesHarmless = warning(
  'two-classes-for-now',
  93,
  'A list domain is in two address classes',
  'Mail for the lists gets through today. Which names are known is decided in the first class alone, and Postfix advises against it.',
  'Let one of them name the domain.',
)
export const noClass = error(
  'domain-not-accepted',
  51,
  'Postfix does not take mail for a list domain from outside',
  'It is in none of mydestination, relay_domains, virtual_alias_domains, virtual_mailbox_domains: senders hear "Relay access denied".',
  'Add the domain to relay_domains.',
)
export const virtualAlias = error(
  'virtual-alias-domain',
  52,
  'A list domain is a virtual alias domain, and its lists are no aliases',
  'Postfix looks for such addresses in virtual_alias_maps alone; transport_maps are not asked, and senders hear "User unknown in virtual alias table".',
  'Give the domain an alias domain, or take it out of virtual_alias_domains.',
)
export const virtualMailbox = error(
  'virtual-mailbox-domain',
  53,
  'A list domain is a virtual mailbox domain, and its lists are no mailboxes',
  'Senders hear "User unknown in virtual mailbox table" before transport_maps are asked.',
  'Add our table to virtual_mailbox_maps, or take the domain out of virtual_mailbox_domains.',
)
export const vmapUnused = error(
  'alias-domain-unused',
  54,
  'A domain has an alias domain, and virtual_alias_maps does not know of it',
  'The addresses of lists do not become those that are routed to Posthorn: they are refused, or go where the domain goes.',
  'Add postfix_vmap to virtual_alias_maps.',
)
export const unknownRecipients = error(
  'lists-unknown',
  55,
  'Postfix refuses the addresses of lists as unknown',
  'The maps that say which recipients exist do not know them: senders hear "User unknown".',
  'Add our table to them.',
)
export const refusedByRule = error(
  'refused-by-restriction',
  56,
  'A restriction of smtpd refuses mail for lists',
  'Senders outside hear the refusal, and the post never comes.',
  'Let mail for the domains of lists pass.',
)
export const relocated = error(
  'relocated-list',
  57,
  'relocated_maps has an address of a list',
  'Mail for it is sent back with "User has moved".',
  'Take it out there.',
)
export const delimiter = error(
  'recipient-delimiter',
  58,
  'Postfix does not know the sign before the extension of an address',
  'Addresses as LIST-bounces+MEMBER and LIST-confirm+TOKEN are unknown users: bounces and confirmations are lost.',
  'recipient_delimiter = +',
)
export const delimiterUnused = info(
  'recipient-delimiter-unset',
  151,
  'recipient_delimiter does not have our delimiter',
  'The tables in use match extensions by themselves, so nothing is lost.',
  'recipient_delimiter = +',
)
export const extensionLost = error(
  'extension-lost',
  59,
  'The extension of an address is lost on its way',
  'LIST-bounces+MEMBER arrives as LIST-bounces: nobody knows any more whose bounce it was.',
  'Let the rewriting keep it.',
)
export const subAddressLost = error(
  'sub-address-lost',
  60,
  'Some addresses of a list do not come to Posthorn',
  'Orders, bounces or mail to the owners are refused or go astray.',
  'Let all of them take the same way.',
)
export const hyphenDelimiter = warning(
  'hyphen-delimiter',
  94,
  'recipient_delimiter has a hyphen',
  'Every LIST-anything is taken for LIST and accepted; Posthorn refuses it, and Postfix has to send bounces to people who never wrote.',
  'recipient_delimiter = +',
)
export const openRecipients = warning(
  'unknown-recipients-accepted',
  95,
  'Postfix takes mail for lists that do not exist',
  'It is refused only by Posthorn, so Postfix sends bounces, mostly to people whose address was forged: other hosts count that as spam (backscatter).',
  'Name the recipients that exist.',
)
export const softRefusal = warning(
  'temporary-refusal',
  96,
  'Unknown addresses are refused for now only',
  'The sending side tries again for days before its user hears that there is no such list.',
  'Write 550.',
)
export const ownerRequest = warning(
  'owner-request-special',
  97,
  'Postfix treats LIST-owner and LIST-request in a way of its own',
  'With owner_request_special these names are never split, and aliases of these names change the envelope sender.',
  'owner_request_special = no',
)
export const verifyForever = error(
  'verification-not-kept',
  61,
  'Refusals of address verification are not kept',
  'With address_verify_negative_cache = no every unknown list is answered 450 "in progress" for ever.',
  'address_verify_negative_cache = yes',
)
export const verifyRefuses = warning(
  'refused-while-down',
  88,
  'While Posthorn is down, mail for lists is refused for good',
  'Address verification then gets no answer, and the sender hears 5xx: posts are lost that would only have to wait.',
  'unverified_recipient_defer_code = 450',
)
export const verifyElsewhere = error(
  'verification-elsewhere',
  63,
  'Address verification asks another place than Posthorn',
  'What is answered there decides which lists exist: they are refused, or unknown ones are taken.',
  'Take the entry out, so that the probes go the way of the mail.',
)
export const verifyLong = warning(
  'verification-kept-long',
  98,
  'Refusals of address verification are kept for long',
  'An address that was tried before its list was made stays refused for as long.',
  'address_verify_negative_expire_time = 10s and address_verify_negative_refresh_time = 10s',
)
export const mappingsOff = error(
  'address-mappings-off',
  62,
  'Addresses are not rewritten for incoming mail',
  'receive_override_options with no_address_mappings leaves virtual_alias_maps out, and nothing after it makes up for that: lists of a domain with an alias domain are refused or go astray.',
  'Take no_address_mappings out, or let the mail come back from the filter to an smtpd without it.',
)
export const sizeLimit = warning(
  'size-limit',
  99,
  'Postfix takes only very small messages',
  'Posts that their list would accept are refused by Postfix.',
  'message_size_limit = 10240000',
)

// ---- the way out ----

export const relayRefused = error(
  'relay-refused',
  70,
  'Postfix does not relay for Posthorn',
  'Posts are refused with "Relay access denied": nothing leaves for members of other domains.',
  'Add the address that Posthorn comes from to mynetworks.',
)
export const notListening = error(
  'not-listening',
  71,
  'Postfix does not listen where Posthorn sends its mail',
  'Nothing leaves: posts wait in our queue.',
  'Correct [mta] smtp_host and smtp_port, or let Postfix listen there.',
)
export const proxyProtocol = error(
  'proxy-protocol',
  72,
  'Postfix waits for a proxy where Posthorn sends its mail',
  'It says nothing before a proxy has told who the client is: Posthorn waits for the greeting in vain.',
  'Let Posthorn send to a port whose smtpd has no smtpd_upstream_proxy_protocol.',
)
export const tlsMismatch = error(
  'tls-mismatch',
  72,
  'Postfix and Posthorn differ on TLS for outgoing mail',
  'Each connection ends before a post is handed over.',
  'Make [mta] smtp_secure_mode and smtpd_tls_security_level agree.',
)
export const loop = error(
  'loop',
  69,
  'Mail for the world comes back to this host',
  'Postfix hands it to itself or to Posthorn: it goes round until it bounces, and no member outside gets a post.',
  'Name the next mail server in relayhost, or leave relayhost empty.',
)
export const noWayOut = warning(
  'no-way-out',
  89,
  'Postfix delivers nothing to the world',
  'Members with addresses outside get no post: it bounces, or is thrown away.',
  'default_transport = smtp',
)
export const recipientLimit = info(
  'recipient-limit',
  152,
  'Postfix takes few recipients at a time',
  'Posthorn begins a transaction anew whenever Postfix has enough: a post to many members takes longer.',
  'smtpd_recipient_limit = 1000',
)
export const rateLimit = warning(
  'rate-limit',
  87,
  'Postfix counts what Posthorn sends, and stops it after a few',
  'Copies beyond the limit are refused for now: a post to many members takes hours, or never ends.',
  'smtpd_client_event_limit_exceptions = $mynetworks',
)
export const noAuth = error(
  'no-auth',
  73,
  'Posthorn has a login, and Postfix offers none',
  'Without AUTH Posthorn hands over nothing.',
  'smtpd_sasl_auth_enable = yes, or take [mta] smtp_user away.',
)
export const senderRefused = error(
  'sender-refused',
  74,
  'A restriction refuses the envelope senders of lists',
  'Posts to members are refused at MAIL or RCPT.',
  'Let senders of the list domains pass for Posthorn.',
)
export const noRelayRule = error(
  'no-relay-rule',
  12,
  'No restriction keeps strangers from relaying',
  'smtpd ends with "fatal: … specify at least one working instance of: reject_unauth_destination": no mail comes in.',
  'smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination',
)
