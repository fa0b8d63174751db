// `doctor --deep` against a whole server and a mail server that can be told to fail at each hop. Real ones: test/mta.
import { deepEqual, doesNotMatch, equal, match, notEqual, rejects } from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { domainToTry, roundTripSite } from '../src/app/round-trip-site.ts'
import { type Clock, instant } from '../src/base/clock.ts'
import type { RoundTripLine } from '../src/cli/round-trip-words.ts'
import { roundTrip } from '../src/hookup/deep/round-trip.ts'
import type { RoundTripNews } from '../src/hookup/deep/round-trip-news.ts'
import { createTrial } from '../src/store/units/trials.ts'
import { type Envelope, parseRule, type Rule, type SinkOptions } from './mta-lab/sink.mjs'
import { handIn } from './support/hand-in.ts'
import { type ServerHere, serverHere } from './support/server-here.ts'

const domain = 'lists.example.test'
const allHops = [
  'known',
  'smtp-in',
  'lmtp-in',
  'judged',
  'smtp-out',
  'home',
  'bounce-smtp',
  'bounce-lmtp',
  'unknown-refused',
]

/** What the mail server does with a message that it has taken: hands it in, or not, or sends it back. */
type Fate = 'hand in' | 'lose' | 'send back'
type Route = (envelope: Envelope) => Fate

const isPost = ({ to: [to = ''] }: Envelope): boolean => /^posthorn-trial-[a-z2-7]{8}@/.test(to)
const isCopy = ({ to: [to = ''] }: Envelope): boolean => /-home@/.test(to)
const isBounce = ({ to: [to = ''] }: Envelope): boolean => /-bounces\+/.test(to)

const unknown = parseRule('/^nosuchlist-/=550 5.1.1 no such list', 550)

/** A server whose relay brings mail for lists home by LMTP; unknown lists are refused unless `rules` says otherwise. */
async function loop(route: Route, sink: Partial<SinkOptions> = {}): Promise<ServerHere> {
  const here = await serverHere({ sink: { rejectRcpt: [unknown], ...sink } })
  const note = here.world.o.onMessage
  here.world.o.onMessage = (world, id, body) => {
    note(world, id, body)
    const envelope = world.messages.at(-1)
    if (envelope === undefined) return
    const fate = route(envelope)
    if (fate === 'lose') return
    const message = body.toString('latin1')
    const back = { from: '', to: [envelope.from], message: report }
    const on = fate === 'hand in' ? { from: envelope.from, to: envelope.to, message } : back
    handIn({ port: here.lmtpPort, ...on }).catch(() => undefined) // the trial may be over before
  }
  await here.posthorn(['domain', 'add', domain, '--list-only'])
  return here
}

const report =
  'From: MAILER-DAEMON\r\nContent-Type: multipart/report\r\n\r\nDiagnostic-Code: smtp; 550 5.7.1 no way\r\n  for lists\r\n'

async function goRound(here: ServerHere): Promise<readonly RoundTripLine[]> {
  const out = await here.posthorn(['round-trip'])
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as RoundTripLine)
}

/** The same, with a clock whose waits are over once `last` was the last hop, so that no test waits for what never comes. */
async function goUntil(
  here: ServerHere,
  last: string | null,
  {
    signal = neverEnds,
    incoming = [],
    advice,
  }: { signal?: AbortSignal; incoming?: readonly string[]; advice?: string } = {},
): Promise<readonly RoundTripNews[]> {
  const publish = async (advise: (words: string) => void): Promise<null> => {
    await here.posthorn(['aliases'])
    if (advice !== undefined) advise(advice)
    return null
  }
  const site = await roundTripSite(here.services, publish, 30_000)
  const found = domainToTry(here.services, domain)
  if (found === null) throw new Error('no domain')
  const news: RoundTripNews[] = []
  let time = 0
  const clock: Clock = {
    now: () => site.clock.now(),
    monotonic: () => {
      const latest = hops(news).at(-1) ?? 'none'
      if (latest === last) time += 3_600_000
      return time
    },
  }
  const rest: typeof site.rest = (_, signal) => site.rest(10, signal)
  for await (const one of roundTrip(
    { ...site, clock, rest, incoming },
    { domain: found, wait: 30_000, mailServer: null },
    signal,
  ))
    news.push(one)
  return news
}

