// A log that is counted as it is written: each event by its name, and each line of trouble by its level. Names that the
// tally does not have are not counted.
import type { Log } from '../base/log.ts'
import type { Tally } from '../base/tally.ts'

export function countLog(log: Log, tally: Tally<string>): Log {
  return {
    debug: (event, fields) => log.debug(event, fields),
    info: (event, fields) => {
      tally.add(event)
      log.info(event, fields)
    },
    warn: (event, fields) => {
      tally.add('warn')
      tally.add(event)
      log.warn(event, fields)
    },
    error: (event, fields) => {
      tally.add('error')
      tally.add(event)
      log.error(event, fields)
    },
    with: (fields) => countLog(log.with(fields), tally),
  }
}
