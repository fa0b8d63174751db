// The sections that touch mail on the wire: both sides of the mail server, envelope senders, signatures.

import { host, hostPort, listenAddress, networks } from './hosts.ts'
import { ignored, later, translated, honoured as y } from './key.ts'
import { codeName, codeNames, configurationName, deliverers, mailServers } from './names.ts'
import {
  boolean,
  byteSize,
  commaList,
  delimiter,
  duration,
  emailAddress,
  filePath,
  integer,
  oneOf,
  optional,
  patternNaming,
  perMode,
  port,
  secret,
  term,
  text,
} from './values.ts'

const count = integer(0, 1_000_000_000)

const verification = 'verification by DKIM, DMARC and ARC'
const signing = 'signing by Posthorn itself'
const bounceProcessing = 'bounce processing'
const commandsByMail = 'commands by mail'
const eachCopyNamed =
  "Each copy names its member by default; [bulk] mode, and a list's own setting, say otherwise."
const smtpExtensions = 'sending by XVERP and BDAT'

export const mta = {
  title: 'mta',
  doc: 'The mail server on both sides: LMTP in, SMTP out, and the addresses that carry a token.',
  keys: {
    incoming: translated(
      codeNames(mailServers),
      'mailman.mta.postfix.LMTP',
      'The mail server that hands mail in, or several of them, between blanks: their tables are generated.',
      'The dotted Python name is read as the built-in name.',
    ),
    outgoing: translated(
      codeName(deliverers),
      'mailman.mta.deliver.deliver',
      'How mail goes out.',
      'There is one way of sending, and [bulk] says how it groups recipients.',
    ),
    smtp_host: y(host, 'localhost', 'The mail server that takes outgoing mail.'),
    smtp_port: y(port, '25', 'Its port; 0 takes the usual one of the mode (25, or 465 for smtps).'),
    smtp_user: y(optional(text), '', 'Login, used when smtp_pass is given too.'),
    smtp_pass: y(secret, '', 'Password of the login.'),
    smtp_secure_mode: y(
      oneOf('smtp', 'smtps', 'starttls'),
      'smtp',
      'Plain, TLS from the first byte, or TLS by STARTTLS, which is then required.',
    ),
    smtp_verify_cert: y(
      boolean,
      'yes',
      'With TLS: the certificate must be valid under the authorities of this system.',
    ),
    smtp_verify_hostname: y(
      boolean,
      'yes',
      'With TLS and smtp_verify_cert: the certificate must name smtp_host.',
    ),
    lmtp_host: y(
      host,
      '127.0.0.1',
      'The address to listen on for LMTP, written into transport tables too. Postfix wants a number here. An address that stands for all of this machine needs [lmtp] allow.',
    ),
    lmtp_port: y(port, '8024', 'The port to listen on for LMTP.'),
    max_recipients: y(count, '500', 'Most recipients of one SMTP transaction; 0 is no limit.'),
    max_sessions_per_connection: y(count, '0', 'Most transactions of one SMTP connection; 0 is no limit.'),
    max_delivery_threads: translated(
      count,
      '0',
      'Most SMTP connections at a time.',
      'Mailman reads this nowhere; here a number above 0 is an upper bound for [bulk] connections.',
    ),
    delivery_retry_period: y(duration, '5d', 'How long a recipient refused for now is tried again.'),
    verp_delimiter: y(delimiter, '+', 'What separates the extension of an address from its local part.'),
    verp_format: later(
      text,
      `\${bounces}+\${local}=\${domain}`,
      'Local part of the envelope sender that names a member, in the style of Mailman ([verp] style).',
      bounceProcessing,
    ),
    verp_regexp: later(
      patternNaming('bounces', 'local', 'domain'),
      '^(?P<bounces>[^+]+?)\\+(?P<local>[^=]+)=(?P<domain>[^@]+)@.*$',
      'How such an address is read again.',
      bounceProcessing,
    ),
    verp_confirm_format: later(
      text,
      '$address+$cookie',
      'Local part of the address that confirms.',
      commandsByMail,
    ),
    verp_confirm_regexp: later(
      patternNaming('addr', 'cookie'),
      '^(.*<)?(?P<addr>[^+]+?)\\+(?P<cookie>[^@]+)@.*$',
      'How the token is read from such an address.',
      commandsByMail,
    ),
    verp_confirmations: later(
      boolean,
      'yes',
      'The token of a confirmation is in its address, not in the subject.',
      commandsByMail,
    ),
    verp_personalized_deliveries: translated(
      boolean,
      'no',
      'Copies of a personalized list have their own envelope sender.',
      eachCopyNamed,
    ),
    verp_delivery_interval: translated(
      count,
      '0',
      'Own envelope senders: 0 never, 1 always, n for each n-th post of a list.',
      eachCopyNamed,
    ),
    verp_probe_format: later(
      text,
      '$bounces+$token@$domain',
      'Envelope sender of a probe.',
      bounceProcessing,
    ),
    verp_probe_regexp: later(
      patternNaming('bounces', 'token'),
      '^(?P<bounces>[^+]+?)\\+(?P<token>[^@]+)@.*$',
      'How the token of a probe is read from its bounce.',
      bounceProcessing,
    ),
    verp_probes: later(boolean, 'no', 'A member is probed before delivery is disabled.', bounceProcessing),
    probe_add_dsn: later(boolean, 'yes', 'The last bounce is attached to the probe.', bounceProcessing),
    max_autoresponses_per_day: translated(
      count,
      '10',
      'Most notices that a post is held, per list, sender and day; 0 is no limit.',
      'One a day for each list and sender, as RFC 3834 §2 asks.',
    ),
    remove_dkim_headers: later(
      boolean,
      'no',
      'Signatures that came with a post are removed before it leaves.',
      verification,
    ),
    configuration: y(
      configurationName,
      'python:mailman.config.postfix',
      'Settings of the mail servers: a file with a section for each, [postfix] and so on, or the shipped defaults.',
    ),
  },
} as const

