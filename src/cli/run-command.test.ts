import { deepEqual, equal, match } from 'node:assert/strict'
import { after, test } from 'node:test'
import { freshStore } from '../../test/support/fresh-store.ts'
import { shell } from '../../test/support/shell.ts'
import type { ServerStatus } from '../app/control-server-side.ts'
import { Unavailable } from '../base/unavailable.ts'
import type { ListNo } from '../model/list.ts'
import type { OutgoingNo } from '../model/outgoing.ts'
import type { ItemNo } from '../model/queue.ts'
import { recordJudgement } from '../store/units/judging.ts'
import { listBySpec } from '../store/units/lists.ts'
import { freezePage, parkOutgoing, recordResults } from '../store/units/outgoing.ts'
import { shuntItem } from '../store/units/queue.ts'
import { queuedItem } from '../store/units/reports.ts'

// For what changes nothing: a store each would be most of the time that these tests take.
const unchanged = await freshStore()
after(() => unchanged[Symbol.asyncDispose]())

const usage = /^Usage: posthorn \S+ \[OPTIONS\].*\nTry 'posthorn \S+ -h' for help\.\n\nError: /

test('lists come and go: create, lists, set, remove', async () => {
  await using fresh = await freshStore()
  const { run } = shell(fresh)
  deepEqual(await run(['create', '-o', 'ann@example.com', 'Tea@lists.example.org']), {
    code: 0,
    out: 'Created mailing list: tea@lists.example.org\n',
    err: '',
  })
  const twice = await run(['create', 'tea@lists.example.org'])
  match(twice.err, usage)
  match(twice.err, /Error: List already exists: tea@lists\.example\.org\n$/)
  equal(twice.code, 2)
  for (const [argv, error] of [
    [['create', 'bad'], /Error: Illegal list name: bad\n/],
    [['create', '-D', 'a@nodomain.example'], /Error: Undefined domain: nodomain\.example\n/],
    [['create', '--language', 'x x', 'a@b.example'], /Error: Invalid language code: x x\n/],
    [['create', '-o', 'zed', '-o', 'bob', 'a@b.example'], /Error: Illegal owner addresses: bob, zed\n/],
  ] as const) {
    const said = await run(argv)
    match(said.err, error)
    equal(said.code, 2)
  }
  equal(
    (await run(['lists', '-n', '-d'])).out,
    '1 matching mailing list found:\ntea@lists.example.org [Tea] - \n',
  )
  equal((await run(['lists', '-q', '--domain', 'other.example'])).out, '')
  equal((await run(['set', 'tea.lists.example.org', 'description', 'All of tea', 'advertised=no'])).code, 0)
  equal((await run(['set', 'tea.lists.example.org', 'description'])).out, 'All of tea\n')
  equal((await run(['lists', '-a'])).out, 'No matching mailing lists found\n')
  const wrong = await run(['set', 'tea.lists.example.org', 'advertised=maybe'])
  equal(wrong.code, 2)
  match(wrong.err, /advertised: "maybe" is neither yes nor no/)
  equal((await run(['remove', 'tea@lists.example.org'])).out, 'Removed list: tea@lists.example.org\n')
  deepEqual(await run(['remove', '-q', 'tea@lists.example.org']), { code: 0, out: '', err: '' })
})

test('create reports the fault of the tables, and says what to do', async () => {
  await using fresh = await freshStore()
  const { run } = shell(fresh)
  const said = await run(['create', 'tea@lists.example.org'], { publish: async () => 'postmap is not there' })
  equal(said.code, 1)
  match(said.err, /has been created, but .*: postmap is not there\. Mend that, then run 'posthorn aliases'/)
})

