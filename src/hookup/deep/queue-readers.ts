// What waits in a mail server's queue, as its own commands list it: whose it is, why it waits, how it is removed. Each
// listing is read by its own form; one that cannot be had, or says something else, is no listing.
import type { MailServerHost } from '../../model/hookup.ts'
import { installedExim } from '../guides/exim-configuration.ts'
import { findSendmail } from '../guides/sendmail-test-mode.ts'

export interface Waiting {
  readonly id: string
  /** Sender and recipients. */
  readonly addresses: readonly string[]
  /** In the mail server's words; null when it gives none. */
  readonly why: string | null
  /** What a person runs. */
  readonly remove: string
}

type Reader = (host: MailServerHost) => Promise<readonly Waiting[]>

/** By the names of the guides. */
export const queueReaders: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['postfix', readPostfix],
  ['exim', readExim],
  ['sendmail', readSendmail],
  ['opensmtpd', readOpensmtpd],
])

async function said(host: MailServerHost, argv: readonly [string, ...string[]]): Promise<string> {
  const ended = await host.run(argv)
  return ended?.code === 0 ? ended.out : ''
}

async function readPostfix(host: MailServerHost): Promise<readonly Waiting[]> {
  const where = host.configDir === null ? [] : ['-c', host.configDir]
  return postfixQueue(await said(host, ['postqueue', ...where, '-j']), where)
}

/** Pure: `postqueue -j`, an object of JSON a line. */
export function postfixQueue(out: string, where: readonly string[]): readonly Waiting[] {
  return out.split('\n').flatMap((line): readonly Waiting[] => {
    if (!line.startsWith('{')) return []
    const item = JSON.parse(line) as {
      readonly queue_id: string
      readonly sender: string
      readonly recipients: readonly { readonly address: string; readonly delay_reason?: string }[]
    }
    const why = item.recipients.find(({ delay_reason }) => delay_reason !== undefined)?.delay_reason
    return [
      {
        id: item.queue_id,
        addresses: [item.sender, ...item.recipients.map(({ address }) => address)],
        why: why ?? null,
        remove: ['postsuper', ...where, '-d', item.queue_id].join(' '),
      },
    ]
  })
}

async function readExim(host: MailServerHost): Promise<readonly Waiting[]> {
  const program = (await installedExim(host))?.program
  if (program === undefined) return []
  const waiting: Waiting[] = []
  for (const one of eximQueue(await said(host, [program, '-bp']), program)) {
    const log = one.why === null ? eximReason(await said(host, [program, '-Mvl', one.id])) : one.why
    waiting.push({ ...one, why: log })
  }
  return waiting
}

/** Pure: `exim -bp`, a block a message. */
export function eximQueue(out: string, program: string): readonly Waiting[] {
  return out.split(/\n\s*\n/).flatMap((block): readonly Waiting[] => {
    const [head = '', ...rest] = block.trim().split('\n')
    const [, id, sender = ''] = /^\S+\s+\S+\s+([\w-]{16,23})\s+<([^>]*)>/.exec(head) ?? []
    if (id === undefined) return []
    return [
      {
        id,
        addresses: [sender, ...rest.map((line) => line.trim())],
        why: head.includes('*** frozen ***') ? 'it is frozen' : null,
        remove: `${program} -Mrm ${id}`,
      },
    ]
  })
}

/** Pure: what `exim -Mvl` says last, behind how the message came. */
export function eximReason(log: string): string | null {
  const line = log.split('\n').findLast((one) => one.trim() !== '' && !/^\S+ \S+ Received from /.test(one))
  return line?.replace(/^[\d-]+ [\d:.]+ (?:[+-]\d{4} )?/, '').trim() ?? null
}

async function readSendmail(host: MailServerHost): Promise<readonly Waiting[]> {
  const program = await findSendmail(host)
  return program === null ? [] : sendmailQueue(await said(host, [program, '-bp', '-v']))
}

/** Pure: `mailq -v`, below the folder of each queue. Sendmail has no command that removes. */
export function sendmailQueue(out: string): readonly Waiting[] {
  const waiting: { id: string; folder: string; addresses: string[]; why: string | null }[] = []
  let folder = '/var/spool/mqueue'
  for (const line of out.split('\n')) {
    folder = /^\s*(\/\S+) \(\d+ requests?/.exec(line)?.[1] ?? folder
    const id = /^([0-9A-Za-z]{12,})[*X?-]?\s/.exec(line)?.[1]
    if (id !== undefined) waiting.push({ id, folder, addresses: [], why: null })
    const last = waiting.at(-1)
    if (last === undefined) continue
    for (const [, address = ''] of line.matchAll(/<([^>\s]*)>/g)) last.addresses.push(address)
    last.why ??= /^\s+\((.+)\)\s*$/.exec(line)?.[1] ?? null
  }
  return waiting.map(({ id, folder: at, addresses, why }) => ({
    id,
    addresses,
    why,
    remove: `rm ${at}/qf${id} ${at}/df${id}`,
  }))
}

async function readOpensmtpd(host: MailServerHost): Promise<readonly Waiting[]> {
  return opensmtpdQueue(await said(host, ['smtpctl', 'show', 'queue']))
}

/** Pure: `smtpctl show queue`, a line an envelope, fields with bars between them. */
export function opensmtpdQueue(out: string): readonly Waiting[] {
  return out.split('\n').flatMap((line): readonly Waiting[] => {
    const [id = '', , , , sender = '', recipient = '', , , , , , ...state] = line.split('|')
    if (!/^[0-9a-f]{16}$/.test(id)) return []
    const words = state.at(-1)?.trim() ?? ''
    return [
      {
        id,
        addresses: [sender, recipient],
        why: words === '' ? (state[0] ?? null) : words,
        remove: `smtpctl remove ${id}`,
      },
    ]
  })
}
