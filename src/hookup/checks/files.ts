// The data directory: is it there, does all of it belong to the account that runs Posthorn, can the disk take more, may
// strangers read secrets in it? Looked at on this machine, where Posthorn is, whatever the mail server's is.
import { type Stats, statSync } from 'node:fs'
import { readdir, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Finding, FindingKind } from '../../model/hookup.ts'
import { StoreRefusal } from '../../store/database.ts'
import { publicationState } from '../../store/units/lists.ts'
import { finding } from '../finding.ts'
import type { Check, CheckedSite } from './checked-site.ts'
import { look } from './records.ts'

const missing: FindingKind = {
  code: 'files.missing',
  severity: 'error',
  summary: 'There is no data directory yet',
  why: 'Posthorn has never been started with this configuration, or looks in another place than before: no list is known.',
  change: "posthorn start; if there have been lists, correct [paths.*] var_dir ('posthorn conf' shows it).",
  rank: 101,
  explains: ['lmtp.refused', 'lmtp.socket-missing'],
}

const foreignOwner: FindingKind = {
  code: 'files.foreign-owner',
  severity: 'error',
  summary: 'Files in the data directory belong to another user',
  why: 'The server cannot write them: mail is put off, or tables are not brought up to date. Mostly a command was run as root once.',
  change: 'Give them to the account that runs Posthorn.',
  rank: 104,
}

const notWritable: FindingKind = {
  code: 'files.not-writable',
  severity: 'error',
  summary: 'The account that runs Posthorn cannot write its data directory',
  why: 'Nothing can be kept: the door answers 451, and tables are not brought up to date.',
  change: 'Give it the right to write.',
  rank: 103,
}

const diskLow: FindingKind = {
  code: 'files.disk-low',
  severity: 'error',
  summary: 'Less disk is free than is kept in reserve',
  why: 'The door answers 452, and mail for lists waits at the mail server, so that what was accepted can still leave.',
  change: 'Free some space, or lower [store] reserve.',
  rank: 105,
  explains: ['lmtp.no-room'],
}

const databaseNewer: FindingKind = {
  code: 'files.database-newer',
  severity: 'error',
  summary: 'The database was written by a newer Posthorn',
  why: 'This one does not start with it.',
  change: 'Install the newer version again, or restore a backup made before the upgrade.',
  rank: 102,
  explains: ['lmtp.refused', 'lmtp.socket-missing'],
}

const databaseDamaged: FindingKind = {
  code: 'files.database-damaged',
  severity: 'error',
  summary: 'The database cannot be read',
  why: 'The server does not start with it, and no list is known.',
  change: "Keep the file, and restore a backup, or recover it with 'sqlite3 FILE .recover'.",
  rank: 102,
  explains: ['lmtp.refused', 'lmtp.socket-missing'],
}

const readableByAll: FindingKind = {
  code: 'files.readable-by-all',
  severity: 'warning',
  summary: 'Every account of this machine may read the database',
  why: 'It holds members, held posts and the secret that envelope senders are signed with.',
  change: 'chmod o= FILE',
  rank: 150,
}

const configurationReadable: FindingKind = {
  code: 'files.configuration-readable-by-all',
  severity: 'warning',
  summary: 'Every account of this machine may read a password in the configuration',
  why: 'smtp_pass and admin_pass stand there in the clear.',
  change: 'chown root:GROUP FILE; chmod 640 FILE',
  rank: 150,
}

export const files: Check = {
  kinds: [
    missing,
    foreignOwner,
    notWritable,
    diskLow,
    databaseNewer,
    databaseDamaged,
    readableByAll,
    configurationReadable,
  ],
  async *look(site) {
    yield* configuration(site)
    const { varDir } = site.facts
    const top = statOf(varDir)
    if (top === null || statOf(site.database) === null) {
      yield finding(missing, { seen: `${top === null ? varDir : site.database}: no such file or directory` })
      return
    }
    yield* database(site)
    yield* owners(site, top)
    yield* disk(site)
    yield* secrets(site)
  },
}

function statOf(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null
  } catch {
    return null // not for the eyes of who asks
  }
}

