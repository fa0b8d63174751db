// The judging thread: feeds posts to the rules and the handlers. Started when there is mail, ended when there is
// none, killed and replaced when one message takes too long.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { startRunner } from '../../queue/runner.ts'
import { postJudge } from '../judge-post.ts'
import type { StationNews, StationOrder, StationStart } from '../station-messages.ts'
import { stationServices } from '../station-services.ts'

const parent = parentPort as MessagePort
const start = workerData as StationStart
const say = (news: StationNews): void => parent.postMessage(news)
const { services, close, reopenLog } = stationServices(start)
const heartbeat = new Int32Array(start.heartbeat)

const judge = postJudge(services, start.spool, () => say({ kind: 'accepted' }))
const runner = startRunner(services, { lane: 'in', claimant: start.claimant, batch: 64 }, (item) => {
  Atomics.store(heartbeat, 0, item.no)
  Atomics.add(heartbeat, 1, 1)
  const ended = judge.judge(item)
  Atomics.store(heartbeat, 0, 0)
  return ended
})

parent.on('message', (order: StationOrder) => {
  switch (order.kind) {
    case 'wake':
      runner.wake()
      return
    case 'status':
      say({ kind: 'status', id: order.id, idle: runner.isIdle(), delivery: null })
      return
    case 'published':
      return
    case 'reopen-log':
      reopenLog()
      return
    case 'stop':
      void runner.stop().then(() => {
        close()
        say({ kind: 'stopped' })
        parent.close()
      })
  }
})
say({ kind: 'ready' })
runner.wake()
