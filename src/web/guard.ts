// Who may ask, and what a browser may do with the answer. Law: a page on loopback answers to its own names alone (a
// foreign name that leads to 127.0.0.1 is DNS rebinding), takes forms from itself alone, and runs no script but its own.
import type { MiddlewareHandler } from 'hono'

/** Only what this server serves: no script and no style inside a page, so that mail shown on it can be neither. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const headers = {
  'Content-Security-Policy': policy,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin', // with no-referrer a form would come from the origin `null`
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
}

export const strictHeaders: MiddlewareHandler = async (c, next) => {
  await next()
  for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value)
}

/** The names under which a browser on this machine knows it. */
const ownHosts = ['localhost', '127.0.0.1', '[::1]']

/** `port`: where it listens, which is known once it does. 421 for a foreign name (RFC 9110 §15.5.20). */
export function ownNameOnly(port: () => number): MiddlewareHandler {
  return async (c, next) => {
    const host = c.req.header('host') ?? ''
    const own = ownHosts.map((name) => (port() === 80 ? name : `${name}:${port()}`))
    if (own.includes(host.toLowerCase())) return next()
    return c.text(`This page answers to ${own.join(', ')} alone, not to the name it was asked under.\n`, 421)
  }
}

/**
 * What changes something must come from a page of this server. A browser says where a form comes from (Fetch Metadata,
 * Origin: RFC 6454 §7); curl says nothing, and has no cookies to be tricked with.
 */
export const sameOriginForms: MiddlewareHandler = async (c, next) => {
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return next()
  const site = c.req.header('sec-fetch-site') ?? 'same-origin'
  const origin = c.req.header('origin') ?? `http://${c.req.header('host')}`
  const fromHere = site === 'same-origin' || site === 'none'
  if (fromHere && origin === `http://${c.req.header('host')}`) return next()
  return c.text('This form was sent from another site: open the page itself and send it there.\n', 403)
}