export const lmtp = {
  title: 'lmtp',
  doc: 'The door for incoming mail, beyond [mta] lmtp_host and lmtp_port. New in Posthorn.',
  keys: {
    socket: y(
      optional(text),
      '',
      'Path of a Unix socket to listen on too; relative to var_dir. Empty: none.',
    ),
    allow: y(
      networks,
      '',
      'Who may deliver, and ask at [lookup]. Empty: loopback, the addresses of this machine, and those of smtp_host.',
    ),
    max_message_size: y(byteSize, '32 MiB', 'Largest message that is taken.'),
    max_recipients: y(
      integer(100, 100_000),
      '1000',
      'Most recipients of one transaction (RFC 5321 §4.5.3.1.8).',
    ),
    idle_timeout: y(duration, '300s', 'A client that says nothing for so long is sent away.'),
    smtp_intake: y(
      optional(hostPort),
      '',
      'host:port of a plain SMTP listener, for mail servers without LMTP. A post to several lists is taken for all or none.',
    ),
  },
} as const

export const bulk = {
  title: 'bulk',
  doc: 'How posts go out to many recipients. New in Posthorn.',
  keys: {
    mode: y(
      oneOf('individual', 'bulk'),
      'individual',
      'A copy with its own envelope sender for each member, or one for many recipients. A list may say otherwise.',
    ),
    connections: y(
      perMode(1, 1000),
      '4 20',
      'SMTP connections at a time: in bulk, and with individual copies.',
    ),
    in_doubt: y(
      integer(1, 100_000),
      '1000',
      'Most recipients whose delivery is not yet recorded: all that a crash can repeat.',
    ),
    keep_pages: y(duration, '30d', 'How long the record of each delivery is kept; trace reads it.'),
    xverp: later(
      oneOf('auto', 'no'),
      'auto',
      "Lets a Postfix make the individual envelope senders (Postfix's XVERP).",
      smtpExtensions,
    ),
    bdat: later(
      oneOf('auto', 'no'),
      'auto',
      'Sends by BDAT where the mail server offers CHUNKING (RFC 3030).',
      smtpExtensions,
    ),
  },
} as const

export const verp = {
  title: 'verp',
  doc: 'The envelope sender that names a member. New in Posthorn.',
  keys: {
    style: later(
      oneOf('signed', 'mailman'),
      'signed',
      'Short and signed, or readable as Mailman writes it.',
      bounceProcessing,
    ),
    accept_unsigned: later(
      term,
      'yes',
      "Whether bounces to Mailman's unsigned form still count: yes, no, or until DATE.",
      bounceProcessing,
    ),
  },
} as const

