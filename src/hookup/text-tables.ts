// Mail servers whose tables are text that they read as it is: Sendmail and OpenSMTPD. Law: as for Postfix, each table is
// replaced whole after the list change has committed, only when its content changed, by one publication at a time.
import { join } from 'node:path'
import type { ListDirectory, MailServer } from '../model/mail-server.ts'
import { opensmtpdRecipients } from './opensmtpd-tables.ts'
import { publishAlone, type Reread } from './rereading.ts'
import { sendmailTables } from './sendmail-tables.ts'
import type { Parts } from './table-parts.ts'
import { TablesInForce } from './tables-in-force.ts'

export interface TextTableSettings {
  /** Where the tables are: it must exist, and the mail server must be able to read it. */
  readonly directory: string
  /** Run after tables have changed; empty: nothing. */
  readonly reloadCommand: readonly string[]
  /** Milliseconds until that is killed; 30 s unless said. */
  readonly reloadTimeLimit?: number
}

export function sendmail(settings: TextTableSettings): MailServer {
  return textTables('sendmail', settings, null, sendmailTables())
}

/** `delimiter` stands between a local part and its extension. */
export function opensmtpd(settings: TextTableSettings & { readonly delimiter: string }): MailServer {
  const byHand =
    "OpenSMTPD does not reread its tables by itself: run 'smtpctl update table posthorn_recipients'"
  const recipients = opensmtpdRecipients(settings.delimiter)
  const tablesOf = (lists: ListDirectory) => new Map([['opensmtpd_recipients', recipients(lists)]])
  return textTables('opensmtpd', settings, byHand, tablesOf)
}

function textTables(
  name: string,
  { directory, reloadCommand: command, reloadTimeLimit: timeLimit }: TextTableSettings,
  byHand: string | null,
  tablesOf: (lists: ListDirectory) => ReadonlyMap<string, Parts>,
): MailServer {
  const inForce = new TablesInForce()
  const reread: Reread = { command, byHand, ...(timeLimit === undefined ? {} : { timeLimit }) }
  return {
    name,
    publish: (lists) =>
      publishAlone({ name, directory, reread }, (changing) => {
        const tables = [...tablesOf(lists)].map(([file, parts]) => ({ path: join(directory, file), parts }))
        return inForce.replace(tables, changing)
      }),
  }
}
