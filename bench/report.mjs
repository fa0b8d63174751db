// Medians of the raw JSON of run.mjs, as Markdown tables.

import fs from 'node:fs'
import path from 'node:path'
import { readArguments, wrongUse } from './lib/arguments.mjs'
import { median } from './lib/figures.mjs'
import { faultsOf } from './scenarios.mjs'

const [dir] = readArguments({
  usage: `usage: node report.mjs DIR: the medians of what run.mjs --out DIR wrote, as Markdown tables

Exit: 0, 1 when a run in it failed or there is none, 2 on wrong use.`,
  words: ['DIR'],
}).words
if (!fs.existsSync(dir)) wrongUse(`no such folder: ${dir}`)
const all = fs
  .readdirSync(dir)
  .filter((f) => /-S\d+-\d+\.json$/.test(f))
  .map((f) => JSON.parse(fs.readFileSync(path.join(dir, f), 'utf8')))
const recs = all.filter((r) => r.result)
const failed = all.filter((r) => r.error || faultsOf(r.result).length > 0)
if (all.length === 0) console.error(`report.mjs: no results of run.mjs in ${dir}`)
if (failed.length > 0) console.error(`report.mjs: ${failed.length} of ${all.length} runs failed`)
if (all.length === 0 || failed.length > 0) process.exitCode = 1
const get = (o, p) => p.split('.').reduce((x, k) => x?.[k], o)
const f = (x) =>
  x == null
    ? '-'
    : typeof x !== 'number'
      ? String(x)
      : x === 0
        ? '0'
        : Math.abs(x) >= 1000
          ? Math.round(x).toLocaleString('en')
          : String(+x.toPrecision(3))
const COL = {
  S1: {
    'accepted/s': 'perS',
    'accept p50 ms': 'p50_ms',
    'accept p99 ms': 'p99_ms',
    'processed/s': 'processed_per_s',
    'CPU ms/msg': 'cpu_ms_per_msg',
    held: 'held',
  },
  S2: {
    'recipients/s': 'rcpts_per_s',
    'CPU-s/100k': 'cpu_s_per_100k',
    'rcpts/transaction': 'rcptsPerTx',
    'accept->last p50 ms': 'latency.p50_ms',
    'PSS MB': 'mem.pssMB',
    complete: 'complete',
  },
  S5: {
    'posts/s': 'posts_per_s',
    'CPU ms/post': 'cpu_ms_per_post',
    'accept->last p50 ms': 'latency.p50_ms',
    recipients: 'rcpts',
    complete: 'complete',
  },
  S6: {
    'accepted/s': 'accept.perS',
    'processed/s': 'processed_per_s',
    'CPU ms/bounce': 'cpu_ms_per_bounce',
    registered: 'count.registered',
    processed: 'count.processed',
  },
  S7: {
    'start s': 'start_median_s',
    'start CPU-s': 'start_cpu_s.0',
    'RSS MB': 'idle.rssMB',
    'PSS MB': 'idle.pssMB',
    processes: 'idle.processes',
    'idle CPU %': 'idle_cpu_pct',
  },
  S8: {
    'bulk add/s': 'bulk_subscribe.per_s',
    'bulk CPU ms each': 'bulk_subscribe.cpu_ms_each',
    'API add/s': 'api_subscribe.per_s',
    'API CPU ms each': 'api_subscribe.cpu_ms_each',
    'roster 10k CLI s': 'roster_cli.s',
    'roster 10k API s': 'roster_api_full.s',
    'API page of 50 ms': 'roster_api_page50_ms',
  },
  S10: {
    wanted: 'want',
    'at kill': 'sentAtKill',
    lost: 'lost',
    duplicated: 'dups',
    'restart s': 'restart_s',
    'last delivery s': 'last_s',
  },
}
COL.S3 = { ...COL.S2, 'VERP tx': 'verpTx' }
COL.S4 = { ...COL.S2, 'personal copies': 'personalTx' }
for (const s of ['S1', 'S2', 'S3', 'S4', 'S5', 'S6', 'S7', 'S8', 'S9', 'S10']) {
  const mine = recs.filter((r) => r.scenario === s)
  if (!mine.length) continue
  const groups = new Map()
  const add = (k, r) => {
    if (!groups.has(k)) groups.set(k, [])
    groups.get(k).push(r)
  }
  for (const r of mine) {
    const name =
      r.target +
      Object.entries(r.opt)
        .filter(([k]) => ['db', 'instances'].includes(k))
        .map(([, v]) => `-${v}`)
        .join('')
    if (s === 'S9')
      for (const [n, x] of Object.entries(r.result)) add(`${name} | ${(+n).toLocaleString('en')} subs`, x)
    else
      add(
        `${name} | ${['posts', 'subs', 'lists', 'bounces', 'bulk', 'conns', 'kind']
          .filter((k) => r.params[k] != null)
          .map((k) => `${k} ${r.params[k]}`)
          .join(', ')}`,
        r.result,
      )
  }
  const col = s === 'S9' ? COL.S2 : COL[s]
  console.log(
    `\n### ${s}\n\n| target | work | runs | ${Object.keys(col).join(' | ')} |\n|---|---|---|${Object.keys(col)
      .map(() => '---:')
      .join('|')}|`,
  )
  for (const [k, rs] of [...groups].sort()) {
    // figures of runs that did not finish are not mixed into the medians
    const ok = rs.filter((r) => r.complete !== false),
      use = ok.length ? ok : rs
    console.log(
      `| ${k} | ${rs.length}${ok.length < rs.length ? ` (${rs.length - ok.length} incomplete)` : ''} | ${Object.values(
        col,
      )
        .map((p) => {
          const v = use.map((r) => get(r, p))
          return f(typeof v[0] === 'number' ? median(v) : v[0])
        })
        .join(' | ')} |`,
    )
  }
}
