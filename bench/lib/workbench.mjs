// One target, set up in a scratch directory of its own, with the sink it sends to and the meter that counts it; and
// the work that most scenarios share: post to lists and wait until every copy is there.

import { fork } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { load } from '../load.mjs'
import { monoMs } from '../sink.mjs'
import { Meter } from './meter.mjs'
import { sh, sleep } from './wait.mjs'

export const postingAddress = (list) => `${list}@lists.example.com`
export const subscriber = (number) => `u${number}@sub.example.com`

/** The sink in a process of its own: its work is not the target's. */
class SinkProcess {
  #child
  #asked = 0
  #waiting = new Map()

  async start(port) {
    this.#child = fork(path.join(import.meta.dirname, '../sink.mjs'), ['--port', String(port)])
    await new Promise((ready, failed) => {
      this.#child.on('message', (message) => {
        if (message.ready) return ready()
        this.#waiting.get(message.n)?.(message.r)
        this.#waiting.delete(message.n)
      })
      this.#child.once('exit', () =>
        failed(new Error(`the sink on port ${port} did not start: is the port taken?`)),
      )
    })
  }

  /** cmd: total, stats, reset, config */
  ask(cmd, opt) {
    return new Promise((answer) => {
      const n = ++this.#asked
      this.#waiting.set(n, answer)
      this.#child.send({ cmd, n, opt })
    })
  }

  stop() {
    this.#child.disconnect()
  }
}

/**
 * Sets the target up. `settings`: target, dir, keep, opt, portBase, stall and maxWait in seconds (see run.mjs).
 * The result is closed with close().
 */
export async function openWorkbench(settings, scenario, setup = {}) {
  const dir = path.join(settings.dir, `${settings.target}-${scenario}-${process.pid}`)
  fs.mkdirSync(dir, { recursive: true })
  fs.chmodSync(dir, 0o755)
  const meter = new Meter(settings.target)
  const port = (number) => settings.portBase + number
  const { default: Target } = await import(`../targets/${settings.target}.mjs`)
  const target = new Target({ dir, meter, opt: settings.opt, port, sinkPort: port(20), sh })
  const ended = async () => {
    await meter.close()
    process.exit(1)
  }
  process.once('SIGINT', ended).once('SIGTERM', ended)
  const sink = new SinkProcess()
  const close = async () => {
    process.off('SIGINT', ended).off('SIGTERM', ended)
    await target.stop().catch((fault) => console.error(`stop: ${fault.message}`))
    await meter.close()
    sink.stop()
    if (!settings.keep) fs.rmSync(dir, { recursive: true, force: true })
  }
  await sink.start(port(20))
  try {
    await target.setup(setup)
  } catch (fault) {
    await close()
    throw fault
  }
  return { target, sink, meter, settings, close }
}

/** Waits until the sink has `want` recipients: true; or nothing moves any more: false. */
async function allArrived({ sink, settings }, want) {
  const started = monoMs()
  let last = -1
  let moved = started
  for (;;) {
    const { rcpts } = await sink.ask('total')
    if (rcpts >= want) return true
    if (rcpts !== last) [last, moved] = [rcpts, monoMs()]
    if (monoMs() - moved > settings.stall * 1000 || monoMs() - started > settings.maxWait * 1000) return false
    await sleep(50)
  }
}

/** Waits until the target has no message left to work on: true; or nothing moves any more: false. */
export async function idle({ target, settings }, { stall = settings.stall, max = settings.maxWait } = {}) {
  const started = monoMs()
  let last = -1
  let moved = started
  while (monoMs() - started < max * 1000) {
    const left = await target.backlog()
    if (left === 0) return true
    if (left !== last) [last, moved] = [left, monoMs()]
    if (monoMs() - moved > stall * 1000) return false
    await sleep(100)
  }
  return false
}

/** `accept` of a result: what the load generator saw. */
export const acceptance = ({ perS, p50, p99, accepted, refused, lastErr }) => ({
  perS,
  p50_ms: p50,
  p99_ms: p99,
  accepted,
  refused,
  lastErr,
})

/** Posts to each list so many times and waits for every copy. lists: [{ name, subscribers, first }] */
export async function fanOut(bench, lists, { posts, size, conns, personal = false }) {
  const { target, sink, meter } = bench
  await sink.ask('reset')
  await sink.ask('config', { checkPersonal: personal })
  const want = lists.reduce((sum, { subscribers }) => sum + subscribers, 0) * posts
  const before = meter.cpu()
  const started = monoMs()
  const listOf = (i) => lists[i % lists.length]
  const accepted = await load({
    ...target.lmtp,
    count: posts * lists.length,
    conns,
    size,
    to: (i) => postingAddress(listOf(i).name),
    from: (i) => subscriber(listOf(i).first ?? 0),
  })
  const arrived = await allArrived(bench, want)
  await idle(bench, { max: 30, stall: 10 })
  const after = meter.cpu()
  const seen = await sink.ask('stats')
  const { uniq, dups } = repeats(seen)
  const wall = (seen.last - started) / 1000
  const cpu = after.total - before.total
  return {
    want,
    rcpts: seen.rcpts,
    uniq,
    dups,
    complete: arrived && uniq === want,
    transactions: seen.tx,
    conns: seen.conns,
    rcptsPerTx: seen.rcpts / seen.tx,
    verpTx: seen.verpTx,
    personalTx: seen.personalTx,
    wall_s: wall,
    rcpts_per_s: seen.rcpts / wall,
    send_s: (seen.last - seen.first) / 1000,
    cpu_s: cpu,
    cpu_user: after.user - before.user,
    cpu_sys: after.sys - before.sys,
    cpu_s_per_100k: (cpu / seen.rcpts) * 1e5,
    rcpts_per_cpu_s: seen.rcpts / cpu,
    bytes: seen.bytes,
    sink_cpu_s: seen.cpu,
    latency: latency(accepted.ids, seen),
    diag: arrived ? undefined : await target.diag?.(),
    accept: acceptance(accepted),
    mem: meter.mem(),
  }
}

/** Recipients that came at least once, and how often more than once, over all posts. */
export function repeats({ ids }) {
  let uniq = 0
  let dups = 0
  for (const each of Object.values(ids)) {
    uniq += each.uniq
    dups += each.dups
  }
  return { uniq, dups }
}

/** From the 250 of each post to its last copy. */
function latency(accepted, { ids }) {
  const each = accepted.flatMap(([id, at]) => (ids[id] ? [ids[id].last - at] : [])).sort((a, b) => a - b)
  return { p50_ms: each[each.length >> 1], max_ms: each.at(-1) }
}
