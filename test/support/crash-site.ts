// A site for crash tests: made once through the command line as an operator would, then copied for each round, so
// that every round starts from the same synced data directory.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const program = fileURLToPath(new URL('../../bin/posthorn', import.meta.url))

export interface SiteShape {
  readonly mode: 'individual' | 'bulk'
  readonly members: number
  /** Recipients in doubt: all that a crash may repeat. */
  readonly inDoubt: number
  /** Whether the mail server's tables are published, into VAR/data. */
  readonly publishes?: boolean
  /** Largest post of the list, in KB; 0 is no limit. */
  readonly maxPostSize?: number
}

/** One data directory with its configuration; `directory` holds both. */
export interface Site {
  readonly shape: SiteShape
  readonly directory: string
  readonly varDir: string
  readonly configuration: string
}

export const listAddress = 'tea@lists.example.org'
export const memberAddress = (no: number): string => `m${no}@example.com`
export const poster = memberAddress(1)

/** `tea@lists.example.org` with members m1@example.com …; written by `posthorn create` and `posthorn addmembers`. */
export async function prepareSite(shape: SiteShape): Promise<Site> {
  const site = siteAt(shape, await mkdtemp(join(tmpdir(), 'posthorn-crash-')))
  await configure(site, 0)
  await posthorn(site, 'create', listAddress)
  await addMembers(site, 1, shape.members)
  if (shape.maxPostSize !== undefined)
    await posthorn(site, 'set', listAddress, `max_message_size=${shape.maxPostSize}`)
  return site
}

/** A copy of the data directory of its own, which sends to the sink at `sinkPort`. */
export async function copySite(from: Site, sinkPort: number): Promise<Site> {
  const site = siteAt(from.shape, await mkdtemp(join(tmpdir(), 'posthorn-crash-')))
  await cp(from.varDir, site.varDir, { recursive: true, filter: (path) => !path.endsWith('.sock') })
  await configure(site, sinkPort)
  return site
}

export async function addMembers(site: Site, from: number, to: number): Promise<void> {
  await posthorn(site, 'addmembers', '-W', await memberFile(site, from, to), listAddress)
}

/** A file of addresses, one a line, for `posthorn addmembers`. */
export async function memberFile(site: Site, from: number, to: number): Promise<string> {
  const path = join(site.directory, `members-${from}-${to}`)
  const lines = Array.from({ length: to - from + 1 }, (_, i) => `${memberAddress(from + i)}\n`)
  await writeFile(path, lines.join(''))
  return path
}

/** Runs one command to its end; throws with its words when it fails. */
export async function posthorn(site: Site, ...argv: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ['-C', site.configuration, ...argv], {
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout
}

export async function removeSite(site: Site): Promise<void> {
  await rm(site.directory, { recursive: true, force: true })
}

/** A site over a data directory that is there already, such as an image of a cut disk. */
export async function siteOver(shape: SiteShape, directory: string, sinkPort: number): Promise<Site> {
  const site = siteAt(shape, directory)
  await mkdir(site.varDir, { recursive: true })
  await configure(site, sinkPort)
  return site
}

function siteAt(shape: SiteShape, directory: string): Site {
  return {
    shape,
    directory,
    varDir: join(directory, 'var'),
    configuration: join(directory, 'posthorn.cfg'),
  }
}

async function configure({ shape, varDir, configuration }: Site, sinkPort: number): Promise<void> {
  const postfix = join(dirname(configuration), 'postfix.cfg')
  if (shape.publishes) await writeFile(postfix, '[postfix]\ntransport_file_type: regex\n')
  const incoming = shape.publishes
    ? `mailman.mta.postfix.LMTP\nconfiguration: ${postfix}`
    : 'mailman.mta.null.NullMTA'
  await writeFile(
    configuration,
    `[mailman]
layout: crash
[paths.crash]
var_dir: ${varDir}
[mta]
incoming: ${incoming}
smtp_host: 127.0.0.1
smtp_port: ${sinkPort}
lmtp_host: 127.0.0.1
lmtp_port: 0
[bulk]
mode: ${shape.mode}
in_doubt: ${shape.inDoubt}
`,
  )
}
