// What the DNS says of the lists' domains: where their mail goes (RFC 5321 §5.1), who may send for them (SPF, RFC 7208),
// their keys (DKIM, RFC 6376 §3.6.1) and their policy (DMARC, RFC 7489 §6.1). Law: bounded in all; where no name server
// answers, nothing is said, since then nothing is known.
import { createPublicKey } from 'node:crypto'
import { Resolver } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import type { Finding, FindingKind } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { ownAddresses } from './addresses.ts'
import type { Check, CheckedSite } from './checked-site.ts'

const kind = (
  name: string,
  severity: 'warning' | 'info',
  rank: number,
  summary: string,
  why: string,
  change: string,
): FindingKind => ({ code: `dns.${name}`, severity, summary, why, change, rank })

const noMx = kind(
  'no-mx',
  'warning',
  170,
  'The DNS knows no mail server for a list domain',
  'Nobody outside can write to its lists, and bounces do not come home.',
  'Publish an MX record that names the mail server.',
)

const refusesMail = kind(
  'refuses-mail',
  'warning',
  170,
  'The DNS says that a list domain takes no mail',
  'A null MX (RFC 7505): other mail servers send nothing there, and refuse mail that comes from there.',
  'Publish an MX record that names the mail server.',
)

const mxElsewhere = kind(
  'mx-elsewhere',
  'info',
  196,
  'The mail server of a list domain is not this machine',
  'All is well if that one hands mail on to here (a gateway, address translation). If not, mail for lists ends there.',
  'If mail does not come: publish an MX record that names the mail server in front of Posthorn.',
)

const noSpf = kind(
  'no-spf',
  'info',
  197,
  'A list domain has no SPF record',
  'Big providers want one for the domain of the envelope sender, which is the list domain.',
  'Publish a TXT record for the domain, such as "v=spf1 mx -all", that names the addresses the mail leaves from.',
)

const spfTwice = kind(
  'spf-twice',
  'warning',
  171,
  'A list domain has more than one SPF record',
  'Then there is none that counts: permerror (RFC 7208 §4.5).',
  'Leave one of them, with the mechanisms of both.',
)

const noDkim = kind(
  'no-dkim-key',
  'warning',
  172,
  'The DNS has no public key for a signature that we put on',
  'Signatures that cannot be verified count as none.',
  'Publish the public key under that name.',
)

const otherDkim = kind(
  'other-dkim-key',
  'warning',
  172,
  'The DNS has another public key than the one that we sign with',
  'Every signature is broken, which is worse than none.',
  'Publish the public key that belongs to the private one, or name the right file in [dkim].',
)

const noDmarc = kind(
  'no-dmarc',
  'info',
  198,
  'A list domain has no DMARC policy',
  'Big providers ask bulk senders for one.',
  'Publish a TXT record _dmarc.DOMAIN, such as "v=DMARC1; p=none".',
)

export const dns: Check = {
  kinds: [noMx, refusesMail, mxElsewhere, noSpf, spfTwice, noDkim, otherDkim, noDmarc],
  async *look(site) {
    const domains = site.facts.domains
      .filter(({ listNames, mailHost }) => listNames.length > 0 && isPublic(mailHost))
      .map(({ mailHost }) => mailHost)
      .slice(0, mostDomains)
    if (domains.length === 0) return
    const names = openResolver(site)
    try {
      const first = await names.mx(domains[0] ?? '')
      if (first === 'no answer') return
      const own = ownAddresses()
      for (const findings of await Promise.all(domains.map((domain) => lookAt(site, names, domain, own))))
        yield* findings
    } finally {
      names.close()
    }
  },
}

const mostDomains = 10

/** Names that stand in no public DNS (RFC 2606, RFC 6761, RFC 6762). */
export function isPublic(domain: string): boolean {
  return !/(?:^|\.)(?:test|example|invalid|localhost|local|internal|example\.(?:com|net|org))$/.test(domain)
}

/** `none`: the name has no such record. `no answer`: nobody who knows could be asked. */
type Answer<T> = readonly T[] | 'none' | 'no answer'

interface Names {
  mx(name: string): Promise<Answer<{ readonly exchange: string; readonly priority: number }>>
  txt(name: string): Promise<Answer<string>>
  addresses(name: string): Promise<Answer<string>>
  close(): void
}

function openResolver({ nameServers, patience }: CheckedSite): Names {
  const resolver = new Resolver({ timeout: Math.ceil(patience.names / 3), tries: 1 })
  if (nameServers !== null) resolver.setServers(nameServers)
  const timer = setTimeout(() => resolver.cancel(), patience.names)
  const ask = async <T>(question: () => Promise<readonly T[]>): Promise<Answer<T>> => {
    try {
      const records = await question()
      return records.length === 0 ? 'none' : records
    } catch (fault) {
      const { code } = fault as NodeJS.ErrnoException
      return code === 'ENOTFOUND' || code === 'ENODATA' ? 'none' : 'no answer'
    }
  }
  const both = async (name: string): Promise<Answer<string>> => {
    const [four, six] = await Promise.all([
      ask(() => resolver.resolve4(name)),
      ask(() => resolver.resolve6(name)),
    ])
    const known = [four, six].flatMap((answer) => (typeof answer === 'string' ? [] : answer))
    return known.length > 0 ? known : four === 'none' && six === 'none' ? 'none' : 'no answer'
  }
  return {
    mx: (name) => ask(() => resolver.resolveMx(name)),
    txt: async (name) => {
      const records = await ask(() => resolver.resolveTxt(name))
      return typeof records === 'string' ? records : records.map((parts) => parts.join(''))
    },
    addresses: both,
    close: () => {
      clearTimeout(timer)
      resolver.cancel()
    },
  }
}

