// posthorn changeaddress: an address becomes another in all of its memberships.
import { parseEmailAddress } from '../../mail/address.ts'
import { changeAddress } from '../../store/units/rosters.ts'
import { defineCommand, EX } from '../command.ts'
import { UsageFault } from '../options.ts'

export const changeaddress = defineCommand({
  name: 'changeaddress',
  summary: 'Change the address of a member everywhere',
  about: `  The address OLD becomes NEW in all lists and roles, with its name and its settings, and as the
  owner of domains. Mail that is on its way still goes to OLD. The letter case of NEW is kept.`,
  examples: ['posthorn changeaddress ann@example.com Ann@example.net'],
  options: { json: { kind: 'flag', help: 'Show what was done as JSON.' } },
  args: { old: 'required', new: 'required' },
  async run({ services: { store, log }, out }, { old, new: wanted, json }) {
    const from = parseEmailAddress(old.trim())
    if (from === null) throw new UsageFault(`Address ${old} not found.`)
    const to = parseEmailAddress(wanted.trim())
    if (to === null) throw new UsageFault(`Address ${wanted} is not a valid email address.`)
    switch (await store.commit(changeAddress, { from, to })) {
      case 'unknown':
        throw new UsageFault(`Address ${old} not found.`)
      case 'same':
        throw new UsageFault('Addresses are not different.  Nothing to change.')
      case 'taken':
        throw new UsageFault(`Address ${wanted} already exists; can't change.`)
      case 'changed':
        log.info('address.changed', { from, to })
        if (json) out.json({ from, to })
        else out.line(`Address changed from ${old} to ${wanted}.`)
        return EX.ok
    }
  },
})
