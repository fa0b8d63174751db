// For the tests of the door: a real door on a real store with one list, and a client that speaks line by line.
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { systemClock } from '../../src/base/clock.ts'
import { type Fields, type Log, silentLog } from '../../src/base/log.ts'
import { type Door, type DoorSettings, openDoor } from '../../src/lmtp/door.ts'
import type { Envelope, Lane } from '../../src/model/queue.ts'
import type { Store } from '../../src/store/store.ts'
import { createList } from '../../src/store/units/lists.ts'
import { type FreshStore, freshStore } from './fresh-store.ts'

export interface QueuedItem {
  readonly lane: string
  readonly envelope: Envelope
  readonly bytes: Buffer
  readonly file: string | null
}

export interface FreshDoor extends AsyncDisposable {
  readonly door: Door
  readonly address: NetConnectOpts
  readonly fresh: FreshStore
  /** The lanes of each call of onQueued. */
  readonly queued: Lane[][]
  readonly logged: { readonly event: string; readonly fields: Fields }[]
  items(): readonly QueuedItem[]
  /** How many receptions the client is known to know of, and how many not. */
  receptions(): { readonly confirmed: number; readonly unconfirmed: number }
}

export async function freshDoor(
  settings: Partial<DoorSettings> = {},
  storeFor: (store: Store) => Store = (store) => store,
): Promise<FreshDoor> {
  const fresh = await freshStore()
  await fresh.store.commit(createList, {
    name: 'tea',
    mailHost: 'lists.example.org',
    settings: {},
    createDomain: true,
    now: systemClock.now(),
  })
  const queued: Lane[][] = []
  const logged: { event: string; fields: Fields }[] = []
  const note = (event: string, fields: Fields = {}): void => void logged.push({ event, fields })
  const log: Log = { ...silentLog, info: note, warn: note, error: note }
  const door = await openDoor(
    { store: storeFor(fresh.store), clock: systemClock, log },
    {
      hostName: 'lists.example.org',
      listen: [{ host: '127.0.0.1', port: 0 }],
      maxMessageSize: 1_000_000,
      maxRecipients: 50,
      idleTimeout: 5000,
      allow: () => true,
      delimiter: '+',
      spool: join(fresh.directory, 'messages'),
      diskHasRoom: () => true,
      databaseIsThere: () => true,
      maxConnections: 100,
      maxInFlight: 10_000_000,
      ...settings,
    },
    (lanes) => queued.push([...lanes]),
  ).catch(async (fault: unknown) => {
    await fresh[Symbol.asyncDispose]()
    throw fault
  })
  const look = new DatabaseSync(fresh.path, { readOnly: true, timeout: 5000 })
  return {
    door,
    address: connectTo(door.addresses[0] ?? ''),
    fresh,
    queued,
    logged,
    items: () =>
      look
        .prepare(
          'select lane, envelope, bytes, file from queue_item join message on message.id = message_id order by queue_item.id',
        )
        .all()
        .map((row) => ({
          lane: String(row.lane),
          envelope: JSON.parse(String(row.envelope)) as Envelope,
          bytes: row.bytes instanceof Uint8Array ? Buffer.from(row.bytes) : Buffer.alloc(0),
          file: row.file === null ? null : String(row.file),
        })),
    receptions: () => {
      const row = look
        .prepare(
          'select count(*) filter (where confirmed = 1) as c, count(*) filter (where confirmed = 0) as u from reception',
        )
        .get()
      return { confirmed: Number(row?.c), unconfirmed: Number(row?.u) }
    },
    [Symbol.asyncDispose]: async () => {
      await door.close(200)
      look.close()
      await fresh[Symbol.asyncDispose]()
    },
  }
}

function connectTo(address: string): NetConnectOpts {
  const colon = address.lastIndexOf(':')
  return colon < 0 ? { path: address } : { host: '127.0.0.1', port: Number(address.slice(colon + 1)) }
}

export interface Client {
  readonly socket: Socket
  say(...lines: readonly string[]): void
  write(bytes: string | Uint8Array): void
  /** The next line without its CRLF, or how the connection ended. */
  line(): Promise<string>
  lines(count: number): Promise<readonly string[]>
  /** Everything up to the end of the connection. */
  rest(): Promise<readonly string[]>
  /** How the connection ended: `end` in order, `reset`; what came before is dropped. */
  end(): Promise<string>
}

export async function speak(address: NetConnectOpts): Promise<Client> {
  const socket = connect(address)
  socket.setNoDelay(true)
  let text = ''
  let over: string | null = null
  let wake: (() => void) | null = null
  const news = (): void => {
    wake?.()
    wake = null
  }
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    news()
  })
  socket.on('end', () => {
    over ??= 'end'
    news()
  })
  socket.on('error', () => {
    over ??= 'reset'
    news()
  })
  const wait = (): Promise<void> => new Promise((resolve) => (wake = resolve))
  const line = async (): Promise<string> => {
    for (;;) {
      const end = text.indexOf('\r\n')
      if (end >= 0) {
        const found = text.slice(0, end)
        text = text.slice(end + 2)
        return found
      }
      if (over !== null) return over
      await wait()
    }
  }
  const client: Client = {
    socket,
    say: (...lines) => void socket.write(lines.map((one) => `${one}\r\n`).join('')),
    write: (bytes) => void socket.write(bytes),
    line,
    lines: async (count) => {
      const found: string[] = []
      while (found.length < count) found.push(await line())
      return found
    },
    rest: async () => {
      while (over === null) await wait()
      return text.split('\r\n').slice(0, -1)
    },
    end: async () => {
      while (over === null) await wait()
      return over
    },
  }
  return client
}

/** LHLO, its answer read. */
export async function greet(client: Client): Promise<readonly string[]> {
  client.say('LHLO client.example.org')
  return client.lines(7)
}
