#!/usr/bin/env node
// A small tcpserver: one process per connection, with the socket as its standard
// input and output.      node tcpd.mjs HOST PORT UID:GID COMMAND...

import { spawn } from 'node:child_process'
import net from 'node:net'

const [host, port, ids, ...command] = process.argv.slice(2)
if (command.length === 0) {
  console.error('usage: tcpd.mjs HOST PORT UID:GID COMMAND...')
  process.exit(2)
}
const [uid, gid] = ids.split(':').map(Number)
net
  .createServer({ allowHalfOpen: true }, (sock) => {
    // env(1) is given the variables that tcpserver sets.
    const vars = [
      'PROTO=TCP',
      `TCPREMOTEIP=${sock.remoteAddress}`,
      `TCPREMOTEPORT=${sock.remotePort}`,
      `TCPLOCALIP=${sock.localAddress}`,
      `TCPLOCALPORT=${sock.localPort}`,
      'TCPREMOTEHOST=localhost',
    ]
    const words = [...command]
    if (words[0] === 'env') words.splice(words[1] === '-i' ? 2 : 1, 0, ...vars)
    const p = spawn(words[0], words.slice(1), { stdio: ['pipe', 'pipe', 'inherit'], uid, gid })
    sock.pipe(p.stdin)
    p.stdout.pipe(sock)
    for (const s of [sock, p.stdin, p.stdout]) s.on('error', () => {})
    p.on('error', (e) => {
      console.error(e.message)
      sock.destroy()
    })
    p.on('exit', () => sock.end())
    sock.on('close', () => p.stdin.destroy())
  })
  .listen({ host, port: Number(port) })
