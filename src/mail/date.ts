// Date fields (RFC 5322 §3.3, §4.3). We write UTC; we read what forty years of mail programs wrote.
import type { Instant } from '../base/clock.ts'
import { instant } from '../base/clock.ts'

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `Wed, 25 Nov 2026 18:56:45 +0000`; a time without a place is UTC. */
export function formatDate(when: Instant): string {
  const date = new Date(when)
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${days[date.getUTCDay()]}, ${date.getUTCDate()} ${months[date.getUTCMonth()]}`
  const year = String(date.getUTCFullYear()).padStart(4, '0')
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':')
  return `${day} ${year} ${time} +0000`
}

const shape =
  /^(?:[a-z]{3,9}[.,]?\s+|[a-z]{3},\s*)?(\d{1,2})[\s-]+([a-z]{3})[a-z]*\.?[\s-]+(\d{2,5})\s+(\d{1,2})\s*[:.]\s*(\d{2})(?:\s*[:.]\s*(\d{2})(?:\.\d+)?)?(?:\s*([+-]\d{4}|[a-z]{1,5})\b)?/i
// RFC 5322 §4.3; single letters are military zones that were used both ways, and count as -0000.
const zones = new Map([
  ['edt', -4], ['est', -5], ['cdt', -5], ['cst', -6], ['mdt', -6], ['mst', -7], ['pdt', -7], ['pst', -8],
  ['cet', 1], ['cest', 2], ['met', 1], ['mest', 2], ['bst', 1], ['jst', 9],
]) // biome-ignore format: a table

/** The instant that a Date field names, or null where it names none. */
export function parseDate(text: string): Instant | null {
  if (text.length > 500) return null
  const match = shape.exec(text.replace(/\([^()]*\)/g, ' ').trim())
  if (match === null) return null
  const [, dayText, monthText = '', yearText = '', hour, minute, second = '0', zone = ''] = match
  const month = months.findIndex((name) => name.toLowerCase() === monthText.toLowerCase())
  const [day, h, m, s] = [Number(dayText), Number(hour), Number(minute), Number(second)]
  const date = new Date(0)
  date.setUTCFullYear(fullYear(yearText), month, day)
  if (month < 0 || date.getUTCMonth() !== month || day < 1 || h > 23 || m > 59 || s > 60) return null
  date.setUTCHours(h, m, s)
  return instant(date.getTime() - offset(zone))
}

/** RFC 5322 §4.3: two digits are of this century below 50; three are years since 1900. */
function fullYear(text: string): number {
  const year = Number(text)
  if (text.length === 2) return year < 50 ? 2000 + year : 1900 + year
  return text.length === 3 ? 1900 + year : year
}

/** Milliseconds east of Greenwich. */
function offset(zone: string): number {
  const hour = 3_600_000
  if (!/^[+-]/.test(zone)) return (zones.get(zone.toLowerCase()) ?? 0) * hour
  const ahead = Number(zone.slice(1, 3)) * hour + Number(zone.slice(3, 5)) * 60_000
  return zone.startsWith('-') ? -ahead : ahead
}
