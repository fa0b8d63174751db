// The relay as the configuration names it, and the secret of the envelope senders.
import type { Config } from '../config/config.ts'
import { nameOf } from '../config/names.ts'
import { siteWayOut } from '../delivery/site-way-out.ts'
import type { WayOut } from '../delivery/way-out.ts'
import { type VerpKey, verpKey } from '../mail/verp.ts'
import type { SiteDeliveryPlace } from '../model/site-module.ts'
import type { Services } from '../services.ts'
import { type BehindDot, Manners, type Relay, standardTimeouts } from '../smtp/client.ts'
import { placeOf } from '../smtp/client-relay.ts'
import { putSetting, settingOrMade } from '../store/units/settings.ts'
import { siteDeliver } from './site-modules.ts'

const security = { smtp: 'plain', starttls: 'starttls', smtps: 'smtps' } as const

export function relayOf({ mta }: Pick<Config, 'mta'>, heloName: string): Relay {
  const { smtpUser, smtpPass } = mta
  return {
    host: mta.smtpHost,
    port: mta.smtpPort,
    security: security[mta.smtpSecureMode],
    verifyCertificate: mta.smtpVerifyCert,
    verifyHostname: mta.smtpVerifyHostname,
    credentials: smtpUser !== null && smtpPass !== null ? { user: smtpUser, password: smtpPass } : null,
    heloName,
    timeouts: standardTimeouts,
  }
}

/** What was learnt of this relay at earlier starts, and what will be. */
export async function relayManners(
  { store, log }: Pick<Services, 'store' | 'log'>,
  relay: Relay,
): Promise<Manners> {
  const key = `relay.behind-dot ${placeOf(relay)}`
  const kept = await store.commit(settingOrMade, { key, made: 'untried' satisfies BehindDot })
  const known = kept === 'taken' || kept === 'refused' ? kept : 'untried'
  return new Manners(known, (behindDot) => {
    log.info('relay.learnt', { relay: placeOf(relay), envelopeBehindDot: behindDot })
    store.commit(putSetting, { key, value: behindDot }).catch((fault: unknown) => {
      log.error('relay.learnt-in-vain', { fault: String(fault) })
    })
  })
}

/** The site's own way out, where `[mta] outgoing` names one. Throws SiteModuleRefusal. */
export async function siteWay({
  mta: { outgoing, smtpHost: host, smtpPort: port },
  siteSections,
}: Pick<Config, 'mta' | 'siteSections'>): Promise<{ readonly wayOut?: WayOut }> {
  if (outgoing.kind === 'built-in') return {}
  const settings = { ...siteSections[outgoing.exportName]?.settings }
  const place: SiteDeliveryPlace = Object.freeze({
    relay: Object.freeze({ host, port }),
    settings: Object.freeze(settings),
  })
  return { wayOut: siteWayOut({ name: nameOf(outgoing), deliver: await siteDeliver(outgoing), place }) }
}

/** Made at the first start, kept for ever: envelope senders in the mail that is out name members by it. */
export async function verpSecret({ store, random }: Pick<Services, 'store' | 'random'>): Promise<VerpKey> {
  const made = Buffer.from(random.bytes(32)).toString('base64')
  const kept = await store.commit(settingOrMade, { key: 'verp.secret', made })
  return verpKey(Buffer.from(kept, 'base64'))
}
