// Does the mail server that [mta] smtp_host names take our mail? The talk as delivery begins it, with TLS and login, then
// a list's envelope sender and an address outside; RSET comes before DATA, so nobody gets mail.
import { isLoopback } from '../../config/hosts.ts'
import type { Finding } from '../../model/hookup.ts'
import { openDialogue, type Relay, standardTimeouts } from '../../smtp/client.ts'
import { finding } from '../finding.ts'
import { ownAddresses } from './addresses.ts'
import type { Check, CheckedSite } from './checked-site.ts'
import { knock } from './knock.ts'
import { otherAddresses } from './relay-addresses.ts'
import { envelopes } from './relay-envelopes.ts'
import * as kinds from './relay-kinds.ts'
import { offers } from './relay-offers.ts'
import { kindOfTrouble } from './relay-troubles.ts'

export const relay: Check = {
  kinds: Object.values(kinds),
  async *look(site) {
    if (yield* isOwnDoor(site)) return
    const asked = boundedRelay(site)
    const opened = await openDialogue(asked)
    if ('trouble' in opened) {
      const kind = await kindOfTrouble(site, opened.trouble)
      yield finding(kind, { seen: opened.trouble.words, file: site.facts.configFile })
      return
    }
    const { dialogue, offered } = opened
    let denied: boolean
    try {
      yield* offers(site, offered)
      denied = yield* envelopes(site, dialogue)
      if (dialogue.wire.loss === null) dialogue.wire.say('QUIT')
    } finally {
      dialogue.wire.lose('all is said')
    }
    if (!denied) yield* otherAddresses(site, asked)
  },
}

function boundedRelay({ relay, patience }: CheckedSite): Relay {
  const { connect, greeting } = patience
  return { ...relay, timeouts: { ...standardTimeouts, connect, greeting } }
}

async function* isOwnDoor({ facts, patience, addressesOf }: CheckedSite): AsyncGenerator<Finding, boolean> {
  const { host, port } = facts.relay
  if (port !== facts.lmtp.port && port !== facts.smtpIntake?.port) return false
  const own = ownAddresses()
  const addresses = await addressesOf(host, patience.connect)
  const [here] = addresses.filter((address) => own.has(address) || isLoopback(address))
  if (here === undefined) return false
  const heard = await knock({ host: here, port }, patience)
  if (heard.kind === 'greeted') heard.talk.leave()
  if (heard.kind === 'greeted' && !/\bPosthorn\b/.test(heard.greeting.text)) return false
  const greeting = heard.kind === 'greeted' ? `; it says ${heard.greeting.text}` : ''
  const key = port === facts.lmtp.port ? '[mta] lmtp_port' : '[lmtp] smtp_intake'
  yield finding(kinds.loop, {
    seen: `[mta] smtp_host: ${host}, smtp_port: ${port}, which is ${key} too${greeting}`,
    file: facts.configFile,
  })
  return true
}
