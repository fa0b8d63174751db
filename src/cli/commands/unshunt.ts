// posthorn unshunt: what was set aside goes on where it stopped.
import { unparkOutgoing } from '../../store/units/outgoing.ts'
import { discardShunted, unshuntItems } from '../../store/units/queue.ts'
import { defineCommand, EX } from '../command.ts'
import { UsageFault } from '../options.ts'
import { counted } from '../words.ts'
import { parseEntry } from './queue.ts'

export const unshunt = defineCommand({
  name: 'unshunt',
  summary: 'Put back what was set aside',
  about: `  Puts back all entries that were set aside, or those with the NUMBERs that 'posthorn queue'
  shows (17, or o4 for mail that goes out). They go on where they stopped.`,
  examples: ['posthorn unshunt', 'posthorn unshunt 17 o4', 'posthorn unshunt --discard 17'],
  options: {
    discard: { kind: 'flag', short: 'd', help: 'Delete them for good instead; never mail that goes out.' },
  },
  args: { number: 'rest' },
  async run({ services: { store, clock, log }, server, out }, { number: numbers, discard }) {
    const entries = numbers.map(parseEntry)
    const all = entries.length === 0
    const items = entries.flatMap((entry) => ('item' in entry ? [entry.item] : []))
    const outgoing = entries.flatMap((entry) => ('outgoing' in entry ? [entry.outgoing] : []))
    if (discard) {
      if (outgoing.length > 0)
        throw new UsageFault(
          'Only mail that came in can be discarded; what goes out ends with its retry period.',
        )
      const gone = await store.commit(discardShunted, { items: all ? null : items })
      log.warn('queue.discarded', { items: all ? 'all' : items, discarded: gone })
      if (!all && gone < items.length)
        out.errorLine(`${items.length - gone} of ${items.length} were not set aside, and were left alone`)
      return !all && gone < items.length ? EX.notFound : EX.ok
    }
    const now = clock.now()
    const back =
      (all || items.length > 0 ? await store.commit(unshuntItems, { items: all ? null : items, now }) : 0) +
      (all || outgoing.length > 0
        ? await store.commit(unparkOutgoing, { outgoing: all ? null : outgoing, now })
        : 0)
    if (back > 0) {
      log.info('queue.unshunted', { entries: all ? 'all' : numbers, unshunted: back })
      server.wake(true)
    }
    if (all || back === numbers.length) return EX.ok
    out.errorLine(
      `${counted(numbers.length - back, 'entry', 'entries')} of ${numbers.length} had not been set aside, or are not there; 'posthorn queue list --aside' shows those that are`,
    )
    return EX.notFound
  },
})
