// The hops of a round trip, one after the other, and what it means when one does not come. Law: it only sends to the
// lists of its trial, and looks at nothing but what the store knows of them.
import { SECOND } from '../../base/clock.ts'
import { base32 } from '../../base/random.ts'
import type { EmailAddress } from '../../mail/address.ts'
import { verpSender } from '../../mail/verp.ts'
import type { Finding } from '../../model/hookup.ts'
import { postingAddress, subAddress } from '../../model/list.ts'
import { ledgerStates } from '../../model/outgoing.ts'
import { keptBytes } from '../../store/kept-message.ts'
import { deliveryPause } from '../../store/units/pausing.ts'
import { type Trial, type TrialItem, type TrialState, trialState } from '../../store/units/trials.ts'
import { finding } from '../finding.ts'
import * as kinds from './deep-kinds.ts'
import type { Hop, RoundTripNews, RoundTripSite, RoundTripWanted } from './round-trip-news.ts'
import { askAbout, type Submitted, submit } from './submission.ts'
import { reasonOf, trialBounce, trialPost } from './trial-letters.ts'
import { whereToLook } from './where-to-look.ts'

/** trivial-rewrite(8) sees changed tables only after 10 s; a domain with a route of its own need not wait. */
const postfixRereads = 11 * SECOND
const lookEvery = 25

export class Journey {
  readonly #site: RoundTripSite
  readonly #wanted: RoundTripWanted
  readonly #trial: Trial
  readonly #signal: AbortSignal
  /** Where the post goes, and its copy. */
  readonly #post: EmailAddress
  readonly #home: EmailAddress
  /** The envelope sender of the copy. */
  readonly #verp: EmailAddress
  readonly #senderOfPost: EmailAddress
  readonly #messageId: string
  /** What a person has to do until the mail server knows the lists; null: nothing. */
  #advice: string | null = null
  /** It takes whatever is for a domain, and sends back what nobody has. */
  #takesAll: boolean
  readonly #bounceId: string
  readonly #unknownId: string
  #last: number

  constructor(site: RoundTripSite, wanted: RoundTripWanted, trial: Trial, name: string, signal: AbortSignal) {
    const { mailHost } = wanted.domain
    const [list, home] = [
      { name, mailHost },
      { name: `${name}-home`, mailHost },
    ]
    this.#site = site
    this.#wanted = wanted
    this.#trial = trial
    this.#signal = signal
    this.#post = postingAddress(list)
    this.#home = postingAddress(home)
    const bounces = subAddress(list, 'bounces')
    this.#verp =
      site.delimiter === ''
        ? bounces
        : verpSender(bounces, trial.postId, trial.member, site.verpKey, site.delimiter)
    // What the mail server cannot deliver comes back to where we see it.
    this.#senderOfPost = subAddress(home, 'bounces')
    this.#messageId = `<${name}@${mailHost}>`
    this.#bounceId = `<${name}-bounce@${mailHost}>`
    this.#unknownId = `<${name}-unknown@${mailHost}>`
    this.#last = site.clock.now()
    this.#takesAll = site.incoming.includes('qmail') || wanted.mailServer === 'qmail'
  }

  async *go(): AsyncGenerator<RoundTripNews> {
    const stops = [this.#published, this.#known, this.#handOver, this.#arrival, this.#judgement]
    for (const stop of [...stops, this.#departure, this.#homecoming, this.#bounce, this.#unknown]) {
      for await (const news of stop.call(this)) {
        yield news
        if (news.kind === 'finding' && news.finding.kind.severity === 'error') return
      }
    }
  }

  async *#published(): AsyncGenerator<RoundTripNews> {
    const fault = await this.#site.publish((words) => {
      this.#advice = words
    })
    if (fault !== null) yield this.#stop(kinds.notPublished, fault)
    const { listOnly, mailHost } = this.#wanted.domain
    if (fault !== null || listOnly || !this.#site.incoming.includes('postfix')) return
    yield {
      kind: 'note',
      words: `${mailHost} is not for lists alone, so Postfix sees new tables only after 10 s: waiting`,
    }
    await this.#rest(postfixRereads)
  }

