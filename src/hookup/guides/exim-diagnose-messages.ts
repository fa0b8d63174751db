// What Exim does with whole messages: a bounce and a post from the world and a copy from Posthorn are shown to its access
// control list for DATA; filters that all mail passes are run on a copy; texts that a transport expands are expanded. Law:
// only what is decided by the message itself is told; what scanners and name servers say of it is not.
import { Unavailable } from '../../base/unavailable.ts'
import type { Finding } from '../../model/hookup.ts'
import { expansionFault } from './exim-ask.ts'
import { fromTheWorld, statementOf } from './exim-diagnose-door.ts'
import { posthorn } from './exim-diagnose-outgoing.ts'
import * as kinds from './exim-kinds.ts'
import { option } from './exim-ours.ts'
import { letterAnswer, saidTo, type Visitor } from './exim-session.ts'
import { at, type EximSite, reload, samples } from './exim-site.ts'
import type { Setting } from './exim-syntax.ts'

/** `explained`: an error is known that keeps addresses of lists from being taken at all. */
export async function* diagnoseMessages(site: EximSite, explained: boolean): AsyncIterable<Finding> {
  yield* filters(site)
  yield* expansions(site)
  const [sample] = samples(site)
  if (site.exim.command === null || sample === undefined) return
  if (!judgesMessages(site)) return
  const { list, domain } = sample
  const address = `${list}@${domain}`
  if (!explained) {
    yield* letter(site, fromTheWorld, `${list}-bounces@${domain}`, bounceTo(`${list}-bounces@${domain}`))
    yield* letter(site, fromTheWorld, address, postTo(address))
  }
  const visitor = posthorn(site)
  if (visitor !== null) yield* letter(site, visitor, address, copyOf(address))
}

// ---- DATA ----

/** Whether a list that is asked behind the recipients can say no. */
const judgesMessages = ({ exim }: EximSite): boolean =>
  ['predata', 'data', 'mime'].some((step) => {
    const named = exim.text.main.get(`acl_smtp_${step}`)?.value ?? ''
    const statements = exim.text.acls.get(named)
    return statements === undefined
      ? !/^(?:accept)?$/.test(named)
      : statements.some(({ verb }) => verb !== 'accept' && verb !== 'warn')
  })

const fields = (from: string, to: string, subject: string): readonly string[] => [
  `From: ${from}`,
  `To: ${to}`,
  `Subject: ${subject}`,
  'Date: Mon, 30 Nov 2026 12:00:00 +0000',
  `Message-ID: <posthorn-doctor.${subject.length}@mail.example.org>`,
  'MIME-Version: 1.0',
]

const text = [
  'Content-Type: text/plain; charset=us-ascii',
  '',
  "Shown to Exim by 'posthorn doctor'; not sent.",
]

const postTo = (list: string): readonly string[] => [
  ...fields('Ann <ann@example.org>', list, 'Question'),
  ...text,
]

const bounceTo = (address: string): readonly string[] => [
  ...fields('MAILER-DAEMON@mail.example.org', address, 'Undelivered Mail Returned to Sender'),
  'Auto-Submitted: auto-replied',
  ...text,
]

/** As Posthorn marks it (RFC 2369, RFC 2919). */
function copyOf(list: string): readonly string[] {
  const [name = '', domain = ''] = list.split('@')
  return [
    ...fields('Ann <ann@example.org>', list, '[list] Question'),
    'Precedence: list',
    `List-Id: <${name}.${domain}>`,
    `List-Post: <mailto:${list}>`,
    `List-Unsubscribe: <mailto:${name}-leave@${domain}>`,
    ...text,
  ]
}

