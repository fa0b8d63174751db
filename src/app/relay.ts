// The relay as the configuration names it, and the secret of the envelope senders.
import type { Config } from '../config/config.ts'
import { type VerpKey, verpKey } from '../mail/verp.ts'
import type { Services } from '../services.ts'
import { type Relay, standardTimeouts } from '../smtp/client.ts'
import { settingOrMade } from '../store/units/settings.ts'

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

/** Made at the first start, kept for ever: envelope senders in the mail that is out name members by it. */
export async function verpSecret({ store, random }: Pick<Services, 'store' | 'random'>): Promise<VerpKey> {
  const made = Buffer.from(random.bytes(32)).toString('base64')
  const kept = await store.commit(settingOrMade, { key: 'verp.secret', made })
  return verpKey(Buffer.from(kept, 'base64'))
}
