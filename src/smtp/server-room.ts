// Bounds the bytes of messages that are being received over all connections: who finds it full waits, so that
// memory is bounded and the other side is slowed by TCP. Law: the oldest message may always go on, so that
// messages that are half in never wait for each other.

/** One message that is coming in. */
export interface Holder {
  bytes: number
}

export class Room {
  readonly #limit: number
  readonly #patience: number
  readonly #holders = new Set<Holder>()
  readonly #waiting = new Map<Holder, (mayGoOn: boolean) => void>()
  #used = 0

  /** `limit` in bytes; `patience` in milliseconds: how long a message waits at most. */
  constructor(limit: number, patience: number) {
    this.#limit = limit
    this.#patience = patience
  }

  get used(): number {
    return this.#used
  }

  /** A message begins. */
  enter(): Holder {
    const holder = { bytes: 0 }
    this.#holders.add(holder)
    return holder
  }

  /** It holds so many bytes now. */
  hold(holder: Holder, bytes: number): void {
    const more = bytes - holder.bytes
    this.#used += more
    holder.bytes = bytes
    if (more < 0) this.#wake()
  }

  mayGoOn(holder: Holder): boolean {
    return this.#used < this.#limit || this.#oldest === holder
  }

  /** Resolves with true when it may go on, with false when it waited too long or left. */
  wait(holder: Holder): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(false), this.#patience)
      const settle = (mayGoOn: boolean): void => {
        clearTimeout(timer)
        this.#waiting.delete(holder)
        resolve(mayGoOn)
      }
      this.#waiting.set(holder, settle)
    })
  }

  leave(holder: Holder): void {
    this.#holders.delete(holder)
    this.#used -= holder.bytes
    holder.bytes = 0
    this.#waiting.get(holder)?.(false)
    this.#wake()
  }

  get #oldest(): Holder | undefined {
    return this.#holders.values().next().value
  }

  #wake(): void {
    if (this.#waiting.size === 0) return
    for (const [holder, settle] of [...this.#waiting]) if (this.mayGoOn(holder)) settle(true)
  }
}
