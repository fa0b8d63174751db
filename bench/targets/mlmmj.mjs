// mlmmj 1.3.  Options: prefix=DIR (where the package is unpacked; default /),
// concurrency=N messages piped at once.  mlmmj has no LMTP server: lib/lmtp-pipe.mjs
// stands in for the MTA's pipe transport (its own CPU is not counted).
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { sleep, waitBanner } from '../lib/wait.mjs'

const HERE = path.dirname(fileURLToPath(import.meta.url))
export default class Mlmmj {
  name = 'mlmmj'
  features = { verp: true, personal: 'headers', bounce: true, moderated: true, crash: true, bulk: true }
  constructor(ctx) {
    this.ctx = ctx
    this.prefix = (ctx.opt.prefix || '').replace(/\/$/, '')
    this.bin = `${this.prefix}/usr/bin`
    this.lmtp = { host: '127.0.0.1', port: ctx.port(10) }
    this.spool = `${ctx.dir}/spool`
  }
  version() {
    return 'mlmmj 1.3.0'
  }
  async setup({ verp = false } = {}) {
    this.verp = verp
    fs.mkdirSync(this.spool, { recursive: true })
    fs.writeFileSync(
      `${this.ctx.dir}/pipe.json`,
      JSON.stringify({
        cmd: `${this.bin}/mlmmj-receive`,
        args: ['-L', `${this.spool}/{list}`],
        concurrency: +(this.ctx.opt.concurrency || 4),
        head: 'Return-Path: <{from}>\nDelivered-To: {rcpt}\n',
      }),
    )
  }
  async start({ recover = false } = {}) {
    this.p = this.ctx.meter.spawn(process.execPath, [
      path.join(HERE, '../lib/lmtp-pipe.mjs'),
      String(this.lmtp.port),
      `${this.ctx.dir}/pipe.json`,
    ])
    this.ctx.meter.exclude.set(this.p.pid, {})
    await waitBanner(this.lmtp, 10000)
    if (recover)
      for (const l of fs.readdirSync(this.spool))
        await this.ctx.meter.run(`${this.bin}/mlmmj-maintd`, ['-F', '-L', `${this.spool}/${l}`]) // what cron does every two hours
  }
  async createLists(lists) {
    for (const l of lists) {
      const d = `${this.spool}/${l.name}`
      for (const x of [
        'incoming',
        'queue/discarded',
        'archive',
        'subconf',
        'unsubconf',
        'bounce',
        'control',
        'moderation',
        'subscribers.d',
        'digesters.d',
        'requeue',
        'nomailsubs.d',
      ])
        fs.mkdirSync(`${d}/${x}`, { recursive: true })
      fs.writeFileSync(`${d}/index`, '')
      fs.symlinkSync(`${this.prefix}/usr/share/mlmmj/text.skel/en`, `${d}/text`)
      const c = (k, v = '') => fs.writeFileSync(`${d}/control/${k}`, v)
      c('listaddress', `${l.name}@lists.example.com\n`)
      c('owner', 'owner@lists.example.com\n')
      c('relayhost', '127.0.0.1\n')
      c('smtpport', `${this.ctx.sinkPort}\n`)
      c('noarchive')
      if (l.mode === 'moderated') {
        c('moderated')
        c('moderators', 'moderator@lists.example.com\n')
      }
      if (l.mode === 'personal') {
        c('addtohdr')
        c('delheaders', 'To:\n')
        c('footer', '--\nTo leave, write to the +unsubscribe address\n')
      }
      if (l.mode !== 'verp' && l.mode !== 'personal' && !this.verp) {
        c('verp', '\n')
        c('maxverprecips', '500\n')
      } // no VERP: groups of 500
      let s = ''
      for (let i = l.first || 0, k = 0; k < (l.subscribers || 0); k++, i++) s += `u${i}@sub.example.com\n`
      if (s) fs.writeFileSync(`${d}/subscribers.d/u`, s)
    }
  }
  async bulkSubscribe(list, addrs) {
    await this.ctx.meter.run(
      'sh',
      ['-c', `while read a; do ${this.bin}/mlmmj-sub -L ${this.spool}/${list} -a "$a" -f -q -s; done`],
      { input: `${addrs.join('\n')}\n` },
    )
  }
  async roster(list) {
    return (await this.ctx.meter.run(`${this.bin}/mlmmj-list`, ['-L', `${this.spool}/${list}`]))
      .trim()
      .split('\n').length
  }
  async backlog() {
    // processes still at work, and files in the queues
    return this.ctx.meter.pids().length - 1
  }
  async heldCount(list) {
    return fs.readdirSync(`${this.spool}/${list}/moderation`).length
  }
  async bounceCount(list) {
    return {
      registered: fs.readdirSync(`${this.spool}/${list}/bounce`).filter((f) => !f.endsWith('.lastmsg'))
        .length,
    }
  }
  verpAddress(list, rcpt) {
    return `${list}+bounces-1-${rcpt.replace('@', '=')}@lists.example.com`
  }
  async stop() {
    try {
      process.kill(this.p.pid, 'SIGTERM')
    } catch {}
    await sleep(200)
  }
}
