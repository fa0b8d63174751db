// May we send, from our lists' envelope senders, to the world? MAIL and RCPT are asked and then taken back by RSET
// (RFC 5321 §4.1.1.5).
import { base32 } from '../../base/random.ts'
import type { Finding, FindingKind } from '../../model/hookup.ts'
import type { Dialogue } from '../../smtp/client-dialogue.ts'
import { finding } from '../finding.ts'
import type { CheckedSite } from './checked-site.ts'
import { answerText, placeText } from './knock.ts'
import {
  denied,
  helloRefused,
  loginWanted,
  nullSenderRefused,
  senderRefused,
  tlsWanted,
} from './relay-kinds.ts'

/** An address that is nobody's and of no mail server's own (RFC 2606 §3). */
export const outside = 'posthorn-doctor@example.com'

const mostDomains = 5

/** True when the mail server does not relay for us. */
export async function* envelopes(site: CheckedSite, dialogue: Dialogue): AsyncGenerator<Finding, boolean> {
  const place = placeText(site.facts.relay)
  let refusal = false
  for (const [i, sender] of ['', ...listSenders(site)].entries()) {
    const mail = await ask(dialogue, `MAIL FROM:<${sender}>`)
    if (!mail.startsWith('250')) {
      const kind = firstOf(mail) ?? (sender === '' ? nullSenderRefused : senderRefused)
      yield finding(kind, { seen: `${place}: MAIL FROM:<${sender}> ${mail}` })
      if (kind === loginWanted || kind === tlsWanted) return true
    } else if (i < 2) {
      const said = await relays(site, dialogue)
      if (said !== null && !refusal) {
        refusal = true
        const kind = said.kind === senderRefused && sender === '' ? nullSenderRefused : said.kind
        yield finding(kind, { seen: `${place}: MAIL FROM:<${sender}>, ${said.seen}` })
      }
    }
    if (dialogue.wire.loss !== null) return refusal
    await ask(dialogue, 'RSET')
  }
  return refusal
}

/** What a refusal of an address outside means; null when it is taken, or the refusal says nothing about us. */
export async function relays(
  site: CheckedSite,
  dialogue: Dialogue,
): Promise<{ readonly kind: FindingKind; readonly seen: string } | null> {
  const answer = await ask(dialogue, `RCPT TO:<${outside}>`)
  const meaning = meaningOf(answer)
  if (meaning !== 'unclear') {
    return meaning === null ? null : { kind: meaning, seen: `RCPT TO:<${outside}> ${answer}` }
  }
  // The address may have been refused for its own sake. The site's owner is a mailbox that must be reached.
  const { siteOwner } = site.config.mailman
  if (siteOwner === 'changeme@example.com') return null
  const second = await ask(dialogue, `RCPT TO:<${siteOwner}>`)
  return second.startsWith('5') ? { kind: denied, seen: `RCPT TO:<${siteOwner}> ${second}` } : null
}

// RFC 4954 §6, RFC 3207 §4: 530 says that something has to come before.
function firstOf(answer: string): FindingKind | null {
  if (!answer.startsWith('530')) return null
  return /starttls/i.test(answer) ? tlsWanted : loginWanted
}

function meaningOf(answer: string): FindingKind | 'unclear' | null {
  const first = firstOf(answer)
  if (first !== null) return first
  if (answer.startsWith('2') || /gr[ea]y-?list/i.test(answer)) return null
  if (/\b(?:helo|ehlo)\b/i.test(answer)) return helloRefused
  if (/sender address rejected/i.test(answer)) return senderRefused
  return /relay|\b[45]\.7\.\d/i.test(answer) ? denied : 'unclear'
}

/** A sender of a copy for one list of each domain: what it names need not exist, since nothing is sent. */
function listSenders({ facts, random }: CheckedSite): readonly string[] {
  return facts.domains
    .flatMap(({ mailHost, listNames: [name] }) => (name === undefined ? [] : [{ name, mailHost }]))
    .slice(0, mostDomains)
    .map(({ name, mailHost }) => {
      const token = base32(random.bytes(6)).slice(0, 10)
      return `${name}-bounces${facts.delimiter === '' ? '' : `${facts.delimiter}${token}`}@${mailHost}`
    })
}

async function ask(dialogue: Dialogue, line: string): Promise<string> {
  return answerText(await dialogue.ask(line, `the answer to ${line}`))
}
