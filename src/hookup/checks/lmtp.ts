// Is our door open where the mail server looks for it, is it ours, and does it know its lists? A dialogue as a mail
// server begins it (RFC 2033 §4), ended before any DATA: what is asked about gets no mail.
import { base32 } from '../../base/random.ts'
import { isLoopback, isWildcard } from '../../config/hosts.ts'
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import type { Check, CheckedSite } from './checked-site.ts'
import { type Heard, knock, placeText, type Spot, type Talk } from './knock.ts'
import * as kinds from './lmtp-kinds.ts'

const {
  refused,
  noSuchAddress,
  silent,
  notLmtp,
  otherProgram,
  otherInstallation,
  oneFamily,
  turnedAway,
  notLetIn,
  busy,
  unknownAccepted,
  noRoom,
  fault,
} = kinds

export const lmtp: Check = {
  kinds: [
    refused,
    noSuchAddress,
    silent,
    notLmtp,
    otherProgram,
    otherInstallation,
    oneFamily,
    turnedAway,
    notLetIn,
    busy,
    unknownAccepted,
    noRoom,
    fault,
  ],
  async *look(site) {
    const { host, port } = site.facts.lmtp
    if (port === 0) return // the system chooses one: only tests say so
    const addresses = await site.addressesOf(host, site.patience.connect)
    if (addresses.length === 0) {
      yield finding(noSuchAddress, { seen: `[mta] lmtp_host: ${host}`, file: site.facts.configFile })
      return
    }
    const spots = addresses.map((address) => ({ host: reachable(address), port }))
    const heard = await Promise.all(spots.map((spot) => knock(spot, site.patience)))
    const [closed, open] = [heard.filter(isUnreachable), heard.filter((one) => !isUnreachable(one))]
    if (open.length === 0) yield nobodyThere(site, spots[0], closed[0])
    else if (closed.length > 0)
      yield finding(oneFamily, {
        seen: spots
          .map((spot, i) => `${placeText(spot)}: ${isUnreachable(heard[i]) ? 'refused' : 'open'}`)
          .join(', '),
      })
    for (const [i, spot] of spots.entries()) {
      const one = heard[i]
      if (one !== undefined && one.kind !== 'unreachable') yield* judge(site, spot, one)
    }
  },
}

type Unreachable = Heard & { readonly kind: 'unreachable' }
const isUnreachable = (heard: Heard | undefined): heard is Unreachable => heard?.kind === 'unreachable'

/** The address to connect to, for one to listen on. */
function reachable(address: string): string {
  if (!isWildcard(address)) return address
  return address.includes(':') ? '::1' : '127.0.0.1'
}

function nobodyThere(site: CheckedSite, spot: Spot | undefined, heard: Unreachable | undefined): Finding {
  const seen = `${spot === undefined ? '' : placeText(spot)}: ${heard?.words ?? 'no answer'}`
  if (heard?.code !== 'ECONNREFUSED' && heard?.code !== 'ECONNRESET') return finding(noSuchAddress, { seen })
  if (!site.serverRuns) return finding(refused, { seen, change: 'Posthorn does not run: posthorn start' })
  return finding(refused, {
    seen,
    why: `A server runs on this data directory, but was started with other settings. ${refused.why}`,
    change: 'posthorn restart',
  })
}

async function* judge(
  site: CheckedSite,
  spot: Spot,
  heard: Exclude<Heard, Unreachable>,
): AsyncIterable<Finding> {
  const place = placeText(spot)
  switch (heard.kind) {
    case 'silent':
      yield finding(silent, { seen: `${place}: open, and no greeting in ${heard.milliseconds / 1000} s` })
      return
    case 'hung-up':
      yield finding(silent, { seen: `${place}: open, and closed again without a greeting` })
      return
    case 'strange':
      yield finding(notLmtp, { seen: `${place}: ${heard.line}` })
      return
    case 'greeted':
      try {
        yield* converse(site, spot, heard)
      } finally {
        heard.talk.leave()
      }
  }
}

async function* converse(
  site: CheckedSite,
  spot: Spot,
  { talk, greeting }: Heard & { readonly kind: 'greeted' },
): AsyncIterable<Finding> {
  const place = placeText(spot)
  const seen = `${place}: ${greeting.text}`
  if (greeting.code !== 220) {
    if (greeting.code === 421) yield finding(busy, { seen })
    else
      yield finding(isLoopback(site.facts.lmtp.host) ? turnedAway : notLetIn, {
        seen,
        file: site.facts.configFile,
      })
    return
  }
  const hello = await talk.ask(`LHLO ${site.relay.heloName}`)
  if (hello === null || !hello.startsWith('250')) {
    yield finding(notLmtp, { seen: `${seen}; to LHLO it says: ${hello ?? 'nothing'}` })
    return
  }
  if (!/\bPosthorn\b/.test(greeting.text)) {
    yield finding(otherProgram, { seen })
    return
  }
  if (!site.serverRuns) {
    yield finding(otherInstallation, { seen: `${seen}; no server holds the lock of ${site.facts.varDir}` })
    return
  }
  const list = site.facts.domains.flatMap(({ mailHost, listNames }) =>
    listNames.map((name) => ({ name, mailHost })),
  )[0]
  if (list !== undefined) yield* askAbout(site, talk, place, list)
}

async function* askAbout(
  site: CheckedSite,
  talk: Talk,
  place: string,
  { name, mailHost }: { readonly name: string; readonly mailHost: string },
): AsyncIterable<Finding> {
  await talk.ask('MAIL FROM:<>')
  const known = (await talk.ask(`RCPT TO:<${name}@${mailHost}>`)) ?? 'no answer'
  const unknown = `nosuchlist-${base32(site.random.bytes(5))}@${mailHost}`
  const stranger = (await talk.ask(`RCPT TO:<${unknown}>`)) ?? 'no answer'
  await talk.ask('RSET')
  const seen = `${place}: RCPT TO:<${name}@${mailHost}> ${known}`
  if (known.startsWith('452')) yield finding(noRoom, { seen })
  else if (known.startsWith('55')) yield finding(otherInstallation, { seen })
  else if (!known.startsWith('250')) yield finding(fault, { seen })
  if (stranger.startsWith('250'))
    yield finding(unknownAccepted, { seen: `${place}: RCPT TO:<${unknown}> ${stranger}` })
}
