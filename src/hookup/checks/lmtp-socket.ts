// The door by path ([lmtp] socket): is it there, does somebody listen, may the mail server's account use it (unix(7):
// write permission for the socket, x on every folder above it)?
import { dirname } from 'node:path'
import type { FileFacts, Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import type { Check, CheckedSite } from './checked-site.ts'
import { knock } from './knock.ts'
import { socketClosed, socketMissing } from './lmtp-kinds.ts'

export const lmtpSocket: Check = {
  kinds: [socketMissing, socketClosed],
  async *look(site) {
    const path = site.facts.lmtp.socket
    if (path === null) return
    const heard = await knock({ path }, site.patience)
    if (heard.kind === 'greeted') heard.talk.leave()
    if (heard.kind === 'unreachable' && heard.code !== 'EACCES') {
      const change = site.serverRuns ? socketMissing.change : 'Posthorn does not run: posthorn start'
      yield finding(socketMissing, { seen: `${path}: ${heard.words}`, change })
      return
    }
    for (const [name, accounts] of accountsOf) {
      if (!site.facts.incoming.includes(name)) continue
      for (const account of accounts) yield* mayUse(site, path, account)
    }
  },
}

/** Which account speaks LMTP, by the mail server; those that are not there are passed over. root may all. */
const accountsOf: ReadonlyMap<string, readonly string[]> = new Map([
  ['postfix', ['postfix']],
  ['exim4', ['Debian-exim', 'exim']],
  ['opensmtpd', ['opensmtpd', '_smtpd', 'smtpd']],
  ['courier', ['courier']],
])

async function* mayUse(site: CheckedSite, path: string, account: string): AsyncIterable<Finding> {
  const groups = await site.host.run(['id', '-Gn', account])
  if (groups === null || groups.code !== 0) return
  const member = { account, groups: groups.out.trim().split(/\s+/) }
  const above: string[] = []
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) above.unshift(folder)
  for (const folder of above) {
    const facts = await site.host.stat(folder)
    if (facts === null || may(member, facts, 0o1)) continue
    yield finding(socketClosed, {
      seen: `${folder}: ${modeText(facts)}; ${account} may not pass`,
      change: `usermod -a -G ${facts.group} ${account}   (and restart the mail server), or set [lmtp] socket to a path in a folder that ${account} may enter`,
    })
    return
  }
  const socket = await site.host.stat(path)
  if (socket === null || may(member, socket, 0o2)) return
  yield finding(socketClosed, {
    seen: `${path}: ${modeText(socket)}; ${account} may not write`,
    change: `usermod -a -G ${socket.group} ${account}   (and restart the mail server)`,
  })
}

interface Account {
  readonly account: string
  readonly groups: readonly string[]
}

// Only the first class that fits counts (path_resolution(7)).
function may({ account, groups }: Account, { user, group, mode }: FileFacts, bit: number): boolean {
  if (account === user) return (mode & (bit << 6)) !== 0
  return (mode & (groups.includes(group) ? bit << 3 : bit)) !== 0
}

const modeText = ({ user, group, mode }: FileFacts): string =>
  `${mode.toString(8).padStart(4, '0')} ${user}:${group}`
