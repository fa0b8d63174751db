import { deepEqual, match } from 'node:assert/strict'
import { chmodSync, mkdirSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  briefly,
  codesOf,
  domain,
  findingsOf,
  freshTea,
  siteOver,
} from '../../../test/support/checked-site.ts'
import { freshDoor } from '../../../test/support/fresh-door.ts'
import { freePort } from '../../../test/support/server.ts'
import { onLines, withServer } from '../../../test/support/smtp-client.ts'
import { allowNetworks } from '../../lmtp/allow.ts'
import type { DoorSettings } from '../../lmtp/door.ts'
import type { FileFacts } from '../../model/hookup.ts'
import { type CheckedSite, usualPatience } from './checked-site.ts'
import { lmtp } from './lmtp.ts'
import { lmtpAllow } from './lmtp-allow.ts'
import { lmtpSocket } from './lmtp-socket.ts'

const say =
  (greeting: string, answers: Readonly<Record<string, string>> = {}) =>
  (socket: Socket): void => {
    if (greeting !== '') socket.write(`${greeting}\r\n`)
    onLines(socket, (line) => {
      const verb = line.split(/[ :]/)[0] ?? ''
      const answer = answers[line] ?? answers[verb]
      if (answer !== undefined) socket.write(`${answer}\r\n`)
    })
  }
const tea = await freshTea()
after(() => tea[Symbol.asyncDispose]())

const posthorn = '220 lists.example.test LMTP Posthorn'
const polite = { LHLO: '250 hello', MAIL: '250 2.1.0 OK', RSET: '250 2.0.0 OK' }
const rcpt = `RCPT TO:<tea@${domain}>`

for (const { title, serve, patience = usualPatience, runs = true, codes, seen } of [
  { title: 'an open port without a word is silent', serve: say(''), patience: briefly, codes: ['lmtp.silent'], seen: /open, and no greeting in 0\.15 s/ },
  { title: 'a port that hangs up is silent', serve: (socket: Socket) => socket.end(), codes: ['lmtp.silent'], seen: /closed again/ },
  { title: 'HTTP is another protocol', serve: say('', { LHLO: 'HTTP/1.1 400 Bad Request' }), patience: { ...usualPatience, greeting: 150, reply: 5000 }, codes: ['lmtp.not-lmtp'], seen: /HTTP\/1\.1 400/ },
  { title: 'a banner that is no reply is another protocol', serve: say('SSH-2.0-OpenSSH_9.2'), codes: ['lmtp.not-lmtp'], seen: /SSH-2\.0/ },
  { title: 'SMTP is another protocol', serve: say('220 mail.example.test ESMTP Postfix', { LHLO: '502 5.5.2 Error: command not recognized' }), codes: ['lmtp.not-lmtp'], seen: /ESMTP Postfix; to LHLO it says: 502/ },
  { title: 'another LMTP server is another program', serve: say('220 here GNU Mailman LMTP runner v2.0', polite), codes: ['lmtp.other-program'], seen: /GNU Mailman/ },
  { title: 'a Posthorn without our lock is another installation', serve: say(posthorn, polite), runs: false, codes: ['lmtp.other-installation'], seen: /no server holds the lock/ },
  { title: 'a Posthorn that refuses our list is another installation', serve: say(posthorn, { ...polite, RCPT: '550 5.1.1 no such list' }), codes: ['lmtp.other-installation'], seen: /<tea@lists\.example\.test> 550/ },
  { title: 'a known list put off for want of room is told', serve: say(posthorn, { ...polite, RCPT: '550 5.1.1 no', [rcpt]: '452 4.3.1 no room on disk' }), codes: ['lmtp.no-room'], seen: /452/ },
  { title: 'a known list put off for a fault is told', serve: say(posthorn, { ...polite, RCPT: '550 5.1.1 no', [rcpt]: '451 4.3.0 later' }), codes: ['lmtp.fault'], seen: /451/ },
  { title: 'an unknown list that is taken is told', serve: say(posthorn, { ...polite, RCPT: '250 2.1.5 OK' }), codes: ['lmtp.unknown-accepted'], seen: /nosuchlist-/ },
  { title: 'too many connections are told', serve: say('421 4.3.2 too many connections, try again later'), codes: ['lmtp.busy'], seen: /421/ },
  { title: 'a door that turns us away is told', serve: say('554 5.7.1 127.0.0.1 may not hand in mail here'), codes: ['lmtp.turned-away'], seen: /554/ },
]) // biome-ignore format: a table
  test(`lmtp: ${title}`, () =>
    withServer(serve, async (port) => {
      const fresh = await siteOver(tea, { mta: { lmtpPort: port } }, { patience, serverRuns: runs })
      const findings = await findingsOf(lmtp, fresh.site)
      deepEqual(
        findings.map(({ kind }) => kind.code),
        codes,
      )
      match(findings[0]?.seen ?? '', seen)
    }))

/** The facts of the site with a real door behind them; its list is tea@lists.example.org. */
async function withDoor(
  settings: Partial<DoorSettings>,
  use: (site: CheckedSite) => Promise<void>,
): Promise<void> {
  await using door = await freshDoor(settings)
  const port = Number((door.door.addresses[0] ?? '').split(':').at(-1))
  const fresh = await siteOver(tea, { mta: { lmtpPort: port } })
  const { facts } = fresh.site
  const domains = facts.domains.map((one) => ({ ...one, mailHost: 'lists.example.org' }))
  await use({ ...fresh.site, facts: { ...facts, domains } })
}

