// What a list manager is made to do: S1 to S10. Each takes its parameters and the settings of run.mjs, and resolves to
// a result; `complete: false` or `lost` above 0 in it, at any depth, says that the target did not do its work.
// README.md tells what each measures.

import { median } from './lib/figures.mjs'
import { sleep } from './lib/wait.mjs'
import {
  acceptance,
  fanOut,
  idle,
  openWorkbench,
  postingAddress,
  repeats,
  subscriber,
} from './lib/workbench.mjs'
import { dsn, load } from './load.mjs'
import { monoMs } from './sink.mjs'

export const PARAMS = {
  S1: { posts: 50000, size: 4096, conns: 4, kind: 'moderated' }, // kind: moderated | empty
  S2: { posts: 20, subs: 10000, size: 4096, conns: 2 },
  S3: { posts: 5, subs: 10000, size: 4096, conns: 2 },
  S4: { posts: 5, subs: 5000, size: 4096, conns: 2 },
  S5: { lists: 500, subs: 20, size: 4096, conns: 4 },
  S6: { bounces: 5000, subs: 5000, conns: 4 },
  S7: { starts: 3, settle: 5 },
  S8: { bulk: 10000, api: 500, base: 10000 },
  S9: { subs: '1000,10000,100000', posts: 3, size: 4096 },
  S10: { posts: 5, subs: 10000, size: 4096, at: 0.45, verp: 0 },
}

export const SCENARIOS = {
  S1: intake,
  S2: (p, settings) => fan('S2', 'open', { verp: false }, p, settings),
  S3: (p, settings) => fan('S3', 'verp', { verp: true }, p, settings),
  S4: (p, settings) => fan('S4', 'personal', { verp: true, personal: true }, p, settings),
  S5: smallLists,
  S6: bounces,
  S7: startAndMemory,
  S8: membership,
  S9: growth,
  S10: crash,
}

/** Why a result is none, in words; empty when all is well. */
export function faultsOf(result, where = '') {
  return Object.entries(result ?? {}).flatMap(([key, value]) => {
    if (key === 'complete' && value === false) return [`${where}not complete`]
    if (key === 'lost' && value > 0) return [`${where}${value} lost`]
    return typeof value === 'object' && value !== null ? faultsOf(value, `${where}${key}: `) : []
  })
}

async function withWorkbench(scenario, setup, settings, work) {
  const bench = await openWorkbench(settings, scenario, setup)
  try {
    return await work(bench)
  } finally {
    await bench.close()
  }
}

function intake(p, settings) {
  return withWorkbench('S1', {}, settings, async (bench) => {
    const { target, meter } = bench
    const kind = target.features.moderated ? p.kind : 'empty'
    const moderated = kind === 'moderated'
    await target.createLists([
      { name: 'intake', mode: moderated ? 'moderated' : 'open', subscribers: moderated ? 10 : 0 },
    ])
    await target.start()
    const work = { ...target.lmtp, size: p.size, to: () => postingAddress('intake') }
    const warmUp = 5
    await load({ ...work, count: warmUp, conns: 1 })
    await idle(bench)
    const before = meter.cpu()
    const started = monoMs()
    const accepted = await load({ ...work, count: p.posts, conns: p.conns })
    const afterAccept = meter.cpu()
    const backlogAtEnd = await target.backlog()
    const drained = await idle(bench)
    const processed = (monoMs() - started) / 1000
    const after = meter.cpu()
    const held = moderated ? ((await target.heldCount?.('intake')) ?? null) : null
    const cpu = after.total - before.total
    return {
      kind,
      ...acceptance(accepted),
      seconds: accepted.seconds,
      max_ms: accepted.max,
      accept_cpu_ms_per_msg: ((afterAccept.total - before.total) / p.posts) * 1e3,
      backlogAtEnd,
      drained,
      processed_s: processed,
      processed_per_s: accepted.accepted / processed,
      cpu_s: cpu,
      cpu_ms_per_msg: (cpu / p.posts) * 1e3,
      held,
      complete: accepted.accepted === p.posts && drained && (held === null || held === p.posts + warmUp),
      diag: await target.diag?.(),
      mem: meter.mem(),
    }
  })
}

function fan(scenario, mode, setup, p, settings) {
  return withWorkbench(scenario, setup, settings, async (bench) => {
    const list = { name: 'fan', mode, subscribers: p.subs }
    const warm = { name: 'warm', mode, subscribers: 10 }
    await bench.target.createLists([list, warm])
    await bench.target.start()
    await fanOut(bench, [warm], { posts: 1, size: p.size, conns: 1 })
    const personal = setup.personal === true
    const result = await fanOut(bench, [list], { posts: p.posts, size: p.size, conns: p.conns, personal })
    const complete = result.complete && (!personal || result.personalTx === result.want)
    return { subs: p.subs, posts: p.posts, ...result, complete }
  })
}

