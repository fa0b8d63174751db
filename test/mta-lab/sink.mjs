#!/usr/bin/env node
import crypto from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
// An SMTP sink for tests: takes any mail, stores or counts it, and can be told
// to misbehave. No dependencies; Node 20 or later.
//
//   node sink.mjs --port 18425 [--dir DIR | --count] [options]      (--help lists them)
//
// Every accepted transaction is one message. With --dir it becomes two files,
// NNNNNNNN.eml (the bytes received, dots unstuffed) and NNNNNNNN.json (the
// envelope). With --count only the numbers are kept.
import net from 'node:net'
import path from 'node:path'
import tls from 'node:tls'
import { pathToFileURL } from 'node:url'

const HELP = `usage: node sink.mjs --port P [options]
  --host H               address to listen on (127.0.0.1)
  --port P               port; 0 picks a free one (the ready line tells which)
  --lmtp                 speak LMTP (LHLO, one reply per recipient after the data)
  --dir DIR              store each message: DIR/NNNNNNNN.eml and .json
  --count                store nothing, count only (the default without --dir)
  --index FILE           append one JSON line per message (envelope, no body)
  --http PORT            control port: GET /stats /messages /messages/N, POST /options /reset
  --name NAME            host name in the greeting (sink.lab.test)
what is advertised
  --no-pipelining --no-8bitmime --no-smtputf8 --no-size --no-dsn --no-enhanced
  --chunking             advertise CHUNKING and take BDAT
  --xverp                advertise XVERP and take XVERP on MAIL FROM
  --size N               advertise SIZE N and refuse more (552)
  --helo-only            refuse EHLO with 502, so clients must fall back to HELO
  --starttls CERT,KEY    advertise STARTTLS (PEM files)
  --implicit-tls CERT,KEY  TLS from the first byte
  --auth USER:PASS       offer AUTH PLAIN LOGIN with these credentials
  --auth-mechanisms LIST offer these instead, such as CRAM-MD5,PLAIN,LOGIN
  --require-auth         refuse MAIL (530) until authenticated
  --require-tls          refuse MAIL (530) until TLS is on
  --strict               refuse 8-bit data without BODY=8BITMIME, and UTF-8 addresses
                         without SMTPUTF8; refuse bare LF in the data
faults (PATTERN is an address, @domain, or /regexp/; each option may be repeated)
  --reject-rcpt PATTERN[=CODE[ TEXT]]    answer RCPT with CODE (550)
  --defer-rcpt PATTERN[=CODE[ TEXT]]     the same with 451
  --reject-from PATTERN[=CODE[ TEXT]]    answer MAIL with CODE (550)
  --reject-data PATTERN[=CODE[ TEXT]]    answer the end of data with CODE (554) when a
                                         recipient matches (LMTP: for that recipient only)
  --fail-rate R[:CODE]   answer that part (0..1) of all RCPTs with CODE (451)
  --fail-data-rate R[:CODE]  the same for the end of data
  --seed N               make the rates repeatable
  --greylist SECONDS     451 for a new (from, rcpt) pair until SECONDS have gone by
  --greylist-tries N     451 for the first N tries of a (from, rcpt) pair
  --max-rcpt N           452 for every RCPT past N in a transaction
  --max-messages N       421 and close after N messages on a connection
  --max-connections N    421 greeting while N connections are open
  --greeting CODE        greet with CODE (421, 554) and close
  --drop-after N         drop the connection after N commands
  --drop-mid-data        drop the connection half way through each message's data
  --drop-mid-data-times N  ... only for the first N messages
  --drop-after-data      take the data, store it, then drop without a reply
  --drop-after-data-times N  ... only for the first N messages
  --mute STAGE           never answer at STAGE: connect ehlo mail rcpt data dot quit
  --delay MS             wait before every reply
  --delay-STAGE MS       wait before the replies of that stage (as in --mute)
SIGUSR1 prints the statistics as one JSON line on standard output; so does the exit
(SIGTERM, SIGINT).`

const STAGES = ['connect', 'ehlo', 'mail', 'rcpt', 'data', 'dot', 'quit']

export function defaults() {
  return {
    host: '127.0.0.1',
    port: 0,
    lmtp: false,
    dir: null,
    index: null,
    http: null,
    name: 'sink.lab.test',
    pipelining: true,
    eightbit: true,
    smtputf8: true,
    size: 0,
    noSize: false,
    dsn: true,
    enhanced: true,
    chunking: false,
    xverp: false,
    heloOnly: false,
    starttls: null,
    implicitTls: null,
    auth: null,
    authMechanisms: ['PLAIN', 'LOGIN'],
    requireAuth: false,
    requireTls: false,
    strict: false,
    rejectRcpt: [],
    rejectFrom: [],
    rejectData: [],
    failRate: null,
    failDataRate: null,
    seed: null,
    greylist: null,
    greylistTries: null,
    maxRcpt: 0,
    maxMessages: 0,
    maxConnections: 0,
    greeting: 0,
    dropAfter: 0,
    dropMidData: 0,
    dropAfterData: 0,
    mute: [],
    delay: 0,
    delays: {},
  }
}