  /** A mail server that asks us, or caches, may say "later" at first. */
  async *#known(): AsyncGenerator<RoundTripNews> {
    const end = this.#site.clock.monotonic() + this.#wanted.wait
    this.#last = this.#site.clock.now()
    for (;;) {
      const asked = await askAbout(this.#site.relay, [this.#post, this.#home], this.#signal)
      this.#signal.throwIfAborted()
      if ('trouble' in asked) {
        yield this.#stop(kinds.noMailServer, asked.trouble)
        return
      }
      const refusal = asked.answers.findIndex((answer) => !answer.startsWith('2'))
      if (refusal < 0) {
        yield this.#hop('known', this.#site.clock.now(), asked.answers[0] ?? null)
        return
      }
      if (this.#site.clock.monotonic() > end) {
        const recipient = [this.#post, this.#home][refusal]
        const answer = asked.answers[refusal] ?? ''
        const seen = `RCPT TO:<${recipient}> ${answer}`
        if (answer.startsWith('4')) yield this.#stop(kinds.putOff, seen)
        else if (this.#advice === null) yield this.#stop(kinds.refused, seen)
        else yield this.#stop(kinds.notReread, `${seen}\nnobody has told it: ${this.#advice}`)
        return
      }
      await this.#rest(SECOND / 2)
    }
  }

  async *#handOver(): AsyncGenerator<RoundTripNews> {
    const { clock, hostname } = this.#site
    const letter = { to: this.#post, messageId: this.#messageId, hostname, now: clock.now() }
    const from = this.#senderOfPost
    const bytes = trialPost({ ...letter, from })
    const submitted = await submit(this.#site.relay, { from, to: this.#post, bytes }, this.#signal)
    // QUIRK: so says qmail-smtpd alone, whatever [mta] incoming is.
    if (submitted.kind === 'taken') this.#takesAll ||= /^250 ok \d+ qp \d+$/.test(submitted.reply)
    yield* this.#submitted('smtp-in', kinds.refused, submitted)
  }

  async *#arrival(): AsyncGenerator<RoundTripNews> {
    const { post, home } = this.#trial
    const came = await this.#await(({ items, post: judged }) => {
      const at =
        judged?.receivedAt ?? items.find((item) => item.list === post && item.lane === 'in')?.acceptedAt
      return at === undefined ? this.#sentBack(items, home) : { at }
    })
    if (came !== null && 'at' in came) yield this.#hop('lmtp-in', came.at, null)
    else yield this.#lost(kinds.notHandedIn, this.#post, came?.back ?? null)
  }

