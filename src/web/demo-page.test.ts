import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { after, test } from 'node:test'
import { demoHere } from '../../test/support/demo-here.ts'

const demo = await demoHere()
after(() => demo[Symbol.asyncDispose]())
const [ann, tea] = ['ann@example.org', 'tea@lists.example.test']

test('a post from the page goes through the door, and its page tells each station and each copy', async () => {
  const answer = await demo.post({ from: ann, to: tea, subject: 'One', text: 'Hello' })
  equal(answer.status, 303)
  const path = answer.headers.get('location') ?? ''
  const item = path.replace('/posts/', '')
  equal(await answer.text(), `250 2.6.0 queued as ${item}\nhttp://localhost:${demo.port}${path}\n`)
  const page = await demo.whenOver(path)
  for (const station of ['lmtp', 'queue', 'moderation', 'pipeline', 'delivery'])
    match(page, new RegExp(`class="station done" id="station-${station}"`))
  match(page, new RegExp(`<code>250 2\\.6\\.0 queued as ${item}</code>`))
  match(page, /<span>mail server<\/span> <code>RCPT TO:&lt;tea@lists\.example\.test&gt;<\/code>/)
  for (const [at, member] of [ann, 'ben@example.net', 'cleo@example.com'].entries()) {
    match(page, new RegExp(`<span class="to">${member}</span> <span class="subject">\\[Tea\\] One</span>`))
    match(
      page,
      new RegExp(
        `tea-bounces<mark>\\+\\w+</mark>@[^<]+</code>\\s*<span class="note">[^<]* names member ${at + 1}, ${member}:`,
      ),
    )
  }
  const raw = await demo.get(/href="(\/copies\/\d+\/raw)"/.exec(page)?.[1] ?? '')
  match(raw.headers.get('content-type') ?? '', /^text\/plain/)
  match(
    await raw.text(),
    /^From: ann@example\.org\r\nTo: tea@lists\.example\.test\r\nSubject: \[Tea\] One\r\n/,
  )
  ok((await (await demo.get('/')).text()).includes(`href="${path}"`))
})

test("a stranger's post is held: the page says by which rule, and shows the letters about it", async () => {
  const page = await demo.whenOver(await demo.posted({ from: 'zoe@example.com', to: tea, subject: 'May I?' }))
  match(page, /Held for a moderator\. It waits as held message \d+:/)
  match(page, /class="station held" id="station-moderation"/)
  match(page, /<b>nonmember-moderation<\/b>/)
  match(page, /class="station ahead" id="station-delivery"/)
  match(page, /Letters that Posthorn wrote about it/)
  match(page, /<span class="to">zoe@example\.com<\/span>/)
  match(page, /the null sender/)
})

test('what the door refuses is shown with its answer, and is no post', async () => {
  const path = await demo.posted({ from: ann, to: 'coffee@lists.example.test' })
  match(path, /^\/refused\/\d+$/)
  const page = await (await demo.get(path)).text()
  match(page, /refused at the door/)
  match(page, /<code class="bad">550 5\.1\.1 no such list<\/code>/)
})