// PATTERN[=CODE[ TEXT]]; a /regexp/ may hold '=' itself.
export function parseRule(text, code) {
  let pattern = text,
    rest = null
  const re = /^\/((?:[^/\\]|\\.)*)\/(i?)(?:=(.*))?$/s.exec(text)
  if (re) {
    const regexp = new RegExp(re[1], 'i')
    pattern = text
    rest = re[3] ?? null
    return { source: pattern, test: (a) => regexp.test(a), ...reply(rest, code) }
  }
  // A VERP address holds '=', so only '=' and three digits end the pattern.
  const m = /^(.*?)=(\d{3}(?: .*)?)$/s.exec(text)
  if (m) {
    pattern = m[1]
    rest = m[2]
  }
  const want = pattern.toLowerCase()
  const test =
    want === '*'
      ? () => true
      : want.startsWith('@')
        ? (a) => a.toLowerCase().endsWith(want)
        : (a) => a.toLowerCase() === want
  return { source: pattern, test, ...reply(rest, code) }
}
function reply(rest, code) {
  const m = rest ? /^(\d{3})(?: (.*))?$/s.exec(rest) : null
  return { code: m ? Number(m[1]) : code, text: m?.[2] ?? null }
}

function random(seed) {
  if (seed === null) return Math.random
  let s = seed >>> 0
  return () => {
    // mulberry32
    s = (s + 0x6d2b79f5) >>> 0
    let t = s
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const ENHANCED = { 2: '2.0.0', 4: '4.3.0', 5: '5.1.1' }

export class Sink {
  constructor(options = {}) {
    this.o = { ...defaults(), ...options }
    this.rand = random(this.o.seed)
    this.sockets = new Set()
    this.grey = new Map()
    this.waiters = []
    this.reset()
    if (this.o.dir) fs.mkdirSync(this.o.dir, { recursive: true })
    // Numbers go on from what the folder holds, so a restarted sink overwrites nothing.
    if (this.o.dir) {
      for (const f of fs.readdirSync(this.o.dir)) {
        const m = /^(\d{8})\./.exec(f)
        if (m) this.next = Math.max(this.next, Number(m[1]) + 1)
      }
    }
  }

  reset() {
    this.s = {
      connections: 0,
      open: 0,
      maxOpen: 0,
      commands: 0,
      messages: 0,
      recipients: 0,
      bytes: 0,
      rejectedMail: 0,
      rejectedRcpt: 0,
      rejectedData: 0,
      deferredRcpt: 0,
      deferredData: 0,
      dropped: 0,
      noops: 0,
      resets: 0,
      tls: 0,
      authOk: 0,
      authFailed: 0,
      maxRcptSeen: 0,
      maxMessagesPerConnection: 0,
      badSequence: 0,
      bareLf: 0,
      firstMessage: null,
      lastMessage: null,
    }
    this.next ??= 1
    this.messages = []
    this.midDrops = 0
    this.afterDrops = 0
  }

  stats() {
    const s = this.s
    const secs =
      s.firstMessage && s.lastMessage > s.firstMessage ? (s.lastMessage - s.firstMessage) / 1000 : 0
    return { ...s, perSecond: secs ? Math.round((s.messages - 1) / secs) : null }
  }

  listen() {
    const o = this.o
    const pem = (v) => {
      const [c, k] = v.split(',')
      return { cert: fs.readFileSync(c), key: fs.readFileSync(k ?? c) }
    }
    if (o.starttls) this.context = tls.createSecureContext(pem(o.starttls))
    const onSocket = (sock) => new Connection(this, sock)
    this.server = o.implicitTls
      ? tls.createServer(pem(o.implicitTls), onSocket)
      : net.createServer({ noDelay: true }, onSocket)
    this.server.on('tlsClientError', () => {})
    return new Promise((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen({ host: o.host, port: o.port, backlog: 1024 }, () => {
        this.port = this.server.address().port
        if (o.http === null) return resolve(this)
        this.control = http.createServer((q, r) => this.onHttp(q, r))
        this.control.listen(o.http, '127.0.0.1', () => {
          this.httpPort = this.control.address().port
          resolve(this)
        })
      })
    })
  }

  async close() {
    for (const c of this.sockets) c.destroy()
    this.control?.close()
    await new Promise((r) => (this.server ? this.server.close(r) : r()))
  }

  // For tests in the same process: waits until n messages are in.
  waitFor(n, ms = 10000) {
    if (this.s.messages >= n) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const w = { n, resolve }
      w.timer = setTimeout(() => {
        this.waiters = this.waiters.filter((x) => x !== w)
        reject(new Error(`sink: ${this.s.messages} of ${n} messages after ${ms} ms`))
      }, ms)
      this.waiters.push(w)
    })
  }

  onHttp(req, res) {
    const send = (v, type = 'application/json') => {
      res.writeHead(200, { 'content-type': type })
      res.end(type === 'application/json' ? JSON.stringify(v) : v)
    }
    const url = new URL(req.url, 'http://sink')
    const one = /^\/messages\/(\d+)$/.exec(url.pathname)
    if (req.method === 'POST') {
      let body = ''
      req.on('data', (d) => {
        body += d
      })
      req.on('end', () => {
        try {
          if (url.pathname === '/reset') {
            this.reset()
            this.grey.clear()
            return send({ ok: true })
          }
          if (url.pathname === '/options') {
            Object.assign(this.o, parseArgs(JSON.parse(body), this.o))
            return send({ ok: true })
          }
          res.writeHead(404).end()
        } catch (e) {
          res.writeHead(400).end(String(e.message))
        }
      })
      return
    }
    if (url.pathname === '/stats') return send(this.stats())
    if (url.pathname === '/messages') return send(this.messages)
    if (one && this.o.dir) {
      const f = path.join(this.o.dir, `${one[1].padStart(8, '0')}.eml`)
      if (fs.existsSync(f)) return send(fs.readFileSync(f), 'message/rfc822')
    }
    res.writeHead(404).end()
  }

  accepted(conn, rcpts, chunks, bytes) {
    const s = this.s,
      now = Date.now(),
      id = this.next++
    s.messages++
    s.recipients += rcpts.length
    s.bytes += bytes
    s.firstMessage ??= now
    s.lastMessage = now
    conn.count++
    s.maxMessagesPerConnection = Math.max(s.maxMessagesPerConnection, conn.count)
    const envelope = {
      id,
      time: new Date(now).toISOString(),
      connection: conn.id,
      messageOnConnection: conn.count,
      helo: conn.helo,
      esmtp: conn.esmtp,
      tls: conn.tls,
      auth: conn.user,
      from: conn.from,
      fromParams: conn.fromParams,
      to: rcpts.map((r) => r.address),
      toParams: rcpts.map((r) => r.params),
      size: bytes,
    }
    if (this.o.dir || this.o.http !== null || this.o.keep) this.messages.push(envelope)
    if (this.o.dir) {
      const base = path.join(this.o.dir, String(id).padStart(8, '0'))
      fs.writeFileSync(`${base}.eml`, Buffer.concat(chunks))
      // The .json appears last and in one step: whoever sees it can read both.
      fs.writeFileSync(`${base}.tmp`, `${JSON.stringify(envelope)}\n`)
      fs.renameSync(`${base}.tmp`, `${base}.json`)
    }
    if (this.o.index) fs.appendFileSync(this.o.index, `${JSON.stringify(envelope)}\n`)
    for (const w of this.waiters) {
      if (s.messages < w.n) continue
      clearTimeout(w.timer)
      w.resolve()
    }
    this.waiters = this.waiters.filter((w) => s.messages < w.n)
    return id
  }
}

