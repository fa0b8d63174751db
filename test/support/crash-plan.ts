// When to kill, drawn from a seed: the same seed gives the same plan, though not the same microsecond.

/** When the server dies: so long after the first word of the client, or when the sink has so many recipients. */
export type Moment =
  | { readonly kind: 'time'; readonly milliseconds: number }
  | { readonly kind: 'recipients'; readonly count: number }

export interface RoundPlan {
  readonly mode: 'individual' | 'bulk'
  /** One or two; a third death in the middle of a post's judging would shunt it, as it should. */
  readonly kills: readonly [Moment, ...Moment[]]
  /** Whether the client, as a mail server does, hands in again what got no 250. */
  readonly retries: boolean
  /** How many connections hand in the posts. */
  readonly connections: 1 | 3
}

/** `spans`: milliseconds within which intake and judging are over; `recipients`: copies of all posts. */
export function planRound(
  seed: number,
  round: number,
  shape: { readonly intake: number; readonly recipients: (mode: RoundPlan['mode']) => number },
): RoundPlan {
  const random = mulberry32(seed * 1_000_003 + round)
  const mode = round % 3 === 2 ? 'individual' : 'bulk'
  const moment = (): Moment =>
    random() < 0.5
      ? { kind: 'time', milliseconds: Math.floor(random() ** 2 * shape.intake) } // most of them early: intake is short
      : { kind: 'recipients', count: 1 + Math.floor(random() * shape.recipients(mode)) }
  const first = moment()
  return {
    mode,
    kills: random() < 0.3 ? [first, moment()] : [first],
    retries: random() < 0.5,
    connections: random() < 0.5 ? 1 : 3,
  }
}

/** Numbers from 0 to 1 (32 bits of state), always the same for a seed. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
