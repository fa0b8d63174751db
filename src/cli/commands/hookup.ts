// posthorn hookup: what the mail server must be told so that mail for lists comes here; prints it, or writes it.
import { resolve } from 'node:path'
import { hostFacts } from '../../app/host-facts.ts'
import { mailServerHost } from '../../app/mail-server-host.ts'
import { MINUTE } from '../../base/clock.ts'
import { Unavailable } from '../../base/unavailable.ts'
import type { HookupWay } from '../../model/hookup.ts'
import { defineCommand, EX } from '../command.ts'
import { hookupAsJson, hookupLines, ourLines } from '../hookup-words.ts'
import { refuse, writeHookup } from '../hookup-write.ts'
import { UsageFault } from '../options.ts'
import { publishAsOwner } from '../publish-as-owner.ts'

export const hookup = defineCommand({
  name: 'hookup',
  summary: 'Show or write what the mail server needs for the lists',
  about: `  Prints the exact lines for the mail server of this host, its domains and ports, joined to what is
  there, with a reason for each; changes nothing. MAIL-SERVER is postfix, exim, sendmail, opensmtpd,
  courier or qmail; without it the one that is installed is taken.

  With --write the lines go into the mail server's files, between '# posthorn hookup begin' and 'end'. A
  line that they replace stays beside them as a comment, the file as it was stays as FILE.posthorn-DATE,
  and a second run changes nothing. The changes are shown first, and asked about on a terminal; the
  tables are brought up to date before, and the mail server is told to reread afterwards.

  The ways: 'tables' fits every domain, also one where people live, and mail is taken while Posthorn is
  down. 'lookup' (list-only domains) asks the running Posthorn: a new list counts at once, no files, also
  across machines. 'verify' (list-only domains) asks the LMTP door at RCPT, and needs nothing else.`,
  examples: [
    'posthorn hookup',
    'posthorn hookup postfix --write',
    'posthorn hookup postfix --config-dir /srv/mail/etc/postfix --command-prefix "docker exec mail"',
  ],
  options: {
    write: { kind: 'flag', help: 'Write the lines into the files, after showing the changes.' },
    yes: { kind: 'flag', short: 'y', help: 'With --write: do not ask.' },
    way: {
      kind: 'one',
      value: 'WAY',
      choices: ['tables', 'lookup', 'verify'],
      help: 'How the mail server learns which addresses exist; else the facts choose.',
    },
    json: { kind: 'flag', help: 'As JSON.' },
    'config-dir': { kind: 'one', value: 'DIR', help: 'The folder that holds the files of the mail server.' },
    'command-prefix': {
      kind: 'one',
      value: 'CMD',
      help: 'Words before each command: the mail server is in a container or chroot.',
    },
  },
  args: { 'mail-server': 'optional' },
  async runHere(context, args) {
    const prefix = (args['command-prefix'] ?? '').split(/\s+/).filter((word) => word !== '')
    if (args.write && args.json) throw new UsageFault('--write and --json exclude each other.')
    if (args.write && prefix.length > 0)
      throw new UsageFault(
        '--write writes files of this machine: copy the lines there, or run this where the mail server is.',
      )
    const directory = args['config-dir']
    const host = mailServerHost({
      configDir: directory === null ? null : resolve(directory),
      commandPrefix: prefix,
      timeLimit: MINUTE, // of what is run afterwards: Sendmail compiles its configuration
    })
    const { out } = context
    // Loaded here only: the other commands start sooner without the guides of six mail servers.
    const { whichMailServer } = await import('../which-mail-server.ts')
    try {
      const guide = await whichMailServer(args['mail-server'], host)
      const config = context.config()
      const here = mailServerHost({ configDir: null, commandPrefix: [] })
      const facts = await hostFacts(config, here)
      // One of the choices above, as the parser has seen to.
      const way = (args.way ?? undefined) as HookupWay | undefined
      const make = () => guide.hookup(facts, host, way)
      const made = await make()
      if (args.json) {
        out.json(hookupAsJson(guide.name, made))
        return made.refusals.length === 0 ? EX.ok : EX.failed
      }
      if (made.refusals.length > 0) return refuse(out, made.refusals)
      if (args.write) {
        if (made.ours.length > 0)
          return refuse(out, [
            'Nothing was written: Posthorn itself is not ready for this yet.',
            ...ourLines(facts, made.ours),
          ])
        return await writeHookup(out, {
          host,
          name: guide.name,
          hookup: made,
          asks: !args.yes,
          publish: () => publishAsOwner(config),
          again: make,
        })
      }
      for (const line of hookupLines(guide.title, facts, made)) out.line(line)
      if (prefix.length === 0 && made.files.some(({ settings }) => settings.length > 0))
        out.line(`\n'posthorn hookup ${guide.name} --write' does all of this.`)
      return EX.ok
    } catch (fault) {
      if (!(fault instanceof Unavailable)) throw fault
      out.errorLine(`posthorn: ${fault.message}`)
      return EX.failed
    }
  },
})