async function lookAt(
  site: CheckedSite,
  names: Names,
  domain: string,
  own: ReadonlySet<string>,
): Promise<readonly Finding[]> {
  const [ways, spf, dkim, dmarc] = await Promise.all([
    mailWays(names, domain, own),
    senderPolicy(names, domain),
    keys(site, names, domain),
    messagePolicy(names, domain),
  ])
  return [...ways, ...spf, ...dkim, ...dmarc]
}

async function mailWays(names: Names, domain: string, own: ReadonlySet<string>): Promise<readonly Finding[]> {
  const records = await names.mx(domain)
  if (records === 'no answer') return []
  if (records !== 'none' && records.every(({ exchange }) => exchange === '' || exchange === '.'))
    return [finding(refusesMail, { seen: `${domain} MX 0 .` })]
  // Without MX the domain's own address counts (RFC 5321 §5.1).
  const hosts = records === 'none' ? [domain] : records.map(({ exchange }) => exchange)
  const answers = await Promise.all(hosts.slice(0, mostDomains).map((host) => names.addresses(host)))
  if (answers.includes('no answer')) return []
  const addresses = answers.flatMap((answer) => (typeof answer === 'string' ? [] : answer))
  const shown =
    records === 'none' ? `${domain} has no MX` : hosts.map((host) => `${domain} MX ${host}`).join(', ')
  if (addresses.length === 0)
    return [
      finding(noMx, {
        seen: records === 'none' ? `${shown} and no address` : `${shown}: without an address`,
        change: `${domain}. IN MX 10 your.mail.server.`,
      }),
    ]
  if (addresses.some((address) => own.has(address))) return []
  return [finding(mxElsewhere, { seen: `${shown} (${addresses.slice(0, 4).join(', ')})` })]
}

async function senderPolicy(names: Names, domain: string): Promise<readonly Finding[]> {
  const records = await names.txt(domain)
  if (records === 'no answer') return []
  const policies = records === 'none' ? [] : records.filter((text) => /^v=spf1(?: |$)/i.test(text))
  if (policies.length === 0) return [finding(noSpf, { seen: `${domain} TXT: no "v=spf1"` })]
  if (policies.length === 1) return []
  return [finding(spfTwice, { seen: policies.map((text) => `${domain} TXT "${text}"`).join(', ') })]
}

async function messagePolicy(names: Names, domain: string): Promise<readonly Finding[]> {
  const labels = domain.split('.')
  // The policy of the organizational domain covers what is below it (RFC 7489 §6.6.3).
  for (let from = 0; from <= labels.length - 2; from += 1) {
    const records = await names.txt(`_dmarc.${labels.slice(from).join('.')}`)
    if (records === 'no answer') return []
    if (records !== 'none' && records.some((text) => /^v=DMARC1\b/.test(text))) return []
  }
  return [finding(noDmarc, { seen: `_dmarc.${domain} TXT: none` })]
}

async function keys({ config }: CheckedSite, names: Names, domain: string): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const key of config.dkim.keys.filter((one) => one.domain === domain)) {
    const name = `${key.selector}._domainkey.${domain}`
    const records = await names.txt(name)
    if (records === 'no answer') continue
    const published =
      records === 'none' ? [] : records.flatMap((text) => /(?:^|;)\s*p=([^;]*)/.exec(text)?.[1] ?? [])
    const ours = await publicKeyOf(key.file)
    if (published.length === 0 || published.every((text) => text.trim() === ''))
      findings.push(
        finding(noDkim, {
          seen: `${name} TXT: no key`,
          ...(ours === null ? {} : { change: `${name}. IN TXT "v=DKIM1; k=${ours.type}; p=${ours.text}"` }),
        }),
      )
    else if (ours !== null && !published.some((text) => text.replace(/\s+/g, '') === ours.text))
      findings.push(
        finding(otherDkim, {
          seen: `${name} TXT: p=${published[0]?.slice(0, 24) ?? ''}…, our key is ${ours.text.slice(0, 24)}…`,
          change: `${name}. IN TXT "v=DKIM1; k=${ours.type}; p=${ours.text}"`,
        }),
      )
  }
  return findings
}

/** As it stands in the DNS: RSA as SubjectPublicKeyInfo (RFC 6376 §3.6.1), Ed25519 bare (RFC 8463 §4). Null when it cannot be read. */
async function publicKeyOf(path: string): Promise<{ readonly type: string; readonly text: string } | null> {
  try {
    const key = createPublicKey(await readFile(path))
    const der = key.export({ type: 'spki', format: 'der' })
    if (key.asymmetricKeyType === 'ed25519')
      return { type: 'ed25519', text: der.subarray(-32).toString('base64') }
    return { type: 'rsa', text: der.toString('base64') }
  } catch {
    return null
  }
}
