import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshStore } from '../../test/support/fresh-store.ts'
import { instant } from '../base/clock.ts'
import { silentLog as log } from '../base/log.ts'
import { Unavailable } from '../base/unavailable.ts'
import type { MailServer } from '../model/mail-server.ts'
import { createList, publicationState, removeList } from '../store/units/lists.ts'
import { mailServerFor } from './mail-servers.ts'
import { keepMarkers, markerName } from './markers.ts'
import { publishPending, startPublisher } from './publisher.ts'

const tea = { name: 'tea', mailHost: 'lists.example.org', settings: {}, createDomain: true, now: instant(1) }

test('a publication follows the generation: tables and markers come and go with the list', async () => {
  await using fresh = await freshStore()
  const { store, directory } = fresh
  const data = join(directory, 'data')
  mkdirSync(data)
  const lists = join(directory, 'lists')
  const exim = mailServerFor({ name: 'exim4', lists, directory: data, reloadCommand: [] })
  const server = mailServerFor({
    name: 'postfix',
    postfix: {
      directory: data,
      lmtpHost: '127.0.0.1',
      lmtpPort: 8024,
      postmapCommand: '',
      tableType: 'regexp',
      compatible: false,
    },
  })
  const made = await store.commit(createList, tea)
  ok(made.kind === 'created')
  const first = await publishPending({ store, log }, [exim, server])
  equal(first.kind, 'published')
  equal(first.generation, made.generation)
  equal(store.read(publicationState, null).done, made.generation)
  deepEqual(readdirSync(lists), ['tea.lists.example.org'])
  ok(existsSync(join(data, 'postfix_lmtp')))
  await store.commit(removeList, { list: made.list })
  await publishPending({ store, log }, [exim, server])
  deepEqual(readdirSync(lists), [])
})

test('a failure is recorded with its words, and done stays behind', async () => {
  await using fresh = await freshStore()
  const { store } = fresh
  const broken: MailServer = {
    name: 'broken',
    publish: () => Promise.reject(new Unavailable('the disk is full')),
  }
  const outcome = await publishPending({ store, log }, [broken])
  deepEqual(outcome, { kind: 'failed', generation: 1, fault: 'the disk is full' })
  deepEqual(store.read(publicationState, null), { generation: 1, done: 0, fault: 'the disk is full' })
})

test('a failed publication is tried again until it succeeds', async () => {
  await using fresh = await freshStore()
  const { store } = fresh
  const { promise: succeeded, resolve } = Promise.withResolvers<void>()
  let tries = 0
  const third: MailServer = {
    name: 'third time',
    publish: async () => {
      if (++tries < 3) throw new Unavailable('not yet')
      resolve()
      return []
    },
  }
  await using publisher = startPublisher({ store, log }, [third], { first: 1, most: 2 })
  equal((await publisher.wake()).kind, 'failed')
  await succeeded
  equal((await publisher.wake()).kind, 'published')
  deepEqual(store.read(publicationState, null), { generation: 1, done: 1, fault: null })
})

test('calls that come while one publication runs share the next, which sees their changes', async () => {
  await using fresh = await freshStore()
  const { store } = fresh
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const seen: (readonly string[])[] = []
  const slow: MailServer = {
    name: 'slow',
    publish: async ({ domains }) => {
      seen.push(domains.flatMap(({ listNames }) => listNames))
      begin()
      await gate
      return []
    },
  }
  const publisher = startPublisher({ store, log }, [slow])
  const first = publisher.wake()
  await begun
  await Promise.all(['tea', 'milk'].map((name) => store.commit(createList, { ...tea, name })))
  const rest = [publisher.wake(), publisher.wake(), publisher.wake()]
  open()
  deepEqual(
    (await Promise.all([first, ...rest])).map(({ generation }) => generation),
    [1, 3, 3, 3],
  )
  deepEqual(
    seen.map((names) => [...names].sort()),
    [[], ['milk', 'tea']],
  )
  await publisher[Symbol.asyncDispose]()
  await rejects(publisher.wake(), /stopped/)
})

test('markers: only empty directories go, files and full directories stay', async () => {
  await using fresh = await freshStore()
  const lists = join(fresh.directory, 'lists')
  for (const name of ['old.example.org', 'full.example.org'])
    mkdirSync(join(lists, name), { recursive: true })
  writeFileSync(join(lists, 'full.example.org', 'digest.mmdf'), 'x')
  writeFileSync(join(lists, 'note'), 'x')
  const domains = [{ mailHost: 'example.org', aliasDomain: null, listOnly: false, listNames: ['tea'] }]
  const changed = await keepMarkers(lists, { domains })
  deepEqual(readdirSync(lists).sort(), ['full.example.org', 'note', 'tea.example.org'])
  deepEqual(changed.map(({ path }) => path.slice(lists.length + 1)).sort(), [
    'old.example.org',
    'tea.example.org',
  ])
  deepEqual(await keepMarkers(lists, { domains }), [])
})

for (const name of ['..', '../x', 'a/b', '.hidden', '', 'a\0b', 'a b', 'Tea'])
  test(`no marker is made for the name ${JSON.stringify(name)}`, () => {
    throws(() => markerName(name, 'example.org'), /cannot have a marker/)
  })

test('a change is heard of when its tables are published, and no publication without one', async () => {
  await using fresh = await freshStore()
  const { store } = fresh
  const heard: number[] = []
  const onChange = (): void => void heard.push(store.read(publicationState, null).done)
  await using publisher = startPublisher({ store, log, onChange }, [])
  await store.commit(createList, tea)
  await publisher.wake()
  await publisher.wake()
  await store.commit(createList, { ...tea, name: 'milk' })
  await publisher.wake()
  deepEqual(heard, [2, 3])
})
