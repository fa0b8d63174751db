// What machines see of a running server: /healthz, /readyz and /metrics over real HTTP, and the example board and alert
// rules of packaging/, which name nothing that is not exported.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { eventually, freshSite } from './support/server.ts'
import { type ServerHere, serverHere } from './support/server-here.ts'

const root = join(import.meta.dirname, '..')
const server = await serverHere({ sections: { web: { metrics: '127.0.0.1:0' } } })
after(() => server[Symbol.asyncDispose]())
await server.list('tea@lists.example.org', ['ann@example.org', 'ben@example.net', 'cleo@example.com'])

/** Where it is served, as the log says. */
function addressOf({ services }: ServerHere): string | undefined {
  const log = readFileSync(join(services.config.paths.logDir, 'posthorn.log'), 'utf8')
  return /"address":"([^"]+)","event":"web\.open"/.exec(log)?.[1]
}
const address = addressOf(server)
const get = (path: string): Promise<Response> => fetch(`http://${address}${path}`)
const metrics = async (): Promise<string> => (await get('/metrics')).text()

/** The sample of this name and labels, as it stands. */
async function sample(nameAndLabels: string): Promise<number> {
  const line = (await metrics()).split('\n').find((each) => each.startsWith(`${nameAndLabels} `))
  ok(line !== undefined, `no ${nameAndLabels}`)
  return Number(line.slice(nameAndLabels.length + 1))
}

test('the process is healthy, and ready: LMTP answers, the store takes a commit, there is disk', async () => {
  equal((await get('/healthz')).status, 200)
  const ready = await get('/readyz')
  equal(await ready.text(), 'ok lmtp\nok store\nok disk\n')
  equal(ready.status, 200)
  equal((await get('/')).status, 404)
})

test('what came in, was refused, was judged and went out is counted', async () => {
  await server.post('ann@example.org', 'tea@lists.example.org', 'one')
  await server.post('zoe@example.org', 'tea@lists.example.org', 'two')
  await server.post('ann@example.org', 'coffee@lists.example.org', 'three')
  for (const [name, value] of [
    ['posthorn_messages_received_total{outcome="accepted"}', 2],
    ['posthorn_refusals_total{reply="550 5.1.1"}', 1],
    ['posthorn_posts_judged_total{action="accept"}', 1],
    ['posthorn_posts_judged_total{action="hold"}', 1],
    ['posthorn_posts_judged_total{action="reject"}', 0],
    ['posthorn_copies_total{fate="sent"}', 5], // three copies, and a letter each to poster and moderator
    ['posthorn_copies_total{fate="failed"}', 0],
    ['posthorn_relay_state{state="up"}', 1],
    ['posthorn_queue_items{lane="in",state="waiting"}', 0],
    ['posthorn_queue_items{lane="out",state="aside"}', 0],
    ['posthorn_queue_oldest_seconds{lane="out"}', 0],
    ['posthorn_in_doubt', 0],
    ['posthorn_pages_open', 0],
    ['posthorn_publication_faulty', 0],
    ['posthorn_log_lines_total{thread="delivery",level="error"}', 0],
  ] as const)
    await eventually(`${name} to be ${value}`, async () => (await sample(name)) === value)
  ok((await sample('posthorn_commit_seconds_count')) > 0)
  ok((await sample('posthorn_commit_seconds_sum')) > 0)
  equal(await sample('posthorn_disk_reserve_bytes'), server.services.config.store.reserve)
  ok((await sample('nodejs_eventloop_lag_p99_seconds')) >= 0)
  ok((await sample('process_resident_memory_bytes')) > 0)
})

test('no address and no word of a message is in the metrics', async () => {
  const text = await metrics()
  ok(!/@|tea|coffee|example/.test(text), text)
})

test('every sample belongs to a family that says what it is', async () => {
  const text = await metrics()
  const told = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name))
  for (const [, name = ''] of text.matchAll(/^([a-z_]+)(?:\{[^}]*\})? \S+$/gm))
    ok(told.has(name) || told.has(name.replace(/_(?:bucket|sum|count)$/, '')), `${name} has no TYPE`)
  deepEqual(
    [...told].filter((name) => !new RegExp(`^# HELP ${name} \\S`, 'm').test(text)),
    [],
  )
})

