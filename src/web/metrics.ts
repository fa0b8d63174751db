// What monitoring may know of a server, as metrics. Law: numbers and names of ours alone, never an address, a list or a
// word of a message, so that whoever may read them learns nothing about people.
import { type CommitTimes, commitBounds } from '../store/commit-times.ts'
import type { LaneReport } from '../store/units/reports.ts'
import { counter, each, type Family, gauge, histogram, only } from './exposition.ts'

/** One look at the server. Counts are since the start. */
export interface Picture {
  readonly now: number
  readonly version: string
  readonly door: {
    readonly accepted: number
    readonly repeats: number
    readonly faults: number
    /** By reply code and enhanced code. */
    readonly refusals: ReadonlyMap<string, number>
    readonly visits: number
    readonly turnedAway: number
    readonly connections: number
    readonly bytesInFlight: number
  }
  readonly judged: Readonly<Record<'accept' | 'hold' | 'reject' | 'discard', number>>
  readonly copies: Readonly<Record<'sent' | 'deferred' | 'failed' | 'refused' | 'doubt', number>>
  readonly lanes: readonly LaneReport[]
  readonly relay: 'up' | 'down' | 'unknown'
  readonly delivery: { readonly connections: number; readonly pages: number; readonly inDoubt: number }
  /** An operator holds delivery back. */
  readonly paused: boolean
  readonly commits: CommitTimes
  readonly disk: { readonly free: number; readonly reserve: number }
  readonly publication: { readonly generation: number; readonly done: number; readonly fault: string | null }
  /** Lines of the log by thread. */
  readonly trouble: Readonly<Record<string, { readonly warn: number; readonly error: number }>>
}

/** All lanes, so that an empty one is a zero and not a gap. */
const lanes = ['in', 'command', 'bounce', 'notice', 'out'] as const

export function families(picture: Picture): readonly Family[] {
  const { now, version, door, judged, copies, relay, delivery, commits, disk, publication, trouble } = picture
  const byLane = lanes.map(
    (lane) =>
      picture.lanes.find((report) => report.lane === lane) ?? {
        lane,
        waiting: 0,
        deferred: 0,
        shunted: 0,
        oldest: null,
      },
  )
  return [
    gauge('posthorn_info', 'The running version.', [{ labels: { version }, value: 1 }]),
    counter(
      'posthorn_messages_received_total',
      'Messages that the mail server handed over, by whether they were new.',
      each('outcome', { accepted: door.accepted, repeat: door.repeats }),
    ),
    counter(
      'posthorn_refusals_total',
      'Recipients and messages refused at the door, by reply code and enhanced code.',
      [...door.refusals].map(([reply, value]) => ({ labels: { reply }, value })),
    ),
    counter(
      'posthorn_door_faults_total',
      'Answers with 451 for a fault of Posthorn or its disk.',
      only(door.faults),
    ),
    counter('posthorn_door_visits_total', 'Connections of mail servers.', only(door.visits)),
    counter(
      'posthorn_door_turned_away_total',
      'Connections refused: not allowed, or too many at once.',
      only(door.turnedAway),
    ),
    gauge('posthorn_door_connections', 'Connections of mail servers that are open.', only(door.connections)),
    gauge(
      'posthorn_door_bytes_in_flight',
      'Bytes of messages that are being received.',
      only(door.bytesInFlight),
    ),
    counter('posthorn_posts_judged_total', 'Posts judged, by what was decided.', each('action', judged)),
    counter(
      'posthorn_copies_total',
      'Recipients of transactions with the relay, by what became of them; each try counts.',
      each('fate', copies),
    ),
    gauge(
      'posthorn_queue_items',
      'Entries of the queue by lane: due or in work, put off, or set aside until unshunt.',
      byLane.flatMap(({ lane, waiting, deferred, shunted }) =>
        Object.entries({ waiting, deferred, aside: shunted }).map(([state, value]) => ({
          labels: { lane, state },
          value,
        })),
      ),
    ),
    gauge(
      'posthorn_queue_oldest_seconds',
      'Age of the oldest entry of a lane that is not set aside; 0 for an empty lane.',
      byLane.map(({ lane, oldest }) => ({
        labels: { lane },
        value: oldest === null ? 0 : Math.max(0, now - oldest) / 1000,
      })),
    ),
    gauge(
      'posthorn_relay_state',
      'Whether the relay takes mail: 1 at the state that holds. Unknown: nothing was sent lately.',
      each('state', {
        up: Number(relay === 'up'),
        down: Number(relay === 'down'),
        unknown: Number(relay === 'unknown'),
      }),
    ),
    gauge(
      'posthorn_delivery_paused',
      '1 while an operator holds delivery back.',
      only(Number(picture.paused)),
    ),
    gauge('posthorn_relay_connections', 'Connections to the relay.', only(delivery.connections)),
    gauge('posthorn_pages_open', 'Pages of recipients that are being sent.', only(delivery.pages)),
    gauge(
      'posthorn_in_doubt',
      'Recipients between the final dot and the committed result: all that a crash can repeat.',
      only(delivery.inDoubt),
    ),
    histogram('posthorn_commit_seconds', 'How long a commit took, fsync included.', commitBounds, commits),
    gauge('posthorn_disk_free_bytes', 'Free disk space at the data directory.', only(disk.free)),
    gauge('posthorn_disk_reserve_bytes', 'Below this no mail is taken: [store] reserve.', only(disk.reserve)),
    gauge(
      'posthorn_publication_faulty',
      "1 while the mail server's tables cannot be written.",
      only(Number(publication.fault !== null)),
    ),
    gauge(
      'posthorn_publication_behind',
      "Changes of lists that the mail server's tables do not have yet.",
      only(publication.generation - publication.done),
    ),
    counter(
      'posthorn_log_lines_total',
      'Lines of the log that tell of trouble, by level and thread.',
      Object.entries(trouble).flatMap(([thread, counts]) =>
        Object.entries(counts).map(([level, value]) => ({ labels: { thread, level }, value })),
      ),
    ),
  ]
}
