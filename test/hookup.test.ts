// The ways into Posthorn beside LMTP over TCP, in a server as it is started: SMTP, look-ups, the pipe program.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { handIn } from './support/hand-in.ts'
import { freePort, freshSite, run } from './support/server.ts'

const portOf = (address: string | undefined): number => Number(address?.slice(address.lastIndexOf(':') + 1))
const post =
  'From: Ann <ann@example.org>\r\nMessage-ID: <1@example.org>\r\nSubject: First flush\r\n\r\nhere\r\n'

test('a server takes mail by SMTP and by posthorn-qmail, and answers look-ups', async () => {
  await using site = await freshSite({
    relayPort: await freePort(),
    sections: {
      lmtp: { smtp_intake: '127.0.0.1:0' },
      lookup: { socketmap: '127.0.0.1:0', tcp_table: '127.0.0.1:0', readsocket: '127.0.0.1:0' },
    },
  })
  await site.list('tea@lists.example.test', [])
  await site.list('milk@lists.example.test', [])
  const server = await site.start()

  const lookups = (await server.logged('lookup.open')).addresses as readonly string[]
  const answers: string[] = []
  for (const [place, question] of [
    [0, '33:recipients tea@lists.example.test,'],
    [1, 'get coffee@lists.example.test\n'],
    [2, 'milk-owner@lists.example.test\n'],
  ] as const) {
    const socket = connect(portOf(lookups[place]), '127.0.0.1').end(question)
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    await once(socket, 'close')
    answers.push(text)
  }
  deepEqual(answers, ['7:OK post,', '500 not%20found\n', 'yes'])

  const [, smtp] = (await server.logged('server.ready')).addresses as readonly string[]
  const handed = await handIn({
    port: portOf(smtp),
    dialect: 'smtp',
    from: 'ann@example.org',
    to: ['tea@lists.example.test', 'milk@lists.example.test'],
    message: Buffer.from(post),
  })
  equal(handed.end.length, 1)
  match(handed.end[0] ?? '', /^250 2\.6\.0 queued as/)
  const accepted = await server.logged('lmtp.accepted')
  deepEqual(accepted.recipients, ['tea@lists.example.test', 'milk@lists.example.test'])

  const pipe = new URL('../bin/posthorn-qmail', import.meta.url).pathname
  const words = ['env', 'EXT=tea', 'HOST=lists.example.test', 'SENDER=', pipe, String(server.lmtpPort), '1']
  const piped = await run(words, post.replaceAll('\r\n', '\n'))
  deepEqual(piped, { code: 0, out: '', err: '' })
  await server.logged('lmtp.accepted', ({ sender }) => sender === '<>')
  equal(await server.stop(), 0)
  ok(server.log.some(({ event }) => event === 'lookup.closed'))
})

test('a look-up port that is taken stops the start with the key that names it', async () => {
  const port = await freePort()
  await using site = await freshSite({
    relayPort: port,
    sections: { lookup: { socketmap: `127.0.0.1:${port}`, tcp_table: `127.0.0.1:${port}` } },
  })
  const { code, err } = await site.refusedStart()
  equal(code, 1)
  match(err, /port \d+ on 127\.0\.0\.1 is taken .* set \[lookup\] tcp_table to a free port/)
})

test('several mail servers are served at once, and whoever makes a list hears what is left to do', async () => {
  await using site = await freshSite({
    relayPort: await freePort(),
    sections: { mta: { incoming: 'sendmail, opensmtpd exim4 courier', configuration: './mta.cfg' } },
  })
  const home = join(site.directory, 'home')
  mkdirSync(home)
  writeFileSync(join(site.directory, 'mta.cfg'), `[courier]\nhome: ${home}\n`)
  const server = await site.start()
  const { code, out, err } = await site.posthorn(['create', 'tea@lists.example.test'])
  deepEqual([code, out], [0, 'Created mailing list: tea@lists.example.test\n'])
  match(err, /^Note: OpenSMTPD does not reread its tables by itself: run 'smtpctl update table \S+'\.$/m)
  const data = (name: string) => readFileSync(join(site.varDir, 'data', name), 'utf8')
  match(data('sendmail_lists'), /^tea-owner@lists\.example\.test owner$/m)
  match(data('opensmtpd_recipients'), /^\^tea\(/m)
  ok(existsSync(join(site.varDir, 'lists', 'tea.lists.example.test')))
  deepEqual(readdirSync(home).sort(), ['.courier-tea', '.courier-tea-default'])
  await site.must(['remove', 'tea@lists.example.test'])
  deepEqual(readdirSync(home), [])
  equal(data('sendmail_lists'), '')
  equal(await server.stop(), 0)
})

test('aliases --format makes tables of another kind, into another folder or in place', async () => {
  await using site = await freshSite({
    relayPort: await freePort(),
    sections: { mta: { incoming: 'postfix', configuration: './mta.cfg' } },
  })
  writeFileSync(
    join(site.directory, 'mta.cfg'),
    '[postfix]\ntransport_file_type: texthash\nreload_command: /bin/true\n',
  )
  await site.list('tea@lists.example.test', [])
  await site.must(['aliases', '-d', site.directory, '--format', 'regex'])
  match(readFileSync(join(site.directory, 'postfix_lmtp'), 'utf8'), /^\/\^tea\(/m)
  const inPlace = () => readFileSync(join(site.varDir, 'data', 'postfix_lmtp'), 'utf8')
  match(inPlace(), /^tea@lists/m)
  await site.must(['aliases', '--format', 'pcre'])
  match(inPlace(), /^\/\^tea\(/m)
  await site.must(['aliases'])
  match(inPlace(), /^tea@lists/m)
  const wrong = await site.posthorn(['aliases', '--format', 'oracle'])
  equal(wrong.code, 2)
  match(wrong.err, /Invalid value for --format: 'oracle' is not a kind of table; accepted: hash, regex/)
})