const neverEnds = new AbortController().signal

const hops = (lines: readonly RoundTripLine[]): readonly string[] =>
  lines.flatMap((line) => (line.kind === 'hop' ? [line.hop] : []))
const notes = (lines: readonly RoundTripLine[]): string =>
  lines.flatMap((line) => (line.kind === 'note' ? [line.words] : [])).join('\n')
const findings = (lines: readonly RoundTripLine[]) =>
  lines.flatMap((line) => (line.kind === 'finding' ? [line.finding] : []))

/** Nothing of a trial is left but its story. */
function isClean({ services }: ServerHere): void {
  const db = new DatabaseSync(`${services.config.paths.varDir}/posthorn.db`, {
    readOnly: true,
    timeout: 5000,
  })
  const count = (sql: string): number => Number(db.prepare(sql).get()?.n)
  try {
    equal(count("select count(*) as n from list where name like 'posthorn-trial%'"), 0)
    equal(count("select count(*) as n from address where email like 'posthorn-trial%'"), 0)
    equal(count("select count(*) as n from setting where key = 'trial.lists'"), 0)
    equal(count("select count(*) as n from queue_item where lane = 'bounce'"), 0)
    equal(count('select generation - done as n from publication'), 0)
  } finally {
    db.close()
  }
}

test('a trial goes the whole way round, to nobody, and leaves nothing behind', async () => {
  await using here = await loop(() => 'hand in')
  await here.list(`tea@${domain}`, ['ann@one.example.test'])
  const lines = await goRound(here)
  deepEqual(findings(lines), [])
  deepEqual(hops(lines), allHops)
  deepEqual(
    here.copies.flatMap(({ to }) => to).filter((to) => !to.startsWith('posthorn-trial-')),
    [],
  )
  const [copy] = here.copies.filter(({ to }) => to.some((one) => one.includes('-home@')))
  match(copy?.from ?? '', /^posthorn-trial-[a-z2-7]{8}-bounces\+[0-9a-z]+@/)
  match(copy?.text ?? '', /^Auto-Submitted: auto-generated\r$/m)
  isClean(here)
})

const refusing = (pattern: string): { rejectRcpt: Rule[] } => ({ rejectRcpt: [parseRule(pattern, 550)] })

const handsIn: Route = () => 'hand in'

