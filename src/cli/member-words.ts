// What the commands about members share: how they reach people by letter, and what they say of lines they skip.
import type { Mailbox } from '../mail/address-list.ts'
import type { LineAnswer, MemberLetters } from '../membership/member-lines.ts'
import type { MailingList } from '../model/list.ts'
import type { DeliveryStatus, MemberDelivery, Role } from '../model/member.ts'
import { goodbye, type LetterPlace, mostNamed, rosterChanged, welcome } from '../notices/membership.ts'
import { administratorsOf, letterTo } from '../notices/sending.ts'
import type { Services } from '../services.ts'
import { sendLetters } from '../store/units/letters.ts'
import type { Output } from './command.ts'
import { plain } from './words.ts'

/** `-R`, as `members` and `findmember` take it. */
export const roleChoices = {
  any: ['owner', 'moderator', 'nonmember', 'member'],
  owner: ['owner'],
  moderator: ['moderator'],
  nonmember: ['nonmember'],
  member: ['member'],
  administrator: ['owner', 'moderator'],
} as const satisfies Readonly<Record<string, readonly Role[]>>

/** `-d`, as `addmembers` and `syncmembers` take it. */
export const deliveryChoices: Readonly<Record<string, readonly [MemberDelivery, DeliveryStatus]>> = {
  regular: ['regular', 'enabled'],
  mime: ['mime_digests', 'enabled'],
  plain: ['plaintext_digests', 'enabled'],
  summary: ['summary_digests', 'enabled'],
  disabled: ['regular', 'by_moderator'],
}

/** The two of a choice; regular unless given. */
export function deliveryOf(choice: string | null): readonly [MemberDelivery, DeliveryStatus] {
  return deliveryChoices[choice ?? 'regular'] ?? ['regular', 'enabled']
}

const skipped = {
  unreadable: 'Cannot parse as valid email address (skipping)',
  already: 'Already subscribed (skipping)',
  banned: 'Membership is banned (skipping)',
  'not-there': 'Member not subscribed (skipping)',
} as const

const longestShown = 200

/** Mailman's words for a line that was skipped, and where it is; null for one that was not. */
export function skippedWords({ outcome, line, no }: LineAnswer<string>, numbered = true): string | null {
  const words = (skipped as Readonly<Record<string, string | undefined>>)[outcome]
  if (words === undefined) return null
  const text = plain(line)
  const shown = text.length > longestShown ? `${text.slice(0, longestShown)}…` : text
  return numbered ? `${words}: ${shown} (line ${no})` : `${words}: ${shown}`
}

/** Tells the lines of a batch that were skipped, or whose name was lost, and waits until they have left. */
export async function tellSkipped(
  out: Output,
  answers: readonly LineAnswer<string>[],
  numbered = true,
): Promise<void> {
  for (const answer of answers) {
    const words = skippedWords(answer, numbered)
    if (words !== null) out.errorLine(words)
    else if (answer.garbled)
      out.errorLine(`Not UTF-8, the name was left out: ${answer.member?.address ?? ''} (line ${answer.no})`)
  }
  await out.drained()
}

/** What a letter about this list needs to know of the site. */
export function placeOf(
  { config, clock }: Pick<Services, 'config' | 'clock'>,
  list: MailingList,
): LetterPlace {
  return {
    list,
    templateDir: config.paths.templateDir,
    siteOwner: config.mailman.siteOwner,
    date: clock.now(),
  }
}

/** `wanted` null: as the list says. Undefined for no letters. */
export function lettersTo(
  services: Services,
  list: MailingList,
  kind: 'welcome' | 'goodbye',
  { wanted, isDigest = false }: { readonly wanted: boolean | null; readonly isDigest?: boolean },
): MemberLetters | undefined {
  const { sendWelcomeMessage, sendGoodbyeMessage } = list.settings
  if (!(wanted ?? (kind === 'welcome' ? sendWelcomeMessage : sendGoodbyeMessage))) return undefined
  const place = placeOf(services, list)
  return {
    retryPeriod: services.config.mta.deliveryRetryPeriod,
    write: (to) => {
      const written = kind === 'welcome' ? welcome(place, to, isDigest) : goodbye(place, to)
      if (written === null) return null
      return letterTo(list, { kind: 'addresses', addresses: [to.address] }, written, null, 'out')
    },
  }
}

/** Collects who came or went, for the one letter that tells the administrators of all of them. */
export class RosterNews {
  readonly #what: 'subscribe' | 'unsubscribe'
  readonly #named: Mailbox[] = []
  #count = 0

  constructor(what: 'subscribe' | 'unsubscribe') {
    this.#what = what
  }

  /** How many there are so far. */
  get count(): number {
    return this.#count
  }

  add(name: string, address: Mailbox['address']): void {
    this.#count += 1
    if (this.#named.length < mostNamed) this.#named.push({ name, address })
  }

  /** Sends it where it is wanted (`wanted` null: as the list says) and there is something to tell. */
  async tell(services: Services, list: MailingList, wanted: boolean | null): Promise<void> {
    if (!(wanted ?? list.settings.adminNotifyMchanges) || this.#count === 0) return
    const { store, config, clock } = services
    const place = placeOf(services, list)
    const written = rosterChanged(place, this.#what, this.#named, this.#count)
    if (written === null) return
    const audience = administratorsOf(store, list, config.mailman.siteOwner)
    await store.commit(sendLetters, {
      list: list.no,
      letters: [letterTo(list, audience, written, null)],
      now: clock.now(),
      retryPeriod: config.mta.deliveryRetryPeriod,
    })
  }
}
