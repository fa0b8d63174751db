// Stands in for the mail server at the end of the way: a real SMTP server on loopback (RFC 5321) that hands each
// message to whoever shows it. The demo's only. Law: what is shown is what came over the wire; lines are safe for a terminal.
import type { Server, Socket } from 'node:net'
import { type Clock, MINUTE, SECOND } from '../base/clock.ts'
import { type EnvelopeSender, parseEmailAddress } from '../mail/address.ts'
import { draftOf } from '../mail/draft.ts'
import { Headers } from '../mail/headers.ts'
import { everyPart, type Message, mediaType, parseMessage } from '../mail/message.ts'
import { messageIdOf } from '../mail/message-id.ts'
import { textOf } from '../mail/transfer-encoding.ts'
import { listen } from '../smtp/listening.ts'
import { reply } from '../smtp/reply.ts'
import { type ServerConnection, serve } from '../smtp/server-connection.ts'
import { Room } from '../smtp/server-room.ts'
import type { Receiver } from '../smtp/server-transaction.ts'
import type { Copy } from '../web/copies.ts'

/** One message as it was caught; no text holds control characters. */
export interface CaughtCopy {
  /** Counts from 1. */
  readonly number: number
  readonly sender: EnvelopeSender
  readonly recipients: readonly string[]
  readonly subject: string
  /** The first lines of the text, without empty ones. */
  readonly lines: readonly string[]
}

export interface MailCatcher {
  readonly port: number
  /** Connections are cut. */
  close(): Promise<void>
}

const linesShown = 4
const columnsShown = 100
const maxMessageSize = 64 * 1024 * 1024
const patience = 30 * SECOND

/** Listens on a free port of 127.0.0.1. Throws DoorRefusal. */
export async function openMailCatcher(
  clock: Clock,
  onCopy: (shown: CaughtCopy, whole: Copy) => void,
): Promise<MailCatcher> {
  let caught = 0
  const receiver: Receiver<string> = {
    recipient: ({ text }) => ({ good: text }),
    take: async ({ sender, recipients }, bytes) => {
      caught += 1
      const message = parseMessage(bytes)
      const shown = {
        number: caught,
        sender,
        recipients: recipients.map(({ text }) => visible(text)),
        ...shownOf(message),
      }
      onCopy(shown, {
        number: caught,
        sender,
        recipients: recipients.flatMap(({ text }) => parseEmailAddress(text) ?? []),
        at: clock.now(),
        messageId: messageIdOf(Headers.of(message)),
        bytes,
      })
      const answer = reply(250, '2.0.0', `caught as ${caught}`)
      return recipients.map(() => answer)
    },
    abandoned: () => undefined,
    confirmed: () => undefined,
  }
  const settings = {
    hostName: 'catcher.example.test',
    dialect: 'smtp',
    maxMessageSize,
    maxRecipients: 1000,
    idleTimeout: 5 * MINUTE, // RFC 5321 §4.5.3.2.7
  } as const
  const room = new Room(2 * maxMessageSize, patience)
  const open = new Map<Socket, ServerConnection>()
  const server = await listen({ host: '127.0.0.1', port: 0 }, (socket) => {
    open.set(socket, serve(socket, settings, receiver, room))
    socket.once('close', () => open.delete(socket))
  })
  return {
    port: portOf(server),
    close: async () => {
      for (const connection of open.values()) connection.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return address.port
}

function shownOf(message: Message): Pick<CaughtCopy, 'subject' | 'lines'> {
  const part = [...everyPart(message.root)].find(
    (each) => mediaType(each) === 'text/plain' && each.children.length === 0,
  )
  const text = part === undefined ? '(no plain text)' : textOf(message, part)
  const lines = text.split(/\r?\n/).map(visible)
  return {
    subject: visible(draftOf(message).headers.decoded('Subject') ?? '(none)'),
    lines: lines.filter((line) => line.trim() !== '').slice(0, linesShown),
  }
}

// Escape sequences that came by mail do not reach the terminal.
function visible(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu, ' ')
  return line.length > columnsShown ? `${line.slice(0, columnsShown)} …` : line
}
