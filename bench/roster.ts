// What a large roster costs: members added, shown, synced and removed by the command line, with a server running and
// without one, and a page of 50 read from the store. The figures of docs/performance.md, S8.
//
//   node --disable-warning=ExperimentalWarning bench/roster.ts [--members 100000] [--others 0] [--mailman 1000]
//
// --others: addresses of the site that are no members of the list. --mailman N: the same with N members by GNU Mailman's
// own command line (Debian's mailman3; as root), for comparison; its figures hardly depend on N.
import { execFileSync, spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openForReading } from '../src/store/database.ts'
import { listBySpec } from '../src/store/units/lists.ts'
import { type RosterPage, type RosterPlace, rosterPage } from '../src/store/units/rosters.ts'

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '100000' },
    others: { type: 'string', default: '0' },
    mailman: { type: 'string' },
  },
})
const [members, others] = [Number(values.members), Number(values.others)]
const list = 'roster@lists.example.org'
const directory = mkdtempSync(join(tmpdir(), 'posthorn-roster-'))
const program = join(import.meta.dirname, '../bin/posthorn')

try {
  posthorn()
  if (values.mailman !== undefined) mailman(Number(values.mailman))
} finally {
  rmSync(directory, { recursive: true, force: true })
}

function posthorn(): void {
  const file = site(
    'posthorn.cfg',
    'layout: local',
    `[paths.local]\nvar_dir: ${directory}/var\n[mta]\nincoming: null\nlmtp_port: 0`,
  )
  const run = (...argv: string[]) => timed(program, ['-C', file, '--run-as-root', ...argv])
  const all = people('all', members)
  const start = run('status')
  tell(
    `posthorn, ${members} members`,
    `a command that does nothing: ${start.seconds.toFixed(2)} s, CPU ${start.cpu.toFixed(2)} s`,
  )
  run('create', list)
  if (others > 0) {
    run('create', 'others@lists.example.org')
    run('addmembers', '-W', people('others', others), 'others@lists.example.org')
  }
  for (const place of ['without a server', 'with a server']) {
    if (place === 'with a server') run('start')
    row(`addmembers, ${place}`, members, run('addmembers', '-W', all, list))
    row(`addmembers again, ${place}`, members, run('addmembers', '-W', all, list))
    row(`members, ${place}`, members, run('members', list))
    row(`syncmembers, nothing to do, ${place}`, members, run('syncmembers', all, list))
    if (place === 'without a server') pages(join(directory, 'var/posthorn.db'))
    row(`delmembers --all, ${place}`, members, run('delmembers', '-G', '--all', '-l', list))
  }
  row('addmembers with a letter to each, with a server', members, run('addmembers', '-w', all, list))
  run('stop')
}

/** Pages of 50 over the whole roster, as an interface asks for them. */
function pages(path: string): void {
  const connection = openForReading(path)
  const roster = connection.run(listBySpec.unit({ spec: list }))
  if (roster === null) throw new Error(`${list} is not there`)
  const times: number[] = []
  for (let after: RosterPlace | null = null; ; ) {
    const started = performance.now()
    const page: RosterPage = connection.run(
      rosterPage.unit({ list: roster.no, roles: ['member'], after, limit: 50 }),
    )
    times.push(performance.now() - started)
    after = page.at(-1) ?? null
    if (page.length < 50 || times.length === 2000) break
  }
  connection.close()
  times.sort((a, b) => a - b)
  const at = (part: number) => (times[Math.floor(times.length * part)] ?? 0).toFixed(2)
  tell('page of 50', `median ${at(0.5)} ms, 99 % ${at(0.99)} ms, worst ${at(1 - 1 / times.length)} ms`)
}

function mailman(count: number): void {
  const owner = statSync('/var/lib/mailman3')
  const varDir = join(directory, 'mailman')
  mkdirSync(varDir)
  const file = site(
    'mailman.cfg',
    'layout: bench\nsite_owner: owner@lists.example.org',
    `[paths.bench]\nvar_dir: ${varDir}\n[mta]\nincoming: mailman.mta.null.NullMTA\n[database]\nurl: sqlite:///${varDir}/mailman.db`,
  )
  const all = people('mailman-all', count)
  execFileSync('chmod', ['-R', 'a+rX', directory])
  chownSync(varDir, owner.uid, owner.gid)
  const run = (...argv: string[]) =>
    timed('/usr/lib/mailman3/bin/mailman', ['-C', file, ...argv], { uid: owner.uid, gid: owner.gid })
  tell(`mailman, ${count} members`, `a command that does nothing: ${run('status').cpu.toFixed(2)} CPU s`)
  run('create', list)
  row('addmembers', count, run('addmembers', '-W', all, list))
  row('members', count, run('members', list))
  row('syncmembers, nothing to do', count, run('syncmembers', '-W', '-G', all, list))
  row('delmembers --all', count, run('delmembers', '-G', '--all', '-l', list))
}

function site(name: string, general: string, rest: string): string {
  const file = join(directory, name)
  writeFileSync(file, `[mailman]\n${general}\n${rest}\n`)
  return file
}

function people(name: string, count: number): string {
  const file = join(directory, `${name}.txt`)
  writeFileSync(
    file,
    Array.from({ length: count }, (_, i) => `Person ${i} <${name}${i}@sub.example.com>\n`).join(''),
  )
  return file
}

interface Cost {
  readonly seconds: number
  /** Of the command and, where one runs, of the server. */
  readonly cpu: number
}

function timed(
  command: string,
  argv: readonly string[],
  as: { readonly uid?: number; readonly gid?: number } = {},
): Cost {
  const [started, before] = [performance.now(), serverCpu()]
  // What is said of 100,000 lines is more than a pipe should hold: it goes nowhere, and bash tells the CPU time.
  const script = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&1'
  const { error, stderr } = spawnSync('bash', ['-c', script, 'bash', command, ...argv], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: directory,
    ...as,
  })
  if (error !== undefined) throw error
  const [user = 0, system = 0] = String(stderr).trim().split(' ').map(Number)
  return { seconds: (performance.now() - started) / 1000, cpu: user + system + serverCpu() - before }
}

/** CPU seconds of the server so far, 0 without one. */
function serverCpu(): number {
  try {
    const pid = readFileSync(join(directory, 'var/master.pid'), 'utf8').trim()
    const [, ...fields] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')
    const [user, system] = fields.join(') ').split(' ').slice(11, 13).map(Number)
    return ((user ?? 0) + (system ?? 0)) / 100
  } catch {
    return 0
  }
}

function row(what: string, count: number, { seconds, cpu }: Cost): void {
  const each = ((cpu / count) * 1e6).toFixed(1)
  tell(
    what,
    `${seconds.toFixed(2)} s, ${Math.round(count / seconds)} a second; CPU ${cpu.toFixed(2)} s, ${each} µs each`,
  )
}

function tell(what: string, figures: string): void {
  process.stdout.write(`${what.padEnd(52)} ${figures}\n`)
}
