import { deepEqual, match } from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, test } from 'node:test'
import { parseRule, Sink, type SinkOptions } from '../../../test/mta-lab/sink.mjs'
import {
  briefly,
  codesOf,
  domain,
  findingsOf,
  freshChecked,
  freshTea,
  siteOver,
} from '../../../test/support/checked-site.ts'
import { freshDoor } from '../../../test/support/fresh-door.ts'
import { freePort } from '../../../test/support/server.ts'
import { onLines, withServer, withSink } from '../../../test/support/smtp-client.ts'
import type { ConfigOverrides } from '../../config/config.ts'
import { changeSettings, listBySpec } from '../../store/units/lists.ts'
import { usualPatience } from './checked-site.ts'
import { relay } from './relay.ts'

const tea = await freshTea()
after(() => tea[Symbol.asyncDispose]())

const tls = new URL('../../../test/mta-lab/tls/', import.meta.url).pathname
const certificate = `${tls}localhost.cert.pem,${tls}localhost.key.pem`
const login = { smtpUser: 'posthorn', smtpPass: 'secret' }
const starttls = { smtpSecureMode: 'starttls' } as const
const smtps = { smtpSecureMode: 'smtps' } as const
const trusting = { smtpVerifyCert: false }

for (const { title, sink = {}, mta = {}, codes, seen = /./ } of [
  { title: 'one that takes all gives no finding', codes: [] },
  { title: 'a greeting of 554 is a refusal', sink: { greeting: 554 }, codes: ['relay.greeting-refused'], seen: /554/ },
  { title: 'no STARTTLS where it is wanted', mta: starttls, codes: ['relay.no-starttls'], seen: /does not offer STARTTLS/ },
  { title: 'a certificate of nobody', sink: { starttls: certificate }, mta: starttls, codes: ['relay.certificate-untrusted'], seen: /self-signed/ },
  { title: 'a certificate of nobody, from the first byte', sink: { implicitTls: certificate }, mta: smtps, codes: ['relay.certificate-untrusted'] },
  { title: 'a certificate that need not be verified', sink: { starttls: certificate }, mta: { ...starttls, ...trusting }, codes: [] },
  { title: 'TLS from the first byte where there is none', mta: smtps, codes: ['relay.tls-fails'], seen: /no TLS/ },
  { title: 'a login that is not offered', mta: login, codes: ['relay.no-login'], seen: /offers no AUTH/ },
  { title: 'a login by a mechanism that nobody knows', sink: { auth: 'posthorn:secret', authMechanisms: ['GSSAPI'] }, mta: login, codes: ['relay.no-login'], seen: /only AUTH GSSAPI/ },
  { title: 'a wrong password', sink: { auth: 'posthorn:other' }, mta: login, codes: ['relay.login-refused'], seen: /535/ },
  { title: 'a password in the clear on this machine', sink: { auth: 'posthorn:secret' }, mta: login, codes: [] },
  { title: 'a login that is missing', sink: { auth: 'posthorn:secret', requireAuth: true }, codes: ['relay.login-wanted'], seen: /530/ },
  { title: 'TLS that is missing', sink: { starttls: certificate, requireTls: true }, codes: ['relay.tls-wanted'], seen: /530/ },
  { title: 'a list’s envelope sender refused', sink: { rejectFrom: [parseRule('/^tea-bounces\\+/', 553)] }, codes: ['relay.sender-refused'], seen: /MAIL FROM:<tea-bounces\+[a-z2-7]{10}@lists\.example\.test> 553/ },
  { title: 'the null sender refused', sink: { rejectFrom: [parseRule('/^$/', 550)] }, codes: ['relay.null-sender-refused'], seen: /MAIL FROM:<> 550/ },
  { title: 'relaying denied', sink: { rejectRcpt: [parseRule('*=554 5.7.1 Relay access denied', 554)] }, codes: ['relay.denied'], seen: /RCPT TO:<posthorn-doctor@example\.com> 554 5\.7\.1 Relay/ },
  { title: 'relaying denied for now', sink: { rejectRcpt: [parseRule('*=454 4.7.1 Relay access denied', 454)] }, codes: ['relay.denied'], seen: /454/ },
  { title: 'relaying denied without a reason', sink: { rejectRcpt: [parseRule('*=550 Invalid recipient', 550)] }, codes: ['relay.denied'], seen: /RCPT TO:<owner@example\.test> 550/ },
  { title: 'an address outside that is refused for its own sake says nothing', sink: { rejectRcpt: [parseRule('@example.com=556 5.1.10 domain takes no mail', 556)] }, codes: [] },
  { title: 'greylisting says nothing', sink: { rejectRcpt: [parseRule('*=450 4.7.1 Greylisted, try again', 450)] }, codes: [] },
  { title: 'a name in EHLO that is refused at RCPT', sink: { rejectRcpt: [parseRule('*=504 5.5.2 <x>: Helo command rejected: need fully-qualified hostname', 504)] }, codes: ['relay.hello-refused'], seen: /Helo command rejected/ },
  { title: 'a size below the door’s', sink: { size: 1_000_000 }, codes: ['relay.smaller'], seen: /SIZE 1000000/ },
  { title: 'a size below a list’s', sink: { size: 30_000 }, codes: ['relay.too-small'], seen: /SIZE 30000; tea@lists\.example\.test takes 40960 bytes/ },
  { title: 'no 8BITMIME', sink: { eightbit: false }, codes: ['relay.no-8bitmime'] },
  { title: 'no SMTPUTF8', sink: { smtputf8: false }, codes: ['relay.no-smtputf8'] },
  { title: 'no PIPELINING', sink: { pipelining: false }, codes: ['relay.no-pipelining'] },
] satisfies readonly { title: string; sink?: Partial<SinkOptions>; mta?: ConfigOverrides['mta']; codes: readonly string[]; seen?: RegExp }[]) // biome-ignore format: a table
  test(`relay: ${title}`, () =>
    withSink(sink, async (world) => {
      const fresh = await siteOver(tea, { mta: { smtpPort: world.port, ...mta } })
      const findings = await findingsOf(relay, fresh.site)
      deepEqual(
        findings.map(({ kind }) => kind.code),
        codes,
      )
      match(findings[0]?.seen ?? '.', seen)
      deepEqual(world.messages, [])
    }))

