// posthorn addmembers: members from a file, by the operator's word. The caller's process reads the file.
import { addMembers } from '../../membership/add.ts'
import type { DeliveryStatus, MemberDelivery } from '../../model/member.ts'
import { defineCommand, EX } from '../command.ts'
import { linesOf } from '../input.ts'
import { listNamed } from '../naming-lists.ts'
import { UsageFault } from '../options.ts'
import { counted } from '../words.ts'

const deliveries: Readonly<Record<string, readonly [MemberDelivery, DeliveryStatus]>> = {
  regular: ['regular', 'enabled'],
  mime: ['mime_digests', 'enabled'],
  plain: ['plaintext_digests', 'enabled'],
  summary: ['summary_digests', 'enabled'],
  disabled: ['regular', 'by_moderator'],
}

const skipped = {
  unreadable: 'Cannot parse as valid email address (skipping)',
  already: 'Already subscribed (skipping)',
  banned: 'Membership is banned (skipping)',
} as const

export const addmembers = defineCommand({
  name: 'addmembers',
  summary: 'Add members to a list',
  about: `  Adds a member for each line of FILENAME (- is standard input) to LISTSPEC: an address, or
  Ann Person <ann@example.com>. Empty lines and lines that start with # are skipped. No
  confirmation is asked for and no letter is sent. What is skipped is told on standard error.
  Stopped in the middle, the command may be run again.`,
  examples: [
    'posthorn addmembers members.txt tea@lists.example.org',
    'echo ann@example.com | posthorn addmembers - tea@lists.example.org',
  ],
  options: {
    delivery: {
      kind: 'one',
      short: 'd',
      value: 'KIND',
      choices: Object.keys(deliveries),
      help: 'How posts reach them; regular unless given.',
    },
    invite: {
      kind: 'flag',
      short: 'i',
      help: 'Invite instead of adding; refused: this release sends no invitations.',
    },
    'welcome-msg': {
      kind: 'switch',
      short: 'w',
      off: { long: 'no-welcome-msg', short: 'W' },
      help: 'Send a welcome letter; this release sends none, and says so.',
    },
    json: { kind: 'flag', help: 'End with the counts as JSON.' },
  },
  args: { filename: 'required', listspec: 'required' },
  reads: ({ filename }) => filename,
  async run({ services, out, stdin, signal }, { delivery, invite, listspec, json, ...args }) {
    if (invite) throw new UsageFault('Invitations are not part of this release; nobody was added.')
    const list = listNamed(services.store, listspec)
    const [mode, status] = deliveries[delivery ?? 'regular'] ?? ['regular', 'enabled']
    if (args['welcome-msg'] === true)
      out.errorLine('Warning: no welcome letters are sent; this release has none.')
    let done = 0
    const tally = await addMembers(
      services,
      { list: list.no, role: 'member', delivery: mode, status, lines: linesOf(stdin, signal) },
      (outcome, line) => {
        if (outcome !== 'added') out.errorLine(`${skipped[outcome]}: ${line}`)
        done += 1
        if (done % 5000 === 0) out.progress(`${done} lines`)
      },
    )
    services.log.info('members.added', { list: list.listId, ...tally })
    if (json) out.json(tally)
    if (!tally.listGone) return EX.ok
    out.errorLine(
      `${listspec} was removed meanwhile; ${counted(tally.added, 'member')} had been added before.`,
    )
    return EX.failed
  },
})
