// smtp_host may have several addresses, of both families; the one that a connection takes is chosen anew each time. So
// each is tried by itself: localhost is often ::1 too, which a mail server may not listen at, or not relay for.
import { isIP } from 'node:net'
import type { Finding } from '../../model/hookup.ts'
import { openDialogue, type Relay } from '../../smtp/client.ts'
import { finding } from '../finding.ts'
import type { CheckedSite } from './checked-site.ts'
import { answerText, placeText } from './knock.ts'
import { relays } from './relay-envelopes.ts'
import { oneAddressClosed, oneAddressDenied } from './relay-kinds.ts'

/** `asked` has been found in order by its name. */
export async function* otherAddresses(site: CheckedSite, asked: Relay): AsyncIterable<Finding> {
  if (isIP(asked.host) !== 0) return
  const addresses = await site.addressesOf(asked.host, site.patience.connect)
  if (addresses.length < 2) return
  const answers = await Promise.all(addresses.map((address) => tryAt(site, asked, address)))
  const closed = answers.filter((answer) => answer.closed !== null)
  const denied = answers.filter((answer) => answer.denied !== null)
  if (closed.length > 0 && closed.length < answers.length)
    yield finding(oneAddressClosed, {
      seen: closed.map(({ place, closed }) => `${place}: ${closed}`).join('; '),
    })
  if (denied.length > 0)
    yield finding(oneAddressDenied, {
      seen: denied.map(({ place, denied }) => `${place}: ${denied}`).join('; '),
    })
}

// A certificate is for the name, and a password for who has shown it: neither is asked of an address.
async function tryAt(site: CheckedSite, asked: Relay, address: string) {
  const place = placeText({ host: address, port: asked.port })
  const opened = await openDialogue({ ...asked, host: address, verifyCertificate: false, credentials: null })
  if ('trouble' in opened) return { place, closed: opened.trouble.words, denied: null }
  const { dialogue } = opened
  try {
    if (asked.credentials !== null) return { place, closed: null, denied: null }
    const mail = answerText(await dialogue.ask('MAIL FROM:<>', 'the answer to MAIL'))
    const said = mail.startsWith('250') ? await relays(site, dialogue) : { seen: `MAIL FROM:<> ${mail}` }
    return { place, closed: null, denied: said?.seen ?? null }
  } finally {
    if (dialogue.wire.loss === null) dialogue.wire.say('QUIT')
    dialogue.wire.lose('all is said')
  }
}
