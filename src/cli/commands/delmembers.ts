// posthorn delmembers: members go, by the operator's word: those of a file, those named, or all.
import type { MemberLine } from '../../membership/member-lines.ts'
import { removeAllMembers, removeMembers } from '../../membership/remove.ts'
import type { MailingList } from '../../model/list.ts'
import { allLists } from '../../store/units/lists.ts'
import { defineCommand, EX } from '../command.ts'
import { linesOf } from '../input.ts'
import { lettersTo, RosterNews, tellSkipped } from '../member-words.ts'
import { listNamed } from '../naming-lists.ts'
import { UsageFault } from '../options.ts'
import { counted } from '../words.ts'

export const delmembers = defineCommand({
  name: 'delmembers',
  summary: 'Remove members from a list',
  about: `  Removes members of one list, or of all. Silent on success; addresses that are no members
  are told on standard error.`,
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
      help: "Send each a goodbye letter, or none; as the list's send_goodbye_message says unless given.",
    },
    'admin-notify': {
      kind: 'switch',
      short: 'n',
      off: { long: 'no-admin-notify', short: 'N' },
      help: "Tell owners and moderators by one letter, or do not; as the list's admin_notify_mchanges says unless given.",
    },
    json: { kind: 'flag', help: 'End with the counts as JSON.' },
  },
  args: {},
  reads: ({ file }) => file,
  async run(
    { services, server, out, stdin, signal },
    { list: spec, file, member, all, fromall, json, ...letters },
  ) {
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
    const lines = [...member]
    if (file !== null && !all) for await (const line of linesOf(stdin, signal)) lines.push(line)
    const total = { removed: 0, notThere: 0, unreadable: 0 }
    for (const list of lists) {
      signal.throwIfAborted()
      const news = new RosterNews('unsubscribe')
      const heard = (gone: readonly MemberLine[]) => {
        for (const { displayName, address } of gone) news.add(displayName, address)
        out.progress(`${list.listId}: ${counted(news.count, 'member')} removed`)
      }
      const removal = {
        list: list.no,
        role: 'member',
        letters: lettersTo(services, list, 'goodbye', { wanted: letters['goodbye-msg'] }),
      } as const
      if (all) total.removed += await removeAllMembers(services, removal, heard)
      else {
        const tally = await removeMembers(services, { ...removal, lines }, async (answers) => {
          heard(
            answers.flatMap((one) => (one.outcome === 'removed' && one.member !== null ? [one.member] : [])),
          )
          if (spec !== null) await tellSkipped(out, answers, member.length === 0)
        })
        total.removed += tally.removed
        total.notThere += tally.notThere
        total.unreadable += tally.unreadable
      }
      if (news.count > 0) log.info('members.removed', { list: list.listId, removed: news.count })
      await news.tell(services, list, letters['admin-notify'])
    }
    if (total.removed > 0) server.wake(false)
    if (json) out.json(total)
    return EX.ok
  },
})