async function* letter(
  site: EximSite,
  visitor: Visitor,
  recipient: string,
  lines: readonly string[],
): AsyncIterable<Finding> {
  const { exim, host } = site
  if (exim.command === null) return
  const answer = await letterAnswer(host, exim.command, visitor, recipient, lines)
  if (answer === null || !/^[45]/.test(answer.reply)) return
  const { place, statement } = statementOf(site, answer)
  const decides = statement?.parts ?? []
  if (place === null || decides.some(({ name, value }) => asksOthers.test(`${name} ${value}`))) return
  yield at(place, kinds.dataRefused, {
    seen: `${place.text.trim()}; ${saidTo(visitor, answer)}: ${answer.reply}`,
  })
}

/** Conditions that a scanner, a name server or a database decides. */
const asksOthers =
  /^!?(?:malware|spam|dnslists|spf|spf_guess|dkim_\w+|dmarc_status|decode|mime_regex)\b|\b(?:header_sender|dmarc|spf|dkim|arc|spam|ratelimit|readsocket|run|perl)/i

// ---- filters ----

async function* filters(site: EximSite): AsyncIterable<Finding> {
  const { exim, host } = site
  for (const transport of exim.text.transports) {
    const setting = transport.options.get('transport_filter')
    if (setting === undefined || !isForLists(site, transport.name)) continue
    const program = setting.value.replace(/^"/, '').split(/\s/)[0] ?? ''
    if (!program.startsWith('/') || program.includes('$') || (await host.stat(program)) !== null) continue
    yield at(setting.place, kinds.filterMissing, {
      why: `There is no program ${program}. ${kinds.filterMissing.why}`,
      change: `Put ${program} there, or remove transport_filter.\n${reload(exim)}`,
    })
  }
  const setting = exim.text.main.get('system_filter')
  if (setting === undefined || setting.value.includes('$')) return
  if ((await host.stat(setting.value)) === null)
    yield at(setting.place, kinds.filterMissing, {
      why: `There is no ${setting.value}. ${kinds.filterMissing.why}`,
      change: `Put ${setting.value} there, or remove system_filter.\n${reload(exim)}`,
    })
  else yield* systemFilter(site, setting)
}

/** Ours, or one that carries copies into the world. */
const isForLists = ({ exim, transports }: EximSite, name: string): boolean =>
  transports.some((one) => one.name === name) ||
  exim.text.transports.some((one) => one.name === name && option(one, 'driver') === 'smtp')

/** `exim -bF` runs a system filter on a message and tells what it would do. */
async function* systemFilter(site: EximSite, setting: Setting): AsyncIterable<Finding> {
  const { exim, host } = site
  const [sample] = samples(site)
  if (exim.command === null || sample === undefined) return
  const list = `${sample.list}@${sample.domain}`
  const sender = `${sample.list}-bounces@${sample.domain}`
  try {
    const ended = await host.run(
      [...exim.command, '-f', sender, '-bF', setting.value],
      copyOf(list)
        .map((line) => `${line}\n`)
        .join(''),
    )
    const said = (ended?.out ?? '').split('\n').find((line) => taken.test(line))
    if (said === undefined) return
    yield at(setting.place, kinds.filterTakes, {
      seen: `${setting.place.text.trim()}; exim -bF, with a copy of a post: ${said.trim()}`,
    })
  } catch (fault) {
    if (!(fault instanceof Unavailable)) throw fault
  }
}

const taken = /No other deliveries will occur|^Fail text|^Freeze text|Error in|error in filter/i

// ---- what transports expand ----

const expanded = ['headers_add', 'headers_remove', 'hosts', 'port', 'return_path', 'interface', 'helo_data']

async function* expansions({ exim, host, transports }: EximSite): AsyncIterable<Finding> {
  if (exim.command === null) return
  for (const transport of transports)
    for (const name of expanded) {
      const setting = transport.options.get(name)
      if (setting === undefined || !setting.value.includes('${')) continue
      const why = await expansionFault(host, exim.command, setting.value.replace(/^"(.*)"$/s, '$1'))
      if (why === null) continue
      yield at(setting.place, kinds.expansion, {
        why: `${name}: ${why}. ${kinds.expansion.why}`,
      })
    }
}
