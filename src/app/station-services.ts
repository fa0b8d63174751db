// Builds the services of a station's thread: its own reader, its own port to the writer, its own log.
import { systemClock } from '../base/clock.ts'
import { openLog } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import type { Services } from '../services.ts'
import { openStore } from '../store/store.ts'
import type { StationStart } from './station-messages.ts'

export function stationServices(start: StationStart): {
  services: Services
  close(): void
  reopenLog(): void
} {
  const log = openLog(start.log)
  const store = openStore(start.writer, start.database)
  return {
    services: { config: start.config, store, clock: systemClock, random: systemRandom, log },
    close: () => {
      store.close()
      start.writer.close()
    },
    reopenLog: () => log.reopen(),
  }
}