test('members are added, shown, filtered and removed', async () => {
  await using fresh = await freshStore()
  const { run } = shell(fresh)
  await run(['create', '-o', 'own@example.com', 'tea@lists.example.org'])
  const list = 'tea@lists.example.org'
  const stdin = '# people\n\nBea Person <bea@example.com>\nAnn@example.com\nfoo\nbea@example.com\n'
  const added = await run(['addmembers', '-', list], { stdin })
  equal(added.code, 0)
  equal(
    added.err,
    'Cannot parse as valid email address (skipping): foo (line 5)\nAlready subscribed (skipping): bea@example.com (line 6)\n2 members added; lines skipped: 1 (no address, as ann@example.com or Ann Person <ann@example.com>), 1 (subscribed already)\n',
  )
  await run(['addmembers', '-d', 'mime', '-', list], { stdin: 'dig@example.com\n' })
  equal(
    (await run(['members', list])).out,
    'Ann@example.com\nBea Person <bea@example.com>\ndig@example.com\n',
  )
  equal((await run(['members', '-r', '-e', list])).out, 'Ann@example.com\nbea@example.com\n')
  equal((await run(['members', '-d', 'any', list])).out, 'dig@example.com\n')
  equal((await run(['members', '-c', list])).out, '3\n')
  equal((await run(['members', '-R', 'administrator', list])).out, 'own@example.com\n')
  const all: unknown = JSON.parse((await run(['members', '--json', list])).out)
  equal(Array.isArray(all) ? all.length : 0, 3)
  equal((await run(['members', '-R', 'any', '-r', list])).code, 2)
  match(
    (await run(['members', '-a', 'x.txt', list])).err,
    /The --add option is removed\. Use `posthorn addmembers`/,
  )
  deepEqual(await run(['delmembers', '-l', list, '-m', 'ANN@example.com', '-m', 'none@example.com']), {
    code: 0,
    out: '',
    err: 'Member not subscribed (skipping): none@example.com\n',
  })
  equal((await run(['delmembers', '--fromall', '-f', '-'], { stdin: 'bea@example.com\n' })).code, 0)
  equal((await run(['delmembers', '-l', list, '--all'])).code, 0)
  equal((await run(['members', list])).out, 'tea.lists.example.org has no members\n')
})

for (const { argv, error } of [
  {
    argv: ['delmembers', '--fromall', '-a'],
    error: '--fromall may not be specified with -l/--list, or -a/--all',
  },
  { argv: ['delmembers', '-m', 'a@b.example'], error: 'Without --fromall, -l/--list is required.' },
  { argv: ['members', 'none@lists.example.org'], error: 'No such list: none@lists.example.org' },
  { argv: ['inject', 'none@lists.example.org'], error: 'No such list: none@lists.example.org' },
  { argv: ['inject', '-q', 'nope', 'a@b.example'], error: 'No such queue: nope' },
  { argv: ['domain', 'sing'], error: "'sing' is none of list, add, set, remove." },
  {
    argv: ['queue', 'show', 'x1'],
    error: "'x1' is no number of the queue; 'posthorn queue' shows them, as 17 or o4.",
  },
  {
    argv: ['unshunt', '-d', 'o1'],
    error: 'Only mail that came in can be discarded; what goes out ends with its retry period.',
  },
])
  test(`'${argv.join(' ')}' is a mistake, told with the usage`, async () => {
    const said = await shell(unchanged).run(argv)
    equal(said.code, 2)
    match(said.err, usage)
    equal(said.err.slice(said.err.indexOf('Error: ') + 7), `${error}\n`)
  })

test('domains are added, changed and removed; one with lists stays', async () => {
  await using fresh = await freshStore()
  const { run } = shell(fresh)
  equal(
    (await run(['domain', 'add', 'lists.example.org', '--list-only', '--owner', 'ann@example.com'])).code,
    0,
  )
  await run(['domain', 'set', 'lists.example.org', '--alias-domain', 'l.example.org'])
  equal(
    (await run(['domain', 'list'])).out,
    'lists.example.org  list-only  alias l.example.org  owners: ann@example.com\n',
  )
  equal((await run(['domain', 'add', 'l.example.org'])).code, 2)
  await run(['domain', 'set', 'lists.example.org', '--no-alias-domain', '--shared'])
  deepEqual(JSON.parse((await run(['domain', 'list', '--json'])).out), [
    {
      mail_host: 'lists.example.org',
      description: '',
      alias_domain: null,
      list_only: false,
      owners: ['ann@example.com'],
    },
  ])
  await run(['create', 'tea@lists.example.org'])
  const busy = await run(['domain', 'remove', 'lists.example.org'])
  equal(busy.code, 1)
  match(busy.err, /still has 1 list;/)
  equal((await run(['domain', 'set', 'other.example.org', '--shared'])).code, 3)
  await run(['remove', 'tea@lists.example.org'])
  equal((await run(['domain', 'remove', 'lists.example.org'])).code, 0)
})

