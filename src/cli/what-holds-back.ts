// Why nothing goes out at the moment, in the words that queue, trace and status have for it.
import { deliveryPause } from '../store/units/pausing.ts'
import type { CommandContext } from './command.ts'
import { plain, timeOf } from './words.ts'

export const pausedWords = ({ since, why }: { readonly since: number; readonly why: string }): string =>
  `delivery is paused since ${timeOf(since)}: ${plain(why)}; 'posthorn delivery resume' lets it go on`

export const relayDownWords = (words: string): string =>
  `the relay takes no mail: ${plain(words)}; see the mail server's log. It is tried again by itself, at least once a minute`

/** Null while mail leaves, and where no server is there to ask. */
export async function whatHoldsBack({
  services: { store },
  server,
}: Pick<CommandContext, 'services' | 'server'>): Promise<string | null> {
  const pause = store.read(deliveryPause, null)
  if (pause !== null) return pausedWords(pause)
  const relay = (await server.status())?.relay
  return relay?.state === 'down' ? relayDownWords(relay.words) : null
}
