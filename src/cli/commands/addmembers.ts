// posthorn addmembers: members from a file, by the operator's word. The caller's process reads the file.
import { Unavailable } from '../../base/unavailable.ts'
import { addMembers } from '../../membership/add.ts'
import { defineCommand, EX } from '../command.ts'
import { linesOf } from '../input.ts'
import { deliveryChoices, deliveryOf, lettersTo, RosterNews, tellSkipped } from '../member-words.ts'
import { listNamed } from '../naming-lists.ts'
import { UsageFault } from '../options.ts'
import { counted } from '../words.ts'

/** The last line, where lines were skipped: they may have filled the screen. */
function totalOf({
  added,
  already,
  banned,
  unreadable,
}: Readonly<Record<'added' | 'already' | 'banned' | 'unreadable', number>>): string {
  const skipped = [
    { count: unreadable, why: 'no address, as ann@example.com or Ann Person <ann@example.com>' },
    { count: already, why: 'subscribed already' },
    { count: banned, why: 'banned' },
  ].filter(({ count }) => count > 0)
  return `${added === 0 ? 'Nobody was added' : `${counted(added, 'member')} added`}; lines skipped: ${skipped.map(({ count, why }) => `${count} (${why})`).join(', ')}`
}

export const addmembers = defineCommand({
  name: 'addmembers',
  summary: 'Add members to a list',
  about: `  Adds a member for each line of FILENAME (- is standard input) to LISTSPEC: an address, or
  Ann Person <ann@example.com>. Empty lines and lines that start with # are skipped. No
  confirmation is asked for. What is skipped is told on standard error with its line; the others
  are added. The file is UTF-8, or UTF-16 with its mark. Stopped in the middle, the command may
  be run again: nobody is added twice, and nobody gets a second letter.`,
  examples: [
    'posthorn addmembers members.txt tea@lists.example.org',
    'posthorn addmembers --no-welcome-msg members.txt tea@lists.example.org',
    'echo ann@example.com | posthorn addmembers - tea@lists.example.org',
  ],
  options: {
    delivery: {
      kind: 'one',
      short: 'd',
      value: 'KIND',
      choices: Object.keys(deliveryChoices),
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
      help: "Send each a welcome letter, or none; as the list's send_welcome_message says unless given.",
    },
    json: { kind: 'flag', help: 'End with the counts as JSON.' },
  },
  args: { filename: 'required', listspec: 'required' },
  reads: ({ filename }) => filename,
  async run({ services, server, out, stdin, signal }, { delivery, invite, listspec, json, ...args }) {
    if (invite) throw new UsageFault('Invitations are not part of this release; nobody was added.')
    const list = listNamed(services.store, listspec)
    const [mode, status] = deliveryOf(delivery)
    const letters = lettersTo(services, list, 'welcome', {
      wanted: args['welcome-msg'],
      isDigest: mode !== 'regular',
    })
    const news = new RosterNews('subscribe')
    let done = 0
    const work = addMembers(
      services,
      { list: list.no, role: 'member', delivery: mode, status, lines: linesOf(stdin, signal), letters },
      async (answers) => {
        for (const { outcome, member } of answers)
          if (outcome === 'added' && member !== null) news.add(member.displayName, member.address)
        done += answers.length
        out.progress(`${done} lines`)
        await tellSkipped(out, answers)
      },
    )
    const tally = await work.catch((fault: unknown) => {
      if (!(fault instanceof Unavailable)) throw fault
      throw new Unavailable(
        `${fault.message} (${counted(news.count, 'member')} had been added before; the same command goes on from there)`,
        { cause: fault },
      )
    })
    services.log.info('members.added', { list: list.listId, ...tally })
    if (!tally.listGone) await news.tell(services, list, null)
    if (tally.added > 0) server.wake(false)
    if (json) out.json(tally)
    else if (done === 0) out.errorLine('Nobody was added: no line has an address')
    else if (tally.already + tally.banned + tally.unreadable > 0) out.errorLine(totalOf(tally))
    if (!tally.listGone) return EX.ok
    out.errorLine(
      `${listspec} was removed meanwhile; ${counted(tally.added, 'member')} had been added before.`,
    )
    return EX.failed
  },
})
