import { deepEqual, equal, throws } from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { applySplices, draftOf, renderDraft, settle } from './draft.ts'
import { parseMessage } from './message.ts'

const text = (pieces: readonly Uint8Array[]) => Buffer.concat(pieces).toString('latin1')
const splice = (at: number, length: number, put: string) => ({ at, length, bytes: Buffer.from(put) })

test('an unedited draft is the original bytes, not a copy', () => {
  const bytes = Buffer.from('A: b\r\n\r\nbody')
  const pieces = renderDraft(draftOf(parseMessage(bytes)))
  equal(text(pieces), bytes.toString())
  for (const piece of pieces) equal(piece.buffer, bytes.buffer)
})

test('header edits and splices meet in one message; what is between them is not copied', () => {
  const bytes = Buffer.from('A: b\r\nC: d\r\n\r\none two three')
  const draft = draftOf(parseMessage(bytes))
  const { root } = draft.message
  const edited = {
    ...draft,
    headers: draft.headers.without('A'),
    splices: [splice(bytes.length, 0, '!'), splice(root.body + 4, 3, '2'), splice(root.body, 0, '>')],
  }
  const pieces = renderDraft(edited)
  equal(text(pieces), 'C: d\r\n\r\n>one 2 three!')
  equal(pieces.filter(({ buffer }) => buffer === bytes.buffer).length >= 3, true)
  equal(text(renderDraft(settle(edited))), text(pieces))
})

test('splices at one place come in the order given', () => {
  equal(
    text(applySplices(Buffer.from('ab'), 0, [splice(1, 0, '1'), splice(1, 0, '2'), splice(1, 1, '3')])),
    'a123',
  )
})

test('a splice puts an empty line before a body that had none, so that no text becomes a field', () => {
  for (const [from, gives] of [
    ['A: b\r\n', 'A: b\r\n\r\nX: y\r\n'],
    ['A: b', 'A: b\r\n\r\nX: y\r\n'],
    ['', '\r\nX: y\r\n'],
    ['Hello\r\n', '\r\nX: y\r\nHello\r\n'],
  ] as const) {
    const draft = draftOf(parseMessage(Buffer.from(from)))
    const splices = [splice(draft.message.root.body, 0, 'X: y\r\n')]
    equal(text(renderDraft({ ...draft, splices })), gives)
  }
})

test('splices that overlap, or reach into the header, are our fault', () => {
  const draft = draftOf(parseMessage(Buffer.from('A: b\r\n\r\nbody')))
  for (const splices of [[splice(0, 1, '')], [splice(8, 5, '')], [splice(8, 2, ''), splice(9, 1, '')]]) {
    throws(() => renderDraft({ ...draft, splices }), /a splice of \d+ octets at \d+ lies outside/)
  }
})

test('no splices, the same bytes; splices of whole ranges, the new bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (bytes, put) => {
      deepEqual(Buffer.concat(applySplices(bytes, 0, [])), Buffer.from(bytes))
      const all = [{ at: 0, length: bytes.length, bytes: put }]
      deepEqual(Buffer.concat(applySplices(bytes, 0, all)), Buffer.from(put))
    }),
  )
})
