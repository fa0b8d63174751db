// The files of a qmail as netqmail's installation and its `config` leave them, in a root of their own: control files, the
// people's mail in locals, accounts, the rules of tcpserver, the services of daemontools. No qmail is needed, and none runs.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { mailServerHost } from '../../src/app/mail-server-host.ts'
import { withBlocks } from '../../src/hookup/blocks.ts'
import { qmail } from '../../src/hookup/guides/qmail.ts'
import type { Hookup, HostFacts, MailServerHost } from '../../src/model/hookup.ts'
import { newMoreHosts, newUsers, tcpRules } from './cdb.ts'
import { exampleFacts } from './example-facts.ts'
import { type Account, QmailByTheRules } from './qmail-by-the-rules.ts'

export const people = 'people.example.test'
export const lists = 'lists.example.test'
const numbers: Readonly<Record<string, number>> = { alias: 7790, mailman: 7799, ann: 1001, list: 1002 }

export interface QmailHome extends Disposable {
  /** The `/` of this qmail. */
  readonly root: string
  readonly home: string
  /** `exampleFacts` for it: the two domains, a list in each, and a program that is there. */
  readonly facts: HostFacts
  readonly host: MailServerHost
  /** The machine from inside, where the root is `/`; `said` is what ps prints of qmail-send. */
  inside(said: { readonly etimes: string; readonly pid: string }): MailServerHost
  /** `path` below the root; a new folder is made. */
  write(path: string, text: string, mode?: number): void
  read(path: string): string
  remove(path: string): void
  /** Gives a path to an account, in the eyes of `host`. */
  own(path: string, user: string): void
  /** What hookup prints, written; and the programs that it names, run. */
  hookUp(facts?: HostFacts): Promise<Hookup>
  /** Compiles what is there to be compiled; what there is no text for goes. */
  compile(): void
  /** The stand-in for the programs of qmail, as of now. */
  start(): QmailByTheRules
}

/** `like`: begins with the files of another one. */
export function qmailHome(like: QmailHome | null = null): QmailHome {
  const root = mkdtempSync(join(tmpdir(), 'posthorn-qmail-'))
  chmodSync(root, 0o755)
  const home = join(root, 'var/qmail')
  const owners = new Map<string, string>()
  const write: QmailHome['write'] = (path, text, mode = 0o644) => {
    const place = join(root, path)
    mkdirSync(dirname(place), { recursive: true })
    writeFileSync(place, text)
    chmodSync(place, mode)
  }
  const read = (path: string): string => readFileSync(join(root, path), 'utf8')
  if (like === null) install(root, write)
  else cpSync(like.root, root, { recursive: true, preserveTimestamps: true })
  for (const user of ['mailman', 'ann']) owners.set(join(root, 'home', user), user)
  owners.set(join(home, 'alias'), 'alias')
  const ownerOf = (path: string): string => {
    const known = [...owners.keys()].filter((each) => path === each || path.startsWith(`${each}/`))
    return owners.get(known.sort((a, b) => b.length - a.length)[0] ?? '') ?? 'root'
  }
  const real = mailServerHost({ configDir: home, commandPrefix: [] })
  const host: MailServerHost = {
    ...real,
    stat: async (path) => {
      const found = await real.stat(path)
      return found === null ? null : { ...found, user: ownerOf(path), group: ownerOf(path) }
    },
  }
  const facts: HostFacts = {
    ...exampleFacts,
    relay: { ...exampleFacts.relay, host: '127.0.0.1' },
    pipeProgram: '/opt/posthorn/bin/posthorn-qmail',
    domains: [
      { mailHost: lists, aliasDomain: null, listOnly: true, listNames: ['tea'] },
      { mailHost: people, aliasDomain: null, listOnly: false, listNames: ['rice'] },
    ],
  }
  const compile = (): void => {
    for (const [text, made, make] of [
      ['users/assign', 'users/cdb', newUsers],
      ['control/morercpthosts', 'control/morercpthosts.cdb', newMoreHosts],
    ] as const)
      if (existsSync(join(home, text))) make(home)
      else rmSync(join(home, made), { force: true })
    tcpRules(join(root, 'etc/tcp.smtp'))
  }
  if (like === null) compile()
  return {
    root,
    home,
    facts,
    host,
    inside: (said) => ({
      configDir: null,
      readText: (path) => host.readText(join(root, path)),
      stat: (path) => host.stat(join(root, path)),
      list: (path) => host.list(join(root, path)),
      listens: async () => null,
      run: async (argv, input) => {
        const [program, ...words] = argv
        if (program === 'ps') {
          const out = words.at(-1) === 'pid=' ? said.pid : said.etimes
          return { code: out === '' ? 1 : 0, out, err: '' }
        }
        return real.run(
          [program, ...words.map((word) => (word.startsWith('/') ? join(root, word) : word))],
          input,
        )
      },
    }),
    write,
    read,
    remove: (path) => rmSync(join(root, path), { recursive: true, force: true }),
    own: (path, user) => void owners.set(join(root, path), user),
    hookUp: async (given = facts) => {
      const hookup = await qmail.hookup(given, host)
      if (hookup.refusals.length > 0) throw new Error(hookup.refusals.join('; '))
      for (const [path, parts] of Map.groupBy(hookup.files, (file) => file.path)) {
        const joined = withBlocks(existsSync(path) ? readFileSync(path, 'utf8') : null, parts)
        if ('refusal' in joined) throw new Error(joined.refusal)
        write(path.slice(root.length), joined.text, parts[0]?.mode)
      }
      compile()
      return hookup
    },
    compile,
    start: () =>
      new QmailByTheRules({
        home,
        root,
        accounts: accountsIn(read('etc/passwd'), root),
        ownerOf: (path) => numbers[ownerOf(path)] ?? 0,
      }),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  }
}

