// The command line of the programs here: --help tells, wrong use is one line and exit 2.

import path from 'node:path'
import { parseArgs } from 'node:util'

/** Says what is wrong with the use of this program, and leaves with 2. */
export function wrongUse(message) {
  console.error(`${path.basename(process.argv[1])}: ${message} (--help tells more)`)
  process.exit(2)
}

/**
 * Reads the words behind the program's name. `options` is as for util.parseArgs, with the type 'number' besides;
 * a default gives the option its value. Returns the values, and the words without a dash as `words`: one for each
 * name in `words`, all of them needed.
 */
export function readArguments({ usage, options = {}, words = [] }) {
  const plain = Object.fromEntries(
    Object.entries(options).map(([name, { type, multiple = false }]) => [
      name,
      { type: type === 'number' ? 'string' : type, multiple },
    ]),
  )
  let parsed
  try {
    parsed = parseArgs({
      options: { ...plain, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    })
  } catch (fault) {
    wrongUse(fault.message.split('. ')[0])
  }
  if (parsed.values.help) {
    console.log(usage)
    process.exit(0)
  }
  if (parsed.positionals.length < words.length) wrongUse(`${words[parsed.positionals.length]} is missing`)
  const tooMuch = parsed.positionals[words.length]
  if (tooMuch !== undefined) wrongUse(`'${tooMuch}' is one word too many`)
  const values = {}
  for (const [name, { type, default: fallback }] of Object.entries(options)) {
    const given = parsed.values[name] ?? fallback
    const value = type === 'number' && given !== undefined ? Number(given) : given
    if (Number.isNaN(value) || given === '') wrongUse(`--${name}: '${given}' is not a number`)
    values[name] = value
  }
  return { ...values, words: parsed.positionals }
}

/** ['posts=5', 'kind=empty'] to { posts: 5, kind: 'empty' }; `option` is the name to complain with. */
export function keyValues(option, pairs) {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) wrongUse(`--${option} ${pair}: write KEY=VALUE`)
      const value = pair.slice(at + 1)
      return [pair.slice(0, at), /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value]
    }),
  )
}
