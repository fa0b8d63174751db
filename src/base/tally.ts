// Counters that several threads see: one thread counts, another reads, and nothing is sent between them. They outlive
// the thread that counts, so that one that dies takes no numbers with it.

export interface Tally<Name extends string> {
  add(name: Name, by?: number): void
  /** Since the memory was made. */
  read(): Readonly<Record<Name, number>>
}

const cellBytes = BigInt64Array.BYTES_PER_ELEMENT

export const tallyMemory = (names: readonly string[]): SharedArrayBuffer =>
  new SharedArrayBuffer(names.length * cellBytes)

/** Both sides give the same names in the same order. */
export function tallyOn<Name extends string>(names: readonly Name[], memory: SharedArrayBuffer): Tally<Name> {
  const cells = new BigInt64Array(memory)
  const places = new Map(names.map((name, at) => [name, at]))
  return {
    add: (name, by = 1) => {
      const at = places.get(name)
      if (at !== undefined) Atomics.add(cells, at, BigInt(by))
    },
    read: () => {
      const counts = names.map((name, at) => [name, Number(Atomics.load(cells, at))] as const)
      return Object.fromEntries(counts) as Record<Name, number>
    },
  }
}