function install(root: string, write: QmailHome['write']): void {
  for (const folder of ['alias', 'bin', 'control', 'queue', 'users'])
    mkdirSync(join(root, 'var/qmail', folder), { recursive: true })
  for (const user of ['mailman', 'ann']) mkdirSync(join(root, 'home', user), { recursive: true })
  for (const [path, text] of Object.entries(usual)) write(path, text)
  for (const program of ['opt/posthorn/bin/posthorn-qmail', 'usr/local/bin/posthorn-qmail'])
    write(program, '#!/bin/sh\n', 0o755)
}

function accountsIn(text: string, root: string): readonly Account[] {
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length > 5)
    .map(([name = '', , uid, , , folder]) => ({ name, uid: Number(uid), home: join(root, folder ?? '') }))
}

const run = (rules: string, program: string): string =>
  `#!/bin/sh\nexec softlimit -m 30000000 tcpserver -v -R -l mail -x ${rules} -u 7791 -g 7790 0 smtp /var/qmail/bin/${program} 2>&1\n`

const usual: Readonly<Record<string, string>> = {
  'var/qmail/control/me': `mail.${people}\n`,
  'var/qmail/control/defaultdomain': 'example.test\n',
  'var/qmail/control/plusdomain': 'example.test\n',
  'var/qmail/control/locals': `localhost\nmail.${people}\n${people}\n`,
  'var/qmail/control/rcpthosts': `localhost\nmail.${people}\n${people}\n`,
  'var/qmail/alias/.qmail-postmaster': 'ann\n',
  'var/qmail/alias/.qmail-mailer-daemon': 'ann\n',
  'var/qmail/alias/.qmail-root': 'ann\n',
  'etc/passwd': [
    'root:x:0:0:root:/root:/bin/sh',
    'alias:x:7790:7790::/var/qmail/alias:/bin/true',
    'qmaild:x:7791:7790::/var/qmail:/bin/true',
    'qmails:x:7796:7791::/var/qmail:/bin/true',
    'mailman:x:7799:7799::/home/mailman:/bin/sh',
    'ann:x:1001:1001::/home/ann:/bin/sh',
    '',
  ].join('\n'),
  'etc/tcp.smtp': '127.:allow,RELAYCLIENT=""\n192.0.2.:allow,RELAYCLIENT=""\n:allow\n',
  'service/qmail-smtpd/run': run('/etc/tcp.smtp.cdb', 'qmail-smtpd'),
  'service/qmail-send/run': '#!/bin/sh\nexec /var/qmail/rc\n',
}
