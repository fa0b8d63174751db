import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshStore } from '../../test/support/fresh-store.ts'
import { type Shell, shell } from '../../test/support/shell.ts'
import { parseMessage } from '../mail/message.ts'
import { textOf } from '../mail/transfer-encoding.ts'
import type { ListNo } from '../model/list.ts'
import { keptBytes } from '../store/kept-message.ts'
import { listBySpec } from '../store/units/lists.ts'
import { draftOf, outgoingByNo } from '../store/units/outgoing.ts'
import { openOutgoing } from '../store/units/reports.ts'
import { type RosterPage, type RosterPlace, rosterPage } from '../store/units/rosters.ts'

const tea = 'tea@lists.example.org'
const milk = 'milk@lists.example.org'
const usage = (command: string, error: string) =>
  new RegExp(`^Usage: posthorn ${command} \\[OPTIONS\\].*\\nTry .*\\n\\nError: ${error}\\n$`)

interface Sent {
  readonly to: string
  readonly lane: string
  readonly header: string
  readonly text: string
}

/** The letters that wait for delivery: header and text. */
function letters({ services: { store } }: Shell, directory: string): readonly Sent[] {
  return store.read(openOutgoing, { after: 0, limit: 1000 }).map(({ no }) => {
    const outgoing = store.read(outgoingByNo, { outgoing: no })
    const draft = store.read(draftOf, { outgoing: no })
    ok(outgoing !== null && draft !== null)
    const message = parseMessage(keptBytes(store, directory, draft.message))
    const { audience } = outgoing
    return {
      lane: outgoing.lane,
      to: audience.kind === 'roster' ? audience.roles.join(' ') : audience.addresses.join(' '),
      header: Buffer.from(draft.header).toString(),
      text: textOf(message, message.root),
    }
  })
}

test('addmembers welcomes as the list says, or as it is told; nobody is welcomed twice', async () => {
  await using fresh = await freshStore()
  const here = shell(fresh)
  const { run } = here
  await run(['create', tea])
  await run(['addmembers', '-', tea], { stdin: 'Ann Person <ann@example.com>\n' })
  equal(here.woken(), 1)
  await run(['addmembers', '-', tea], { stdin: 'ann@example.com\n' })
  await run(['addmembers', '-W', '-', tea], { stdin: 'bea@example.com\n' })
  await run(['set', tea, 'send_welcome_message=no'])
  await run(['addmembers', '-', tea], { stdin: 'cem@example.com\n' })
  await run(['addmembers', '-w', '-d', 'mime', '-', tea], { stdin: 'dig@example.com\n' })
  const sent = letters(here, fresh.directory)
  deepEqual(
    sent.map(({ to }) => to),
    ['ann@example.com', 'dig@example.com'],
  )
  match(
    sent[0]?.header ?? '',
    /^From: tea-request@lists\.example\.org\r\nTo: Ann Person <ann@example\.com>\r\n/,
  )
  match(sent[0]?.header ?? '', /^Subject: Welcome to the "Tea" mailing list\r$/m)
  match(sent[0]?.text ?? '', /write to:\r\n\r\n {4}tea@lists\.example\.org\r\n/)
  match(sent[1]?.header ?? '', /^Subject: Welcome to the "Tea" mailing list \(Digest mode\)\r$/m)
})

test('delmembers says goodbye and tells the administrators, as the list says or as it is told', async () => {
  await using fresh = await freshStore()
  const here = shell(fresh)
  const { run } = here
  await run(['create', '-o', 'own@example.com', tea])
  const people = ['ann', 'bea', 'cem', 'dan'].map((name) => `${name}@example.com\n`).join('')
  await run(['addmembers', '-W', '-', tea], { stdin: people })
  await run(['delmembers', '-l', tea, '-m', 'ann@example.com', '-m', 'none@example.com', '-n'])
  await run(['delmembers', '-l', tea, '-m', 'bea@example.com', '-G'])
  await run(['set', tea, 'send_goodbye_message=no', 'admin_notify_mchanges=yes'])
  await run(['delmembers', '-l', tea, '--all', '-g'])
  const sent = letters(here, fresh.directory)
  deepEqual(
    sent.map(({ to }) => to),
    ['ann@example.com', 'owner moderator', 'cem@example.com', 'dan@example.com', 'owner moderator'],
  )
  deepEqual(
    new Set(sent.map(({ to, lane }) => `${lane} ${to.includes('@') ? 'member' : 'owners'}`)),
    new Set(['out member', 'notice owners']),
  ) // many letters hold nobody's post up
  match(sent[0]?.header ?? '', /^Subject: You have been unsubscribed from the Tea mailing list\r$/m)
  match(sent[1]?.header ?? '', /^Subject: Tea unsubscription notification\r$/m)
  match(
    sent[4]?.text ?? '',
    /^2 members were removed [\s\S]* {4}cem@example\.com\r\n {4}dan@example\.com\r\n$/,
  )
})