test('docs/operating.md tells of each metric of ours, and of no other', async () => {
  const exported = [...(await metrics()).matchAll(/^# TYPE (posthorn_\S+) /gm)].map(([, name = '']) => name)
  const section = /^## Seeing from outside\n([\s\S]*?)^## /m.exec(
    readFileSync(join(root, 'docs/operating.md'), 'utf8'),
  )?.[1]
  const told = [...(section ?? '').matchAll(/`(posthorn_[a-z_]+)`/g)].map(([, name = '']) => name)
  deepEqual(told.toSorted(), exported.toSorted())
})

const board = join(root, 'packaging/grafana/posthorn.json')
const alerts = join(root, 'packaging/prometheus/alerts.yml')

/** The metrics that an expression names. */
const namedIn = (text: string): readonly string[] => [
  ...new Set([...text.matchAll(/\b(?:posthorn|nodejs|process)_[a-z0-9_]+\b/g)].map(([name]) => name)),
]

test('the example board is JSON, and names exported metrics alone', async () => {
  const text = readFileSync(board, 'utf8')
  const { panels, title } = JSON.parse(text) as {
    panels: { title: string; targets?: { expr: string }[] }[]
    title: string
  }
  equal(title, 'Posthorn')
  ok(panels.length >= 8)
  const exported = await metrics()
  for (const { title: panel, targets = [] } of panels)
    for (const { expr } of targets) {
      ok(namedIn(expr).length > 0, `${panel}: ${expr} names no metric`)
      for (const name of namedIn(expr)) match(exported, new RegExp(`^${name}[ {]`, 'm'), `${panel}: ${expr}`)
    }
})

test('the example alert rules name exported metrics alone, with labels that there are', async () => {
  const text = readFileSync(alerts, 'utf8')
  const rules = text.split(/^ {6}- alert: /m).slice(1)
  ok(rules.length >= 6)
  const exported = await metrics()
  for (const rule of rules) {
    const title = rule.split('\n')[0]
    const expr = /^ {8}expr: (.*)$/m.exec(rule)?.[1] ?? ''
    ok(/^ {10}summary: \S/m.test(rule) && /^ {10}description: \S/m.test(rule), `${title} says not what to do`)
    const names = namedIn(expr)
    ok(names.length > 0 || expr.startsWith('up{'), `${title}: ${expr} names no metric`)
    for (const name of names) match(exported, new RegExp(`^${name}[ {]`, 'm'), `${title}: ${expr}`)
    for (const [, name = '', label = '', value = ''] of expr.matchAll(/\b(posthorn_\w+)\{(\w+)="([^"]+)"/g))
      match(exported, new RegExp(`^${name}\\{[^}]*${label}="${value}"`, 'm'), `${title}: ${expr}`)
  }
})

test('with less disk than the reserve the server is not ready, and says what to do', async () => {
  await using full = await serverHere({
    sections: { web: { metrics: '127.0.0.1:0' }, store: { reserve: '1000000 GiB' } },
  })
  const answer = await fetch(`http://${addressOf(full)}/readyz`)
  equal(answer.status, 503)
  match(await answer.text(), /^ok lmtp\nok store\nFAULT disk: \d+ bytes are free, .*; free some space\n$/)
})

test('a port that is taken stops the start with the key to change', async () => {
  const port = address?.split(':')[1]
  await using site = await freshSite({ relayPort: 1, sections: { web: { metrics: `127.0.0.1:${port}` } } })
  const { code, err } = await site.refusedStart()
  equal(code, 1)
  match(err, new RegExp(`port ${port} on 127\\.0\\.0\\.1 is taken by another program.*\\[web\\] metrics`))
})

test('delivery that is paused is told', async () => {
  equal(await sample('posthorn_delivery_paused'), 0)
  await server.posthorn(['delivery', 'pause'])
  equal(await sample('posthorn_delivery_paused'), 1)
  await eventually('the note', async () =>
    /^note relay: delivery is paused: .*$/m.test(await (await get('/readyz')).text()),
  )
  await server.posthorn(['delivery', 'resume'])
  equal(await sample('posthorn_delivery_paused'), 0)
})

test('a relay that is down is told, and leaves the server ready; its mail waits', async () => {
  await server.world.close()
  await server.post('ann@example.org', 'tea@lists.example.org', 'four')
  await eventually(
    'the relay to be down',
    async () => (await sample('posthorn_relay_state{state="down"}')) === 1,
  )
  const ready = await eventually('the note', async () => {
    const answer = await get('/readyz')
    const text = await answer.text()
    return text.includes('note relay') && { status: answer.status, text }
  })
  equal(ready.status, 200)
  match(ready.text, /^note relay: .*; mail is taken and waits$/m)
  await eventually('its age', async () => (await sample('posthorn_queue_oldest_seconds{lane="out"}')) > 0)
})
