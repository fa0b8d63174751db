import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { prefixed } from './subject-prefix.ts'

for (const { title, subject, prefix = '[Tea]', expected } of [
  { title: 'a plain subject gets it', subject: 'Pots', expected: '[Tea] Pots' },
  { title: 'it is not doubled', subject: '[Tea] Pots', expected: '[Tea] Pots' },
  { title: 'its case does not matter', subject: '[TEA]Pots', expected: '[Tea] Pots' },
  { title: 'a reply keeps one mark behind it', subject: 'Re: [Tea] Pots', expected: '[Tea] Re: Pots' },
  { title: 'a reply of ours stays as it is', subject: '[Tea] Re: Pots', expected: '[Tea] Re: Pots' },
  { title: 'all marks of replies become one', subject: 'AW: RE: [Tea] Re[2]: old topic', expected: '[Tea] Re: old topic' },
  { title: 'further in it belongs to the author', subject: 'Talk about [Tea] stuff', expected: '[Tea] Talk about [Tea] stuff' },
  { title: 'an empty subject is named', subject: '', expected: '[Tea] (no subject)' },
  { title: 'a reply to nothing is named', subject: 'Re: ', expected: '[Tea] Re: (no subject)' },
  { title: 'a word that begins like a mark is none', subject: 'Review: pots', expected: '[Tea] Review: pots' },
  { title: 'a number takes its place', prefix: '[Tea %d]', subject: 'Pots', expected: '[Tea 7] Pots' },
  { title: 'a number may be padded', prefix: '[Tea %05d]', subject: 'Pots', expected: '[Tea 00007] Pots' },
  { title: 'the number of an earlier post goes', prefix: '[Tea %d]', subject: 'Re: [Tea 6] Pots', expected: '[Tea 7] Re: Pots' },
  { title: 'a prefix of a number alone takes no other number', prefix: '%d', subject: '12 pots', expected: '7 12 pots' },
  { title: 'a prefix without brackets takes no part of a word', prefix: 'Tea', subject: 'Teapots', expected: 'Tea Teapots' },
  { title: 'a prefix without brackets is not doubled', prefix: 'Tea:', subject: 'Re: Tea: pots', expected: 'Tea: Re: pots' },
  { title: 'letters beyond ASCII are letters', prefix: '[Thé]', subject: 'Re: [thé] Größe', expected: '[Thé] Re: Größe' },
]) // biome-ignore format: a table
  test(`subject-prefix: ${title}`, () => equal(prefixed(subject, prefix, 7), expected))

test('subject-prefix: done twice is done once, whatever the subject and the prefix', () => {
  const piece = fc.constantFrom('[Tea]', 'Re:', 'AW[3]: ', ' ', 'pots', '%d', '12', '[', '(', 'Größe', '\\')
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('').trim())
  const prefix = text.map((made) => `[${made}]`)
  fc.assert(
    fc.property(text, prefix, (subject, wanted) => {
      const once = prefixed(subject, wanted, 7)
      equal(prefixed(once, wanted, 7), once)
    }),
  )
})
