// posthorn aliases: makes the mail server's tables anew.
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { configuredMailServers } from '../../app/configured-mail-servers.ts'
import { SiteModuleRefusal } from '../../app/site-modules.ts'
import type { Config } from '../../config/config.ts'
import { tableType } from '../../config/postfix.ts'
import { reported } from '../../hookup/publisher.ts'
import type { PublishedFile } from '../../model/mail-server.ts'
import { directory as listDirectory } from '../../store/units/lists.ts'
import { defineCommand, EX } from '../command.ts'
import { UsageFault } from '../options.ts'

export const aliases = defineCommand({
  name: 'aliases',
  summary: "Make the mail server's tables anew",
  about: `  Makes the tables that the mail server reads from the lists as they are. Files whose content
  would be the same are left alone. Silent on success.`,
  examples: ['posthorn aliases', 'posthorn aliases -d preview --format lmdb'],
  options: {
    directory: {
      kind: 'one',
      short: 'd',
      value: 'DIR',
      help: 'Put the tables into DIR, which must exist, instead of data_dir.',
    },
    format: {
      kind: 'one',
      value: 'KIND',
      help: 'Make tables for Postfix of this kind (hash, regexp, lmdb ...), this once.',
    },
  },
  args: {},
  async run({ services, server, out, cwd }, { directory, format }) {
    const config = withFormat(services.config, format)
    const advise = (advice: string) => out.errorLine(`Note: ${advice}.`)
    if (directory === null && format === null) {
      const fault = await server.publish(advise)
      if (fault === null) return EX.ok
      out.errorLine(`The mail server's tables could not be made: ${fault}`)
      return EX.failed
    }
    const path = directory === null ? null : resolve(cwd, directory)
    if (path !== null && statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new UsageFault(`Invalid value for -d: '${directory}' is no directory.`)
    const { directory: lists } = services.store.read(listDirectory, null)
    try {
      const servers = await configuredMailServers(config, path)
      const published: PublishedFile[] = []
      for (const mailServer of servers) published.push(...(await mailServer.publish(lists)))
      if (path === null) reported({ kind: 'published', generation: 0, published }, advise)
      return EX.ok
    } catch (fault) {
      if (!(fault instanceof SiteModuleRefusal)) throw fault
      out.errorLine(`The mail server's tables could not be made: ${fault.message}`)
      return EX.failed
    }
  },
})

function withFormat(config: Config, format: string | null): Config {
  if (format === null) return config
  const parsed = tableType.parse(format, { directory: '/', distrust: null })
  if ('wrong' in parsed)
    throw new UsageFault(`Invalid value for --format: ${parsed.wrong}; accepted: ${tableType.accepted}`)
  return { ...config, postfix: { ...config.postfix, transportFileType: parsed.value } }
}
