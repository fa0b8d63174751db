// Every unit that the writer can run: what travels between threads is a name, and this is where names end.
import type { UnitRef } from './unit.ts'
import * as creation from './units/creation.ts'
import * as judging from './units/judging.ts'
import * as lists from './units/lists.ts'
import * as members from './units/members.ts'
import * as outgoing from './units/outgoing.ts'
import * as queue from './units/queue.ts'
import * as reception from './units/reception.ts'
import * as reports from './units/reports.ts'
import * as settings from './units/settings.ts'
import * as stories from './units/stories.ts'

export const units: readonly UnitRef<never, unknown>[] = [
  creation,
  judging,
  lists,
  members,
  outgoing,
  queue,
  reception,
  settings,
  reports,
  stories,
].flatMap(
  (file) =>
    Object.values(file).filter((exported) => typeof exported === 'object') as unknown as UnitRef<
      never,
      unknown
    >[],
)
