// What is wrong with a hook-up of Exim: can Exim read its configuration, is it spelt right, do the router and the transport
// say what they must, and does Exim then do it. Law: what Exim does is asked of Exim; a symptom is told only when no cause
// of it was found.
import type { Finding, HostFacts, MailServerHost } from '../../model/hookup.ts'
import { type EximConfiguration, readExim } from './exim-configuration.ts'
import { diagnoseAcl, diagnoseAnswers } from './exim-diagnose-door.ts'
import { diagnoseMessages } from './exim-diagnose-messages.ts'
import { diagnoseKeys, diagnoseOutgoing } from './exim-diagnose-outgoing.ts'
import { diagnoseRouters } from './exim-diagnose-routers.ts'
import { diagnoseRouting } from './exim-diagnose-routing.ts'
import { diagnoseTransports } from './exim-diagnose-transports.ts'
import * as kinds from './exim-kinds.ts'
import { ourRouters, ourTransports } from './exim-ours.ts'
import { at, type EximSite, nearest, reload } from './exim-site.ts'
import type { Place } from './exim-syntax.ts'

export async function* diagnoseExim(facts: HostFacts, host: MailServerHost): AsyncIterable<Finding> {
  const exim = await readExim(host)
  const site: EximSite = {
    facts,
    host,
    exim: answering(exim),
    routers: ourRouters(exim.text, facts),
    transports: ourTransports(exim.text, facts),
  }
  yield* unread(exim)
  yield* overlooked(site)
  let explained = false
  for (const check of [macros, diagnoseRouters, diagnoseTransports])
    for await (const found of check(site)) {
      explained ||= found.kind.severity === 'error'
      yield found
    }
  yield* diagnoseAcl(site)
  yield* diagnoseKeys(site)
  for await (const found of diagnoseRouting(site, explained)) {
    explained ||= found.kind.severity === 'error'
    yield found
  }
  for await (const found of diagnoseAnswers(site, explained)) {
    explained ||= found.kind.severity === 'error'
    yield found
  }
  yield* diagnoseOutgoing(site)
  yield* diagnoseMessages(site, explained)
}

/** An Exim that cannot read its configuration, or reads an older one, says nothing about what is written. */
const answering = (exim: EximConfiguration): EximConfiguration =>
  exim.fault === null && exim.stale === null ? exim : { ...exim, command: null }

function* unread(exim: EximConfiguration): Iterable<Finding> {
  if (exim.fault !== null) {
    const { words, place } = exim.fault
    yield at(place, kinds.syntax, {
      seen: place === null ? words : `${place.text.trim()}: ${words}`,
      change: `Mend that line, ${reload(exim)}`,
    })
  }
  if (exim.stale !== null)
    yield at(exim.stale, kinds.stale, {
      why: `${exim.file} does not have this line. ${kinds.stale.why}`,
    })
}

/** Files of Debian's conf.d that nobody reads. */
async function* overlooked({ exim, host }: EximSite): AsyncIterable<Finding> {
  if (exim.debian === null) return
  for (const section of ['main', 'acl', 'router', 'transport']) {
    const folder = `${exim.directory}/conf.d/${section}`
    for (const name of (await host.list(folder)) ?? []) {
      if (!/mm3|mailman|posthorn/i.test(name)) continue
      const place = { file: `${folder}/${name}`, line: 1, text: name }
      if (/\.(rul|dpkg-\w+|bak|orig|posthorn-.*)$|~$/.test(name)) continue
      if (!/^[\w-]+$/.test(name)) yield at(place, kinds.ignoredFile)
      else if (exim.layout === 'template' && section === 'router') {
        const setting = exim.debian.debconf.find(({ text }) => text.startsWith('dc_use_split_config'))
        yield at(setting ?? place, kinds.notSplit)
      }
    }
  }
}

/** Words in our lines that look like macros and are none. */
function* macros({ exim, facts, routers, transports }: EximSite): Iterable<Finding> {
  const told = new Set<string>()
  const settings = [
    ...[...routers, ...transports].flatMap(({ options }) => [...options.values()]),
    ...[...exim.text.lists.values()].filter(({ name }) => name === 'mm_domains'),
  ]
  for (const { value, place } of settings)
    for (const [word] of value.matchAll(/\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b/g)) {
      if (told.has(word)) continue
      told.add(word)
      const meant = nearest(word, exim.text.macros.keys())
      yield at(usedAt(exim, word) ?? place, kinds.undefinedMacro, {
        why: `${word} is not defined${meant === null ? '' : `; ${meant} is`}. ${kinds.undefinedMacro.why}`,
        change: `${definition(word, facts)}\n${reload(exim)}`,
      })
    }
}

/** A macro whose value has the word in it is where it was misspelt. */
const usedAt = (exim: EximConfiguration, word: string): Place | undefined =>
  [...exim.text.macros.values()].find(({ value }) => value.includes(word))?.place

function definition(word: string, facts: HostFacts): string {
  if (/PORT/.test(word)) return `${word} = ${facts.lmtp.port}`
  if (/HOME|VAR/.test(word)) return `${word} = ${facts.varDir}`
  if (/CHK|CHECK|LIST/.test(word)) return `${word} = ${facts.listDataDir}/\${local_part}.\${domain}`
  return `${word} = …`
}
