// A counting SMTP sink: takes all mail at once and counts it. As a program: --help tells. As a forked child it answers
// {cmd} messages ('total', 'stats', 'reset', 'config').
//
// What it records
//   tx, rcpts, bytes, conns             totals
//   verpTx                              transactions whose MAIL FROM names a recipient: it has '=' or '-bounces+' in it
//   personalTx                          messages that contain their (only) recipient's address
//   ids[X-Bench-Id] = {first,last,tx,rcpts,dups,uniq}   times in ms, CLOCK_MONOTONIC
// Recipients are expected as u<NUMBER>@...; NUMBER indexes a byte array per id,
// so that lost and duplicated recipients can be counted exactly.
import net from 'node:net'
import { readArguments } from './lib/arguments.mjs'

const BASE = Number(process.hrtime.bigint()) / 1e6 - performance.now()
export const monoMs = () => BASE + performance.now()

const CRLF = Buffer.from('\r\n')
const EOD = Buffer.from('\r\n.\r\n')
const IDH = Buffer.from('X-Bench-Id: ')

export function createSink(opt = {}) {
  const o = {
    pipelining: true,
    chunking: true,
    delayMs: 0,
    rejectEvery: 0,
    deferEvery: 0,
    checkPersonal: false,
    xverp: true,
    track: true,
    ...opt,
  }
  let T
  const zero = () => {
    T = {
      tx: 0,
      rcpts: 0,
      bytes: 0,
      conns: 0,
      open: 0,
      verpTx: 0,
      personalTx: 0,
      refused: 0,
      noId: 0,
      first: 0,
      last: 0,
      ids: new Map(),
    }
  }
  zero()

  function ehlo() {
    let s = '250-sink.example.com\r\n'
    if (o.pipelining) s += '250-PIPELINING\r\n'
    if (o.chunking) s += '250-CHUNKING\r\n'
    if (o.xverp) s += '250-XVERP\r\n'
    return `${s}250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 104857600\r\n`
  }
  const EHLO = () => ehlo()

  const server = net.createServer({ noDelay: true }, (sock) => {
    T.conns++
    T.open++
    let mode = 0 // 0 command, 1 DATA, 2 BDAT
    let rest = null,
      from = '',
      rcpts = [],
      firstAddr = '',
      nOk = 0
    let id = '',
      head = null,
      bytes = 0,
      bdatLeft = 0,
      bdatLast = false,
      personal = false,
      rc = 0
    sock.on('error', () => {})
    sock.on('close', () => {
      T.open--
    })
    sock.write('220 sink.example.com ESMTP bench\r\n')

    const scan = (buf, a, b) => {
      // look for the id header (headers only, first 64 kB)
      bytes += b - a
      if (id === '' && head !== false) {
        let h = buf.subarray(a, b),
          off = 0
        if (head) {
          h = Buffer.concat([head, h])
        }
        const i = h.indexOf(IDH, off)
        if (i >= 0) {
          const e = h.indexOf(13, i)
          if (e < 0) {
            head = Buffer.from(h)
            return
          }
          id = h.latin1Slice(i + IDH.length, e)
          head = false
        } else if (h.length > 65536) head = false
        else head = Buffer.from(h)
      }
      if (
        o.checkPersonal &&
        !personal &&
        firstAddr &&
        buf.subarray(a, b).indexOf(firstAddr, 0, 'latin1') >= 0
      )
        personal = true
    }
    const finish = () => {
      const now = monoMs()
      if (!T.first) T.first = now
      T.last = now
      T.tx++
      T.rcpts += nOk
      T.bytes += bytes
      if (from.includes('=') || from.includes('-bounces+')) T.verpTx++
      if (personal) T.personalTx++
      if (id === '') T.noId++
      else {
        let r = T.ids.get(id)
        if (!r) {
          r = { first: now, last: now, tx: 0, rcpts: 0, dups: 0, uniq: 0, seen: new Uint8Array(1024) }
          T.ids.set(id, r)
        }
        r.last = now
        r.tx++
        r.rcpts += nOk
        if (o.track)
          for (const n of rcpts) {
            if (n >= r.seen.length) {
              const s = new Uint8Array(Math.max(n + 1, r.seen.length * 2))
              s.set(r.seen)
              r.seen = s
            }
            if (r.seen[n]) r.dups++
            else r.uniq++
            if (r.seen[n] < 255) r.seen[n]++
          }
      }
      from = ''
      rcpts = []
      nOk = 0
      id = ''
      head = null
      bytes = 0
      firstAddr = ''
      personal = false
    }

    sock.on('data', (buf) => {
      if (rest) {
        buf = Buffer.concat([rest, buf])
        rest = null
      }
      let p = 0,
        out = '',
        quit = false
      const L = buf.length
      while (p < L) {
        if (mode === 1) {
          const e = buf.indexOf(EOD, p)
          if (e < 0) {
            const keep = Math.max(p, L - 4)
            scan(buf, p, keep)
            rest = Buffer.from(buf.subarray(keep))
            p = L
            break
          }
          scan(buf, p, e + 2)
          bytes -= 2
          p = e + 5
          mode = 0
          finish()
          out += '250 2.0.0 Ok: queued\r\n'
          continue
        }
        if (mode === 2) {
          const n = Math.min(bdatLeft, L - p)
          scan(buf, p, p + n)
          p += n
          bdatLeft -= n
          if (bdatLeft > 0) break
          mode = 0
          if (bdatLast) finish()
          out += '250 2.0.0 Ok\r\n'
          continue
        }
        const e = buf.indexOf(10, p)
        if (e < 0) {
          rest = Buffer.from(buf.subarray(p))
          break
        }
        const c = buf[p] & 0xdf,
          c2 = buf[p + 1] & 0xdf
        if (c === 82 && c2 === 67) {
          // RCPT TO:<
          rc++
          if (o.rejectEvery && rc % o.rejectEvery === 0) {
            T.refused++
            out += '550 5.1.1 No such user\r\n'
          } else if (o.deferEvery && rc % o.deferEvery === 0) {
            T.refused++
            out += '450 4.2.0 Try later\r\n'
          } else {
            let i = buf.indexOf(60, p) + 1,
              n = 0,
              k = i
            if ((buf[k] & 0xdf) === 85) {
              k++
              for (let d = buf[k] - 48; d >= 0 && d <= 9; d = buf[k] - 48) {
                n = n * 10 + d
                k++
              }
              if (k > i + 1) rcpts.push(n)
            }
            if (o.checkPersonal && !firstAddr) firstAddr = buf.latin1Slice(i, buf.indexOf(62, i))
            nOk++
            out += '250 2.1.5 Ok\r\n'
          }
        } else if (c === 77) {
          // MAIL
          const i = buf.indexOf(60, p) + 1
          from = buf.latin1Slice(i, buf.indexOf(62, i))
          rcpts = []
          nOk = 0
          out += '250 2.1.0 Ok\r\n'
        } else if (c === 68) {
          // DATA
          if (nOk === 0) out += '554 5.5.1 No valid recipients\r\n'
          else {
            out += '354 go\r\n'
            mode = 1
            if (e + 1 >= L) {
              rest = CRLF
              p = L
              break
            }
            buf = Buffer.concat([CRLF, buf.subarray(e + 1)])
            sock.write(out)
            out = ''
            p = 0
            return handleMore(buf)
          }
        } else if (c === 66) {
          // BDAT n [LAST]
          const m = /^BDAT (\d+)( LAST)?/i.exec(buf.latin1Slice(p, e))
          bdatLeft = +m[1]
          bdatLast = !!m[2]
          mode = 2
          if (bdatLeft === 0) {
            mode = 0
            if (bdatLast) finish()
            out += '250 2.0.0 Ok\r\n'
          }
        } else if (c === 69) out += EHLO()
        else if (c === 72 || c === 76) out += '250 sink.example.com\r\n'
        else if (c === 82) {
          from = ''
          rcpts = []
          nOk = 0
          out += '250 2.0.0 Ok\r\n'
        } else if (c === 81) {
          out += '221 2.0.0 Bye\r\n'
          quit = true
          p = e + 1
          break
        } else if (c === 78 || c === 86) out += '250 2.0.0 Ok\r\n'
        else out += '502 5.5.2 Unknown\r\n'
        p = e + 1
      }
      if (out) {
        if (o.delayMs) setTimeout(() => sock.write(out, 'latin1'), o.delayMs)
        else sock.write(out, 'latin1')
      }
      if (quit) sock.end()
    })
    // A client that pipelines data behind DATA without waiting: feed the rest again.
    function handleMore(b) {
      sock.emit('data', b)
    }
  })

  const total = () => ({
    tx: T.tx,
    rcpts: T.rcpts,
    bytes: T.bytes,
    conns: T.conns,
    open: T.open,
    verpTx: T.verpTx,
    personalTx: T.personalTx,
    refused: T.refused,
    noId: T.noId,
    first: T.first,
    last: T.last,
    cpu: (() => {
      const c = process.cpuUsage()
      return (c.user + c.system) / 1e6
    })(),
  })
  return {
    server,
    total,
    reset: zero,
    config: (x) => Object.assign(o, x),
    stats: () => ({
      ...total(),
      ids: Object.fromEntries(
        [...T.ids].map(([k, r]) => [
          k,
          { first: r.first, last: r.last, tx: r.tx, rcpts: r.rcpts, dups: r.dups, uniq: r.uniq },
        ]),
      ),
    }),
  }
}

