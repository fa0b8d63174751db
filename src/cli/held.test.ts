import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { freshStore } from '../../test/support/fresh-store.ts'
import { type Shell, shell } from '../../test/support/shell.ts'
import { postJudge } from '../app/judge-post.ts'
import { openOutgoing, queuedItems } from '../store/units/reports.ts'

const tea = 'tea@lists.example.org'
const post = (subject: string, body = 'Hello\n', more = '') =>
  `From: Zed <zed@example.net>\nTo: ${tea}\nSubject: ${subject}\nMessage-ID: <${subject.length}@example.net>\n${more}\n${body}`

/** Judges all that waits, as the server would. */
async function judgeAll({ services }: Shell, directory: string): Promise<void> {
  const judge = postJudge(services, directory, () => undefined)
  for (const item of services.store.read(queuedItems, { shuntedOnly: false, after: 0, limit: 100 }))
    await judge.judge({ ...item, list: 1 as never })
}

test('held posts are listed with every reason, and shown with header and text', async () => {
  await using fresh = await freshStore()
  const here = shell(fresh)
  const { run, clock } = here
  await run(['create', tea])
  await run(['set', tea, 'emergency=yes', 'admin_immed_notify=no', 'respond_to_post_requests=no'])
  await run(['inject', tea], {
    stdin: post('=?utf-8?q?Caf=C3=A9=1B[2J?=', 'Salut\n\tein\u001b[31m Kaffee\n', 'Approved: secret\n'),
  })
  await run(['inject', tea], { stdin: post('Two') })
  await judgeAll(here, fresh.directory)
  clock.advance(3_600_000)
  const listed = await run(['held', 'list'])
  equal(listed.code, 0)
  match(
    listed.out,
    /^1 {2}tea@lists\.example\.org {2}from zed@example\.net\n {4}subject: Café \[2J\n {4}since 2026-01-01 00:00:00 UTC \(1 h\), \d+ bytes, <\d+@example\.net>\n {4}emergency: .+\n/,
  )
  match(listed.out, /\n {4}nonmember-moderation: .+\n2 {2}tea@/)
  match(
    listed.out,
    /\n2 posts held; 'posthorn held show NUMBER' shows one with its text\. Deciding is not part of this release; .*default_nonmember_action.*\n$/,
  )
  const shown = await run(['held', 'show', '1'])
  match(
    shown.out,
    /\nFrom: Zed <zed@example\.net>\n[\s\S]*\nApproved: \(secret\)\n\nSalut\n {4}ein \[31m Kaffee\n$/,
  )
  equal((await run(['held', 'show', tea, '2'])).code, 0)
  const all: unknown = JSON.parse((await run(['held', 'list', '--json', tea])).out)
  ok(Array.isArray(all))
  deepEqual(Object.keys(all[0]), ['id', 'list', 'from', 'subject', 'message_id', 'size', 'since', 'rules'])
  deepEqual(
    [
      (await run(['held', 'show', '9'])).code,
      (await run(['held', 'show', 'milk@lists.example.org', '1'])).code,
      (await run(['held', 'list', 'milk@lists.example.org'])).code,
      (await run(['held', 'accept', '1'])).code,
      (await run(['held', 'show', 'x'])).code,
    ],
    [3, 3, 3, 2, 2],
  )
  match((await run(['held', 'accept', '1'])).err, /Decisions on held posts are not part of this release/)
  match(
    (await run(['trace', '3@example.net'])).out,
    /held for a moderator\n[\s\S]*'posthorn held show 2' shows it\n$/,
  )
})

test('notify writes one letter a list to those who look after it, and none when told to be dry', async () => {
  await using fresh = await freshStore()
  const here = shell(fresh)
  const { run, services } = here
  const waiting = () => services.store.read(openOutgoing, { after: 0, limit: 100 }).length
  await run(['create', '-o', 'own@example.com', tea])
  await run(['create', 'milk@lists.example.org'])
  await run(['set', tea, 'admin_immed_notify=no', 'respond_to_post_requests=no'])
  await run(['inject', tea], { stdin: post('One') })
  await judgeAll(here, fresh.directory)
  const counts =
    'The milk@lists.example.org list has 0 moderation requests waiting.\nThe tea@lists.example.org list has 1 moderation requests waiting.\n'
  deepEqual(await run(['notify', '-n', '-v']), { code: 0, out: counts, err: '' })
  equal(waiting(), 0)
  equal((await run(['notify'])).out, '')
  equal(waiting(), 1)
  const only = await run(['notify', '-v', '-l', 'none@lists.example.org', '-l', 'milk@lists.example.org'])
  equal(only.err, 'No such list found: none@lists.example.org\n')
  equal(waiting(), 1)
})

test('create --notify writes to each owner; without it nobody is written to', async () => {
  await using fresh = await freshStore()
  const { run, services } = shell(fresh)
  await run(['create', '-o', 'ann@example.com', 'milk@lists.example.org'])
  equal(services.store.read(openOutgoing, { after: 0, limit: 9 }).length, 0)
  await run(['create', '-n', '-o', 'ann@example.com', '-o', 'bea@example.com', tea])
  equal(services.store.read(openOutgoing, { after: 0, limit: 9 }).length, 2)
  match((await run(['trace', 'ann@example.com'])).out, /^owner of milk@.*\nowner of tea@/)
})

test('mail that nobody has judged yet is found by its Message-ID and by its sender', async () => {
  await using fresh = await freshStore()
  const { run } = shell(fresh)
  await run(['create', tea])
  await run(['inject', tea], { stdin: post('Five5') })
  match((await run(['trace', '<5@example.net>'])).out, /^1 in lane in: .* from zed@example\.net for tea@/)
  match(
    (await run(['trace', 'zed@example.net'])).out,
    /^mail from it that waits in the queue:\n.* not judged yet; 'posthorn queue show 1'\n$/,
  )
})

for (const name of ['digests', 'gatenews', 'import21', 'qfile', 'shell', 'withlist'])
  test(`'${name}' is known, and says in one line that it is not there`, async () => {
    const { findCommand } = await import('./commands.ts')
    const prepared = findCommand(name)?.prepare(['--anything', 'x'])
    ok(prepared?.place === 'here')
    const said: string[] = []
    const out = { errorLine: (text: string) => said.push(text) }
    equal(await prepared.run({ out } as never), 2)
    equal(said.length, 1)
    match(said[0] ?? '', new RegExp(`^posthorn ${name}: .+[.]$`))
  })