test('an injected message is queued with line ends, Message-ID and Date; each call is one more', async () => {
  await using fresh = await freshStore()
  const { run, services, woken } = shell(fresh)
  await run(['create', 'tea@lists.example.org'])
  const stdin = 'From ann Mon\nFrom: Ann <ann@example.com>\nSubject: x\n\nHello\n'
  equal((await run(['inject', 'tea@lists.example.org'], { stdin })).code, 0)
  equal((await run(['inject', 'tea@lists.example.org'], { stdin })).code, 0)
  equal(woken(), 2)
  const item = services.store.read(queuedItem, { item: 1 as ItemNo })
  deepEqual(item?.envelope, {
    sender: 'ann@example.com',
    recipient: 'tea@lists.example.org',
    purpose: 'post',
    extension: null,
  })
  match(
    (await run(['queue'])).out,
    /^in {2}2 waiting {2}0 deferred {2}0 set aside {2}oldest 0 s\n1 {2}in {2}tea@/,
  )
  equal((await run(['queue', 'delete', '2'])).out, 'Deleted: 2\n')
  equal((await run(['queue', 'show', '2'])).code, 3)
})

test('what was set aside is shown with its reason and put back, all or by number', async () => {
  await using fresh = await freshStore()
  const { run, services, woken } = shell(fresh)
  const { store, clock } = services
  await run(['create', 'tea@lists.example.org'])
  await run(['inject', 'tea@lists.example.org'], { stdin: 'From: ann@example.com\n\nHello\n' })
  await store.commit(shuntItem, { item: 1 as ItemNo, reason: 'its header broke us', now: clock.now() })
  const list = (await run(['queue', 'list', '--aside'])).out
  match(
    list,
    /1 {2}in {2}tea@lists\.example\.org {2}from ann@example\.com {2}set aside: its header broke us\n$/,
  )
  match((await run(['queue', 'show', '1'])).out, /reason: its header broke us/)
  const before = woken()
  deepEqual(await run(['unshunt', '1']), { code: 0, out: '', err: '' })
  equal(woken(), before + 1)
  equal((await run(['unshunt', '1'])).code, 3)
  await store.commit(shuntItem, { item: 1 as ItemNo, reason: 'again', now: clock.now() })
  equal((await run(['unshunt', '--discard'])).code, 0)
  equal((await run(['queue'])).out, 'The queue is empty\n')
})

