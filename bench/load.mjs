// LMTP (or SMTP) load generator. As a program: --help tells.
//
// As a module: load({host, port, count, size, conns, rate, to(i), from(i), make(i)})
// resolves to {accepted, refused, seconds, perS, p50, p99, ids: [[id, tAccept], ...]}.
import net from 'node:net'
import { readArguments } from './lib/arguments.mjs'
import { percentile } from './lib/figures.mjs'
import { monoMs } from './sink.mjs'

const WORDS =
  'lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna aliqua'.split(
    ' ',
  )
let seed = 42
function rnd() {
  seed = (seed * 1103515245 + 12345) & 0x7fffffff
  return seed / 0x7fffffff
}
function body(size) {
  let s = '',
    line = ''
  while (s.length < size) {
    line += (line ? ' ' : '') + WORDS[(rnd() * WORDS.length) | 0]
    if (line.length > 64) {
      s += `${line}\r\n`
      line = ''
    }
  }
  return s
}
const bodies = new Map()
let serial = 0
const RUN = Date.now().toString(36)

export function post({ from, to, size = 4096, id }) {
  if (!bodies.has(size)) bodies.set(size, body(Math.max(size - 400, 100)))
  return (
    `Received: from client.example.com (client.example.com [192.0.2.1])\r\n\tby mx.example.com with ESMTP id ${id};\r\n\tSun, 22 Nov 2026 11:00:00 +0000\r\n` +
    `From: Bench Poster <${from}>\r\nTo: ${to}\r\nSubject: bench post ${id}\r\nDate: Sun, 22 Nov 2026 11:00:00 +0000\r\n` +
    `Message-ID: <${id}@client.example.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\nX-Bench-Id: ${id}\r\n\r\n${bodies.get(size)}`
  )
}
export function dsn({ rcpt, to, id }) {
  const b = `=_b${id}`
  return (
    `From: MAILER-DAEMON@mx.example.com (Mail Delivery System)\r\nTo: ${to}\r\nSubject: Undelivered Mail Returned to Sender\r\n` +
    `Date: Sun, 22 Nov 2026 11:00:00 +0000\r\nMessage-ID: <${id}@mx.example.com>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n` +
    `Content-Type: multipart/report; report-type=delivery-status; boundary="${b}"\r\nX-Bench-Id: ${id}\r\n\r\n--${b}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n` +
    `This is the mail system at host mx.example.com.\r\n\r\nYour message could not be delivered.\r\n\r\n<${rcpt}>: host mx.example.net said: 550 5.1.1 User unknown\r\n\r\n` +
    `--${b}\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\nArrival-Date: Sun, 22 Nov 2026 11:00:00 +0000\r\n\r\n` +
    `Final-Recipient: rfc822; ${rcpt}\r\nOriginal-Recipient: rfc822;${rcpt}\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n` +
    `--${b}\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: poster@example.com\r\nTo: list@lists.example.com\r\nSubject: the original\r\nMessage-ID: <orig-${id}@client.example.com>\r\n\r\n--${b}--\r\n`
  )
}

export const newId = () => `${RUN}-${process.pid}-${++serial}`

