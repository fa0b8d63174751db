// The folders of the lists (markers) as Exim's own account sees them: at RCPT Exim is not root, so every folder above them
// must let that account pass.
import type { FileFacts, MailServerHost } from '../../model/hookup.ts'

const eximAccounts = ['Debian-exim', 'exim', 'mail', 'mailnull'] as const

/** The folders on the way to `directory`, itself included, that Exim's account cannot pass; none when there is no such folder. */
export async function closedFolders(host: MailServerHost, directory: string): Promise<readonly string[]> {
  const account = await eximAccount(host)
  const closed: string[] = []
  const names = directory.split('/').filter((name) => name !== '')
  for (let depth = 1; depth <= names.length; depth += 1) {
    const path = `/${names.slice(0, depth).join('/')}`
    const facts = await host.stat(path)
    if (facts === null) return []
    if (!mayPass(facts, account)) closed.push(path)
  }
  return closed
}

interface Account {
  readonly user: string
  readonly groups: readonly string[]
}

/** Whom this Exim runs as: the first of the usual accounts that there is. */
async function eximAccount(host: MailServerHost): Promise<Account> {
  const [passwd = '', group = ''] = await Promise.all(
    ['/etc/passwd', '/etc/group'].map(async (path) => (await host.readText(path)) ?? ''),
  )
  const entries = passwd.split('\n').map((line) => line.split(':'))
  const user = eximAccounts.find((name) => entries.some(([one]) => one === name)) ?? 'exim'
  const gid = entries.find(([one]) => one === user)?.[3]
  const groups = group
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([, , id, members = '']) => id === gid || members.split(',').includes(user))
    .map(([name = '']) => name)
  return { user, groups }
}

function mayPass({ user, group, mode }: FileFacts, account: Account): boolean {
  if (user === account.user) return (mode & 0o100) !== 0
  if (account.groups.includes(group)) return (mode & 0o010) !== 0
  return (mode & 0o001) !== 0
}
