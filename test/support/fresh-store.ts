// A real store in a fresh temporary directory, with its writer thread, for tests and stories.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startWriterThread, type WriterThread } from '../../src/app/writer-thread.ts'
import { openStore, type Store } from '../../src/store/store.ts'

export interface FreshStore extends AsyncDisposable {
  readonly store: Store
  readonly directory: string
  readonly path: string
  readonly writer: WriterThread
}

/** `await using fresh = await freshStore()`: gone with its directory at the end of the block. */
export async function freshStore(): Promise<FreshStore> {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-test-'))
  const path = join(directory, 'posthorn.db')
  const writer = await startWriterThread(path)
  const port = writer.port()
  const store = openStore(port, path)
  return {
    store,
    directory,
    path,
    writer,
    [Symbol.asyncDispose]: async () => {
      store.close()
      port.close()
      await writer.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
