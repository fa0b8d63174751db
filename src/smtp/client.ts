// The way out: a connection to the relay, opened step by step (RFC 5321 §3.1, §3.2, RFC 3207, RFC 8314, RFC 4954).
// Delivery asks for it, and then hands transactions to it. Its law: what the relay or the network does is a value
// with words for the operator, never a throw; and TLS that was asked for is never given up silently.
import { ClientConnection } from './client-connection.ts'
import { type Answer, Dialogue } from './client-dialogue.ts'
import { Manners } from './client-manners.ts'
import { placeOf, type Relay, type RelayTrouble } from './client-relay.ts'
import { reach, secure } from './client-socket.ts'
import type { SmtpConnection } from './client-transaction.ts'
import {
  calledOff,
  cannotConnect,
  cannotLogIn,
  cannotSecure,
  lostAt,
  refusedAt,
  tlsNotOffered,
} from './client-trouble.ts'
import { type Extensions, noExtensions, parseExtensions } from './extensions.ts'
import { isPermanent, isPositive, type Reply } from './reply.ts'
import { type Credentials, type Mechanism, mechanismsFor } from './sasl.ts'

export { type BehindDot, Manners } from './client-manners.ts'
export { type Relay, type RelayTrouble, standardTimeouts, type Timeouts } from './client-relay.ts'
export type {
  Hooks,
  Loss,
  Next,
  SmtpConnection,
  Transaction,
  TransactionResult,
} from './client-transaction.ts'

type Trouble = { readonly trouble: RelayTrouble }

/** Connects, secures, greets and logs in; never throws for the world's faults. `signal` calls the attempt off. */
export async function openConnection(
  relay: Relay,
  signal?: AbortSignal,
  manners: Manners = new Manners(),
): Promise<{ connection: SmtpConnection } | { trouble: RelayTrouble }> {
  const opened = await openDialogue(relay, signal)
  if ('trouble' in opened) {
    if (signal?.aborted) return { trouble: calledOff(opened.trouble.stage, relay, signal) }
    return opened
  }
  const { dialogue, offered } = opened
  if (offered.deafBehindDot) manners.refuses()
  return { connection: new ClientConnection(dialogue.wire, offered, relay.timeouts, manners) }
}

/** The same, but the talk is left in the caller's hands: greeted, secured and logged in, before the first MAIL. */
export async function openDialogue(
  relay: Relay,
  signal?: AbortSignal,
): Promise<
  { readonly dialogue: Dialogue; readonly offered: Extensions } | { readonly trouble: RelayTrouble }
