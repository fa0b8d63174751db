// Debian's Chromium for tests of pages, driven over its own protocol; nothing is downloaded. It runs as root and
// without a network of its own.
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const program = '/usr/bin/chromium'
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Throws with what to install where there is none. */
export async function startChromium(): Promise<Browser> {
  if (!existsSync(program))
    throw new Error(
      `${program} is missing, and the tests of the page need it: apt-get install --no-install-recommends chromium`,
    )
  return chromium.launch({ executablePath: program, headless: true, args: flags })
}
