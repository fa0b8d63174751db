// posthorn demo: a whole Posthorn to try, on loopback and in its own folder, with a mail catcher for a mail server.
import { resolve } from 'node:path'
import { defineCommand } from '../command.ts'
import { UsageFault } from '../options.ts'

const usual = { lmtp: 8024, web: 8080 }

export const demo = defineCommand({
  name: 'demo',
  summary: 'Try Posthorn: a list, three members and a mail catcher',
  about: `  Runs Posthorn on this machine alone, with a list, three members, and a mail catcher that
  shows each copy instead of a mail server that delivers it. A page in the browser
  (http://localhost:${usual.web}) is there to write posts and watch them pass each station.
  Everything is kept in one folder; remove the folder to begin anew. Ctrl-C ends it.`,
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
      help: `Where mail comes in, on 127.0.0.1; ${usual.lmtp} unless given.`,
    },
    'web-port': {
      kind: 'one',
      value: 'N',
      help: `Where the page is, on 127.0.0.1; ${usual.web} unless given.`,
    },
  },
  args: {},
  async runHere({ out, answer, configFile }, { directory, 'lmtp-port': lmtp, 'web-port': web }) {
    if (configFile !== null)
      throw new UsageFault('The demo writes its own configuration: leave -C out, or use posthorn start.')
    const settings = {
      directory: resolve(directory ?? '.posthorn-demo'),
      lmtpPort: portOf(lmtp, '--lmtp-port', usual.lmtp),
      webPort: portOf(web, '--web-port', usual.web),
      cwd: process.cwd(),
    }
    const { runDemo } = await import('../../app/demo.ts') // with its page, which no other command needs
    return runDemo(settings, {
      say: (line) => out.line(line),
      onRefused: (words) => out.errorLine(`posthorn: ${words}`),
      answer: (services, server) => (call) => answer(services, server, call),
    })
  },
})

function portOf(text: string | null, option: string, usually: number): number {
  if (text === null) return usually
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535)
    throw new UsageFault(`Invalid value for ${option}: '${text}' is no port; accepted: 1 to 65535.`)
  return port
}