if (import.meta.main) {
  const given = readArguments({
    usage: `usage: node sink.mjs [options]: an SMTP server that takes all mail and counts it

  --host, --port PORT  where it listens (127.0.0.1, 18520)
  --no-pipelining, --no-chunking, --no-xverp   do not offer that
  --delay-ms N         wait before each reply, as a server that syncs its queue does
  --reject-every N     every Nth RCPT gets 550
  --defer-every N      every Nth RCPT gets 450

Prints a line of totals every second while busy, and one at the end (SIGINT, SIGTERM).
Exit: 0, 1 when it cannot listen, 2 on wrong use.`,
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'number', default: 18520 },
      'no-pipelining': { type: 'boolean', default: false },
      'no-chunking': { type: 'boolean', default: false },
      'no-xverp': { type: 'boolean', default: false },
      'delay-ms': { type: 'number', default: 0 },
      'reject-every': { type: 'number', default: 0 },
      'defer-every': { type: 'number', default: 0 },
    },
  })
  const sink = createSink({
    pipelining: !given['no-pipelining'],
    chunking: !given['no-chunking'],
    xverp: !given['no-xverp'],
    delayMs: given['delay-ms'],
    rejectEvery: given['reject-every'],
    deferEvery: given['defer-every'],
  })
  sink.server.on('error', (fault) => {
    console.error(`sink.mjs: ${given.host}:${given.port}: ${fault.message}`)
    process.exit(1)
  })
  sink.server.listen({ port: given.port, host: given.host, backlog: 1024 }, () => {
    if (process.send) process.send({ ready: true })
    else console.error('sink ready')
  })
  if (process.send) answerParent(sink)
  else printTotals(sink)
}

function answerParent(sink) {
  process.on('message', ({ cmd, n, opt }) => {
    if (cmd === 'total') process.send({ n, r: sink.total() })
    else if (cmd === 'stats') process.send({ n, r: sink.stats() })
    else {
      if (cmd === 'reset') sink.reset()
      else sink.config(opt)
      process.send({ n, r: true })
    }
  })
  process.on('disconnect', () => process.exit(0))
}

function printTotals(sink) {
  let printed = 0
  setInterval(() => {
    const total = sink.total()
    if (total.tx === printed) return
    printed = total.tx
    console.log(JSON.stringify(total))
  }, 1000)
  const end = () => {
    const total = sink.total()
    const seconds = (total.last - total.first) / 1000
    console.log(
      JSON.stringify({ ...total, seconds, txPerS: total.tx / seconds, rcptPerS: total.rcpts / seconds }),
    )
    process.exit(0)
  }
  process.on('SIGINT', end).on('SIGTERM', end)
}
