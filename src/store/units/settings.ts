// Keys and small facts of the installation, made once.
import { command, defineUnit, one, query, run, text } from '../unit.ts'

/** The value under `key`; `made` becomes it where there is none. Both as text. */
export const settingOrMade = defineUnit('setting.or-made', function* (a: { key: string; made: string }) {
  yield* run(insertSetting, a.key, a.made)
  return yield* one(selectSetting, a.key)
})

/** Writes the value, whatever was there. */
export const putSetting = defineUnit('setting.put', function* (a: { key: string; value: string }) {
  return yield* run(replaceSetting, a.key, a.value)
})

const replaceSetting = command(
  'insert into setting (key, value) values (?, ?) on conflict (key) do update set value = excluded.value',
)
const insertSetting = command('insert into setting (key, value) values (?, ?) on conflict (key) do nothing')
const selectSetting = query('select value from setting where key = ?', (row) => text(row, 'value'))