> {
  const reached = await reach(relay, signal)
  if ('error' in reached) return { trouble: cannotConnect(relay, reached.error) }
  let { socket } = reached
  if (relay.security === 'smtps') {
    const secured = await secure(socket, relay, signal)
    if ('error' in secured) return { trouble: cannotSecure(relay, secured.error) }
    socket = secured.socket
  }
  let dialogue = new Dialogue(socket, placeOf(relay), relay.timeouts)
  const onAbort = (): void => dialogue.wire.lose('called off', signal?.reason)
  signal?.addEventListener('abort', onAbort)
  try {
    const greeted = await greet(dialogue, relay)
    if ('trouble' in greeted) return leave(dialogue, greeted)
    let { offered } = greeted
    if (relay.security === 'starttls') {
      const switched = await switchToTls(dialogue, relay, offered, signal)
      if ('trouble' in switched) return leave(dialogue, switched)
      dialogue = switched.dialogue
      const again = await hello(dialogue, relay) // what was said in the clear does not count (RFC 3207 §4.2)
      if ('trouble' in again) return leave(dialogue, again)
      offered = again.offered
    }
    if (relay.credentials !== null) {
      const refused = await logIn(dialogue, relay, offered, relay.credentials)
      if (refused !== null) return leave(dialogue, refused)
    }
    const { loss } = dialogue.wire
    if (loss !== null) return { trouble: lostAt('ehlo', relay, loss) }
    return { dialogue, offered }
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

async function greet(dialogue: Dialogue, relay: Relay): Promise<{ offered: Extensions } | Trouble> {
  const greeting = await dialogue.listen()
  if ('loss' in greeting) return { trouble: lostAt('greeting', relay, greeting.loss) }
  if (greeting.reply.code !== 220) {
    return { trouble: refusedAt('greeting', relay, 'the connection', greeting.reply) }
  }
  return hello(dialogue, relay)
}

/** EHLO; HELO only for a server that does not know EHLO (RFC 5321 §3.2). */
async function hello(dialogue: Dialogue, relay: Relay): Promise<{ offered: Extensions } | Trouble> {
  const ehlo = await dialogue.ask(`EHLO ${relay.heloName}`, 'the answer to EHLO')
  if ('loss' in ehlo) return { trouble: lostAt('ehlo', relay, ehlo.loss) }
  if (ehlo.reply.code === 250) return { offered: parseExtensions(ehlo.reply) }
  if (ehlo.reply.code !== 500 && ehlo.reply.code !== 502) {
    return { trouble: refusedAt('ehlo', relay, `EHLO ${relay.heloName}`, ehlo.reply) }
  }
  const helo = await dialogue.ask(`HELO ${relay.heloName}`, 'the answer to HELO')
  if ('loss' in helo) return { trouble: lostAt('ehlo', relay, helo.loss) }
  if (helo.reply.code === 250) return { offered: noExtensions }
  return { trouble: refusedAt('ehlo', relay, `HELO ${relay.heloName}`, helo.reply) }
}

async function switchToTls(
  dialogue: Dialogue,
  relay: Relay,
  offered: Extensions,
  signal: AbortSignal | undefined,
): Promise<{ dialogue: Dialogue } | Trouble> {
  if (!offered.startTls) return { trouble: tlsNotOffered(relay) }
  const answer = await dialogue.askToSwitch('STARTTLS')
  if ('loss' in answer) return { trouble: lostAt('tls', relay, answer.loss) }
  if (answer.reply.code !== 220) return { trouble: refusedAt('tls', relay, 'STARTTLS', answer.reply) }
  const secured = await secure(dialogue.wire.release(), relay, signal)
  if ('error' in secured) return { trouble: cannotSecure(relay, secured.error) }
  return { dialogue: new Dialogue(secured.socket, placeOf(relay), relay.timeouts) }
}

/** Null when logged in. QUIRK: servers offer what an account cannot use, so a refusal moves on to the next mechanism. */
async function logIn(
  dialogue: Dialogue,
  relay: Relay,
  offered: Extensions,
  credentials: Credentials,
): Promise<Trouble | null> {
  let refusal: Reply | null = null
  for (const mechanism of mechanismsFor(offered.auth, credentials)) {
    const answer = await authenticate(dialogue, mechanism)
    if ('loss' in answer) return { trouble: lostAt('auth', relay, answer.loss) }
    if (isPositive(answer.reply)) return null
    refusal = answer.reply
    if (!isPermanent(refusal)) break
  }
  if (refusal === null) return { trouble: cannotLogIn(relay, offered.auth) }
  return { trouble: refusedAt('auth', relay, 'the login', refusal) }
}

/** The exchange of one mechanism to its end (RFC 4954 §4); the answer is never a 334. */
async function authenticate(dialogue: Dialogue, { name, initial, answer }: Mechanism): Promise<Answer> {
  const waitsFor = 'the answer to AUTH'
  const withInitial = initial === null ? `AUTH ${name}` : `AUTH ${name} ${base64(initial)}`
  // RFC 4954 §4: an initial response that makes the line too long goes as an answer of its own.
  let said = await dialogue.ask(withInitial.length > 510 ? `AUTH ${name}` : withInitial, waitsFor)
  for (let turn = 0; 'reply' in said && said.reply.code === 334; turn += 1) {
    const challenge = Buffer.from(said.reply.lines.join(''), 'base64').toString()
    const response = turn < 10 ? answer(challenge, turn) : null
    said = await dialogue.ask(response === null ? '*' : base64(response), waitsFor)
  }
  return said
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** Says goodbye to a relay that is of no use, without waiting for its answer. */
function leave(dialogue: Dialogue, trouble: Trouble): Trouble {
  if (dialogue.wire.loss === null) dialogue.wire.say('QUIT')
  dialogue.wire.lose('of no use now')
  return trouble
}
