// Reads the story of a recorded run out of its journal: when each post was promised, what the relay was known to have
// taken, and which syncs lay between the last octet of a post and its 250.
import type { Entry } from './journal.ts'

/** A post got its 250: places in the journal. */
export interface Promise250 {
  readonly post: number
  /** Of the last octets that the server read before. */
  readonly lastReadAt: number
  readonly answeredAt: number
}

/** The server has read that the relay took a message. */
export interface KnownTaken {
  /** The sink's number of it. */
  readonly id: number
  readonly at: number
}

export interface Story {
  readonly promises: readonly Promise250[]
  readonly taken: readonly KnownTaken[]
}

export function readStory(entries: readonly Entry[]): Story {
  const promises: Promise250[] = []
  const taken: KnownTaken[] = []
  const underWay = new Map<number, { post: number; lastReadAt: number }>() // by socket
  const halfLines = new Map<number, string>()
  for (const [at, entry] of entries.entries()) {
    if (entry.kind === 'received') {
      const text = (halfLines.get(entry.socket) ?? '') + entry.bytes.toString('latin1')
      const post = /^Message-ID: <post-(\d+)@/im.exec(text)?.[1]
      const reading = underWay.get(entry.socket)
      if (post !== undefined) underWay.set(entry.socket, { post: Number(post), lastReadAt: at })
      else if (reading !== undefined) reading.lastReadAt = at
      for (const [, id] of text.matchAll(/^250 2\.0\.0 taken as (\d+)\r\n/gm))
        taken.push({ id: Number(id), at })
      halfLines.set(entry.socket, text.slice(text.lastIndexOf('\n') + 1))
    } else if (entry.kind === 'sent' && entry.bytes.subarray(0, 10).toString('latin1') === '250 2.6.0 ') {
      const reading = underWay.get(entry.socket)
      if (reading === undefined) throw new Error('a 250 without a post before it')
      promises.push({ ...reading, answeredAt: at })
      underWay.delete(entry.socket)
    }
  }
  return { promises, taken }
}

/** Paths of what was synced between two places of the journal, directories among them. */
export function syncedBetween(entries: readonly Entry[], from: number, to: number): ReadonlySet<string> {
  const paths = new Map<number, string>()
  const synced = new Set<string>()
  for (const [at, entry] of entries.entries()) {
    if (at >= to) break
    if (entry.kind === 'opened') paths.set(entry.inode, entry.path)
    if (entry.kind === 'synced' && at > from) synced.add(paths.get(entry.inode) ?? '')
  }
  return synced
}