  async *#judgement(): AsyncGenerator<RoundTripNews> {
    const done = await this.#await(({ items, post }) => {
      const waiting = items.find(({ list, lane }) => list === this.#trial.post && lane === 'in')
      return post ?? (waiting?.shunted === true ? waiting : null)
    })
    if (done !== null && 'verdict' in done && done.verdict === 'accept')
      yield this.#hop('judged', done.judgedAt, null)
    else if (done === null) yield this.#stop(kinds.notJudged, `not judged after ${this.#waited()}`)
    else if ('verdict' in done)
      yield this.#stop(
        kinds.notJudged,
        `${done.verdict}: ${done.hits.map(({ summary }) => summary).join(', ')}`,
      )
    else yield this.#stop(kinds.notJudged, `set aside: ${done.reason ?? 'no reason is given'}`)
  }

  async *#departure(): AsyncGenerator<RoundTripNews> {
    const pause = this.#site.store.read(deliveryPause, null)
    if (pause !== null) {
      yield this.#stop(kinds.paused, pause.why)
      return
    }
    const done = await this.#await(({ copy }) =>
      copy !== null && (copy.parked !== null || (copy.state !== null && copy.state !== ledgerStates.pending))
        ? copy
        : null,
    )
    const place = `${this.#site.relay.host}:${this.#site.relay.port}`
    if (done?.state === ledgerStates.sent) {
      yield this.#hop('smtp-out', done.changedAt ?? this.#site.clock.now(), done.reply)
      return
    }
    const seen =
      done === null ? `not sent after ${this.#waited()}` : (done.parked ?? done.reply ?? 'no reply')
    yield this.#stop(
      kinds.notRelayed,
      `MAIL FROM:<${this.#verp}>, RCPT TO:<${this.#home}> at ${place}: ${seen}`,
    )
  }

  async *#homecoming(): AsyncGenerator<RoundTripNews> {
    const { post, home } = this.#trial
    const came = await this.#await(({ items, home: judged, bounces }) => {
      const at =
        judged?.receivedAt ?? items.find((item) => item.list === home && item.lane === 'in')?.acceptedAt
      if (at !== undefined) return { at }
      return bounces[0] === undefined ? this.#sentBack(items, post) : { back: bounces[0] }
    })
    if (came !== null && 'at' in came) yield this.#hop('home', came.at, null)
    else yield this.#lost(kinds.notHome, this.#home, came?.back ?? null)
  }

  async *#bounce(): AsyncGenerator<RoundTripNews> {
    const { clock, hostname, relay } = this.#site
    const letter = { to: this.#verp, messageId: this.#bounceId, hostname, now: clock.now() }
    const bytes = trialBounce({ ...letter, from: `MAILER-DAEMON@${hostname}` }, this.#home)
    const submitted = await submit(relay, { from: '<>', to: this.#verp, bytes }, this.#signal)
    yield* this.#submitted('bounce-smtp', kinds.bounceRefused, submitted)
    if (submitted.kind !== 'taken') return
    const came = await this.#await(({ items, bounces }) => {
      const item = items.find(({ list, lane }) => list === this.#trial.post && lane === 'bounce')
      return item !== undefined ? { at: item.acceptedAt } : bounces.length > 0 ? { at: clock.now() } : null
    })
    if (came === null) yield this.#lost(kinds.bounceLost, this.#verp, null)
    else yield this.#hop('bounce-lmtp', came.at, null)
  }

  async *#unknown(): AsyncGenerator<RoundTripNews> {
    const recipient = `nosuchlist-${base32(this.#site.random.bytes(5))}@${this.#wanted.domain.mailHost}`
    const end = this.#site.clock.monotonic() + this.#wanted.wait
    for (;;) {
      const asked = await askAbout(this.#site.relay, [recipient], this.#signal)
      this.#signal.throwIfAborted()
      const answer = 'trouble' in asked ? asked.trouble : (asked.answers[0] ?? '')
      const seen = `RCPT TO:<${recipient}> ${answer}`
      if (answer.startsWith('5')) {
        yield this.#hop('unknown-refused', this.#site.clock.now(), answer)
        return
      }
      if (answer.startsWith('2')) {
        if (this.#takesAll) yield* this.#returned(recipient as EmailAddress, seen)
        else yield { kind: 'finding', finding: finding(kinds.unknownAccepted, { seen }), unknown: recipient }
        return
      }
      if (this.#site.clock.monotonic() > end) {
        yield this.#stop(kinds.unknownDeferred, seen)
        return
      }
      await this.#rest(SECOND / 2)
    }
  }

  /** Nothing is sent to an address that nobody has where people live too: one of them may get all that is left over. */
  async *#returned(recipient: EmailAddress, seen: string): AsyncGenerator<RoundTripNews> {
    const words = `${seen}: this mail server cannot refuse at RCPT; such mail is sent back`
    yield { kind: 'note', words }
    if (!this.#wanted.domain.listOnly) return
    const { clock, hostname, relay } = this.#site
    const from = this.#senderOfPost
    const bytes = trialPost({ from, to: recipient, messageId: this.#unknownId, hostname, now: clock.now() })
    const submitted = await submit(relay, { from, to: recipient, bytes }, this.#signal)
    this.#signal.throwIfAborted()
    if (submitted.kind !== 'taken') return
    const came = await this.#await(({ items }) => this.#sentBack(items, this.#trial.home))
    if (came === null) yield this.#lost(kinds.unknownLost, recipient, null)
    else yield this.#hop('unknown-returned', clock.now(), came.back)
  }

  // ---- what all hops need ----

  *#submitted(hop: Hop, refusal: Finding['kind'], submitted: Submitted): Generator<RoundTripNews> {
    this.#signal.throwIfAborted()
    if (submitted.kind === 'taken') yield this.#hop(hop, this.#site.clock.now(), submitted.reply)
    else if (submitted.kind === 'trouble') yield this.#stop(kinds.noMailServer, submitted.words)
    else yield this.#stop(refusal, `${submitted.command} ${submitted.reply}`)
  }

  #hop(hop: Hop, at: number, said: string | null): RoundTripNews {
    // LMTP may take it before the mail server's last word to us.
    const milliseconds = Math.max(0, at - this.#last)
    this.#last = Math.max(this.#last, at)
    return { kind: 'hop', hop, milliseconds, said }
  }

  #stop(kind: Finding['kind'], seen: string): RoundTripNews {
    return { kind: 'finding', finding: finding(kind, { seen }) }
  }

  #lost(kind: Finding['kind'], address: EmailAddress, back: string | null): RoundTripNews {
    const seen =
      back === null
        ? `${address}: nothing came in ${this.#waited()}`
        : `${address}: the mail server sent it back: ${back}`
    const { mailServer } = this.#wanted
    const servers = mailServer === null ? this.#site.incoming : [mailServer]
    const told = this.#advice === null ? [] : [this.#advice]
    const change = [...told, whereToLook(servers, address, this.#messageId), kind.change].join('\n')
    return { kind: 'finding', finding: finding(kind, { seen, change }) }
  }

  #waited = (): string => `${this.#wanted.wait / SECOND} s`

  /** The mail server's own bounce, when it is among what came in for `list`. */
  #sentBack(items: readonly TrialItem[], list: number): { readonly back: string } | null {
    const report = items.find((item) => item.list === list && item.lane === 'bounce')
    if (report === undefined) return null
    return { back: reasonOf(keptBytes(this.#site.store, this.#site.spool, report.message)) }
  }

  /** Looks until `look` gives something; null when the time is up. */
  async #await<T>(look: (state: TrialState) => T | null): Promise<T | null> {
    const { store, clock } = this.#site
    const end = clock.monotonic() + this.#wanted.wait
    for (;;) {
      const found = look(store.read(trialState, { ...this.#trial, messageId: this.#messageId }))
      if (found !== null || clock.monotonic() > end) return found
      await this.#rest(lookEvery)
    }
  }

  #rest(milliseconds: number): Promise<void> {
    return this.#site.rest(milliseconds, this.#signal)
  }
}
