// posthorn backup: a copy of all that the server keeps, made while it runs; and the proof that a copy can be restored.
import { resolve } from 'node:path'
import { makeBackup } from '../../app/backup.ts'
import { BackupRefusal, type Manifest, manifestName } from '../../app/backup-files.ts'
import { verifyBackup } from '../../app/restore.ts'
import { type CommandContext, defineCommand, EX, type LocalContext } from '../command.ts'
import { version } from '../overview.ts'
import { counted, sizeOf } from '../words.ts'

export const backup = defineCommand({
  name: 'backup',
  summary: 'Make a backup while mail goes on, or prove one',
  about: `  Copies the database as it is at one moment, the files of large messages and the configuration
  files into DIR, which must be new or empty. Mail goes on meanwhile. The copy holds secrets:
  it is readable by its owner alone, the user that runs the server, who makes it. The mail server's
  tables are not in it: a restore makes them anew.
  With --verify DIR is a backup: it is restored into a temporary directory, and every file, row count
  and message is checked; nothing else is touched.`,
  examples: [
    'posthorn backup /var/backups/posthorn/2026-01-31',
    'posthorn backup --verify /var/backups/posthorn/2026-01-31',
  ],
  options: {
    verify: { kind: 'flag', help: 'Check that backup by restoring it into a temporary directory.' },
    json: { kind: 'flag', help: 'As JSON.' },
  },
  args: { dir: 'required' },
  here: ({ verify, dir, json }) => (verify ? (context) => prove(context, resolve(dir), json) : null),
  async run(context, { dir, json }) {
    const { services, server, out, cwd } = context
    const directory = resolve(cwd, dir)
    return refusing(context, async () => {
      const manifest = await makeBackup(services, {
        directory,
        version,
        keepMessages: () => server.keepMessages(),
        progress: (words) => out.progress(words),
      })
      if (json) out.json(report(directory, manifest))
      else {
        out.line(`Backup in ${directory}: ${contents(manifest)}`)
        out.line(`Prove it with: posthorn backup --verify ${directory}`)
      }
    })
  },
})

async function prove(context: LocalContext, directory: string, json: boolean): Promise<number> {
  const { out } = context
  return refusing(context, async () => {
    const manifest = await verifyBackup(directory, (words) => out.progress(words))
    if (json) out.json(report(directory, manifest))
    else {
      out.line(`${directory} is sound: ${contents(manifest)}`)
      out.line(`made ${manifest.made} by Posthorn ${manifest.posthorn}`)
    }
  })
}

/** A refusal is told and ends with 1. */
export async function refusing(
  { out }: Pick<CommandContext, 'out'>,
  work: () => Promise<void>,
): Promise<number> {
  try {
    await work()
    return EX.ok
  } catch (fault) {
    if (!(fault instanceof BackupRefusal)) throw fault
    out.errorLine(`posthorn: ${fault.message}`)
    return EX.failed
  }
}

/** What a backup holds, in one line. */
export function contents({ rows, files }: Manifest): string {
  const size = files.reduce((sum, file) => sum + file.size, 0)
  return [
    counted(rows.list ?? 0, 'list'),
    counted(rows.member ?? 0, 'membership'),
    counted(rows.message ?? 0, 'kept message'),
    counted(files.length, 'file'),
    sizeOf(size),
  ].join(', ')
}

const report = (directory: string, { files, ...manifest }: Manifest) => ({
  directory,
  manifest: manifestName,
  ...manifest,
  files: files.length,
  size: files.reduce((sum, file) => sum + file.size, 0),
})
