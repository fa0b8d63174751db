// posthorn restart: stop, then start; also starts a server that does not run.
import { whoHoldsLock } from '../../app/data-directory.ts'
import { defineCommand, EX } from '../command.ts'
import { startServer } from './start.ts'
import { stopServer } from './stop.ts'

export const restart = defineCommand({
  name: 'restart',
  summary: 'Stop the server and start it again',
  about: '  Stops the server if it runs, then starts it. The configuration is checked first.',
  examples: ['posthorn restart'],
  options: { quiet: { kind: 'flag', short: 'q', help: 'Print nothing but mistakes.' } },
  args: {},
  async runHere(context, { quiet }) {
    if (whoHoldsLock(context.config()) !== null) {
      const code = await stopServer(context, quiet)
      if (code !== EX.ok) return code
    }
    return startServer(context, quiet)
  },
})