for (const { title, route = handsIn, sink = {}, never = false, last, code, seen } of [
  { title: 'a mail server that puts the list off is where it ends', sink: refusing('/^posthorn-trial-/=451 4.3.0 Temporary lookup failure'), never: true, last: 'none', code: 'deep.put-off', seen: /RCPT TO:<posthorn-trial-.*> 451 4\.3\.0 Temporary lookup/ },
  { title: 'a mail server that refuses the list is where it ends', sink: refusing('/^posthorn-trial-/=550 5.1.1 User unknown in virtual mailbox table'), never: true, last: 'none', code: 'deep.refused', seen: /RCPT TO:<posthorn-trial-.*> 550 5\.1\.1 User unknown in virtual/ },
  { title: 'a mail server that is down is where it ends', sink: { greeting: 554 }, never: true, last: 'none', code: 'deep.no-mail-server', seen: /554/ },
  { title: 'a post that is not handed in is told', route: (one: Envelope): Fate => (isPost(one) ? 'lose' : 'hand in'), never: true, last: 'smtp-in', code: 'deep.not-handed-in', seen: /nothing came in 30 s/ },
  { title: 'a post that is sent back is told with its reason', route: (one: Envelope): Fate => (isPost(one) ? 'send back' : 'hand in'), last: 'smtp-in', code: 'deep.not-handed-in', seen: /the mail server sent it back: 550 5\.7\.1 no way for lists/ },
  { title: 'a copy that the mail server refuses is told', sink: { rejectFrom: [parseRule('/^posthorn-trial-[a-z2-7]{8}-bounces\\+/=553 5.7.1 not your sender', 553)] }, last: 'judged', code: 'deep.not-relayed', seen: /-bounces\+\S+>, RCPT TO:<\S+-home@\S+ at 127\.0\.0\.1:\d+: .*553 5\.7\.1 not your sender/ },
  { title: 'a copy that does not come home is told', route: (one: Envelope): Fate => (isCopy(one) ? 'lose' : 'hand in'), never: true, last: 'smtp-out', code: 'deep.not-home', seen: /-home@.*: nothing came in 30 s/ },
  { title: 'a copy that bounces is told with its reason', route: (one: Envelope): Fate => (isCopy(one) ? 'send back' : 'hand in'), last: 'smtp-out', code: 'deep.not-home', seen: /550 5\.7\.1 no way/ },
  { title: 'a bounce that the mail server refuses is told', sink: { rejectRcpt: [parseRule('/-bounces\\+/=550 5.1.1 unknown', 550)] }, last: 'home', code: 'deep.bounce-refused', seen: /RCPT TO:<\S+-bounces\+\S+> 550/ },
  { title: 'a bounce that does not come in is told', route: (one: Envelope): Fate => (isBounce(one) ? 'lose' : 'hand in'), never: true, last: 'bounce-smtp', code: 'deep.bounce-lost', seen: /-bounces\+\S+: nothing came in 30 s/ },
  { title: 'a mail server that takes unknown lists is told', sink: { rejectRcpt: [] }, last: 'bounce-lmtp', code: 'deep.unknown-accepted', seen: /RCPT TO:<nosuchlist-\S+> 250/ },
  { title: 'a mail server that puts unknown lists off is told', sink: { rejectRcpt: [parseRule('/^nosuchlist-/=450 4.1.1 unverified', 450)] }, never: true, last: 'bounce-lmtp', code: 'deep.unknown-deferred', seen: /450 4\.1\.1/ },
] satisfies readonly { title: string; route?: Route; sink?: Partial<SinkOptions>; never?: boolean; last: string; code: string; seen: RegExp }[]) // biome-ignore format: a table
  test(`round trip: ${title}, and everything is cleaned up`, async () => {
    await using here = await loop(route, sink)
    const lines = await goUntil(here, never ? last : null)
    deepEqual(
      findings(lines).map(({ kind }) => kind.code),
      [code],
    )
    match(findings(lines)[0]?.seen ?? '', seen)
    deepEqual(hops(lines), allHops.slice(0, allHops.indexOf(last) + 1))
    isClean(here)
  })

test('round trip: while delivery is paused it ends there at once, with what lets it go on', async () => {
  await using here = await loop(() => 'hand in')
  await here.posthorn(['delivery', 'pause', '--reason', 'new relay'])
  const lines = await goRound(here)
  deepEqual(
    findings(lines).map(({ kind, seen }) => [kind.code, seen]),
    [['deep.paused', 'new relay']],
  )
  deepEqual(hops(lines), allHops.slice(0, allHops.indexOf('judged') + 1))
  isClean(here)
})

const isUnknown = ({ to: [to = ''] }: Envelope): boolean => to.startsWith('nosuchlist-')

test('round trip: behind a qmail, mail for an unknown list is sent back, and that is a hop', async () => {
  await using here = await loop((one) => (isUnknown(one) ? 'send back' : 'hand in'), { rejectRcpt: [] })
  const news = await goUntil(here, null, { incoming: ['qmail'] })
  deepEqual(findings(news), [])
  deepEqual(hops(news), [...allHops.slice(0, -1), 'unknown-returned'])
  match(notes(news), /cannot refuse at RCPT/)
  isClean(here)
})