test('lmtp: our own door gives no finding, and gets no mail', () =>
  withDoor({}, async (site) => deepEqual(await codesOf(lmtp, site), [])))

test('lmtp: a door whose list of guests leaves this machine out turns a mail server here away', () => {
  const networks = allowNetworks(['192.0.2.25'])
  if (!('allow' in networks)) throw new Error(networks.mistake)
  return withDoor({ allow: networks.allow }, async (site) =>
    deepEqual(await codesOf(lmtp, site), ['lmtp.turned-away']),
  )
})

test('lmtp: a full disk is told by the door itself', () =>
  withDoor({ diskHasRoom: () => false }, async (site) =>
    deepEqual(await codesOf(lmtp, site), ['lmtp.no-room']),
  ))

for (const { runs, change } of [
  { runs: false, change: /does not run: posthorn start/ },
  { runs: true, change: /posthorn restart/ },
])
  test(`lmtp: a port that nobody listens at is refused, ${runs ? 'and the server needs a restart' : 'and the server a start'}`, async () => {
    const fresh = await siteOver(tea, { mta: { lmtpPort: await freePort() } }, { serverRuns: runs })
    const [finding, ...others] = await findingsOf(lmtp, fresh.site)
    deepEqual([finding?.kind.code, others], ['lmtp.refused', []])
    match(finding?.change ?? '', change)
  })

test('lmtp: a name that nobody knows is no address', async () => {
  const fresh = await siteOver(tea, { mta: { lmtpHost: 'nowhere.invalid' } })
  deepEqual(await codesOf(lmtp, fresh.site), ['lmtp.no-such-address'])
})

const guest = (address: string) => ({ address, prefix: 32, family: 'ipv4' as const })
for (const { title, allow, relay, codes } of [
  { title: 'no list of guests lets smtp_host in', allow: null, relay: '192.0.2.9', codes: [] },
  { title: 'a named mail server is let in', allow: [guest('192.0.2.9')], relay: '192.0.2.9', codes: [] },
  { title: 'one that is left out may be meant to', allow: [guest('192.0.2.8')], relay: '192.0.2.9', codes: ['lmtp.not-let-in'] },
  { title: 'this machine is tried at the door', allow: [guest('192.0.2.8')], relay: '127.0.0.1', codes: [] },
]) // biome-ignore format: a table
  test(`lmtp-allow: ${title}`, async () => {
    const fresh = await siteOver(tea, { lmtp: { allow }, mta: { smtpHost: relay } })
    deepEqual(await codesOf(lmtpAllow, fresh.site), codes)
  })

const facts = (user: string, group: string, mode: number): FileFacts => ({
  kind: 'directory',
  user,
  group,
  mode,
  size: 0,
  changed: 0,
})

for (const {
  title,
  open = true,
  folder = facts('list', 'list', 0o750),
  socket = facts('list', 'list', 0o660),
  groups = 'postfix list',
  codes,
} of [
  { title: 'a member of its group may use it', codes: [] },
  { title: 'without a file it is missing', open: false, codes: ['lmtp.socket-missing'] },
  { title: 'a folder that the mail server may not enter closes it', groups: 'postfix', codes: ['lmtp.socket-closed'] },
  { title: 'a socket that the mail server may not write to is closed', folder: facts('list', 'list', 0o755), groups: 'postfix', codes: ['lmtp.socket-closed'] },
  { title: 'a socket for everybody is open', folder: facts('list', 'list', 0o755), socket: facts('list', 'list', 0o666), groups: 'postfix', codes: [] },
]) // biome-ignore format: a table
  test(`lmtp-socket: ${title}`, async () => {
    const fresh = await siteOver(tea, { lmtp: { socket: 'x' }, mta: {} })
    const inside = join(fresh.fresh.directory, 'run')
    mkdirSync(inside, { recursive: true })
    chmodSync(inside, 0o755)
    const path = join(inside, 'lmtp.sock')
    const server = createServer(say(posthorn))
    if (open) await new Promise<void>((resolve) => server.listen(path, resolve))
    const host: CheckedSite['host'] = {
      run: async () => ({ code: 0, out: `${groups}\n`, err: '' }),
      stat: async (asked) =>
        asked === path ? socket : asked === inside ? folder : facts('root', 'root', 0o755),
    }
    const withSocket = { ...fresh.site.facts, lmtp: { ...fresh.site.facts.lmtp, socket: path } }
    deepEqual(await codesOf(lmtpSocket, { ...fresh.site, host, facts: withSocket }), codes)
    await new Promise((closed) => server.close(closed))
  })

test('lmtp: of two addresses one may be closed, and mail may still come in', () =>
  withServer(say(posthorn, { ...polite, RCPT: '550 5.1.1 no', [rcpt]: '250 2.1.5 OK' }), async (port) => {
    const addressesOf = async () => ['127.0.0.1', '127.0.0.2']
    const fresh = await siteOver(tea, { mta: { lmtpHost: 'localhost', lmtpPort: port } }, { addressesOf })
    const findings = await findingsOf(lmtp, fresh.site)
    deepEqual(
      findings.map(({ kind }) => kind.code),
      ['lmtp.one-family'],
    )
    match(findings[0]?.seen ?? '', /^127\.0\.0\.1:\d+: open, 127\.0\.0\.2:\d+: refused$/)
  }))
