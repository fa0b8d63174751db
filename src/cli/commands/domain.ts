// posthorn domain: the mail domains that lists live in.
import { addDomain, changeDomain, type DomainOutcome, removeDomain } from '../../lists/domains.ts'
import { type EmailAddress, parseEmailAddress } from '../../mail/address.ts'
import { allDomains } from '../../store/units/lists.ts'
import { type CommandContext, defineCommand, EX } from '../command.ts'
import { noneOf, UsageFault } from '../options.ts'
import { published } from '../publishing.ts'
import { columns, counted } from '../words.ts'

export const domain = defineCommand({
  name: 'domain',
  summary: 'Show, add, change or remove mail domains',
  about: `  ACTION is list, add, set or remove; the last three need the NAME of a domain. 'set' leaves
  what is not given as it is. Only a domain without lists can be removed.`,
  examples: [
    'posthorn domain list',
    'posthorn domain add lists.example.org --list-only --owner ann@example.com',
    'posthorn domain set lists.example.org --alias-domain lists.internal.example.org',
  ],
  options: {
    'alias-domain': {
      kind: 'one',
      value: 'OTHER',
      help: 'OTHER stands for this domain in mail that comes in (Postfix virtual alias domain).',
    },
    'no-alias-domain': { kind: 'flag', help: 'No other domain stands for this one.' },
    description: { kind: 'one', value: 'TEXT', help: 'A description.' },
    owner: {
      kind: 'many',
      value: 'ADDRESS',
      help: 'An owner; given once or more, these replace those there are.',
    },
    'list-only': {
      kind: 'switch',
      off: { long: 'shared' },
      help: 'Nothing but lists lives in this domain, or (the default) mailboxes too.',
    },
    json: { kind: 'flag', help: "With 'list': as JSON." },
  },
  args: { action: 'required', name: 'optional' },
  suggests: { action: ['list', 'add', 'set', 'remove'] },
  async run(context, args) {
    const { services } = context
    const { action, name, json } = args
    if (action === 'list') return list(context, name, json)
    if (action !== 'add' && action !== 'set' && action !== 'remove')
      throw new UsageFault(`${noneOf(action, ['list', 'add', 'set', 'remove'])}.`)
    if (name === null) throw new UsageFault(`'domain ${action}' needs the NAME of a domain.`)
    if (action === 'remove') return tell(context, 'removed', await removeDomain(services, name))
    const alias = args['alias-domain']
    if (alias !== null && args['no-alias-domain'])
      throw new UsageFault('--alias-domain and --no-alias-domain exclude each other.')
    const wanted = {
      mailHost: name,
      ...(args.description === null ? {} : { description: args.description }),
      ...(args['list-only'] === null ? {} : { listOnly: args['list-only'] }),
      ...(alias === null ? {} : { aliasDomain: alias }),
      ...(args['no-alias-domain'] ? { aliasDomain: null } : {}),
      ...(args.owner.length === 0 ? {} : { owners: ownersOf(args.owner) }),
    }
    if (action === 'add') return tell(context, 'added', await addDomain(services, wanted))
    return tell(context, 'changed', await changeDomain(services, wanted))
  },
})

function ownersOf(texts: readonly string[]): readonly EmailAddress[] {
  return texts.map((text) => {
    const address = parseEmailAddress(text)
    if (address === null) throw new UsageFault(`Illegal owner addresses: ${text}`)
    return address
  })
}

function list({ services: { store }, out }: CommandContext, name: string | null, json: boolean): number {
  const found = store
    .read(allDomains, undefined)
    .filter(({ mailHost }) => name === null || mailHost === name.toLowerCase())
  if (json) {
    out.json(
      found.map(({ mailHost, description, aliasDomain, listOnly, owners }) => ({
        mail_host: mailHost,
        description,
        alias_domain: aliasDomain,
        list_only: listOnly,
        owners,
      })),
    )
    return EX.ok
  }
  if (found.length === 0) out.line(name === null ? 'There are no domains' : `There is no domain ${name}`)
  const rows = found.map(({ mailHost, aliasDomain, listOnly, description, owners }) => [
    mailHost,
    listOnly ? 'list-only' : 'shared',
    aliasDomain === null ? '' : `alias ${aliasDomain}`,
    [description, ...(owners.length === 0 ? [] : [`owners: ${owners.join(', ')}`])]
      .filter((text) => text !== '')
      .join('; '),
  ])
  for (const line of columns(rows)) out.line(line)
  return name !== null && found.length === 0 ? EX.notFound : EX.ok
}

async function tell(context: CommandContext, done: string, outcome: DomainOutcome): Promise<number> {
  const { out, services } = context
  switch (outcome.kind) {
    case 'done':
      services.log.info(`domain.${done}`, { domain: outcome.mailHost })
      return published(context, `${outcome.mailHost} has been ${done}`)
    case 'bad-name':
      throw new UsageFault(outcome.why)
    case 'exists':
      throw new UsageFault(`Domain already exists: ${outcome.mailHost}; 'posthorn domain set' changes it`)
    case 'no-domain':
      out.errorLine(`No such domain: ${outcome.mailHost}; 'posthorn domain list' shows them`)
      return EX.notFound
    case 'is-alias':
      throw new UsageFault(`${outcome.mailHost} is the alias of another domain; take it away there first`)
    case 'alias-taken':
      throw new UsageFault(
        `${outcome.aliasDomain} is a domain of its own, or the alias of another: it would hide that domain's lists`,
      )
    case 'has-lists':
      out.errorLine(
        `${outcome.mailHost} still has ${counted(outcome.lists, 'list')}; remove them first ('posthorn lists --domain ${outcome.mailHost}')`,
      )
      return EX.failed
  }
}
