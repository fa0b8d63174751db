// posthorn remove: a list goes, with its members, bans and held posts.
import { removeList } from '../../lists/remove.ts'
import { defineCommand, EX } from '../command.ts'
import { noSuchList } from '../naming-lists.ts'
import { published } from '../publishing.ts'

export const remove = defineCommand({
  name: 'remove',
  summary: 'Remove a mailing list',
  about: `  Removes the list LISTSPEC (posting address or List-Id) with its members, bans and held
  posts. Posts that were accepted still go out, and the stories of its posts stay.
  A list that is not there is no mistake: the exit code is 0.`,
  examples: ['posthorn remove tea@lists.example.org'],
  options: { quiet: { kind: 'flag', short: 'q', help: 'Print nothing but mistakes.' } },
  args: { listspec: 'required' },
  async run(context, { listspec, quiet }) {
    const { services, out } = context
    const outcome = await removeList(services, listspec)
    if (outcome.kind === 'no-such-list') {
      if (!quiet)
        out.line(noSuchList(services.store, listspec).replace('No such list', 'No such list matching spec'))
      return EX.ok
    }
    services.log.info('list.removed', { list: outcome.address })
    if (!quiet) out.line(`Removed list: ${outcome.address}`)
    return published(context, `${outcome.address} has been removed`)
  },
})
