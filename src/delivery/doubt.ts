// Counts the recipients in doubt, and gives their places back in the order in which the results came in: a copy that
// a crash may repeat is then among the last ones that were sent, whatever page it belongs to (design §3.5).

/** The result of one transaction, until it is committed. */
export interface Doubtful<P> {
  readonly page: P
  readonly recipients: number
}

export class Doubt<P> {
  readonly #limit: number
  #count = 0
  /** Results in the order in which they came in; committed ones wait here for those before them. */
  #results: Doubtful<P>[] = []
  readonly #committed = new Set<Doubtful<P>>()
  /** Pages whose commit fails: they hold their own places, and nobody else's. */
  readonly #stuck = new Set<P>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get count(): number {
    return this.#count
  }

  /** One transaction always has room, however large. */
  hasRoomFor(recipients: number): boolean {
    return this.#count === 0 || this.#count + recipients <= this.#limit
  }

  admit(recipients: number): void {
    this.#count += recipients
  }

  giveBack(recipients: number): void {
    this.#count -= recipients
  }

  /** The result of recipients that were admitted came in. */
  entered(page: P, recipients: number): void {
    if (recipients > 0) this.#results.push({ page, recipients })
  }

  /** Results of the page that are not committed. */
  of(page: P): readonly Doubtful<P>[] {
    return this.#results.filter((result) => result.page === page && !this.#committed.has(result))
  }

  committed(results: readonly Doubtful<P>[]): void {
    for (const result of results) this.#committed.add(result)
    this.#release()
  }

  stuck(page: P, stuck: boolean): void {
    if (stuck) this.#stuck.add(page)
    else this.#stuck.delete(page)
    this.#release()
  }

  #release(): void {
    const left: Doubtful<P>[] = []
    let allBefore = true
    for (const result of this.#results) {
      if (allBefore && this.#committed.delete(result)) {
        this.#count -= result.recipients
        continue
      }
      left.push(result)
      if (!this.#stuck.has(result.page)) allBefore = false
    }
    this.#results = left
  }
}
