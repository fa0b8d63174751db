// posthorn members: the roster of a list, a page at a time, so that a list of a million is no burden.

import { formatMemberLine } from '../../membership/member-lines.ts'
import type { Member } from '../../model/member.ts'
import { countMembers } from '../../store/units/members.ts'
import { type RosterPage, type RosterPlace, rosterPage } from '../../store/units/rosters.ts'
import { defineCommand, EX } from '../command.ts'
import { roleChoices } from '../member-words.ts'
import { listNamed } from '../naming-lists.ts'
import { UsageFault } from '../options.ts'

const digestChoices = {
  any: ['plaintext_digests', 'mime_digests', 'summary_digests'],
  plaintext: ['plaintext_digests'],
  mime: ['mime_digests', 'summary_digests'],
} as const

const noMailChoices = {
  enabled: ['enabled'],
  any: ['by_user', 'by_bounces', 'by_moderator', 'unknown'],
  unknown: ['unknown'],
  byadmin: ['by_moderator'],
  byuser: ['by_user'],
  bybounces: ['by_bounces'],
} as const

const pageSize = 1000

export const members = defineCommand({
  name: 'members',
  summary: 'Show the members of a list',
  about: '  Shows the members of LISTSPEC (posting address or List-Id), in the order of their addresses.',
  examples: [
    'posthorn members tea@lists.example.org',
    'posthorn members -R owner --email-only tea.lists.example.org',
    'posthorn members -o members.txt tea@lists.example.org',
  ],
  options: {
    output: {
      kind: 'one',
      short: 'o',
      value: 'FILE',
      help: 'Write to FILE, whole or not at all; - is standard output.',
    },
    role: {
      kind: 'one',
      short: 'R',
      value: 'ROLE',
      choices: Object.keys(roleChoices),
      help: 'Who is shown; member unless given.',
    },
    regular: { kind: 'flag', short: 'r', help: 'Only those who get each post.' },
    digest: {
      kind: 'one',
      short: 'd',
      value: 'KIND',
      choices: Object.keys(digestChoices),
      help: 'Only those who get digests of this kind.',
    },
    nomail: {
      kind: 'one',
      short: 'n',
      value: 'WHY',
      choices: Object.keys(noMailChoices),
      help: 'Only those whose delivery is stopped for this reason, or enabled.',
    },
    'email-only': { kind: 'flag', short: 'e', help: 'Addresses without names.' },
    'count-only': {
      kind: 'flag',
      short: 'c',
      help: 'Only the number of the roster, whatever else is asked for.',
    },
    'no-change': { kind: 'flag', short: 'N', help: 'Without effect; nothing is ever changed here.' },
    json: { kind: 'flag', help: 'As JSON.' },
    add: { kind: 'one', short: 'a', value: 'FILE', help: "Removed: use 'posthorn addmembers'." },
    delete: { kind: 'one', short: 'x', value: 'FILE', help: "Removed: use 'posthorn delmembers'." },
    sync: {
      kind: 'one',
      short: 's',
      value: 'FILE',
      help: "Removed: use 'posthorn syncmembers'.",
    },
  },
  args: { listspec: 'required' },
  writes: ({ output }) => output,
  async run({ services: { store }, out, signal }, args) {
    for (const [option, instead] of [
      ['add', 'addmembers'],
      ['delete', 'delmembers'],
      ['sync', 'syncmembers'],
    ] as const)
      if (args[option] !== null)
        throw new UsageFault(`The --${option} option is removed. Use \`posthorn ${instead}\` instead.`)
    const emailOnly = args['email-only']
    if (args['count-only'] && emailOnly)
      throw new UsageFault('--email-only and --count-only exclude each other.')
    const role = (args.role ?? 'member') as keyof typeof roleChoices
    if (role === 'any' && (args.regular || args.digest !== null || args.nomail !== null))
      throw new UsageFault('The --regular, --digest and --nomail options do not go with role=any.')
    const list = listNamed(store, args.listspec)
    const roles = roleChoices[role]
    if (args['count-only']) {
      out.line(String(store.read(countMembers, { list: list.no, roles })))
      return EX.ok
    }
    const wanted = filterOf(args)
    let shown = 0
    if (args.json) out.line('[')
    for (let after: RosterPlace | null = null; !signal.aborted; ) {
      const page: RosterPage = store.read(rosterPage, { list: list.no, roles, after, limit: pageSize })
      const lines = page.filter(wanted).map((member) => {
        if (args.json) return JSON.stringify(jsonOf(member))
        return emailOnly ? member.address : formatMemberLine(member)
      })
      // A page in one piece: a line each would be a message each on its way from the server.
      if (lines.length > 0)
        out.line(`${args.json && shown > 0 ? ',' : ''}${lines.join(args.json ? ',\n' : '\n')}`)
      shown += lines.length
      if (args.output !== null) out.progress(`${shown} members`)
      await out.drained()
      after = page.at(-1) ?? null
      if (page.length < pageSize) break
    }
    if (args.json) out.line(']')
    else if (shown === 0) out.line(`${list.listId} has no members`)
    return EX.ok
  },
})

function filterOf(args: {
  readonly regular: boolean
  readonly digest: string | null
  readonly nomail: string | null
}): (member: Member) => boolean {
  const digests: readonly string[] | null =
    args.digest === null ? null : digestChoices[args.digest as keyof typeof digestChoices]
  const statuses: readonly string[] | null =
    args.nomail === null ? null : noMailChoices[args.nomail as keyof typeof noMailChoices]
  const modes = args.regular ? ['regular', ...(digests ?? [])] : digests
  return ({ delivery, status }) =>
    (modes === null || modes.includes(delivery)) && (statuses === null || statuses.includes(status))
}

const jsonOf = (member: Member) => ({
  address: member.address,
  display_name: member.displayName,
  role: member.role,
  delivery_mode: member.delivery,
  delivery_status: member.status,
  moderation_action: member.moderationAction,
  joined_at: new Date(member.joinedAt).toISOString(),
})
