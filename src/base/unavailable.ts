// The world is down: disk, database, DNS, network. LMTP answers 451, the queue tries again later.

/** A fault of the world, not of the mail and not of our code; `cause` goes to the log, never to a peer. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}
