// The mail server's side of the door in crash tests: hands posts in by LMTP (RFC 2033) and remembers which of them
// got their 250, for that is the promise that a crash must not break.
import { Buffer } from 'node:buffer'
import { connect, type Socket } from 'node:net'
import { listAddress, poster } from './crash-site.ts'

export interface Post {
  readonly no: number
  readonly bytes: Buffer
}

/** A post that the sink's copies can be told by; `size` in bytes, at least. */
export function makePost(no: number, size = 0): Post {
  const head = `From: ${poster}\r\nTo: ${listAddress}\r\nSubject: Tea ${no}\r\nMessage-ID: <post-${no}@example.com>\r\n\r\n`
  const line = 'The water boils, and the leaves are in the pot already.\r\n'
  const lines = Math.max(1, Math.ceil((size - head.length) / line.length))
  return { no, bytes: Buffer.from(head + line.repeat(lines)) }
}

/** Which post of `makePost` a message is; null for any other mail. */
export function postNumberOf(message: Buffer): number | null {
  const found = /^Message-ID: <post-(\d+)@example\.com>\r$/im.exec(message.toString('latin1', 0, 4096))
  return found === null ? null : Number(found[1])
}

/** How far a post gets before the client falls silent. */
export type StopAt = 'mid-data' | 'before-dot'

export class LmtpClient {
  readonly #socket: Socket
  #text = ''
  #over = false
  #wake: (() => void) | null = null

  /** Connects and greets; null when the server is gone. */
  static async open(port: number): Promise<LmtpClient | null> {
    const client = new LmtpClient(connect({ host: '127.0.0.1', port }))
    if ((await client.#reply()) === null) return null
    client.write('LHLO mail.example.org\r\n')
    return (await client.#reply()) === null ? null : client
  }

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#wake?.()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#over = true
      this.#wake?.()
    })
  }

  write(bytes: string | Buffer): void {
    this.#socket.write(bytes)
  }

  /** True with the 250 that promises the post; false when the connection broke before it. Throws on a refusal. */
  async post({ bytes }: Post): Promise<boolean> {
    if (!(await this.#envelope())) return false
    this.write(bytes)
    this.write('.\r\n')
    const reply = await this.#reply()
    if (reply !== null && !reply.startsWith('250 2.6.0')) throw new Error(`the post was refused: ${reply}`)
    return reply !== null
  }

  /** Sends a post up to `where` and nothing more. */
  async postUpTo({ bytes }: Post, where: StopAt): Promise<void> {
    if (!(await this.#envelope())) return
    this.write(where === 'mid-data' ? bytes.subarray(0, bytes.length / 2) : bytes)
  }

  close(): void {
    this.#socket.destroy()
  }

  async #envelope(): Promise<boolean> {
    this.write(`MAIL FROM:<${poster}>\r\nRCPT TO:<${listAddress}>\r\nDATA\r\n`)
    for (const wanted of ['250', '250', '354']) {
      const reply = await this.#reply()
      if (reply === null) return false
      if (!reply.startsWith(wanted)) throw new Error(`wanted ${wanted}, the server said: ${reply}`)
    }
    return true
  }

  /** The last line of the next reply; null when the connection ended before it was whole. */
  async #reply(): Promise<string | null> {
    for (;;) {
      const whole = /^(?:\d{3}-[^\n]*\n)*(\d{3} [^\r\n]*)\r\n/.exec(this.#text)
      if (whole !== null) {
        this.#text = this.#text.slice(whole[0].length)
        return whole[1] ?? ''
      }
      if (this.#over) return null
      await new Promise<void>((resolve) => (this.#wake = resolve))
      this.#wake = null
    }
  }
}
