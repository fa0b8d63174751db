import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { noExtensions, parseExtensions } from './extensions.ts'
import { reply } from './reply.ts'

for (const { title, lines, offers } of [
  { title: 'a server that offers nothing', lines: [], offers: {} },
  { title: 'a host name that looks like a keyword is none', lines: ['x'], offers: {} },
  {
    title: 'keywords in any letter case',
    lines: ['Pipelining', '8bitmime'],
    offers: { pipelining: true, eightBitMime: true },
  },
  { title: 'SIZE without a number', lines: ['SIZE'], offers: { size: 0 } },
  { title: 'SIZE with one', lines: ['SIZE 10240000'], offers: { size: 10240000 } },
  { title: 'SIZE with nonsense is no limit', lines: ['SIZE lots'], offers: { size: 0 } },
  {
    title: 'AUTH in both spellings, each mechanism once',
    lines: ['AUTH PLAIN login', 'AUTH=LOGIN CRAM-MD5'],
    offers: { auth: ['PLAIN', 'LOGIN', 'CRAM-MD5'] },
  },
  {
    title: 'Courier: another XVERP, and nothing behind a dot',
    lines: ['XVERP=Courier', 'XEXDATA', 'XSECURITY=NONE,STARTTLS', 'PIPELINING'],
    offers: { pipelining: true, deafBehindDot: true },
  },
  {
    title: 'all the rest',
    lines: ['SMTPUTF8', 'XVERP', 'CHUNKING', 'ENHANCEDSTATUSCODES', 'STARTTLS', 'DSN', 'ETRN'],
    offers: { smtpUtf8: true, xverp: true, chunking: true, enhancedStatusCodes: true, startTls: true },
  },
]) {
  test(`EHLO: ${title}`, () => {
    deepEqual(parseExtensions(reply(250, null, 'PIPELINING.example.org', ...lines)), {
      ...noExtensions,
      ...offers,
    })
  })
}
