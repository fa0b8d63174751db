import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { typedSite } from '../../test/support/command-line.ts'
import { freshStore } from '../../test/support/fresh-store.ts'
import { shell } from '../../test/support/shell.ts'
import { linesOf } from './input.ts'
import { FileFault, openInput, openOutput } from './terminal.ts'

const tea = 'tea@lists.example.org'
const never = new AbortController().signal

function folder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-bad-input-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

test('of 5,000 broken addresses each is told with its line, and the good ones between them are added', async () => {
  await using fresh = await freshStore()
  const { run, progress } = shell(fresh)
  await run(['create', tea])
  const spoil = [
    (i: number) => `nobody${i}`,
    (i: number) => `no body${i}@example.com`,
    (i: number) => `@example${i}.com`,
    (i: number) => `a${i}@-example-.com`,
    (i: number) => `a${i}@example..com`,
    (i: number) => `Ann ${i} <ann${i}@example.com`,
    (i: number) => `a${i}@example.com, b${i}@example.com`,
    (i: number) => `\u001b[2Ja${i}@example.com`,
    (i: number) => `a${i}\u0000@example.com`,
    (i: number) => `${'x'.repeat(600)}${i}@example.com`,
  ]
  const broken = Array.from({ length: 5000 }, (_, i) => spoil[i % spoil.length]?.(i) ?? '')
  const good = (i: number) => `good${i}@example.com`
  const lines = broken.flatMap((line, i) => (i % 10 === 9 ? [line, good(i)] : [line]))
  const said = await run(['addmembers', '-W', '--json', '-', tea], { stdin: lines.join('\n') })
  equal(said.code, 0)
  deepEqual(JSON.parse(said.out), { listGone: false, added: 500, already: 0, banned: 0, unreadable: 5000 })
  deepEqual([progress.length, progress[0], progress.at(-1)], [11, '500 lines', '5500 lines'])
  const told = said.err.trimEnd().split('\n')
  equal(told.length, 5000)
  equal(told[0], 'Cannot parse as valid email address (skipping): nobody0 (line 1)')
  equal(told[7], 'Cannot parse as valid email address (skipping):  [2Ja7@example.com (line 8)')
  deepEqual(
    told.map((line) => lines[Number(/\(line (\d+)\)$/.exec(line)?.[1]) - 1]),
    broken,
  )
  ok(told.every((line) => line.length < 300 && !/\p{Cc}/u.test(line)))
  equal((await run(['members', '-c', tea])).out, '500\n')
})

const utf16be = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16()

for (const { title, bytes, members, told } of [
  {
    title: 'UTF-16, little end first',
    bytes: Buffer.from('\ufeffÅsa <asa@example.com>\r\nbo@example.com', 'utf16le'),
    members: 'Åsa <asa@example.com>\nbo@example.com\n',
    told: '',
  },
  {
    title: 'UTF-16, big end first',
    bytes: utf16be('Åsa <asa@example.com>\nbo@example.com\n'),
    members: 'Åsa <asa@example.com>\nbo@example.com\n',
    told: '',
  },
  {
    title: 'UTF-8 with its mark',
    bytes: '\ufeffÅsa <asa@example.com>\n',
    members: 'Åsa <asa@example.com>\n',
    told: '',
  },
  {
    title: 'CR at the ends',
    bytes: 'asa@example.com\rbo@example.com\r\rcy@example.com',
    members: 'asa@example.com\nbo@example.com\ncy@example.com\n',
    told: '',
  },
  {
    title: 'Latin-1',
    bytes: Buffer.from('Åsa <asa@example.com>\nbo@example.com\njörg@example.com\n', 'latin1'),
    members: 'asa@example.com\nbo@example.com\n',
    told: 'Not UTF-8, the name was left out: asa@example.com (line 1)\nCannot parse as valid email address (skipping): j\ufffdrg@example.com (line 3)\n2 members added; lines skipped: 1 (no address, as ann@example.com or Ann Person <ann@example.com>)\n',
  },
  {
    title: 'NUL octets, and a line of a million letters',
    bytes: `\u0000\u0000\n${'x'.repeat(1_000_000)}\nbo@example.com`,
    members: 'bo@example.com\n',
    told: `Cannot parse as valid email address (skipping):   (line 1)\nCannot parse as valid email address (skipping): ${'x'.repeat(200)}… (line 2)\n1 member added; lines skipped: 2 (no address, as ann@example.com or Ann Person <ann@example.com>)\n`,
  },
  {
    title: 'UTF-16 without its mark',
    bytes: Buffer.from('Åsa <asa@example.com>\r\nbo@example.com\r\n', 'utf16le'),
    members: 'Åsa <asa@example.com>\nbo@example.com\n',
    told: '',
  },
])
  test(`a file of members is read as it was meant, or its lines are told: ${title}`, async () => {
    await using fresh = await freshStore()
    const { run } = shell(fresh)
    await run(['create', tea])
    const said = await run(['addmembers', '-W', '-', tea], { stdin: bytes })
    deepEqual([said.code, said.err], [0, told])
    equal((await run(['members', tea])).out, members)
  })