class Connection {
  constructor(sink, sock) {
    this.sink = sink
    const s = sink.s
    this.id = ++s.connections
    s.open++
    s.maxOpen = Math.max(s.maxOpen, s.open)
    this.tls = Boolean(sink.o.implicitTls)
    this.user = null
    this.helo = null
    this.esmtp = false
    this.count = 0
    this.commands = 0
    this.buf = Buffer.alloc(0)
    this.mode = 'command'
    this.busy = false
    this.over = false
    this.out = []
    this.clear()
    this.attach(sock)
    if (this.o.maxConnections && s.open > this.o.maxConnections) {
      this.end(421, 'too many connections')
      return
    }
    if (this.o.greeting) {
      this.end(this.o.greeting, `${this.o.name} not now`)
      return
    }
    this.busy = true
    this.say('connect', 220, `${this.o.name} ${this.o.lmtp ? 'LMTP' : 'ESMTP'} sink`, () => {
      this.busy = false
      this.pump()
    })
  }

  // Options may change while a connection lives: some MTAs keep one for minutes.
  get o() {
    return this.sink.o
  }

  attach(sock) {
    this.sock = sock
    this.sink.sockets.add(sock)
    sock.on('data', (d) => {
      this.buf = this.buf.length ? Buffer.concat([this.buf, d]) : d
      this.pump()
    })
    sock.on('error', () => {})
    sock.on('close', () => {
      this.sink.sockets.delete(sock)
      if (sock === this.sock && !this.over) {
        this.over = true
        this.sink.s.open--
      }
    })
  }