for (const { title, serve, patience = usualPatience, codes } of [
  { title: 'a port without a word is silent', serve: () => undefined, patience: briefly, codes: ['relay.silent'] },
  { title: 'a port that hangs up is silent', serve: (socket: Socket) => socket.end(), codes: ['relay.silent'] },
  { title: 'HTTP is another protocol', serve: (socket: Socket) => onLines(socket, () => socket.write('HTTP/1.1 400 Bad Request\r\n')), patience: { ...usualPatience, greeting: 150 }, codes: ['relay.not-smtp'] },
  { title: 'a banner that is no reply is another protocol', serve: (socket: Socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'), codes: ['relay.not-smtp'] },
  { title: 'an EHLO that is refused', serve: (socket: Socket) => { socket.write('220 hello\r\n'); onLines(socket, () => socket.write('550 5.7.1 who are you\r\n')) }, codes: ['relay.hello-refused'] },
]) // biome-ignore format: a table
  test(`relay: ${title}`, () =>
    withServer(serve, async (port) => {
      const fresh = await siteOver(tea, { mta: { smtpPort: port } }, { patience })
      deepEqual(await codesOf(relay, fresh.site), codes)
    }))

test('relay: a port that nobody listens at is unreachable', async () => {
  const fresh = await siteOver(tea, { mta: { smtpPort: await freePort() } })
  deepEqual(await codesOf(relay, fresh.site), ['relay.unreachable'])
})

test('relay: our own door is a loop', async () => {
  await using door = await freshDoor()
  const port = Number((door.door.addresses[0] ?? '').split(':').at(-1))
  const fresh = await siteOver(tea, { mta: { lmtpPort: port, smtpPort: port } })
  const [finding, ...others] = await findingsOf(relay, fresh.site)
  deepEqual([finding?.kind.code, others], ['relay.loop', []])
  match(finding?.seen ?? '', /which is \[mta\] lmtp_port too/)
})

test('relay: a mail server on another port of ours is no loop', () =>
  withSink({}, async (world) => {
    const fresh = await siteOver(tea, { mta: { smtpPort: world.port, lmtpPort: 1 } })
    deepEqual(await codesOf(relay, fresh.site), [])
  }))

test('relay: a list without a limit of its own is content with any size', () =>
  withSink({ size: 1_000_000 }, async (world) => {
    await using fresh = await freshChecked({ mta: { smtpPort: world.port } })
    const { store } = fresh.fresh
    const list = store.read(listBySpec, { spec: `tea@${domain}` })
    if (list === null) throw new Error('no list')
    await store.commit(changeSettings, { list: list.no, settings: { maxMessageSize: 0 } })
    deepEqual(await codesOf(relay, fresh.site), ['relay.smaller'])
  }))

const deny = [parseRule('*=554 5.7.1 Relay access denied', 554)]

for (const { title, second, codes, seen } of [
  { title: 'both relay', second: {}, codes: [], seen: /^$/ },
  { title: 'one is closed', second: null, codes: ['relay.one-address-closed'], seen: /^127\.0\.0\.2:\d+: cannot connect/ },
  { title: 'one denies', second: { rejectRcpt: deny }, codes: ['relay.one-address-denied'], seen: /^127\.0\.0\.2:\d+: RCPT .* 554/ },
]) // biome-ignore format: a table
  test(`relay: of the two addresses of smtp_host ${title}`, () =>
    withSink({}, async (world) => {
      const other = second === null ? null : new Sink({ ...second, host: '127.0.0.2', port: world.port })
      await other?.listen()
      try {
        const addressesOf = async () => ['127.0.0.1', '127.0.0.2']
        const fresh = await siteOver(
          tea,
          { mta: { smtpHost: 'localhost', smtpPort: world.port } },
          { addressesOf },
        )
        const findings = await findingsOf(relay, fresh.site)
        deepEqual(
          findings.map(({ kind }) => kind.code),
          codes,
        )
        match(findings[0]?.seen ?? '', seen)
      } finally {
        await other?.close()
      }
    }))
