// The server dies by SIGKILL at random moments while posts come in, are judged and go out; whatever the moment, the
// sink's log shows that each promise was kept (design §8). README.md says how to read and repeat a failure.
import { deepEqual, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { LmtpClient, makePost, type Post } from '../support/crash-client.ts'
import { countRepeats, judgeLog, type WatchedSink, watchedSink } from '../support/crash-judgement.ts'
import { type Moment, planRound, type RoundPlan } from '../support/crash-plan.ts'
import { untilAllIsOut } from '../support/crash-queue.ts'
import { type Server, startServer } from '../support/crash-server.ts'
import { copySite, prepareSite, removeSite, type Site, type SiteShape } from '../support/crash-site.ts'

const rounds = Number(process.env.CRASH_ROUNDS ?? 200)
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000)
const only = process.env.CRASH_ROUND === undefined ? null : Number(process.env.CRASH_ROUND)
const atATime = 2
const postsPerRound = 3
/** From the first word of the client: the posts are in, judged, and on their way out by then. */
const intakeMilliseconds = 400
const patience = 30_000
const failuresBeforeEnd = 3

const shapes: Readonly<Record<RoundPlan['mode'], SiteShape>> = {
  bulk: { mode: 'bulk', members: 5000, inDoubt: 1000 },
  individual: { mode: 'individual', members: 300, inDoubt: 100 },
}
const prepared = new Map<RoundPlan['mode'], Site>()

before(async () => {
  for (const shape of Object.values(shapes)) prepared.set(shape.mode, await prepareSite(shape))
})
after(async () => {
  for (const site of prepared.values()) await removeSite(site)
})

/** What a kill met. */
type Phase = 'intake' | 'judging' | 'fan-out' | 'all out'

test(`killed at ${rounds} random moments, nothing acknowledged is lost and only recipients in doubt are repeated`, async (t) => {
  t.diagnostic(`seed ${seed}`)
  const met: Record<Phase, number> = { intake: 0, judging: 0, 'fan-out': 0, 'all out': 0 }
  const failures: string[] = []
  let [next, repeats, acknowledged] = [0, 0, 0]
  const lane = async (): Promise<void> => {
    while (next < rounds && failures.length < failuresBeforeEnd) {
      const round = next++
      if (only !== null && round !== only) continue
      const outcome = await playRound(round)
      for (const phase of outcome.phases) met[phase] += 1
      repeats += outcome.repeats
      acknowledged += outcome.acknowledged
      if (outcome.wrong.length > 0) failures.push(outcome.report)
    }
  }
  await Promise.all(Array.from({ length: atATime }, lane))
  t.diagnostic(
    `kills by what they met: ${JSON.stringify(met)}; ${acknowledged} posts with a 250; ${repeats} copies repeated`,
  )
  deepEqual(failures, [], failures.join('\n\n'))
  if (rounds >= 100 && only === null)
    for (const phase of ['intake', 'judging', 'fan-out'] as const)
      ok(met[phase] >= rounds / 20, `only ${met[phase]} kills fell into ${phase}: the plan no longer fits`)
})

interface Outcome {
  readonly phases: readonly Phase[]
  readonly acknowledged: number
  readonly repeats: number
  readonly wrong: readonly string[]
  readonly report: string
}

async function playRound(round: number): Promise<Outcome> {
  const plan = planRound(seed, round, {
    intake: intakeMilliseconds,
    recipients: (mode) => shapes[mode].members * postsPerRound,
  })
  const sink = await watchedSink()
  const site = await copySite(prepared.get(plan.mode) as Site, sink.sink.port)
  const posts = Array.from({ length: postsPerRound }, (_, i) => makePost(i + 1))
  const acknowledged = new Set<number>()
  const phases: Phase[] = []
  let server: Server | null = null
  const wrong: string[] = []
  try {
    for (const [boot, moment] of plan.kills.entries()) {
      server = await startServer(site)
      const killed = killAt(moment, server, sink)
      const wanted = boot === 0 || plan.retries ? posts.filter(({ no }) => !acknowledged.has(no)) : []
      const handed = handIn(wanted, plan.connections, server.lmtpPort, acknowledged)
      const gaveUp = new AbortController()
      const allOut = handed.then(() => untilAllIsOut(site, patience, gaveUp.signal))
      await Promise.race([killed, allOut])
      phases.push(phaseOf(acknowledged, sink, site.shape.members))
      server.kill()
      await server.gone
      gaveUp.abort()
      await allOut // it has the database open, and the next boot must find it closed
      await sink.nextBoot()
    }
    server = await startServer(site)
    if (plan.retries)
      await handIn(
        posts.filter(({ no }) => !acknowledged.has(no)),
        1,
        server.lmtpPort,
        acknowledged,
      )
    const { aside } = await untilAllIsOut(site, patience)
    if (aside > 0) wrong.push(`${aside} set aside for an operator`)
    if (plan.retries && acknowledged.size < posts.length)
      wrong.push(`${posts.length - acknowledged.size} posts got no 250 from a server that nobody killed`)
  } catch (fault) {
    wrong.push(fault instanceof Error ? (fault.stack ?? fault.message) : String(fault))
  }
  server?.kill()
  await server?.gone
  await sink.nextBoot()
  const { members, inDoubt } = site.shape
  wrong.push(...judgeLog(sink.taken, { acknowledged, members, inDoubt }))
  await sink.sink.close()
  if (wrong.length === 0) await removeSite(site)
  return {
    phases,
    acknowledged: acknowledged.size,
    repeats: countRepeats(sink.taken),
    wrong,
    report: reportOf(round, plan, site, wrong, server),
  }
}

/** Kills at the moment; resolves then. */
function killAt(moment: Moment, server: Server, sink: WatchedSink): Promise<void> {
  return new Promise((resolve) => {
    const now = (): void => {
      server.kill()
      resolve()
    }
    if (moment.kind === 'time') {
      setTimeout(now, moment.milliseconds)
      return
    }
    sink.onTaken = () => {
      if (sink.recipients < moment.count) return
      sink.onTaken = () => undefined
      now()
    }
  })
}

/** Hands in the posts one after the other on each connection; a broken connection ends its share. */
async function handIn(
  posts: readonly Post[],
  connections: number,
  port: number,
  acknowledged: Set<number>,
): Promise<void> {
  const shares = Array.from({ length: connections }, (_, i) => posts.filter((_, k) => k % connections === i))
  await Promise.all(
    shares.map(async (share) => {
      if (share.length === 0) return
      const client = await LmtpClient.open(port)
      for (const post of share) {
        if (client === null || !(await client.post(post))) break
        acknowledged.add(post.no)
      }
      client?.close()
    }),
  )
}

function phaseOf(acknowledged: ReadonlySet<number>, sink: WatchedSink, members: number): Phase {
  if (acknowledged.size < postsPerRound && sink.taken.length === 0) return 'intake'
  if (sink.taken.length === 0) return 'judging'
  return sink.recipients < acknowledged.size * members ? 'fan-out' : 'all out'
}

function reportOf(
  round: number,
  plan: RoundPlan,
  site: Site,
  wrong: readonly string[],
  server: Server | null,
): string {
  const more = wrong.length > 10 ? `\n  … and ${wrong.length - 10} more` : ''
  return `round ${round} of seed ${seed}: ${JSON.stringify(plan)}
  ${wrong.slice(0, 10).join('\n  ')}${more}
  data directory: ${site.varDir}
  repeat: CRASH_SEED=${seed} CRASH_ROUND=${round} npm run test:crash
  the server's last words:
${server?.lastWords() ?? '(none)'}`
}
