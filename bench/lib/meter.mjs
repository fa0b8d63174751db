// CPU and memory of a whole process tree.
// With a writable cgroup v2 hierarchy (root): every process of the target is put
// into one cgroup, so that daemons that double-fork and short-lived children are
// all counted (cpu.stat: user_usec + system_usec).  Otherwise: /proc/PID/stat of
// the descendants, sampled five times a second (children that come and go between
// two samples are only counted through their parents' cutime/cstime).

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { sleep } from './wait.mjs'

const HZ = 100
function cgRoot() {
  for (const l of fs.readFileSync('/proc/mounts', 'utf8').split('\n')) {
    const f = l.split(' ')
    if (f[2] === 'cgroup2') return f[1]
  }
  return null
}
const read = (p) => {
  try {
    return fs.readFileSync(p, 'utf8')
  } catch {
    return ''
  }
}
function stat(pid) {
  const s = read(`/proc/${pid}/stat`)
  if (!s) return null
  const f = s.slice(s.lastIndexOf(')') + 2).split(' ')
  return { ppid: +f[1], u: +f[11], s: +f[12], cu: +f[13], cs: +f[14], start: f[19] }
}

export class Meter {
  constructor(name) {
    this.roots = []
    this.seen = new Map()
    this.exclude = new Map() // exclude: pid -> CPU seconds of processes that are no part of the target
    const r = cgRoot()
    if (r && process.getuid() === 0 && !process.env.BENCH_NO_CGROUP) {
      this.cg = `${r}/bench-${name}-${process.pid}`
      try {
        fs.mkdirSync(this.cg)
      } catch {
        this.cg = null
      }
    }
    this.how = this.cg ? 'cgroup v2 cpu.stat' : '/proc tree sampling'
    if (!this.cg) {
      this.timer = setInterval(() => this.sample(), 200)
      this.timer.unref()
    }
  }
  // Start a process of the target.  user: run as that user (needs root).
  spawn(cmd, args = [], { user, ...o } = {}) {
    let c = cmd,
      a = args
    if (user && process.getuid() === 0) {
      a = ['--reuid', user, '--regid', user, '--clear-groups', '--', c, ...a]
      c = 'setpriv'
    }
    if (this.cg) {
      a = ['-c', `echo $$ > ${this.cg}/cgroup.procs; exec "$@"`, 'sh', c, ...a]
      c = 'sh'
    }
    const p = spawn(c, a, { stdio: ['ignore', 'inherit', 'inherit'], ...o })
    this.roots.push(p.pid)
    return p
  }
  // Run one command of the target to its end (counted too); resolves to its stdout.
  run(cmd, args = [], { input, ...o } = {}) {
    return new Promise((ok, bad) => {
      const p = this.spawn(cmd, args, {
        ...o,
        stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      })
      let out = '',
        err = ''
      p.stdout.on('data', (d) => {
        out += d
      })
      p.stderr.on('data', (d) => {
        err += d
      })
      if (input !== undefined) {
        p.stdin.on('error', () => {})
        p.stdin.end(input)
      }
      p.on('error', bad)
      p.on('close', (c) =>
        c === 0
          ? ok(out)
          : bad(new Error(`${cmd} ${args[0] || ''}: rc ${c}: ${err.slice(-1500)}${out.slice(-500)}`)),
      )
    })
  }
  pids() {
    if (this.cg) return read(`${this.cg}/cgroup.procs`).split('\n').filter(Boolean).map(Number)
    const kids = new Map()
    for (const d of fs.readdirSync('/proc'))
      if (/^\d+$/.test(d)) {
        const s = stat(d)
        if (s) {
          if (!kids.has(s.ppid)) kids.set(s.ppid, [])
          kids.get(s.ppid).push(+d)
        }
      }
    const out = new Set(),
      todo = [...this.roots, ...[...this.seen.keys()].map((k) => +k.split('/')[0])]
    while (todo.length) {
      const p = todo.pop()
      if (out.has(p) || !fs.existsSync(`/proc/${p}`)) continue
      out.add(p)
      todo.push(...(kids.get(p) || []))
    }
    return [...out]
  }
  sample() {
    for (const p of this.pids()) {
      const s = stat(p)
      if (s) this.seen.set(`${p}/${s.start}`, { u: s.u + s.cu, s: s.s + s.cs })
    }
  }
  cpu() {
    if (this.cg) {
      const t = read(`${this.cg}/cpu.stat`)
      const g = (k) => +(new RegExp(`^${k} (\\d+)`, 'm').exec(t)?.[1] ?? 0) / 1e6
      for (const pid of this.exclude.keys()) {
        const st = stat(pid)
        if (st) this.exclude.set(pid, { u: st.u / HZ, s: st.s / HZ })
      }
      let xu = 0,
        xs = 0
      for (const x of this.exclude.values()) {
        xu += x.u || 0
        xs += x.s || 0
      }
      return { user: g('user_usec') - xu, sys: g('system_usec') - xs, total: g('usage_usec') - xu - xs }
    }
    this.sample()
    let u = 0,
      s = 0
    for (const v of this.seen.values()) {
      u += v.u
      s += v.s
    }
    return { user: u / HZ, sys: s / HZ, total: (u + s) / HZ }
  }
  mem() {
    let rss = 0,
      pss = 0,
      n = 0
    for (const p of this.pids()) {
      if (this.exclude.has(p)) continue
      const t = read(`/proc/${p}/smaps_rollup`)
      if (!t) continue
      n++
      rss += +(/^Rss:\s+(\d+)/m.exec(t)?.[1] ?? 0)
      pss += +(/^Pss:\s+(\d+)/m.exec(t)?.[1] ?? 0)
    }
    return { rssMB: rss / 1024, pssMB: pss / 1024, processes: n }
  }
  async kill9() {
    for (let i = 0; i < 50; i++) {
      if (this.cg) {
        try {
          fs.writeFileSync(`${this.cg}/cgroup.kill`, '1')
        } catch {}
      }
      const p = this.pids()
      if (!p.length) return
      for (const x of p) {
        try {
          process.kill(x, 'SIGKILL')
        } catch {}
      }
      await sleep(50)
    }
  }
  async close() {
    clearInterval(this.timer)
    await this.kill9()
    for (let i = 0; i < 20 && this.cg; i++) {
      try {
        fs.rmdirSync(this.cg)
        this.cg = null
      } catch {
        await sleep(100)
      }
    }
  }
}
