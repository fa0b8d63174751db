// Every command, in the order of the overview.
import type { Command } from './command.ts'
import { addmembers } from './commands/addmembers.ts'
import { admins } from './commands/admins.ts'
import { aliases } from './commands/aliases.ts'
import { backup } from './commands/backup.ts'
import { changeaddress } from './commands/changeaddress.ts'
import { completion } from './commands/completion.ts'
import { conf } from './commands/conf.ts'
import { create } from './commands/create.ts'
import { delivery } from './commands/delivery.ts'
import { delmembers } from './commands/delmembers.ts'
import { demo } from './commands/demo.ts'
import { doctor } from './commands/doctor.ts'
import { domain } from './commands/domain.ts'
import { findmember } from './commands/findmember.ts'
import { held } from './commands/held.ts'
import { hookup } from './commands/hookup.ts'
import { info } from './commands/info.ts'
import { inject } from './commands/inject.ts'
import { lists } from './commands/lists.ts'
import { members } from './commands/members.ts'
import { notYet } from './commands/not-yet.ts'
import { notify } from './commands/notify.ts'
import { queue } from './commands/queue.ts'
import { remove } from './commands/remove.ts'
import { restart } from './commands/restart.ts'
import { restore } from './commands/restore.ts'
import { roundTripCommand } from './commands/round-trip.ts'
import { set } from './commands/set.ts'
import { start } from './commands/start.ts'
import { status } from './commands/status.ts'
import { reopen, stop } from './commands/stop.ts'
import { syncmembers } from './commands/syncmembers.ts'
import { trace } from './commands/trace.ts'
import { unshunt } from './commands/unshunt.ts'
import { version } from './commands/version.ts'

export const commands: readonly Command[] = [
  demo,
  start,
  stop,
  restart,
  reopen,
  status,
  create,
  remove,
  lists,
  set,
  domain,
  members,
  addmembers,
  delmembers,
  syncmembers,
  findmember,
  changeaddress,
  admins,
  held,
  notify,
  inject,
  queue,
  unshunt,
  trace,
  delivery,
  backup,
  restore,
  aliases,
  hookup,
  doctor,
  conf,
  info,
  completion,
  version,
]

export function findCommand(name: string): Command | null {
  return [...commands, roundTripCommand, ...notYet].find((command) => command.name === name) ?? null
}
