// posthorn status: how the server is. 0 healthy, 1 running with trouble, 2 not running.
import type { ServerStatus } from '../../app/control-server-side.ts'
import { type CommandContext, defineCommand, EX, type Output } from '../command.ts'
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
    const found = await context.server.status()
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

function show({ out, services: { clock } }: CommandContext, found: ServerStatus, json: boolean): number {
  const troubles = troublesOf(found)
  const code = troubles.length === 0 ? EX.ok : EX.failed
  if (json) {
    out.json({ running: true, healthy: troubles.length === 0, troubles, ...found })
    return code
  }
  out.line(`Posthorn is running (pid ${found.pid}, for ${spanOf(found.uptime)})`)
  const now = clock.now()
  const { relay } = found
  out.line(
    `relay: ${relay.state}${relay.since === null ? '' : ` for ${spanOf(now - relay.since)}`}${relay.words === '' ? '' : ` (${plain(relay.words)})`}`,
  )
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
export function troublesOf({ relay, lanes, publication, disk }: ServerStatus): readonly string[] {
  const troubles: string[] = []
  if (relay.state === 'down')
    troubles.push(`the relay takes no mail: ${plain(relay.words)}; see the mail server's log`)
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
  return troubles
}
