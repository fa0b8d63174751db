// Waiting for what other processes do.

import { exec } from 'node:child_process'
import net from 'node:net'

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms))

/** Runs a shell command to its end; resolves to what it printed. */
export const sh = (command) =>
  new Promise((done, failed) =>
    exec(command, { maxBuffer: 1 << 28 }, (fault, out, err) =>
      fault ? failed(new Error(`${command}: ${err}`)) : done(out.trim()),
    ),
  )

/** Resolves when a TCP server at {host, port} has sent a 220 line; fails after so many ms. */
export async function waitBanner({ host, port }, ms) {
  const end = performance.now() + ms
  while (performance.now() < end) {
    if (await greets({ host, port })) return
    await sleep(50)
  }
  throw new Error(`no 220 from ${host}:${port} within ${ms} ms`)
}

function greets({ host, port }) {
  return new Promise((answer) => {
    const socket = net.connect({ host, port })
    const end = (good) => {
      socket.destroy()
      answer(good)
    }
    socket.setTimeout(2000, () => end(false))
    socket.on('error', () => end(false))
    socket.on('data', (bytes) => end(bytes.toString().startsWith('220')))
  })
}