export const dkim = {
  title: 'dkim',
  doc: 'Signing by Posthorn itself (RFC 6376); leave it empty where the mail server signs. New in Posthorn.',
  keys: {
    sign: later(
      oneOf('notices', 'copies', 'none'),
      'notices',
      'What is signed: our own letters, each copy of a post too, or nothing. Without a key nothing is signed.',
      signing,
    ),
  },
  others: y(
    filePath,
    '',
    'DOMAIN.SELECTOR: path of the private key (PEM), relative to the configuration file.',
  ),
} as const

export const lookup = {
  title: 'lookup',
  doc: 'Live answers to a mail server that asks which recipients exist. Empty: not offered. New in Posthorn.',
  keys: {
    socketmap: y(
      optional(listenAddress),
      '',
      "Postfix's and Sendmail's socketmap protocol; maps: recipients, domains.",
    ),
    tcp_table: y(optional(listenAddress), '', "Postfix's tcp_table protocol, for recipients."),
    readsocket: y(
      optional(listenAddress),
      '',
      "Exim's readsocket expansion: a line with an address in; yes, no or later out.",
    ),
  },
} as const

export const bounces = {
  title: 'bounces',
  doc: 'Bounce processing.',
  keys: {
    register_bounces_every: ignored(
      duration,
      '15m',
      'How often bounces are registered.',
      'bounces are processed as they come in',
    ),
  },
} as const

export const arc = {
  title: 'ARC',
  doc: 'The Authenticated Received Chain (RFC 8617).',
  keys: {
    enabled: later(boolean, 'no', 'Verifies what came in and seals what goes out.', verification),
    dmarc: later(boolean, 'yes', 'DMARC is verified too.', verification),
    dkim: later(boolean, 'yes', 'DKIM is verified too.', verification),
    authserv_id: later(
      optional(text),
      '',
      'Name of this site in Authentication-Results (RFC 8601 §2.5).',
      verification,
    ),
    trusted_authserv_ids: later(
      commaList,
      '',
      'Names whose Authentication-Results are believed.',
      verification,
    ),
    privkey: later(
      optional(filePath),
      '',
      'Path of the private key (PEM), relative to the configuration file.',
      verification,
    ),
    selector: later(optional(text), '', 'Selector of the key.', verification),
    domain: later(optional(text), '', 'Domain of the key.', verification),
    sig_headers: later(
      commaList,
      [
        'From, Sender, Reply-To, Subject, Date, Message-ID, To, Cc, MIME-Version, Content-Type,',
        'Content-Transfer-Encoding, Content-ID, Content-Description, Resent-Date, Resent-From, Resent-Sender,',
        'Resent-To, Resent-Cc, Resent-Message-ID, In-Reply-To, References, List-Id, List-Help, List-Unsubscribe,',
        'List-Subscribe, List-Post, List-Owner, List-Archive',
      ].join(' '),
      'Header fields that the seal covers; From must be one.',
      verification,
    ),
  },
} as const

const ownCopy = 'a copy of the list is shipped, and nothing is downloaded'

export const dmarc = {
  title: 'dmarc',
  doc: "Looking up a sender's DMARC policy (RFC 7489).",
  keys: {
    resolver_timeout: later(duration, '3s', 'How long one name server is waited for.', verification),
    resolver_lifetime: later(duration, '5s', 'How long one question may take in all.', verification),
    org_domain_data_url: ignored(
      text,
      'https://publicsuffix.org/list/public_suffix_list.dat',
      'Where the public suffix list comes from.',
      ownCopy,
    ),
    cache_lifetime: ignored(duration, '7d', 'How long the public suffix list is kept.', ownCopy),
  },
} as const

export const devmode = {
  title: 'devmode',
  doc: 'A site that must not write to its members yet.',
  keys: {
    enabled: y(boolean, 'no', 'All mail goes to recipient.'),
    recipient: y(optional(emailAddress), '', 'The address that gets all mail; needed when enabled.'),
    testing: ignored(boolean, 'no', "Mailman's own test mode.", 'it is for the tests of Mailman'),
    wait: ignored(duration, '60s', "How long Mailman's tests wait.", 'it is for the tests of Mailman'),
  },
} as const
