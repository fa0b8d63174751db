import { equal, match } from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { SinkOptions } from '../../test/mta-lab/sink.mjs'
import {
  brief,
  deliverAll,
  onLines,
  opened,
  relayAt,
  transaction,
  withServer,
  withSink,
} from '../../test/support/smtp-client.ts'
import { openConnection, type Relay, type RelayTrouble, standardTimeouts } from './client.ts'

const pem = (name: string): string =>
  fileURLToPath(new URL(`../../test/mta-lab/tls/localhost.${name}.pem`, import.meta.url))
const ownCertificate = `${pem('cert')},${pem('key')}`
const credentials = { user: 'posthorn', password: 'sésame' }
const account = { auth: 'posthorn:sésame', requireAuth: true }
const impatient = { ...standardTimeouts, connect: 40, greeting: 40, quit: 40 }
const unverified = { verifyCertificate: false }

async function trouble(relay: Relay): Promise<RelayTrouble> {
  const result = await openConnection(relay)
  if ('trouble' in result) return result.trouble
  result.connection.destroy()
  throw new Error('no trouble')
}

const ways: { title: string; sink: Partial<SinkOptions>; relay: Partial<Relay> }[] = [
  { title: 'in the clear', sink: {}, relay: {} },
  { title: 'with HELO when EHLO is not known', sink: { heloOnly: true }, relay: {} },
  {
    title: 'by STARTTLS',
    sink: { starttls: ownCertificate, requireTls: true },
    relay: { security: 'starttls', ...unverified },
  },
  {
    title: 'by TLS from the first byte',
    sink: { implicitTls: ownCertificate },
    relay: { security: 'smtps', ...unverified },
  },
  {
    title: 'by CRAM-MD5',
    sink: { ...account, authMechanisms: ['LOGIN', 'CRAM-MD5'] },
    relay: { credentials },
  },
  {
    title: 'by AUTH PLAIN',
    sink: { ...account, authMechanisms: ['LOGIN', 'PLAIN'] },
    relay: { credentials },
  },
  { title: 'by AUTH LOGIN', sink: { ...account, authMechanisms: ['LOGIN'] }, relay: { credentials } },
  {
    title: 'by AUTH over STARTTLS',
    sink: { ...account, starttls: ownCertificate, requireTls: true },
    relay: { security: 'starttls', credentials, ...unverified },
  },
]
for (const { title, sink: options, relay } of ways) {
  test(`the relay is reached ${title}, and takes a message`, () =>
    withSink(options, async (sink) => {
      const connection = await opened(relayAt(sink.port, relay))
      equal((await deliverAll(connection, [transaction(1)])).map(brief).join(), '250 250 250 kept')
      equal(connection.reusable, true)
      await connection.quit()
      equal(connection.reusable, false)
      equal(connection.loss, null)
      equal(sink.stats().messages, 1)
      equal(sink.messages[0]?.tls, relay.security !== undefined)
    }))
}

