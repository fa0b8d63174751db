// The promise that the whole server rests on: what a list does not mean to change leaves byte for byte as
// it came, and so the poster's DKIM signature holds (RFC 6376). Proved on every file of test/messages.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { generateKeyPairSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { type Draft, draftOf, renderDraft } from '../src/mail/draft.ts'
import type { Headers } from '../src/mail/headers.ts'
import { type Message, parseMessage } from '../src/mail/message.ts'

const folder = new URL('./messages/', import.meta.url)
const samples = readdirSync(folder)
  .filter((name) => name.endsWith('.eml'))
  .map((name) => ({ name, bytes: readFileSync(new URL(name, folder)) }))

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
const render = (draft: Draft) => Buffer.concat(renderDraft(draft))
const bodyOf = ({ bytes, root }: Message) => latin1(bytes.subarray(root.body))
const fieldsOf = ({ bytes, root }: Message) =>
  root.fields.map((field) => ({
    name: field.name.toLowerCase(),
    text: latin1(bytes.subarray(field.start, field.end)),
  }))

/** What a list writes on a post that it takes on. */
const ours = [
  'list-id',
  'list-post',
  'list-help',
  'list-unsubscribe',
  'precedence',
  'x-mailfrom',
  'archived-at',
]
const asListMail = (headers: Headers) =>
  headers
    .without(...ours)
    .withFirst('X-MailFrom', 'ann@example.org')
    .with('List-Id', 'Tea <tea.lists.example.org>')
    .with('List-Post', '<mailto:tea@lists.example.org>')
    .with('List-Help', '<mailto:tea-request@lists.example.org?subject=help>')
    .with('List-Unsubscribe', '<mailto:tea-leave@lists.example.org>')
    .with('Archived-At', '<https://lists.example.org/archives/tea/BV4JPQSSS6F34IMHGSIXWKCNV55APMJF>')
    .with('Precedence', 'list')

test('there are at least 60 awkward messages', () => ok(samples.length >= 60))

for (const { name, bytes } of samples) {
  test(`${name}: unedited it leaves as it came`, () => {
    ok(render(draftOf(parseMessage(bytes))).equals(bytes))
  })

  test(`${name}: list headers leave the body and every other field alone`, () => {
    const before = parseMessage(bytes)
    const draft = draftOf(before)
    const after = parseMessage(render({ ...draft, headers: asListMail(draft.headers) }))
    equal(bodyOf(after), bodyOf(before))
    const isTheirs = (field: { name: string }) => !ours.includes(field.name)
    // A header that just stops gets its line end: that is all.
    const theirs = fieldsOf(before).filter(isTheirs)
    const last = theirs.at(-1)
    if (last !== undefined && !last.text.endsWith('\n')) last.text += '\r\n'
    deepEqual(fieldsOf(after).filter(isTheirs), theirs)
    equal(fieldsOf(after).filter((field) => !isTheirs(field)).length, ours.length)
  })
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const publicKeyText = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')
const resolver = async () => [[`v=DKIM1; k=ed25519; p=${publicKeyText}`]]
const signer = {
  signingDomain: 'example.org',
  selector: 'tea',
  privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
}
const signedFields =
  'From:To:Cc:Reply-To:Subject:Date:Message-ID:In-Reply-To:References:MIME-Version:Content-Type:Content-Transfer-Encoding'

async function signed(bytes: Buffer, canonicalization: string): Promise<Buffer | null> {
  const { signatures } = await dkimSign(bytes, {
    canonicalization,
    headerList: signedFields.split(':'),
    signTime: new Date(Date.UTC(2026, 8, 1)),
    ...signer, // the types of mailauth ask for these here, its code reads the list below
    signatureData: [signer],
  })
  return signatures === '' ? null : Buffer.concat([Buffer.from(signatures), bytes])
}

async function verifies(bytes: Buffer): Promise<boolean> {
  const { results } = await dkimVerify(bytes, { resolver, curTime: new Date(Date.UTC(2026, 8, 2)) })
  return results.some(
    ({ signingDomain, status }) => signingDomain === 'example.org' && status.result === 'pass',
  )
}

// These have no From field that a signer could find: nobody can sign them.
const unsignable = ['empty-line-only.eml', 'empty.eml', 'no-header.eml']
// A line that is no field stands in the middle of these once a signature is above them. The signer reads
// on behind it; we, like Postfix, take it for the end of the header and close it with an empty line.
const torn = ['mbox-line-on-top.eml', 'text-in-the-header.eml']

for (const canonicalization of ['relaxed/relaxed', 'relaxed/simple', 'simple/simple']) {
  test(`the poster's signature (${canonicalization}) holds after list headers were added`, async () => {
    const unsigned: string[] = []
    const broken: string[] = []
    for (const { name, bytes } of samples) {
      const original = await signed(bytes, canonicalization)
      if (original === null || !(await verifies(original))) {
        unsigned.push(name)
        continue
      }
      const draft = draftOf(parseMessage(original))
      const edited = render({ ...draft, headers: asListMail(draft.headers) })
      if (!(await verifies(edited))) broken.push(name)
      const spoilt = Buffer.concat([edited, Buffer.from('one line more\r\n')])
      ok(!(await verifies(spoilt)), `${name}: verifies although the body was changed`)
    }
    deepEqual({ unsigned, broken }, { unsigned: unsignable, broken: torn })
  })
}

test('any bytes, and samples with bytes changed, parse without a throw and render as they were', () => {
  const mutated = fc
    .tuple(
      fc.nat(samples.length - 1),
      fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(3)), { maxLength: 20 }),
    )
    .map(([which, edits]) => {
      const octets = [...(samples[which]?.bytes.subarray(0, 4000) ?? [])]
      for (const [at, octet, kind] of edits) {
        if (octets.length === 0) break
        const place = at % octets.length
        if (kind === 0) octets.splice(place, 1)
        else if (kind === 1) octets.splice(place, 0, [13, 10, 45, 58, 0][octet % 5] ?? 0)
        else octets[place] = octet
      }
      return Uint8Array.from(octets)
    })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 500 }), mutated), (bytes) => {
      const message = parseMessage(bytes)
      const draft = draftOf(message)
      equal(latin1(render(draft)), latin1(bytes))
      const edited = parseMessage(render({ ...draft, headers: asListMail(draft.headers) }))
      equal(bodyOf(edited), bodyOf(message))
    }),
    { numRuns: 500 },
  )
})
