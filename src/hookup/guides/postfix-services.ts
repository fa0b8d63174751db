// The services of master.cf by what they are for (master(5)): who answers strangers, who answers Posthorn, who routes.
import type { PostfixConfiguration } from './postfix-configuration.ts'
import type { MasterService } from './postfix-files.ts'

const ports: Readonly<Record<string, number>> = {
  smtp: 25,
  submission: 587,
  submissions: 465,
  smtps: 465,
  urd: 465,
}

export interface Listener {
  readonly service: MasterService
  /** '' where inet_interfaces decides. */
  readonly host: string
  readonly port: number
}

/** Every smtpd (or postscreen before one) that listens on a port. */
export function listeners({ master }: PostfixConfiguration): readonly Listener[] {
  return master.services
    .filter(({ type, command }) => type === 'inet' && (command === 'smtpd' || command === 'postscreen'))
    .map((service) => {
      const colon = service.name.lastIndexOf(':')
      const port = service.name.slice(colon + 1)
      const host = service.name.slice(0, Math.max(colon, 0)).replace(/^\[|\]$/g, '')
      return { service, host, port: ports[port] ?? Number(port) }
    })
}

/** The smtpd that strangers reach; null without a master.cf. */
export function publicSmtpd(configuration: PostfixConfiguration): MasterService | null {
  const all = listeners(configuration)
  const found =
    all.find(({ port }) => port === 25) ?? all.find(({ service }) => !isSubmission(configuration, service))
  return behind(configuration, (found ?? all[0])?.service ?? null)
}

/** The one that Posthorn hands its mail to; null when none listens at that port. */
export function smtpdAt(configuration: PostfixConfiguration, port: number): MasterService | null {
  return behind(configuration, listeners(configuration).find((each) => each.port === port)?.service ?? null)
}

// postscreen(8) hands a connection on to the service `smtpd pass`.
function behind({ master }: PostfixConfiguration, service: MasterService | null): MasterService | null {
  if (service?.command !== 'postscreen') return service
  return master.services.find(({ name, type }) => name === 'smtpd' && type === 'pass') ?? service
}

const isSubmission = (configuration: PostfixConfiguration, service: MasterService): boolean =>
  configuration.valueFor(service, 'smtpd_sasl_auth_enable') === 'yes' &&
  /(?:^|[\s,])reject$/.test(configuration.valueFor(service, 'smtpd_relay_restrictions'))

/** A service inside Postfix by its name: `rewrite`, `cleanup`, or a transport. */
export function inside({ master }: PostfixConfiguration, name: string): MasterService | null {
  return master.services.find((each) => each.name === name && each.type !== 'inet') ?? null
}
