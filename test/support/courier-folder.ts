// A root with Courier's folder as Debian makes it, and accounts; looked at from outside, as with --config-dir.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { mailServerHost } from '../../src/app/mail-server-host.ts'
import type { MailServerHost } from '../../src/model/hookup.ts'

export interface CourierFolder extends Disposable {
  readonly root: string
  /** `ROOT/etc/courier` */
  readonly etc: string
  /** The home of the account `mailman`. */
  readonly home: string
  readonly host: MailServerHost
}

const debian: Readonly<Record<string, string>> = {
  courierd: 'PATH=/usr/bin:/bin\n',
  esmtpd: 'PORT=smtp\nACCESSFILE=$sysconfdir/smtpaccess\nMAXPERIP=5\nESMTPDSTART=YES\n',
  defaultdomain: 'mail.example.org\n',
  locals: 'localhost\nmail.example.org\n',
  'aliases/system': '# aliases\nroot: postmaster\npostmaster:\n',
  'smtpaccess/default':
    '127.0.0.1\tallow,RELAYCLIENT\n:0000:0000:0000:0000:0000:0000:0000:0001\tallow,RELAYCLIENT\n\n10\tallow,RELAYCLIENT\n',
}

/** `files` go over those of Debian, below `etc/courier`. */
export function courierFolder(files: Readonly<Record<string, string>> = {}): CourierFolder {
  const root = mkdtempSync(join(tmpdir(), 'posthorn-courier-folder-'))
  const etc = join(root, 'etc/courier')
  const home = join(root, 'home/mailman')
  for (const folder of ['esmtpacceptmailfor.dir', 'hosteddomains', 'aliasdir'])
    mkdirSync(join(etc, folder), { recursive: true })
  for (const name of ['mailman', 'lists2']) mkdirSync(join(root, 'home', name), { recursive: true })
  for (const [name, text] of Object.entries({ ...debian, ...files })) {
    mkdirSync(dirname(join(etc, name)), { recursive: true })
    writeFileSync(join(etc, name), text)
  }
  const accounts = [
    'root:x:0:0::/root:',
    'mail:x:8:8::/var/mail:',
    ...['mailman', 'lists2'].map((name) => `${name}:x:1001:1001::/home/${name}:`),
  ]
  writeFileSync(join(root, 'etc/passwd'), `${accounts.join('\n')}\n`)
  return {
    root,
    etc,
    home,
    host: mailServerHost({ configDir: etc, commandPrefix: [] }),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  }
}
