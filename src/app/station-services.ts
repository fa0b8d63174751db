// Builds the services of a station's thread: its own reader, its own port to the writer, its own log.
import { systemClock } from '../base/clock.ts'
import { openLog } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import { type Tally, tallyOn } from '../base/tally.ts'
import type { Services } from '../services.ts'
import { openStore } from '../store/store.ts'
import { countLog } from './counted-log.ts'
import { countedByStations, type StationStart } from './station-messages.ts'

export function stationServices(start: StationStart): {
  services: Services
  tally: Tally<string>
  close(): void
  reopenLog(): void
} {
  const file = openLog(start.log)
  const tally: Tally<string> = tallyOn<string>(countedByStations, start.tally)
  const log = countLog(file, tally)
  const store = openStore(start.writer, start.database)
  return {
    services: { config: start.config, store, clock: systemClock, random: systemRandom, log },
    tally,
    close: () => {
      store.close()
      start.writer.close()
    },
    reopenLog: () => file.reopen(),
  }
}
