// A qmail without qmail, for tests: what qmail-smtpd, qmail-send, qmail-lspawn and qmail-getpw decide, by their manuals
// (qmail-smtpd(8), qmail-send(8), qmail-users(5), qmail-getpw(8)) and by the files of a qmail's home; qmail-local is
// test/mta-lab/qmail-local-sim.sh. Kept apart from the product, whose answers are held against it. What is left out:
// percenthack, remote delivery, and the changes of user.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { entriesOf } from './cdb.ts'
import { run } from './server.ts'

const qmailLocal = new URL('../mta-lab/qmail-local-sim.sh', import.meta.url).pathname

export interface Letter {
  readonly sender: string
  readonly recipient: string
  readonly text: string
}

export type Fate =
  | { readonly kind: 'refused' | 'remote' }
  /** `said`: what qmail-local's stand-in tells, lines of JSON. */
  | { readonly kind: 'delivered' | 'bounced' | 'deferred'; readonly said: string }

export interface Account {
  readonly name: string
  readonly uid: number
  readonly home: string
}

/** Whom an address belongs to: what qmail-lspawn gives qmail-local. */
export interface Owner {
  readonly user: string
  readonly home: string
  readonly dash: string
  readonly ext: string
}

export interface QmailOptions {
  readonly home: string
  readonly accounts: readonly Account[]
  /** Before the homes that users/cdb names; '' unless given. */
  readonly root?: string
  /** The owner's number; the file system's unless given. */
  readonly ownerOf?: (path: string) => number
}

export class QmailByTheRules {
  readonly #home: string
  readonly #accounts: readonly Account[]
  readonly #root: string
  readonly #ownerOf: (path: string) => number
  /** Mail that was taken and is neither delivered nor bounced. */
  readonly queue: Letter[] = []
  /** Mail that came back to its sender, with the words. */
  readonly bounces: { readonly letter: Letter; readonly words: string }[] = []
  #locals: readonly string[] = []
  #virtual: readonly string[] = []

  constructor({ home, accounts, root = '', ownerOf = (path) => statSync(path).uid }: QmailOptions) {
    this.#root = root
    this.#home = home
    this.#accounts = accounts
    this.#ownerOf = ownerOf
    this.hup()
  }

  /** qmail-send reads these two when it starts, and at a HUP. */
  hup(): void {
    this.#locals = this.#control('locals') ?? (this.#control('me') ?? []).slice(0, 1)
    this.#virtual = this.#control('virtualdomains') ?? []
  }

  /** By SMTP from outside: taken or not, then delivered once. What cannot be delivered now stays in the queue. */
  async take(letter: Letter): Promise<Fate> {
    if (!this.takesFor(letter.recipient)) return { kind: 'refused' }
    return this.#attempt(letter)
  }

  /** Tries all that waits again, as an ALRM makes qmail-send do. */
  async alarm(): Promise<readonly Fate[]> {
    const fates: Fate[] = []
    for (const letter of this.queue.splice(0)) fates.push(await this.#attempt(letter))
    return fates
  }

  /** rcpthosts, then what was compiled of morercpthosts; everything without rcpthosts. */
  takesFor(recipient: string): boolean {
    const hosts = this.#control('rcpthosts')
    if (hosts === null) return true
    const domain = domainOf(recipient).toLowerCase()
    const more = join(this.#home, 'control/morercpthosts.cdb')
    const compiled = existsSync(more) ? entriesOf(readFileSync(more)).map(([key]) => key) : []
    const all = [...hosts.map((host) => host.toLowerCase()), ...compiled]
    return all.some((host) => host === domain || (host.startsWith('.') && domain.endsWith(host)))
  }

  /** The local part with which the address is delivered here; null for a remote one. */
  localPartOf(address: string): string | null {
    const domain = domainOf(address)
    const local = address.slice(0, address.lastIndexOf('@'))
    if (this.#locals.some((host) => isSame(host, domain))) return local
    const keys = [address, domain, ...[...domain.matchAll(/\./g)].map(({ index }) => domain.slice(index)), '']
    for (const key of keys) {
      const line = this.#virtual.findLast(
        (text) => text.includes(':') && isSame(text.split(':')[0] ?? '', key),
      )
      if (line === undefined) continue
      const prefix = line.slice(line.indexOf(':') + 1)
      return prefix === '' ? null : `${prefix}-${local}`
    }
    return null
  }

  ownerOf(local: string): Owner | null {
    const path = join(this.#home, 'users/cdb')
    if (existsSync(path)) {
      const entries = new Map([...entriesOf(readFileSync(path))].reverse())
      const wanted = local.toLowerCase()
      const exact = entries.get(`!${wanted}\0`)
      if (exact !== undefined) return this.#assigned(exact, '')
      const wildcards = entries.get('') ?? ''
      for (let size = wanted.length; size >= 0; size -= 1) {
        if (size > 0 && !wildcards.includes(wanted[size - 1] ?? '')) continue
        const found = entries.get(`!${wanted.slice(0, size)}`)
        if (found !== undefined) return this.#assigned(found, local.slice(size))
      }
    }
    const words = local.split('-')
    for (let size = words.length; size > 0; size -= 1) {
      const name = words.slice(0, size).join('-').toLowerCase()
      const account = this.#accounts.find((one) => one.name === name)
      if (account === undefined || account.uid === 0 || !existsSync(account.home)) continue
      if (this.#ownerOf(account.home) !== account.uid) continue
      const dash = size < words.length ? '-' : ''
      return { user: name, home: account.home, dash, ext: words.slice(size).join('-') }
    }
    const alias = this.#accounts.find(({ name }) => name === 'alias')
    return alias === undefined ? null : { user: 'alias', home: alias.home, dash: '-', ext: local }
  }

  async #attempt(letter: Letter): Promise<Fate> {
    const fate = await this.#deliver(letter)
    if (fate.kind === 'deferred') this.queue.push(letter)
    if (fate.kind === 'bounced') this.bounces.push({ letter, words: fate.said })
    return fate
  }

  async #deliver({ sender, recipient, text }: Letter): Promise<Fate> {
    const local = this.localPartOf(recipient)
    if (local === null) return { kind: 'remote' }
    const owner = this.ownerOf(local)
    if (owner === null) return { kind: 'deferred', said: 'Unable to find alias user!' }
    const { code, err } = await run(
      [
        qmailLocal,
        ...['--recipient', `${local}@${domainOf(recipient)}`, '--sender', sender],
        ...['--user', owner.user, '--home', owner.home, '--ext', owner.ext, '--dash', owner.dash],
      ],
      text,
    )
    return { kind: code === 0 ? 'delivered' : code === 100 ? 'bounced' : 'deferred', said: err }
  }

  #assigned(value: string, rest: string): Owner {
    const [user = '', , , home = '', dash = '', pre = ''] = value.split('\0')
    return { user, home: `${this.#root}${home}`, dash, ext: `${pre}${rest}` }
  }

  /** Without comments and empty lines; null when there is no such file. */
  #control(name: string): readonly string[] | null {
    const path = join(this.#home, 'control', name)
    if (!existsSync(path)) return null
    return readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.replace(/[ \t]+$/, ''))
      .filter((line) => line !== '' && !line.startsWith('#'))
  }
}

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1)
const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()
