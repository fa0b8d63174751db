// The tables of text that a mail server reads, and what is known of those in place: megabytes need not be read again to
// be compared. Law: a table that is in force is replaced whole, by one that is on disk already, or left alone.
import { copyFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { PublishedFile } from '../model/mail-server.ts'
import { about, changeTime, removeFile, renameOver, syncPath, textOf, writeSynced } from './replace-files.ts'
import { type Parts, sameParts } from './table-parts.ts'

export interface Table {
  readonly path: string
  readonly parts: Parts
}

/** What this process put or found in place, by path. */
export class TablesInForce {
  readonly #known = new Map<string, { readonly parts: Parts; readonly at: number | null }>()

  /** Whether the file says just this. Throws Unavailable. */
  async says({ path, parts }: Table): Promise<boolean> {
    const known = await this.known(path)
    return known === null ? (await textOf(path)) === parts.join('') : sameParts(known, parts)
  }

  /** What this process knows to be in place, untouched by others since; else null. */
  async known(path: string): Promise<Parts | null> {
    const known = this.#known.get(path)
    if (known === undefined || known.at === null) return null
    return known.at === (await changeTime(path)) ? known.parts : null
  }

  /** These are in place now. */
  async keep(tables: readonly Table[]): Promise<void> {
    for (const { path, parts } of tables) this.#known.set(path, { parts, at: await changeTime(path) })
  }

  /** Replaces what differs. `changing` runs before the first is replaced; all are on disk then. Throws Unavailable. */
  async replace(tables: readonly Table[], changing: () => Promise<void>): Promise<readonly PublishedFile[]> {
    const compared: (Table & PublishedFile)[] = []
    for (const table of tables) compared.push({ ...table, changed: !(await this.says(table)) })
    const changed = compared.filter((table) => table.changed)
    try {
      for (const { path, parts } of changed) await writeSynced(`${path}.new`, parts)
      if (changed.length > 0) await changing()
    } catch (fault) {
      await Promise.allSettled(changed.map(({ path }) => removeFile(`${path}.new`)))
      throw fault
    }
    for (const { path } of changed) await renameOver(`${path}.new`, path)
    for (const directory of new Set(changed.map(({ path }) => dirname(path)))) await syncPath(directory)
    await this.keep(tables)
    return compared.map(({ path, changed }) => ({ path, changed }))
  }
}

/** A copy of a table, beside it. Throws Unavailable. */
export const copyTable = (from: string, to: string): Promise<void> =>
  about(to, 'written', () => copyFile(from, to))
