// Which routers and transports of an Exim are those for lists. Pure. Law: they are known by what they do (LMTP, our port, our
// domains), and by the founding document's names when what they do is wrong.
import type { HostFacts } from '../../model/hookup.ts'
import { plainDomains } from './exim-lists.ts'
import type { Driver, EximText } from './exim-syntax.ts'

export const option = (driver: Driver, name: string): string => driver.options.get(name)?.value ?? ''

export const isTrue = (driver: Driver, name: string): boolean => option(driver, name) === 'true'

const namedForLists = /mailman3|posthorn|mm3/i

/** The transports that hand mail to Posthorn, or were meant to. */
export function ourTransports(text: EximText, { lmtp }: Pick<HostFacts, 'lmtp'>): readonly Driver[] {
  const byDeed = text.transports.filter((one) => {
    const driver = option(one, 'driver')
    if (driver === 'lmtp') return lmtp.socket !== null && option(one, 'socket') === lmtp.socket
    return driver === 'smtp' && option(one, 'port') === String(lmtp.port) && option(one, 'port') !== '25'
  })
  const byName = text.transports.filter((one) => namedForLists.test(one.name) && !byDeed.includes(one))
  const byProtocol = text.transports.filter((one) => /^lmtp$/i.test(option(one, 'protocol')))
  const found = [...byDeed, ...byName]
  return found.length > 0 ? found : byProtocol
}

/** The routers that give addresses of lists to those transports, or were meant to. */
export function ourRouters(text: EximText, facts: Pick<HostFacts, 'lmtp' | 'domains'>): readonly Driver[] {
  const transports = ourTransports(text, facts).map(({ name }) => name)
  const ours = facts.domains.map(({ mailHost }) => mailHost.toLowerCase())
  return text.routers.filter((one) => {
    const transport = option(one, 'transport')
    if (transports.includes(transport)) return true
    // One whose transport is gone, or is another: it still has our name, or our domains and a marker.
    if (namedForLists.test(one.name) && /^(accept|manualroute)$/.test(option(one, 'driver'))) return true
    const domains = option(one, 'domains')
    return (
      /\blists\b.*local_part|readsocket/.test(
        `${option(one, 'require_files')} ${option(one, 'condition')}`,
      ) &&
      (domains.includes('+mm_domains') || plainDomains(domains, text).some((domain) => ours.includes(domain)))
    )
  })
}
