// Puts the manual pages into a directory, for whoever makes a package: `posthorn help --man DIR`.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commands } from './commands.ts'
import { manualPages } from './man-pages.ts'
import { version } from './overview.ts'
import { FileFault } from './terminal.ts'

/** Returns how many there are. Throws FileFault. */
export function writeManualPages(directory: string): number {
  const pages = manualPages(commands, version)
  try {
    mkdirSync(directory, { recursive: true })
    for (const [name, text] of pages) writeFileSync(join(directory, name), text)
  } catch (fault) {
    throw new FileFault(`the pages cannot be written: ${(fault as Error).message}`, { cause: fault })
  }
  return pages.size
}