  clear() {
    this.from = null
    this.fromParams = {}
    this.rcpts = []
    this.refused = 0
    this.chunks = []
    this.bytes = 0
    this.bdat = false
  }

  // Replies to pipelined commands are gathered and leave in one write.
  write(text) {
    this.out.push(text)
    if (this.out.length === 1)
      setImmediate(() => {
        const t = this.out.join('')
        this.out = []
        if (!this.sock.destroyed) this.sock.write(t)
      })
  }
  flush() {
    if (this.out.length) {
      const t = this.out.join('')
      this.out = ['']
      this.sock.write(t)
    }
  }

  line(code, text) {
    const first = String(code)[0]
    const tagged =
      this.o.enhanced && ENHANCED[first] && !/^\d\.\d+\.\d+ /.test(text) ? `${ENHANCED[first]} ${text}` : text
    return `${code} ${tagged}\r\n`
  }

  say(stage, code, text, then) {
    if (this.o.mute.includes(stage)) {
      this.busy = true
      return
    }
    const wait = this.o.delays[stage] ?? this.o.delay
    const plain = stage === 'connect' || stage === 'ehlo' || code === 334 || code === 354
    const go = () => {
      if (this.sock.destroyed) return
      this.write(
        Array.isArray(text)
          ? text.map((t, i) => `${code}${i < text.length - 1 ? '-' : ' '}${t}\r\n`).join('')
          : plain
            ? `${code} ${text}\r\n`
            : this.line(code, text),
      )
      then?.()
    }
    if (!wait) {
      go()
      return
    }
    this.busy = true // a later command waits until this reply is out
    setTimeout(() => {
      go()
      if (!then) {
        this.busy = false
        this.pump()
      }
    }, wait)
  }

  end(code, text) {
    this.flush()
    this.mode = 'closed'
    this.sock.end(`${code} ${text}\r\n`)
  }
  drop() {
    this.sink.s.dropped++
    this.mode = 'closed'
    this.sock.resetAndDestroy ? this.sock.resetAndDestroy() : this.sock.destroy()
  }

  pump() {
    while (!this.busy && this.mode !== 'closed') {
      if (this.mode === 'data') {
        if (!this.data()) return
        continue
      }
      if (this.mode === 'bdat') {
        if (!this.chunk()) return
        continue
      }
      const i = this.buf.indexOf(10)
      if (i < 0) {
        if (this.buf.length > 65536) this.end(500, 'line too long')
        return
      }
      const raw = this.buf.subarray(0, i > 0 && this.buf[i - 1] === 13 ? i - 1 : i).toString('utf8')
      this.buf = this.buf.subarray(i + 1)
      if (this.pending) {
        const p = this.pending
        this.pending = null
        p(raw)
        continue
      }
      this.sink.s.commands++
      if (this.o.dropAfter && ++this.commands > this.o.dropAfter) {
        this.drop()
        return
      }
      this.command(raw)
    }
  }

  command(raw) {
    const m = /^([A-Za-z]+)(?:\s+(.*))?$/s.exec(raw)
    const verb = m ? m[1].toUpperCase() : ''
    const arg = m?.[2] ?? ''
    switch (verb) {
      case 'EHLO':
      case 'HELO':
      case 'LHLO':
        return this.onHelo(verb, arg)
      case 'MAIL':
        return this.onMail(arg)
      case 'RCPT':
        return this.onRcpt(arg)
      case 'DATA':
        return this.onData()
      case 'BDAT':
        return this.onBdat(arg)
      case 'RSET':
        this.sink.s.resets++
        this.clear()
        return this.say('rset', 250, 'ok')
      case 'NOOP':
        this.sink.s.noops++
        return this.say('noop', 250, 'ok')
      case 'VRFY':
        return this.say('vrfy', 252, 'send some mail, and see')
      case 'AUTH':
        return this.onAuth(arg)
      case 'STARTTLS':
        return this.onStartTls()
      case 'QUIT':
        if (this.o.mute.includes('quit')) {
          this.busy = true
          return
        }
        return this.end(221, `${this.o.name} bye`)
      default:
        return this.say('other', 500, 'unknown command')
    }
  }

