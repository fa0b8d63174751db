// A name server for tests (RFC 1035 §4): answers over UDP from a table, or not at all.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** `NAME TYPE` to its records: MX as `10 host`, TXT and A as text. A name without any is NXDOMAIN. */
export type Zone = Readonly<Record<string, readonly string[]>>

const types = { A: 1, MX: 15, TXT: 16, AAAA: 28 } as const
type RecordType = keyof typeof types

/** Runs `use` with `address:port` of the server; a zone of null never answers. */
export async function withNameServer(
  zone: Zone | null,
  use: (server: string) => Promise<void>,
): Promise<void> {
  const socket = createSocket('udp4')
  socket.on('message', (question, from) => {
    if (zone !== null) socket.send(answerTo(question, zone), from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  try {
    await use(`127.0.0.1:${socket.address().port}`)
  } finally {
    socket.close()
  }
}

function answerTo(question: Buffer, zone: Zone): Buffer {
  const labels: string[] = []
  let at = 12
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  const end = at + 5
  const name = labels.join('.').toLowerCase()
  const type = (Object.keys(types) as RecordType[]).find(
    (one) => types[one] === question.readUInt16BE(at + 1),
  )
  const records = type === undefined ? [] : (zone[`${name} ${type}`] ?? [])
  const known = Object.keys(zone).some((key) => key.startsWith(`${name} `))
  const header = Buffer.from(question.subarray(0, 12))
  header.writeUInt16BE(0x8180 | (known ? 0 : 3), 2) // an answer, with recursion; 3 is NXDOMAIN
  header.writeUInt16BE(records.length, 6)
  header.writeUInt32BE(0, 8)
  return Buffer.concat([
    header,
    question.subarray(12, end),
    ...records.map((record) => resource(type ?? 'TXT', record)),
  ])
}

function resource(type: RecordType, record: string): Buffer {
  const data = dataOf(type, record)
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0) // the name of the question
  head.writeUInt16BE(types[type], 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(60, 6)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

function dataOf(type: RecordType, record: string): Buffer {
  if (type === 'A') return Buffer.from(record.split('.').map(Number))
  if (type === 'TXT')
    return Buffer.concat(
      (record.match(/.{1,255}/g) ?? ['']).map((part) => Buffer.from([part.length, ...Buffer.from(part)])),
    )
  const [preference = '0', host = '.'] = record.split(' ')
  const labels = host.split('.').filter((label) => label !== '')
  const name = labels.map((label) => Buffer.from([label.length, ...Buffer.from(label)]))
  return Buffer.concat([Buffer.from([0, Number(preference)]), ...name, Buffer.from([0])])
}
