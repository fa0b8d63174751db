// Which finding a trouble of the relay is: by the stage it came at, what was answered, and how TLS failed.
import type { FindingKind } from '../../model/hookup.ts'
import type { RelayTrouble } from '../../smtp/client.ts'
import type { CheckedSite } from './checked-site.ts'
import { knock } from './knock.ts'
import * as kinds from './relay-kinds.ts'

export async function kindOfTrouble(
  site: CheckedSite,
  { stage, reply, cause, words }: RelayTrouble,
): Promise<FindingKind> {
  switch (stage) {
    case 'connect':
      return kinds.unreachable
    case 'greeting':
      if (reply !== null) return kinds.greetingRefused
      return (await waitsToBeSpokenTo(site, words)) ? kinds.notSmtp : kinds.silent
    case 'ehlo':
      return reply === null ? kinds.notSmtp : kinds.helloRefused
    case 'tls': {
      if (cause === null && reply === null) return kinds.noStartTls
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
      return tlsKinds.get(code) ?? kinds.tlsFails
    }
    case 'auth':
      return reply === null ? kinds.noLogin : kinds.loginRefused
  }
}

const tlsKinds: ReadonlyMap<string, FindingKind> = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', kinds.certificateUntrusted],
  ['SELF_SIGNED_CERT_IN_CHAIN', kinds.certificateUntrusted],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', kinds.certificateUntrusted],
  ['UNABLE_TO_GET_ISSUER_CERT', kinds.certificateUntrusted],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', kinds.certificateUntrusted],
  ['ERR_TLS_CERT_ALTNAME_INVALID', kinds.certificateName],
  ['CERT_HAS_EXPIRED', kinds.certificateExpired],
  ['CERT_NOT_YET_VALID', kinds.certificateExpired],
])

/** HTTP servers say nothing until they are asked; what is no reply at all speaks for another protocol too. */
async function waitsToBeSpokenTo({ facts, patience }: CheckedSite, words: string): Promise<boolean> {
  if (words.includes('no SMTP reply')) return true
  const heard = await knock(facts.relay, { ...patience, greeting: Math.min(patience.greeting, 500) })
  if (heard.kind === 'greeted') heard.talk.leave()
  return heard.kind === 'strange'
}