  onHelo(verb, arg) {
    const o = this.o
    if (o.lmtp !== (verb === 'LHLO'))
      return this.say('other', 500, o.lmtp ? 'this is LMTP: LHLO' : 'this is SMTP')
    if (verb === 'EHLO' && o.heloOnly) return this.say('other', 502, 'EHLO is not known here')
    this.clear()
    this.helo = arg
    this.esmtp = verb !== 'HELO'
    if (!this.esmtp) return this.say('ehlo', 250, o.name)
    const ext = [o.name]
    if (o.pipelining) ext.push('PIPELINING')
    if (o.eightbit) ext.push('8BITMIME')
    if (o.smtputf8) ext.push('SMTPUTF8')
    if (!o.noSize) ext.push(o.size ? `SIZE ${o.size}` : 'SIZE')
    if (o.dsn) ext.push('DSN')
    if (o.enhanced) ext.push('ENHANCEDSTATUSCODES')
    if (o.chunking) ext.push('CHUNKING')
    if (o.xverp) ext.push('XVERP')
    if (this.sink.context && !this.tls) ext.push('STARTTLS')
    if (o.auth && !this.user) ext.push(`AUTH ${o.authMechanisms.join(' ')}`)
    return this.say('ehlo', 250, ext)
  }

  path(arg, keyword) {
    const m = new RegExp(
      `^${keyword}:\\s*<(?:@[^:>]*:)?((?:"(?:[^"\\\\]|\\\\.)*"|[^>"])*)>(?:\\s+(.*))?$`,
      'is',
    ).exec(arg)
    if (!m) return null
    const params = {}
    for (const p of (m[2] ?? '').split(/\s+/).filter(Boolean)) {
      const [k, ...v] = p.split('=')
      params[k.toUpperCase()] = v.length ? v.join('=') : true
    }
    return { address: m[1], params }
  }

  onMail(arg) {
    const o = this.o,
      s = this.sink.s
    if (o.requireTls && !this.tls) return this.say('mail', 530, '5.7.0 STARTTLS first')
    if (o.requireAuth && !this.user) return this.say('mail', 530, '5.7.0 authenticate first')
    if (!this.helo) {
      s.badSequence++
      return this.say('mail', 503, '5.5.1 greet first')
    }
    if (this.from !== null) {
      s.badSequence++
      return this.say('mail', 503, '5.5.1 nested MAIL')
    }
    const p = this.path(arg, 'FROM')
    if (!p) return this.say('mail', 501, '5.5.4 syntax: MAIL FROM:<address>')
    if (o.maxMessages && this.count >= o.maxMessages)
      return this.end(421, '4.7.0 enough messages on this connection')
    for (const k of Object.keys(p.params)) {
      const known = {
        SIZE: !o.noSize,
        BODY: o.eightbit,
        SMTPUTF8: o.smtputf8,
        RET: o.dsn,
        ENVID: o.dsn,
        AUTH: Boolean(o.auth),
        XVERP: o.xverp,
      }[k]
      if (!known) return this.say('mail', 555, `5.5.4 parameter ${k} was not offered`)
    }
    if (o.size && Number(p.params.SIZE) > o.size) {
      s.rejectedMail++
      return this.say('mail', 552, '5.3.4 too big')
    }
    if (o.strict && Buffer.byteLength(p.address) !== p.address.length && !p.params.SMTPUTF8) {
      s.rejectedMail++
      return this.say('mail', 553, '5.6.7 UTF-8 address without SMTPUTF8')
    }
    const rule = o.rejectFrom.find((r) => r.test(p.address))
    if (rule) {
      s.rejectedMail++
      return this.say('mail', rule.code, rule.text ?? 'sender refused')
    }
    this.from = p.address
    this.fromParams = p.params
    return this.say('mail', 250, 'ok')
  }

  onRcpt(arg) {
    const o = this.o,
      s = this.sink.s
    if (this.from === null) {
      s.badSequence++
      return this.say('rcpt', 503, '5.5.1 MAIL first')
    }
    const p = this.path(arg, 'TO')
    if (!p?.address) return this.say('rcpt', 501, '5.5.4 syntax: RCPT TO:<address>')
    if (o.maxRcpt && this.rcpts.length >= o.maxRcpt) {
      s.deferredRcpt++
      return this.say('rcpt', 452, '4.5.3 too many recipients')
    }
    const no = (code, text) => {
      s[code < 500 ? 'deferredRcpt' : 'rejectedRcpt']++
      return this.say('rcpt', code, text)
    }
    const rule = o.rejectRcpt.find((r) => r.test(p.address))
    if (rule) return no(rule.code, rule.text ?? (rule.code < 500 ? 'try later' : 'no such user'))
    if (o.failRate && this.sink.rand() < o.failRate.rate) return no(o.failRate.code, 'by chance')
    if (o.greylist !== null || o.greylistTries !== null) {
      const key = `${this.from.toLowerCase()} ${p.address.toLowerCase()}`
      const g = this.sink.grey.get(key) ?? { first: Date.now(), tries: 0 }
      this.sink.grey.set(key, g)
      g.tries++
      if (o.greylist !== null && Date.now() - g.first < o.greylist * 1000) return no(451, '4.7.1 greylisted')
      if (o.greylistTries !== null && g.tries <= o.greylistTries) return no(451, '4.7.1 greylisted')
    }
    this.rcpts.push(p)
    s.maxRcptSeen = Math.max(s.maxRcptSeen, this.rcpts.length)
    return this.say('rcpt', 250, 'ok')
  }

