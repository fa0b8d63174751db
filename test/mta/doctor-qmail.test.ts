// Each way in which a qmail's hook-up was seen to be broken, or can be by its manuals: the doctor names the cause first. What
// hookup wrote into a netqmail's own files, and what works in other ways, gives nothing to mend. No qmail is needed: it is
// judged by its files. Long, because it is a table of breakages.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { mailServerHost } from '../../src/app/mail-server-host.ts'
import { inOrder, needsMending } from '../../src/hookup/doctor.ts'
import { readOctets } from '../../src/hookup/guides/cdb.ts'
import { qmail } from '../../src/hookup/guides/qmail.ts'
import { qmailKinds } from '../../src/hookup/guides/qmail-kinds.ts'
import type { Finding, HostFacts } from '../../src/model/hookup.ts'
import { lists, people, type QmailHome, qmailHome } from '../support/qmail-home.ts'

const locals = 'var/qmail/control/locals'
const rcpthosts = 'var/qmail/control/rcpthosts'
const virtualdomains = 'var/qmail/control/virtualdomains'
const assign = 'var/qmail/users/assign'
const rules = 'etc/tcp.smtp'
const home = 'home/mailman'
const dotDefault = `${home}/.qmail-default`
const alias = 'var/qmail/alias'
const hookedUp = '|/opt/posthorn/bin/posthorn-qmail 8024 1'

interface Case {
  readonly title: string
  readonly edit?: (qmail: QmailHome) => void
  readonly facts?: (facts: HostFacts) => HostFacts
}

interface Breakage extends Case {
  /** What is told first, without `qmail.`. */
  readonly code: string
  /** What is told beside it, of errors and warnings; nothing unless given. */
  readonly more?: readonly string[]
}

const replaced =
  (path: string, pattern: RegExp | string, by: string) =>
  (one: QmailHome): void => {
    const text = one.read(path)
    const changed = text.replace(pattern, () => by)
    if (changed === text) throw new Error(`nothing to break in ${path}: ${pattern}`)
    one.write(path, changed)
  }
const added = (path: string, line: string) => (one: QmailHome) =>
  one.write(path, `${one.read(path)}${line}\n`)
const written = (path: string, text: string, mode?: number) => (one: QmailHome) => one.write(path, text, mode)
const gone = (path: string) => (one: QmailHome) => rmSync(join(one.root, path), { recursive: true })
const mode = (path: string, bits: number) => (one: QmailHome) => chmodSync(join(one.root, path), bits)
const all =
  (...edits: readonly ((one: QmailHome) => void)[]) =>
  (one: QmailHome): void => {
    for (const edit of edits) edit(one)
  }
const compiled = (one: QmailHome): void => one.compile()
const line = (text: string) => replaced(dotDefault, hookedUp, text)
const preceded = (text: string) => line(`${text}\n${hookedUp}`)
const virtual = (text: string) => replaced(virtualdomains, `${lists}:mailman`, text)
const withLists = (mailHost: string, listNames: readonly string[]) => (facts: HostFacts) => ({
  ...facts,
  domains: facts.domains.map((domain) => (domain.mailHost === mailHost ? { ...domain, listNames } : domain)),
})

