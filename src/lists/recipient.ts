// Which list an envelope recipient names: asked by the door at RCPT and by mail servers through the look-up service,
// so that both say the same of every address.
import { domainToASCII } from 'node:url'
import { domainOf, type EmailAddress, localPartOf, unquoteLocalPart } from '../mail/address.ts'
import { type ListRecipient, readingsOf } from '../model/list-address.ts'
import type { Store } from '../store/store.ts'
import { findRecipient } from '../store/units/lists.ts'

/** Null when there is no such list. `delimiter` stands before an extension; '' for none. Throws Unavailable. */
export function listRecipient(
  store: Pick<Store, 'read'>,
  delimiter: string,
  address: EmailAddress,
): ListRecipient | null {
  const domain = domainOf(address)
  const readings = readingsOf(unquoteLocalPart(localPartOf(address)), delimiter)
  const found = store.read(findRecipient, { domain, readings })
  if (found !== null) return found
  // RFC 6531 lets a domain come in its own letters; ours are kept as the DNS knows them.
  const ascii = domainToASCII(domain)
  if (ascii === '' || ascii === domain) return null
  return store.read(findRecipient, { domain: ascii, readings })
}
