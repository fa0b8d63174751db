// The way out: where delivery gets its connections from. Most often it is the relay, by SMTP; a site may have code of
// its own. Law: what is said over a connection means the same whatever the way out is, so that the fault table holds.
import {
  Manners,
  openConnection,
  type Relay,
  type RelayTrouble,
  type SmtpConnection,
} from '../smtp/client.ts'
import { placeOf } from '../smtp/client-relay.ts'

export interface WayOut {
  /** Never throws for the world's faults: a trouble is a state of the way out, and pauses everything. */
  open(
    signal: AbortSignal,
  ): Promise<{ readonly connection: SmtpConnection } | { readonly trouble: RelayTrouble }>
  /** For the operator, when a connection ended before anything was answered: what, where, what to do. */
  hungUp(why: string): string
}

export function relayWayOut(relay: Relay, manners = new Manners()): WayOut {
  return {
    open: (signal) => openConnection(relay, signal, manners),
    hungUp: (why) =>
      `${placeOf(relay)} greeted and then hung up before it answered MAIL (${why}); look into the mail server's log`,
  }
}
