// posthorn delivery: holds back what goes out, and lets it go again; mail that comes in is taken and judged meanwhile.
import {
  type DeliveryPause,
  deliveryPause,
  pauseDelivery,
  resumeDelivery,
  unjudged,
  waiting,
} from '../../store/units/pausing.ts'
import { type CommandContext, defineCommand, EX } from '../command.ts'
import { noneOf, UsageFault } from '../options.ts'
import { counted, spanOf, timeOf } from '../words.ts'

export const delivery = defineCommand({
  name: 'delivery',
  summary: 'Pause delivery, or let it go on',
  about: `  ACTION is status, pause or resume. While delivery is paused, mail is taken and judged, and nothing leaves;
  retry periods stand still. A restore begins with a pause: 'resume --drop' then gives up what was
  waiting when the backup was made, since it may have arrived in the meantime.`,
  examples: ['posthorn delivery pause --reason "new relay"', 'posthorn delivery resume'],
  options: {
    reason: { kind: 'one', value: 'TEXT', help: "With 'pause': what 'status' says of it." },
    drop: { kind: 'flag', help: "With 'resume', after a restore: send only what came in after the backup." },
    json: { kind: 'flag', help: "With 'status': as JSON." },
  },
  args: { action: 'optional' },
  async run(context, { action, reason, drop, json }) {
    if (reason !== null && action !== 'pause') throw new UsageFault("--reason goes with 'delivery pause'.")
    if (drop && action !== 'resume') throw new UsageFault("--drop goes with 'delivery resume'.")
    if (action === null || action === 'status') return show(context, json)
    if (action === 'pause') return pause(context, reason ?? "by 'posthorn delivery pause'")
    if (action === 'resume') return resume(context, drop)
    throw new UsageFault(`${noneOf(action, ['status', 'pause', 'resume'])}.`)
  },
})

function show({ services: { store, clock }, out }: CommandContext, json: boolean): number {
  const pause = store.read(deliveryPause, null)
  if (json) out.json(pause === null ? { paused: false } : { paused: true, ...pause })
  else out.line(pause === null ? 'Delivery is not paused' : wordsOf(pause, clock.now()))
  return EX.ok
}

const wordsOf = ({ since, why }: DeliveryPause, now: number): string =>
  `Delivery is paused since ${timeOf(since)} (${spanOf(now - since)}): ${why}`

async function pause({ services, server, out }: CommandContext, why: string): Promise<number> {
  const { store, clock, log } = services
  const paused = await store.commit(pauseDelivery, { since: clock.now(), why, restoredFrom: null })
  await server.pauseChanged()
  if (paused) log.info('delivery.paused', { why })
  out.line(paused ? 'Delivery is paused' : 'Delivery was paused before')
  return EX.ok
}

async function resume({ services, server, out }: CommandContext, drop: boolean): Promise<number> {
  const { store, clock, log } = services
  const paused = store.read(deliveryPause, null)
  if (paused === null) {
    out.line('Delivery is not paused')
    return EX.ok
  }
  if (drop && paused.restoredFrom === null)
    throw new UsageFault('--drop is for the pause that a restore makes; this one is of another kind.')
  if (drop && store.read(unjudged, { until: paused.restoredFrom ?? clock.now() }) > 0) {
    out.errorLine(
      'posthorn: some posts of the backup are not judged yet, so they cannot be dropped; try again in a moment (is the server running?)',
    )
    return EX.tryLater
  }
  const done = await store.commit(resumeDelivery, {
    now: clock.now(),
    dropUpTo: drop ? paused.restoredFrom : null,
  })
  await server.pauseChanged()
  log.info('delivery.resumed', { dropped: done?.dropped ?? 0 })
  if (drop)
    out.line(
      `${counted(done?.dropped ?? 0, 'post or letter', 'posts and letters')} of the backup will not be sent`,
    )
  out.line(`Delivery goes on; ${store.read(waiting, { until: clock.now() })} waiting`)
  return EX.ok
}
