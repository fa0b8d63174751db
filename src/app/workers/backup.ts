// The backup thread: copies the database as it is at one moment, while the writer goes on, and ends. A thread of its
// own, because SQLite copies without a pause.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { sqliteCode } from '../../store/database.ts'
import { copyDatabase } from '../../store/snapshot.ts'

export interface BackupStart {
  readonly database: string
  readonly target: string
}

/** The one message to the parent. */
export type BackupNews = { readonly done: true } | { readonly fault: string; readonly sqlite: number | null }

const { database, target } = workerData as BackupStart
const parent = parentPort as MessagePort
const tell = (news: BackupNews): void => parent.postMessage(news)
try {
  copyDatabase(database, target)
  tell({ done: true })
} catch (fault) {
  tell({ fault: fault instanceof Error ? fault.message : String(fault), sqlite: sqliteCode(fault) })
}
