// The files of a qmail, read as its programs read them (qmail-control(5), qmail-users(5)): lines of control files, compiled
// tables, accounts. Law: nothing is changed, and no qmail needs to run. A folder `ROOT/var/qmail` is that of a chroot: the
// paths in it are those inside.
import type { FileFacts, MailServerHost } from '../../model/hookup.ts'
import { readOctets } from './cdb.ts'

export interface ControlLine {
  readonly text: string
  readonly file: string
  /** From 1. */
  readonly line: number
}

/** A text file of qmail's: without empty lines and comments, and without blanks at the ends of lines. */
export interface ControlFile {
  readonly path: string
  readonly lines: readonly ControlLine[]
  readonly changed: number
}

export interface CompiledFile {
  readonly path: string
  /** Null when it cannot be read here. */
  readonly octets: Buffer | null
  readonly changed: number
}

/** As in passwd(5). */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly home: string
}

/** Null for what is not there. */
export interface QmailFiles {
  readonly host: MailServerHost
  /** The home of qmail as seen from here. */
  readonly dir: string
  /** Before a path of the mail server's, to see it from here; '' but for a chroot. */
  readonly root: string
  readonly me: ControlFile | null
  readonly locals: ControlFile | null
  readonly rcpthosts: ControlFile | null
  readonly morercpthosts: ControlFile | null
  readonly morercpthostsCdb: CompiledFile | null
  readonly virtualdomains: ControlFile | null
  readonly smtproutes: ControlFile | null
  readonly assign: ControlFile | null
  readonly usersCdb: CompiledFile | null
  control(name: string): Promise<ControlFile | null>
  account(name: string): Promise<Account | null>
  /** The account with this home. */
  accountAt(home: string): Promise<Account | null>
  /** `path` is one of the mail server's; as of the first time that it was asked for. The same goes for the next two. */
  stat(path: string): Promise<FileFacts | null>
  list(path: string): Promise<ReadonlySet<string>>
  text(path: string): Promise<string | null>
}

export const usualHome = '/var/qmail'

/** `own`: what is left of a text when our own lines are taken out. Throws Unavailable. */
export async function readQmailFiles(
  host: MailServerHost,
  own: (text: string) => string = (text) => text,
): Promise<QmailFiles> {
  const dir = host.configDir ?? usualHome
  const root = /^(\/.+)\/var\/qmail\/?$/.exec(dir)?.[1] ?? ''
  const text = async (path: string): Promise<string | null> => {
    const found = await host.readText(path)
    return found === null ? null : own(found)
  }
  const control = (name: string) => readControl(host, `${dir}/control/${name}`, text)
  const accounts = accountsOf(host, root)
  return {
    host,
    dir,
    root,
    me: await control('me'),
    locals: await control('locals'),
    rcpthosts: await control('rcpthosts'),
    morercpthosts: await control('morercpthosts'),
    morercpthostsCdb: await compiled(host, `${dir}/control/morercpthosts.cdb`),
    virtualdomains: await control('virtualdomains'),
    smtproutes: await control('smtproutes'),
    assign: await readControl(host, `${dir}/users/assign`, text),
    usersCdb: await compiled(host, `${dir}/users/cdb`),
    control,
    account: accounts.named,
    accountAt: accounts.at,
    stat: once((path) => host.stat(`${root}${path}`)),
    list: once(async (path) => new Set(await host.list(`${root}${path}`))),
    text: once((path) => text(`${root}${path}`)),
  }
}

/** Many lists share a home and a file: each is looked at once. */
function once<T>(ask: (path: string) => Promise<T>): (path: string) => Promise<T> {
  const answers = new Map<string, Promise<T>>()
  return (path) => {
    const answer = answers.get(path) ?? ask(path)
    answers.set(path, answer)
    return answer
  }
}

async function readControl(
  host: MailServerHost,
  path: string,
  read: (path: string) => Promise<string | null>,
): Promise<ControlFile | null> {
  const text = await read(path)
  if (text === null) return null
  const lines = text
    .split('\n')
    .map((line, at) => ({ text: line.replace(/[ \t]+$/, ''), file: path, line: at + 1 }))
    .filter((line) => line.text !== '' && !line.text.startsWith('#'))
  return { path, lines, changed: (await host.stat(path))?.changed ?? 0 }
}

async function compiled(host: MailServerHost, path: string): Promise<CompiledFile | null> {
  const facts = await host.stat(path)
  return facts === null ? null : { path, octets: await readOctets(host, path), changed: facts.changed }
}

interface Accounts {
  named(name: string): Promise<Account | null>
  at(home: string): Promise<Account | null>
}

/** The file first; then, where nsswitch.conf(5) names another source, what getent says. */
function accountsOf(host: MailServerHost, root: string): Accounts {
  const inFile = once(async (path) => ((await host.readText(path)) ?? '').split('\n').flatMap(accountIn))
  const isElsewhere = once(async (path) => {
    const sources = /^\s*passwd:(.*)$/m.exec((await host.readText(path)) ?? '')?.[1] ?? ''
    return /\b(?!files\b|compat\b|systemd\b)[a-z]\w+/.test(sources.replace(/\[[^\]]*\]/g, ''))
  })
  const ask = once(async (name) => {
    if (root !== '' || !/^[\w.-]+$/.test(name) || !(await isElsewhere('/etc/nsswitch.conf'))) return null
    const ended = await host.run(['getent', 'passwd', name])
    return ended?.code === 0 ? (accountIn(ended.out.trim())[0] ?? null) : null
  })
  const accounts = (): Promise<readonly Account[]> => inFile(`${root}/etc/passwd`)
  return {
    named: async (name) => (await accounts()).find((account) => account.name === name) ?? ask(name),
    at: async (home) => (await accounts()).find((account) => account.home === home) ?? null,
  }
}

function accountIn(line: string): readonly Account[] {
  const [name = '', , uid = '', , , home = ''] = line.split(':')
  return name === '' || !/^\d+$/.test(uid) ? [] : [{ name, uid: Number(uid), home }]
}

/** The line of one address, domain or wildcard, in a file without values; qmail does not look at the case. */
export const lineOf = (file: ControlFile | null, text: string): ControlLine | null =>
  file?.lines.find((line) => line.text.toLowerCase() === text.toLowerCase()) ?? null

/** `lists.example.org`, `.example.org`, `.org`: how rcpthosts may have a domain. */
export function wildcardsOf(domain: string): readonly string[] {
  const labels = domain.toLowerCase().split('.')
  return labels.map((_, at) => (at === 0 ? labels.join('.') : `.${labels.slice(at).join('.')}`))
}
