import { deepEqual, equal, match, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { helpOf, parseOptions, UsageFault, usageOf } from './options.ts'

const options = {
  owner: { kind: 'many', short: 'o', value: 'ADDRESS', help: 'An owner.' },
  notify: { kind: 'switch', short: 'n', off: { long: 'no-notify', short: 'N' }, help: 'Write a letter.' },
  quiet: { kind: 'flag', short: 'q', help: 'Say nothing.' },
  role: { kind: 'one', short: 'R', value: 'ROLE', choices: ['any', 'owner'], help: 'Who.' },
  output: { kind: 'one', value: 'FILE', help: 'Where.' },
} as const
const args = { listname: 'required', more: 'rest' } as const

const nothing = { owner: [], notify: null, quiet: false, role: null, output: null, listname: 'tea', more: [] }

for (const { argv, gives } of [
  { argv: ['tea'], gives: {} },
  { argv: ['tea', 'a', '-', 'b'], gives: { more: ['a', '-', 'b'] } },
  { argv: ['-o', 'ann', '--owner=bea', '-ocem', 'tea'], gives: { owner: ['ann', 'bea', 'cem'] } },
  { argv: ['tea', '-qn'], gives: { quiet: true, notify: true } },
  { argv: ['-n', '-N', 'tea'], gives: { notify: false } },
  { argv: ['--no-notify', 'tea'], gives: { notify: false } },
  { argv: ['-qR', 'owner', 'tea'], gives: { quiet: true, role: 'owner' } },
  { argv: ['--output', '-', 'tea'], gives: { output: '-' } },
  { argv: ['--output=', 'tea'], gives: { output: '' } },
  { argv: ['tea', '-5'], gives: { more: ['-5'] } },
  { argv: ['-q', '--', 'tea', '-n'], gives: { quiet: true, more: ['-n'] } },
])
  test(`'${argv.join(' ')}' is understood`, () => {
    const read = parseOptions(argv, options, args)
    deepEqual(read, { help: false, parsed: { ...nothing, ...gives } })
  })

for (const { argv, says } of [
  { argv: [], says: /^Missing argument 'LISTNAME'\.$/ },
  { argv: ['--ownr', 'x', 'tea'], says: /^No such option: --ownr; did you mean '--owner'\?$/ },
  { argv: ['-x', 'tea'], says: /^No such option: -x$/ },
  { argv: ['tea', '-o'], says: /^Option -o needs a value: ADDRESS\.$/ },
  { argv: ['--quiet=yes', 'tea'], says: /^Option --quiet takes no value\.$/ },
  { argv: ['-R', 'king', 'tea'], says: /^Invalid value for -R: 'king' is not one of any, owner\.$/ },
])
  test(`'${argv.join(' ')}' is refused by name`, () => {
    throws(
      () => parseOptions(argv, options, args),
      (fault) => {
        match((fault as UsageFault).message, says)
        return fault instanceof UsageFault
      },
    )
  })

test('an argument too many is refused', () => {
  throws(() => parseOptions(['a', 'b'], {}, { one: 'required' } as const), /unexpected extra argument \(b\)/)
})

test('help wins over whatever else is there', () => {
  deepEqual(parseOptions(['-h'], options, args), { help: true })
  deepEqual(parseOptions(['tea', '--help'], options, args), { help: true })
})

test('after -- every word is an argument, whatever it looks like', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      const read = parseOptions(['--', ...words], options, { words: 'rest' } as const)
      deepEqual(read.help ? null : read.parsed.words, words)
    }),
  )
})

test('any value survives the long form', () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      const read = parseOptions([`--output=${value}`], options, {})
      equal(read.help ? null : read.parsed.output, value)
    }),
  )
})

test('usage and help name what can be given', () => {
  equal(usageOf('create', args), 'create [OPTIONS] LISTNAME [MORE]...')
  const help = helpOf(options)
  for (const shown of ['-o, --owner ADDRESS', '-n, --notify / -N, --no-notify', 'any|owner', '-h, --help'])
    equal(help.includes(shown), true, shown)
})