test('trace tells a post from the door to each recipient that did not simply get it', async () => {
  await using fresh = await freshStore()
  const { run, services } = shell(fresh)
  const { store, clock } = services
  await run(['create', 'tea@lists.example.org'])
  const people = 'bea@example.com\ncem@example.com\n'
  await run(['addmembers', '-W', '-', 'tea@lists.example.org'], { stdin: people })
  const stdin = 'From: ann@example.com\nMessage-ID: <one@example.com>\n\nHello\n'
  await run(['inject', 'tea@lists.example.org'], { stdin })
  const item = store.read(queuedItem, { item: 1 as ItemNo })
  const list = store.read(listBySpec, { spec: 'tea.lists.example.org' })?.no as ListNo
  const message = item?.message ?? (0 as never)
  const now = clock.now()
  await store.commit(recordJudgement, {
    story: {
      list,
      listName: 'tea@lists.example.org',
      item: 1 as ItemNo,
      message,
      messageId: '<one@example.com>',
      sender: 'ann@example.com',
      subject: 'Hello\u001b[2J',
      size: 60,
      receivedAt: now,
      changedBy: ['subject-prefix', 'footer'],
    },
    verdict: 'accept',
    hits: [{ rule: 'approved', summary: 'A moderator approved it', detail: { by: 'own@example.com' } }],
    outgoing: {
      lane: 'out',
      list,
      audience: { kind: 'roster', roles: ['member'], poster: null, direct: [] },
      sender: '<>',
      mode: 'bulk',
      messageId: '<one@example.com>',
      draft: { message, header: new Uint8Array(), bodyAt: 0, splices: [] },
    },
    postNumber: null,
    numbered: true,
    letters: [],
    now,
    retryPeriod: 1000,
  })
  const outgoing = 1 as OutgoingNo
  const recipients = [
    { no: 1 as never, address: 'bea@example.com' as never },
    { no: 2 as never, address: 'cem@example.com' as never },
  ]
  await store.commit(freezePage, { outgoing, page: 1, recipients, nextNo: 3, paged: true, now })
  await store.commit(recordResults, {
    outgoing,
    page: 1,
    states: 'sd',
    replies: ['250 ok', '450 busy'],
    tries: 1,
    due: now,
    bounces: [],
    refusals: 'taken',
    refusedAtMail: false,
    parkReason: '',
    now,
  })
  const story = (await run(['trace', 'one@example.com'])).out
  match(story, /^<one@example\.com> to tea@lists\.example\.org, post 1\n {2}subject: Hello \[2J\n/)
  match(
    story,
    /judged: 2026-01-01 00:00:00 UTC: accepted\n {4}approved: A moderator approved it \(by=own@example\.com\)\n {2}decorated by: subject-prefix, footer\n/,
  )
  match(story, /page 1: 1 sent, 1 refused for now; 1 try, /)
  match(story, / {6}cem@example\.com: refused for now: 450 busy\n/)
  equal(story.includes('bea@example.com'), false)
  match(
    (await run(['trace', 'bea@example.com'])).out,
    /<one@example\.com> {2}tea@\S+ {2}sent: 250 ok {2}Hello \[2J\n$/,
  )
  match(
    (await run(['trace', 'cem@example.com'])).out,
    /<one@example\.com> {2}tea@\S+ {2}refused for now: 450 busy \(1 try, is tried again now\) {2}Hello \[2J\n$/,
  )
  match(
    (await run(['trace', 'ANN@example.com'])).out,
    /^posts, the latest first:\n.* accepted .*\n {4}approved: /,
  )
  equal((await run(['trace', '<two@example.com>'])).code, 3)
  await store.commit(parkOutgoing, { outgoing, reason: '554 not for us', now })
  match(
    (await run(['queue'])).out,
    /out {2}0 waiting {2}0 deferred {2}1 set aside.*\no1 .*set aside: 554 not for us\n$/,
  )
  equal((await run(['unshunt', 'o1'])).code, 0)
  const down = { ...healthy, relay: { state: 'down' as const, words: 'connection refused', since: null } }
  for (const argv of [['queue'], ['queue', 'show', 'o1'], ['trace', '<one@example.com>']])
    match(
      (await run(argv, { status: down })).out,
      /\n *nothing leaves: the relay takes no mail: connection refused; see/,
      argv.join(' '),
    )
  await run(['delivery', 'pause', '--reason', 'new relay'])
  match(
    (await run(['queue'], { status: down })).out,
    /\nnothing leaves: delivery is paused since .*: new relay; /,
  )
  equal(
    JSON.parse((await run(['queue', '--json'])).out).nothing_leaves,
    "delivery is paused since 2026-01-01 00:00:00 UTC: new relay; 'posthorn delivery resume' lets it go on",
  )
  await run(['delivery', 'resume'])
  equal((await run(['queue'])).out.includes('nothing leaves'), false)
  const shown = (await run(['queue', 'show', 'o1'])).out
  match(shown, /tried until/)
  equal(shown.includes('1970'), false)
})

const healthy: ServerStatus = {
  pid: 7,
  uptime: 90_000,
  relay: { state: 'up', words: 'localhost:25', since: Date.UTC(2025, 11, 31) },
  paused: null,
  lanes: [{ lane: 'in', waiting: 2, deferred: 0, shunted: 0, oldest: Date.UTC(2025, 11, 31, 23, 59) }],
  publication: { generation: 3, done: 3, fault: null },
  databaseGone: false,
  disk: { free: 1e9, reserve: 1e6, enough: true },
  lastErrors: [],
}

for (const { title, status, code, says } of [
  {
    title: 'a healthy server is 0',
    status: healthy,
    code: 0,
    says: /^Posthorn is running \(pid 7, for 1 min 30 s\)\nrelay: up for 1 d \(localhost:25\)\n/,
  },
  {
    title: 'a relay that is down is trouble',
    status: { ...healthy, relay: { state: 'down' as const, words: 'connection refused', since: null } },
    code: 1,
    says: /\nrelay: down\nqueue:[\s\S]*\nTROUBLE: the relay takes no mail: connection refused; see .* tried again by itself/,
  },
  {
    title: 'a database that is gone is trouble',
    status: { ...healthy, databaseGone: true },
    code: 1,
    says: /TROUBLE: posthorn\.db was removed or replaced under the running server: no mail is taken/,
  },
  {
    title: 'something set aside is trouble',
    status: {
      ...healthy,
      lanes: [{ lane: 'in' as const, waiting: 0, deferred: 0, shunted: 3, oldest: null }],
    },
    code: 1,
    says: /TROUBLE: 3 set aside; /,
  },
  {
    title: 'tables that are behind are trouble',
    status: { ...healthy, publication: { generation: 3, done: 2, fault: 'no postmap' } },
    code: 1,
    says: /TROUBLE: .* not up to date: no postmap/,
  },
  {
    title: 'a full disk is trouble',
    status: { ...healthy, disk: { free: 10, reserve: 1e6, enough: false } },
    code: 1,
    says: /TROUBLE: only 10 bytes of disk are free/,
  },
  {
    title: 'a database that was found damaged a minute ago is trouble',
    status: {
      ...healthy,
      lastErrors: [
        {
          at: Date.UTC(2025, 11, 31, 23, 59),
          words:
            'queue.unavailable: Unavailable: the database cannot be used: database disk image is malformed',
        },
      ],
    },
    code: 1,
    says: /TROUBLE: at 2025-12-31 23:59:00 UTC the log said: .* is malformed; look at the disk/,
  },
  {
    title: 'damage of an hour ago that was not met again is no trouble, but is shown',
    status: {
      ...healthy,
      lastErrors: [{ at: Date.UTC(2025, 11, 31, 23), words: 'database disk image is malformed' }],
    },
    code: 0,
    says: /last error: .* is malformed\n$/,
  },
  {
    title: 'another error is shown and is no trouble',
    status: { ...healthy, lastErrors: [{ at: Date.UTC(2025, 11, 31, 23, 59), words: 'relay.down: 421' }] },
    code: 0,
    says: /last error: .* relay\.down: 421\n$/,
  },
  { title: 'no server is 2', status: undefined, code: 2, says: /^Posthorn is not running\n$/ },
])
  test(`status: ${title}`, async () => {
    const said = await shell(unchanged).run(['status'], status === undefined ? {} : { status })
    equal(said.code, code)
    match(said.out, says)
  })

test('status: a store that cannot be read is trouble, not a reason to try later', async () => {
  const status = new Unavailable('the database cannot be used: database disk image is malformed')
  const said = await shell(unchanged).run(['status'], { status })
  equal(said.code, 1)
  match(said.out, /^Posthorn is running\nTROUBLE: the database cannot be used: .* malformed; look at/)
})

test('a world that is down is 75 with its words, a fault of ours is 1', async () => {
  const { run } = shell(unchanged)
  const fail = (fault: Error) => run(['aliases'], { publish: () => Promise.reject(fault) })
  deepEqual(await fail(new Unavailable('the disk is full')), {
    code: 75,
    out: '',
    err: 'posthorn: the disk is full; try again later\n',
  })
  const ours = await fail(new TypeError('x is undefined'))
  equal(ours.code, 1)
  match(
    ours.err,
    /aliases failed through a fault of Posthorn itself: x is undefined; the log has the details/,
  )
})

test('a directory of tables is looked for where the caller stands', async () => {
  const said = await shell(unchanged).run(['aliases', '-d', 'nowhere'])
  equal(said.code, 2)
  match(said.err, /Invalid value for -d: 'nowhere' is no directory/)
})