  onData() {
    if (!this.rcpts.length) {
      this.sink.s.badSequence++
      return this.say('data', this.from === null ? 503 : 554, '5.5.1 no valid recipients')
    }
    if (this.o.mute.includes('data')) {
      this.busy = true
      return
    }
    this.busy = true
    this.say('data', 354, 'go on', () => {
      this.busy = false
      this.mode = 'data'
      this.pump()
    })
  }

  wantsMidDrop() {
    if (this.sink.midDrops >= this.o.dropMidData) return false
    this.sink.midDrops++
    return true
  }

  // Finds CRLF.CRLF in the buffer. What can not be part of it moves on to the chunks.
  data() {
    const b = this.buf
    if (this.o.dropMidData && b.length && this.wantsMidDrop()) {
      this.drop()
      return false
    }
    let end = -1,
      skip = 0
    if (!this.bytes && b.length >= 3 && b[0] === 46 && b[1] === 13 && b[2] === 10) {
      end = 0
      skip = 3
    } else {
      const i = b.indexOf('\r\n.\r\n', 0, 'latin1')
      if (i >= 0) {
        end = i + 2
        skip = 5
      }
    }
    if (end >= 0) {
      this.take(b.subarray(0, end))
      this.buf = b.subarray(skip === 3 ? 3 : end + 3)
      this.mode = 'command'
      this.finish()
      return true
    }
    const keep = Math.min(b.length, 4)
    if (b.length > keep) {
      this.take(b.subarray(0, b.length - keep))
      this.buf = b.subarray(b.length - keep)
    }
    return false
  }
  take(piece) {
    if (!piece.length) return
    this.bytes += piece.length
    if (this.keeps()) this.chunks.push(Buffer.from(piece))
  }
  // Counting needs no copy of the text: only its length.
  keeps() {
    return Boolean(this.o.dir || this.o.strict || this.o.onMessage)
  }

  onBdat(arg) {
    const m = /^(\d+)(?:\s+(LAST))?$/i.exec(arg.trim())
    if (!this.o.chunking || !m) return this.say('data', this.o.chunking ? 501 : 502, '5.5.1 no BDAT')
    this.left = Number(m[1])
    this.last = Boolean(m[2])
    this.bdat = true
    this.mode = 'bdat'
  }
  chunk() {
    const n = Math.min(this.left, this.buf.length)
    this.take(this.buf.subarray(0, n))
    this.buf = this.buf.subarray(n)
    this.left -= n
    if (this.left) return false
    this.mode = 'command'
    if (!this.rcpts.length) {
      this.sink.s.badSequence++
      this.say('data', 503, '5.5.1 no valid recipients')
      return true
    }
    if (this.last) this.finish()
    else this.say('data', 250, 'chunk taken')
    return true
  }

  finish() {
    const o = this.o,
      s = this.sink.s
    let body = Buffer.concat(this.chunks)
    if (!this.bdat) body = unstuff(body)
    const bytes = this.keeps() ? body.length : this.bytes
    const each = (fn) => {
      if (o.lmtp) this.rcpts.forEach(fn)
      else fn(this.rcpts[0])
    }
    const refuse = (code, text) => {
      s[code < 500 ? 'deferredData' : 'rejectedData']++
      each(() => this.say('dot', code, text))
      this.clear()
    }
    if (o.size && this.bytes > o.size) return refuse(552, '5.3.4 too big')
    if (o.strict) {
      if (/(^|[^\r])\n|\r(?!\n)/.test(body.toString('latin1'))) {
        s.bareLf++
        return refuse(554, '5.6.0 bare CR or LF in the data')
      }
      if (this.fromParams.BODY !== '8BITMIME' && body.some((c) => c > 127))
        return refuse(554, '5.6.3 8-bit data without BODY=8BITMIME')
    }
    if (o.failDataRate && this.sink.rand() < o.failDataRate.rate)
      return refuse(o.failDataRate.code, 'by chance')
    const rule = (r) => o.rejectData.find((x) => x.test(r.address))
    if (!o.lmtp) {
      const hit = this.rcpts.map(rule).find(Boolean)
      if (hit) return refuse(hit.code, hit.text ?? 'content refused')
      const id = this.sink.accepted(this, this.rcpts, [body], bytes)
      o.onMessage?.(this.sink, id, body)
      if (this.wantsAfterDrop()) return this.drop()
      this.clear()
      return this.say('dot', 250, `taken as ${id}`)
    }
    const good = this.rcpts.filter((r) => !rule(r))
    const id = good.length ? this.sink.accepted(this, good, [body], bytes) : 0
    if (good.length) o.onMessage?.(this.sink, id, body)
    if (this.wantsAfterDrop()) return this.drop()
    for (const r of this.rcpts) {
      const hit = rule(r)
      if (hit) s[hit.code < 500 ? 'deferredData' : 'rejectedData']++
      if (hit) this.say('dot', hit.code, hit.text ?? `<${r.address}> content refused`)
      else this.say('dot', 250, `<${r.address}> taken as ${id}`)
    }
    this.clear()
  }
  wantsAfterDrop() {
    if (this.sink.afterDrops >= this.o.dropAfterData) return false
    this.sink.afterDrops++
    return true
  }

