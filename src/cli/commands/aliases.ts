// posthorn aliases: makes the mail server's tables anew.
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { configuredMailServers } from '../../app/configured-mail-servers.ts'
import { SiteModuleRefusal } from '../../app/site-modules.ts'
import { directory as listDirectory } from '../../store/units/lists.ts'
import { defineCommand, EX } from '../command.ts'
import { UsageFault } from '../options.ts'

export const aliases = defineCommand({
  name: 'aliases',
  summary: "Make the mail server's tables anew",
  about: `  Makes the tables that the mail server reads from the lists as they are. Files whose content
  would be the same are left alone. Silent on success.`,
  examples: ['posthorn aliases', 'posthorn aliases -d preview'],
  options: {
    directory: {
      kind: 'one',
      short: 'd',
      value: 'DIR',
      help: 'Put the tables into DIR, which must exist, instead of data_dir.',
    },
  },
  args: {},
  async run({ services, server, out, cwd }, { directory }) {
    if (directory === null) {
      const fault = await server.publish((advice) => out.errorLine(`Note: ${advice}.`))
      if (fault === null) return EX.ok
      out.errorLine(`The mail server's tables could not be made: ${fault}`)
      return EX.failed
    }
    const path = resolve(cwd, directory)
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new UsageFault(`Invalid value for -d: '${directory}' is no directory.`)
    const { directory: lists } = services.store.read(listDirectory, null)
    try {
      for (const mailServer of await configuredMailServers(services.config, path))
        await mailServer.publish(lists)
      return EX.ok
    } catch (fault) {
      if (!(fault instanceof SiteModuleRefusal)) throw fault
      out.errorLine(`The mail server's tables could not be made: ${fault.message}`)
      return EX.failed
    }
  },
})
