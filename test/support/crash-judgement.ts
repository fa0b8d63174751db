// What a crash may and may not do, judged from the sink's log alone (design §8): nothing that got a 250 is missing,
// no post comes to a part of the members only, and a repeat is one of the last recipients in doubt before a kill.
import { Sink, type SinkOptions } from '../mta-lab/sink.mjs'
import { postNumberOf } from './crash-client.ts'
import { memberAddress } from './crash-site.ts'

/** One transaction that the sink took, while this boot of the server was the latest. */
export interface Taken {
  /** The sink's number of it. */
  readonly id: number
  readonly boot: number
  readonly post: number
  readonly to: readonly string[]
}

export interface WatchedSink {
  readonly sink: Sink
  readonly taken: readonly Taken[]
  /** Recipients taken so far. */
  recipients: number
  /** Called after each transaction is in the log. */
  onTaken: () => void
  /** All that the killed server still had on the way is read: what comes now is from the next boot. */
  nextBoot(): Promise<void>
}

/** A sink that writes down which post each member got, in the order in which it took them. */
export async function watchedSink(options: Partial<SinkOptions> = {}, firstBoot = 0): Promise<WatchedSink> {
  const taken: Taken[] = []
  let boot = firstBoot
  const watched: Omit<WatchedSink, 'sink'> = {
    taken,
    recipients: 0,
    onTaken: () => undefined,
    nextBoot: async () => {
      while (sink.stats().open > 0) await new Promise((resolve) => setImmediate(resolve))
      boot += 1
    },
  }
  const sink = await new Sink({
    keep: true,
    ...options,
    onMessage: (self, id, body) => {
      const post = postNumberOf(body)
      if (post === null) return
      const to = self.messages.at(-1)?.to ?? []
      taken.push({ id, boot, post, to })
      watched.recipients += to.length
      watched.onTaken()
    },
  }).listen()
  return Object.assign(watched, { sink })
}

export interface Promised {
  /** Posts that got their 250. */
  readonly acknowledged: ReadonlySet<number>
  readonly members: number
  readonly inDoubt: number
}

/** What is wrong with the log, in words; empty when the promise was kept. */
export function judgeLog(taken: readonly Taken[], promised: Promised): readonly string[] {
  return [...judgeCompleteness(taken, promised), ...judgeRepeats(taken, promised.inDoubt)]
}

function judgeCompleteness(taken: readonly Taken[], { acknowledged, members }: Promised): readonly string[] {
  const wrong: string[] = []
  const reached = new Map<number, Set<string>>()
  for (const { post, to } of taken) {
    const them = reached.get(post) ?? new Set()
    for (const address of to) them.add(address)
    reached.set(post, them)
  }
  for (const post of acknowledged) {
    if (!reached.has(post)) wrong.push(`post ${post} got its 250 and reached nobody`)
  }
  for (const [post, them] of reached) {
    const missing = Array.from({ length: members }, (_, i) => memberAddress(i + 1)).filter(
      (m) => !them.has(m),
    )
    if (missing.length > 0)
      wrong.push(
        `post ${post} (${acknowledged.has(post) ? 'with' : 'without'} its 250) missed ${missing.length} members, the first is ${missing[0]}`,
      )
    if (them.size > members - missing.length) wrong.push(`post ${post} reached strangers`)
  }
  return wrong
}

function judgeRepeats(taken: readonly Taken[], inDoubt: number): readonly string[] {
  const wrong: string[] = []
  const again = new Map<string, number>() // of a post and a member: the boot of a later copy
  let boot = Number.POSITIVE_INFINITY
  let afterIt = 0 // recipients of the boot that were taken later
  for (const { boot: of, post, to } of taken.toReversed()) {
    if (of !== boot) afterIt = 0
    boot = of
    for (const address of to.toReversed()) {
      const key = `${post} ${address}`
      const later = again.get(key)
      if (later === of) wrong.push(`post ${post} went to ${address} twice in boot ${of}`)
      else if (later !== undefined && afterIt >= inDoubt)
        wrong.push(
          `post ${post} went to ${address} again in boot ${later}, although boot ${of} had sent ${afterIt} more after it (in_doubt ${inDoubt})`,
        )
      again.set(key, of)
      afterIt += 1
    }
  }
  return wrong
}

/** How many copies came more than once. */
export function countRepeats(taken: readonly Taken[]): number {
  const copies = taken.flatMap(({ post, to }) => to.map((address) => `${post} ${address}`))
  return copies.length - new Set(copies).size
}
