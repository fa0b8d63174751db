// The server's side of the control socket: takes commands from `posthorn …` and runs them in the server process,
// so that only one process ever writes. A call ends early when its client goes.
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { type CallFrame, formatServerFrame, LineSplitter, readClientFrame } from './control-protocol.ts'

/** Where the words of a command go: the client's terminal, or our own. */
export interface CallOutput {
  out(text: string): void
  err(text: string): void
  /** How far long work has come; shown on a terminal only. */
  progress(text: string): void
  /** Resolves when what was written has left; long listings wait for it. */
  drained(): Promise<void>
}

/** One command as it arrives, from the socket or from this very process. */
export interface Call {
  readonly command: string
  readonly argv: readonly string[]
  readonly cwd: string
  readonly stdin: AsyncIterable<Uint8Array>
  readonly output: CallOutput
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** Runs a command and says its exit code; must not reject. */
export type AnswerCall = (call: Call) => Promise<number>

export interface ControlListener {
  readonly path: string
  /** Takes no more calls, ends those that run, and removes the socket. */
  close(): Promise<void>
}

/** Exit code for what may work later (sysexits' EX_TEMPFAIL). */
const tryLater = 75
const longestLine = 4 * 1024 * 1024
const stdinAhead = 1024 * 1024

/** The caller holds the data directory's lock, so a socket that is there is a dead server's. Mode 0660. */
export async function listenControl(path: string, answer: AnswerCall): Promise<ControlListener> {
  rmSync(path, { force: true })
  const clients = new Set<Socket>()
  const server = createServer((socket) => {
    clients.add(socket)
    socket.on('close', () => clients.delete(socket))
    serveClient(socket, answer)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
  chmodSync(path, 0o660)
  return {
    path,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of clients) socket.destroySoon()
      }),
  }
}

function serveClient(socket: Socket, answer: AnswerCall): void {
  const inputs = new Map<number, PassThrough>()
  const gone = new AbortController()
  const lines = new LineSplitter()
  socket.setEncoding('utf8')

  const say = (frame: Parameters<typeof formatServerFrame>[0]): void => {
    if (socket.writable) socket.write(formatServerFrame(frame))
  }

  const begin = async (call: CallFrame): Promise<void> => {
    const { id } = call
    const stdin = new PassThrough({ highWaterMark: stdinAhead })
    stdin.on('error', () => undefined) // its reader hears of it; without one it does not matter
    stdin.on('drain', () => socket.resume())
    if (call.stdin) inputs.set(id, stdin)
    else stdin.end()
    const code = await answer({
      command: call.command,
      argv: call.argv,
      cwd: call.cwd,
      stdin,
      output: {
        out: (text) => say({ kind: 'out', id, text }),
        err: (text) => say({ kind: 'err', id, text }),
        progress: (text) => say({ kind: 'progress', id, text }),
        drained: () => drained(socket),
      },
      signal: gone.signal,
    })
    inputs.delete(id)
    stdin.destroy()
    socket.resume()
    say({ kind: 'exit', id, code })
  }

  const take = (line: string): void => {
    const frame = readClientFrame(line)
    switch (frame.kind) {
      case 'call':
        void begin(frame)
        return
      case 'stdin':
        if (inputs.get(frame.id)?.write(frame.bytes) === false) socket.pause()
        return
      case 'end':
        inputs.get(frame.id)?.end()
        return
      case 'strange':
        say({ kind: 'err', id: frame.id, text: `posthorn: ${frame.words}\n` })
        say({ kind: 'exit', id: frame.id, code: tryLater })
    }
  }

  socket.on('data', (text: string) => {
    for (const line of lines.push(text)) take(line)
    if (lines.waiting > longestLine) socket.destroy()
  })
  socket.on('error', () => undefined) // 'close' follows and ends the calls
  socket.on('close', () => {
    gone.abort()
    for (const stdin of inputs.values()) stdin.destroy(new Error('the client went away'))
  })
}

/** Resolves when the socket's buffer is empty, or the client is gone. */
export function drained(socket: Socket): Promise<void> {
  if (!socket.writableNeedDrain || socket.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })
}
