// What a server holds in memory with a large list and many posts on their way: its proportional set size (smaps_rollup) before
// and while posts go to all members. The figures of docs/performance.md, section "Memory".
//
//   node --disable-warning=ExperimentalWarning bench/memory.ts [--members 100000] [--posts 20] [--size 4096] [--seconds 30]
//        [--mode individual]
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { freePort, freshSite, run } from '../test/support/server.ts'

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '100000' },
    posts: { type: 'string', default: '20' },
    size: { type: 'string', default: '4096' },
    seconds: { type: 'string', default: '30' },
    mode: { type: 'string', default: 'individual' },
  },
})
const list = 'fan@lists.example.com'
const relayPort = await freePort()
const sink = fork(join(import.meta.dirname, 'sink.mjs'), ['--port', String(relayPort)])
await once(sink, 'message')
await using site = await freshSite({ relayPort, sections: { bulk: { mode: values.mode } } })
await site.list(
  list,
  Array.from({ length: Number(values.members) }, (_, i) => `u${i}@sub.example.com`),
)
await site.must(['set', list, 'max_message_size=0'])
const server = await site.start()

const mebibytes = (key: string): number => {
  const text = readFileSync(`/proc/${server.pid}/smaps_rollup`, 'utf8')
  return Math.round(Number(new RegExp(`^${key}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN) / 102.4) / 10
}
const memory = () => ({ pss: mebibytes('Pss'), anonymous: mebibytes('Pss_Anon'), rss: mebibytes('Rss') })
await sleep(2000)
const before = memory()
const load = run([
  process.execPath,
  join(import.meta.dirname, 'load.mjs'),
  ...['--port', String(server.lmtpPort), '--count', values.posts, '--size', values.size, '--conns', '4'],
  ...['--to', list],
])
const asked = async (cmd: string): Promise<{ rcpts: number }> => {
  sink.send({ cmd, n: 1 })
  return ((await once(sink, 'message')) as [{ r: { rcpts: number } }])[0].r
}
const want = Number(values.members) * Number(values.posts)
const samples: { at: number; pss: number; sent: number }[] = []
const began = performance.now()
for (;;) {
  await sleep(250)
  const { rcpts } = await asked('total')
  const at = (performance.now() - began) / 1000
  samples.push({ at, pss: memory().pss, sent: rcpts })
  if (rcpts >= want || at > Number(values.seconds)) break
}
await load
const inFlight = samples.map(({ pss }) => pss).sort((a, b) => a - b)
const { sent, at } = samples.at(-1) ?? { sent: 0, at: 0 }
process.stdout.write(
  `${JSON.stringify({
    members: Number(values.members),
    posts: Number(values.posts),
    size: Number(values.size),
    mode: values.mode,
    threads: readdirSync(`/proc/${server.pid}/task`).length,
    idle: before,
    in_flight: { pss_median: inFlight[inFlight.length >> 1], pss_most: inFlight.at(-1), now: memory() },
    copies: sent,
    copies_per_s: Math.round(sent / at),
  })}\n`,
)
await server.kill()
sink.disconnect()
