import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { ann, postOf, teaList } from '../../test/support/post.ts'
import type { EnvelopeSender } from '../mail/address.ts'
import { mayAnswer } from './may-answer.ts'

const to = (address: EnvelopeSender) => ({ to: address })

for (const { title, header = 'From: ann@example.org', sender = ann, expected } of [
  { title: 'a person is answered', expected: to(ann) },
  { title: 'the answer goes to the envelope sender, not to From', header: 'From: bystander@example.com', expected: to(ann) },
  { title: 'the null sender never', sender: '<>', expected: { silence: 'null-sender' } },
  { title: 'nor a null Return-Path', header: 'Return-Path: <>', expected: { silence: 'null-sender' } },
  { title: 'nor the list itself', sender: 'TEA@lists.example.org', expected: { silence: 'own-address' } },
  { title: 'nor its bounces address', sender: 'tea-bounces@lists.example.org', expected: { silence: 'own-address' } },
  { title: 'nor a mail server', sender: 'MAILER-DAEMON@example.com', expected: { silence: 'machine-address' } },
  { title: 'nor the bounces address of another list, with its VERP part', sender: 'pots-bounces+x=y@example.com', expected: { silence: 'machine-address' } },
  { title: 'nor who cannot be answered', sender: 'no-reply@example.com', expected: { silence: 'machine-address' } },
  { title: 'nor an automatic answer', header: 'auto-submitted: auto-replied; owner-email="x@example.org"', expected: { silence: 'auto-submitted' } },
  { title: 'Auto-Submitted: no is a person', header: 'Auto-Submitted: No', expected: to(ann) },
  { title: 'Auto-Submitted: no with a comment is a person', header: 'Auto-Submitted: no (by hand)', expected: to(ann) },
  { title: 'nor bulk mail, in any case', header: 'PRECEDENCE: Bulk', expected: { silence: 'bulk' } },
  { title: 'an ordinary precedence is a person', header: 'Precedence: first-class', expected: to(ann) },
  { title: 'nor list mail', header: 'list-id: <pots.example.com>', expected: { silence: 'list-mail' } },
  { title: 'nor a delivery report', header: 'Content-Type: multipart/report; boundary=x', expected: { silence: 'report' } },
  { title: 'nor who asks for silence by X-No-Ack', header: 'X-No-Ack: yes', expected: { silence: 'asked-for-silence' } },
  { title: 'nor by X-Ack', header: 'X-Ack: no', expected: { silence: 'asked-for-silence' } },
  { title: 'nor by the field of Exchange', header: 'X-Auto-Response-Suppress: OOF, AutoReply', expected: { silence: 'asked-for-silence' } },
]) // biome-ignore format: a table
  test(`may answer: ${title}`, () => {
    deepEqual(mayAnswer(postOf(header, sender as EnvelopeSender), teaList()), expected)
  })