const breakages: readonly Breakage[] = [
  { title: 'another folder', code: 'not-installed', edit: gone('var/qmail/control') },
  { title: 'me is empty', code: 'me-missing', edit: written('var/qmail/control/me', '\n') },
  {
    title: 'virtualdomains is closed',
    code: 'control-closed',
    edit: mode(virtualdomains, 0o600),
  },
  { title: 'control is closed', code: 'control-closed', edit: mode('var/qmail/control', 0o750) },
  {
    title: 'nothing is delivered',
    code: 'deliveries-held',
    edit: written('var/qmail/control/concurrencylocal', '0\n'),
  },
  {
    title: 'nothing leaves',
    code: 'remote-deliveries-held',
    edit: written('var/qmail/control/concurrencyremote', '0\n'),
  },
  { title: 'users/cdb is empty', code: 'compiled-broken', edit: written('var/qmail/users/cdb', '') },
  {
    title: 'morercpthosts.cdb is a text',
    code: 'compiled-broken',
    edit: written('var/qmail/control/morercpthosts.cdb', `${lists}\n`),
  },
  {
    title: 'the rules of tcpserver are a text',
    code: 'compiled-broken',
    edit: written(`${rules}.cdb`, ':allow\n'),
  },
  {
    title: 'morercpthosts.cdb is closed',
    code: 'control-closed',
    edit: all(
      written('var/qmail/control/morercpthosts', ''),
      compiled,
      mode('var/qmail/control/morercpthosts.cdb', 0o600),
    ),
  },
  {
    title: 'virtualdomains was written on another system',
    code: 'carriage-return',
    edit: virtual(`${lists}:mailman\r`),
  },
  {
    title: 'rcpthosts was written on another system',
    code: 'carriage-return',
    edit: replaced(rcpthosts, /^lists\..*$/m, `${lists}\r`),
  },
  {
    title: 'the file was written on another system',
    code: 'carriage-return',
    edit: written(dotDefault, `# lists\r\n${hookedUp}\r\n`),
  },
  {
    title: 'nothing at all',
    code: 'hook-up-missing',
    edit: all(
      replaced(rcpthosts, /^# posthorn hookup begin[\s\S]*/m, ''),
      gone(virtualdomains),
      gone(dotDefault),
    ),
  },
  { title: 'the domain is in locals', code: 'domain-local', edit: added(locals, lists) },
  {
    title: 'the domain is in locals, in capitals',
    code: 'domain-local',
    edit: added(locals, lists.toUpperCase()),
  },
  {
    title: 'there is no locals, and me is the domain',
    code: 'domain-local',
    edit: all(gone(locals), written('var/qmail/control/me', `${lists}\n`)),
    facts: withLists(people, []),
  },
  { title: 'a blank behind the colon', code: 'virtual-line-wrong', edit: virtual(`${lists}: mailman`) },
  { title: 'a blank for a colon', code: 'virtual-line-wrong', edit: virtual(`${lists} mailman`) },
  { title: 'an @ before the domain', code: 'virtual-line-wrong', edit: virtual(`@${lists}:mailman`) },
  { title: 'no virtualdomains', code: 'domain-missing', edit: gone(virtualdomains) },
  {
    title: 'another domain in virtualdomains',
    code: 'domain-missing',
    edit: virtual('lists.example.org:mailman'),
  },
  { title: 'a comment for the line', code: 'domain-missing', edit: virtual(`# ${lists}:mailman`) },
  { title: 'nothing behind the colon', code: 'domain-excepted', edit: virtual(`${lists}:`) },
  {
    title: 'a second line that makes an exception',
    code: 'domain-excepted',
    edit: added(virtualdomains, `${lists}:`),
  },
  {
    title: 'smtproutes leads to the LMTP door',
    code: 'routed-to-lmtp',
    edit: all(gone(virtualdomains), written('var/qmail/control/smtproutes', `${lists}:127.0.0.1:8024\n`)),
  },
  {
    title: 'all mail for the world goes to the LMTP door',
    code: 'routed-to-lmtp',
    edit: written('var/qmail/control/smtproutes', ':localhost:8024\n'),
  },
  {
    title: 'all mail for the world comes back',
    code: 'routes-loop',
    edit: written('var/qmail/control/smtproutes', ':[127.0.0.1]\n'),
  },
  { title: 'a catch-all takes it', code: 'caught-elsewhere', edit: virtual(':ann') },
  { title: 'a line for the parent takes it', code: 'caught-elsewhere', edit: virtual('.example.test:ann') },
  {
    title: 'a line for one address',
    code: 'address-taken',
    edit: added(virtualdomains, `tea@${lists}:ann`),
  },
  {
    title: 'the domain is not in rcpthosts',
    code: 'domain-refused',
    edit: replaced(rcpthosts, /^lists\..*$/m, ''),
  },
  {
    title: 'the domain is in morercpthosts, which was not compiled',
    code: 'morercpthosts-stale',
    edit: all(
      replaced(rcpthosts, /^lists\..*$/m, ''),
      written('var/qmail/control/morercpthosts', `${lists}\n`),
    ),
  },
  {
    title: 'the domain came into morercpthosts after that was compiled',
    code: 'morercpthosts-stale',
    edit: all(
      replaced(rcpthosts, /^lists\..*$/m, ''),
      written('var/qmail/control/morercpthosts', 'example.com\n'),
      compiled,
      written('var/qmail/control/morercpthosts', `${lists}\n`),
    ),
  },
  {
    title: 'badrcptto',
    code: 'recipient-refused',
    edit: written('var/qmail/control/badrcptto', `TEA@${lists}\n`),
  },
  {
    title: 'users/assign without its last line',
    code: 'assign-wrong',
    edit: written(assign, '+mailman-:mailman:7799:7799:/home/mailman:-::\n'),
  },
  {
    title: 'a field too few in users/assign',
    code: 'assign-wrong',
    edit: written(assign, '+mailman-:mailman:7799:7799:/home/mailman:-\n.\n'),
  },
  {
    title: 'users/assign has the right home, and was not compiled',
    code: 'assign-stale',
    edit: all(virtual(`${lists}:mm`), written(assign, '+mm-:mailman:7799:7799:/home/mailman:-::\n.\n')),
  },
  {
    title: 'the same after it was compiled once',
    code: 'assign-stale',
    edit: all(
      written(assign, '+mailman-:ann:1001:1001:/home/ann:-::\n.\n'),
      compiled,
      written(assign, '+mailman-:mailman:7799:7799:/home/mailman:-::\n.\n'),
    ),
  },
  {
    title: 'a wildcard in users/assign',
    code: 'assigned-elsewhere',
    edit: all(written(assign, '+mail:ann:1001:1001:/home/ann:-::\n.\n'), compiled),
  },
  {
    title: 'users/assign gives all to alias',
    code: 'assigned-elsewhere',
    edit: all(
      written(assign, '+:alias:7790:7790:/var/qmail/alias:-::\n=ann:ann:1001:1001:/home/ann:::\n.\n'),
      compiled,
    ),
  },
  { title: 'no such user', code: 'user-missing', edit: virtual(`${lists}:mailmann`) },
  { title: 'the account is gone', code: 'user-missing', edit: replaced('etc/passwd', /^mailman:.*\n/m, '') },
  { title: 'the home is gone', code: 'user-passed-over', edit: gone(home) },
  { title: 'the home belongs to root', code: 'user-passed-over', edit: (one) => one.own(home, 'root') },
  { title: 'a folder above the home is closed', code: 'user-passed-over', edit: mode('home', 0o700) },
  { title: 'the domain is given to root', code: 'user-passed-over', edit: virtual(`${lists}:root`) },
  {
    title: 'alias is gone, and the user of the domain',
    code: 'alias-missing',
    edit: replaced('etc/passwd', /^(alias|mailman):.*\n/gm, ''),
    facts: withLists(people, []),
  },
  {
    title: 'users/assign names a home that is not there',
    code: 'home-missing',
    edit: all(
      virtual(`${lists}:mm`),
      written(assign, '+mm-:mailman:7799:7799:/home/lists:-::\n.\n'),
      compiled,
    ),
  },
  { title: 'others can write to the home', code: 'home-writable', edit: mode(home, 0o757) },
  { title: 'the home is sticky', code: 'home-sticky', edit: mode(home, 0o1755) },
  { title: 'the home is closed to its user', code: 'home-closed', edit: mode(home, 0o055) },
  { title: 'the group can write to the home', code: 'home-group-writable', edit: mode(home, 0o775) },
  { title: 'no file', code: 'file-missing', edit: gone(dotDefault) },
  {
    title: 'the file lies in the home of somebody else',
    code: 'file-missing',
    edit: (one) => renameSync(join(one.root, dotDefault), join(one.root, 'home/ann/.qmail-default')),
  },
  {
    title: 'the file is .qmail alone',
    code: 'file-missing',
    edit: (one) => renameSync(join(one.root, dotDefault), join(one.root, `${home}/.qmail`)),
  },
  {
    title: 'the file is a folder',
    code: 'file-missing',
    edit: all(gone(dotDefault), (one) => mkdirSync(join(one.root, dotDefault))),
  },
  { title: 'the file is closed to its user', code: 'file-unreadable', edit: mode(dotDefault, 0o044) },
  {
    title: 'the file belongs to root, and is closed to others',
    code: 'file-unreadable',
    edit: all(mode(dotDefault, 0o600), (one) => one.own(dotDefault, 'root')),
  },
  { title: 'others can write to the file', code: 'file-writable', edit: mode(dotDefault, 0o646) },
  { title: 'the group can write to the file', code: 'file-group-writable', edit: mode(dotDefault, 0o664) },
  { title: 'the file can be executed', code: 'file-executable', edit: mode(dotDefault, 0o755) },
  { title: 'the file is empty', code: 'file-empty', edit: written(dotDefault, '') },
  { title: 'the first line is empty', code: 'file-blank', edit: written(dotDefault, `\n${hookedUp}\n`) },
  { title: 'comments alone', code: 'hand-over-missing', edit: line('# later') },
  { title: 'a mailbox instead', code: 'hand-over-missing', edit: line('./Maildir/') },
  { title: 'a forward instead', code: 'hand-over-missing', edit: line(`&ann@${people}`) },
  { title: 'no bar before the command', code: 'hand-over-missing', edit: line(hookedUp.slice(1)) },
  { title: 'a blank before the bar', code: 'hand-over-missing', edit: line(` ${hookedUp}`) },
  {
    title: 'the program of Mailman, which is not there',
    code: 'program-missing',
    edit: line('|/usr/lib/mailman/bin/qmail-lmtp 8024 1'),
  },
  { title: 'no path, and none on the way', code: 'program-missing', edit: line('|qmail-lmtp 8024 1') },
  {
    title: 'the program cannot be executed',
    code: 'program-closed',
    edit: mode('opt/posthorn/bin/posthorn-qmail', 0o644),
  },
  { title: 'the folder of the program is closed', code: 'program-closed', edit: mode('opt/posthorn', 0o750) },
  { title: 'no PARTS', code: 'call-wrong', edit: line('|/opt/posthorn/bin/posthorn-qmail 8024') },
  {
    title: 'PARTS that there is not',
    code: 'call-wrong',
    edit: line('|/opt/posthorn/bin/posthorn-qmail 8024 5'),
  },
  { title: 'a wrong port', code: 'wrong-port', edit: line('|/opt/posthorn/bin/posthorn-qmail 8042 1') },
  {
    title: 'Posthorn listens on another port',
    code: 'wrong-port',
    facts: (facts) => ({ ...withLists(people, [])(facts), lmtp: { ...facts.lmtp, port: 24 } }),
  },
  { title: 'a wrong host', code: 'wrong-host', edit: line(`${hookedUp} 192.0.2.9`) },
  { title: 'the other family', code: 'wrong-host', edit: line(`${hookedUp} ::1`) },
  {
    title: 'a socket that there is not',
    code: 'wrong-socket',
    edit: line('|/opt/posthorn/bin/posthorn-qmail --unix /run/lmtp 1'),
  },
  {
    title: 'PARTS takes too much',
    code: 'wrong-parts',
    edit: line('|/opt/posthorn/bin/posthorn-qmail 8024 2'),
  },
  {
    title: 'PARTS takes nothing',
    code: 'wrong-parts',
    edit: line('|/opt/posthorn/bin/posthorn-qmail 8024 0'),
  },
  { title: 'a prefix with a dash', code: 'wrong-parts', edit: virtual(`${lists}:mailman-lists`) },
  {
    title: 'one recipient for all',
    code: 'envelope-fixed',
    edit: line(`|/opt/posthorn/bin/posthorn-qmail --recipient tea@${lists} 8024`),
  },
  {
    title: 'one sender for all',
    code: 'envelope-fixed',
    edit: line(`|/opt/posthorn/bin/posthorn-qmail --sender ann@${people} 8024 1`),
  },
  {
    title: 'another domain is set',
    code: 'envelope-fixed',
    edit: line(`|HOST=${people} ${hookedUp.slice(1)}`),
  },
  {
    title: 'the exit codes of others',
    code: 'sysexits',
    edit: line('|/opt/posthorn/bin/posthorn-qmail --sysexits 8024 1'),
  },
  { title: 'success in any case', code: 'exit-code-hidden', edit: line(`${hookedUp}; exit 0`) },
  {
    title: 'bounces while Posthorn is down',
    code: 'exit-code-hidden',
    edit: line(`${hookedUp} || exit 100`),
  },
  { title: 'exit 99 before it', code: 'command-before', edit: preceded('|/usr/bin/spamc; exit 99') },
  {
    title: 'condredirect before it',
    code: 'command-before',
    edit: preceded(`|condredirect ann@${people} true`),
  },
  { title: 'bouncesaying before it', code: 'command-before', edit: preceded('|bouncesaying "no" true') },
  { title: 'another program before it', code: 'program-before', edit: preceded('|/usr/bin/logger mail') },
  { title: 'preline', code: 'preline', edit: line(`|preline ${hookedUp.slice(1)}`) },
  { title: 'a mailbox beside it', code: 'delivered-twice', edit: preceded('./Mailbox') },
  { title: 'a forward behind it', code: 'delivered-twice', edit: line(`${hookedUp}\nann@${people}`) },
  { title: 'the line twice', code: 'delivered-twice', edit: preceded(hookedUp) },
  {
    title: 'a file of a list, for somebody else',
    code: 'file-shadows',
    edit: written(`${home}/.qmail-tea`, 'ann\n'),
  },
  {
    title: 'a file for the sub-addresses of a list',
    code: 'file-shadows',
    edit: written(`${home}/.qmail-tea-default`, './Mailbox\n'),
  },
  {
    title: 'a file for one sub-address of a list',
    code: 'file-shadows',
    edit: written(`${home}/.qmail-tea-owner`, 'ann\n'),
  },
  {
    title: 'the same in the shared domain',
    code: 'file-shadows',
    edit: written(`${alias}/.qmail-rice-owner`, 'ann\n'),
  },
  {
    title: 'a line for one sub-address',
    code: 'address-taken',
    edit: added(virtualdomains, `tea-request@${lists}:ann`),
  },
  {
    title: 'the file of a list in the shared domain is missing',
    code: 'list-file-missing',
    edit: gone(`${alias}/.qmail-rice`),
  },
  {
    title: 'a list more in the shared domain',
    code: 'list-file-missing',
    facts: withLists(people, ['rice', 'milk']),
    more: ['extension-file-missing'],
  },
  {
    title: 'a file for all the rest of the shared domain takes the list',
    code: 'list-file-missing',
    edit: all(gone(`${alias}/.qmail-rice`), written(`${alias}/.qmail-default`, 'ann\n')),
  },
  {
    title: 'the sub-addresses of a list in the shared domain have no file',
    code: 'extension-file-missing',
    edit: gone(`${alias}/.qmail-rice-default`),
  },
  {
    title: 'the file of a list in the shared domain is for somebody else',
    code: 'hand-over-missing',
    edit: written(`${alias}/.qmail-rice`, 'ann\n'),
  },
  {
    title: 'an account has the name of a list',
    code: 'account-takes-list',
    facts: withLists(people, ['ann']),
  },
  {
    title: 'capitals and dots in the name of a file',
    code: 'list-file-missing',
    edit: all((one) =>
      renameSync(join(one.root, `${alias}/.qmail-rice`), join(one.root, `${alias}/.qmail-Rice`)),
    ),
    more: ['file-misnamed'],
  },
  {
    title: 'Posthorn writes the files into another home',
    code: 'files-elsewhere',
    edit: all(gone(`${alias}/.qmail-rice`), gone(`${alias}/.qmail-rice-default`)),
    facts: (facts) => ({
      ...facts,
      incoming: ['qmail'],
      qmail: { ...facts.qmail, home: '/home/ann' },
    }),
  },
  {
    title: 'badmailfrom',
    code: 'sender-refused',
    edit: written('var/qmail/control/badmailfrom', `@${lists}\n`),
  },
  {
    title: 'no relaying for this machine',
    code: 'relay-refused',
    edit: all(replaced(rules, /^127\..*\n/m, ''), compiled),
  },
  {
    title: 'a closer rule without RELAYCLIENT',
    code: 'relay-refused',
    edit: all(added(rules, '127.0.0.1:allow'), compiled),
  },
  {
    title: 'tcpserver is started without rules',
    code: 'relay-refused',
    edit: replaced('service/qmail-smtpd/run', ' -x /etc/tcp.smtp.cdb', ''),
  },
  {
    title: 'this machine is kept out',
    code: 'relay-refused',
    edit: all(replaced(rules, /^127\..*$/m, '127.:deny'), compiled),
  },
  {
    title: 'Posthorn on another machine, for which there is no rule',
    code: 'relay-refused',
    edit: line(`${hookedUp} 198.51.100.7`),
    facts: (facts) => ({ ...withLists(people, [])(facts), lmtp: { ...facts.lmtp, host: '198.51.100.7' } }),
  },
  {
    title: 'the rules were not compiled',
    code: 'relay-rules-stale',
    edit: all(
      replaced(rules, /^127\..*$/m, '127.:allow'),
      compiled,
      replaced(rules, /^127\..*$/m, '127.:allow,RELAYCLIENT=""'),
    ),
  },
  { title: 'the compiled rules are gone', code: 'relay-rules-stale', edit: gone(`${rules}.cdb`) },
  {
    title: 'small messages only',
    code: 'size-limit',
    edit: written('var/qmail/control/databytes', '1000000\n'),
  },
  { title: 'no rcpthosts', code: 'open-relay', edit: gone(rcpthosts) },
  {
    title: 'a short life in the queue',
    code: 'queue-lifetime',
    edit: written('var/qmail/control/queuelifetime', '600\n'),
  },

  // Two at once: the cause of what one sees first is told first.
  {
    title: 'in locals, and a wrong port',
    code: 'domain-local',
    edit: all(added(locals, lists), line('|/opt/posthorn/bin/posthorn-qmail 24 1')),
  },
  {
    title: 'no user, and not in rcpthosts',
    code: 'domain-refused',
    edit: all(virtual(`${lists}:mailmann`), replaced(rcpthosts, /^lists\..*$/m, '')),
    more: ['user-missing'],
  },
  {
    title: 'a sticky home, and wrong PARTS',
    code: 'home-sticky',
    edit: all(mode(home, 0o1755), line('|/opt/posthorn/bin/posthorn-qmail 8024 2')),
    more: ['wrong-parts'],
  },
  {
    title: 'no relaying, and an exit code for others',
    code: 'sysexits',
    edit: all(
      line('|/opt/posthorn/bin/posthorn-qmail --sysexits 8024 1'),
      replaced(rules, /^127\..*\n/m, ''),
      compiled,
    ),
    more: ['relay-refused'],
  },
  {
    title: 'a mailbox beside it, and a wrong port',
    code: 'wrong-port',
    edit: line('./Mailbox\n|/opt/posthorn/bin/posthorn-qmail 24 1'),
    more: ['delivered-twice'],
  },
  {
    title: 'an empty file that others can write to',
    code: 'file-writable',
    edit: written(dotDefault, '', 0o666),
    more: ['file-empty'],
  },
]

const sound: readonly Case[] = [
  { title: 'what hookup writes into the files of netqmail' },
  { title: 'lists alone', facts: withLists(people, []) },
  { title: 'no list yet', facts: (facts) => withLists(lists, [])(withLists(people, [])(facts)) },
  { title: 'a list with a dot and a dash', facts: withLists(lists, ['tea', 'rice.milk', 'old-tea']) },
  {
    title: 'capitals in the control files',
    edit: all(virtual(`${lists.toUpperCase()}:mailman`), replaced(rcpthosts, /^lists/m, 'LISTS')),
  },
  {
    title: 'wildcards in the control files',
    edit: all(virtual('.example.test:mailman'), replaced(rcpthosts, /^lists/m, '')),
  },
  {
    title: 'a prefix with dashes, and PARTS for it',
    edit: all(virtual(`${lists}:mailman-a-b`), line('|/opt/posthorn/bin/posthorn-qmail 8024 3')),
  },
  {
    title: 'a file below the prefix, and DEFAULT',
    edit: all(
      virtual(`${lists}:mailman-a-b`),
      gone(dotDefault),
      written(`${home}/.qmail-a-b-default`, '|/opt/posthorn/bin/posthorn-qmail 8024 default\n'),
    ),
  },
  {
    title: 'a prefix that is no account, for which alias has the file',
    edit: all(
      virtual(`${lists}:lists`),
      gone(dotDefault),
      written(`${alias}/.qmail-lists-default`, '|/opt/posthorn/bin/posthorn-qmail 8024 2\n'),
    ),
  },
  {
    title: 'the founding recipe of Mailman: .qmail, a link to it, and its name for the program',
    edit: all(
      gone(dotDefault),
      written('usr/local/bin/qmail-lmtp', '', 0o755),
      written(`${home}/.qmail`, '|qmail-lmtp 8024 1\n'),
      (one) => symlinkSync('.qmail', join(one.root, dotDefault)),
    ),
  },
  {
    title: 'users/assign for the user of the lists',
    edit: all(
      virtual(`${lists}:mm`),
      written(
        assign,
        '+mm-:mailman:7799:7799:/home/mailman:-::\n+:alias:7790:7790:/var/qmail/alias:-::\n.\n',
      ),
      compiled,
    ),
  },
  {
    title: 'a domain of users/assign, as vpopmail has them, shared with its people',
    edit: all(
      replaced(locals, new RegExp(`^${people}$`, 'm'), ''),
      added(virtualdomains, `${people}:${people}`),
      written(
        assign,
        `+${people}-:ann:1001:1001:/home/ann:-::\n+mailman-:mailman:7799:7799:/home/mailman:-::\n.\n`,
      ),
      compiled,
      written('home/ann/.qmail-default', "| /home/vpopmail/bin/vdelivermail '' bounce-no-mailbox\n"),
      written('home/ann/.qmail-rice', `${hookedUp}\n`),
      written('home/ann/.qmail-rice-default', `${hookedUp}\n`),
    ),
  },
  {
    title: 'the domain in morercpthosts alone, compiled',
    edit: all(
      replaced(rcpthosts, /^lists\..*$/m, ''),
      written('var/qmail/control/morercpthosts', `${lists}\n`),
      compiled,
    ),
  },
  {
    title: 'a domain for whose lists Posthorn keeps the files, and no list yet',
    edit: all(virtual(`${lists}:ann`), gone(dotDefault)),
    facts: (facts) => ({
      ...withLists(lists, [])(facts),
      incoming: ['qmail'],
      qmail: { ...facts.qmail, homes: { [lists]: '/home/ann' } },
    }),
  },
  {
    title: 'smtproutes leads to the SMTP intake',
    edit: all(
      gone(virtualdomains),
      gone(dotDefault),
      written('var/qmail/control/smtproutes', `${lists}:127.0.0.1:2525\n`),
    ),
    facts: (facts) => ({ ...facts, smtpIntake: { host: '127.0.0.1', port: 2525 } }),
  },
  { title: 'a filter before it, in a pipeline', edit: line(`|/usr/bin/spamc | ${hookedUp.slice(1)}`) },
  { title: 'another folder first', edit: line(`|cd / && exec ${hookedUp.slice(1)}`) },
  {
    title: 'a script of the site, which has the port',
    edit: all(
      line('|/usr/local/bin/hand-over --lmtp 127.0.0.1:8024'),
      written('usr/local/bin/hand-over', '', 0o755),
    ),
  },
  {
    title: 'a file for the rest of the shared domain, which starts the program',
    edit: all(
      gone(`${alias}/.qmail-rice`),
      gone(`${alias}/.qmail-rice-default`),
      written(`${alias}/.qmail-default`, '|/opt/posthorn/bin/posthorn-qmail 8024 0\n'),
    ),
  },
  {
    title: 'a smarthost, and a filter on this machine',
    edit: written('var/qmail/control/smtproutes', 'example.com:[127.0.0.1]\n:127.0.0.1:10025\n'),
  },
  { title: 'nobody from outside', edit: all(replaced(rules, /^:allow$/m, ':deny'), compiled) },
  { title: 'redirections in the line', edit: line(`${hookedUp} 2>>lists.log`) },
  { title: 'a comment and a variable in the line', edit: line(`|TZ=UTC exec ${hookedUp.slice(1)} # lists`) },
  {
    title: 'another list manager beside it',
    edit: all(
      written(`${alias}/.qmail-milk`, '|/usr/bin/ezmlm-send /home/ann/milk\n'),
      added(virtualdomains, 'ezmlm.example.test:ann'),
    ),
  },
  {
    title: 'people may write to the folder of alias',
    edit: mode(alias, 0o2755),
  },
  {
    title: 'a rule for a range of addresses',
    edit: all(replaced(rules, /^127\..*$/m, '127.0.0.1:allow,RELAYCLIENT="",RBLSMTPD=""'), compiled),
  },
  {
    title: 'no service of daemontools, and the rules where they usually are',
    edit: gone('service'),
  },
]

async function found(one: QmailHome, facts: HostFacts): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for await (const finding of qmail.diagnose(facts, one.host)) findings.push(finding)
  return inOrder(findings)
}

