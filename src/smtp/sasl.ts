// Logging in at the relay: the mechanisms of SASL that mail servers offer (RFC 4954, RFC 4616, RFC 2195).
// Its law: no I/O here, and the password shows in nothing but the answer.
import { createHmac } from 'node:crypto'

export interface Credentials {
  readonly user: string
  readonly password: string
}

/** One try at logging in. */
export interface Mechanism {
  readonly name: 'CRAM-MD5' | 'PLAIN' | 'LOGIN'
  /** What may go along with the AUTH command (RFC 4954 §4), before base64; null where the server speaks first. */
  readonly initial: string | null
  /** The answer to the challenge number `turn` (from 0), both without base64; null = the exchange should be over. */
  answer(challenge: string, turn: number): string | null
}

/** What can be tried, in this order: CRAM-MD5, PLAIN, LOGIN, each only if offered (as Mailman does). */
export function mechanismsFor(
  offered: readonly string[],
  { user, password }: Credentials,
): readonly Mechanism[] {
  const plain = `\0${user}\0${password}` // RFC 4616 §2, no authorization identity
  const known: readonly Mechanism[] = [
    {
      name: 'CRAM-MD5',
      initial: null,
      answer: (challenge, turn) =>
        turn === 0 ? `${user} ${createHmac('md5', password).update(challenge).digest('hex')}` : null,
    },
    { name: 'PLAIN', initial: plain, answer: (_, turn) => (turn === 0 ? plain : null) },
    // LOGIN has no RFC: two prompts, whose words vary, so only their order counts.
    { name: 'LOGIN', initial: null, answer: (_, turn) => [user, password][turn] ?? null },
  ]
  return known.filter(({ name }) => offered.includes(name))
}
