// Posthorn, from this checkout. Lists and members are made by its own command line before the start; what waits and
// what is held is read from its database, so that no command of ours is counted. `[bulk] mode` is individual where a
// scenario wants one envelope sender per recipient; everything else is as Posthorn comes. Options: mode=individual|bulk.
import fs from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sleep, waitBanner } from '../lib/wait.mjs'

const program = path.join(import.meta.dirname, '../../bin/posthorn')
const at = (list) => `${list}@lists.example.com`

export default class Posthorn {
  name = 'posthorn'
  features = { verp: true, personal: 'body+headers', bounce: true, moderated: true, crash: true, bulk: true }
  #process

  constructor(ctx) {
    this.ctx = ctx
    this.lmtp = { host: '127.0.0.1', port: ctx.port(10) }
    this.cfg = `${ctx.dir}/posthorn.cfg`
    this.var = `${ctx.dir}/var`
  }

  version() {
    return JSON.parse(fs.readFileSync(path.join(import.meta.dirname, '../../package.json'), 'utf8')).version
  }

  async setup({ verp = false, personal = false } = {}) {
    fs.mkdirSync(this.var, { recursive: true })
    fs.writeFileSync(
      this.cfg,
      `[mailman]
layout: bench
site_owner: owner@lists.example.com

[paths.bench]
var_dir: ${this.var}

[mta]
incoming: mailman.mta.null.NullMTA
smtp_host: 127.0.0.1
smtp_port: ${this.ctx.sinkPort}
lmtp_host: 127.0.0.1
lmtp_port: ${this.lmtp.port}

[webservice]
port: ${this.ctx.port(11)}

[web]
listen: 127.0.0.1:${this.ctx.port(12)}

[bulk]
mode: ${this.ctx.opt.mode ?? (verp || personal ? 'individual' : 'bulk')}

[verp]
accept_unsigned: yes
`,
    )
  }

  #command(...words) {
    return this.ctx.meter.run(program, ['-C', this.cfg, ...words], { cwd: this.ctx.dir })
  }

  async start() {
    const log = fs.openSync(`${this.ctx.dir}/posthorn.out`, 'a')
    this.#process = this.ctx.meter.spawn(program, ['-C', this.cfg, 'start', '--foreground'], {
      cwd: this.ctx.dir,
      stdio: ['ignore', log, log],
    })
    fs.closeSync(log)
    await waitBanner(this.lmtp, 60000).catch((fault) => {
      throw new Error(`${fault.message}; Posthorn said: ${this.#lastWords()}`)
    })
  }

  async createLists(lists) {
    for (const { name, mode, subscribers = 0, first = 0 } of lists) {
      await this.#command('create', at(name))
      const others = mode === 'moderated' ? 'hold' : 'accept'
      const settings = [
        'default_member_action',
        others,
        'default_nonmember_action',
        others,
        'max_message_size',
        '0',
        'admin_immed_notify',
        'no',
        'respond_to_post_requests',
        'no',
      ]
      if (mode === 'personal') settings.push('footer', 'To leave as $user_email, write to the list.')
      await this.#command('set', at(name), ...settings)
      if (subscribers > 0) await this.bulkSubscribe(name, numbered(first, subscribers))
    }
  }

  async bulkSubscribe(list, addresses) {
    const file = `${this.ctx.dir}/members.txt`
    fs.writeFileSync(file, `${addresses.join('\n')}\n`)
    await this.#command('addmembers', '--no-welcome-msg', file, at(list))
  }

  async roster(list) {
    return (await this.#command('members', at(list))).trim().split('\n').length
  }

  /** Queue items that are not set aside, and outgoing mail that is neither done nor parked. */
  async backlog() {
    return this.#count(`select (select count(*) from queue_item where shunted_at is null) +
      (select count(*) from outgoing where done_at is null and parked is null)`)
  }

  async heldCount(list) {
    return this.#count('select count(*) from held join list on list.id = held.list_id where name = ?', list)
  }

  async bounceCount(list) {
    const each = 'select count(*) from bounce_event b join list on list.id = b.list_id where name = ?'
    return { registered: this.#count(each, list), processed: this.#count(`${each} and processed = 1`, list) }
  }

  verpAddress(list, recipient) {
    return `${list}-bounces+${recipient.replace('@', '=')}@lists.example.com`
  }

  async diag() {
    return {
      backlog: await this.backlog(),
      shunted: this.#count('select count(*) from queue_item where shunted_at is not null'),
      parked: this.#count('select count(*) from outgoing where parked is not null'),
      reasons: this.#rows(
        'select lane, reason, count(*) as items from queue_item where reason is not null group by 1, 2',
      ),
      log: this.#lastWords(),
    }
  }

  async stop() {
    const { pid } = this.#process ?? {}
    if (pid === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null) return
    process.kill(pid, 'SIGTERM')
    for (let i = 0; i < 240 && this.#process.exitCode === null && this.#process.signalCode === null; i++)
      await sleep(50)
  }

  /** A connection per question: one that stays open would keep the write-ahead log from starting over. */
  #rows(sql, ...args) {
    const store = new DatabaseSync(`${this.var}/posthorn.db`, { readOnly: true, timeout: 5000 })
    try {
      return store.prepare(sql).all(...args)
    } finally {
      store.close()
    }
  }

  #count(sql, ...args) {
    return Number(Object.values(this.#rows(sql, ...args)[0])[0])
  }

  /** The end of what it printed and logged, without this machine's folders. */
  #lastWords() {
    const files = [`${this.ctx.dir}/posthorn.out`, `${this.var}/logs/posthorn.log`].filter((file) =>
      fs.existsSync(file),
    )
    const lines = files.flatMap((file) => fs.readFileSync(file, 'utf8').trimEnd().split('\n').slice(-5))
    return lines.join('\n').replaceAll(this.ctx.dir, 'DIR')
  }
}

const numbered = (first, count) => Array.from({ length: count }, (_, i) => `u${first + i}@sub.example.com`)
