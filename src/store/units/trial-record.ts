// Which lists are trials of `doctor --deep`: a row of `setting`, written in the commit that makes or removes them.
import type { Instant } from '../../base/clock.ts'
import type { ListNo } from '../../model/list.ts'
import { command, get, json, query, run } from '../unit.ts'

export interface TrialLists {
  readonly lists: readonly ListNo[]
  readonly madeAt: Instant
}

/** Within another unit. */
export function* trialLists() {
  return (yield* get(selectTrials)) ?? []
}

export function* keepTrialLists(trials: readonly TrialLists[]) {
  if (trials.length === 0) yield* run(deleteTrials)
  else yield* run(upsertTrials, JSON.stringify(trials))
}

const selectTrials = query("select value from setting where key = 'trial.lists'", (row) =>
  json<readonly TrialLists[]>(row, 'value'),
)
const upsertTrials = command(
  `insert into setting (key, value) values ('trial.lists', ?)
   on conflict (key) do update set value = excluded.value`,
)
const deleteTrials = command("delete from setting where key = 'trial.lists'")
