// For machines that watch: /healthz (the process answers), /readyz (it can take mail) and /metrics (Prometheus). Loaded
// only where [web] metrics asks for it, since the process's own metrics cost memory.
import { Hono } from 'hono'
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Log } from '../base/log.ts'
import { Unavailable } from '../base/unavailable.ts'
import { expose } from './exposition.ts'
import { strictHeaders } from './guard.ts'
import { families, type Picture } from './metrics.ts'
import type { Readiness } from './readiness.ts'

export interface Monitored {
  /** Throws Unavailable. */
  picture(): Promise<Picture>
  ready(): Promise<Readiness>
}

export function monitoring({ log }: { readonly log: Log }, { picture, ready }: Monitored): Hono {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry }) // CPU, memory, file descriptors, event-loop lag, garbage collection
  const app = new Hono()
  app.use(strictHeaders)
  app.onError((fault, c) => {
    log.error('web.fault', { path: c.req.path, fault: String(fault), stack: fault.stack })
    return c.text(`${fault.message}\n`, fault instanceof Unavailable ? 503 : 500)
  })
  app.get('/healthz', (c) => c.text('ok\n'))
  app.get('/readyz', async (c) => {
    const { ready: isReady, lines } = await ready()
    return c.text(`${lines.join('\n')}\n`, isReady ? 200 : 503)
  })
  app.get('/metrics', async (c) => {
    const own = expose(families(await picture()))
    return c.body(`${own}\n${await registry.metrics()}`, 200, { 'Content-Type': registry.contentType })
  })
  app.notFound((c) => c.text('There are /healthz, /readyz and /metrics.\n', 404))
  return app
}
