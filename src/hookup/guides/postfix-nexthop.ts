// Where a route of Postfix leads, and whether that is our door (transport(5), lmtp(8)). Pure.
import { isIP } from 'node:net'
import type { HostFacts } from '../../model/hookup.ts'
import { isLoopback, reaches } from './hosts.ts'
import type { PostfixConfiguration } from './postfix-configuration.ts'
import { inside } from './postfix-services.ts'

export type Nexthop =
  | { readonly kind: 'inet'; readonly host: string; readonly port: number | null }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'wrong'; readonly words: string }

/** What the LMTP client makes of the words behind `lmtp:`. */
export function readNexthop(text: string): Nexthop {
  if (text.startsWith('unix:')) return { kind: 'unix', path: text.slice('unix:'.length) }
  const bare = text.startsWith('inet:') ? text.slice('inet:'.length) : text
  if (/\s/.test(bare)) return { kind: 'wrong', words: 'a blank is in it' }
  if (/^\/\//.test(bare)) return { kind: 'wrong', words: '// belongs to web addresses' }
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(bare)
  if (bracketed !== null) {
    const host = (bracketed[1] ?? '').replace(/^ipv6:/i, '')
    if (/:\d+$/.test(host) && isIP(host) === 0)
      return { kind: 'wrong', words: 'the port is inside the brackets' }
    return place(host, bracketed[2])
  }
  if (bare.includes('[') || bare.includes(']')) return { kind: 'wrong', words: 'a bracket is missing' }
  if (isIP(bare) === 6) return { kind: 'wrong', words: 'an IPv6 address needs brackets' }
  const colon = bare.lastIndexOf(':')
  if (colon < 0) return place(bare, undefined)
  const host = bare.slice(0, colon)
  if (host.includes(':'))
    return {
      kind: 'wrong',
      words: isIP(host) === 6 ? 'an IPv6 address needs brackets' : 'there is one colon too many',
    }
  return place(host, bare.slice(colon + 1))
}

function place(host: string, port: string | undefined): Nexthop {
  if (host === '') return { kind: 'wrong', words: 'the host is missing' }
  if (port === undefined) return { kind: 'inet', host, port: null }
  if (!/^\d+$/.test(port) || Number(port) > 65_535 || Number(port) === 0)
    return { kind: 'wrong', words: `'${port}' is no port` }
  return { kind: 'inet', host, port: Number(port) }
}

/** Written as Postfix wants it. */
export function ourNexthop({ lmtp }: HostFacts): string {
  const host = ['0.0.0.0', '::'].includes(lmtp.host) ? (lmtp.host === '::' ? '::1' : '127.0.0.1') : lmtp.host
  return `lmtp:[${isIP(host) === 6 ? `ipv6:${host}` : host}]:${lmtp.port}`
}

export type Judged =
  | { readonly verdict: 'ours' }
  | {
      readonly verdict: 'syntax' | 'endpoint' | 'protocol' | 'socket' | 'no-service' | 'elsewhere'
      readonly words: string
    }

/** Does a transport with its nexthop come to our door? */
export function judgeRoute(
  configuration: PostfixConfiguration,
  facts: HostFacts,
  channel: string,
  nexthop: string,
): Judged {
  const service = inside(configuration, channel)
  const command = service?.command ?? (['lmtp', 'smtp', 'relay'].includes(channel) ? channel : '')
  if (command === '' || (service === null && configuration.master.services.length > 0))
    return { verdict: 'no-service', words: `master.cf has no service '${channel}'` }
  if (command === 'pipe') {
    const isOurs = service?.arguments.some((word) => /posthorn-qmail|qmail-lmtp/.test(word)) === true
    return isOurs
      ? { verdict: 'ours' }
      : { verdict: 'elsewhere', words: `the service '${channel}' runs another program` }
  }
  if (command !== 'lmtp' && command !== 'smtp' && command !== 'relay')
    return { verdict: 'elsewhere', words: `the service '${channel}' is ${command}(8)` }
  const read = readNexthop(nexthop)
  const isLmtp = command === 'lmtp'
  if (read.kind === 'wrong') {
    return {
      verdict: nexthop.includes(String(facts.lmtp.port)) || isLmtp ? 'syntax' : 'elsewhere',
      words: read.words,
    }
  }
  if (read.kind === 'unix')
    return isLmtp
      ? judgeSocket(configuration, facts, channel, read.path)
      : { verdict: 'protocol', words: 'unix: is for LMTP' }
  if (!isLmtp) {
    const intake = facts.smtpIntake
    if (intake !== null && read.port === intake.port && reaches(read.host, intake.host))
      return { verdict: 'ours' }
    const isDoor = read.port === facts.lmtp.port && sameHost(read.host, facts.lmtp.host)
    return isDoor
      ? { verdict: 'protocol', words: `'${channel}' speaks SMTP` }
      : { verdict: 'elsewhere', words: `'${channel}' goes to ${nexthop}` }
  }
  return judgeInet(configuration, facts, read)
}

function judgeInet(
  configuration: PostfixConfiguration,
  { lmtp }: HostFacts,
  { host, port }: { readonly host: string; readonly port: number | null },
): Judged {
  const reached = port ?? (Number(configuration.value('lmtp_tcp_port')) || 24)
  if (reached !== lmtp.port)
    return {
      verdict: 'endpoint',
      words:
        port === null
          ? `without a port it is ${reached}, and Posthorn listens at ${lmtp.port}`
          : `Posthorn listens at port ${lmtp.port}, not ${port}`,
    }
  if (!sameHost(host, lmtp.host))
    return { verdict: 'endpoint', words: `Posthorn listens at ${lmtp.host}, not ${host}` }
  return { verdict: 'ours' }
}

// Names of other machines may stand for any address; `localhost` may not.
function sameHost(target: string, listener: string): boolean {
  if (reaches(target, listener)) return true
  const isName = (host: string): boolean => isIP(host) === 0 && !isLoopback(host)
  return isName(target) || isName(listener)
}

function judgeSocket(
  configuration: PostfixConfiguration,
  { lmtp }: HostFacts,
  channel: string,
  path: string,
): Judged {
  if (lmtp.socket === null)
    return { verdict: 'socket', words: '[lmtp] socket is not set: Posthorn listens at no socket' }
  const queue = configuration.value('queue_directory') || '/var/spool/postfix'
  const isChroot =
    /^(?:y|-)$/.test(inside(configuration, channel)?.columns[2] ?? 'n') && isChrooted(configuration, channel)
  const real = path.startsWith('/') ? (isChroot ? `${queue}${path}` : path) : `${queue}/${path}`
  if (real === lmtp.socket) return { verdict: 'ours' }
  const words = isChroot
    ? `the service '${channel}' is in a chroot, where ${path} is ${real}; Posthorn listens at ${lmtp.socket}`
    : `that is ${real}; Posthorn listens at ${lmtp.socket}`
  return { verdict: 'socket', words }
}

// master(5): `-` is the default, which compatibility_level below 1 makes `y`.
function isChrooted(configuration: PostfixConfiguration, channel: string): boolean {
  const column = inside(configuration, channel)?.columns[2] ?? 'n'
  if (column !== '-') return column === 'y'
  return Number.parseFloat(configuration.value('compatibility_level')) < 1
}
