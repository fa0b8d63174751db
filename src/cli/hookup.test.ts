// `posthorn hookup` as it is typed, on a folder with a main.cf; no Postfix is needed, and where there is one it does not run.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { freshSite, type Ran, run, type Site } from '../../test/support/server.ts'

const program = new URL('../../bin/posthorn', import.meta.url).pathname
const text = '# ours\nmydestination = people.example.test\ntransport_maps = texthash:/etc/transport\n'

describe('posthorn hookup', () => {
  const ending = new AsyncDisposableStack()
  let site: Site
  let folder = ''
  let mainFile = ''
  const hookup = (...argv: string[]): Promise<Ran> =>
    site.posthorn(['hookup', 'postfix', '--config-dir', folder, ...argv])

  before(async () => {
    site = ending.use(await freshSite({ relayPort: 25 }))
    const tables = join(site.directory, 'tables.cfg')
    // Tables of text need no postmap.
    writeFileSync(tables, '[postfix]\ntransport_file_type: texthash\n')
    const configuration = readFileSync(site.configFile, 'utf8').replace(
      'incoming: null',
      `incoming: postfix\nconfiguration: ${tables}`,
    )
    writeFileSync(site.configFile, configuration)
    folder = join(site.directory, 'postfix')
    mainFile = join(folder, 'main.cf')
    mkdirSync(folder)
    writeFileSync(mainFile, text)
    await site.list('tea@people.example.test', [])
  })
  after(() => ending.disposeAsync())

  for (const { argv, words } of [
    { argv: ['nosuch'], words: /No such mail server: 'nosuch'; known are postfix/ },
    {
      argv: ['postfix', '--write', '--command-prefix', 'chroot /srv'],
      words: /writes files of this machine/,
    },
  ])
    test(`'hookup ${argv.join(' ')}' is wrong use`, async () => {
      const { code, err } = await site.posthorn(['hookup', ...argv])
      equal(code, 2)
      match(err, words)
    })

  test('a folder without main.cf is told by name', async () => {
    const { code, err } = await site.posthorn(['hookup', 'postfix', '--config-dir', site.varDir])
    equal(code, 1)
    match(err, /there is no .*\/main\.cf; name the folder/)
  })

  test('it prints the lines with their reasons and the line that they replace, and writes nothing', async () => {
    const { code, out } = await hookup()
    equal(code, 0)
    match(out, /In .*main\.cf:\n/)
    match(
      out,
      /# Each address of each list goes to Posthorn by LMTP\. \(In place of line 3\.\)\n {4}transport_maps =\n/,
    )
    match(out, /^ {8}texthash:\/etc\/transport$/m)
    match(out, /Then run:\n {4}postfix -c .* reload {6}# /)
    equal(readFileSync(mainFile, 'utf8'), text)
  })

  test('--json has the same, as it is', async () => {
    const { code, out } = await hookup('--json')
    equal(code, 0)
    const { mail_server, files, refusals } = JSON.parse(out)
    deepEqual([mail_server, refusals], ['postfix', []])
    const [file] = files
    deepEqual([file.path, file.kind, file.place, file.mode], [mainFile, 'block', 'end', '0644'])
    const transport = file.settings.find(({ lines }: { lines: string[] }) => lines[0] === 'transport_maps =')
    deepEqual(transport.replaces, [3])
  })

  test('our own configuration comes first: until then nothing is written', async () => {
    await site.must(['domain', 'add', 'lists.example.test', '--list-only'])
    await site.must(['remove', 'tea@people.example.test'])
    await site.must(['domain', 'remove', 'people.example.test'])
    const { code, err } = await hookup('--write', '--yes', '--way', 'lookup')
    equal(code, 1)
    match(err, /Nothing was written: .*\n[\s\S]*\[lookup\]\n {4}socketmap: 127\.0\.0\.1:8026/)
    equal(readFileSync(mainFile, 'utf8'), text)
  })

  test('what cannot be is refused with words', async () => {
    await site.must(['domain', 'add', 'people.example.test', '--list-only'])
    const { code, out, err } = await hookup('--write', '--yes')
    deepEqual([code, out], [1, ''])
    match(err, /people\.example\.test is marked as list-only, but it is in mydestination/)
    await site.must(['domain', 'set', 'people.example.test', '--shared'])
    equal(readFileSync(mainFile, 'utf8'), text)
  })

  test('on a terminal it shows the change and asks; no is no, yes writes, and a second run has nothing to do', async () => {
    const typed = (answer: string): Promise<Ran> => {
      const words = [program, '-C', site.configFile, 'hookup', 'postfix', '--config-dir', folder, '--write']
      return run(['script', '-qec', words.join(' '), '/dev/null'], answer)
    }
    const no = await typed('n\n')
    equal(no.code, 1)
    match(no.out, /^\+transport_maps =\r$/m)
    match(no.out, /^Then: postfix -c .* reload {6}# /m)
    match(no.out, /Write this\? \[y\/N\][\s\S]*Nothing was written/)
    equal(readFileSync(mainFile, 'utf8'), text)
    const yes = await typed('y\n')
    match(yes.out, /main\.cf is written; as it was: .*main\.cf\.posthorn-/)
    // No Postfix runs on this folder, so it cannot be told.
    match(yes.out, /The files are written, but 'postfix -c .* reload' failed: /)
    ok(readdirSync(join(site.varDir, 'data')).includes('postfix_routes'))
    match(readFileSync(mainFile, 'utf8'), /^# posthorn was: transport_maps = texthash:\/etc\/transport$/m)
    match((await hookup('--write', '--yes')).out, /Nothing to do/)
  })

  test('a file that cannot be written is told with the reason, and stays as it is', async () => {
    writeFileSync(mainFile, text)
    mkdirSync(`${mainFile}.posthorn-new`) // stands where the new text would
    const { code, err } = await hookup('--write', '--yes')
    rmdirSync(`${mainFile}.posthorn-new`)
    equal(code, 1)
    match(err, /Nothing was written: .*main\.cf cannot be written \(.*\); check/)
    equal(readFileSync(mainFile, 'utf8'), text)
  })

  test('tables that cannot be published stop it before anything is written', async () => {
    writeFileSync(mainFile, text)
    const tables = join(site.directory, 'tables.cfg')
    writeFileSync(tables, '[postfix]\ntransport_file_type: hash\npostmap_command: /bin/false\n')
    const { code, err } = await hookup('--write', '--yes')
    equal(code, 1)
    match(err, /Nothing was written: the tables could not be brought up to date\. .*\/bin\/false/)
    equal(readFileSync(mainFile, 'utf8'), text)
  })
})
