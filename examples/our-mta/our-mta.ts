// Hooks Posthorn up to a mail server that it knows nothing of: "Carrier", made up for this example. Carrier reads a table
// of addresses and where their mail goes, rereads it when it is asked to by HTTP, and takes mail to send as JSON.
// docs/own-mail-server.md goes through it line by line.
import type { ListDirectory, PublishedFile } from '../../src/model/mail-server.ts'
import type {
  SiteDeliver,
  SiteDeliveryPlace,
  SiteMailServer,
  SiteMailServerPlace,
  SiteOutcome,
  SiteTransaction,
} from '../../src/model/site-module.ts'

const tails = [
  '',
  '-bounces',
  '-confirm',
  '-join',
  '-leave',
  '-owner',
  '-request',
  '-subscribe',
  '-unsubscribe',
]

/** Mail in: `[mta] incoming: ./our-mta.ts#OurMta`, and its keys in a section [OurMta]. */
export class OurMta implements SiteMailServer {
  readonly #site: SiteMailServerPlace
  readonly #url: string

  constructor(site: SiteMailServerPlace) {
    this.#site = site
    this.#url = site.settings.url ?? ''
    if (!URL.canParse(this.#url)) throw new Error('write [OurMta] url, as http://127.0.0.1:9025')
  }

  async publish({ domains }: ListDirectory): Promise<readonly PublishedFile[]> {
    const { lmtp } = this.#site
    const lines = domains.flatMap(({ mailHost, listNames }) =>
      listNames.flatMap((name) =>
        tails.map((tail) => `${name}${tail}@${mailHost} ${lmtp.host}:${lmtp.port}\n`),
      ),
    )
    const table = await this.#site.replaceFile('carrier_recipients', lines.sort().join(''))
    // Also when the table is as it was: the last time, Carrier may not have heard.
    const heard = await fetch(new URL('/reread', this.#url), {
      method: 'POST',
      signal: AbortSignal.timeout(10_000),
    })
    if (!heard.ok) throw new Error(`Carrier at ${this.#url} answered ${heard.status} to /reread; see its log`)
    return [table]
  }
}

/** Mail out: `[mta] outgoing: ./our-mta.ts#deliver`, and its keys in a section [deliver]. */
export const deliver: SiteDeliver = async (
  transaction: SiteTransaction,
  { settings }: SiteDeliveryPlace,
): Promise<SiteOutcome> => {
  const url = settings.url ?? ''
  let answer: Response
  try {
    answer = await fetch(new URL('/send', url), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        from: transaction.from,
        to: transaction.recipients,
        message: Buffer.from(transaction.message).toString('base64'),
      }),
      signal: transaction.signal,
    })
  } catch (fault) {
    // Only where nothing can have arrived may it be called down. Anything else is thrown on: then nobody knows.
    if (isRefused(fault)) return { kind: 'down', words: `nobody answers at ${url}; start Carrier` }
    throw fault
  }
  if (answer.status === 503) return { kind: 'down', words: `Carrier at ${url} takes nothing now` }
  if (answer.status === 413) return { kind: 'refused', reply: '552 5.3.4 too big for Carrier' }
  if (!answer.ok) throw new Error(`Carrier answered ${answer.status}`)
  const { replies } = (await answer.json()) as { replies: readonly string[] }
  return { kind: 'answered', replies }
}

const isRefused = (fault: unknown): boolean =>
  fault instanceof TypeError && (fault.cause as { code?: unknown } | undefined)?.code === 'ECONNREFUSED'