test('a site’s own text is taken, by list before by site; an empty one says that no letter is wanted', async () => {
  await using fresh = await freshStore()
  const templates = join(fresh.directory, 'templates')
  const put = (folder: string, name: string, text: string) => {
    mkdirSync(join(templates, folder), { recursive: true })
    writeFileSync(join(templates, folder, `${name}.txt`), text)
  }
  put('site/en', 'list:user:notice:welcome', 'Site: $user_email\n')
  put(
    'lists/tea.lists.example.org/en',
    'list:user:notice:welcome',
    'Hello $user_name of $list_name; $nothing $$\n',
  )
  put('domains/lists.example.org/en', 'list:user:notice:goodbye', ' \n')
  const paths = { varDir: fresh.directory, templateDir: templates }
  const here = shell(fresh, { paths })
  const { run } = here
  await run(['create', tea])
  await run(['create', milk])
  await run(['addmembers', '-', tea], { stdin: '$user_email <ann@example.com>\n' })
  await run(['addmembers', '-', milk], { stdin: 'ann@example.com\n' })
  await run(['delmembers', '-l', tea, '-m', 'ann@example.com', '-g'])
  deepEqual(
    letters(here, fresh.directory).map(({ text }) => text),
    ['Hello $user_email of Tea; $nothing $\r\n', 'Site: ann@example.com\r\n'],
  )
})

test('syncmembers adds who is missing and removes who is not named; what it will do can be seen before', async () => {
  await using fresh = await freshStore()
  const here = shell(fresh)
  const { run } = here
  await run(['create', '-o', 'own@example.com', tea])
  await run(['addmembers', '-W', '-', tea], {
    stdin: 'zoe@example.com\nann@example.com\nBea <bea@example.com>\n',
  })
  const stdin = '# all\nnonsense\nYan <yan@example.com>\nANN@example.com\nann@example.com\nxav@example.com\n'
  const expected =
    '[ADD] xav@example.com\n[ADD] Yan <yan@example.com>\n[DEL] Bea <bea@example.com>\n[DEL] zoe@example.com\n'
  const broken = 'Cannot parse as valid email address (skipping): nonsense (line 2)\n'
  deepEqual(await run(['syncmembers', '-n', '-', tea], { stdin }), { code: 0, out: expected, err: broken })
  equal((await run(['members', '-c', tea])).out, '3\n')
  deepEqual(await run(['syncmembers', '-W', '-G', '-a', '-', tea], { stdin }), {
    code: 0,
    out: expected,
    err: broken,
  })
  equal((await run(['members', tea])).out, 'ann@example.com\nxav@example.com\nYan <yan@example.com>\n')
  equal((await run(['syncmembers', '-', tea], { stdin })).out, 'Nothing to do\n')
  deepEqual(
    letters(here, fresh.directory).map(({ to }) => to),
    ['owner moderator', 'owner moderator'],
  )
  const empty = await run(['syncmembers', '-', tea], { stdin: 'x\n' })
  equal(empty.code, 1)
  match(
    empty.err,
    /The file has no good address, so nothing was changed; 'posthorn delmembers --all -l tea\./,
  )
  equal((await run(['members', '-c', tea])).out, '3\n')
  deepEqual(
    JSON.parse((await run(['syncmembers', '-n', '--json', '-', tea], { stdin: 'ann@example.com\n' })).out),
    {
      added: [],
      removed: ['xav@example.com', 'yan@example.com'],
      unreadable: 0,
    },
  )
})

test('a name that could be a comment or a quote comes through a sync as it is', async () => {
  await using fresh = await freshStore()
  const { run } = shell(fresh)
  await run(['create', tea])
  const stdin = '"# \\"Ann\\" \\\\ <x>" <ann@example.com>\n'
  await run(['syncmembers', '-W', '-', tea], { stdin })
  const [member] = JSON.parse((await run(['members', '--json', tea])).out) as [{ display_name: string }]
  equal(member.display_name, '# "Ann" \\ <x>')
  equal((await run(['syncmembers', '-', tea], { stdin })).out, 'Nothing to do\n')
})

test('findmember tells lists and roles of every address that the pattern fits', async () => {
  await using fresh = await freshStore()
  const { run } = shell(fresh)
  await run(['create', '-o', 'Ann@example.com', tea])
  await run(['create', '-o', 'own@example.net', milk])
  await run(['addmembers', '-W', '-', tea], { stdin: 'ann@example.com\nbea@example.com\n' })
  await run(['addmembers', '-W', '-', milk], { stdin: 'ann@example.com\n' })
  equal(
    (await run(['findmember', 'ANN@'])).out,
    'Email: Ann@example.com\n    List: milk.lists.example.org\n        MemberRole.member\n    List: tea.lists.example.org\n        MemberRole.member\n        MemberRole.owner\n',
  )
  equal(
    (await run(['findmember', '-r', 'owner', '\\.net$'])).out,
    'Email: own@example.net\n    List: milk.lists.example.org\n        MemberRole.owner\n',
  )
  deepEqual(await run(['findmember', 'nobody']), { code: 0, out: '', err: '' })
  deepEqual(JSON.parse((await run(['findmember', '--json', '^bea'])).out), [
    { address: 'bea@example.com', list_id: 'tea.lists.example.org', role: 'member' },
  ])
  match((await run(['findmember', '('])).err, usage('findmember', "'\\(' is no regular expression: .*"))
})

