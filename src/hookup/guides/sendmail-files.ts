// Where Sendmail keeps its configuration: sendmail.mc is what people write, sendmail.cf what m4(1) makes of it and
// Sendmail reads. Law: nothing is decided here.
import { join } from 'node:path'
import type { MailServerHost } from '../../model/hookup.ts'

/** A file with its text and when it last changed, in milliseconds since 1970. */
export interface FileThere {
  readonly path: string
  readonly text: string
  readonly changed: number
}

export interface SendmailFiles {
  /** `/etc/mail`, unless `--config-dir` names another. */
  readonly dir: string
  readonly mc: FileThere | null
  readonly cf: FileThere | null
  /** Whether `make` in `dir` makes sendmail.cf and the maps. */
  readonly hasMakefile: boolean
}

/** Throws Unavailable when a file is there and cannot be read. */
export async function readSendmailFiles(host: MailServerHost): Promise<SendmailFiles> {
  const dir = host.configDir ?? '/etc/mail'
  const names = (await host.list(dir)) ?? []
  // FreeBSD names the source after the host; another .mc is that of the submission program.
  const sources = names.filter((name) => /\.mc$/.test(name) && !/^(submit|.*\.submit)\.mc$/.test(name))
  const source =
    sources.find((name) => name === 'sendmail.mc') ?? (sources.length === 1 ? sources[0] : undefined)
  const elsewhere = host.configDir === null ? ['/etc/sendmail.cf'] : []
  let cf: FileThere | null = null
  for (const path of [join(dir, 'sendmail.cf'), ...elsewhere]) cf ??= await fileAt(host, path)
  return {
    dir,
    mc: source === undefined ? null : await fileAt(host, join(dir, source)),
    cf,
    hasMakefile: names.includes('Makefile'),
  }
}

async function fileAt(host: MailServerHost, path: string): Promise<FileThere | null> {
  const text = await host.readText(path)
  if (text === null) return null
  return { path, text, changed: (await host.stat(path))?.changed ?? 0 }
}
