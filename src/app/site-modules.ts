// Loads the code of the site that `[mta] incoming` and `outgoing` may name, and looks at it before it is used. Law: what
// others can write is not run (design §5); whatever is wrong is told in one line with the file and what to do, before
// any mail depends on it; and what it throws later is its own fault, never Posthorn's.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MINUTE, SECOND } from '../base/clock.ts'
import { Unavailable } from '../base/unavailable.ts'
import type { Config } from '../config/config.ts'
import type { CodeName } from '../config/names.ts'
import { canOthersWrite } from '../config/search.ts'
import { changeTime, removeFile } from '../hookup/replace-files.ts'
import { publishAlone } from '../hookup/rereading.ts'
import { runProgram } from '../hookup/run-program.ts'
import { TablesInForce } from '../hookup/tables-in-force.ts'
import type { MailServer, PublishedFile } from '../model/mail-server.ts'
import type { SiteDeliver, SiteMailServer, SiteMailServerPlace } from '../model/site-module.ts'

/** The configuration names code that cannot be used: one line for the operator. */
export class SiteModuleRefusal extends Error {
  override readonly name = 'SiteModuleRefusal'
}

export type SiteModule = Extract<CodeName<string>, { readonly kind: 'module' }>

/** Milliseconds that one publication of a site's module may take. */
const publicationLimit = MINUTE

type Needed = Pick<Config, 'mta' | 'siteSections'>

/** Throws SiteModuleRefusal. */
export async function siteMailServer(
  code: SiteModule,
  { mta, siteSections }: Needed,
  directory: string,
): Promise<MailServer> {
  const key = '[mta] incoming'
  const { exportName: name } = code
  const found = await loadExport(key, code)
  if (typeof found !== 'function' || typeof found.prototype !== 'object')
    throw refusal(key, code, 'is no class; export a class with a method publish(directory)')
  const { settings = {}, reloadCommand: command = [] } = siteSections[name] ?? {}
  const telling: Telling = { changing: async () => undefined }
  const place = placeOf({ name, directory, settings, mta, telling })
  let made: unknown
  try {
    made = Reflect.construct(found, [place])
  } catch (fault) {
    throw refusal(key, code, `cannot be made: its constructor says '${wordsOf(fault)}'`, fault)
  }
  if (!isMailServer(made)) throw refusal(key, code, 'has no method publish(directory); write one')
  const server = made
  return {
    name,
    publish: (lists) =>
      publishAlone({ name, directory, reread: { command, byHand: null } }, async (changing) => {
        telling.changing = changing
        const published = await publishedBy(name, () => server.publish(lists))
        if (published.some(({ changed }) => changed)) await changing() // also for files that it wrote itself
        return published
      }),
  }
}

/** Throws SiteModuleRefusal. */
export async function siteDeliver(code: SiteModule): Promise<SiteDeliver> {
  const key = '[mta] outgoing'
  const found = await loadExport(key, code)
  if (typeof found !== 'function')
    throw refusal(key, code, 'is no function; export async function deliver(transaction, site)')
  return found as SiteDeliver
}

async function loadExport(key: string, code: SiteModule): Promise<unknown> {
  const { file, exportName } = code
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true)
    throw new SiteModuleRefusal(
      `${key}: there is no file ${file}; write the path of one, from the configuration's directory`,
    )
  if (canOthersWrite(file))
    throw new SiteModuleRefusal(
      `${key}: others can write ${file}, or put another in its place, so it is not run; take that right away (chmod o-w)`,
    )
  let exported: object
  try {
    exported = (await import(pathToFileURL(file).href)) as object
  } catch (fault) {
    throw new SiteModuleRefusal(`${key}: ${file} cannot be loaded: ${wordsOf(fault)}`, { cause: fault })
  }
  const names = Object.keys(exported)
  if (names.includes(exportName)) return Reflect.get(exported, exportName)
  const there = names.length === 0 ? 'it exports nothing' : `it exports ${names.join(', ')}`
  throw new SiteModuleRefusal(`${key}: ${file} has no export ${exportName}; ${there}`)
}

const refusal = (
  key: string,
  { file, exportName }: SiteModule,
  what: string,
  cause?: unknown,
): SiteModuleRefusal => new SiteModuleRefusal(`${key}: ${exportName} of ${file} ${what}`, { cause })

const wordsOf = (fault: unknown): string =>
  (fault instanceof Error ? fault.message : String(fault)).replace(/\s*\n\s*/g, ' | ')

const isMailServer = (made: unknown): made is SiteMailServer =>
  typeof made === 'object' && made !== null && typeof Reflect.get(made, 'publish') === 'function'

/** What is to be called before a file is replaced, in the publication that runs. */
interface Telling {
  changing: () => Promise<void>
}

function placeOf({
  name,
  directory,
  settings,
  mta,
  telling,
}: {
  readonly name: string
  readonly directory: string
  readonly settings: Readonly<Record<string, string>>
  readonly mta: Config['mta']
  readonly telling: Telling
}): SiteMailServerPlace {
  const inForce = new TablesInForce()
  const pathOf = (file: string): string => {
    if (/^[\w+=@%-][\w.+=@%-]*$/.test(file) && !file.endsWith('.new')) return join(directory, file)
    throw new Unavailable(`${name}: ${JSON.stringify(file)} is no name for a file in ${directory}`)
  }
  return Object.freeze({
    directory,
    lmtp: Object.freeze({ host: mta.lmtpHost, port: mta.lmtpPort }),
    delimiter: mta.verpDelimiter,
    settings: Object.freeze({ ...settings }),
    replaceFile: async (file: string, text: string) => {
      const path = pathOf(file)
      const [replaced] = await inForce.replace([{ path, parts: [String(text)] }], () => telling.changing())
      return replaced ?? { path, changed: false }
    },
    removeFile: async (file: string) => {
      const path = pathOf(file)
      const changed = (await changeTime(path)) !== null
      if (changed) {
        await telling.changing()
        await removeFile(path)
      }
      return { path, changed }
    },
    run: (argv: readonly [string, ...string[]]) =>
      runProgram({
        argv,
        timeLimit: 30 * SECOND,
        otherwise: `${name} is not up to date`,
        whenMissing: `correct [${name}]`,
      }),
  })
}

/** What the site's code tells of its files; anything but a list of them means that it told nothing. */
async function publishedBy(name: string, publish: () => unknown): Promise<readonly PublishedFile[]> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () =>
      late.reject(
        new Unavailable(`${name} was not done after ${publicationLimit / SECOND} s; see what it waits for`),
      ),
    publicationLimit,
  )
  try {
    const told: unknown = await Promise.race([publish(), late.promise])
    return Array.isArray(told) ? told.flatMap(publishedFile) : []
  } catch (fault) {
    if (fault instanceof Unavailable) throw fault
    throw new Unavailable(`${name} says '${wordsOf(fault)}'`, { cause: fault })
  } finally {
    clearTimeout(timer)
  }
}

function publishedFile(told: unknown): readonly PublishedFile[] {
  if (typeof told !== 'object' || told === null) return []
  const [path, changed, advice] = ['path', 'changed', 'advice'].map((key): unknown => Reflect.get(told, key))
  if (typeof path !== 'string') return []
  return [{ path, changed: changed === true, ...(typeof advice === 'string' ? { advice } : {}) }]
}
