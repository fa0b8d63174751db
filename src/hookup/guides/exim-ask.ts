// What Exim itself says: does it read its configuration (-bV), where would it send an address (-bt), what does it answer
// at RCPT (-bhc), how does it rewrite an address (-brw). Law: nothing is delivered and nothing is kept but Exim's own hints
// about the addresses that were asked for.
import type { MailServerHost } from '../../model/hookup.ts'

/** A way to start this Exim with this configuration: program and options. */
export type EximCommand = readonly [string, ...string[]]

export interface Route {
  readonly address: string
  readonly outcome: 'routed' | 'undeliverable' | 'deferred' | 'discarded'
  readonly router: string | null
  readonly transport: string | null
  /** What Exim says, one line. */
  readonly words: string
}

/** `exim -bt`: where Exim would send each address. The order is that of `addresses`. */
export async function routesOf(
  host: MailServerHost,
  command: EximCommand,
  addresses: readonly string[],
): Promise<readonly Route[]> {
  if (addresses.length === 0) return []
  const ended = await host.run([...command, '-bt', ...addresses])
  const told = readRoutes(ended?.out ?? '')
  const routes: Route[] = []
  for (const address of addresses)
    routes.push(told.find((route) => route.address === address) ?? (await redirected(host, command, address)))
  return routes
}

/** One that Exim tells about under another address: an alias of somebody who has a file. */
async function redirected(host: MailServerHost, command: EximCommand, address: string): Promise<Route> {
  const ended = await host.run([...command, '-bt', address])
  const [block = ''] = (ended?.out ?? '').split(/\n(?=\S)/)
  const transport = /transport = (\S+)/.exec(block)?.[1] ?? null
  const router = (await routersTried(host, command, address)).at(-1)?.name ?? null
  const words = `${address}: ${block.trim().replace(/\s*\n\s*/g, '; ')}`
  return { address, outcome: 'routed', router, transport, words }
}

/** Pure: the blocks that `exim -bt` prints. */
export function readRoutes(out: string): readonly Route[] {
  const routes: Route[] = []
  const blocks = out.split(/\n(?=\S)/)
  for (const block of blocks) {
    const [head = '', ...rest] = block.split('\n')
    const parents = rest.flatMap((line) => /^\s+<-- (.+)$/.exec(line)?.[1]?.trim() ?? [])
    const [, router = null, transport = null] = /router = ([^,\s]+), transport = (\S+)/.exec(block) ?? []
    const [, failed, state] = /^(\S+) (is undeliverable|cannot be resolved at this time)/.exec(head) ?? []
    const discarded = /^mail to (\S+) is discarded/.exec(head)?.[1]
    const address = parents.at(-1) ?? failed ?? discarded ?? head.trim().split(' ')[0] ?? ''
    if (address === '') continue
    const outcome =
      state === 'is undeliverable'
        ? 'undeliverable'
        : state !== undefined
          ? 'deferred'
          : discarded !== undefined
            ? 'discarded'
            : 'routed'
    const words = state === undefined ? block.trim().replace(/\s*\n\s*/g, '; ') : head
    routes.push({ address, outcome, router, transport, words })
  }
  return routes
}

/** The routers that Exim called or passed for an address, in order, with the reason when one was passed. */
export async function routersTried(
  host: MailServerHost,
  command: EximCommand,
  address: string,
): Promise<readonly { readonly name: string; readonly words: string }[]> {
  const ended = await host.run([...command, '-d-all+route', '-bt', address])
  const tried: { name: string; words: string }[] = []
  // What it is redirected to comes next.
  const [, own = ''] = (ended?.err ?? '').split(/^(?:[\d:.]+ +\d* *)?routing /m)
  for (const line of own.split('\n')) {
    const text = line.replace(/^[\d:.]* *\d* /, '').trim()
    const name = /^-+> (\S+) router <-+$/.exec(text)?.[1]
    const last = tried.at(-1)
    if (name !== undefined) tried.push({ name, words: '' })
    else if (last !== undefined && / router skipped: |declined|"more" is false|routed by|forced/.test(text))
      last.words = text
  }
  return tried
}

/** What Exim answers to one RCPT, and which statement of its access control list said so. */
export interface DoorAnswer {
  readonly recipient: string
  readonly reply: string
  readonly statement: { readonly file: string; readonly line: number } | null
}

/** `exim -bhc`: a session from `address`, by a null sender; callouts are made. Null when Exim cannot be asked. */
export async function doorAnswers(
  host: MailServerHost,
  command: EximCommand,
  address: string,
  sender: string,
  recipients: readonly string[],
): Promise<readonly DoorAnswer[] | null> {
  const lines = [
    'EHLO mail.example.org',
    `MAIL FROM:<${sender}>`,
    ...recipients.map((to) => `RCPT TO:<${to}>`),
    'QUIT',
  ]
  const ended = await host.run([...command, '-bhc', address], lines.map((line) => `${line}\r\n`).join(''))
  if (ended === null) return null
  return readAnswers(ended.out, ended.err, recipients)
}

/** Pure: the replies on standard output, and the statements on standard error. Null when the session did not come to RCPT. */
export function readAnswers(
  out: string,
  err: string,
  recipients: readonly string[],
): readonly DoorAnswer[] | null {
  const replies = out.split('\n').filter((line) => /^\d{3} /.test(line))
  const [greeting = '', hello = '', , ...answers] = replies
  if (!greeting.startsWith('220') || !hello.startsWith('250')) return null
  // A session for each RCPT: `using ACL "acl_check_rcpt"` begins it.
  const traces = err.split(/^>>> using ACL "/m).filter((trace) => />>> end of ACL/.test(trace))
  const rcpt = traces.slice(-recipients.length)
  return recipients.flatMap((recipient, at) => {
    const reply = answers[at]?.trim()
    if (reply === undefined) return []
    const processing = [...(rcpt[at] ?? '').matchAll(/^>>> processing "\w+" \((.+) (\d+)\)$/gm)].at(-1)
    const [, file = '', line = ''] = processing ?? []
    const statement = traces.length < recipients.length || file === '' ? null : { file, line: Number(line) }
    return [{ recipient, reply, statement }]
  })
}

/** `exim -brw`: what becomes of an address as envelope sender and recipient; null when it stays as it is. */
export async function rewriting(
  host: MailServerHost,
  command: EximCommand,
  address: string,
): Promise<string | null> {
  const ended = await host.run([...command, '-brw', address])
  for (const line of (ended?.out ?? '').split('\n')) {
    const [, what, becomes] = /^\s*(env-from|env-to): (\S+)$/.exec(line) ?? []
    if (what !== undefined && becomes?.toLowerCase() !== address.toLowerCase()) return line.trim()
  }
  return null
}
