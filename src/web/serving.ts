// An HTTP server on one place: what api and web answer is a function from Request to Response, and this carries it.
// Law: a place that cannot be listened at is said in words that name the key; closing waits for nobody.
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { type DoorKeys, DoorRefusal, whyNot } from '../smtp/listening.ts'

export interface HttpDoor {
  readonly port: number
  /** Connections are cut, those of pages that listen for news too. */
  close(): Promise<void>
}

export interface HttpPlace {
  readonly host: string
  /** 0: the kernel chooses. */
  readonly port: number
}

/** `keys` are those that a refusal names. Throws DoorRefusal. */
export async function serveHttp(
  place: HttpPlace,
  answer: (request: Request) => Response | Promise<Response>,
  keys: DoorKeys,
): Promise<HttpDoor> {
  const server = createAdaptorServer({ fetch: answer, overrideGlobalObjects: false })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (fault) => reject(new DoorRefusal(whyNot(place, fault, keys), { cause: fault })))
    server.listen({ host: place.host, port: place.port }, resolve)
  })
  server.removeAllListeners('error')
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      if ('closeAllConnections' in server) server.closeAllConnections()
      await closed
    },
  }
}
