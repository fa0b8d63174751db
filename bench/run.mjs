// Puts the scenarios of scenarios.mjs on a target and prints what they cost.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { keyValues, readArguments, wrongUse } from './lib/arguments.mjs'
import { round } from './lib/figures.mjs'
import { Meter } from './lib/meter.mjs'
import { faultsOf, PARAMS, SCENARIOS } from './scenarios.mjs'

const usage = `usage: node run.mjs --target NAME [--scenario S1,S2,...] [options]

  --target NAME      a file in targets/: ${knownTargets().join(', ')}
  --scenario LIST    S7 by default; ${Object.keys(PARAMS).join(', ')} (README.md tells what they are)
  --set KEY=VALUE    a scenario's parameter; may be repeated. Defaults:
${Object.entries(PARAMS)
  .map(
    ([name, p]) =>
      `                       ${name}: ${Object.entries(p)
        .map(([key, value]) => `${key}=${value}`)
        .join(' ')}`,
  )
  .join('\n')}
  --scale FACTOR     multiplies posts, bounces, lists, bulk and api
  --repeat N         runs each scenario N times
  --out DIR          writes one JSON file a run, for report.mjs
  --opt KEY=VALUE    for the target's adapter; may be repeated
  --stall SECONDS    give up when nothing moved for so long (60)
  --max-wait SECONDS give up a scenario's wait after so long (900; S1 at its default size needs more for slow targets)
  --port-base PORT   all ports are from here on (18500)
  --dir DIR          for the scratch directory; its disk is what the fsyncs are paid to (${os.tmpdir()})
  --keep             leave the scratch directory

Exit: 0, 1 when a scenario failed (an error, mail lost, or not all of it there in time), 2 on wrong use.`

function knownTargets() {
  const files = fs.readdirSync(path.join(import.meta.dirname, 'targets'))
  return files.filter((name) => name.endsWith('.mjs')).map((name) => name.slice(0, -4))
}

const given = readArguments({
  usage,
  options: {
    target: { type: 'string' },
    scenario: { type: 'string', default: 'S7' },
    set: { type: 'string', multiple: true, default: [] },
    opt: { type: 'string', multiple: true, default: [] },
    scale: { type: 'number', default: 1 },
    repeat: { type: 'number', default: 1 },
    out: { type: 'string' },
    stall: { type: 'number', default: 60 },
    'max-wait': { type: 'number', default: 900 },
    'port-base': { type: 'number', default: 18500 },
    dir: { type: 'string', default: path.join(os.tmpdir(), 'bench-work') },
    keep: { type: 'boolean', default: false },
  },
})
if (given.target === undefined) wrongUse('--target is missing')
if (!knownTargets().includes(given.target)) {
  wrongUse(`--target ${given.target}: there is ${knownTargets().join(', ')}`)
}
const scenarios = given.scenario.split(',')
for (const name of scenarios) {
  if (SCENARIOS[name] === undefined)
    wrongUse(`--scenario ${name}: there is ${Object.keys(PARAMS).join(', ')}`)
}
const overrides = keyValues('set', given.set)
for (const key of Object.keys(overrides)) {
  if (!scenarios.some((name) => key in PARAMS[name])) {
    wrongUse(
      `--set ${key}: ${given.scenario} knows ${scenarios.flatMap((name) => Object.keys(PARAMS[name])).join(', ')}`,
    )
  }
}
const settings = {
  target: given.target,
  dir: path.resolve(given.dir),
  keep: given.keep,
  opt: keyValues('opt', given.opt),
  portBase: given['port-base'],
  stall: given.stall,
  maxWait: given['max-wait'],
}

/** The parameters of one scenario, with what --set and --scale make of them. */
function parametersOf(name) {
  const known = Object.entries(overrides).filter(([key]) => key in PARAMS[name])
  const parameters = { ...PARAMS[name], ...Object.fromEntries(known) }
  if (given.scale !== 1) {
    for (const key of ['posts', 'bounces', 'lists', 'bulk', 'api']) {
      if (parameters[key]) parameters[key] = Math.max(1, Math.round(parameters[key] * given.scale))
    }
  }
  return parameters
}

const probe = new Meter('probe')
const meterKind = probe.how
await probe.close()
// Options with a path in them would put this machine's folders into the results.
const opt = Object.fromEntries(
  Object.entries(settings.opt).map(([key, value]) => [key, String(value).includes('/') ? '(path)' : value]),
)
const label = [settings.target, ...Object.values(opt).filter((value) => value !== '(path)')].join('-')

for (const scenario of scenarios) {
  for (let run = 0; run < given.repeat; run++) {
    const params = parametersOf(scenario)
    const started = new Date().toISOString()
    const [loadBefore] = os.loadavg()
    const outcome = await SCENARIOS[scenario](params, settings).then(
      (result) => ({ result }),
      (fault) => ({ error: String(fault.message ?? fault).replaceAll(settings.dir, 'DIR') }),
    )
    const record = {
      target: settings.target,
      opt,
      scenario,
      params,
      started,
      loadavg_before: loadBefore,
      loadavg_after: os.loadavg()[0],
      meter: meterKind,
      node: process.version,
      ...outcome,
    }
    if (given.out !== undefined) {
      fs.mkdirSync(given.out, { recursive: true })
      const file = path.join(given.out, `${label}-${scenario}-${Date.now()}.json`)
      fs.writeFileSync(file, `${JSON.stringify(record, null, 1)}\n`)
    }
    console.log(
      label,
      scenario,
      JSON.stringify(outcome.result ?? outcome, (_, value) => round(value)),
    )
    const faults = outcome.error === undefined ? faultsOf(outcome.result) : [outcome.error]
    for (const fault of faults) {
      console.error(`run.mjs: ${label} ${scenario} failed: ${fault}`)
      process.exitCode = 1
    }
  }
}
process.exit()
