// Which clients know that we have their mail: confirmed lazily, many in one commit (design: a retry is not a
// second post). What is not confirmed at a crash counts as never answered, so a retry of it is a repeat.
import { SECOND } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Store } from '../store/store.ts'
import { confirmReceptions } from '../store/units/reception.ts'

export interface Told {
  readonly reception: number
  /** The transaction's hash, as a key. */
  readonly key: string
}

const batch = 100
const patience = SECOND
// While the store is down; those beyond it stay unconfirmed.
const kept = 10_000

export class Confirmations {
  readonly #store: Store
  readonly #log: Log
  #pending: Told[] = []
  #keys = new Set<string>()
  #timer: NodeJS.Timeout | null = null
  #closed = false

  constructor(store: Store, log: Log) {
    this.#store = store
    this.#log = log
  }

  add(told: Told): void {
    this.#pending.push(told)
    this.#keys.add(told.key)
    if (this.#pending.length >= batch) void this.flush()
    else this.#timer ??= setTimeout(() => void this.flush(), patience)
  }

  /**
   * A transaction is about to be committed: if the same one was confirmed a moment ago, that goes first. Units
   * are committed in the order in which they were given, so there is nothing to wait for.
   */
  before(key: string): void {
    if (this.#keys.has(key)) void this.flush()
  }

  /** After it nothing is tried again by itself. */
  close(): Promise<void> {
    this.#closed = true
    return this.flush()
  }

  /** Resolves when all that were pending are committed, or the store has refused them. */
  async flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#pending.length === 0) return
    const sent = this.#pending
    this.#pending = []
    this.#keys = new Set()
    try {
      await this.#store.commit(confirmReceptions, { receptions: sent.map(({ reception }) => reception) })
    } catch (fault) {
      this.#log.warn('lmtp.confirmations-deferred', { count: sent.length, fault: String(fault) })
      if (this.#pending.length + sent.length > kept) return
      for (const told of sent) this.#keys.add(told.key)
      this.#pending = [...sent, ...this.#pending]
      if (!this.#closed) this.#timer ??= setTimeout(() => void this.flush(), patience)
    }
  }
}
