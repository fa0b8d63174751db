// The delivery thread: renders and sends. Started when something is to go out, ended when nothing is left.
import { hostname } from 'node:os'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { startDelivery } from '../../delivery/delivery.ts'
import { relayManners, relayOf, siteWay, verpSecret } from '../relay.ts'
import type { StationNews, StationOrder, StationStart } from '../station-messages.ts'
import { stationServices } from '../station-services.ts'

const parent = parentPort as MessagePort
const start = workerData as StationStart
const say = (news: StationNews): void => parent.postMessage(news)
const { services, tally, close, reopenLog } = stationServices(start)
const { config } = services

const relay = relayOf(config, hostname())
const delivery = startDelivery(services, {
  relay,
  manners: await relayManners(services, relay),
  ...(await siteWay(config)),
  maxRecipients: config.mta.maxRecipients === 0 ? config.bulk.inDoubt : config.mta.maxRecipients,
  maxTransactions: config.mta.maxSessionsPerConnection,
  connections: config.bulk.connections,
  inDoubt: config.bulk.inDoubt,
  spool: start.spool,
  verpKey: await verpSecret(services),
  verpDelimiter: config.mta.verpDelimiter,
  redirect: config.devmode.enabled ? config.devmode.recipient : null,
  count: (fate, recipients) => tally.add(fate, recipients),
})

parent.on('message', (order: StationOrder) => {
  switch (order.kind) {
    case 'wake':
      delivery.wake(order.reload)
      return
    case 'status':
      say({ kind: 'status', id: order.id, idle: delivery.isIdle(), delivery: delivery.status() })
      return
    case 'published':
      delivery.renewConnections()
      return
    case 'reopen-log':
      reopenLog()
      return
    case 'stop':
      void delivery.stop(order.graceMilliseconds).then(() => {
        close()
        say({ kind: 'stopped' })
        parent.close()
      })
  }
})
say({ kind: 'ready' })
