// What a trial that did not come home has left in the mail server's queue, and how a person removes it: nothing of ours
// reaches in there. Asked where the mail server is, by the command line.
import { Unavailable } from '../../base/unavailable.ts'
import type { Finding, MailServerHost } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { leftInQueue } from './deep-kinds.ts'
import { queueReaders } from './queue-readers.ts'
import { trialName } from './trial-letters.ts'

const mostTold = 10

/** Null when nothing of a trial waits there, or it cannot be seen. `mailServer` is the name of a guide. */
export async function leftByTrials(mailServer: string, host: MailServerHost): Promise<Finding | null> {
  const read = queueReaders.get(mailServer)
  if (read === undefined) return null
  try {
    const all = await read(host)
    const trials = all.filter(({ addresses }) => addresses.some((address) => trialName.test(address)))
    if (trials.length === 0) return null
    const told = trials.slice(0, mostTold)
    const rest = trials.length - told.length
    return finding(leftInQueue, {
      seen: told
        .map(({ id, why, addresses }) => `${id} to ${addresses.at(-1)}: ${why ?? 'no reason is given'}`)
        .concat(rest > 0 ? [`and ${rest} more`] : [])
        .join('\n'),
      change: `to remove what waits:\n${told.map(({ remove }) => remove).join('\n')}\n${leftInQueue.change}`,
    })
  } catch (fault) {
    // Who may not see the queue is told all the rest.
    if (fault instanceof Unavailable) return null
    throw fault
  }
}
