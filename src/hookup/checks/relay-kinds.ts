// What can be wrong where our mail goes out: the mail server that [mta] smtp_host names (RFC 5321, RFC 3207, RFC 4954).
import type { FindingKind } from '../../model/hookup.ts'

const waits = 'Nothing leaves: posts and letters wait in our queue until this is mended; no member is blamed.'

const error = (name: string, rank: number, summary: string, why: string, change: string): FindingKind => ({
  code: `relay.${name}`,
  severity: 'error',
  summary,
  why,
  change,
  rank,
})

const info = (name: string, summary: string, why: string, change: string): FindingKind => ({
  code: `relay.${name}`,
  severity: 'info',
  summary,
  why,
  change,
  rank: 195,
})

export const unreachable = error(
  'unreachable',
  115,
  'The mail server that takes our mail cannot be reached',
  waits,
  'See that it runs and listens there; [mta] smtp_host and smtp_port say where we look for it.',
)

export const silent = error(
  'silent',
  116,
  'The SMTP port is open, but nobody greets there',
  `The mail server hangs, or the port speaks TLS from the first byte. ${waits}`,
  "Look into the mail server's log; for a port with TLS from the first byte (mostly 465): [mta] smtp_secure_mode: smtps",
)

export const notSmtp = error(
  'not-smtp',
  116,
  'The SMTP port speaks another protocol',
  waits,
  'Correct [mta] smtp_host and smtp_port.',
)

export const loop = error(
  'loop',
  114,
  '[mta] smtp_host and smtp_port name our own door',
  'Mail would come straight back to us instead of leaving.',
  "[mta] smtp_port is the mail server's port, mostly 25; lmtp_port is ours, mostly 8024.",
)

export const greetingRefused = error(
  'greeting-refused',
  116,
  'The mail server refuses our connection',
  waits,
  "Its log says why: mostly this host's address is not among those that may connect.",
)

export const noStartTls = error(
  'no-starttls',
  117,
  'The mail server offers no STARTTLS, though it is wanted',
  `[mta] smtp_secure_mode: starttls never goes on in the clear. ${waits}`,
  'Turn TLS on at that server, or write [mta] smtp_secure_mode: smtps (mostly port 465) or smtp (no TLS).',
)

export const certificateUntrusted = error(
  'certificate-untrusted',
  117,
  "The mail server's certificate comes from nobody that this system trusts",
  waits,
  'Name its authority in NODE_EXTRA_CA_CERTS of the service, have the certificate signed by a known authority, or write [mta] smtp_verify_cert: no',
)

export const certificateName = error(
  'certificate-name',
  117,
  "The mail server's certificate is for another name",
  waits,
  'Write the name that the certificate has as [mta] smtp_host, or [mta] smtp_verify_hostname: no',
)

export const certificateExpired = error(
  'certificate-expired',
  117,
  "The mail server's certificate is not valid at this time",
  waits,
  "Renew it at the mail server; see that this machine's clock is right.",
)

export const tlsFails = error(
  'tls-fails',
  117,
  'No TLS comes about with the mail server',
  waits,
  'See [mta] smtp_secure_mode: starttls for a port that begins in the clear, smtps for one that begins with TLS.',
)

export const noLogin = error(
  'no-login',
  118,
  'The mail server offers no login that we know, though smtp_user and smtp_pass are set',
  waits,
  'Many servers offer AUTH only after TLS: [mta] smtp_secure_mode: starttls or smtps. Where no login is needed, leave smtp_user and smtp_pass empty.',
)

export const loginRefused = error(
  'login-refused',
  118,
  'The mail server refuses our login',
  waits,
  'Correct [mta] smtp_user and smtp_pass.',
)

export const helloRefused = error(
  'hello-refused',
  117,
  'The mail server refuses our EHLO',
  waits,
  "Its log says why: some servers want a name that the DNS knows; see this machine's host name.",
)

