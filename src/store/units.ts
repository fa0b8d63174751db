// Every unit that the writer can run: what travels between threads is a name, and this is where names end.
import type { UnitRef } from './unit.ts'
import * as creation from './units/creation.ts'
import * as held from './units/held.ts'
import * as judging from './units/judging.ts'
import * as letters from './units/letters.ts'
import * as lists from './units/lists.ts'
import * as members from './units/members.ts'
import * as outgoing from './units/outgoing.ts'
import * as pausing from './units/pausing.ts'
import * as queue from './units/queue.ts'
import * as reception from './units/reception.ts'
import * as reports from './units/reports.ts'
import * as rosters from './units/rosters.ts'
import * as settings from './units/settings.ts'
import * as stories from './units/stories.ts'
import * as trials from './units/trials.ts'

export const units: readonly UnitRef<never, unknown>[] = [
  creation,
  held,
  judging,
  letters,
  lists,
  members,
  outgoing,
  pausing,
  queue,
  reception,
  settings,
  reports,
  rosters,
  stories,
  trials,
].flatMap(
  (file) =>
    Object.values(file).filter((exported) => typeof exported === 'object') as unknown as UnitRef<
      never,
      unknown
    >[],
)