function smallLists(p, settings) {
  return withWorkbench('S5', {}, settings, async (bench) => {
    const lists = Array.from({ length: p.lists }, (_, i) => ({
      name: `small${i}`,
      mode: 'open',
      subscribers: p.subs,
      first: i * p.subs,
    }))
    await bench.target.createLists(lists)
    await bench.target.start()
    await fanOut(bench, [lists[0]], { posts: 1, size: p.size, conns: 1 })
    const result = await fanOut(bench, lists, { posts: 1, size: p.size, conns: p.conns })
    return {
      lists: p.lists,
      ...result,
      posts_per_s: p.lists / result.wall_s,
      cpu_ms_per_post: (result.cpu_s / p.lists) * 1e3,
    }
  })
}

function bounces(p, settings) {
  return withWorkbench('S6', { verp: true }, settings, async (bench) => {
    const { target, meter } = bench
    await target.createLists([{ name: 'bnc', mode: 'verp', subscribers: p.subs }])
    await target.start()
    const address = (i) => target.verpAddress('bnc', subscriber(i % p.subs))
    const before = meter.cpu()
    const started = monoMs()
    const accepted = await load({
      ...target.lmtp,
      count: p.bounces,
      conns: p.conns,
      from: () => '',
      to: address,
      make: (i, id) => dsn({ rcpt: subscriber(i % p.subs), to: address(i), id }),
    })
    const { count, registeredAt, endedAt, complete } = await bouncesWorkedOff(target, p.bounces)
    const cpu = meter.cpu().total - before.total
    const processed = (endedAt - started) / 1000
    return {
      bounces: p.bounces,
      accept: acceptance(accepted),
      count,
      complete,
      registered_s: registeredAt && (registeredAt - started) / 1000,
      processed_s: processed,
      processed_per_s: (count.processed ?? count.registered) / processed,
      cpu_s: cpu,
      cpu_ms_per_bounce: (cpu / p.bounces) * 1e3,
    }
  })
}

/** Waits until `want` bounces are in the store and worked off, or nothing moved for 30 s. */
async function bouncesWorkedOff(target, want) {
  let registeredAt = null
  let last = -1
  let moved = monoMs()
  for (;;) {
    const count = await target.bounceCount('bnc')
    const processed = count.processed ?? count.registered
    if (registeredAt === null && count.registered >= want) registeredAt = monoMs()
    if (count.registered >= want && processed >= want) {
      return { count, registeredAt, endedAt: monoMs(), complete: true }
    }
    if (count.registered + processed !== last) [last, moved] = [count.registered + processed, monoMs()]
    else if (monoMs() - moved > 30000) return { count, registeredAt, endedAt: moved, complete: false }
    await sleep(250)
  }
}

function startAndMemory(p, settings) {
  return withWorkbench('S7', {}, settings, async (bench) => {
    const { target, meter } = bench
    const list = { name: 'idle', mode: 'open', subscribers: 10 }
    await target.createLists([list])
    const starts = []
    const startCpu = []
    let mem
    for (let i = 0; i < p.starts; i++) {
      if (i > 0) {
        await target.stop()
        await sleep(500)
      }
      const before = meter.cpu()
      const started = monoMs()
      await target.start()
      starts.push((monoMs() - started) / 1000)
      await target.restReady?.()
      await sleep(p.settle * 1000)
      startCpu.push(meter.cpu().total - before.total)
      mem = meter.mem()
    }
    const before = meter.cpu()
    const idleSeconds = 10
    await sleep(idleSeconds * 1000)
    const idleCpu = (meter.cpu().total - before.total) / idleSeconds
    const { complete } = await fanOut(bench, [list], { posts: 20, size: 4096, conns: 1 })
    return {
      start_s: starts,
      start_median_s: median(starts),
      start_cpu_s: startCpu,
      idle: mem,
      idle_cpu_pct: idleCpu * 100,
      complete,
      after20posts: meter.mem(),
    }
  })
}

