import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant } from '../base/clock.ts'
import { formatDate, parseDate } from './date.ts'

for (const [text, iso] of [
  ['Wed, 25 Nov 2026 18:56:45 +0000', '2026-11-25T18:56:45.000Z'],
  ['25 Nov 2026 18:56 -0330', '2026-11-25T22:26:00.000Z'],
  ['Fri, 21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06.000Z'],
  ['21 Nov 97 09:55:06 GMT', '1997-11-21T09:55:06.000Z'],
  ['Thu, 13 Feb 69 23:32 -0330', '1969-02-14T03:02:00.000Z'],
  ['Thu,\t13 Feb 1969 23:32:54 -0330 (Newfoundland Time)', '1969-02-14T03:02:54.000Z'],
  ['Fri, 21 Nov 1997 09(comment):   55  :  06 -0600', '1997-11-21T15:55:06.000Z'],
  ['Tue, 1 Jul 103 10:52:37 EDT', '2003-07-01T14:52:37.000Z'],
  ['Tue, 01 July 2003 10:52:37 +0200', '2003-07-01T08:52:37.000Z'],
  ['Tue, 1 Jul 2003 10:52:37', '2003-07-01T10:52:37.000Z'],
  ['Thu, 31 Dec 1998 23:59:60 +0000', '1999-01-01T00:00:00.000Z'],
  ['Tue, 31 Feb 2003 10:52:37 +0000', null],
  ['Tue, 1 Jul 2003 25:52:37 +0000', null],
  ['1 Xyz 2003 10:00 +0000', null],
  ['yesterday', null],
  ['', null],
] as const)
  test(`parseDate reads ${text || 'nothing'}`, () => {
    const when = parseDate(text)
    equal(when === null ? null : new Date(when).toISOString(), iso)
  })

test('a date reads as it was written, to the second', () => {
  const seconds = fc.integer({ min: Date.UTC(1900, 0) / 1000, max: Date.UTC(9999, 0) / 1000 })
  fc.assert(
    fc.property(seconds, (second) => equal(parseDate(formatDate(instant(second * 1000))), second * 1000)),
  )
})

test('parseDate never throws', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseDate(text)))
})
