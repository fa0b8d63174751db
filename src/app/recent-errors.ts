// Remembers the last errors that were logged, so that `status` can show them without the log file.
import type { Clock } from '../base/clock.ts'
import type { Fields, Log } from '../base/log.ts'

export interface RecentErrors {
  readonly log: Log
  /** The latest first. */
  latest(): readonly { readonly at: number; readonly words: string }[]
}

const remembered = 10

export function rememberErrors(log: Log, clock: Clock): RecentErrors {
  const errors: { at: number; words: string }[] = []
  const wrap = (inner: Log): Log => ({
    ...inner,
    error: (event, fields) => {
      errors.unshift({ at: clock.now(), words: wordsOf(event, fields) })
      errors.length = Math.min(errors.length, remembered)
      inner.error(event, fields)
    },
    with: (fields) => wrap(inner.with(fields)),
  })
  return { log: wrap(log), latest: () => [...errors] }
}

function wordsOf(event: string, fields: Fields = {}): string {
  const said = ['words', 'reason', 'fault', 'remedy'].flatMap((name) =>
    typeof fields[name] === 'string' ? [fields[name]] : [],
  )
  return [event, ...said].join(': ')
}
