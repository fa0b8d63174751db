// What a station is given: made once per thread in app/, frozen, passed on whole or in parts. No globals.
import type { Clock } from './base/clock.ts'
import type { Log } from './base/log.ts'
import type { Random } from './base/random.ts'
import type { Config } from './config/config.ts'
import type { Store } from './store/store.ts'

export interface Services {
  readonly config: Config
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}