const troubles: {
  title: string
  sink: Partial<SinkOptions>
  relay: Partial<Relay>
  stage: string
  words: RegExp
}[] = [
  {
    title: 'a greeting 421',
    sink: { greeting: 421 },
    relay: {},
    stage: 'greeting',
    words: /refused the connection: 421/,
  },
  {
    title: 'a greeting 554',
    sink: { greeting: 554 },
    relay: {},
    stage: 'greeting',
    words: /refused the connection: 554/,
  },
  {
    title: 'no greeting',
    sink: { mute: ['connect'] },
    relay: { timeouts: impatient },
    stage: 'greeting',
    words: /nothing came for 0.04 s while waiting for the greeting; .*smtps/,
  },
  {
    title: 'no answer to EHLO',
    sink: { mute: ['ehlo'] },
    relay: { timeouts: impatient },
    stage: 'ehlo',
    words: /waiting for the answer to EHLO/,
  },
  {
    title: 'STARTTLS not offered',
    sink: {},
    relay: { security: 'starttls' },
    stage: 'tls',
    words: /does not offer STARTTLS/,
  },
  {
    title: 'STARTTLS for a server that only knows HELO',
    sink: { heloOnly: true },
    relay: { security: 'starttls' },
    stage: 'tls',
    words: /nothing is sent in the clear/,
  },
  {
    title: 'a certificate of its own making',
    sink: { starttls: ownCertificate },
    relay: { security: 'starttls' },
    stage: 'tls',
    words: /NODE_EXTRA_CA_CERTS/,
  },
  {
    title: 'the same from the first byte',
    sink: { implicitTls: ownCertificate },
    relay: { security: 'smtps', verifyHostname: false },
    stage: 'tls',
    words: /smtp_verify_cert: no/,
  },
  {
    title: 'TLS where there is none',
    sink: {},
    relay: { security: 'smtps' },
    stage: 'tls',
    words: /starttls is meant/,
  },
  {
    title: 'a wrong password',
    sink: account,
    relay: { credentials: { user: 'posthorn', password: 'x' } },
    stage: 'auth',
    words: /refused the login: 535 .*smtp_pass/,
  },
  { title: 'AUTH not offered', sink: {}, relay: { credentials }, stage: 'auth', words: /offers no AUTH/ },
  {
    title: 'no mechanism that we know',
    sink: { ...account, authMechanisms: ['XOAUTH2'] },
    relay: { credentials },
    stage: 'auth',
    words: /only AUTH XOAUTH2/,
  },
]
for (const { title, sink: options, relay, stage, words } of troubles) {
  test(`a trouble of the relay, in words: ${title}`, () =>
    withSink(options, async (sink) => {
      const found = await trouble(relayAt(sink.port, relay))
      equal(found.stage, stage)
      match(found.words, words)
      match(found.words, new RegExp(`127.0.0.1:${sink.port}`))
    }))
}

test('nobody listens: the words name the place and the settings', async () => {
  const port = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
  const found = await trouble(relayAt(port))
  equal(found.stage, 'connect')
  match(found.words, /cannot connect to 127.0.0.1:\d+: .*ECONNREFUSED.*smtp_host/)
})

for (const { title, says } of [
  { title: 'SSH', says: 'SSH-2.0-server\r\n' },
  { title: 'binary', says: '\x00\x01\x02\n' },
]) {
  test(`a server that speaks ${title} is no mail server`, () =>
    withServer(
      (socket) => socket.write(says),
      async (port) => {
        const found = await trouble(relayAt(port))
        equal(found.stage, 'greeting')
        match(found.words, /no SMTP reply/)
      },
    ))
}

test('a refusal of EHLO other than 500 and 502 is no reason to try HELO', () =>
  withServer(
    (socket) => {
      socket.write('220 hi\r\n')
      onLines(socket, (line) =>
        socket.write(line.startsWith('EHLO') ? '550 5.7.1 not you\r\n' : '250 hello\r\n'),
      )
    },
    async (port) => {
      const found = await trouble(relayAt(port))
      equal(found.stage, 'ehlo')
      equal(found.reply?.enhanced, '5.7.1')
    },
  ))

test('what comes behind the go-ahead of STARTTLS in the clear is never taken for a reply', () =>
  withServer(
    (socket) => {
      socket.write('220 hi\r\n')
      onLines(socket, (line) => {
        if (line.startsWith('EHLO')) socket.write('250-x\r\n250 STARTTLS\r\n')
        else if (line === 'STARTTLS') socket.write('220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n')
      })
    },
    async (port) => {
      const found = await trouble(
        relayAt(port, { security: 'starttls', credentials, timeouts: impatient, ...unverified }),
      )
      equal(found.stage, 'tls')
    },
  ))

test('an attempt can be called off', () =>
  withSink({ mute: ['connect'] }, async (sink) => {
    const stop = new AbortController()
    const opening = openConnection(relayAt(sink.port), stop.signal)
    stop.abort(new Error('shutting down'))
    const result = await opening
    match('trouble' in result ? result.trouble.words : '', /called off/)
  }))

test('IPv6 hosts are reached, with or without brackets', () =>
  withSink({ host: '::1' }, async (sink) => {
    for (const host of ['::1', '[::1]']) {
      const connection = await opened(relayAt(sink.port, { host }))
      await connection.quit()
    }
    equal(sink.stats().connections, 2)
  }))
