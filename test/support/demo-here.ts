// The demo in this very process: a whole server with its page and its mail catcher, real HTTP, LMTP and SMTP, and a
// fresh folder.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runDemo } from '../../src/app/demo.ts'
import { runCommand } from '../../src/cli/run-command.ts'
import { type Answers, handIn } from './hand-in.ts'
import { eventually, freePort } from './server.ts'

export interface DemoHere extends AsyncDisposable {
  readonly port: number
  readonly lmtpPort: number
  /** What it printed. */
  readonly said: readonly string[]
  get(path: string): Promise<Response>
  /** Sends the form; redirections are not followed. */
  post(
    fields: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response>
  /** Sends the form, and gives the path of the page that tells of it. */
  posted(fields: Readonly<Record<string, string>>): Promise<string>
  /** The page of a post, once nothing more happens to it. */
  whenOver(path: string): Promise<string>
  /** By LMTP, past the page; the path of its page. */
  handIn(from: string, to: string, message: string): Promise<string>
  /** What the server sends at this address until it has sent what is wanted. */
  events(path: string, wanted: RegExp): Promise<string>
}

/** On ports that were free a moment ago, unless given. */
export async function demoHere(
  given: { readonly port?: number; readonly lmtpPort?: number } = {},
): Promise<DemoHere> {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-demo-here-'))
  const { lmtpPort = await freePort(), port = await freePort() } = given
  const said: string[] = []
  const ending = new AbortController()
  let words = ''
  const ended = runDemo(
    { directory, lmtpPort, webPort: port, cwd: '/' },
    {
      say: (line) => said.push(line),
      onRefused: (refusal) => {
        words = refusal
      },
      answer: (services, server) => (call) => runCommand(services, server, call),
      signal: ending.signal,
    },
  )
  let over = false
  const done = ended.finally(() => {
    over = true
  })
  await eventually('the demo to be ready', () => over || said.some((line) => line.includes('Ctrl-C')), 60_000)
  if (over) throw new Error(`the demo did not start: ${words}`)

  const url = (path: string): string => `http://localhost:${port}${path}`
  const get: DemoHere['get'] = (path) => fetch(url(path))
  const post: DemoHere['post'] = (fields, headers = {}) =>
    fetch(url('/posts'), { method: 'POST', body: new URLSearchParams(fields), headers, redirect: 'manual' })
  return {
    port,
    lmtpPort,
    said,
    get,
    post,
    posted: async (fields) => {
      const answer = await post(fields)
      await answer.text()
      return answer.headers.get('location') ?? ''
    },
    whenOver: (path) =>
      eventually(`the end of ${path}`, async () => {
        const answer = await get(path)
        const page = await answer.text()
        return answer.status === 200 && !page.includes('http-equiv="refresh"') && page
      }),
    handIn: async (from, to, message) => {
      const answers: Answers = await handIn({ port: lmtpPort, from, to: [to], message })
      return `/posts/${/queued as (\d+)/.exec(answers.end[0] ?? '')?.[1]}`
    },
    events: async (path, wanted) => {
      const hangUp = new AbortController()
      const { body } = await fetch(url(path), { signal: hangUp.signal })
      let heard = ''
      const decoder = new TextDecoder()
      for await (const chunk of body ?? []) {
        heard += decoder.decode(chunk, { stream: true })
        if (wanted.test(heard)) break
      }
      hangUp.abort()
      return heard
    },
    [Symbol.asyncDispose]: async () => {
      ending.abort()
      await done
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
