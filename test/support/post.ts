// Posts, lists and facts for table tests: a test says what matters to it, the rest is an ordinary list and post.
import { Buffer } from 'node:buffer'
import { instant } from '../../src/base/clock.ts'
import type { EmailAddress, EnvelopeSender } from '../../src/mail/address.ts'
import { parseMessage } from '../../src/mail/message.ts'
import {
  defaultListSettings,
  type ListId,
  type ListNo,
  type ListSettings,
  type MailingList,
} from '../../src/model/list.ts'
import type { Facts, Post } from '../../src/model/rule.ts'

/** The list `tea@lists.example.org`. */
export function teaList(settings: Partial<ListSettings> = {}): MailingList {
  return {
    no: 1 as ListNo,
    listId: 'tea.lists.example.org' as ListId,
    name: 'tea',
    mailHost: 'lists.example.org',
    createdAt: instant(0),
    settings: { ...defaultListSettings('tea'), ...settings },
  }
}

export const ann = 'ann@example.org' as EmailAddress

/** A post with these header fields (lines parted by LF) and an ordinary body. */
export function postOf(header: string, envelopeSender: EnvelopeSender = ann, body = 'Tea?\n'): Post {
  const bytes = Buffer.from(`${header}\n\n${body}`.replaceAll('\n', '\r\n'))
  return { message: parseMessage(bytes), envelopeSender, size: bytes.length }
}

export function factsOf(facts: Partial<Facts> = {}): Facts {
  return {
    post: postOf('From: Ann <ann@example.org>\nSubject: Tea'),
    list: teaList(),
    sender: ann,
    senders: [ann],
    membership: { role: 'member', address: ann, action: null },
    banned: [],
    ...facts,
  }
}
