// The page of the development server: write a post, watch it pass each station, see each copy. Reads the store and the
// catcher; what it changes, it changes as a mail server does, by LMTP. Pages work without scripts; with them the parts
// that changed are sent as they change (server-sent events).
import { readFileSync } from 'node:fs'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { html } from 'hono/html'
import { streamSSE } from 'hono/streaming'
import { Unavailable } from '../base/unavailable.ts'
import type { VerpKey } from '../mail/verp.ts'
import { postingAddress } from '../model/list.ts'
import type { ItemNo } from '../model/queue.ts'
import type { Services } from '../services.ts'
import { allLists } from '../store/units/lists.ts'
import { audiencePage } from '../store/units/outgoing.ts'
import type { Copies, Copy } from './copies.ts'
import type { NamedMember } from './copy-view.ts'
import { ownNameOnly, sameOriginForms, strictHeaders } from './guard.ts'
import { HandIns } from './hand-in.ts'
import { clockTime, type Markup, page } from './page.ts'
import { type Choice, type FilledForm, formView, freshForm, readPost } from './post-form.ts'
import { fingerprint, readSender, type Story, tellLatest, tellStory } from './story.ts'
import { emptyView, refusedView, shortVerdicts, storyView } from './story-view.ts'

export interface DemoPageSettings {
  readonly copies: Copies
  readonly verpKey: VerpKey
  /** Where LMTP is spoken. */
  readonly lmtp: { readonly host: string; readonly port: number }
  /** Where the page itself is; known once it listens. */
  readonly port: () => number
  /** An address that no list knows, and a list that is none: for a post that is held, and one that is refused. */
  readonly stranger: string
  readonly noList: string
}

const members = { kind: 'roster', roles: ['member'], poster: null, direct: [] } as const
const largestForm = 256 * 1024
const mostPeople = 50
/** While a post is on its way, and when nothing is. */
const lookEvery = { busy: 60, calm: 500 }
/** A browser that hears nothing for longer takes the line for dead. */
const sayAgainAfter = 15_000
/** A story so young is shown station by station. */
const freshFor = 4000

