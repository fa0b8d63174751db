// What Exim itself says: where would it send an address (-bt), how does it rewrite one (-brw), what does a text expand to
// (-be). Law: nothing is delivered and nothing is kept but Exim's own hints about the addresses that were asked for.
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

/** `exim -bt`: where Exim would send mail of `sender` for each address, in their order. '<>' is the null sender. */
export async function routesOf(
  host: MailServerHost,
  command: EximCommand,
  sender: string,
  addresses: readonly string[],
): Promise<readonly Route[]> {
  if (addresses.length === 0) return []
  const ended = await host.run([...command, '-f', sender, '-bt', ...addresses])
  const told = readRoutes(ended?.out ?? '')
  const routes: Route[] = []
  for (const address of addresses)
    routes.push(
      told.find((route) => route.address === address) ?? (await redirected(host, command, sender, address)),
    )
  return routes
}

/** One that Exim tells about under another address: an alias of somebody who has a file. */
async function redirected(
  host: MailServerHost,
  command: EximCommand,
  sender: string,
  address: string,
): Promise<Route> {
  const ended = await host.run([...command, '-f', sender, '-bt', address])
  const [block = ''] = (ended?.out ?? '').split(/\n(?=\S)/)
  const transport = /transport = (\S+)/.exec(block)?.[1] ?? null
  const router = (await routersTried(host, command, sender, address)).at(-1)?.name ?? null
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
  sender: string,
  address: string,
): Promise<readonly { readonly name: string; readonly words: string }[]> {
  const ended = await host.run([...command, '-f', sender, '-d-all+route', '-bt', address])
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

/** `exim -be`: why Exim cannot expand a text; null when it can, or cannot be asked. A word before it: a capital begins a macro. */
export async function expansionFault(
  host: MailServerHost,
  command: EximCommand,
  text: string,
): Promise<string | null> {
  const ended = await host.run([...command, '-be', `posthorn: ${text}`])
  return /^Failed: (.*)$/m.exec(ended?.out ?? '')?.[1] ?? null
}
