// posthorn create: a new list with its owners; done when the mail server's tables know it.

import { createList, type ListCreation } from '../../lists/create.ts'
import { parseSettings } from '../../lists/settings.ts'
import { type EmailAddress, parseEmailAddress } from '../../mail/address.ts'
import type { ListNo } from '../../model/list.ts'
import { newList } from '../../notices/about-list.ts'
import { letterTo } from '../../notices/sending.ts'
import { sendLetters } from '../../store/units/letters.ts'
import { listByNo } from '../../store/units/lists.ts'
import { rosterPage } from '../../store/units/rosters.ts'
import { type CommandContext, defineCommand } from '../command.ts'
import { placeOf } from '../member-words.ts'
import { UsageFault } from '../options.ts'
import { published } from '../publishing.ts'

export const create = defineCommand({
  name: 'create',
  summary: 'Create a mailing list',
  about: `  Creates the list LISTNAME (NAME@DOMAIN), and its domain where there is none. The
  mail server's tables are up to date when the command ends.`,
  examples: [
    'posthorn create -o ann@example.com tea@lists.example.org',
    'posthorn create -D milk@lists.example.org',
  ],
  options: {
    language: { kind: 'one', value: 'CODE', help: "The list's preferred language." },
    owner: { kind: 'many', short: 'o', value: 'ADDRESS', help: 'An owner; may be given several times.' },
    notify: {
      kind: 'switch',
      short: 'n',
      off: { long: 'no-notify', short: 'N' },
      help: 'Write to the owners about their new list; no letter unless given.',
    },
    'style-name': {
      kind: 'one',
      value: 'NAME',
      choices: ['legacy-default'],
      help: 'How the list begins; this release has the one style.',
    },
    quiet: { kind: 'flag', short: 'q', help: 'Print nothing but mistakes.' },
    domain: {
      kind: 'switch',
      short: 'd',
      off: { long: 'no-domain', short: 'D' },
      help: 'Create the domain where there is none (the default), or do not.',
    },
  },
  args: { listname: 'required' },
  async run(context, { listname, language, owner, notify, quiet, domain }) {
    const { services, out } = context
    const owners = owner.map((text) => ({ text, address: parseEmailAddress(text) }))
    const illegal = owners.filter(({ address }) => address === null).map(({ text }) => text)
    if (illegal.length > 0) throw new UsageFault(`Illegal owner addresses: ${illegal.sort().join(', ')}`)
    const read = language === null ? { settings: {} } : parseSettings([['preferred_language', language]])
    if ('wrong' in read) throw new UsageFault(`Invalid language code: ${language}`)
    const made = await createList(services, {
      address: listname,
      settings: read.settings,
      owners: owners.flatMap(({ address }): EmailAddress[] => (address === null ? [] : [address])),
      createDomain: domain !== false,
      nameCharacters: services.config.mailman.listnameChars,
    })
    if (made.kind !== 'created') throw new UsageFault(refusal(listname, made))
    services.log.info('list.created', { list: made.address, owners: owners.length })
    if (!quiet) out.line(`Created mailing list: ${made.address}`)
    for (const warning of made.warnings) out.errorLine(`Warning: ${warning}`)
    if (notify === true) await tellOwners(context, made.list)
    return published(context, `${made.address} has been created`)
  },
})

/** A letter to each owner, as no two need know of each other. */
async function tellOwners({ services, server }: CommandContext, no: ListNo): Promise<void> {
  const { store, config, clock } = services
  const list = store.read(listByNo, { list: no })
  if (list === null) return
  const place = placeOf(services, list)
  const from = `${config.mailman.noreplyAddress}@${list.mailHost}` as EmailAddress
  const owners = store.read(rosterPage, { list: no, roles: ['owner'], after: null, limit: 500 })
  const letters = owners.flatMap(({ address }) => {
    const written = newList(place, from, address)
    const to = { kind: 'addresses', addresses: [address] } as const
    return written === null ? [] : [letterTo(list, to, written, null)]
  })
  if (letters.length === 0) return
  const retryPeriod = config.mta.deliveryRetryPeriod
  await store.commit(sendLetters, { list: no, letters, now: clock.now(), retryPeriod })
  server.wake(false)
}

function refusal(listname: string, made: Exclude<ListCreation, { kind: 'created' }>): string {
  switch (made.kind) {
    case 'bad-name':
      return `Illegal list name: ${listname}\n${made.why}`
    case 'exists':
      return `List already exists: ${made.address}`
    case 'no-domain':
      return `Undefined domain: ${made.domain}`
    case 'is-alias':
      return `Undefined domain: ${made.domain}\nIt is the alias of another domain: create the list in that one, or take the alias away with 'posthorn domain set'.`
    case 'id-taken':
      return `List already exists: ${made.by} has the List-Id that ${made.address} would get`
  }
}
