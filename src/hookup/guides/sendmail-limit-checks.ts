// What Sendmail does not do, or not now: messages that are too large, mail that is held, a queue that gives up early, mail
// filters that are not there (Milter: `X` lines).
import { HOUR, MINUTE, SECOND } from '../../base/clock.ts'
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { optionOf } from './sendmail-cf.ts'
import * as kinds from './sendmail-kinds.ts'
import { isForLists, type Situation } from './sendmail-situation.ts'

/** Less than a post that a list takes by default, with a header. */
const smallest = 100 * 1024
/** RFC 5321 §4.5.3.1.6: with its line end a line has at most 1000 octets. */
const longestLine = 990
const shortest = HOUR

export async function* checkLimits(situation: Situation): AsyncIterable<Finding> {
  const { cf } = situation
  const size = optionOf(cf, 'MaxMessageSize')
  if (size !== null && isBelow(size.value, smallest))
    yield finding(kinds.smallMessages, { seen: size.text, file: cf.path, line: size.line })
  const expensive = optionOf(cf, 'HoldExpensive')
  for (const { fields, text, line } of cf.mailers.filter(isForLists)) {
    const at = { seen: text, file: cf.path, line }
    const flags = fields.get('F') ?? ''
    const holds = flags.includes('e') && /^(true|yes|t|y|1)$/i.test(expensive?.value ?? '')
    if (flags.includes('%') || holds) yield finding(kinds.mailerHeld, at)
    if (isBelow(fields.get('M') ?? '', smallest)) yield finding(kinds.smallMessages, at)
    if (isBelow(fields.get('L') ?? '', longestLine)) yield finding(kinds.mailerCutsLines, at)
  }
  const ttl = optionOf(cf, 'Timeout.queuereturn')
  if (ttl !== null && duration(ttl.value) < shortest)
    yield finding(kinds.shortTtl, { seen: ttl.text, file: cf.path, line: ttl.line })
  yield* checkMilters(situation)
}

/** 0 is no limit. */
const isBelow = (text: string, limit: number): boolean =>
  /^\d+$/.test(text) && Number(text) > 0 && Number(text) < limit

const units: Readonly<Record<string, number>> = {
  s: SECOND,
  m: MINUTE,
  h: HOUR,
  d: 24 * HOUR,
  w: 7 * 24 * HOUR,
}

/** `5d`, `1h30m`; without a unit days, as Sendmail takes it for this option. */
function duration(text: string): number {
  const parts = [...text.matchAll(/(\d+)([smhdw]?)/g)]
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (units[unit || 'd'] ?? 0), 0)
}

/** A filter that is not there counts only where `F=` says what happens then. */
async function* checkMilters({ cf, cfFile, host, seenAt }: Situation): AsyncIterable<Finding> {
  const used = (optionOf(cf, 'InputMailFilters')?.value ?? '').split(/[\s,]+/)
  for (const [at, text] of cfFile.text.split('\n').entries()) {
    const [, name = '', rest = ''] = /^X([\w-]+),\s*(.*)$/.exec(text) ?? []
    const path = /\bS=(?:local|unix):([^,\s]+)/.exec(rest)?.[1]
    if (!used.includes(name) || path === undefined || !/\bF=[RT4]/.test(rest)) continue
    if ((await host.stat(await seenAt(path))) === null)
      yield finding(kinds.milterDown, { seen: text, file: cf.path, line: at + 1 })
  }
}
