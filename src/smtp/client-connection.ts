// A connection to the relay that has been greeted, secured and logged in: it delivers, rests, and says goodbye.
// Its law: between two deliveries the server owes us nothing, so whatever it says then ends the connection.
import assert from 'node:assert/strict'
import { Delivery } from './client-delivery.ts'
import type { Manners } from './client-manners.ts'
import type { Timeouts } from './client-relay.ts'
import type { Hooks, Loss, Next, SmtpConnection } from './client-transaction.ts'
import type { Wire, WireListener } from './client-wire.ts'
import type { Extensions } from './extensions.ts'

export class ClientConnection implements SmtpConnection {
  readonly extensions: Extensions
  readonly #wire: Wire
  readonly #timeouts: Timeouts
  readonly #manners: Manners
  #state: 'idle' | 'delivering' | 'closed' = 'idle'
  #needsReset = false

  constructor(wire: Wire, extensions: Extensions, timeouts: Timeouts, manners: Manners) {
    this.extensions = extensions
    this.#wire = wire
    this.#timeouts = timeouts
    this.#manners = manners
    this.#rest()
  }

  get reusable(): boolean {
    return this.#state === 'idle' && this.#wire.loss === null
  }

  get loss(): Loss | null {
    return this.#state === 'closed' ? null : this.#wire.loss
  }

  async deliver<T>(next: Next<T>, hooks: Hooks<T>): Promise<void> {
    assert(this.#state !== 'delivering', 'one delivery at a time over one connection')
    if (!this.reusable) return
    this.#state = 'delivering'
    const offered = this.extensions
    const [timeouts, manners] = [this.#timeouts, this.#manners]
    const delivery = new Delivery(this.#wire, offered, timeouts, manners, this.#needsReset, next, hooks)
    this.#wire.listener = delivery
    delivery.start()
    try {
      await delivery.finished
    } finally {
      this.#needsReset = delivery.needsReset
      if (this.#state === 'delivering') this.#state = 'idle'
      this.#rest()
    }
  }

  async quit(): Promise<void> {
    assert(this.#state !== 'delivering', 'QUIT comes after the delivery')
    const alive = this.reusable
    this.#state = 'closed'
    if (!alive) return
    const answered = Promise.withResolvers<void>()
    this.#wire.listener = {
      onReply: () => answered.resolve(),
      onWritten: () => undefined,
      onLost: () => answered.resolve(),
      patience: { milliseconds: this.#timeouts.quit, for: 'the answer to QUIT' },
    }
    this.#wire.say('QUIT')
    await answered.promise
    this.#wire.lose('closed')
  }

  destroy(): void {
    this.#wire.lose('cut from our side')
  }

  #rest(): void {
    this.#wire.listener = idle(this.#wire)
  }
}

/** A server may say 421 to a connection that rests too long (RFC 5321 §3.8), and nothing else. */
function idle(wire: Wire): WireListener {
  return {
    onReply: (reply) => wire.loseBy(reply),
    onWritten: () => undefined,
    onLost: () => undefined,
    patience: null,
  }
}
