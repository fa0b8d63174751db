// Where Exim really sends the addresses of lists (exim -bt), and which router stands in the way. Law: the truth is what Exim
// says; the configuration as it is written only gives the reason.
import type { Finding } from '../../model/hookup.ts'
import { subAddresses } from '../../model/list.ts'
import { type EximCommand, type Route, routersTried, routesOf } from './exim-ask.ts'
import * as kinds from './exim-kinds.ts'
import { option } from './exim-ours.ts'
import { at, type EximSite, reload, samples, wayOf } from './exim-site.ts'
import type { Driver, Place } from './exim-syntax.ts'

/** Posts come from people, bounces from nobody (RFC 5321 §4.5.5). */
const [anybody, nobody] = ['ann@example.org', '<>']

/** `explained`: an error is known that keeps addresses of lists from being routed as they should. */
export async function* diagnoseRouting(site: EximSite, explained: boolean): AsyncIterable<Finding> {
  const { exim, facts, routers } = site
  const { command } = exim
  if (command === null || routers.length === 0) return
  // Such a router is passed over by -bt alone: nothing can be said.
  if (routers.every((router) => option(router, 'address_test') === 'false')) return
  const told = new Set<string>()
  const isNew = ({ kind, file, line }: Finding): boolean => {
    const key = `${kind.code} ${file}:${line}`
    return !told.has(key) && told.add(key).size > 0
  }
  for (const { list, domain } of samples(site)) {
    const names = subAddresses.filter((name) => name !== 'bounces').map((name) => `-${name}`)
    const extended = (tail: string) => (facts.delimiter === '' ? [] : [`${tail}${facts.delimiter}x`])
    const ask = (sender: string, tails: readonly string[], more: readonly string[] = []) =>
      routesOf(site.host, command, sender, [...tails.map((tail) => `${list}${tail}@${domain}`), ...more])
    const capitals = `${list.toUpperCase()}@${domain}`
    const [posts, bounces] = [
      ['', ...names, ...extended('-confirm')],
      ['-bounces', ...extended('-bounces')],
    ]
    const routes = asksForSender(site)
      ? [...(await ask(anybody, posts, [capitals])), ...(await ask(nobody, bounces))]
      : await ask(nobody, [...posts, ...bounces], [capitals])
    // What is rewritten comes nowhere: that is told by another check.
    if (routes.some(({ words }) => /\bAddress rewritten as\b/.test(words))) return
    const wrong = routes.filter((route) => !isRight(site, route))
    const [first] = wrong
    if (first === undefined) continue
    if (wrong.length === 1 && first.address === capitals) {
      if (!explained) yield* [at(routers[0]?.place, kinds.caseful, { seen: first.words })].filter(isNew)
      continue
    }
    // A router before ours has the address whatever ours would have done.
    const taken = wrong.find((route) => route.outcome === 'routed' || route.outcome === 'discarded')
    const taker = taken === undefined ? undefined : await takerOf(site, command, taken)
    const isBefore = taker !== undefined && isBeforeOurs(site, taker)
    if (taken !== undefined && taker !== undefined && (isBefore || (!explained && !isOneOfOurs(site, taker))))
      yield* [shadowed(site, taken, taker)].filter(isNew)
    else if (!explained) yield* [await unrouted(site, first)].filter(isNew)
  }
}

/** The router that took it: one that redirects is asked first, and another delivers what it made of the address. */
async function takerOf(
  { exim, host }: EximSite,
  command: EximCommand,
  route: Route,
): Promise<Driver | undefined> {
  const tried = await routersTried(host, command, senderFor(route.address), route.address)
  const named = (wanted: string | null | undefined) => exim.text.routers.find(({ name }) => name === wanted)
  return named(tried.at(-1)?.name) ?? named(route.router)
}

/** Whether it makes a difference to some router who sends. */
const asksForSender = ({ exim }: EximSite): boolean =>
  exim.text.routers.some(({ options }) =>
    [...options.values()].some(({ name, value }) => name === 'senders' || /\$\{?sender_/.test(value)),
  )

const senderFor = (address: string): string => (/-bounces\b/.test(address) ? nobody : anybody)

const isOneOfOurs = ({ routers }: EximSite, router: Driver): boolean =>
  routers.some(({ name }) => name === router.name)

const isRight = ({ routers, transports }: EximSite, { outcome, router, transport }: Route): boolean =>
  outcome === 'routed' &&
  routers.some(({ name }) => name === router) &&
  transports.some(({ name }) => name === transport)

function isBeforeOurs({ exim, routers }: EximSite, taker: Driver): boolean {
  const all = exim.text.routers
  const ours = all.findIndex(({ name }) => routers.some((one) => one.name === name))
  return all.indexOf(taker) < ours
}

function shadowed({ exim, routers }: EximSite, route: Route, taker: Driver): Finding {
  const [ours] = routers
  return at(taker.place, kinds.shadowed, {
    seen: `${taker.name}: ${route.words}`,
    why: `${route.address} is taken by the router ${taker.name}, which stands before ${ours?.name}. ${kinds.shadowed.why}`,
    change: `Move ${ours?.name} before ${taker.name}, or say there: domains = ! +mm_domains\n${reload(exim)}`,
  })
}

async function unrouted(site: EximSite, route: Route): Promise<Finding> {
  const { exim, host, routers } = site
  const tried =
    exim.command === null
      ? []
      : await routersTried(host, exim.command, senderFor(route.address), route.address)
  const own = tried.find(({ name }) => routers.some((one) => one.name === name))
  const router = routers.find(({ name }) => name === own?.name) ?? routers[0]
  if (/taint/i.test(route.words)) return at(router?.place, kinds.tainted, { seen: route.words })
  if (
    route.outcome === 'deferred' &&
    router !== undefined &&
    wayOf(router) === 'lookup' &&
    /socket|condition|expan/i.test(route.words)
  )
    return at(router.options.get('condition')?.place, kinds.lookupUnreachable, {
      seen: route.words,
      why: `${router.options.get('condition')?.place.text.trim() ?? ''}: ${kinds.lookupUnreachable.why}`,
    })
  const last = tried.at(-1)
  const end = exim.text.routers.find(({ name }) => name === last?.name)
  if (own === undefined && end !== undefined)
    return at(end.place, kinds.shadowed, {
      seen: `${end.name}: ${route.words}`,
      why: `The search ends at the router ${end.name}, before ${routers[0]?.name}. ${kinds.shadowed.why}`,
      change: `Move ${routers[0]?.name} before ${end.name}, or say there: domains = ! +mm_domains\n${reload(exim)}`,
    })
  const skipped = /skipped: (.*)$/.exec(own?.words ?? '')?.[1]
  if (router !== undefined && skipped !== undefined) {
    const place = preconditionPlace(router, skipped)
    const from = senderFor(route.address) === nobody ? ' of a bounce' : ''
    return at(place, kinds.routerSkips, {
      seen: `${place.text.trim()}; Exim says: ${own?.words}`,
      why: `${route.address}${from}: ${skipped}. ${kinds.routerSkips.why}`,
    })
  }
  return at(router?.place, kinds.notRouted, {
    seen: route.words,
    change: `exim -d+route -bt ${route.address} tells router by router why.`,
  })
}

/** The option that the reason is about. */
function preconditionPlace(router: Driver, reason: string): Place {
  for (const [name, { place }] of router.options)
    if (reason.includes(name) || reason.includes(name.replace(/s$/, ''))) return place
  return router.options.get('condition')?.place ?? router.place
}