test('text of mail is data: markup in subject, name, text and header fields is shown as text', async () => {
  const hostile = '<script>alert(1)</script>'
  const written = { from: `"${hostile}" <${ann}>`, to: tea, subject: hostile, text: hostile }
  const message = [
    'From: =?utf-8?q?=3Cscript=3Ealert=281=29=3C/script=3E?= <ann@example.org>',
    `Subject: "'><b onclick=alert(1)> ${hostile}`,
    `X-${hostile}: ${hostile}`,
    'Content-Type: text/plain',
    '',
    `</pre>${hostile}<img src=x onerror=alert(1)>`,
    '',
  ].join('\r\n')
  const path = await demo.handIn(ann, tea, message)
  const refused = await demo.posted({ ...written, to: 'coffee@lists.example.test' })
  const pages = [
    await demo.whenOver(await demo.posted(written)),
    await demo.whenOver(path),
    await demo.events(path.replace('/posts/', '/events?item='), /event: posts/),
    await (await demo.get(refused)).text(),
    await (await demo.get(`/?subject=${encodeURIComponent(`"${hostile}`)}&text=${hostile}`)).text(),
    await (await demo.post({ ...written, from: hostile })).text(),
  ]
  for (const [at, page] of pages.entries()) {
    ok(page.includes('&lt;script&gt;alert(1)&lt;/script&gt;'), `page ${at}: ${page}`)
    ok(!/<script>|<img src=x|<b onclick/.test(page), `page ${at}: ${page}`)
  }
})

test('every answer forbids scripts and styles inside a page, and frames', async () => {
  for (const path of [
    '/',
    '/posts/99999',
    '/demo.js',
    '/demo.css',
    '/icon.svg',
    '/copies/1/raw',
    '/nowhere',
  ]) {
    const { headers } = await demo.get(path)
    match(
      headers.get('content-security-policy') ?? '',
      /^default-src 'none'; script-src 'self'; style-src 'self';/,
      path,
    )
    equal(headers.get('x-content-type-options'), 'nosniff', path)
  }
  const page = await (await demo.get('/')).text()
  ok(!/<[a-z][^>]*\s(?:style|on\w+)=|<style|<script>/.test(page), page)
})

for (const { title, headers, status } of [
  {
    title: 'from its own page',
    headers: { Origin: 'http://localhost:PORT', 'Sec-Fetch-Site': 'same-origin' },
    status: 303,
  },
  { title: 'from curl, which names no origin', headers: {}, status: 303 },
  {
    title: 'from another site',
    headers: { Origin: 'http://evil.example', 'Sec-Fetch-Site': 'cross-site' },
    status: 403,
  },
  { title: 'from a sandboxed frame', headers: { Origin: 'null' }, status: 403 },
  {
    title: 'from another port of this machine',
    headers: { Origin: 'http://localhost:1', 'Sec-Fetch-Site': 'same-site' },
    status: 403,
  },
  { title: 'from another site by an old browser', headers: { Origin: 'http://evil.example' }, status: 403 },
])
  test(`a form ${title} is answered with ${status}`, async () => {
    const { port } = demo
    const sent = new Headers()
    for (const [name, value] of Object.entries(headers)) sent.set(name, value.replace('PORT', String(port)))
    equal(
      await asked({
        method: 'POST',
        path: '/posts',
        host: `localhost:${port}`,
        headers: sent,
        body: `from=${ann}&to=${tea}`,
      }),
      status,
    )
  })

test('a foreign name that leads here is told so (DNS rebinding)', async () => {
  const { port } = demo
  const hosts = [
    `localhost:${port}`,
    `127.0.0.1:${port}`,
    `[::1]:${port}`,
    `evil.example:${port}`,
    'localhost',
    `evil.localhost:${port}`,
  ]
  const answers = await Promise.all(hosts.map((host) => asked({ method: 'GET', path: '/', host })))
  deepEqual(answers, [200, 200, 200, 421, 421, 421])
})

for (const { title, fields, says } of [
  {
    title: 'a sender that is none',
    fields: { from: 'ann', to: tea },
    says: /From: &#39;ann&#39; is no address/,
  },
  { title: 'two senders', fields: { from: 'a@example.org, b@example.org', to: tea }, says: /is no address/ },
  {
    title: 'a recipient that is none',
    fields: { from: ann, to: 'tea' },
    says: /To: &#39;tea&#39; is no address/,
  },
  { title: 'an empty form', fields: {}, says: /From: &#39;&#39; is no address/ },
] as const)
  test(`${title} is told beside the form`, async () => {
    const answer = await demo.post(fields)
    equal(answer.status, 422)
    match(await answer.text(), says)
  })

test('what is larger than a form may be is refused unread', async () => {
  equal((await demo.post({ from: ann, to: tea, text: 'x'.repeat(300_000) })).status, 413)
})

test('news come as they happen: a post that was handed in elsewhere appears', async () => {
  const seen = demo.events('/events', /event: posts[\s\S]*From afar/)
  await demo.handIn('ben@example.net', tea, 'From: ben@example.net\r\nSubject: From afar\r\n\r\nHello\r\n')
  match(await seen, /From afar/)
})

/** The status; by node:http, since fetch sets Host and Origin itself. */
function asked({
  method,
  path,
  host,
  headers = new Headers(),
  body = '',
}: {
  method: string
  path: string
  host: string
  headers?: Headers
  body?: string
}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const all = { ...Object.fromEntries(headers), host, 'content-type': 'application/x-www-form-urlencoded' }
    const request = httpRequest(
      { host: '127.0.0.1', port: demo.port, path, method, headers: all },
      (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}