export function demoPage(services: Services, settings: DemoPageSettings): Hono {
  const { store, clock, config, log } = services
  const { copies, verpKey, lmtp, port, stranger, noList } = settings
  const handIns = new HandIns(services, lmtp)
  const { verpDelimiter } = config.mta

  const storyOf = (item: ItemNo): Story | null => tellStory(store, copies, item)
  const named =
    (story: Story) =>
    (copy: Copy): NamedMember | null => {
      const found = readSender(store, copy.sender, verpKey, verpDelimiter)
      if (found === null) return null
      const all = [story.delivery, ...story.letters].flatMap((told) => told?.recipients ?? [])
      const member = all.find(
        ({ no, address }) => no === found.no && copy.recipients.some((one) => one === address),
      )
      return { no: found.no, address: member?.address ?? 'who is no recipient any more' }
    }
  const viewOf = (story: Story): Markup =>
    storyView({ story, handIn: handIns.byItem(story.item), named: named(story) })

  const formFor = (filled: FilledForm, wrong: string | null = null): Markup => {
    const lists = store.read(allLists, { domains: [] })
    const people = lists.flatMap((list) =>
      store
        .read(audiencePage, { list: list.no, audience: members, from: 0, to: mostPeople, limit: mostPeople })
        .map(({ address }): Choice => ({ value: address, words: `${address} (member)` })),
    )
    return formView({
      people: [...people.slice(0, mostPeople), { value: stranger, words: `${stranger} (stranger)` }],
      lists: [
        ...lists.map((list): Choice => ({ value: postingAddress(list), words: postingAddress(list) })),
        { value: noList, words: `${noList} (no list)` },
      ],
      filled,
      wrong,
    })
  }
  const latestView = (current: number | null): Markup => {
    const posts = tellLatest(store)
    if (posts.length === 0) return html`<p class="note">None yet.</p>`
    return html`<ul>${posts.map(
      ({ item, subject, sender, verdict, judgedAt }) =>
        html`<li><a href="/posts/${item}" ${item === current ? html`aria-current="page"` : ''}><span class="verdict ${verdict}">${shortVerdicts[verdict]}</span>
${subject === '' ? '(no subject)' : subject}</a> <span class="note">${sender}, ${clockTime(judgedAt)}</span></li>`,
    )}</ul>`
  }
  const whole = (parts: {
    title: string
    current: number | null
    story: Markup
    filled?: FilledForm
    wrong?: string
    reload?: boolean
    fresh?: boolean
  }): Markup =>
    page({
      title: `${parts.title} – Posthorn`,
      reload: parts.reload ?? false,
      body: html`<main>
<div class="side">${formFor(parts.filled ?? freshForm, parts.wrong ?? null)}
<section class="card"><h2>Posts <span id="live" class="note" role="status"></span></h2><div id="posts">${latestView(parts.current)}</div></section>
<section class="card try"><h2>Or from a terminal</h2>
<pre>curl -d from=ann@example.org -d to=tea@lists.example.test \\
  -d subject=Hello -d text=Steeping. http://localhost:${port()}/posts</pre>
<p class="note">LMTP is at ${lmtp.host}:${lmtp.port}: swaks, or a mail server of your own. Whatever comes in is listed here.</p></section>
</div>
<article id="story" tabindex="-1" class="card ${parts.fresh ? 'fresh' : ''}" data-item="${parts.current ?? ''}">${parts.story}</article>
</main>`,
    })

  const app = new Hono()
  app.use(strictHeaders, ownNameOnly(port), sameOriginForms)
  app.onError((fault, c) => {
    log.error('web.fault', { path: c.req.path, fault: String(fault), stack: fault.stack })
    const later = fault instanceof Unavailable
    return c.text(
      later ? 'The store does not answer; the log says why.\n' : 'A fault of ours; the log has it.\n',
      later ? 503 : 500,
    )
  })

  app.get('/', (c) => {
    const latest = tellLatest(store)[0] ?? null
    const story = latest === null ? null : storyOf(latest.item)
    const { from, to, subject, text } = c.req.query()
    const filled = {
      from: from ?? freshForm.from,
      to: to ?? freshForm.to,
      subject: subject ?? freshForm.subject,
      text: text ?? freshForm.text,
    }
    const view = story === null ? emptyView() : viewOf(story)
    return c.html(whole({ title: 'Try it', current: story?.item ?? null, story: view, filled }))
  })

  const tooLarge = bodyLimit({
    maxSize: largestForm,
    onError: (c) => c.text(`The form takes ${largestForm / 1024} KiB; larger posts come in by LMTP.\n`, 413),
  })
  app.post('/posts', tooLarge, async (c) => {
    const { filled, read } = readPost(await c.req.parseBody())
    if ('wrong' in read)
      return c.html(
        whole({ title: 'Not sent', current: null, story: emptyView(), filled, wrong: read.wrong }),
        422,
      )
    const made = await handIns.handIn(read.good)
    const path = made.item === null ? `/refused/${made.number}` : `/posts/${made.item}`
    c.header('Location', path)
    return c.text(`${made.answer}\nhttp://${c.req.header('host')}${path}\n`, 303)
  })

  app.get('/posts/:item{[0-9]{1,15}}', (c) => {
    const item = Number(c.req.param('item')) as ItemNo
    const story = storyOf(item)
    if (story === null)
      return c.html(whole({ title: 'Unknown', current: null, story: unknownView(item) }), 404)
    const since = clock.now() - (story.post?.receivedAt ?? story.waiting?.acceptedAt ?? 0)
    const title = story.post?.subject || 'A post'
    const fresh = since < freshFor
    return c.html(whole({ title, current: item, story: viewOf(story), reload: !story.isOver, fresh }))
  })

  app.get('/refused/:number{[0-9]{1,9}}', (c) => {
    const made = handIns.byNumber(Number(c.req.param('number')))
    if (made === null)
      return c.html(whole({ title: 'Unknown', current: null, story: unknownView(null) }), 404)
    if (made.item !== null) return c.redirect(`/posts/${made.item}`, 303)
    const { from, to, subject, text } = made.written
    const filled = { from, to, subject, text }
    return c.html(whole({ title: 'Refused', current: null, story: refusedView(made), filled }))
  })

  app.get('/copies/:number{[0-9]{1,9}}/raw', (c) => {
    const copy = copies.byNumber(Number(c.req.param('number')))
    if (copy === null) return c.text('The mail catcher has no such copy, or keeps it no more.\n', 404)
    c.header('Content-Type', 'text/plain; charset=utf-8')
    return c.body(Uint8Array.from(copy.bytes))
  })

  app.get('/events', (c) => {
    const item = Number(c.req.query('item') ?? '') as ItemNo
    return streamSSE(c, async (stream) => {
      const said = new Map<string, string>()
      let last = clock.monotonic()
      const say = async (event: string, mark: string, makeData: () => string): Promise<void> => {
        if (said.get(event) === mark) return
        said.set(event, mark)
        const data = makeData()
        last = clock.monotonic()
        await stream.writeSSE({ event, data })
      }
      while (!stream.aborted && !stream.closed) {
        const story = item > 0 ? storyOf(item) : null
        if (story !== null) await say('story', fingerprint(story), () => String(viewOf(story)))
        const posts = String(latestView(item > 0 ? item : null))
        await say('posts', posts, () => posts)
        if (clock.monotonic() - last > sayAgainAfter) {
          last = clock.monotonic()
          await stream.writeSSE({ event: 'still', data: '' })
        }
        await stream.sleep(story === null || story.isOver ? lookEvery.calm : lookEvery.busy)
      }
    })
  })

  for (const [name, type] of assets) {
    const content = readFileSync(new URL(`./browser/${name}`, import.meta.url), 'utf8')
    app.get(`/${name}`, (c) => c.body(content, 200, { 'Content-Type': type }))
  }
  app.notFound((c) => c.html(whole({ title: 'Unknown', current: null, story: unknownView(null) }), 404))
  return app
}

const assets = [
  ['demo.css', 'text/css; charset=utf-8'],
  ['demo.js', 'text/javascript; charset=utf-8'],
  ['icon.svg', 'image/svg+xml'],
] as const

function unknownView(item: number | null): Markup {
  const what = item === null ? 'There is no such page.' : `The store knows no queue item ${item}.`
  return html`<h2>Not here</h2><p>${what} <a href="/">Begin anew</a>.</p>`
}
