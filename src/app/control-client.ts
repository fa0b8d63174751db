// The command line's side of the control socket: hands a command to the running server, streams its input, and
// passes on what the server says.
import { createConnection, type Socket } from 'node:net'
import { drained } from './control.ts'
import { formatClientFrame, LineSplitter, readServerFrame, type ServerFrame } from './control-protocol.ts'

export interface ControlRequest {
  readonly command: string
  readonly argv: readonly string[]
  readonly cwd: string
  /** Null: the command reads nothing. */
  readonly stdin: AsyncIterable<Uint8Array> | null
}

/** Where the server's words go; each is waited for, so that a slow reader slows the server down. */
export type Hear = (frame: Exclude<ServerFrame, { kind: 'exit' }>) => Promise<void> | void

export type Answered =
  | { readonly kind: 'exit'; readonly code: number }
  /** No server listens there. */
  | { readonly kind: 'nobody' }
  /** There is a socket, but it is not for us; words for the operator. */
  | { readonly kind: 'refused'; readonly words: string }
  /** The server went away before it said how the command ended. */
  | { readonly kind: 'lost' }

const chunkSize = 48 * 1024

/** Rejects only with what the caller's own input or `hear` throws. */
export async function callServer(path: string, request: ControlRequest, hear: Hear): Promise<Answered> {
  const connected = await connect(path)
  if ('kind' in connected) return connected
  const { socket } = connected
  socket.setEncoding('utf8')
  const lines = new LineSplitter()
  const { command, argv, cwd, stdin } = request
  socket.write(formatClientFrame({ kind: 'call', id: 1, command, argv, cwd, stdin: stdin !== null }))
  const feeding = stdin === null ? Promise.resolve() : feed(socket, stdin)
  // A fault of our own input ends the call: the server sees the client go.
  let inputFault: unknown = null
  feeding.catch((fault: unknown) => {
    inputFault = fault
    socket.destroy()
  })
  try {
    for await (const text of socket) {
      for (const line of lines.push(String(text))) {
        const frame = readServerFrame(line)
        if (frame === null) continue
        if (frame.kind === 'exit') return { kind: 'exit', code: frame.code }
        await hear(frame)
      }
    }
  } catch (fault) {
    if (inputFault === null && !isConnectionFault(fault)) throw fault
  } finally {
    socket.destroy()
  }
  if (inputFault !== null) throw inputFault
  return { kind: 'lost' }
}

async function feed(socket: Socket, stdin: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const bytes of stdin) {
    for (let at = 0; at < bytes.length; at += chunkSize) {
      if (socket.destroyed) return
      socket.write(formatClientFrame({ kind: 'stdin', id: 1, bytes: bytes.subarray(at, at + chunkSize) }))
      await drained(socket)
    }
  }
  if (!socket.destroyed) socket.write(formatClientFrame({ kind: 'end', id: 1 }))
}

// No socket, nobody behind it, or no directory where it would be: what is wrong there is told by who needs it.
const nobody = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR'])

function connect(path: string): Promise<{ readonly socket: Socket } | Answered> {
  return new Promise((resolve) => {
    const socket = createConnection(path)
    socket.once('connect', () => {
      socket.off('error', failed)
      socket.on('error', () => undefined) // the reading loop hears of it
      resolve({ socket })
    })
    const failed = (fault: NodeJS.ErrnoException) => {
      if (nobody.has(fault.code ?? '')) resolve({ kind: 'nobody' })
      else
        resolve({
          kind: 'refused',
          words: `the server's control socket ${path} cannot be used (${fault.code ?? fault.message}); run this as the user that runs Posthorn, or as a member of its group`,
        })
    }
    socket.once('error', failed)
  })
}

const isConnectionFault = (fault: unknown): boolean => {
  const code = (fault as NodeJS.ErrnoException | null)?.code
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE'
}