for (const { title, bytes, words } of [
  {
    title: 'a spreadsheet',
    bytes: 'PK\u0003\u0004\u0014\u0000',
    words: /is a spreadsheet or an archive, not text/,
  },
  { title: 'a program', bytes: '\u007fELF\u0002\u0001', words: /is a program, not text/ },
])
  test(`${title} is no file of members, and is refused before a line of it is told`, async () => {
    await using fresh = await freshStore()
    const { run } = shell(fresh)
    await run(['create', tea])
    const said = await run(['addmembers', '-', tea], { stdin: `${bytes}\nann@example.com\n` })
    deepEqual([said.code, (await run(['members', '-c', tea])).out], [1, '0\n'])
    match(said.err, words)
  })

test('lines come whole however the bytes are cut', async () => {
  const bytes = Buffer.from('a\r\nb\rc\n\r\nÅ\r')
  for (const size of [1, 2, 3, 100]) {
    const chunks = async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    }
    const lines: string[] = []
    for await (const line of linesOf(chunks(), never)) lines.push(line)
    deepEqual(lines, ['a', 'b', 'c', '', 'Å'], `in pieces of ${size}`)
  }
})

const badNames = [
  '',
  'tea',
  '@lists.example.org',
  'tea/pot@lists.example.org',
  '../tea@lists.example.org',
  '..@lists.example.org',
  'tea@..',
  'tea@../../etc',
  'a tea@lists.example.org',
  'tee\u0000@lists.example.org',
  'tea\n@lists.example.org',
  'té@lists.example.org',
  '\ud83d@lists.example.org',
  `${'x'.repeat(300)}@lists.example.org`,
  `tea@${'x'.repeat(300)}.example.org`,
  "'; drop table list; --@lists.example.org",
]

test('a list gets no name that could mean something else, and no such name finds one', async () => {
  await using fresh = await freshStore()
  const { run } = shell(fresh)
  await run(['create', tea])
  for (const name of badNames) {
    const made = await run(['create', name])
    equal(made.code, 2, JSON.stringify(name))
    match(made.err, /\n\nError: Illegal list name: /, JSON.stringify(name))
    for (const command of [['members'], ['set'], ['syncmembers', '-'], ['delmembers', '-a', '-l']]) {
      const said = await run([...command, name])
      equal(said.code, 2, `${command[0]} ${JSON.stringify(name)}`)
      match(said.err, /\nError: No such list: /)
    }
    equal((await run(['remove', name])).code, 0)
  }
  equal((await run(['lists', '-q'])).out, `${tea}\n`)
  deepEqual(
    readdirSync(fresh.directory).filter((name) => !name.startsWith('posthorn.db')),
    [],
  )
})

test('a list that is not there is told with the one that was meant: letters swapped, no domain, the wrong one', async () => {
  await using fresh = await freshStore()
  const { run } = shell(fresh)
  await run(['create', tea])
  for (const [spec, hint] of [
    ['tae@lists.example.org', "; did you mean 'tea'?"],
    ['tea', '; did you mean tea@lists.example.org?'],
    ['tea@list.example.org', '; did you mean tea@lists.example.org?'],
    ['milk@lists.example.org', ''],
  ] as const)
    equal((await run(['members', spec])).err.split('\nError: ')[1], `No such list: ${spec}${hint}\n`)
})

