// The accounts that Courier knows: those of the system, and those of its authentication library, which tells of the others
// (authtest(1): userdb, SQL, LDAP). Law: an account that nobody can tell of is null, and no fault by itself.
import { join } from 'node:path'
import type { MailServerHost } from '../../model/hookup.ts'

export interface Account {
  readonly name: string
  readonly home: string
  /** Null for one that the system does not know. */
  readonly ids: { readonly uid: string; readonly gid: string } | null
}

export class Accounts {
  readonly #host: MailServerHost
  readonly #root: string
  readonly #system: readonly Account[]

  private constructor(host: MailServerHost, root: string, system: readonly Account[]) {
    this.#host = host
    this.#root = root
    this.#system = system
  }

  /** `root`: of a chroot that is looked at from outside, where nothing can be asked. Throws Unavailable. */
  static async read(host: MailServerHost, root: string): Promise<Accounts> {
    return new Accounts(host, root, accountsOf((await host.readText(join(root, '/etc/passwd'))) ?? ''))
  }

  /** Whether `byName` can tell that an account is not there. */
  get knowsAll(): boolean {
    return this.#root === ''
  }

  /** Of /etc/passwd alone. */
  inPasswd(name: string): Account | null {
    return this.#system.find((account) => account.name === name) ?? null
  }

  async byName(name: string): Promise<Account | null> {
    const known = this.inPasswd(name)
    if (known !== null || this.#root !== '') return known
    const listed = await this.#host.run(['getent', 'passwd', name])
    const [found] = accountsOf(listed?.code === 0 ? listed.out : '')
    if (found !== undefined) return found
    const tested = await this.#host.run(['authtest', name])
    const home = /^\s*Home Directory:\s*(\/.*)$/m.exec(tested?.code === 0 ? tested.out + tested.err : '')?.[1]
    return home === undefined ? null : { name, home: home.trim(), ids: null }
  }

  /** What the authentication library says of an account: null where it cannot be asked. */
  async library(name: string): Promise<{ readonly knows: boolean; readonly words: string } | null> {
    const tested = this.#root === '' ? await this.#host.run(['authtest', name]) : null
    const words = `${tested?.err ?? ''}${tested?.out ?? ''}`.trim()
    return /Authentication (succeeded|FAILED)/.test(words) ? { knows: tested?.code === 0, words } : null
  }

  /** Whose home a folder is; the first of several. */
  async byHome(path: string): Promise<Account | null> {
    const same = (home: string): boolean =>
      [home, join(this.#root, home)].some((one) => trimmed(one) === trimmed(path))
    const known = this.#system.find(({ home }) => same(home))
    if (known !== undefined) return known
    const owner = (await this.#host.stat(path))?.user
    const account = owner === undefined || owner === 'root' ? null : await this.byName(owner)
    return account !== null && same(account.home) ? account : null
  }
}

const trimmed = (path: string): string => path.replace(/(.)\/+$/, '$1')

function accountsOf(text: string): readonly Account[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , uid = '', gid = '', , home = ''] = line.split(':')
    return home === '' ? [] : [{ name, home, ids: { uid, gid } }]
  })
}
