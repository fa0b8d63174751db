// `posthorn doctor --deep`: a real post goes round the loop, and each hop is timed: SMTP to the mail server, LMTP to us,
// judged, SMTP to the mail server, LMTP home; then a bounce, and an address that nobody has. Runs in the server.
// Law: a trial goes to lists of its own, whose only member is another of them: no person ever gets it. What it made is
// removed however it ends (ADR 0009).
import { HOUR, instant } from '../../base/clock.ts'
import { base32 } from '../../base/random.ts'
import { createTrial, removeTrials } from '../../store/units/trials.ts'
import { Journey } from './journey.ts'
import type { RoundTripNews, RoundTripSite, RoundTripWanted } from './round-trip-news.ts'

/** Trials that are older than this were left behind by a server that died. */
const longestTrial = HOUR

/** Ends with the first hop that does not come. Throws Unavailable when the store is down; aborts with `signal`. */
export async function* roundTrip(
  site: RoundTripSite,
  wanted: RoundTripWanted,
  signal: AbortSignal,
): AsyncGenerator<RoundTripNews> {
  const { store, clock } = site
  await store.commit(removeTrials, { lists: [], before: instant(clock.now() - longestTrial) })
  const name = `posthorn-trial-${base32(site.random.bytes(5))}`
  const { mailHost } = wanted.domain
  const trial = await store.commit(createTrial, { name, mailHost, now: clock.now() })
  if (trial === null) throw new Error(`no trial lists can be made in ${mailHost}`)
  try {
    yield* new Journey(site, wanted, trial, name, signal).go()
  } finally {
    await store.commit(removeTrials, { lists: [trial.post, trial.home], before: instant(0) })
    await site.publish(() => undefined) // a fault is kept and tried again by the publisher, as after any change
  }
}