async function* configuration({ config, facts }: CheckedSite): AsyncIterable<Finding> {
  const { configFile } = facts
  const { smtpPass } = config.mta
  const { adminPass } = config.webservice
  if (configFile === null || (smtpPass === null && adminPass === null)) return
  const stats = statOf(configFile)
  if (stats === null || !openToAll(configFile, stats)) return
  const keys = [
    smtpPass === null ? '' : '[mta] smtp_pass',
    adminPass === null ? '' : '[webservice] admin_pass',
  ]
  yield finding(configurationReadable, {
    seen: `${configFile}: mode ${modeText(stats)}, with ${keys.filter((key) => key !== '').join(' and ')}`,
    file: configFile,
    change: `chown root:${facts.account.group} ${configFile} && chmod 640 ${configFile}`,
  })
}

async function* database({ database }: CheckedSite): AsyncIterable<Finding> {
  try {
    look(database, publicationState, undefined)
  } catch (fault) {
    const words = fault instanceof Error ? fault.message : String(fault)
    const newer = fault instanceof StoreRefusal && words.includes('newer Posthorn')
    yield finding(newer ? databaseNewer : databaseDamaged, { seen: words, file: database })
  }
}

async function* owners({ facts, database }: CheckedSite, top: Stats): AsyncIterable<Finding> {
  const { varDir, dataDir, listDataDir, account } = facts
  const folders = [
    ...new Set([
      varDir,
      dataDir,
      listDataDir,
      join(varDir, 'run'),
      join(varDir, 'logs'),
      join(varDir, 'messages'),
    ]),
  ]
  for (const folder of folders) {
    const stats = statOf(folder)
    if (stats === null || mayWrite(stats, top, 0o3)) continue
    yield finding(notWritable, {
      seen: `${folder}: mode ${modeText(stats)}, ${ownerText(stats)}; Posthorn runs as ${account.user}`,
      change: `chown ${account.user}:${account.group} ${folder} && chmod u+rwx ${folder}`,
    })
  }
  const foreign: string[] = []
  for (const folder of folders) {
    const names = await readdir(folder).catch(() => [])
    for (const name of names.slice(0, mostFiles)) {
      const path = join(folder, name)
      const stats = statOf(path)
      if (stats?.isFile() === true && !mayWrite(stats, top, 0o2))
        foreign.push(`${path} (${ownerText(stats)}, ${modeText(stats)})`)
    }
  }
  if (foreign.length === 0) return
  const more = foreign.length > 3 ? `, and ${foreign.length - 3} more` : ''
  yield finding(foreignOwner, {
    seen: `${foreign.slice(0, 3).join(', ')}${more}; ${database} and its folder belong to ${account.user}`,
    change: `chown -R ${account.user}:${account.group} ${varDir}   (and run posthorn as ${account.user}: su -s /bin/sh ${account.user} -c 'posthorn …')`,
  })
}

const mostFiles = 2000

/** Whether the owner of the data directory may: `bits` are those of w and x. root may all. */
function mayWrite(stats: Stats, top: Stats, bits: number): boolean {
  if (top.uid === 0) return true
  if (stats.uid === top.uid) return (stats.mode & (bits << 6)) === bits << 6
  if (stats.gid === top.gid) return (stats.mode & (bits << 3)) === bits << 3
  return (stats.mode & bits) === bits
}

async function* disk({ config, facts }: CheckedSite): AsyncIterable<Finding> {
  const { bavail, bsize } = await statfs(facts.varDir)
  const [free, reserve] = [bavail * bsize, config.store.reserve]
  if (free >= reserve) return
  yield finding(diskLow, {
    seen: `${facts.varDir}: ${mebibytes(free)} free, [store] reserve is ${mebibytes(reserve)}`,
  })
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`

async function* secrets({ facts, database }: CheckedSite): AsyncIterable<Finding> {
  const open = [database, `${database}-wal`, join(facts.varDir, 'archive.db')].filter((path) => {
    const stats = statOf(path)
    return stats !== null && openToAll(path, stats)
  })
  const [first] = open
  if (first === undefined) return
  yield finding(readableByAll, {
    seen: open.map((path) => `${path}: mode ${modeText(statOf(path))}`).join(', '),
    file: first,
    change: `chmod o= ${open.join(' ')}`,
  })
}

/** Readable for everybody, with no closed folder above it. */
function openToAll(path: string, stats: Stats): boolean {
  if ((stats.mode & 0o004) === 0) return false
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const above = statOf(folder)
    if (above === null || (above.mode & 0o001) === 0) return false
    if (folder === dirname(folder)) return true
  }
}

const modeText = (stats: Stats | null): string => ((stats?.mode ?? 0) & 0o7777).toString(8).padStart(4, '0')
const ownerText = ({ uid, gid }: Stats): string => `user ${uid}, group ${gid}`
