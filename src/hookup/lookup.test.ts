import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshStore } from '../../test/support/fresh-store.ts'
import { systemClock } from '../base/clock.ts'
import { type Fields, type Log, silentLog } from '../base/log.ts'
import { Unavailable } from '../base/unavailable.ts'
import type { Store } from '../store/store.ts'
import { addDomain, changeDomain, createList, listBySpec, removeList } from '../store/units/lists.ts'
import { answerTo, type LookupSettings, openLookup } from './lookup.ts'
import { readsocket, socketmap, tcpTable } from './lookup-protocols.ts'

const now = systemClock.now()
const domain = { description: '', owners: [], now }
const loopback = { host: '127.0.0.1', port: 0 }

/** tea and tea-bounces in lists.example.org; a list in example.org, which has an alias; a domain for lists alone; an empty one. */
async function freshLookup(
  settings: Partial<LookupSettings> = {},
  storeFor: (store: Store) => Pick<Store, 'read'> = (store) => store,
) {
  const fresh = await freshStore()
  const { store } = fresh
  const domains = [
    { mailHost: 'lists.example.org', aliasDomain: null, listOnly: false },
    { mailHost: 'example.org', aliasDomain: 'x.example.org', listOnly: false },
    { mailHost: 'new.example.org', aliasDomain: null, listOnly: true },
    { mailHost: 'empty.example.org', aliasDomain: null, listOnly: false },
    { mailHost: 'xn--tre-rla.example.org', aliasDomain: null, listOnly: true },
  ]
  for (const one of domains) await store.commit(addDomain, { ...domain, ...one })
  for (const [name, mailHost] of [
    ['tea', 'lists.example.org'],
    ['tea-bounces', 'lists.example.org'],
    ['milk', 'example.org'],
  ] as const) {
    await store.commit(createList, { name, mailHost, settings: {}, createDomain: false, now })
  }
  const logged: { event: string; fields: Fields }[] = []
  const note = (event: string, fields: Fields = {}): void => void logged.push({ event, fields })
  const log: Log = { ...silentLog, info: note, warn: note, error: note }
  const services = { store: storeFor(store), log }
  const service = await openLookup(services, {
    listen: [socketmap, tcpTable, readsocket].map((protocol) => ({ place: loopback, protocol })),
    allow: () => true,
    delimiter: '+',
    idleTimeout: 5000,
    maxConnections: 100,
    ...settings,
  })
  const places: NetConnectOpts[] = service.addresses.map((address) =>
    address.startsWith('/')
      ? { path: address }
      : { host: '127.0.0.1', port: Number(address.slice(address.lastIndexOf(':') + 1)) },
  )
  const [socketmapPlace, tablePlace, readsocketPlace] = places
  return {
    fresh,
    services,
    service,
    logged,
    places,
    socketmap: socketmapPlace ?? {},
    table: tablePlace ?? {},
    readsocket: readsocketPlace ?? {},
    [Symbol.asyncDispose]: async () => {
      await service.close()
      await fresh[Symbol.asyncDispose]()
    },
  }
}

const netstring = (text: string): string => `${Buffer.byteLength(text)}:${text},`

/** Says it, ends our half, and gives all that came back. */
async function ask(place: object, ...said: readonly string[]): Promise<string> {
  const socket = connect(place as NetConnectOpts)
  for (const one of said) socket.write(one)
  socket.end()
  return heard(socket)
}

async function heard(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  socket.on('error', () => undefined)
  await once(socket, 'close')
  return text
}

test('each key has its answer', async () => {
  await using lookup = await freshLookup()
  const recipient = (key: string) => answerTo(lookup.services, '+', { map: 'recipients', key })
  const served = (key: string) => answerTo(lookup.services, '+', { map: 'domains', key })
  for (const [key, value] of [
    ['tea@lists.example.org', 'post'],
    ['TEA@Lists.Example.ORG', 'post'],
    ['tea+x@lists.example.org', 'post'],
    ['tea-owner@lists.example.org', 'owner'],
    ['tea-bounces@lists.example.org', 'post'], // a list of that name
    ['tea-bounces+ann=example.net@lists.example.org', 'post'],
    ['tea-confirm+TOKEN@lists.example.org', 'confirm'],
    ['"tea"@lists.example.org', 'post'],
    ['milk@example.org', 'post'],
    ['milk-request@x.example.org', 'request'],
  ] as const) {
    deepEqual(recipient(key), { kind: 'found', value }, key)
  }
  for (const key of [
    'coffee@lists.example.org',
    'tea-admin@lists.example.org',
    'tea@example.com',
    'tea',
    'lists.example.org',
    '@lists.example.org',
    'tea@',
    '@',
    '',
    '*',
    'tea@lists.example.org.',
    '<tea@lists.example.org>',
    'tea@lists.example.org\n',
    'tea\0@lists.example.org',
    "tea' or 1=1 --@lists.example.org",
    `${'t'.repeat(4000)}@lists.example.org`,
  ]) {
    deepEqual(recipient(key), { kind: 'not-found' }, key)
  }
  for (const key of [
    'lists.example.org',
    'LISTS.example.org',
    'x.example.org',
    'new.example.org',
    'träe.example.org',
  ]) {
    deepEqual(served(key), { kind: 'found', value: key.toLowerCase() }, key)
  }
  for (const key of [
    'example.org',
    'empty.example.org',
    'org',
    '.example.org',
    'tea@lists.example.org',
    '',
  ]) {
    deepEqual(served(key), { kind: 'not-found' }, key)
  }
  deepEqual(answerTo(lookup.services, '+', { map: 'transport', key: 'tea@lists.example.org' }), {
    kind: 'no-such-map',
  })
})

