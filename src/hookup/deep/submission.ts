// Handing something to the mail server as delivery does, one message at a time: by the same host, port, TLS and login.
import type { EmailAddress, EnvelopeSender } from '../../mail/address.ts'
import { openConnection, openDialogue, type Relay, type TransactionResult } from '../../smtp/client.ts'
import { isPositive, type Reply, replyText } from '../../smtp/reply.ts'

export type Submitted =
  | { readonly kind: 'taken'; readonly reply: string }
  /** `command` is what was said. */
  | { readonly kind: 'refused'; readonly command: string; readonly reply: string }
  /** There was nobody to talk to, or the talk broke off. */
  | { readonly kind: 'trouble'; readonly words: string }

export async function submit(
  relay: Relay,
  { from, to, bytes }: { readonly from: EnvelopeSender; readonly to: EmailAddress; readonly bytes: Buffer },
  signal: AbortSignal,
): Promise<Submitted> {
  const opened = await openConnection(relay, signal)
  if ('trouble' in opened) return { kind: 'trouble', words: opened.trouble.words }
  const { connection } = opened
  let left = true
  let result: TransactionResult | null = null
  const transaction = {
    tag: null,
    from,
    recipients: [to],
    pieces: [bytes],
    size: bytes.length,
    eightBit: false,
    smtpUtf8: false,
  }
  await connection.deliver(
    () => {
      const next = left ? transaction : null
      left = false
      return next
    },
    {
      done: (_, told) => {
        result = told
      },
    },
  )
  const lost = connection.loss?.words ?? 'the connection broke off'
  await connection.quit()
  return outcome(result, from, to, lost)
}

function outcome(
  result: TransactionResult | null,
  from: EnvelopeSender,
  to: EmailAddress,
  lost: string,
): Submitted {
  const refusal = (command: string, reply: Reply | null | undefined): Submitted | null =>
    reply == null || isPositive(reply) ? null : { kind: 'refused', command, reply: replyText(reply) }
  if (result === null) return { kind: 'trouble', words: lost }
  const { mail, recipients, end } = result
  return (
    refusal(`MAIL FROM:<${from === '<>' ? '' : from}>`, mail) ??
    refusal(`RCPT TO:<${to}>`, recipients[0]) ??
    refusal('the end of the message', end) ??
    (end === null ? { kind: 'trouble', words: lost } : { kind: 'taken', reply: replyText(end) })
  )
}

/** What the mail server answers at RCPT for each; nothing is sent. */
export async function askAbout(
  relay: Relay,
  recipients: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly answers: readonly string[] } | { readonly trouble: string }> {
  const opened = await openDialogue(relay, signal)
  if ('trouble' in opened) return { trouble: opened.trouble.words }
  const { dialogue } = opened
  const cut = (): void => dialogue.wire.lose('called off')
  signal.addEventListener('abort', cut)
  const ask = async (line: string): Promise<string> => {
    const answer = await dialogue.ask(line, `the answer to ${line}`)
    return 'loss' in answer ? answer.loss.words : replyText(answer.reply)
  }
  try {
    const mail = await ask('MAIL FROM:<>')
    if (!mail.startsWith('2')) return { answers: recipients.map(() => `MAIL FROM:<> ${mail}`) }
    const answers: string[] = []
    for (const recipient of recipients) answers.push(await ask(`RCPT TO:<${recipient}>`))
    if (dialogue.wire.loss !== null) return { trouble: dialogue.wire.loss.words }
    await ask('RSET')
    if (dialogue.wire.loss === null) dialogue.wire.say('QUIT')
    return { answers }
  } finally {
    signal.removeEventListener('abort', cut)
    dialogue.wire.lose('all is said')
  }
}
