// The keys of [dkim]: each is named by the domain it signs for and its selector, as the DNS has them joined
// by `._domainkey.` (RFC 6376 §3.6.2.1).

/** A key that signs for a domain (RFC 6376 §3.1). */
export interface DkimKey {
  readonly domain: string
  readonly selector: string
  /** Path of the private key, PEM. */
  readonly file: string
}

/** From `DOMAIN.SELECTOR` and paths; a name without a dot has an empty domain, which `checks.ts` refuses. */
export function dkimKeys(named: ReadonlyMap<string, unknown>): readonly DkimKey[] {
  return [...named].map(([name, file]) => {
    const dot = name.lastIndexOf('.')
    return { domain: name.slice(0, Math.max(dot, 0)), selector: name.slice(dot + 1), file: String(file) }
  })
}