function membership(p, settings) {
  return withWorkbench('S8', {}, settings, async ({ target, meter }) => {
    await target.createLists([
      { name: 'roster', mode: 'open', subscribers: p.base },
      { name: 'memb', mode: 'open', subscribers: 0 },
      { name: 'api', mode: 'open', subscribers: 0 },
    ])
    await target.start()
    await target.restReady?.()
    const timed = async (work) => {
      const before = meter.cpu()
      const started = monoMs()
      const value = await work()
      return { value, s: (monoMs() - started) / 1000, cpu_s: meter.cpu().total - before.total }
    }
    const each = (count, { s, cpu_s }) => ({
      n: count,
      s,
      cpu_s,
      per_s: count / s,
      cpu_ms_each: (cpu_s / count) * 1e3,
    })
    const from = (first, count) => Array.from({ length: count }, (_, i) => subscriber(first + i))
    const result = {}
    const listing = ({ value, s, cpu_s }) => ({ n: value, s, cpu_s, complete: value === p.base })
    if (target.roster) result.roster_cli = listing(await timed(() => target.roster('roster')))
    if (target.apiRoster) {
      result.roster_api_full = listing(await timed(() => target.apiRoster('roster')))
      const pages = []
      for (let i = 0; i < 5; i++) pages.push((await timed(() => target.apiRoster('roster', 50))).s)
      result.roster_api_page50_ms = median(pages) * 1e3
    }
    if (target.apiSubscribe && p.api > 0) {
      result.api_subscribe = each(p.api, await timed(() => target.apiSubscribe('api', from(900000, p.api))))
    }
    if (target.bulkSubscribe && p.bulk > 0) {
      result.bulk_subscribe = each(
        p.bulk,
        await timed(() => target.bulkSubscribe('memb', from(500000, p.bulk))),
      )
      result.bulk_subscribe.complete = (await target.roster('memb')) === p.bulk
    }
    return result
  })
}

function growth(p, settings) {
  return withWorkbench('S9', { verp: false }, settings, async (bench) => {
    const sizes = String(p.subs).split(',').map(Number)
    const lists = sizes.map((subscribers) => ({ name: `g${subscribers}`, mode: 'open', subscribers }))
    const warm = { name: 'warm', mode: 'open', subscribers: 10 }
    await bench.target.createLists([...lists, warm])
    await bench.target.start()
    await fanOut(bench, [warm], { posts: 1, size: p.size, conns: 1 })
    const result = {}
    for (const list of lists) {
      const posts = list.subscribers >= 50000 ? 1 : p.posts
      result[list.subscribers] = await fanOut(bench, [list], { posts, size: p.size, conns: 1 })
    }
    return result
  })
}

function crash(p, settings) {
  return withWorkbench('S10', { verp: Boolean(p.verp) }, settings, async (bench) => {
    const { target, sink, meter } = bench
    await target.createLists([{ name: 'fan', mode: p.verp ? 'verp' : 'open', subscribers: p.subs }])
    await target.start()
    await sink.ask('reset')
    const posted = await load({
      ...target.lmtp,
      count: p.posts,
      conns: 2,
      size: p.size,
      to: () => postingAddress('fan'),
    })
    const posting = monoMs()
    while ((await sink.ask('total')).rcpts < p.subs * p.posts * p.at && monoMs() - posting < 300000)
      await sleep(5)
    await meter.kill9()
    await sleep(300)
    const atKill = await sink.ask('total')
    const killed = monoMs()
    await target.start({ recover: true })
    const restart = (monoMs() - killed) / 1000
    const pending = await quietAfterCrash(bench, killed)
    const seen = await sink.ask('stats')
    const { uniq, dups } = repeats(seen)
    const want = posted.accepted * p.subs
    return {
      accepted: posted.accepted,
      want,
      sentAtKill: atKill.rcpts,
      restart_s: restart,
      uniq,
      lost: want - uniq,
      dups,
      per: posted.ids.map(([id]) => [seen.ids[id]?.uniq ?? 0, seen.ids[id]?.dups ?? 0]),
      last_s: (seen.last - killed) / 1000,
      pending_messages: pending,
      complete: posted.accepted === p.posts && pending === 0,
      diag: await target.diag?.(),
    }
  })
}

/** Waits until the queues are empty and nothing moved for 10 s, or nothing moved for --stall seconds: what is queued. */
async function quietAfterCrash({ target, sink, settings }, since) {
  let last = -1
  let moved = monoMs()
  for (;;) {
    const { rcpts } = await sink.ask('total')
    const pending = await target.backlog()
    if (rcpts !== last) [last, moved] = [rcpts, monoMs()]
    const patience = pending > 0 ? settings.stall : 10
    if (monoMs() - moved > patience * 1000 || monoMs() - since > 400000) return pending
    await sleep(200)
  }
}
