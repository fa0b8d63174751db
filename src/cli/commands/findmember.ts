// posthorn findmember: in which lists, and as what, the addresses are that a pattern fits.
import { runInNewContext } from 'node:vm'
import { SECOND } from '../../base/clock.ts'
import type { Role } from '../../model/member.ts'
import { addressKeys, type FoundMembership, membershipsOfKeys } from '../../store/units/rosters.ts'
import { type CommandContext, defineCommand, EX } from '../command.ts'
import { roleChoices } from '../member-words.ts'
import { UsageFault } from '../options.ts'

const { any, ...named } = roleChoices
const choices = { all: any, ...named } as const satisfies Readonly<Record<string, readonly Role[]>>

const atOnce = 1000
const longestSearch = SECOND

export const findmember = defineCommand({
  name: 'findmember',
  summary: 'Find members by a pattern of their addresses',
  about: `  Looks for PATTERN, a regular expression in any letter case, in the addresses of the whole site,
  and shows their memberships. It need not fit the whole address: ^ and $ tie it to the ends.`,
  examples: ['posthorn findmember ann@', "posthorn findmember -r owner '@example\\.com$'"],
  options: {
    role: {
      kind: 'one',
      short: 'r',
      value: 'ROLE',
      choices: Object.keys(choices),
      help: 'Only memberships of this role; all unless given.',
    },
    json: { kind: 'flag', help: 'As JSON.' },
  },
  args: { pattern: 'required' },
  async run(context, { pattern, role, json }) {
    const { out } = context
    const roles = choices[(role ?? 'all') as keyof typeof choices]
    let separator = ''
    if (json) out.line('[')
    for await (const found of search(context, pattern, roles)) {
      if (json) {
        for (const { address, listId, role: as } of found) {
          out.line(`${separator}${JSON.stringify({ address, list_id: listId, role: as })}`)
          separator = ','
        }
      } else for (const line of linesAbout(found)) out.line(line)
      await out.drained()
    }
    if (json) out.line(']')
    return EX.ok
  },
})

async function* search(
  { services: { store }, signal }: CommandContext,
  pattern: string,
  roles: readonly Role[],
): AsyncGenerator<readonly FoundMembership[]> {
  const fits = matcher(pattern)
  for (let after = ''; !signal.aborted; ) {
    const keys = store.read(addressKeys, { after, limit: atOnce })
    const fitting = fits(keys)
    if (fitting.length > 0) yield store.read(membershipsOfKeys, { keys: fitting, roles })
    if (keys.length < atOnce) return
    after = keys.at(-1) ?? ''
    await new Promise(setImmediate) // the server has other things to do as well
  }
}

/** The addresses that the pattern fits. A pattern that takes for ever is ended. Throws UsageFault. */
function matcher(pattern: string): (keys: readonly string[]) => readonly string[] {
  try {
    new RegExp(pattern, 'i')
  } catch (fault) {
    throw new UsageFault(`'${pattern}' is no regular expression: ${(fault as Error).message}`)
  }
  return (keys) => {
    try {
      const fitting: unknown = runInNewContext(
        'JSON.stringify(JSON.parse(keys).filter((key) => expression.test(key)))',
        { keys: JSON.stringify(keys), expression: new RegExp(pattern, 'i') },
        { timeout: longestSearch },
      )
      return JSON.parse(String(fitting)) as string[]
    } catch (fault) {
      if ((fault as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw fault
      throw new UsageFault(`The pattern takes too long to try: '${pattern}'; make it simpler.`)
    }
  }
}

function* linesAbout(found: readonly FoundMembership[]): Generator<string> {
  let last: FoundMembership | null = null
  for (const each of found) {
    if (last?.address !== each.address) yield `Email: ${each.address}`
    if (last?.address !== each.address || last.listId !== each.listId) yield `    List: ${each.listId}`
    yield `        MemberRole.${each.role}`
    last = each
  }
}