const toMend = (findings: readonly Finding[]): readonly string[] =>
  findings.filter(({ kind }) => kind.severity !== 'info').map(({ kind }) => kind.code)

describe('the doctor at a qmail', { concurrency: 4 }, () => {
  const hookedUpHome = qmailHome()
  before(() => hookedUpHome.hookUp())
  after(() => hookedUpHome[Symbol.dispose]())

  for (const { title, edit, facts } of sound)
    test(`nothing is to be mended: ${title}`, async () => {
      using one = qmailHome(hookedUpHome)
      edit?.(one)
      const findings = await found(one, facts?.(one.facts) ?? one.facts)
      equal(needsMending(findings), false, JSON.stringify(findings, null, 1))
    })

  for (const { title, code, more = [], edit, facts } of breakages)
    test(`${title}: ${code}`, async () => {
      using one = qmailHome(hookedUpHome)
      edit?.(one)
      const findings = await found(one, facts?.(one.facts) ?? one.facts)
      const told = JSON.stringify(findings, null, 1)
      deepEqual(
        [...new Set(toMend(findings))],
        [code, ...more].map((name) => `qmail.${name}`),
        told,
      )
      for (const { seen, change } of findings) ok(seen !== '' && change !== '', told)
      // A line that is to be written in place of another: doing so mends it.
      for (const { kind, file, line: at, change } of findings) {
        const right = /^write '(\|.*)'(?: instead)?$/.exec(change)?.[1]
        if (right === undefined || file === null || at === null) continue
        const path = file.slice(one.root.length)
        const lines = one.read(path).split('\n')
        one.write(path, lines.with(at - 1, right).join('\n'))
        const again = await found(one, facts?.(one.facts) ?? one.facts)
        ok(!again.some((other) => other.kind === kind), JSON.stringify(again, null, 1))
      }
    })

  test('a file that is missing for many addresses is told once for each list', async () => {
    using one = qmailHome(hookedUpHome)
    const findings = await found(one, withLists(people, ['rice', 'milk', 'ann'])(one.facts))
    deepEqual(
      findings.map(({ kind, file }) => [kind.code.slice('qmail.'.length), file?.slice(one.root.length)]),
      [
        ['list-file-missing', `/${alias}/.qmail-milk`],
        ['extension-file-missing', `/${alias}/.qmail-milk-default`],
        ['account-takes-list', '/etc/passwd'],
      ],
    )
  })

  test('compiled files are read by od, here and behind a command prefix', async () => {
    using one = qmailHome()
    const path = join(one.root, 'some.cdb')
    const bytes = Buffer.from(Array.from({ length: 300 }, (_, at) => at & 255))
    writeFileSync(path, bytes)
    for (const commandPrefix of [[], ['env']]) {
      const host = mailServerHost({ configDir: null, commandPrefix })
      deepEqual(await readOctets(host, path), bytes)
      equal(await readOctets(host, `${path}.none`), null)
    }
  })

  test('whether qmail-send runs, and since when, is seen where no other folder was named', async () => {
    using one = qmailHome(hookedUpHome)
    const told = async (etimes: string): Promise<readonly string[]> => {
      const codes: string[] = []
      for await (const { kind } of qmail.diagnose(one.facts, one.inside({ etimes, pid: '' })))
        codes.push(kind.code)
      return codes
    }
    deepEqual(await told(''), ['qmail.not-running'])
    deepEqual(await told('  0\n'), [])
    utimesSync(join(one.root, virtualdomains), new Date(), new Date(Date.now() + 60_000))
    deepEqual(await told('3600\n'), ['qmail.not-reread', 'qmail.not-reread'])
    utimesSync(join(one.root, locals), new Date(), new Date(Date.now() - 7_200_000))
    deepEqual(await told('3600\n'), ['qmail.not-reread'])
  })

  test('every error and warning of the catalogue is found in this table', () => {
    const tried = new Set(
      breakages.flatMap(({ code, more = [] }) => [code, ...more].map((one) => `qmail.${one}`)),
    )
    const untried = qmailKinds.filter(({ code, severity }) => severity !== 'info' && !tried.has(code))
    deepEqual(
      untried.map(({ code }) => code),
      ['qmail.not-running'], // above
    )
  })
})
