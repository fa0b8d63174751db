// Where Exim really sends the addresses of lists (exim -bt), and which router stands in the way. Law: the truth is what Exim
// says; the configuration as it is written only gives the reason.
import type { Finding } from '../../model/hookup.ts'
import { subAddresses } from '../../model/list.ts'
import { type Route, routersTried, routesOf } from './exim-ask.ts'
import * as kinds from './exim-kinds.ts'
import { at, type EximSite, reload, samples, wayOf } from './exim-site.ts'
import type { Driver, Place } from './exim-syntax.ts'

/** `explained`: an error is known that keeps addresses of lists from being routed as they should. */
export async function* diagnoseRouting(site: EximSite, explained: boolean): AsyncIterable<Finding> {
  const { exim, facts, routers } = site
  const { command } = exim
  if (command === null || routers.length === 0) return
  for (const { list, domain } of samples(site)) {
    const tails = ['', ...subAddresses.map((name) => `-${name}`)]
    const extended =
      facts.delimiter === '' ? [] : [`-bounces${facts.delimiter}x`, `-confirm${facts.delimiter}x`]
    const addresses = [...tails, ...extended].map((tail) => `${list}${tail}@${domain}`)
    const capitals = `${list.toUpperCase()}@${domain}`
    const routes = await routesOf(site.host, command, [...addresses, capitals])
    const wrong = routes.filter((route) => !isRight(site, route))
    const [first] = wrong
    if (first === undefined) continue
    if (wrong.length === 1 && first.address === capitals) {
      if (!explained) yield at(routers[0]?.place, kinds.caseful, { seen: first.words })
      continue
    }
    // A router before ours has the address whatever ours would have done.
    const taken = wrong.find((route) => route.outcome === 'routed' || route.outcome === 'discarded')
    const taker = exim.text.routers.find(({ name }) => name === taken?.router)
    const isBefore = taker !== undefined && isBeforeOurs(site, taker)
    if (taken !== undefined && (isBefore || !explained)) yield shadowed(site, taken, taker)
    else if (!explained) yield await unrouted(site, first)
  }
}

const isRight = ({ routers, transports }: EximSite, { outcome, router, transport }: Route): boolean =>
  outcome === 'routed' &&
  routers.some(({ name }) => name === router) &&
  transports.some(({ name }) => name === transport)

function isBeforeOurs({ exim, routers }: EximSite, taker: Driver): boolean {
  const all = exim.text.routers
  const ours = all.findIndex(({ name }) => routers.some((one) => one.name === name))
  return all.indexOf(taker) < ours
}

function shadowed({ exim, routers }: EximSite, route: Route, taker: Driver | undefined): Finding {
  const [ours] = routers
  return at(taker?.place, kinds.shadowed, {
    seen: `${taker === undefined ? '' : `${taker.name}: `}${route.words}`,
    why: `${route.address} is taken by the router ${route.router ?? '?'}, which stands before ${ours?.name}. ${kinds.shadowed.why}`,
    change: `Move ${ours?.name} before ${route.router ?? 'it'}, or say there: domains = ! +mm_domains\n${reload(exim)}`,
  })
}

async function unrouted(site: EximSite, route: Route): Promise<Finding> {
  const { exim, host, routers } = site
  const tried = exim.command === null ? [] : await routersTried(host, exim.command, route.address)
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
  if (router !== undefined && skipped !== undefined)
    return at(preconditionPlace(router, skipped), kinds.routerSkips, {
      seen: `${own?.words}`,
      why: `${route.address}: ${skipped}. ${kinds.routerSkips.why}`,
    })
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
