// posthorn status: how the server is. 0 healthy, 1 running with trouble, 2 not running.
import type { ServerStatus } from '../../app/control-server-side.ts'
import { MINUTE } from '../../base/clock.ts'
import { Unavailable } from '../../base/unavailable.ts'
import { type CommandContext, defineCommand, EX, type Output } from '../command.ts'
import { pausedWords, relayDownWords } from '../what-holds-back.ts'
import { columns, plain, sizeOf, spanOf, timeOf } from '../words.ts'

const notRunning = 2

export const status = defineCommand({
  name: 'status',
  summary: 'Show how the server is',
  about: `  Asks the running server: is the relay up, what waits in each lane, are the mail server's
  tables up to date, is there disk. Exit codes: 0 healthy, 1 running with trouble, 2 not running.`,
  examples: ['posthorn status', 'posthorn status --json'],
  options: { json: { kind: 'flag', help: 'As JSON.' } },
  args: {},
  async run(context, { json }) {
    let found: ServerStatus | null
    try {
      found = await context.server.status()
    } catch (fault) {
      if (!(fault instanceof Unavailable)) throw fault
      return sayUnreadable(context.out, fault.message, json)
    }
    if (found === null) return say(context.out, json)
    return show(context, found, json)
  },
  async withoutServer({ out }, { json }) {
    return say(out, json)
  },
})

function say(out: Output, json: boolean): number {
  if (json) out.json({ running: false })
  else out.line('Posthorn is not running')
  return notRunning
}

// Where the store cannot even be read, that is what the operator must hear, with the code of trouble.
function sayUnreadable(out: Output, words: string, json: boolean): number {
  const troubles = [`${plain(words)}; ${damagedRemedy}`]
  if (json) out.json({ running: true, healthy: false, troubles })
  else for (const line of ['Posthorn is running', `TROUBLE: ${troubles[0]}`]) out.line(line)
  return EX.failed
}

function show({ out, services: { clock } }: CommandContext, found: ServerStatus, json: boolean): number {
  const now = clock.now()
  const troubles = troublesOf(found, now)
  const code = troubles.length === 0 ? EX.ok : EX.failed
  if (json) {
    out.json({ running: true, healthy: troubles.length === 0, troubles, ...found })
    return code
  }
  out.line(`Posthorn is running (pid ${found.pid}, for ${spanOf(found.uptime)})`)
  const { relay } = found
  // Why it is down stands below, under the troubles.
  const whom = relay.state === 'down' || relay.words === '' ? '' : ` (${plain(relay.words)})`
  out.line(`relay: ${relay.state}${relay.since === null ? '' : ` for ${spanOf(now - relay.since)}`}${whom}`)
  if (found.lanes.length === 0) out.line('queue: empty')
  else {
    const rows = found.lanes.map(({ lane, waiting, deferred, shunted, oldest }) => [
      `  ${lane}`,
      `${waiting} waiting`,
      `${deferred} deferred`,
      `${shunted} set aside`,
      oldest === null ? '' : `oldest ${spanOf(now - oldest)}`,
    ])
    for (const line of ['queue:', ...columns(rows)]) out.line(line)
  }
  for (const { at, words } of found.lastErrors.slice(0, 3))
    out.line(`last error: ${timeOf(at)}: ${plain(words)}`)
  for (const trouble of troubles) out.line(`TROUBLE: ${trouble}`)
  return code
}

/** One sentence for each, with what to do. */
export function troublesOf(
  { paused, relay, lanes, publication, databaseGone, disk, lastErrors }: ServerStatus,
  now: number,
): readonly string[] {
  const troubles: string[] = []
  if (databaseGone)
    troubles.push(
      'posthorn.db was removed or replaced under the running server: no mail is taken, and changes made now are lost; stop the server, restore a backup, start it',
    )
  if (paused !== null) troubles.push(pausedWords(paused))
  if (relay.state === 'down') troubles.push(relayDownWords(relay.words))
  const aside = lanes.reduce((sum, { shunted }) => sum + shunted, 0)
  if (aside > 0)
    troubles.push(
      `${aside} set aside; 'posthorn queue list --aside' says why, 'posthorn unshunt' puts them back`,
    )
  if (publication.fault !== null)
    troubles.push(
      `the mail server's tables are not up to date: ${plain(publication.fault)}; mend that, then 'posthorn aliases'`,
    )
  if (!disk.enough)
    troubles.push(
      `only ${sizeOf(disk.free)} of disk are free, ${sizeOf(disk.reserve)} are kept in reserve: no new mail is taken; free some space`,
    )
  const damage = lastErrors.find(({ at, words }) => now - at < recent && isDamage.test(words))
  if (damage !== undefined)
    troubles.push(`at ${timeOf(damage.at)} the log said: ${plain(damage.words)}; ${damagedRemedy}`)
  return troubles
}

/** What was wrong longer ago than this, and was not met again, is over. */
const recent = 10 * MINUTE
/** SQLite's words for a file that cannot be trusted, or a disk that cannot. */
const isDamage = /database disk image is malformed|file is not a database|disk I\/O error/i
const damagedRemedy =
  "look at the disk and the kernel's log; then stop, keep VAR/posthorn.db, and restore a backup"
