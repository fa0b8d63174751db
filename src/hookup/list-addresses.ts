// The addresses of a list, as the tables of every mail server name them: the posting address and its sub-addresses.
import { subAddresses } from '../model/list.ts'

/** What follows the list's name in each of its addresses; '' is the posting address. */
export const tails: readonly string[] = ['', ...subAddresses.map((tail) => `-${tail}`)]

/** Order of code points, which no locale changes. */
export const byCodePoint = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** As part of a POSIX extended or a Perl-compatible expression between slashes, where it means itself. */
export const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