test('a new list is found at once, and a removed one no longer', async () => {
  await using lookup = await freshLookup()
  const { store } = lookup.fresh
  const question = netstring('recipients coffee@empty.example.org')
  equal(await ask(lookup.socketmap, question), '9:NOTFOUND ,')
  await store.commit(createList, {
    name: 'coffee',
    mailHost: 'empty.example.org',
    settings: {},
    createDomain: false,
    now,
  })
  equal(await ask(lookup.socketmap, question), '7:OK post,')
  equal(await ask(lookup.socketmap, netstring('domains empty.example.org')), '20:OK empty.example.org,')
  const list = store.read(listBySpec, { spec: 'coffee@empty.example.org' })
  if (list !== null) await store.commit(removeList, { list: list.no })
  equal(await ask(lookup.socketmap, question), '9:NOTFOUND ,')
  await store.commit(changeDomain, {
    ...domain,
    mailHost: 'empty.example.org',
    aliasDomain: null,
    listOnly: true,
  })
  equal(await ask(lookup.socketmap, netstring('domains empty.example.org')), '20:OK empty.example.org,')
})

test('many questions in one connection are answered in order, wherever the packets are cut', async () => {
  await using lookup = await freshLookup()
  const keys = ['tea', 'coffee', 'tea-join', 'tea-nosuch'].map((name) => `${name}@lists.example.org`)
  const sockets = keys.map((key) => netstring(`recipients ${key}`)).join('')
  equal(await ask(lookup.socketmap, sockets), '7:OK post,9:NOTFOUND ,7:OK join,9:NOTFOUND ,')
  equal(await ask(lookup.socketmap, ...sockets), '7:OK post,9:NOTFOUND ,7:OK join,9:NOTFOUND ,')
  equal(
    await ask(lookup.table, ...keys.map((key) => `get ${key}\n`).join('')),
    '200 post\n500 not%20found\n200 join\n500 not%20found\n',
  )
  const thousands = 5000
  equal((await ask(lookup.socketmap, sockets.repeat(thousands))).length, 44 * thousands)
})

test('readsocket answers one line with one word, and ends', async () => {
  await using lookup = await freshLookup()
  for (const [line, word] of [
    ['tea@lists.example.org\n', 'yes'],
    ['coffee@lists.example.org\n', 'no'],
    ['recipients tea@lists.example.org\n', 'yes'],
    ['domains lists.example.org\n', 'yes'],
    ['tea@lists.example.org', 'yes'],
    ['tea@lists.example.org\ncoffee@lists.example.org\n', 'yes'],
    ['', ''],
  ] as const) {
    equal(await ask(lookup.readsocket, line), word)
  }
  // Exim may keep its half open: the answer does not wait for it.
  const socket = connect(lookup.readsocket as NetConnectOpts)
  socket.write('tea@lists.example.org\n')
  equal(await heard(socket), 'yes')
})

test('what is no request is refused in words, and the connection ends', async () => {
  await using lookup = await freshLookup()
  const socket = connect(lookup.socketmap as NetConnectOpts)
  socket.write(`${netstring('nonsense')}GET / HTTP/1.1\r\n\r\n`)
  equal(await heard(socket), '32:PERM a request is NAME SPACE KEY,25:PERM this is no netstring,')
  equal(
    await ask(lookup.socketmap, netstring('relay tea@lists.example.org')).then((text) => text.slice(3, 19)),
    'PERM no such map',
  )
  match(await ask(lookup.table, 'a'.repeat(100_000)), /^400 a%20line/)
})

test('a store that cannot be read is never "not found"', async () => {
  await using lookup = await freshLookup({}, () => ({
    read: () => {
      throw new Unavailable('the disk is gone')
    },
  }))
  const key = 'tea@lists.example.org'
  equal(
    await ask(lookup.socketmap, netstring(`recipients ${key}`)),
    '35:TEMP cannot look into the store now,',
  )
  match(await ask(lookup.table, `get ${key}\n`), /^400 /)
  equal(await ask(lookup.readsocket, `${key}\n`), 'later')
  equal(lookup.logged.filter(({ event }) => event === 'lookup.fault').length, 3)
})

test('who may not ask, and who is one too many, gets no answer at all', async () => {
  await using closed = await freshLookup({ allow: () => false })
  equal(await ask(closed.socketmap, netstring('recipients tea@lists.example.org')), '')
  equal(closed.logged.at(-1)?.event, 'lookup.turned-away')
  await using full = await freshLookup({ maxConnections: 1 })
  const first = connect(full.socketmap as NetConnectOpts)
  first.write(netstring('recipients tea@lists.example.org'))
  await once(first, 'data')
  equal(await ask(full.table, 'get tea@lists.example.org\n'), '')
  first.destroy()
})

test('a client that says nothing is sent away', async () => {
  await using lookup = await freshLookup({ idleTimeout: 50 })
  equal(await heard(connect(lookup.socketmap as NetConnectOpts)), '')
})

test('a UNIX socket needs no leave by address, and what is in the way is told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-lookup-'))
  try {
    const path = join(folder, 'lookup.sock')
    await using lookup = await freshLookup({
      listen: [{ place: { path }, protocol: socketmap }],
      allow: () => false,
    })
    equal(await ask({ path }, netstring('recipients tea@lists.example.org')), '7:OK post,')
    await rejects(
      openLookup(lookup.services, {
        listen: [
          { place: loopback, protocol: tcpTable },
          { place: { path }, protocol: socketmap },
        ],
        allow: () => true,
        delimiter: '+',
        idleTimeout: 5000,
        maxConnections: 1,
      }),
      /another program listens on .*lookup\.sock .*\[lookup\] socketmap/,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
