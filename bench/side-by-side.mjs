// The figures of docs/performance.md, section "Beside Mailman": each scenario by Posthorn and by GNU Mailman in turns, in one run,
// then a slow disk (lag.ts) and memory (memory.ts), which Mailman has nothing to set against. As root, with Debian's mailman3 and a C
// compiler, on a machine that does nothing else. Work that a target needs hours for is scaled down; figures are for a unit of it.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { readArguments } from './lib/arguments.mjs'

const given = readArguments({
  usage: `usage: node side-by-side.mjs --out DIR [--repeat N] [--members N] [--without-mailman]

  --out DIR            one JSON file a run, and the table: DIR/report.md
  --repeat N           of Posthorn's runs (3), S9 excepted; Mailman does each once
  --members N          the largest list of S9 (1000000)
  --without-mailman    Posthorn alone

Exit: 0, 1 when a run failed, 2 on wrong use.`,
  options: {
    out: { type: 'string', default: 'results' },
    repeat: { type: 'number', default: 3 },
    members: { type: 'number', default: 1_000_000 },
    'without-mailman': { type: 'boolean', default: false },
  },
})
const here = import.meta.dirname
const out = path.resolve(given.out)
fs.mkdirSync(out, { recursive: true })

/** A scenario, and what each target does of it, as words for --set; null: nothing. */
const work = [
  ['S1', { posthorn: [], mailman: ['posts=1000'] }],
  ['S1', { posthorn: ['conns=32'], mailman: null }],
  ['S2', { posthorn: [], mailman: ['posts=3'] }],
  ['S3', { posthorn: [], mailman: ['posts=1', 'subs=2000'] }],
  ['S7', { posthorn: [], mailman: [] }],
  ['S9', { posthorn: [`subs=1000,10000,100000,${given.members}`], mailman: ['subs=1000,10000', 'posts=2'] }],
  ['S10', { posthorn: [], mailman: ['posts=3', 'subs=5000'] }],
]

let failed = 0
const node = (words) => {
  console.log(`load ${os.loadavg()[0].toFixed(2)}  ${words.join(' ')}`)
  const { status, stdout } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...words],
    {
      cwd: here,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  if (status !== 0) failed++
  return stdout
}

const bench = (target, scenario, sets) =>
  node([
    'run.mjs',
    ...['--target', target, '--scenario', scenario, '--out', out, '--max-wait', '1800'],
    ...sets.flatMap((set) => ['--set', set]),
  ])

fs.writeFileSync(path.join(out, 'limits.json'), node(['limits.mjs']))
for (const [scenario, { posthorn, mailman }] of work) {
  for (let run = 0; run < (scenario === 'S9' ? 1 : given.repeat); run++) {
    bench('posthorn', scenario, posthorn)
    if (run === 0 && mailman !== null && !given['without-mailman']) bench('mailman', scenario, mailman)
  }
}
const lag = node(['lag.ts'])
const memory = ['individual', 'bulk'].map((mode) => node(['memory.ts', '--mode', mode]))
const tables = node(['report.mjs', out])
const limits = fs.readFileSync(path.join(out, 'limits.json'), 'utf8')
const block = (text) => `\n\`\`\`json\n${text.trim()}\n\`\`\`\n`
fs.writeFileSync(
  path.join(out, 'report.md'),
  [
    tables,
    '\n### A slow disk\n',
    block(lag),
    '\n### Memory\n',
    ...memory.map(block),
    '\n### Limits\n',
    block(limits),
  ].join(''),
)
console.log(fs.readFileSync(path.join(out, 'report.md'), 'utf8'))
process.exitCode = failed === 0 ? 0 : 1
