// Ties a dialogue to its socket: silence, slow readers, half-closed and broken connections (RFC 5321 §4.5.3.2.7).
// Law: a connection always ends; what it held is given back, and its last reply has left if the peer reads.
import type { Socket } from 'node:net'
import { SECOND } from '../base/clock.ts'
import type { Reply } from './reply.ts'
import { formatReply } from './reply.ts'
import { Dialogue, type DialogueSettings } from './server-dialogue.ts'
import type { Room } from './server-room.ts'
import type { Receiver } from './server-transaction.ts'

export interface ServerConnection {
  /** 421 as soon as no message is on its way in. */
  leave(): void
  /** At once, without a word. */
  destroy(): void
}

const backlogAllowed = 65_536
// A peer that does not close after our last word is cut off.
const lingering = 2 * SECOND

/** `socket` is open on both halves (`allowHalfOpen`). `idleTimeout` in milliseconds. */
export function serve<R>(
  socket: Socket,
  settings: DialogueSettings & { readonly idleTimeout: number },
  receiver: Receiver<R>,
  room: Room,
): ServerConnection {
  let unread = false // replies wait because the client does not read
  const pace = (): void => {
    const stop = unread || dialogue.backlogSize > backlogAllowed
    if (stop !== socket.isPaused()) {
      if (stop) socket.pause()
      else socket.resume()
    }
  }
  const dialogue = new Dialogue(
    settings,
    receiver,
    {
      write: (text) => {
        if (!socket.write(text)) unread = true
      },
      ready: () => pace(),
      end: () => endPolitely(socket),
    },
    room,
  )
  socket.on('data', (chunk: Buffer) => {
    dialogue.feed(chunk)
    pace()
  })
  socket.on('drain', () => {
    unread = false
    pace()
  })
  socket.on('end', () => dialogue.peerEnded())
  socket.on('error', () => dialogue.lost())
  socket.on('close', () => dialogue.lost())
  socket.setTimeout(settings.idleTimeout, () => {
    if (!dialogue.busy) dialogue.tooIdle()
  })
  return { leave: () => dialogue.leave(), destroy: () => socket.destroy() }
}

/** One reply instead of a greeting, and the end (RFC 5321 §3.1). */
export function turnAway(socket: Socket, reply: Reply): void {
  socket.on('error', () => undefined)
  socket.write(formatReply(reply))
  endPolitely(socket)
}

// What still comes is read and forgotten: closing over unread octets would reset the connection, and the
// client might never see the last reply.
function endPolitely(socket: Socket): void {
  socket.setTimeout(0)
  socket.end()
  socket.removeAllListeners('data')
  socket.on('data', () => undefined)
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), lingering)
  socket.once('close', () => clearTimeout(timer))
}
