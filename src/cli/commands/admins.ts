// posthorn admins: owners and moderators of a list, added and removed.
import { parseEmailAddress } from '../../mail/address.ts'
import { addMembers } from '../../membership/add.ts'
import { removeMembers } from '../../membership/remove.ts'
import { defineCommand, EX } from '../command.ts'
import { listNamed } from '../naming-lists.ts'
import { UsageFault } from '../options.ts'

export const admins = defineCommand({
  name: 'admins',
  summary: 'Add and remove owners and moderators',
  about: `  Adds owners or moderators to LISTSPEC and removes them, --add before --delete. Silent on success;
  what was so already is told on standard error. 'posthorn members -R administrator' shows them.`,
  examples: [
    'posthorn admins --add ann@example.com tea@lists.example.org',
    'posthorn admins -r moderator -a bea@example.com -d cem@example.com tea@lists.example.org',
  ],
  options: {
    add: { kind: 'many', short: 'a', value: 'ADDRESS', help: 'Who is added; may be given several times.' },
    delete: {
      kind: 'many',
      short: 'd',
      value: 'ADDRESS',
      help: 'Who is removed; may be given several times.',
    },
    role: {
      kind: 'one',
      short: 'r',
      value: 'ROLE',
      choices: ['owner', 'moderator'],
      help: 'As what; owner unless given.',
    },
    json: { kind: 'flag', help: 'End with the counts as JSON.' },
  },
  args: { listspec: 'required' },
  async run({ services, out }, { listspec, add, delete: remove, role: wanted, json }) {
    if (add.length + remove.length === 0) throw new UsageFault('Nothing to add or delete.')
    const wrong = [...add, ...remove].find((text) => parseEmailAddress(text.trim()) === null)
    if (wrong !== undefined) throw new UsageFault(`Invalid email address: ${wrong}`)
    const role = wanted === 'moderator' ? 'moderator' : 'owner'
    const word = role === 'owner' ? 'an owner' : 'a moderator'
    const list = listNamed(services.store, listspec)
    const { listId } = list
    const target = { list: list.no, role, delivery: 'regular', status: 'enabled' } as const
    const added = await addMembers(services, { ...target, lines: add }, (answers) => {
      for (const { outcome, line } of answers) {
        if (outcome === 'already') out.errorLine(`${line} is already ${word} of ${listId}`)
        if (outcome === 'banned') out.errorLine(`${line} is banned and was not made ${word} of ${listId}`)
      }
    })
    const removed = await removeMembers(services, { ...target, lines: remove }, (answers) => {
      for (const { outcome, line } of answers)
        if (outcome === 'not-there') out.errorLine(`${line} is not ${word} of ${listId}`)
    })
    services.log.info('admins.changed', { list: listId, role, added: added.added, removed: removed.removed })
    if (json) out.json({ added: added.added, removed: removed.removed })
    return EX.ok
  },
})
