// How long the main thread keeps the door waiting on a slow disk: event-loop lag (from /metrics) and the time of a whole LMTP
// transaction, under load, with fsync made slow. The figures of docs/performance.md, section "A slow disk". Needs a C compiler.
//
//   node --disable-warning=ExperimentalWarning bench/lag.ts [--sync 5] [--connections 32] [--posts 10000]
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Sink } from '../test/mta-lab/sink.mjs'
import { freePort, freshSite, run } from '../test/support/server.ts'

const { values } = parseArgs({
  options: {
    sync: { type: 'string', default: '5' },
    connections: { type: 'string', default: '32' },
    posts: { type: 'string', default: '10000' },
  },
})
const here = import.meta.dirname
const relay = await new Sink({ port: 0 }).listen()
const metrics = await freePort()
await using site = await freshSite({
  relayPort: relay.port,
  sections: { web: { metrics: `127.0.0.1:${metrics}` } },
})
const library = join(site.directory, 'slow-sync.so')
execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, join(here, 'slow-sync.c'), '-ldl'])
const server = await site.start({
  environment: { LD_PRELOAD: library, SLOW_SYNC_US: String(Number(values.sync) * 1000) },
})
const list = 'intake@lists.example.com'
await site.list(list, ['u0@sub.example.com'])
await site.must([
  'set',
  list,
  'default_member_action=hold',
  'admin_immed_notify=no',
  'respond_to_post_requests=no',
])
const load = await run([
  process.execPath,
  join(here, 'load.mjs'),
  '--port',
  String(server.lmtpPort),
  '--count',
  values.posts,
  '--conns',
  values.connections,
  '--to',
  list,
])
const text = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
// The metric is the time between two looks that should be 10 ms apart; what is more is lag.
const betweenLooks = 10
const lag = Object.fromEntries(
  [...text.matchAll(/^nodejs_eventloop_lag_(p50|p90|p99|max)_seconds ([\d.e+-]+)$/gm)].map(
    ([, name, value]) => [
      `${name}_ms`,
      Math.max(0, Math.round((Number(value) * 1000 - betweenLooks) * 10) / 10),
    ],
  ),
)
process.stdout.write(
  `${JSON.stringify({ fsync_ms: Number(values.sync), load: JSON.parse(load.out), lag })}\n`,
)
await server.stop()
await relay.close()
