// Hands one message to an SMTP or LMTP server and gives back all it answered; for stories and faults, where the
// replies are the proof.
import { once } from 'node:events'
import { connect } from 'node:net'

export interface HandIn {
  /** The loopback address unless said. */
  readonly host?: string
  readonly port: number
  /** Where we come from: 127.0.0.2 is a stranger to those who trust 127.0.0.1. */
  readonly localAddress?: string
  readonly dialect?: 'smtp' | 'lmtp'
  /** '' is the null sender. */
  readonly from: string
  readonly to: readonly string[]
  /** None: only the recipients are asked about. */
  readonly message?: Buffer | string
  /** Behind MAIL FROM, as ` BODY=8BITMIME SMTPUTF8`. */
  readonly parameters?: string
  /** Goes away after the final dot, without waiting for the reply. */
  readonly hangUp?: boolean
}

export interface Answers {
  /** One reply for each RCPT. */
  readonly recipients: readonly string[]
  /** After the final dot: one by SMTP, one for each recipient taken by LMTP; none when no data was sent. */
  readonly end: readonly string[]
}

const longest = 30_000

/** Rejects when the server hangs up or does not answer for 30 s. */
export async function handIn(what: HandIn): Promise<Answers> {
  const {
    host = '127.0.0.1',
    port,
    localAddress,
    dialect = 'lmtp',
    from,
    to,
    message,
    parameters = '',
    hangUp = false,
  } = what
  const socket = connect({ port, host, localAddress }).setTimeout(longest, () =>
    socket.destroy(new Error('no answer')),
  )
  let text = ''
  let wake: () => void = () => undefined
  let over: Error | null = null
  socket.on('data', (chunk) => {
    text += chunk.toString('utf8')
    wake()
  })
  socket.on('error', (fault) => {
    over = fault
  })
  socket.on('close', () => {
    over ??= new Error('the server hung up')
    wake()
  })
  const reply = async (): Promise<string> => {
    for (;;) {
      const whole = /^(?:\d{3}-.*\r\n)*\d{3}(?: .*)?\r\n/.exec(text)?.[0]
      if (whole !== undefined) {
        text = text.slice(whole.length)
        return whole.trimEnd()
      }
      if (over !== null) throw over
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  const say = (line: string): Promise<string> => {
    socket.write(`${line}\r\n`)
    return reply()
  }

  try {
    await reply()
    await say(`${dialect === 'lmtp' ? 'LHLO' : 'EHLO'} client.example.test`)
    const mail = await say(`MAIL FROM:<${from}>${parameters}`)
    if (!mail.startsWith('250')) return { recipients: to.map(() => mail), end: [] }
    const recipients: string[] = []
    for (const one of to) recipients.push(await say(`RCPT TO:<${one}>`))
    const taken = recipients.filter((one) => one.startsWith('250')).length
    if (message === undefined || taken === 0) return { recipients, end: [] }
    await say('DATA')
    socket.write(onTheWire(message))
    if (hangUp) {
      socket.end()
      await once(socket, 'close')
      return { recipients, end: [] }
    }
    const end: string[] = []
    while (end.length < (dialect === 'lmtp' ? taken : 1)) end.push(await reply())
    await say('QUIT')
    return { recipients, end }
  } finally {
    socket.destroy()
  }
}

/** Dots doubled at line starts, and the final dot (RFC 5321 §4.5.2). The message has CRLF line ends. */
function onTheWire(message: Buffer | string): Buffer {
  const stuffed = (typeof message === 'string' ? Buffer.from(message) : message)
    .toString('latin1')
    .replace(/^\./gm, '..')
  return Buffer.from(`${stuffed}${stuffed.endsWith('\r\n') ? '' : '\r\n'}.\r\n`, 'latin1')
}

/** A post: header lines with LF become CRLF; a Message-ID made from `id`. */
export function post(
  from: string,
  to: string,
  id: string,
  more: { header?: string; body?: string } = {},
): string {
  const { header = '', body = `The water boils, ${id}.\n.a line that begins with a dot\n` } = more
  return `From: ${from}\nTo: ${to}\nSubject: tea ${id}\nMessage-ID: <${id}@client.example.test>\nDate: Wed, 25 Nov 2026 12:00:00 +0000\n${header}\n${body}`.replace(
    /\r?\n/g,
    '\r\n',
  )
}