  onAuth(arg) {
    const o = this.o,
      s = this.sink.s
    if (!o.auth) return this.say('other', 502, '5.5.1 no AUTH here')
    if (this.user) return this.say('other', 503, '5.5.1 already authenticated')
    const [mech, initial] = arg.split(/\s+/)
    const done = (user, pass) => {
      if (`${user}:${pass}` === o.auth) {
        this.user = user
        s.authOk++
        return this.say('other', 235, '2.7.0 welcome')
      }
      s.authFailed++
      return this.say('other', 535, '5.7.8 wrong user or password')
    }
    const text = (b64) => Buffer.from(b64, 'base64').toString('utf8')
    const ask = (prompt, fn) => {
      this.pending = (l) => (l === '*' ? this.say('other', 501, '5.7.0 cancelled') : fn(text(l)))
      this.say('other', 334, prompt)
    }
    const plain = (t) => {
      const [, u, p] = t.split('\0')
      return done(u, p)
    }
    if (!o.authMechanisms.includes(String(mech).toUpperCase())) {
      return this.say('other', 504, '5.5.4 mechanism not offered')
    }
    if (/^plain$/i.test(mech)) return initial ? plain(text(initial)) : ask('', plain)
    if (/^login$/i.test(mech)) {
      const second = (u) => ask('UGFzc3dvcmQ6', (p) => done(u, p))
      return initial ? second(text(initial)) : ask('VXNlcm5hbWU6', second)
    }
    if (/^cram-md5$/i.test(mech)) {
      const challenge = `<${this.id}.${Date.now()}@${o.name}>`
      const [user, pass] = [o.auth.slice(0, o.auth.indexOf(':')), o.auth.slice(o.auth.indexOf(':') + 1)]
      const digest = crypto.createHmac('md5', pass).update(challenge).digest('hex')
      return ask(Buffer.from(challenge).toString('base64'), (answer) =>
        answer === `${user} ${digest}` ? done(user, pass) : done('', ''),
      )
    }
    return this.say('other', 504, '5.5.4 mechanism not offered')
  }

  onStartTls() {
    if (!this.sink.context || this.tls) return this.say('other', 502, '5.5.1 no STARTTLS')
    this.busy = true
    this.out = []
    const plain = this.sock
    plain.removeAllListeners('data')
    this.buf = Buffer.alloc(0) // what was sent before TLS began does not count
    plain.write(this.line(220, 'go ahead'), () => {
      const secure = new tls.TLSSocket(plain, { isServer: true, secureContext: this.sink.context })
      this.tls = true
      this.helo = null
      this.user = null
      this.clear()
      this.sink.s.tls++
      this.attach(secure)
      this.busy = false
    })
  }
}

function unstuff(body) {
  if (!body.length || (body[0] !== 46 && body.indexOf('\r\n.', 0, 'latin1') < 0)) return body
  return Buffer.from(body.toString('latin1').replace(/(^|\r\n)\./g, '$1'), 'latin1')
}

