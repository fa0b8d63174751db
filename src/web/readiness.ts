// Whether the server can take mail, for whoever starts, watches or balances it. Ready: LMTP answers, the store takes a
// commit, and there is disk. A relay that is down does not count: mail is taken and kept meanwhile, and to turn it away
// would help nobody; it is told all the same.
import { connect } from 'node:net'
import type { Clock } from '../base/clock.ts'

export interface ReadinessFacts {
  /** Of the door: `host:port`, `[host]:port` or a path. */
  readonly door: string
  /** Writes something to the store; rejects when that cannot be. */
  readonly write: () => Promise<unknown>
  /** Null, or why there is too little disk. */
  readonly disk: () => string | null
  /** Null, or why the relay takes no mail. */
  readonly relay: () => Promise<string | null>
}

export interface Readiness {
  readonly ready: boolean
  /** A line for each check: `ok NAME`, `FAULT NAME: why` or `note NAME: why`. */
  readonly lines: readonly string[]
}

const patience = 3000
/** So many probes as there may be cost one look each second. */
const lookAgainAfter = 1000

export function readiness(clock: Clock, facts: ReadinessFacts): () => Promise<Readiness> {
  let last: Promise<Readiness> | null = null
  let lookedAt = 0
  return () => {
    if (last === null || clock.monotonic() - lookedAt > lookAgainAfter) {
      lookedAt = clock.monotonic()
      last = look(facts)
    }
    return last
  }
}

async function look({ door, write, disk, relay }: ReadinessFacts): Promise<Readiness> {
  const [lmtp, store, relayWords] = await Promise.all([
    within(greeting(door), `no greeting from ${door}`),
    within(
      write().then(
        () => null,
        (fault: unknown) => (fault instanceof Error ? fault.message : String(fault)),
      ),
      'no commit',
    ),
    within(relay(), 'the delivery thread does not answer'),
  ])
  const checks = [
    { name: 'lmtp', fault: lmtp },
    { name: 'store', fault: store },
    { name: 'disk', fault: disk() },
  ]
  const lines = checks.map(({ name, fault }) => (fault === null ? `ok ${name}` : `FAULT ${name}: ${fault}`))
  if (relayWords !== null) lines.push(`note relay: ${relayWords}; mail is taken and waits`)
  return { ready: checks.every(({ fault }) => fault === null), lines }
}

/** Null, or why the door does not greet. One that says we may not come in answers, all the same. */
function greeting(door: string): Promise<string | null> {
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(door) ?? []
  const place = host === undefined || door.startsWith('/') ? { path: door } : { host, port: Number(port) }
  return new Promise((resolve) => {
    const socket = connect(place).setTimeout(patience)
    const end = (fault: string | null): void => {
      socket.destroy()
      resolve(fault)
    }
    socket.once('data', (said: Buffer) => {
      const line = said.toString('latin1').split('\r\n')[0] ?? ''
      if (!/^(?:220|554)/.test(line)) return end(`it said ${line}`)
      socket.end('QUIT\r\n')
      resolve(null)
    })
    socket.once('timeout', () => end(`no greeting from ${door}`))
    socket.once('error', (fault) => end(fault.message))
    socket.once('close', () => end(`${door} closed the connection`))
  })
}

function within(work: Promise<string | null>, late: string): Promise<string | null> {
  const timer = Promise.withResolvers<string>()
  const timeout = setTimeout(() => timer.resolve(`${late} in ${patience / 1000} s`), patience)
  return Promise.race([work, timer.promise]).finally(() => clearTimeout(timeout))
}
