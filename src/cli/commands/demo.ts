// posthorn demo: a whole Posthorn to try, on loopback and in its own folder, with a mail catcher for a mail server.
import { resolve } from 'node:path'
import { runDemo } from '../../app/demo.ts'
import { defineCommand } from '../command.ts'
import { UsageFault } from '../options.ts'

const usualPort = 8024

export const demo = defineCommand({
  name: 'demo',
  summary: 'Try Posthorn: a list, three members and a mail catcher',
  about: `  Runs Posthorn on this machine alone, with a list, three members, and a mail catcher that
  shows each copy instead of a mail server that delivers it. Everything is kept in one folder;
  remove the folder to begin anew. Ctrl-C ends it.`,
  examples: ['posthorn demo', 'posthorn demo --directory /tmp/tea --lmtp-port 18024'],
  options: {
    directory: {
      kind: 'one',
      value: 'FOLDER',
      help: 'Where everything is kept; .posthorn-demo in the current directory unless given.',
    },
    'lmtp-port': {
      kind: 'one',
      value: 'N',
      help: `Where mail comes in, on 127.0.0.1; ${usualPort} unless given.`,
    },
  },
  args: {},
  async runHere({ out, answer, configFile }, { directory, 'lmtp-port': port }) {
    if (configFile !== null)
      throw new UsageFault('The demo writes its own configuration: leave -C out, or use posthorn start.')
    return runDemo(
      { directory: resolve(directory ?? '.posthorn-demo'), lmtpPort: portOf(port), cwd: process.cwd() },
      {
        say: (line) => out.line(line),
        onRefused: (words) => out.errorLine(`posthorn: ${words}`),
        answer: (services, server) => (call) => answer(services, server, call),
      },
    )
  },
})

function portOf(text: string | null): number {
  if (text === null) return usualPort
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535)
    throw new UsageFault(`Invalid value for --lmtp-port: '${text}' is no port; accepted: 1 to 65535.`)
  return port
}
