// Keeps an eye on the disk: below the reserve the door says 452, while the queue still has room to drain.
import { statfs } from 'node:fs/promises'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'

export interface DiskReserve {
  hasRoom(): boolean
  free(): number
  stop(): void
}

const lookEvery = 1000

/** `reserve` in bytes. Looks at once, then every second. */
export async function watchDisk(
  directory: string,
  reserve: number,
  { log }: { readonly clock: Clock; readonly log: Log },
): Promise<DiskReserve> {
  let free = Number.POSITIVE_INFINITY
  let enough = true
  const look = async (): Promise<void> => {
    const { bavail, bsize } = await statfs(directory)
    free = bavail * bsize
    const now = free >= reserve
    if (now !== enough) {
      if (now) log.info('disk.enough', { directory, free, reserve })
      else
        log.error('disk.low', {
          directory,
          free,
          reserve,
          remedy: 'mail is refused with 452 until there is more room; free some',
        })
    }
    enough = now
  }
  await look()
  const timer = setInterval(() => {
    look().catch((fault: unknown) => log.error('disk.unknown', { directory, fault: String(fault) }))
  }, lookEvery)
  timer.unref()
  return { hasRoom: () => enough, free: () => free, stop: () => clearInterval(timer) }
}