class Client {
  constructor(host, port, smtp) {
    Object.assign(this, { host, port, smtp, lines: [], wait: null, acc: '' })
  }
  async open() {
    await new Promise((ok, bad) => {
      this.s = net.connect({ host: this.host, port: this.port, noDelay: true }, ok)
      this.s.once('error', bad)
    })
    this.s.on('error', (e) => {
      this.dead = e
      this.pump()
    })
    this.s.on('close', () => {
      this.dead ||= new Error('closed')
      this.pump()
    })
    this.s.setEncoding('latin1')
    this.s.on('data', (d) => {
      this.acc += d
      const lines = this.acc.split('\n')
      this.acc = lines.pop()
      this.lines.push(...lines)
      this.pump()
    })
    await this.reply()
    this.s.write(`${this.smtp ? 'EHLO' : 'LHLO'} bench.example.com\r\n`)
    const r = await this.reply()
    this.pipe = r.some((l) => /PIPELINING/i.test(l))
  }
  pump() {
    if (this.wait) {
      const w = this.wait
      this.wait = null
      w()
    }
  }
  async reply() {
    const r = []
    for (;;) {
      while (this.lines.length) {
        const l = this.lines.shift()
        r.push(l)
        if (l[3] !== '-') return r
      }
      if (this.dead) throw this.dead
      await new Promise((ok) => {
        this.wait = ok
      })
    }
  }
  async send(from, rcpts, data) {
    const m = `MAIL FROM:<${from}>\r\n`,
      rs = rcpts.map((x) => `RCPT TO:<${x}>\r\n`)
    let ok = 0
    if (this.pipe) {
      this.s.write(`${m + rs.join('')}DATA\r\n`)
      await this.reply()
      for (let i = 0; i < rs.length; i++) {
        const [line] = await this.reply()
        if (line[0] === '2') ok++
        else this.lastErr = line
      }
    } else {
      this.s.write(m)
      await this.reply()
      for (const x of rs) {
        this.s.write(x)
        const r = await this.reply()
        if (r[0][0] === '2') ok++
        else this.lastErr = r[0]
      }
      if (!ok) {
        this.s.write('RSET\r\n')
        await this.reply()
        return 0
      }
      this.s.write('DATA\r\n')
    }
    const d = await this.reply()
    if (d[0][0] !== '3') {
      this.lastErr = d[0]
      return 0
    }
    this.s.write(
      data.replace(/\r\n\./g, '\r\n..') + (data.endsWith('\r\n') ? '.\r\n' : '\r\n.\r\n'),
      'latin1',
    )
    let good = 0
    for (let i = 0; i < (this.smtp ? 1 : ok); i++) {
      const r = await this.reply()
      if (r[0][0] === '2') good++
      else this.lastErr = r[0]
    }
    return good
  }
  close() {
    this.s.end('QUIT\r\n')
  }
}

export async function load({
  host = '127.0.0.1',
  port,
  count,
  size = 4096,
  conns = 4,
  rate = 0,
  smtp = false,
  to,
  from = () => 'u0@sub.example.com',
  make,
  stop,
}) {
  let next = 0,
    refused = 0,
    lastErr = null
  const lat = [],
    ids = []
  const t0 = monoMs()
  async function worker() {
    const c = new Client(host, port, smtp)
    await c.open()
    while (next < count && !stop?.()) {
      const i = next++
      if (rate) {
        const due = t0 + (i * 1000) / rate,
          w = due - monoMs()
        if (w > 0) await new Promise((r) => setTimeout(r, w))
      }
      const f = from(i),
        t = [].concat(to(i)),
        id = newId()
      const data = make ? make(i, id) : post({ from: f, to: t[0], size, id })
      const a = monoMs()
      try {
        const g = await c.send(f, t, data)
        const b = monoMs()
        if (g > 0) {
          lat.push(b - a)
          ids.push([id, b, t[0]])
        } else {
          refused++
          lastErr = c.lastErr
        }
      } catch (e) {
        refused++
        lastErr = String(e)
        if (c.dead) return
      }
    }
    c.close()
  }
  await Promise.all(Array.from({ length: Math.min(conns, count) }, worker))
  const seconds = (monoMs() - t0) / 1000
  lat.sort((x, y) => x - y)
  return {
    accepted: ids.length,
    refused,
    lastErr,
    seconds,
    perS: ids.length / seconds,
    p50: percentile(lat, 0.5),
    p99: percentile(lat, 0.99),
    max: lat.at(-1),
    ids,
  }
}

if (import.meta.main) {
  const given = readArguments({
    usage: `usage: node load.mjs [options]: posts to a list manager and prints what it took

  --host, --port PORT      where to (127.0.0.1, 18510)
  --count N, --size BYTES  how many, how large (100, 4096)
  --conns N, --rate PER_S  connections (4); posts a second over all (0: as fast as it goes)
  --to A,B,... --from A    list@lists.example.com, u0@sub.example.com
  --smtp                   SMTP rather than LMTP

Exit: 0, 1 when not all was accepted, 2 on wrong use.`,
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'number', default: 18510 },
      count: { type: 'number', default: 100 },
      size: { type: 'number', default: 4096 },
      conns: { type: 'number', default: 4 },
      rate: { type: 'number', default: 0 },
      to: { type: 'string', default: 'list@lists.example.com' },
      from: { type: 'string', default: 'u0@sub.example.com' },
      smtp: { type: 'boolean', default: false },
    },
  })
  const lists = given.to.split(',')
  try {
    const { ids, ...result } = await load({
      ...given,
      to: (i) => lists[i % lists.length],
      from: () => given.from,
    })
    console.log(JSON.stringify(result))
    if (ids.length < given.count) process.exitCode = 1
  } catch (fault) {
    console.error(`load.mjs: ${given.host}:${given.port}: ${fault.message}`)
    process.exitCode = 1
  }
}
