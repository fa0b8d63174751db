// posthorn inject: a message goes into the queue as if the mail server had handed it over, past the door.
import { createHash } from 'node:crypto'
import { messagesDirectory } from '../../app/data-directory.ts'
import type { Clock } from '../../base/clock.ts'
import { largestInRow, writeMessageFile } from '../../lmtp/message-file.ts'
import type { EnvelopeSender } from '../../mail/address.ts'
import { parseAddressList } from '../../mail/address-list.ts'
import { formatDate } from '../../mail/date.ts'
import { normaliseLineEnds } from '../../mail/dot-stuffing.ts'
import { Headers } from '../../mail/headers.ts'
import { parseMessage } from '../../mail/message.ts'
import { madeMessageId, messageIdOf } from '../../mail/message-id.ts'
import { type MailingList, postingAddress, subAddress } from '../../model/list.ts'
import { acceptMessage, type MessageBody } from '../../store/units/reception.ts'
import { defineCommand, EX } from '../command.ts'
import { bytesOf } from '../input.ts'
import { listNamed } from '../naming-lists.ts'
import { UsageFault } from '../options.ts'
import { sizeOf } from '../words.ts'

const purposes = { in: 'post', command: 'request', bounce: 'bounces', bounces: 'bounces' } as const

export const inject = defineCommand({
  name: 'inject',
  summary: 'Put a message into the queue',
  about: `  Reads a message from standard input, or from FILE, and queues it for LISTSPEC as a post. A
  Message-ID and a Date are added where there is none. Every call is a message of its own.`,
  examples: ['posthorn inject -f message.eml tea@lists.example.org'],
  options: {
    queue: {
      kind: 'one',
      short: 'q',
      value: 'NAME',
      help: `One of ${Object.keys(purposes).join(', ')}; in unless given.`,
    },
    show: { kind: 'flag', short: 's', help: 'Show the names of the queues and exit.' },
    filename: {
      kind: 'one',
      short: 'f',
      value: 'FILE',
      help: 'The file with the message; - is standard input.',
    },
    metadata: {
      kind: 'many',
      short: 'm',
      value: 'KEY=VALUE',
      help: 'Without effect: what a message needs here is in its envelope.',
    },
  },
  args: { listspec: 'optional' },
  reads: ({ filename, show }) => (show ? null : (filename ?? '-')),
  async run({ services, server, out, stdin }, { listspec, queue, show }) {
    if (show) {
      out.line('Available queues:')
      for (const name of Object.keys(purposes)) out.line(`    ${name}`)
      return EX.ok
    }
    if (listspec === null) throw new UsageFault("Missing argument 'LISTSPEC'.")
    const purpose = Object.entries(purposes).find(([name]) => name === (queue ?? 'in'))?.[1]
    if (purpose === undefined) throw new UsageFault(`No such queue: ${queue}`)
    const { store, config, clock, log } = services
    const list = listNamed(store, listspec)
    const limit = config.lmtp.maxMessageSize
    const came = await bytesOf(stdin, limit)
    if (came === null) {
      out.errorLine(`The message has more than ${sizeOf(limit)}; [lmtp] max_message_size is the limit`)
      return EX.failed
    }
    if (came.length === 0) throw new UsageFault('The message is empty.')
    const { bytes, sender } = complete(came, list, clock)
    const hash = createHash('sha256').update(bytes).digest()
    const spool = messagesDirectory(config)
    const body: MessageBody =
      bytes.length > largestInRow ? { file: await writeMessageFile(spool, hash, bytes) } : { bytes }
    const recipient = purpose === 'post' ? postingAddress(list) : subAddress(list, purpose)
    // When this fails, a large message's file stays: whether the row that names it was written is not known.
    const accepted = await store.commit(acceptMessage, {
      hash,
      size: bytes.length,
      body,
      transactionHash: hash,
      recipients: [
        {
          to: { list: list.no, purpose, extension: null },
          envelope: { sender, recipient, purpose, extension: null },
        },
      ],
      now: clock.now(),
      mayRepeat: false,
    })
    if (accepted.items.every((item) => item === null)) {
      out.errorLine(`${listspec} was removed meanwhile; the message was not queued`)
      return EX.failed
    }
    log.info('post.injected', { list: list.listId, item: accepted.items[0], size: bytes.length })
    server.wake(false)
    return EX.ok
  },
})

/** Line ends as on the wire, no mbox line on top, Message-ID and Date; the author is the envelope sender. */
function complete(
  came: Uint8Array,
  list: MailingList,
  clock: Clock,
): { bytes: Uint8Array; sender: EnvelopeSender } {
  const normal = normaliseLineEnds(came)
  const mbox = /^From [^\r\n]*\r\n/.exec(Buffer.from(normal.subarray(0, 1000)).toString('latin1'))?.[0] ?? ''
  const message = normal.subarray(mbox.length)
  const headers = Headers.of(parseMessage(message))
  const sender: EnvelopeSender = parseAddressList(headers.get('From') ?? '')[0]?.address ?? '<>'
  let added = Headers.none
  if (messageIdOf(headers) === null)
    added = added.with('Message-ID', madeMessageId(message, `${sender} ${clock.now()}`, list.mailHost))
  if (headers.get('Date') === null) added = added.with('Date', formatDate(clock.now()))
  return { bytes: Buffer.concat([added.fieldBytes(), message]), sender }
}
