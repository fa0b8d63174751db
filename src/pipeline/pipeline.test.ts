import { deepEqual, equal, match } from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { ann, postOf, teaList } from '../../test/support/post.ts'
import { applySplices } from '../mail/draft.ts'
import { Headers } from '../mail/headers.ts'
import { parseMessage } from '../mail/message.ts'
import type { ListSettings } from '../model/list.ts'
import { decorate } from './pipeline.ts'

const occasion = (header: string, settings: Partial<ListSettings> = {}) => ({
  list: teaList(settings),
  post: postOf(header),
  postNumber: 7,
  siteDomain: 'lists.example.org',
})

/** What delivery makes of it: the header, and the kept body with its splices. */
function leaving(purpose: 'post' | 'owner', { header, settings = {} }: Case): string {
  const at = occasion(header, settings)
  const decorated = decorate(purpose, at)
  const body = applySplices(at.post.message.bytes, decorated.bodyAt, decorated.splices)
  return Buffer.concat([decorated.header, ...body]).toString()
}

interface Case {
  readonly header: string
  readonly settings?: Partial<ListSettings>
}

const header =
  'From: Ann <ann@example.org>\nTo: tea@lists.example.org, Bob <Bob@example.com>\nCc: bob@example.com'

test('a post leaves with prefix, list fields and footer, and its body as it came', () => {
  const text = leaving('post', { header: `${header}\nSubject: Pots`, settings: { footer: '-- \n$listname' } })
  match(text, /^Subject: \[Tea\] Pots\r$/m)
  match(text, /^List-Id: <tea\.lists\.example\.org>\r$/m)
  match(text, /\r\n\r\nTea\?\r\n-- \r\ntea@lists\.example\.org\r\n$/)
})

test('a header above and a footer below a post are both there, once', () => {
  const text = leaving('post', { header, settings: { header: 'above $list_id', footer: 'below' } })
  match(text, /\r\n\r\nabove tea\.lists\.example\.org\r\nTea\?\r\nbelow\r\n$/)
})

test('HTML with both becomes a message of three parts over no kept byte', () => {
  const text = leaving('post', {
    header: `${header}\nContent-Type: text/html`,
    settings: { header: 'above', footer: 'below' },
  })
  match(
    text,
    /multipart\/mixed[\s\S]*above\r\n[\s\S]*text\/html\r\n\r\nTea\?\r\n[\s\S]*below\r\n\r\n--[^\r]*--\r\n$/,
  )
})

test('mail to the owners has neither prefix nor list fields nor footer', () => {
  const text = leaving('owner', { header: `${header}\nSubject: Help`, settings: { footer: 'below' } })
  match(text, /^Subject: Help\r$/m)
  equal(/^List-|below/m.test(text), false)
})

test('what delivery and the story need comes with it', () => {
  const at = occasion(`${header}\nMessage-ID: <1@example.org>\nSubject: =?utf-8?q?Gr=C3=BCn?=`)
  const { messageId, direct, poster, subject } = decorate('post', at)
  deepEqual({ messageId, direct, poster, subject }, {
    messageId: '<1@example.org>',
    direct: ['Bob@example.com'],
    poster: 'ann@example.org',
    subject: 'Grün',
  }) // biome-ignore format: reads as one
})

test('a post without Message-ID gets the same one at each try', () => {
  const [first, second] = [decorate('post', occasion(header)), decorate('post', occasion(header))]
  match(first.messageId, /^<[a-z2-7]+\.posthorn@lists\.example\.org>$/)
  equal(first.messageId, second.messageId)
})

test('whatever comes in, one Message-ID and one List-Id go out and the body stays as it came', () => {
  const piece = fc.constantFrom(
    'From: ', 'Subject: ', 'Message-ID: ', 'message-id:<x@y>', 'List-Id: <tea.lists.example.org>', 'Reply-To: ', 'To: ',
    'Content-Type: multipart/mixed; boundary=b', '--b', '--b--', 'From ann@example.org', '=?utf-8?q?=0D=0ABcc:_x?=',
    'ann@example.org', '<', '>', ',', ':', '"', ' ', '\t', '\0', '\x80', '\r\n', '\r\n\r\n', '\n', '\r',
  ) // biome-ignore format: a list of pieces
  const bytes = fc.array(piece, { maxLength: 40 }).map((pieces) => Buffer.from(pieces.join(''), 'latin1'))
  const settings = { replyGoesToList: 'point_to_list', firstStripReplyTo: false } as const
  fc.assert(
    fc.property(bytes, (came) => {
      const post = { message: parseMessage(came), envelopeSender: ann, size: came.length }
      const decorated = decorate('post', { ...occasion(''), list: teaList(settings), post })
      const kept = came.subarray(decorated.bodyAt)
      const left = Buffer.concat([decorated.header, kept])
      const headers = Headers.of(parseMessage(left))
      for (const name of ['Message-ID', 'List-Id', 'List-Post', 'Reply-To', 'Subject']) {
        equal(headers.all(name).length, 1, `${name} in ${JSON.stringify(left.toString('latin1'))}`)
      }
      equal(headers.has('Bcc'), false)
      equal(headers.get('Message-ID'), decorated.messageId)
    }),
    { numRuns: 500 },
  )
})