test('round trip: a qmail that sends nothing back is told', async () => {
  await using here = await loop((one) => (isUnknown(one) ? 'lose' : 'hand in'), { rejectRcpt: [] })
  const news = await goUntil(here, 'bounce-lmtp', { incoming: ['qmail'] })
  deepEqual(
    findings(news).map(({ kind }) => kind.code),
    ['deep.unknown-lost'],
  )
  isClean(here)
})

test('round trip: where people live too, nothing is sent to an address that nobody has', async () => {
  await using here = await loop(handsIn, { rejectRcpt: [] })
  await here.posthorn(['domain', 'set', domain, '--shared'])
  const news = await goUntil(here, null, { incoming: ['qmail'] })
  deepEqual([findings(news), hops(news)], [[], allHops.slice(0, -1)])
  deepEqual(here.world.messages.filter(isUnknown), [])
})

test('round trip: lists that the mail server was not told of are told as that', async () => {
  const advice = "run 'postfix reload'"
  await using here = await loop(handsIn, refusing('/^posthorn-trial-/=550 5.1.1 User unknown'))
  const news = await goUntil(here, 'none', { advice })
  const [found] = findings(news)
  equal(found?.kind.code, 'deep.not-reread')
  match(found?.seen ?? '', /550 5\.1\.1 User unknown\nnobody has told it: run 'postfix reload'$/)
  isClean(here)
})

test('round trip: each copy goes over a connection that was opened after its lists were made', async () => {
  await using here = await loop(handsIn)
  for (const trip of [1, 2]) deepEqual([trip, hops(await goRound(here))], [trip, allHops])
  const [first, second] = here.world.messages.filter(isCopy)
  // Delivery keeps a connection longer than it is to the next trial.
  notEqual(first?.connection, second?.connection)
})

test('round trip: where people live too, Postfix gets the time to see new tables', async () => {
  await using here = await loop(handsIn)
  await here.posthorn(['domain', 'set', domain, '--shared'])
  const news = await goUntil(here, null, { incoming: ['postfix'] })
  deepEqual(hops(news), allHops)
  match(notes(news), /sees new tables only after 10 s/)
})

test('round trip: one that is called off is cleaned up', async () => {
  const ending = new AbortController()
  await using here = await loop((one) => {
    ending.abort()
    return isPost(one) ? 'lose' : 'hand in'
  })
  await rejects(goUntil(here, null, { signal: ending.signal }), { name: 'AbortError' })
  isClean(here)
})

test('round trip: trials that a dead server left behind go with the next one, lists of people stay', async () => {
  await using here = await loop(() => 'hand in')
  await here.list(`posthorn-trial-aaaaaaaa@${domain}`, [])
  const { store, clock } = here.services
  const longAgo = instant(clock.now() - 86_400_000)
  await store.commit(createTrial, { name: 'posthorn-trial-bbbbbbbb', mailHost: domain, now: longAgo })
  await store.commit(createTrial, { name: 'posthorn-trial-cccccccc', mailHost: domain, now: clock.now() })
  const seen = await here.posthorn(['lists'])
  match(seen, /posthorn-trial-aaaaaaaa@/)
  doesNotMatch(seen, /posthorn-trial-[bc]/)
  deepEqual(hops(await goRound(here)), allHops)
  const names = new DatabaseSync(`${here.services.config.paths.varDir}/posthorn.db`, { readOnly: true })
  const left = names.prepare('select name from list order by name').all()
  names.close()
  deepEqual(
    left.map(({ name }) => name),
    ['posthorn-trial-aaaaaaaa', 'posthorn-trial-cccccccc', 'posthorn-trial-cccccccc-home'],
  )
  await here.restart()
  await here.posthorn(['remove', `posthorn-trial-aaaaaaaa@${domain}`])
  isClean(here)
})

test('round trip: a domain that is not there is said, and nothing is tried', async () => {
  await using here = await loop(() => 'hand in')
  const out = await here.posthorn(['round-trip', '--domain', 'other.example.test'])
  match(out, /"kind":"cannot","words":"there is no domain other\.example\.test: posthorn domain add/)
})