test('what is no file to read is told: a directory, nothing, one that this user may not open', async (t) => {
  const directory = folder(t)
  const closed = join(directory, 'closed')
  writeFileSync(closed, 'ann@example.com\n')
  chmodSync(closed, 0)
  const read = async (name: string) => {
    try {
      for await (const _ of openInput(name));
      return 'read'
    } catch (fault) {
      ok(fault instanceof FileFault, String(fault))
      return fault.message
    }
  }
  match(await read(directory), /' is a directory, not a file$/)
  match(await read(join(directory, 'nobody')), /^there is no file '.*nobody': check the name$/)
  match(await read(tea), /check the name; it is looked for in .*. The file comes first, then the list$/)
  const asRoot = process.geteuid?.() === 0
  if (asRoot) process.seteuid?.(65_534)
  const said = await read(closed).finally(() => asRoot && process.seteuid?.(0))
  match(said, /(?:'.*closed' cannot be read: this user may not|there is no file '.*closed')/)
})

test('an output file is whole or as it was; a link stays a link, a device a device', async (t) => {
  const directory = folder(t)
  const target = join(directory, 'roster')
  const link = join(directory, 'link')
  writeFileSync(target, 'old')
  chmodSync(target, 0o600)
  symlinkSync(target, link)
  const write = async (name: string, good: boolean) => {
    const file = await openOutput(name)
    file.stream.write('new')
    await file.finish(good)
  }
  await write(link, false)
  equal(readFileSync(target, 'utf8'), 'old')
  await write(link, true)
  equal(readFileSync(target, 'utf8'), 'new')
  equal(statSync(target).mode & 0o777, 0o600)
  deepEqual(readdirSync(directory), ['link', 'roster'])
  const words = (name: string) =>
    write(name, true).then(
      () => 'written',
      (fault: unknown) => (fault as Error).message,
    )
  equal(await words('/dev/null'), 'written')
  equal(await words('/dev/full'), "'/dev/full' cannot be written: no space is left")
  ok(statSync('/dev/null').isCharacterDevice() && statSync('/dev/full').isCharacterDevice())
  equal(await words(directory), `'${directory}' cannot be written: it is a directory`)
  match(await words(join(directory, 'no', 'x')), /' cannot be written: its directory does not exist$/)
})

test('a full output is told and a closed pipe is not; nobody who reads the mistakes stops the work', async (t) => {
  const { directory, file, run } = typedSite(t)
  await run('create', tea)
  writeFileSync(
    join(directory, 'people'),
    Array.from({ length: 3000 }, (_, i) => `m${i}@example.com\nbad${i}`).join('\n'),
  )
  const program = fileURLToPath(new URL('../../bin/posthorn', import.meta.url))
  const script = `
    posthorn() { '${program}' -C '${file}' --run-as-root "$@"; }
    posthorn addmembers -W '${directory}/people' ${tea} 2>&1 | head -1
    posthorn members ${tea} 2>'${directory}/said' | head -1; echo "\${PIPESTATUS[0]}"; cat '${directory}/said'
    posthorn members ${tea} 2>&1 >/dev/full; echo $?
    posthorn addmembers - ${tea} <'${directory}' 2>&1; echo $?`
  const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  for await (const text of child.stdout.setEncoding('utf8')) said += String(text)
  deepEqual(said.split('\n'), [
    'Cannot parse as valid email address (skipping): bad0 (line 2)',
    'm0@example.com',
    '0',
    'posthorn: standard output cannot be written: no space is left',
    '1',
    'posthorn: standard input is a directory',
    '1',
    '',
  ])
  equal((await run('members', '-c', tea)).out, '3000\n')
})

test('a data directory that is a file, or that this user may not enter, is told with what to do', async (t) => {
  const { directory, varDir, run } = typedSite(t)
  chmodSync(directory, 0o755)
  writeFileSync(varDir, '')
  const inTheWay = await run('lists')
  equal(inTheWay.code, 1)
  match(inTheWay.err, /^posthorn: .* cannot be a directory: a file is in its way; move it away/)
  rmSync(varDir)
  mkdirSync(varDir, { mode: 0o500 })
  const asRoot = process.geteuid?.() === 0
  if (asRoot) process.seteuid?.(65_534)
  const closed = await run('lists').finally(() => asRoot && process.seteuid?.(0))
  equal(closed.code, 1)
  match(closed.err, /cannot be (?:written|used|read|opened)|may not/)
})

for (const { title, lose, words } of [
  { title: 'that is gone', lose: (path: string) => rmSync(path), words: 'is not there' },
  { title: 'of no bytes', lose: (path: string) => writeFileSync(path, ''), words: 'is empty' },
])
  test(`a database ${title} is not begun anew: its lists would be refused for good`, async (t) => {
    const { varDir, run } = typedSite(t)
    equal((await run('create', tea)).code, 0)
    const database = join(varDir, 'posthorn.db')
    for (const file of [`${database}-wal`, `${database}-shm`]) rmSync(file, { force: true })
    lose(database)
    const said = await run('lists')
    equal(said.code, 1)
    ok(said.err.includes(`${database} ${words}, though lists were kept in it before`), said.err)
    match(
      said.err,
      /is the right disk mounted\? 'posthorn restore' puts a backup in place; .* delete .*lived-in$/m,
    )
    rmSync(join(varDir, 'lived-in'))
    rmSync(database, { force: true })
    const anew = await run('lists')
    equal(anew.code, 0)
    match(anew.out, /No matching mailing lists found/)
  })

test('a data directory of a newer release is left alone, with what to do', async (t) => {
  const { varDir, run } = typedSite(t)
  equal((await run('create', tea)).code, 0)
  const db = new DatabaseSync(join(varDir, 'posthorn.db'))
  db.exec('insert into schema (version, min_reader) values (999, 999)')
  db.close()
  const said = await run('remove', tea)
  equal(said.code, 1)
  match(
    said.err,
    /^posthorn: .* was written by a newer Posthorn \(it needs schema 999, .*; install that version/,
  )
})