test('changeaddress changes an address everywhere, keeps its letter case, and hides nobody', async () => {
  await using fresh = await freshStore()
  const { run } = shell(fresh)
  await run([
    'domain',
    'add',
    'lists.example.org',
    '--owner',
    'own@example.com',
    '--owner',
    'ann@example.com',
  ])
  await run(['create', '-o', 'ann@example.com', tea])
  await run(['addmembers', '-W', '-', tea], { stdin: 'Ann <ann@example.com>\nbea@example.com\n' })
  deepEqual(await run(['changeaddress', 'ann@example.com', 'Ann1@Example.net']), {
    code: 0,
    out: 'Address changed from ann@example.com to Ann1@Example.net.\n',
    err: '',
  })
  equal((await run(['members', tea])).out, 'Ann <Ann1@example.net>\nbea@example.com\n')
  equal((await run(['members', '-R', 'owner', '-e', tea])).out, 'Ann1@example.net\n')
  match((await run(['domain', 'list'])).out, / owners: own@example\.com, Ann1@example\.net\n$/)
  equal((await run(['changeaddress', 'ANN1@example.net', 'ann1@example.net'])).code, 0)
  for (const [from, to, error] of [
    ['none@example.com', 'x@example.com', 'Address none@example\\.com not found\\.'],
    ['bea@example.com', 'nonsense', 'Address nonsense is not a valid email address\\.'],
    ['bea@example.com', 'bea@example.com', 'Addresses are not different\\.  Nothing to change\\.'],
    ['bea@example.com', 'ANN1@example.net', "Address ANN1@example\\.net already exists; can't change\\."],
  ] as const) {
    const said = await run(['changeaddress', from, to])
    equal(said.code, 2)
    match(said.err, usage('changeaddress', error))
  }
})

test('admins adds and removes owners and moderators, and tells what was so already', async () => {
  await using fresh = await freshStore()
  const { run } = shell(fresh)
  await run(['create', '-o', 'own@example.com', tea])
  deepEqual(
    await run(['admins', '-a', 'ann@example.com', '-a', 'own@example.com', '-d', 'none@example.com', tea]),
    {
      code: 0,
      out: '',
      err: 'own@example.com is already an owner of tea.lists.example.org\nnone@example.com is not an owner of tea.lists.example.org\n',
    },
  )
  await run(['admins', '-r', 'moderator', '--add', 'ann@example.com', tea])
  equal(
    (await run(['members', '-R', 'administrator', tea])).out,
    'ann@example.com\nann@example.com\nown@example.com\n',
  )
  await run(['admins', '--delete', 'ann@example.com', tea])
  equal((await run(['members', '-R', 'owner', tea])).out, 'own@example.com\n')
  match((await run(['admins', tea])).err, usage('admins', 'Nothing to add or delete\\.'))
  match(
    (await run(['admins', '-a', 'nonsense', tea])).err,
    usage('admins', 'Invalid email address: nonsense'),
  )
})

test('a roster comes in the order of its addresses, whole, by pages of every size, small and large', async () => {
  await using fresh = await freshStore()
  const { run, services } = shell(fresh)
  const fill = async (spec: string, names: readonly string[]) => {
    await run(['create', '-o', 'm1@example.com', spec])
    await run(['addmembers', '-W', '-', spec], { stdin: names.join('\n') })
    await run(['admins', '-r', 'moderator', '-a', 'm1@example.com', spec])
    return [...names, 'm1@example.com', 'm1@example.com'].sort()
  }
  const names = Array.from({ length: 5200 }, (_, i) => `m${i}@example.com`)
  const rosters = [
    { spec: tea, sorted: await fill(tea, names), limits: [1733, 9999] }, // walked
    { spec: milk, sorted: await fill(milk, names.slice(0, 40)), limits: [1, 7, 41, 42, 43] }, // sorted
  ]
  for (const { spec, sorted, limits } of rosters) {
    const list = services.store.read(listBySpec, { spec })?.no as ListNo
    for (const limit of limits) {
      const seen: string[] = []
      const roles = ['owner', 'moderator', 'nonmember', 'member'] as const
      for (let after: RosterPlace | null = null; ; ) {
        const page: RosterPage = services.store.read(rosterPage, { list, roles, after, limit })
        seen.push(...page.map(({ address }) => address))
        after = page.at(-1) ?? null
        if (page.length < limit) break
      }
      deepEqual(seen, sorted, `${spec} by ${limit}`)
    }
  }
  equal((await run(['members', '-R', 'administrator', '-e', tea])).out, 'm1@example.com\nm1@example.com\n')
})
