import { deepEqual, equal, match, notEqual } from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { ann, postOf, teaList } from '../../test/support/post.ts'
import { instant } from '../base/clock.ts'
import { Headers } from '../mail/headers.ts'
import { mediaType, parseMessage } from '../mail/message.ts'
import { textOf } from '../mail/transfer-encoding.ts'
import { attachedBody, type Letter, writeLetter } from './letter.ts'

const letter = (changes: Partial<Letter>): Letter => ({
  list: teaList(),
  from: { name: 'Tea', address: ann },
  to: { name: '', address: ann },
  subject: 'Tea',
  text: 'Hello\n',
  automatic: 'auto-generated',
  answers: null,
  attached: null,
  date: instant(0),
  messageId: null,
  ...changes,
})

const read = (changes: Partial<Letter>) => parseMessage(writeLetter(letter(changes)).bytes)

test('letter: subject and text come back as they were, and no letter of either becomes a field', () => {
  const line = fc
    .string({ unit: 'grapheme', maxLength: 120 })
    .map((text) => text.replace(/\p{Cc}+/gu, ' ').trim())
  fc.assert(
    fc.property(line, fc.array(line, { maxLength: 5 }), (subject, lines) => {
      const text = lines.map((each) => `${each}\n`).join('')
      const message = read({ subject: `${subject}\r\nBcc: eve@example.com`, text })
      const headers = Headers.of(message)
      equal(headers.has('Bcc'), false)
      equal(
        headers.decoded('Subject')?.replace(/\s+/g, ' '),
        `${subject} Bcc: eve@example.com`.trim().replace(/\s+/g, ' '),
      )
      equal(textOf(message, message.root), text.replaceAll('\n', '\r\n'))
    }),
  )
})

test('letter: a letter about a letter names every list on the way, so that lists that own each other end it', () => {
  const { message } = postOf(
    'From: ann@example.org\nX-Posthorn-Loop: iced.lists.example.org\nList-Id: <iced.lists.example.org>',
  )
  for (const carried of [{ attached: message }, { answers: message }]) {
    const traces = Headers.of(read(carried)).all('X-Posthorn-Loop')
    deepEqual(traces, ['iced.lists.example.org', 'tea.lists.example.org'])
  }
  deepEqual(Headers.of(read({})).all('X-Posthorn-Loop'), ['tea.lists.example.org'])
})

test('letter: the same facts give the same bytes, another time another Message-ID', () => {
  const [one, two] = [writeLetter(letter({})), writeLetter(letter({}))]
  deepEqual(one, two)
  notEqual(writeLetter(letter({ date: instant(60_000) })).messageId, one.messageId)
  equal(writeLetter(letter({ messageId: '<given@example.org>' })).messageId, '<given@example.org>')
})

test('letter: an attached message is whole, but for the passwords', () => {
  const { message } = postOf('From: ann@example.org\nApproved: sesame\nX-Approve: sesame\nSubject: Pots')
  const carrier = read({ attached: message })
  equal(mediaType(carrier.root), 'multipart/mixed')
  deepEqual(carrier.root.children.map(mediaType), ['text/plain', 'message/rfc822'])
  const copy = carrier.root.children[1]
  const text = Buffer.from(carrier.bytes.subarray(copy?.body, copy?.end)).toString()
  equal(text, 'From: ann@example.org\r\nSubject: Pots\r\n\r\nTea?\r\n')
})

test('letter: a long attached message ends after a whole line, within 64 KB of body', () => {
  const { message } = postOf(
    'From: ann@example.org',
    ann,
    'forty letters and two of the end of line\n'.repeat(5000),
  )
  const carrier = read({ attached: message })
  const inner = carrier.root.children[1]?.children[0]
  const body = Buffer.from(carrier.bytes.subarray(inner?.body, inner?.end))
  equal(body.length <= attachedBody && body.length > attachedBody - 50, true)
  match(body.toString(), /of the end of line\r\n$/)
})

test('letter: an attached message cannot end the part that it is in', () => {
  const first = Buffer.from(writeLetter(letter({ attached: postOf('Subject: a').message })).bytes).toString()
  const boundary = /boundary="([^"]+)"/.exec(first)?.[1]
  const carrier = read({ attached: postOf('Subject: a', ann, `--${boundary}--\n\nmore\n`).message })
  equal(carrier.root.children.length, 2)
  equal(carrier.defects.length, 0)
})

test('letter: 8-bit text in an attached message is declared', () => {
  const headers = Headers.of(read({ attached: postOf('Subject: a', ann, 'Grüße\n').message }))
  equal(headers.get('Content-Transfer-Encoding'), '8bit')
})

test('letter: an answer stands in the thread of what it answers', () => {
  const answers = postOf('Message-ID: <2@example.org>\nReferences: <1@example.org>').message
  const headers = Headers.of(read({ answers }))
  equal(headers.get('In-Reply-To'), '<2@example.org>')
  equal(headers.get('References'), '<1@example.org> <2@example.org>')
  equal(Headers.of(read({ answers: postOf('Message-ID: no id').message })).has('In-Reply-To'), false)
})

test('letter: a copy that is cut within its only line never ends in half a line end', () => {
  const long = `${'x'.repeat(attachedBody - 1)}\r\n${'y'.repeat(100)}`
  const message = parseMessage(Buffer.from(`From: ann@example.org\r\n\r\n${long}`))
  const bytes = writeLetter(letter({ attached: message })).bytes
  equal(/\r(?!\n)|(?<!\r)\n/.test(Buffer.from(bytes).toString('latin1')), false)
})