export const loginWanted = error(
  'login-wanted',
  118,
  'The mail server wants a login first',
  waits,
  'Write [mta] smtp_user and smtp_pass, or let that server take mail from our address without (Postfix: mynetworks).',
)

export const tlsWanted = error(
  'tls-wanted',
  118,
  'The mail server wants TLS first',
  waits,
  '[mta] smtp_secure_mode: starttls',
)

export const senderRefused = error(
  'sender-refused',
  119,
  "The mail server refuses a list's envelope sender",
  'Every post of that list is refused before it is sent. Each copy has a sender of its own, LIST-bounces+…@DOMAIN.',
  "Let the account or address that we come from send for the lists' domains (Postfix: reject_sender_login_mismatch; providers: allowed senders).",
)

export const nullSenderRefused: FindingKind = {
  code: 'relay.null-sender-refused',
  severity: 'warning',
  summary: 'The mail server refuses the null sender',
  why: 'Our letters (held posts, confirmations) have no envelope sender, so that nobody answers them (RFC 3834 §3.3, RFC 5321 §4.5.5).',
  change: 'Every mail server must take MAIL FROM:<> (RFC 5321 §6.1): remove the rule that refuses it.',
  rank: 125,
}

export const denied = error(
  'denied',
  119,
  'The mail server does not relay for us',
  'Mail to members at other domains is refused. It relays for addresses that it knows, or after a login.',
  'Add the address that we come from (Postfix: mynetworks; Exim: relay_from_hosts; Sendmail: access), or give us a login: [mta] smtp_user and smtp_pass.',
)

export const oneAddressDenied: FindingKind = {
  code: 'relay.one-address-denied',
  severity: 'warning',
  summary: 'The mail server relays for us at one of its addresses, and refuses us at another',
  why: 'Which one is used depends on the moment: mail is refused now and then.',
  change:
    'Let us relay at both (Postfix: mynetworks = 127.0.0.0/8 [::1]/128 …), or write the address that works as [mta] smtp_host.',
  rank: 126,
}

export const oneAddressClosed = info(
  'one-address-closed',
  'smtp_host has several addresses, and not all of them answer',
  'The others are tried first now and then, which costs a moment; mail leaves all the same.',
  'Write the address that answers as [mta] smtp_host.',
)

export const passwordInClear: FindingKind = {
  code: 'relay.password-in-clear',
  severity: 'warning',
  summary: 'Our password goes over the network in the clear',
  why: 'AUTH PLAIN and LOGIN without TLS can be read by whoever is on the way.',
  change: '[mta] smtp_secure_mode: starttls (or smtps, mostly port 465)',
  rank: 127,
}

export const tooSmall: FindingKind = {
  code: 'relay.too-small',
  severity: 'warning',
  summary: 'The mail server takes smaller messages than a list does',
  why: 'A post between the two sizes is accepted by the list and refused on its way out.',
  change: 'Raise the limit of the mail server, or lower max_message_size of the list.',
  rank: 128,
}

export const smaller = info(
  'smaller',
  'The mail server takes smaller messages than our door',
  'Only larger posts are concerned, where a list takes them at all.',
  'Nothing must be done. Who wants such posts refused at the door lowers [lmtp] max_message_size to that size.',
)

export const no8BitMime = info(
  'no-8bitmime',
  'The mail server does not offer 8BITMIME',
  'Posts with 8-bit text are re-encoded, and signatures in them are dropped.',
  'Nothing must be done; current mail servers offer it.',
)

export const noSmtpUtf8 = info(
  'no-smtputf8',
  'The mail server does not offer SMTPUTF8',
  'Members whose address is not ASCII get no mail.',
  'Turn it on if there are such members (Postfix: smtputf8_enable = yes).',
)

export const noPipelining = info(
  'no-pipelining',
  'The mail server does not offer PIPELINING',
  'Each command waits for its answer: large lists take longer.',
  'Nothing must be done; current mail servers offer it, unless a proxy stands before them.',
)
