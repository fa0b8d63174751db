// posthorn delmembers: members go, by the operator's word: those of a file, those named, or all.
import { removeAllMembers, removeMembers } from '../../membership/remove.ts'
import type { MailingList } from '../../model/list.ts'
import { allLists } from '../../store/units/lists.ts'
import { defineCommand, EX } from '../command.ts'
import { linesOf } from '../input.ts'
import { listNamed } from '../naming-lists.ts'
import { UsageFault } from '../options.ts'

export const delmembers = defineCommand({
  name: 'delmembers',
  summary: 'Remove members from a list',
  about: `  Removes members of one list, or of all. Silent on success; addresses that are no members
  are told on standard error. No letter is sent.`,
  examples: [
    'posthorn delmembers -l tea@lists.example.org -m ann@example.com',
    'posthorn delmembers -l tea@lists.example.org -f gone.txt',
    'posthorn delmembers --fromall -m ann@example.com',
  ],
  options: {
    list: { kind: 'one', short: 'l', value: 'LISTSPEC', help: 'The list.' },
    file: {
      kind: 'one',
      short: 'f',
      value: 'FILE',
      help: 'A file with an address a line; - is standard input.',
    },
    member: { kind: 'many', short: 'm', value: 'ADDRESS', help: 'An address; may be given several times.' },
    all: { kind: 'flag', short: 'a', help: 'All members of the list.' },
    fromall: { kind: 'flag', help: 'From all lists.' },
    'goodbye-msg': {
      kind: 'switch',
      short: 'g',
      off: { long: 'no-goodbye-msg', short: 'G' },
      help: 'Send a goodbye letter; this release sends none, and says so.',
    },
    'admin-notify': {
      kind: 'switch',
      short: 'n',
      off: { long: 'no-admin-notify', short: 'N' },
      help: 'Write to the owners; this release sends no such letter, and says so.',
    },
    json: { kind: 'flag', help: 'End with the counts as JSON.' },
  },
  args: {},
  reads: ({ file }) => file,
  async run({ services, out, stdin, signal }, { list: spec, file, member, all, fromall, json, ...letters }) {
    if (fromall && (spec !== null || all))
      throw new UsageFault('--fromall may not be specified with -l/--list, or -a/--all')
    if (all && (file !== null || member.length > 0))
      throw new UsageFault('-a/--all must not be specified with -f/--file or -m/--member.')
    if (!fromall && spec === null) throw new UsageFault('Without --fromall, -l/--list is required.')
    if (!all && file === null && member.length === 0)
      throw new UsageFault('At least one of -a/--all, -f/--file or -m/--member is required.')
    const { store, log } = services
    const lists: readonly MailingList[] =
      spec === null ? store.read(allLists, { domains: [] }) : [listNamed(store, spec)]
    if (letters['goodbye-msg'] === true || letters['admin-notify'] === true)
      out.errorLine('Warning: no letters are sent about it; this release has none.')
    const lines = [...member]
    if (file !== null && !all) for await (const line of linesOf(stdin, signal)) lines.push(line)
    const total = { removed: 0, notThere: 0, unreadable: 0 }
    for (const list of lists) {
      signal.throwIfAborted()
      const tally = all
        ? {
            removed: await removeAllMembers(services, { list: list.no, role: 'member' }),
            notThere: 0,
            unreadable: 0,
          }
        : await removeMembers(services, { list: list.no, role: 'member', lines }, (outcome, line) => {
            if (spec === null || outcome === 'removed') return
            out.errorLine(
              outcome === 'not-there'
                ? `Member not subscribed (skipping): ${line}`
                : `Cannot parse as valid email address (skipping): ${line}`,
            )
          })
      total.removed += tally.removed
      total.notThere += tally.notThere
      total.unreadable += tally.unreadable
      if (tally.removed > 0) log.info('members.removed', { list: list.listId, removed: tally.removed })
    }
    if (json) out.json(total)
    return EX.ok
  },
})
