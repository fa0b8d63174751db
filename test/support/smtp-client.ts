// What the tests of the client share: a sink or a scripted server on a real socket, a relay that points there, and
// transactions with their results gathered.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type EmailAddress, parseEmailAddress } from '../../src/mail/address.ts'
import {
  type Hooks,
  openConnection,
  type Relay,
  type SmtpConnection,
  standardTimeouts,
  type Transaction,
  type TransactionResult,
} from '../../src/smtp/client.ts'
import { Sink, type SinkOptions } from '../mta-lab/sink.mjs'

export function address(text: string): EmailAddress {
  const parsed = parseEmailAddress(text)
  if (parsed === null) throw new Error(`no address: ${text}`)
  return parsed
}

export function relayAt(port: number, more: Partial<Relay> = {}): Relay {
  return {
    host: '127.0.0.1',
    port,
    security: 'plain',
    verifyCertificate: true,
    verifyHostname: true,
    credentials: null,
    heloName: 'lists.example.org',
    timeouts: standardTimeouts,
    ...more,
  }
}

const text = Buffer.from('Subject: tea\r\n\r\nAt five.\r\n')

export function transaction(tag: number, more: Partial<Transaction<number>> = {}): Transaction<number> {
  return {
    tag,
    from: address(`tea-bounces+${tag}@lists.example.org`),
    recipients: [address(`ann${tag}@example.org`)],
    pieces: [text],
    size: text.length,
    eightBit: false,
    smtpUtf8: false,
    ...more,
  }
}

/** `next` over an array: the first waits, if at all, in the caller's hands. */
export function oneByOne<T>(transactions: readonly Transaction<T>[]): () => Transaction<T> | null {
  const left = [...transactions]
  return () => left.shift() ?? null
}

export interface Told {
  readonly tag: number
  readonly result: TransactionResult
}

export async function deliverAll(
  connection: SmtpConnection,
  transactions: readonly Transaction<number>[],
  hooks: Partial<Hooks<number>> = {},
): Promise<Told[]> {
  const told: Told[] = []
  await connection.deliver(oneByOne(transactions), {
    done: ({ tag }, result) => told.push({ tag, result }),
    ...hooks,
  })
  return told
}

/** `mail rcpt,rcpt end lost`, codes only: short enough to read in a table. */
export function brief({ result: { mail, recipients, end, lost } }: Told): string {
  const code = (reply: { code: number } | null): string => String(reply?.code ?? '-')
  return [code(mail), recipients.map(code).join(','), code(end), lost ?? 'kept'].join(' ')
}

export async function opened(relay: Relay): Promise<SmtpConnection> {
  const result = await openConnection(relay)
  if ('trouble' in result) throw new Error(result.trouble.words)
  return result.connection
}

/** A sink, for the time of `use`. */
export async function withSink(
  options: Partial<SinkOptions>,
  use: (sink: Sink) => Promise<void>,
): Promise<void> {
  const sink = await new Sink({ keep: true, ...options }).listen()
  try {
    await use(sink)
  } finally {
    await sink.close()
  }
}

/** A server that does to each connection what `serve` says. */
export async function withServer(
  serve: (socket: Socket) => void,
  use: (port: number) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    serve(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    await use((server.address() as AddressInfo).port)
  } finally {
    for (const socket of sockets) socket.destroy()
    await new Promise((closed) => server.close(closed))
  }
}

/** Calls `onLine` for each line a client sends, without CRLF. */
export function onLines(socket: Socket, onLine: (line: string) => void): void {
  let held = ''
  socket.on('data', (chunk) => {
    const lines = (held + chunk.toString('latin1')).split('\r\n')
    held = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  })
}
