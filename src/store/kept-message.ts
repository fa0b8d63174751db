// The bytes of a message as they came: from its row, or from the file that was synced before the row.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Unavailable } from '../base/unavailable.ts'
import type { MessageNo } from '../model/queue.ts'
import type { Store } from './store.ts'
import { messageBody } from './units/queue.ts'

/** `spool` holds the files of large messages. Throws Unavailable when a file cannot be read. */
export function keptBytes(store: Pick<Store, 'read'>, spool: string, message: MessageNo): Uint8Array {
  const body = store.read(messageBody, { message })
  if (body === null) throw new Error(`message ${message} is gone`)
  if (body.bytes !== null) return body.bytes
  if (body.file === null) throw new Error(`message ${message} has neither bytes nor a file`)
  const path = join(spool, body.file)
  try {
    return readFileSync(path)
  } catch (fault) {
    throw new Unavailable(`the file of message ${message} cannot be read: ${path}`, { cause: fault })
  }
}
