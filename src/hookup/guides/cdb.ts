// Constant databases, which qmail and ucspi-tcp look things up in (cdb: control/morercpthosts.cdb, users/cdb, the rules of
// tcpserver). Law: a file that is no cdb has no entries; nothing here throws. The octets come by od(1), so that a file
// behind a command prefix is read as well.
import type { MailServerHost } from '../../model/hookup.ts'

/** Null when there is no such file, or no od to read it with. Throws Unavailable. */
export async function readOctets(
  host: Pick<MailServerHost, 'stat' | 'run'>,
  path: string,
): Promise<Buffer | null> {
  if ((await host.stat(path)) === null) return null
  const ended = await host.run(['od', '-An', '-v', '-tx1', path])
  return ended === null || ended.code !== 0 ? null : Buffer.from(ended.out.replace(/\s+/g, ''), 'hex')
}

const headSize = 2048

/** Whether all tables lie in the file. */
export const isCdb = (file: Buffer): boolean =>
  file.length >= headSize &&
  Array.from({ length: 256 }, (_, at) => at * 8).every(
    (at) => file.readUInt32LE(at) + file.readUInt32LE(at + 4) * 8 <= file.length,
  )

/** Keys and values are octets, one a character (latin1). The first entry of that key; null when there is none. */
export function lookUpCdb(file: Buffer, key: string): string | null {
  const wanted = Buffer.from(key, 'latin1')
  const hash = hashOf(wanted)
  const at = (hash & 0xff) * 8
  const [table, slots] = [word(file, at), word(file, at + 4)]
  if (file.length < headSize || table === null || slots === null || slots === 0) return null
  let slot = (hash >>> 8) % slots
  for (let tried = 0; tried < slots; tried += 1) {
    const [found, record] = [word(file, table + slot * 8), word(file, table + slot * 8 + 4)]
    if (found === null || record === null || record === 0) return null
    if (found === hash) {
      const [keySize, size] = [word(file, record), word(file, record + 4)]
      if (keySize === null || size === null) return null
      const begin = record + 8
      if (file.subarray(begin, begin + keySize).equals(wanted))
        return file.toString('latin1', begin + keySize, begin + keySize + size)
    }
    slot = (slot + 1) % slots
  }
  return null
}

function hashOf(key: Buffer): number {
  let hash = 5381
  for (const octet of key) hash = (Math.imul(hash, 33) ^ octet) >>> 0
  return hash
}

const word = (file: Buffer, at: number): number | null =>
  at + 4 <= file.length ? file.readUInt32LE(at) : null
