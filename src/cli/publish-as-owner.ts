// Brings the mail server's tables up to date from a command that runs as root: by `posthorn aliases` in a process of its
// own, which becomes the owner of the data directory, so that no file there ends up in other hands.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Config } from '../config/config.ts'

/** Null when all is published; else its words. */
export async function publishAsOwner({
  paths,
  source,
}: Pick<Config, 'paths' | 'source'>): Promise<string | null> {
  // The owner would search at other places for a file that was found.
  const general = source === null ? [] : ['-C', resolve(source)]
  const argv = [...process.execArgv, process.argv[1] ?? '', ...general, '--run-as-root', 'aliases']
  const owner = statSync(paths.varDir, { throwIfNoEntry: false })
  const become = process.geteuid?.() === 0 && owner !== undefined ? { uid: owner.uid, gid: owner.gid } : {}
  const child = spawn(process.execPath, argv, { ...become, stdio: ['ignore', 'pipe', 'pipe'] })
  let words = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      words += text
    })
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    return code === 0 ? null : words.trim() || `'posthorn aliases' ended with status ${code}`
  } catch (fault) {
    return `'posthorn aliases' cannot be started: ${(fault as Error).message}`
  }
}
