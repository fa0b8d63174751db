// Lists and domains as they may be, for properties of the mail server's tables: names of every sign that listname_chars
// can allow, in domains that look like each other.
import fc from 'fast-check'
import { subAddresses } from '../../src/model/list.ts'
import type { ListDirectory } from '../../src/model/mail-server.ts'

const names = fc.oneof(
  fc.stringMatching(/^[a-z0-9_+=!$*{}~-][a-z0-9._+=!$*{}~-]{0,8}$/),
  fc.constantFrom('tea', 'tea-bounces', 'tea.room', 'teaxroom', 'a+b', 'a$1', 'x*', '{2}', 'c++'),
)
const hosts = fc.constantFrom(
  'example.org',
  'exampleXorg.net',
  'lists.example.org',
  'a-b.test',
  'xn--bcher-kva.example',
)

/** No two domains of the same name, no two lists of the same address. */
export const anyDirectory = (): fc.Arbitrary<ListDirectory> =>
  fc
    .uniqueArray(
      fc.record({
        mailHost: hosts.map((host) => host.toLowerCase()),
        aliasDomain: fc.constant(null),
        listOnly: fc.boolean(),
        listNames: fc.uniqueArray(names, { maxLength: 4 }),
      }),
      { maxLength: 4, selector: ({ mailHost }) => mailHost },
    )
    .map((domains) => ({ domains }))

/** Every address of every list, each once. */
export function listAddresses({ domains }: ListDirectory): string[] {
  const tails = ['', ...subAddresses.map((tail) => `-${tail}`)]
  const all = domains.flatMap(({ mailHost, listNames }) =>
    listNames.flatMap((name) => tails.map((tail) => `${name}${tail}@${mailHost}`)),
  )
  return [...new Set(all)]
}
