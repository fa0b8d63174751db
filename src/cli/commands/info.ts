// posthorn info: what is in force here: program, configuration, places. No secrets.
import { databasePath } from '../../app/data-directory.ts'
import { nameOf } from '../../config/names.ts'
import { defineCommand, EX } from '../command.ts'
import { version } from '../overview.ts'
import { columns } from '../words.ts'

export const info = defineCommand({
  name: 'info',
  summary: 'Show version, configuration file and places',
  about: '  Shows which program and which settings are in force. Passwords are never shown.',
  examples: ['posthorn info', 'posthorn info -v --json'],
  options: {
    output: { kind: 'one', short: 'o', value: 'FILE', help: 'Write to FILE instead of standard output.' },
    verbose: { kind: 'flag', short: 'v', help: 'The places of all files too.' },
    json: { kind: 'flag', help: 'As JSON.' },
  },
  args: {},
  async runHere(context, { output, verbose, json }) {
    const config = context.config()
    const { lmtp, mta, paths } = config
    const facts = {
      version,
      node: process.version,
      'config file': config.source ?? '(none: the defaults)',
      database: config.store.url ?? databasePath(config),
      'LMTP door': [`${mta.lmtpHost}:${mta.lmtpPort}`, ...(lmtp.socket === null ? [] : [lmtp.socket])].join(
        ', ',
      ),
      'mail server in': mta.incoming.map(nameOf).join(' '),
      'mail server out':
        mta.outgoing.kind === 'module' ? nameOf(mta.outgoing) : `${mta.smtpHost}:${mta.smtpPort}`,
    }
    const places = Object.entries(paths).filter(([name]) => name !== 'layout')
    const text = json
      ? `${JSON.stringify({ ...facts, paths }, null, 2)}\n`
      : [
          `Posthorn ${version}`,
          ...Object.entries(facts)
            .slice(1)
            .map(([name, value]) => `${name}: ${value}`),
          ...(verbose
            ? ['File system paths:', ...columns(places.map(([name, path]) => [`    ${name}`, `= ${path}`]))]
            : []),
          '',
        ].join('\n')
    await context.write(output, text)
    return EX.ok
  },
})
