// Constant databases for tests, and the programs of qmail and ucspi-tcp that make them from text: qmail-newu,
// qmail-newmrh, tcprules. Kept apart from the product, which only looks entries up; this side reads a file from its
// beginning to its end.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type Entry = readonly [key: string, value: string]

/** Characters are octets. */
export function cdbOf(entries: readonly Entry[]): Buffer {
  const tables = Array.from({ length: 256 }, (): { hash: number; at: number }[] => [])
  const records: Buffer[] = []
  let at = 2048
  for (const [key, value] of entries) {
    const [keyOctets, octets] = [Buffer.from(key, 'latin1'), Buffer.from(value, 'latin1')]
    const head = Buffer.alloc(8)
    head.writeUInt32LE(keyOctets.length, 0)
    head.writeUInt32LE(octets.length, 4)
    let hash = 5381
    for (const octet of keyOctets) hash = (((hash << 5) + hash) ^ octet) >>> 0
    tables[hash & 255]?.push({ hash, at })
    records.push(head, keyOctets, octets)
    at += 8 + keyOctets.length + octets.length
  }
  const head = Buffer.alloc(2048)
  const slots: Buffer[] = []
  tables.forEach((table, number) => {
    const size = table.length * 2
    head.writeUInt32LE(at, number * 8)
    head.writeUInt32LE(size, number * 8 + 4)
    const filled = Buffer.alloc(size * 8)
    for (const one of table) {
      let slot = (one.hash >>> 8) % size
      while (filled.readUInt32LE(slot * 8 + 4) !== 0) slot = (slot + 1) % size
      filled.writeUInt32LE(one.hash, slot * 8)
      filled.writeUInt32LE(one.at, slot * 8 + 4)
    }
    slots.push(filled)
    at += filled.length
  })
  return Buffer.concat([head, ...records, ...slots])
}

/** All entries, in their order. */
export function entriesOf(file: Buffer): readonly Entry[] {
  const entries: Entry[] = []
  const end = Math.min(...Array.from({ length: 256 }, (_, number) => file.readUInt32LE(number * 8)))
  for (let at = 2048; at < end; ) {
    const [keySize, size] = [file.readUInt32LE(at), file.readUInt32LE(at + 4)]
    const value = at + 8 + keySize
    entries.push([file.toString('latin1', at + 8, value), file.toString('latin1', value, value + size)])
    at = value + size
  }
  return entries
}

/** users/assign to users/cdb (qmail-newu(8)); throws where that says "bad format". */
export function newUsers(home: string): void {
  const lines = readFileSync(join(home, 'users/assign'), 'latin1').split('\n')
  const end = lines.findIndex((line) => line.startsWith('.'))
  if (end < 0) throw new Error('qmail-newu: fatal: bad format in users/assign')
  let wildcards = ''
  const entries = lines.slice(0, end).map((line): Entry => {
    const [first = '', ...fields] = line.split(':')
    if (first === '' || fields.length < 6) throw new Error('qmail-newu: fatal: bad format in users/assign')
    const name = first.slice(1)
    const last = name.at(-1)
    if (first.startsWith('+') && last !== undefined && !wildcards.includes(last)) wildcards += last
    const key = first.startsWith('+') ? `!${name}` : `!${name}\0`
    return [key.toLowerCase(), fields.slice(0, 6).join('\0')]
  })
  writeFileSync(join(home, 'users/cdb'), cdbOf([...entries, ['', wildcards]]))
}

/** control/morercpthosts to its .cdb (qmail-newmrh(8)). */
export function newMoreHosts(home: string): void {
  const path = join(home, 'control/morercpthosts')
  const lines = readFileSync(path, 'latin1')
    .split('\n')
    .map((line) => line.trimEnd().toLowerCase())
    .filter((line) => line !== '' && !line.startsWith('#'))
  writeFileSync(`${path}.cdb`, cdbOf(lines.map((line) => [line, ''])))
}

/** tcprules(1), for rules that set variables between double quotes. */
export function tcpRules(path: string): void {
  const entries = readFileSync(path, 'latin1')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line): Entry => {
      const [, key = '', action, rest = ''] = /^([^:]*):(allow|deny)(.*)$/.exec(line) ?? []
      const variables = [...rest.matchAll(/,(\w+)="([^"]*)"/g)].map(
        ([, name, value]) => `+${name}=${value}\0`,
      )
      return [key, `${action === 'deny' ? 'D' : ''}${variables.join('')}`]
    })
  writeFileSync(`${path}.cdb`, cdbOf(entries))
}
