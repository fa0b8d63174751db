// posthorn syncmembers: the members of a list become those of a file. The whole difference is known before anything
// is changed; the caller's process reads the file.
import { addMembers } from '../../membership/add.ts'
import { formatMemberLine, type MemberLine } from '../../membership/member-lines.ts'
import { removeMembers } from '../../membership/remove.ts'
import { compareMembers } from '../../membership/sync.ts'
import type { MailingList } from '../../model/list.ts'
import { type CommandContext, defineCommand, EX } from '../command.ts'
import { linesOf } from '../input.ts'
import {
  deliveryChoices,
  deliveryOf,
  lettersTo,
  RosterNews,
  skippedWords,
  tellSkipped,
} from '../member-words.ts'
import { listNamed } from '../naming-lists.ts'
import { counted } from '../words.ts'

export const syncmembers = defineCommand({
  name: 'syncmembers',
  summary: 'Make the members of a list those of a file',
  about: `  Adds to LISTSPEC who stands in FILENAME (- is standard input) and is no member, and removes
  who is a member and does not stand in it. The file is as for addmembers. Names and settings of
  members that stay are left alone. A file without one good address changes nothing: to remove
  everybody there is 'posthorn delmembers --all'. --no-change shows what would be done.`,
  examples: [
    'posthorn syncmembers --no-change members.txt tea@lists.example.org',
    'posthorn syncmembers -W -G members.txt tea@lists.example.org',
  ],
  options: {
    delivery: {
      kind: 'one',
      short: 'd',
      value: 'KIND',
      choices: Object.keys(deliveryChoices),
      help: 'How posts reach those who are added; regular unless given.',
    },
    'welcome-msg': {
      kind: 'switch',
      short: 'w',
      off: { long: 'no-welcome-msg', short: 'W' },
      help: "Send a welcome letter, or none; as the list's send_welcome_message says unless given.",
    },
    'goodbye-msg': {
      kind: 'switch',
      short: 'g',
      off: { long: 'no-goodbye-msg', short: 'G' },
      help: "Send a goodbye letter, or none; as the list's send_goodbye_message says unless given.",
    },
    'admin-notify': {
      kind: 'switch',
      short: 'a',
      off: { long: 'no-admin-notify', short: 'A' },
      help: "Tell owners and moderators, or do not; as the list's admin_notify_mchanges says unless given.",
    },
    'no-change': { kind: 'flag', short: 'n', help: 'Only show what would be done.' },
    json: { kind: 'flag', help: 'Show what was done as JSON.' },
  },
  args: { filename: 'required', listspec: 'required' },
  reads: ({ filename }) => filename,
  async run(context, { listspec, delivery, json, ...args }) {
    const { services, server, out, stdin, signal } = context
    const list = listNamed(services.store, listspec)
    const lines = linesOf(stdin, signal)
    const { toAdd, toRemove, unreadable, named } = await compareMembers(services, { list: list.no, lines })
    for (const line of unreadable) out.errorLine(skippedWords({ ...line, outcome: 'unreadable' }) ?? '')
    await out.drained()
    if (named === 0 && toRemove.length > 0) {
      out.errorLine(
        `The file has no good address, so nothing was changed; 'posthorn delmembers --all -l ${list.listId}' removes everybody`,
      )
      return EX.failed
    }
    const wanted: Wanted = { ...args, delivery }
    const done = args['no-change']
      ? { added: toAdd, removed: toRemove }
      : {
          added: await add(context, list, toAdd, wanted),
          removed: await remove(context, list, toRemove, wanted),
        }
    if (!args['no-change'] && done.added.length + done.removed.length > 0) {
      services.log.info('members.synced', {
        list: list.listId,
        added: done.added.length,
        removed: done.removed.length,
      })
      server.wake(false)
    }
    if (json) {
      const addresses = (members: readonly MemberLine[]) => members.map(({ address }) => address)
      out.json({
        added: addresses(done.added),
        removed: addresses(done.removed),
        unreadable: unreadable.length,
      })
      return EX.ok
    }
    if (toAdd.length + toRemove.length === 0) out.line('Nothing to do')
    for (const [sign, members] of [
      ['ADD', done.added],
      ['DEL', done.removed],
    ] as const)
      for (const [at, member] of members.entries()) {
        out.line(`[${sign}] ${formatMemberLine(member)}`)
        if (at % 1000 === 999) await out.drained()
      }
    return EX.ok
  },
})

interface Wanted {
  readonly delivery: string | null
  readonly 'welcome-msg': boolean | null
  readonly 'goodbye-msg': boolean | null
  readonly 'admin-notify': boolean | null
}

async function add(
  { services, out }: CommandContext,
  list: MailingList,
  members: readonly MemberLine[],
  wanted: Wanted,
): Promise<readonly MemberLine[]> {
  const [mode, status] = deliveryOf(wanted.delivery)
  const letters = lettersTo(services, list, 'welcome', {
    wanted: wanted['welcome-msg'],
    isDigest: mode !== 'regular',
  })
  const added: MemberLine[] = []
  const news = new RosterNews('subscribe')
  const lines = members.map(formatMemberLine)
  await addMembers(
    services,
    { list: list.no, role: 'member', delivery: mode, status, lines, letters },
    async (answers) => {
      for (const { outcome, member } of answers) {
        if (outcome !== 'added' || member === null) continue
        added.push(member)
        news.add(member.displayName, member.address)
      }
      out.progress(`${counted(added.length, 'member')} added`)
      await tellSkipped(out, answers, false)
    },
  )
  await news.tell(services, list, wanted['admin-notify'])
  return added
}

async function remove(
  { services, out }: CommandContext,
  list: MailingList,
  members: readonly MemberLine[],
  wanted: Wanted,
): Promise<readonly MemberLine[]> {
  const letters = lettersTo(services, list, 'goodbye', { wanted: wanted['goodbye-msg'] })
  const removed: MemberLine[] = []
  const news = new RosterNews('unsubscribe')
  const lines = members.map(formatMemberLine)
  await removeMembers(services, { list: list.no, role: 'member', lines, letters }, (answers) => {
    for (const { outcome, member } of answers) {
      if (outcome !== 'removed' || member === null) continue
      removed.push(member)
      news.add(member.displayName, member.address)
    }
    out.progress(`${counted(removed.length, 'member')} removed`)
  })
  await news.tell(services, list, wanted['admin-notify'])
  return removed
}
