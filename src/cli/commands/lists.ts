// posthorn lists: the lists of the site.
import { postingAddress } from '../../model/list.ts'
import { allLists } from '../../store/units/lists.ts'
import { countMembers } from '../../store/units/members.ts'
import { defineCommand, EX } from '../command.ts'

export const lists = defineCommand({
  name: 'lists',
  summary: 'Show the mailing lists',
  about: '  Shows all lists, in the order of their List-Ids.',
  examples: ['posthorn lists -n -d', 'posthorn lists --domain lists.example.org --json'],
  options: {
    advertised: { kind: 'flag', short: 'a', help: 'Only those that are advertised.' },
    names: {
      kind: 'switch',
      short: 'n',
      off: { long: 'no-names', short: 'N' },
      help: 'Show the display names too.',
    },
    descriptions: {
      kind: 'switch',
      short: 'd',
      off: { long: 'no-descriptions', short: 'D' },
      help: 'Show the descriptions too.',
    },
    quiet: { kind: 'flag', short: 'q', help: 'No heading.' },
    domain: { kind: 'many', value: 'DOMAIN', help: 'Only lists of this domain; may be given several times.' },
    json: { kind: 'flag', help: 'As JSON, with the number of members.' },
  },
  args: {},
  async run({ services: { store }, out }, { advertised, names, descriptions, quiet, domain, json }) {
    const found = store
      .read(allLists, { domains: domain.map((name) => name.toLowerCase()) })
      .filter(({ settings }) => !advertised || settings.advertised)
    if (json) {
      out.json(
        found.map((list) => ({
          list_id: list.listId,
          posting_address: postingAddress(list),
          display_name: list.settings.displayName,
          description: list.settings.description,
          advertised: list.settings.advertised,
          members: store.read(countMembers, { list: list.no, roles: ['member'] }),
        })),
      )
      return EX.ok
    }
    if (found.length === 0) {
      if (!quiet) out.line('No matching mailing lists found')
      return EX.ok
    }
    if (!quiet) out.line(`${found.length} matching mailing list${found.length === 1 ? '' : 's'} found:`)
    const heads = found.map((list) =>
      names === true ? `${postingAddress(list)} [${list.settings.displayName}]` : postingAddress(list),
    )
    const width = Math.max(...heads.map(({ length }) => length))
    found.forEach(({ settings }, at) => {
      const head = heads[at] ?? ''
      out.line(descriptions === true ? `${head.padEnd(width)} - ${settings.description}` : head)
    })
    return EX.ok
  },
})
