// Sympa 6.2 with SQLite.  Options: bin=DIR of sympa.pl, sympa_msg.pl, bulk.pl, bounced.pl, queue, bouncequeue; lib=DIR of the Perl modules.
// Sympa takes mail from a pipe (queue) and hands it to sendmail(1): lib/lmtp-pipe.mjs stands in
// for the MTA in front (CPU not counted) and sympa-sendmail.c for the one behind (CPU counted; needs cc).
// The queue program has its spool compiled in, so a copy into our spool is done by sh with the same file naming.
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { sleep, waitBanner } from '../lib/wait.mjs'

const HERE = path.dirname(fileURLToPath(import.meta.url))
export default class Sympa {
  name = 'sympa'
  features = { verp: true, personal: 'body', bounce: true, moderated: true, crash: true, bulk: true }
  constructor(ctx) {
    this.ctx = ctx
    this.bin = ctx.opt.bin || '/usr/lib/sympa/bin'
    this.lib = ctx.opt.lib || '/usr/share/sympa/lib'
    this.lmtp = { host: '127.0.0.1', port: ctx.port(10) }
    this.sp = `${ctx.dir}/spool`
    this.cfg = `${ctx.dir}/sympa.conf`
    this.db = `${ctx.dir}/sympa.sqlite`
  }
  version() {
    return 'Sympa 6.2.70'
  }
  async setup() {
    const d = this.ctx.dir,
      q = [
        'msg',
        'moderation',
        'digest',
        'auth',
        'outgoing',
        'subscribe',
        'topic',
        'bounce',
        'task',
        'automatic',
        'bulk',
        'tmp',
      ]
    for (const x of [...q.map((x) => `spool/${x}`), 'etc', 'home', 'arc', 'bnc', 'bin', 'viewmail'])
      fs.mkdirSync(`${d}/${x}`, { recursive: true })
    await this.ctx.sh(`cc -O2 -o ${d}/bin/sendmail ${HERE}/sympa-sendmail.c`)
    const names = {
      msg: 'queue',
      moderation: 'queuemod',
      digest: 'queuedigest',
      auth: 'queueauth',
      outgoing: 'queueoutgoing',
      subscribe: 'queuesubscribe',
      topic: 'queuetopic',
      bounce: 'queuebounce',
      task: 'queuetask',
      automatic: 'queueautomatic',
      bulk: 'queuebulk',
      tmp: 'tmpdir',
    }
    fs.writeFileSync(
      this.cfg,
      `domain lists.example.com\nlistmaster listmaster@lists.example.com\nhome ${d}/home\netc ${d}/etc\nspool ${this.sp}\n${q.map((x) => `${names[x]} ${this.sp}/${x}`).join('\n')}\n` +
        `arc_path ${d}/arc\nviewmail_dir ${d}/viewmail\nbounce_path ${d}/bnc\ndb_type SQLite\ndb_name ${this.db}\nsendmail ${d}/bin/sendmail\nsendmail_aliases none\nupdate_db_field_types auto\nlang en\n${this.ctx.opt.conf ? fs.readFileSync(this.ctx.opt.conf, 'utf8') : ''}`,
    )
    // the MTA's pipe: what queue(8) does: T.<list>@<domain>.<time>.<pid>, written as a temporary name and renamed
    fs.writeFileSync(
      `${d}/bin/q`,
      `#!/bin/sh\numask 027\nS=${this.sp}/msg; L="$1"; case "$1" in bounce) S=${this.sp}/bounce; L=sympa;; esac\nN="$L@lists.example.com.$(date +%s).$$"\n(echo "X-Sympa-To: $L@lists.example.com"; cat) > $S/T.$N && mv $S/T.$N $S/$N\n`,
    )
    fs.chmodSync(`${d}/bin/q`, 0o755)
    fs.writeFileSync(
      `${d}/pipe.json`,
      JSON.stringify({
        cmd: 'setpriv',
        args: [
          '--reuid',
          'sympa',
          '--regid',
          'sympa',
          '--clear-groups',
          '--',
          `${d}/bin/q`,
          '{list}',
          '{ext}',
        ],
        concurrency: +(this.ctx.opt.concurrency || 4),
        head: 'Return-Path: <{from}>\n',
      }),
    )
    await this.ctx.sh(`mkdir -p /run/sympa; chown -R sympa:sympa ${d} /run/sympa`)
    await this.perl('sympa.pl', ['check'])
  }
  perl(s, a, o = {}) {
    return this.ctx.meter.run('perl', [`-I${this.lib}`, `${this.bin}/${s}`, ...a], {
      user: 'sympa',
      cwd: this.ctx.dir,
      env: { ...process.env, SYMPA_CONFIG: this.cfg, BENCH_SINK_PORT: String(this.ctx.sinkPort) },
      ...o,
    })
  }
  async start() {
    const env = { ...process.env, SYMPA_CONFIG: this.cfg, BENCH_SINK_PORT: String(this.ctx.sinkPort) }
    await this.ctx.sh('rm -f /run/sympa/*.pid')
    this.d = ['sympa_msg.pl', 'bulk.pl', 'bounced.pl'].map((s) =>
      this.ctx.meter.spawn('perl', [`-I${this.lib}`, `${this.bin}/${s}`, '--foreground'], {
        user: 'sympa',
        cwd: this.ctx.dir,
        env,
        stdio: ['ignore', 'ignore', fs.openSync(`${this.ctx.dir}/err`, 'a')],
      }),
    )
    for (let i = 0; i < 300; i++) {
      if (['sympa_msg', 'bulk'].every((x) => fs.existsSync(`/run/sympa/${x}.pid`))) break
      await sleep(50)
    }
    this.p = this.ctx.meter.spawn(process.execPath, [
      path.join(HERE, '../lib/lmtp-pipe.mjs'),
      String(this.lmtp.port),
      `${this.ctx.dir}/pipe.json`,
    ])
    this.ctx.meter.exclude.set(this.p.pid, {})
    await waitBanner(this.lmtp, 10000)
  }
  async createLists(lists) {
    let sql = 'BEGIN;\n'
    for (const l of lists) {
      const d = `${this.ctx.dir}/home/${l.name}`
      fs.mkdirSync(d, { recursive: true })
      fs.writeFileSync(
        `${d}/config`,
        `subject bench\n\nstatus open\n\nvisibility noconceal\n\nsubscribe open\n\nunsubscribe open\n\nsend ${l.mode === 'moderated' ? 'editorkey' : 'public'}\n\nprocess_archive off\n\ncreation\ndate_epoch 1700000000\nemail owner@lists.example.com\n\n` +
          `${l.mode === 'verp' ? 'verp_rate 100%\n\n' : ''}${l.mode === 'personal' ? 'personalization_feature on\n\npersonalization\nmail_apply_on all\nweb_apply_on none\n\nfooter_type append\n\n' : ''}`,
      )
      if (l.mode === 'personal')
        fs.writeFileSync(`${d}/message_footer`, '--\nTo leave as [% user.email %]: unsubscribe\n')
      sql += `INSERT INTO admin_table(user_admin,list_admin,robot_admin,role_admin,date_epoch_admin,update_epoch_admin,subscribed_admin,reception_admin,visibility_admin,profile_admin) VALUES('owner@lists.example.com','${l.name}','lists.example.com','owner',1700000000,1700000000,1,'mail','noconceal','privileged');\n`
      for (let i = l.first || 0, k = 0; k < (l.subscribers || 0); k++, i++)
        sql += `INSERT INTO subscriber_table(list_subscriber,user_subscriber,robot_subscriber,date_epoch_subscriber,update_epoch_subscriber,reception_subscriber,visibility_subscriber,subscribed_subscriber) VALUES('${l.name}','u${i}@sub.example.com','lists.example.com',1700000000,1700000000,'mail','noconceal',1);\n`
    }
    fs.writeFileSync(`${this.ctx.dir}/in.sql`, `${sql}COMMIT;\n`)
    await this.ctx.sh(
      `sqlite3 ${this.db} < ${this.ctx.dir}/in.sql; chown -R sympa:sympa ${this.ctx.dir}/home ${this.db}`,
    )
  }
  async bulkSubscribe(list, addrs) {
    await this.perl('sympa.pl', ['add', '--quiet', `${list}@lists.example.com`], {
      input: `${addrs.join('\n')}\n`,
    })
  }
  async roster(list) {
    return (await this.perl('sympa.pl', ['review', `${list}@lists.example.com`])).trim().split('\n').length
  }
  async backlog() {
    let n = 0
    for (const q of ['msg', 'bounce', 'bulk/msg']) {
      try {
        n += fs
          .readdirSync(`${this.sp}/${q}`)
          .filter((x) => x !== 'bad' && !x.startsWith('T.') && !x.startsWith('<')).length
      } catch {}
    }
    return n
  }
  async diag() {
    let e = ''
    try {
      e = await this.ctx.sh(`tail -5 ${this.ctx.dir}/err; ls ${this.sp}/*/bad 2>/dev/null | head`)
    } catch {}
    return { backlog: await this.backlog(), err: e.slice(0, 600) }
  }
  async heldCount(list) {
    return fs.readdirSync(`${this.sp}/moderation`).filter((f) => f.startsWith(list)).length
  }
  async bounceCount(list) {
    return {
      registered: +(await this.ctx.sh(
        `sqlite3 -cmd '.timeout 10000' ${this.db} "select count(*) from subscriber_table where list_subscriber='${list}' and bounce_subscriber is not null"`,
      )),
    }
  }
  verpAddress(list, rcpt) {
    return `bounce+${rcpt.replace('@', '==a==')}==${list}@lists.example.com`
  }
  async stop() {
    for (const p of [...this.d, this.p]) {
      try {
        process.kill(p.pid, 'SIGTERM')
      } catch {}
    }
    await sleep(1500)
  }
}