// Works on a list of command-line words; `base` holds the options so far.
export function parseArgs(argv, base = defaults()) {
  const o = { ...base, delays: { ...base.delays } }
  const num = (v, name) => {
    const n = Number(v)
    if (!Number.isFinite(n)) throw new Error(`${name}: not a number: ${v}`)
    return n
  }
  const rate = (v) => {
    const [r, c] = v.split(':')
    return { rate: num(r, 'rate'), code: c ? num(c, 'code') : 451 }
  }
  for (let i = 0; i < argv.length; i++) {
    let a = argv[i],
      inline = null
    const eq = /^(--[a-z0-9-]+)=(.*)$/s.exec(a)
    if (eq) {
      a = eq[1]
      inline = eq[2]
    }
    const val = () => {
      const v = inline ?? argv[++i]
      if (v === undefined) throw new Error(`${a} needs a value`)
      return v
    }
    switch (a) {
      case '--host':
        o.host = val()
        break
      case '--port':
        o.port = num(val(), a)
        break
      case '--lmtp':
        o.lmtp = true
        break
      case '--dir':
        o.dir = val()
        break
      case '--count':
        o.dir = null
        break
      case '--index':
        o.index = val()
        break
      case '--http':
        o.http = num(val(), a)
        break
      case '--name':
        o.name = val()
        break
      case '--no-pipelining':
        o.pipelining = false
        break
      case '--no-8bitmime':
        o.eightbit = false
        break
      case '--no-smtputf8':
        o.smtputf8 = false
        break
      case '--no-size':
        o.noSize = true
        break
      case '--no-dsn':
        o.dsn = false
        break
      case '--no-enhanced':
        o.enhanced = false
        break
      case '--chunking':
        o.chunking = true
        break
      case '--xverp':
        o.xverp = true
        break
      case '--size':
        o.size = num(val(), a)
        break
      case '--helo-only':
        o.heloOnly = true
        break
      case '--starttls':
        o.starttls = val()
        break
      case '--implicit-tls':
        o.implicitTls = val()
        break
      case '--auth':
        o.auth = val()
        break
      case '--auth-mechanisms':
        o.authMechanisms = val().toUpperCase().split(',')
        break
      case '--require-auth':
        o.requireAuth = true
        break
      case '--require-tls':
        o.requireTls = true
        break
      case '--strict':
        o.strict = true
        break
      case '--reject-rcpt':
        o.rejectRcpt = [...o.rejectRcpt, parseRule(val(), 550)]
        break
      case '--defer-rcpt':
        o.rejectRcpt = [...o.rejectRcpt, parseRule(val(), 451)]
        break
      case '--reject-from':
        o.rejectFrom = [...o.rejectFrom, parseRule(val(), 550)]
        break
      case '--reject-data':
        o.rejectData = [...o.rejectData, parseRule(val(), 554)]
        break
      case '--clear-rules':
        o.rejectRcpt = []
        o.rejectFrom = []
        o.rejectData = []
        break
      case '--fail-rate':
        o.failRate = rate(val())
        break
      case '--fail-data-rate':
        o.failDataRate = rate(val())
        break
      case '--seed':
        o.seed = num(val(), a)
        break
      case '--greylist':
        o.greylist = num(val(), a)
        break
      case '--greylist-tries':
        o.greylistTries = num(val(), a)
        break
      case '--max-rcpt':
        o.maxRcpt = num(val(), a)
        break
      case '--max-messages':
        o.maxMessages = num(val(), a)
        break
      case '--max-connections':
        o.maxConnections = num(val(), a)
        break
      case '--greeting':
        o.greeting = num(val(), a)
        break
      case '--drop-after':
        o.dropAfter = num(val(), a)
        break
      case '--drop-mid-data':
        o.dropMidData = Infinity
        break
      case '--drop-mid-data-times':
        o.dropMidData = num(val(), a)
        break
      case '--drop-after-data':
        o.dropAfterData = Infinity
        break
      case '--drop-after-data-times':
        o.dropAfterData = num(val(), a)
        break
      case '--mute': {
        const v = val()
        if (!STAGES.includes(v)) throw new Error(`--mute ${v}: one of ${STAGES.join(' ')}`)
        o.mute = [...o.mute, v]
        break
      }
      case '--delay':
        o.delay = num(val(), a)
        break
      default: {
        const d = /^--delay-([a-z]+)$/.exec(a)
        if (d && STAGES.includes(d[1])) {
          o.delays[d[1]] = num(val(), a)
          break
        }
        throw new Error(`unknown option: ${a}`)
      }
    }
  }
  return o
}

async function main() {
  const argv = process.argv.slice(2)
  if (argv.includes('--help') || argv.includes('-h')) {
    console.log(HELP)
    return
  }
  let sink
  try {
    sink = await new Sink(parseArgs(argv)).listen()
  } catch (e) {
    console.error(`sink: ${e.message}`)
    process.exit(64)
  }
  const print = (event) => fs.writeSync(1, `${JSON.stringify({ event, ...sink.stats() })}\n`)
  fs.writeSync(
    1,
    `${JSON.stringify({
      event: 'ready',
      pid: process.pid,
      host: sink.o.host,
      port: sink.port,
      http: sink.httpPort ?? null,
      dir: sink.o.dir,
    })}\n`,
  )
  process.on('SIGUSR1', () => print('stats'))
  for (const sig of ['SIGTERM', 'SIGINT'])
    process.on(sig, () => {
      print('exit')
      process.exit(0)
    })
}

if (process.argv[1] && import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) await main()
