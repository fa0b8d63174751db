// The home of the user mailman in the laboratory's Courier, with a copy of posthorn-qmail that the chroot can see.
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('../..', import.meta.url).pathname

/** As `courier.sh` has it. */
export const mailman = 7832

export interface CourierHome extends Disposable {
  readonly home: string
  /** `[mta] configuration`, which names the home and the program. */
  readonly configuration: string
  /** For `[courier] command`. */
  readonly command: string
}

export function courierHome(): CourierHome {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-courier-home-'))
  chmodSync(directory, 0o755)
  const home = join(directory, 'mailman')
  mkdirSync(home)
  for (const part of ['bin', 'src'])
    cpSync(join(root, part), join(home, 'posthorn', part), { recursive: true })
  writeFileSync(join(home, 'posthorn', 'package.json'), '{ "type": "module" }')
  chownSync(home, mailman, mailman)
  chmodSync(home, 0o755)
  const command = `POSTHORN_NODE=/opt/node ${home}/posthorn/bin/posthorn-qmail --sysexits`
  const configuration = join(directory, 'mail-servers.cfg')
  writeFileSync(configuration, `[courier]\nhome: ${home}\ncommand: ${command}\n`)
  return {
    home,
    configuration,
    command,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  }
}
