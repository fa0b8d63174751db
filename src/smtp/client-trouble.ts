// What is wrong with the relay, in words for the operator at 3 a.m.: what, where, what to do.
import { placeOf, type Relay, type RelayTrouble } from './client-relay.ts'
import type { Loss } from './client-transaction.ts'
import { isPermanent, type Reply, replyText } from './reply.ts'

export function cannotConnect(relay: Relay, cause: unknown): RelayTrouble {
  const advice = connectAdvice.get(codeOf(cause)) ?? 'check [mta] smtp_host and smtp_port'
  return trouble('connect', null, cause, `cannot connect to ${placeOf(relay)}: ${wordsOf(cause)}; ${advice}`)
}

export function cannotSecure(relay: Relay, cause: unknown): RelayTrouble {
  const advice =
    tlsAdvice.get(codeOf(cause)) ?? 'check [mta] smtp_secure_mode and the TLS set-up of that server'
  return trouble('tls', null, cause, `no TLS with ${placeOf(relay)}: ${wordsOf(cause)}; ${advice}`)
}

export function tlsNotOffered(relay: Relay): RelayTrouble {
  return trouble(
    'tls',
    null,
    null,
    `${placeOf(relay)} does not offer STARTTLS, which [mta] smtp_secure_mode: starttls demands; nothing is sent in the clear. ` +
      'Turn TLS on at that server, or say smtps (TLS from the first byte, mostly port 465) or smtp (no TLS)',
  )
}

/** The connection ended while a stage waited. */
export function lostAt(stage: RelayTrouble['stage'], relay: Relay, loss: Loss): RelayTrouble {
  const advice =
    stage === 'greeting' && relay.security === 'plain'
      ? 'is this an SMTP port, or one that speaks TLS from the first byte ([mta] smtp_secure_mode: smtps)?'
      : "look into that server's log"
  return trouble(stage, null, loss.cause, `${loss.words}; ${advice}`)
}

/** A reply that says no. */
export function refusedAt(
  stage: RelayTrouble['stage'],
  relay: Relay,
  what: string,
  reply: Reply,
): RelayTrouble {
  const advice =
    stage !== 'auth'
      ? 'that server refuses this host, or is overloaded: look into its log'
      : isPermanent(reply)
        ? 'check [mta] smtp_user and smtp_pass'
        : 'that server cannot check logins now, or takes no more connections of this one: look into its log'
  return trouble(stage, reply, null, `${placeOf(relay)} refused ${what}: ${replyText(reply)}; ${advice}`)
}

export function cannotLogIn(relay: Relay, offered: readonly string[]): RelayTrouble {
  const place = placeOf(relay)
  const words =
    offered.length === 0
      ? `${place} offers no AUTH, but [mta] smtp_user and smtp_pass are set; ` +
        'many servers offer it only after TLS ([mta] smtp_secure_mode: starttls or smtps), others need no login: leave both empty'
      : `${place} offers only AUTH ${offered.join(' ')}; known here are CRAM-MD5, PLAIN and LOGIN: turn one of them on at that server`
  return trouble('auth', null, null, words)
}

export function calledOff(stage: RelayTrouble['stage'], relay: Relay, signal: AbortSignal): RelayTrouble {
  return trouble(stage, null, signal.reason, `the connection to ${placeOf(relay)} was called off`)
}

function trouble(
  stage: RelayTrouble['stage'],
  reply: Reply | null,
  cause: unknown,
  words: string,
): RelayTrouble {
  return { stage, reply, cause, words }
}

const connectAdvice = new Map([
  [
    'ECONNREFUSED',
    'is the mail server running, and does it listen there? Check [mta] smtp_host and smtp_port',
  ],
  ['ENOTFOUND', 'no such name: check [mta] smtp_host'],
  ['EAI_AGAIN', 'the name servers do not answer: check /etc/resolv.conf'],
  ['EHOSTUNREACH', 'no route to it: check the network and [mta] smtp_host'],
  ['ENETUNREACH', 'no route to it: check the network and [mta] smtp_host'],
  ['EACCES', 'the system forbids it: check the firewall'],
])

const ownCertificate =
  'have it sign with a known authority, name the authority in NODE_EXTRA_CA_CERTS, or set [mta] smtp_verify_cert: no'

const tlsAdvice = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', ownCertificate],
  ['SELF_SIGNED_CERT_IN_CHAIN', ownCertificate],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', ownCertificate],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', ownCertificate],
  ['CERT_HAS_EXPIRED', 'renew the certificate of that server'],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'write the name that the certificate has as [mta] smtp_host, or set [mta] smtp_verify_hostname: no',
  ],
  [
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'that port does not speak TLS from the first byte: perhaps [mta] smtp_secure_mode: starttls is meant',
  ],
])

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : ''
}

/** QUIRK: when every address of a name fails, Node gives an AggregateError whose own message is empty. */
function wordsOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(wordsOf).join(', ')
  return cause instanceof Error ? cause.message : String(cause)
}
