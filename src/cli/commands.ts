// Every command, in the order of the overview.
import type { Command } from './command.ts'
import { addmembers } from './commands/addmembers.ts'
import { create } from './commands/create.ts'
import { delmembers } from './commands/delmembers.ts'
import { info } from './commands/info.ts'
import { lists } from './commands/lists.ts'
import { members } from './commands/members.ts'
import { queue } from './commands/queue.ts'
import { remove } from './commands/remove.ts'
import { status } from './commands/status.ts'
import { version } from './commands/version.ts'

export const commands: readonly Command[] = [
  create,
  remove,
  lists,
  members,
  addmembers,
  delmembers,
  status,
  queue,
  info,
  version,
]

export function findCommand(name: string): Command | null {
  return commands.find((command) => command.name === name) ?? null
}
