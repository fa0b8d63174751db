// GNU Mailman 3 core (Debian's mailman3 package).  Options (--opt k=v):
//   db=sqlite|postgres   bin=DIR of master/runner/mailman   pgbin=DIR of initdb/postgres   instances=N (in/pipeline/out runners)
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { sleep, waitBanner } from '../lib/wait.mjs'

const HERE = path.dirname(fileURLToPath(import.meta.url))
export default class Mailman {
  constructor(ctx) {
    this.ctx = ctx
    this.user = 'list'
    this.bin = ctx.opt.bin || '/usr/lib/mailman3/bin'
    this.py = ctx.opt.python || '/usr/bin/python3'
    this.pgbin = ctx.opt.pgbin || '/usr/lib/postgresql/15/bin'
    this.db = ctx.opt.db || 'sqlite'
    this.name = `mailman-${this.db}`
    this.lmtp = { host: '127.0.0.1', port: ctx.port(10) }
    this.rest = ctx.port(11)
    this.pgPort = ctx.port(40)
    this.cfg = `${ctx.dir}/mailman.cfg`
  }
  features = { verp: true, personal: 'body+headers', bounce: true, moderated: true, crash: true, bulk: true }
  version() {
    return 'GNU Mailman 3.3.8'
  }

  async setup({ verp = false } = {}) {
    const d = this.ctx.dir,
      inst = +(this.ctx.opt.instances || 1)
    fs.mkdirSync(d, { recursive: true })
    fs.writeFileSync(
      this.cfg,
      `[mailman]
layout: bench
site_owner: owner@lists.example.com
[paths.bench]
var_dir: ${d}/var
bin_dir: ${this.bin}
[database]
class: mailman.database.${this.db === 'sqlite' ? 'sqlite.SQLiteDatabase' : 'postgresql.PostgreSQLDatabase'}
url: ${this.db === 'sqlite' ? `sqlite:///${d}/var/data/mailman.db` : `postgresql://bench@127.0.0.1:${this.pgPort}/mailman`}
[webservice]
port: ${this.rest}
[mta]
incoming: mailman.mta.null.NullMTA
outgoing: mailman.mta.deliver.deliver
smtp_host: 127.0.0.1
smtp_port: ${this.ctx.sinkPort}
lmtp_host: 127.0.0.1
lmtp_port: ${this.lmtp.port}
verp_delivery_interval: ${verp ? 1 : 0}
verp_personalized_deliveries: yes
[runner.bounces]
sleep_time: 1s
${inst > 1 ? ['in', 'pipeline', 'out'].map((r) => `[runner.${r}]\ninstances: ${inst}\n`).join('') : ''}`,
    )
    fs.mkdirSync(`${d}/var`, { recursive: true })
    await this.ctx.sh(`chown -R list:list ${d}`)
    if (this.db === 'postgres') {
      await this.ctx.meter.run(
        `${this.pgbin}/initdb`,
        ['-D', `${d}/pg`, '-U', 'bench', '-A', 'trust', '-E', 'UTF8', '--no-locale'],
        { user: 'list', cwd: d },
      )
      await this.pgStart()
      await this.ctx.meter.run(
        `${this.pgbin}/createdb`,
        ['-h', '127.0.0.1', '-p', String(this.pgPort), '-U', 'bench', 'mailman'],
        { user: 'list', cwd: d },
      )
    }
  }
  async pgStart() {
    if (this.db !== 'postgres') return
    this.pg = this.ctx.meter.spawn(
      `${this.pgbin}/postgres`,
      [
        '-D',
        `${this.ctx.dir}/pg`,
        '-p',
        String(this.pgPort),
        '-k',
        this.ctx.dir,
        '-c',
        'listen_addresses=127.0.0.1',
      ],
      { user: 'list', stdio: 'ignore', cwd: this.ctx.dir },
    )
    for (let i = 0; i < 100; i++) {
      await sleep(100)
      try {
        await this.ctx.sh(`${this.pgbin}/pg_isready -q -h 127.0.0.1 -p ${this.pgPort}`)
        return
      } catch {}
    }
  }
  async start({ recover = false } = {}) {
    if (recover) fs.rmSync(`${this.ctx.dir}/pg/postmaster.pid`, { force: true })
    if (recover || !this.pg) await this.pgStart()
    this.p = this.ctx.meter.spawn(
      this.py,
      [`${this.bin}/master`, '-C', this.cfg, ...(recover ? ['--force'] : [])],
      {
        user: 'list',
        stdio: ['ignore', 'ignore', fs.openSync(`${this.ctx.dir}/master.err`, 'a')],
        cwd: this.ctx.dir,
      },
    )
    await waitBanner(this.lmtp, 60000)
  }
  async createLists(lists) {
    return JSON.parse(
      (
        await this.ctx.meter.run(this.py, [`${HERE}/mailman_setup.py`, this.cfg], {
          user: 'list',
          cwd: this.ctx.dir,
          input: JSON.stringify({
            lists: lists.map((l) => ({ first: 0, mode: 'open', subscribers: 0, ...l })),
          }),
        })
      )
        .split('\n')
        .at(-2),
    )
  }
  async bulkSubscribe(list, addrs) {
    // the CLI: the only bulk interface
    const f = `${this.ctx.dir}/add.txt`
    fs.writeFileSync(f, `${addrs.join('\n')}\n`)
    fs.chmodSync(f, 0o644)
    await this.ctx.meter.run(
      this.py,
      [`${this.bin}/mailman`, '-C', this.cfg, 'addmembers', '-W', f, `${list}@lists.example.com`],
      { user: 'list', cwd: this.ctx.dir },
    )
  }
  auth = { authorization: `Basic ${Buffer.from('restadmin:restpass').toString('base64')}` }
  async restReady() {
    for (let i = 0; i < 200; i++) {
      try {
        const r = await fetch(`http://127.0.0.1:${this.rest}/3.1/system/versions`, { headers: this.auth })
        if (r.ok) return
      } catch {}
      await sleep(100)
    }
    throw new Error('REST not ready')
  }
  async apiSubscribe(list, addrs) {
    for (const a of addrs) {
      const r = await fetch(`http://127.0.0.1:${this.rest}/3.1/members`, {
        method: 'POST',
        headers: { ...this.auth, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          list_id: `${list}.lists.example.com`,
          subscriber: a,
          pre_verified: 'true',
          pre_confirmed: 'true',
          pre_approved: 'true',
          send_welcome_message: 'false',
        }),
      })
      if (r.status !== 201) throw new Error(`REST ${r.status} ${await r.text()}`)
      await r.arrayBuffer()
    }
  }
  async apiRoster(list, count) {
    const q = count ? `?count=${count}&page=1` : ''
    const r = await fetch(
      `http://127.0.0.1:${this.rest}/3.1/lists/${list}.lists.example.com/roster/member${q}`,
      { headers: this.auth },
    )
    const j = await r.json()
    return (j.entries || []).length
  }
  async roster(list) {
    return (
      await this.ctx.meter.run(
        this.py,
        [`${this.bin}/mailman`, '-C', this.cfg, 'members', `${list}@lists.example.com`],
        { user: 'list', cwd: this.ctx.dir },
      )
    )
      .trim()
      .split('\n').length
  }
  async backlog() {
    let n = 0
    for (const q of ['in', 'pipeline', 'out', 'bounces', 'retry', 'virgin']) {
      try {
        n += fs.readdirSync(`${this.ctx.dir}/var/queue/${q}`).filter((f) => /\.(pck|bak)$/.test(f)).length
      } catch {}
    }
    return n
  }
  async shunted() {
    let n = 0
    for (const q of ['shunt', 'bad']) {
      try {
        n += fs.readdirSync(`${this.ctx.dir}/var/queue/${q}`).length
      } catch {}
    }
    return n
  }
  async diag() {
    let errs = ''
    try {
      errs = await this.ctx.sh(
        `cd ${this.ctx.dir}/var/logs; grep -hE '^[A-Za-z_.]+(Error|Exception)|SHUNTING|error: ' mailman.log smtp.log ../../master.err | cut -c1-160 | sort | uniq -c | sort -rn | head -8`,
      )
    } catch {}
    return {
      backlog: await this.backlog(),
      shunted: await this.shunted(),
      held: await this.heldCount().catch(() => null),
      errors: errs.split('\n').map((x) => x.trim().replaceAll(this.ctx.dir, 'DIR')),
    }
  }
  async sql(q) {
    if (this.db === 'sqlite')
      return this.ctx.sh(
        `${this.py} -c 'import sqlite3,sys; print(sqlite3.connect("file:${this.ctx.dir}/var/data/mailman.db?mode=ro",uri=True).execute(sys.argv[1]).fetchone()[0])' "${q}"`,
      )
    return this.ctx.sh(`${this.pgbin}/psql -h 127.0.0.1 -p ${this.pgPort} -U bench -d mailman -At -c "${q}"`)
  }
  async heldCount() {
    return +(await this.sql('select count(*) from _request where request_type is not null'))
  }
  async bounceCount() {
    return {
      registered: +(await this.sql('select count(*) from bounceevent')),
      processed: +(await this.sql("select count(*) from bounceevent where processed='1'")),
    }
  }
  verpAddress(list, rcpt) {
    const [l, d] = rcpt.split('@')
    return `${list}-bounces+${l}=${d}@lists.example.com`
  }
  async stop() {
    try {
      process.kill(this.p.pid, 'SIGTERM')
    } catch {}
    for (let i = 0; i < 100 && fs.existsSync(`/proc/${this.p.pid}`); i++) await sleep(100)
    if (this.pg) {
      try {
        process.kill(this.pg.pid, 'SIGINT')
      } catch {}
      await sleep(500)
      this.pg = null
    }
  }
}
