// A small LMTP server that pipes each message to a command, as an MTA's pipe
// transport does.  Stands in for the MTA for list managers that have no LMTP
// server; its own CPU is excluded from the target's, its children's is not.
//   node lmtp-pipe.mjs PORT CONFIG.json
// CONFIG: {"cmd": "...", "args": ["... {list} {ext} {rcpt} {from} ..."], "concurrency": N, "head": "Return-Path..."}

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'

const [port, file] = process.argv.slice(2)
const cfg = JSON.parse(fs.readFileSync(file, 'utf8'))
let running = 0
const q = []
const slot = () =>
  new Promise((r) => {
    if (running < cfg.concurrency) {
      running++
      r()
    } else q.push(r)
  })
const free = () => {
  const r = q.shift()
  if (r) r()
  else running--
}
async function deliver(from, rcpt, data) {
  const [lp, dom] = rcpt.split('@'),
    i = lp.indexOf('+')
  const list = i < 0 ? lp : lp.slice(0, i),
    ext = i < 0 ? '' : lp.slice(i + 1)
  const sub = (s) =>
    s
      .replaceAll('{list}', list)
      .replaceAll('{ext}', ext)
      .replaceAll('{rcpt}', rcpt)
      .replaceAll('{from}', from)
      .replaceAll('{dom}', dom)
  await slot()
  try {
    return await new Promise((ok) => {
      const p = spawn(cfg.cmd, cfg.args.map(sub), { stdio: ['pipe', 'ignore', 'ignore'] })
      p.on('error', () => ok(false))
      p.stdin.on('error', () => {})
      p.on('exit', (c) => ok(c === 0))
      p.stdin.end(sub(cfg.head || '') + data, 'latin1')
    })
  } finally {
    free()
  }
}
net
  .createServer({ noDelay: true }, (s) => {
    s.setEncoding('latin1')
    s.on('error', () => {})
    let acc = '',
      mode = 0,
      from = '',
      rc = [],
      _body = [],
      chain = Promise.resolve()
    const w = (x) => {
      chain = chain.then(() => s.write(`${x}\r\n`))
    }
    w('220 pipe LMTP')
    s.on('data', (d) => {
      acc += d
      for (;;) {
        if (mode) {
          const e = acc.startsWith('.\r\n') ? 0 : acc.indexOf('\r\n.\r\n')
          if (e < 0) return
          const m = acc
            .slice(0, e ? e + 2 : 0)
            .replace(/^\.\./gm, '.')
            .replace(/\r\n/g, '\n')
          acc = acc.slice(e ? e + 5 : 3)
          mode = 0
          const f = from,
            r = rc
          rc = []
          chain = chain.then(async () => {
            for (const x of r) s.write((await deliver(f, x, m)) ? '250 2.0.0 Ok\r\n' : '451 4.3.0 failed\r\n')
          })
          continue
        }
        const e = acc.indexOf('\n')
        if (e < 0) return
        const l = acc.slice(0, e).trim()
        acc = acc.slice(e + 1)
        const c = l.slice(0, 4).toUpperCase()
        if (c === 'LHLO') w('250-pipe\r\n250-PIPELINING\r\n250 8BITMIME')
        else if (c === 'MAIL') {
          from = /<([^>]*)>/.exec(l)[1]
          rc = []
          w('250 Ok')
        } else if (c === 'RCPT') {
          rc.push(/<([^>]*)>/.exec(l)[1])
          w('250 Ok')
        } else if (c === 'DATA') {
          mode = 1
          w('354 go')
        } else if (c === 'QUIT') {
          w('221 bye')
          chain.then(() => s.end())
        } else w('250 Ok')
      }
    })
  })
  .listen(+port, '127.0.0.1')
