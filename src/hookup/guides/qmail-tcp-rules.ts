// The rules of tcpserver (tcprules(1)): whom it lets in, and what it puts into the environment of qmail-smtpd; with
// RELAYCLIENT that one relays. Law: the most specific key decides, as in tcpserver.
import { lookUpCdb, readOctets } from './cdb.ts'
import type { QmailFiles } from './qmail-files.ts'

export interface TcpRules {
  /** Paths on the mail server's machine. */
  readonly text: string
  readonly cdb: string
  /** Null when there is no such file. */
  readonly lines: readonly string[] | null
  readonly isCompiled: boolean
  /** Null when it is not there, or cannot be read here. */
  readonly octets: Buffer | null
  /** The line of the service that starts tcpserver without rules, and sets no RELAYCLIENT itself. */
  readonly unread: { readonly seen: string; readonly file: string; readonly line: number } | null
}

export interface Rule {
  readonly allows: boolean
  readonly relays: boolean
  readonly key: string
  readonly seen: string
  /** Of the text. */
  readonly line: number | null
}

export const usualRules = '/etc/tcp.smtp'

const usualPlaces = [
  usualRules,
  '/etc/tcprules.d/tcp.smtp',
  '/etc/tcp/smtp',
  '/etc/tcprules/tcp.smtp',
  '/var/qmail/control/tcp.smtp',
  '/home/vpopmail/etc/tcp.smtp',
]

const services = ['/service', '/etc/service', '/var/service', '/var/qmail/supervise']

/** The folder of a service of daemontools, of those that there are. */
export async function serviceOf(files: QmailFiles, name: string): Promise<string | null> {
  for (const folder of services) {
    const place = `${folder}/${name}`
    if ((await files.stat(`${place}/run`)) !== null) return place
  }
  return null
}

/** As the service's own script says with `-x FILE.cdb`, else in the usual places. Null when there are none. */
export async function readTcpRules(files: QmailFiles): Promise<TcpRules | null> {
  const service = (await serviceOf(files, 'qmail-smtpd')) ?? (await serviceOf(files, 'smtpd'))
  const path = `${service}/run`
  const script = service === null ? '' : ((await files.text(path)) ?? '')
  const named = /\btcpserver\b[\s\S]*?\s-x\s*(\/\S+?)\.cdb\b/.exec(script)?.[1]
  const unread = withoutRules(script, path)
  for (const place of [...(named === undefined ? [] : [named]), ...usualPlaces]) {
    const text = await files.text(place)
    const cdb = `${place}.cdb`
    const isCompiled = (await files.stat(cdb)) !== null
    if (text === null && !isCompiled && place !== named) continue
    const octets = await readOctets(files.host, `${files.root}${cdb}`)
    return { text: place, cdb, lines: text?.split('\n') ?? null, isCompiled, octets, unread }
  }
  return null
}

function withoutRules(script: string, file: string): TcpRules['unread'] {
  const lines = script.split('\n')
  const line = lines.findIndex((text) => /^[^#]*\btcpserver\b/.test(text))
  if (line < 0 || /\s-[A-Za-wyz]*x|RELAYCLIENT/.test(lines.slice(line).join('\n'))) return null
  return { seen: lines[line]?.trim() ?? '', file, line: line + 1 }
}

/** `127.0.0.1`, then `=localhost`, then `127.0.0.`, `127.0.`, `127.`, and nothing. */
function keysFor(client: string): readonly string[] {
  const parts = client.split('.')
  const shorter = parts.slice(1).map((_, at) => `${parts.slice(0, parts.length - 1 - at).join('.')}.`)
  return [client, ...(client === '127.0.0.1' || client === '::1' ? ['=localhost'] : []), ...shorter, '']
}

export function compiledRule(octets: Buffer, client: string): Rule | null {
  for (const key of keysFor(client)) {
    const found = lookUpCdb(octets, key)
    if (found === null) continue
    const allows = !found.startsWith('D')
    const variables = found.split('\0').filter((text) => text !== '')
    return {
      allows,
      relays: variables.some((text) => text.replace(/^D/, '').startsWith('+RELAYCLIENT=')),
      key,
      seen: `${key}:${allows ? 'allow' : 'deny'}${variables.map((text) => `,${text.slice(1)}`).join('')}`,
      line: null,
    }
  }
  return null
}

/** What the text says once it is compiled. */
export function writtenRule({ lines }: Pick<TcpRules, 'lines'>, client: string): Rule | null {
  const rules = (lines ?? []).flatMap((text, at) => {
    const [, key, action, rest = ''] = /^([^#:][^:]*|):(allow|deny)(.*)$/.exec(text.trim()) ?? []
    return key === undefined ? [] : [{ key, action, rest, text, line: at + 1 }]
  })
  for (const key of keysFor(client)) {
    const found = rules.find((rule) => rule.key === key || isInRange(rule.key, key))
    if (found !== undefined)
      return {
        allows: found.action === 'allow',
        relays: /,RELAYCLIENT=/.test(found.rest),
        key: found.key,
        seen: found.text,
        line: found.line,
      }
  }
  return null
}

/** `127.0.0.1-3` stands for three addresses. */
function isInRange(range: string, key: string): boolean {
  const [, head, from, to, tail] = /^(.*?)(\d+)-(\d+)(\.?)$/.exec(range) ?? []
  if (head === undefined || !key.startsWith(head) || !key.endsWith(tail ?? '')) return false
  const number = key.slice(head.length, key.length - (tail ?? '').length)
  return /^\d+$/.test(number) && Number(number) >= Number(from) && Number(number) <= Number(to)
}
