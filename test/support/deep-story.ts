// What `posthorn doctor --deep` must show behind a real mail server of the laboratory: the whole way round when all is sound,
// and the right hop when it is not; and that nothing of a trial is left, whatever became of it.
import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { type MailServerLab, mailServerLab } from './mail-server-lab.ts'
import { eventually, freshSite, type Ran, type Sections, type Site } from './server.ts'

/** The domain of every story, list-only. */
export const deepDomain = 'lists.example.test'

export const allHops = [
  'known',
  'smtp-in',
  'lmtp-in',
  'judged',
  'smtp-out',
  'home',
  'bounce-smtp',
  'bounce-lmtp',
  'unknown-refused',
]

export interface DeepReport {
  readonly findings: readonly {
    readonly code: string
    readonly severity: string
    readonly seen: string
    readonly change: string
  }[]
  readonly unavailable: readonly string[]
  readonly deep: {
    readonly domain: string
    readonly hops: readonly {
      readonly hop: string
      readonly milliseconds: number
      readonly said: string | null
    }[]
    readonly notes: readonly string[]
  }
}

export interface DeepBreakage {
  readonly title: string
  /** Changes the configuration; the mail server is started anew with it. Without it, it is down. */
  readonly conf?: (text: string) => string
  /** Seconds for each hop. */
  readonly wait: number
  /** Without `deep.`. */
  readonly code: string
  readonly seen: RegExp
  /** The last hop that came; null for none. */
  readonly last: string | null
  /** Why its queue keeps the trial's message; it is removed as the doctor says. */
  readonly stuck?: RegExp
}

export interface DeepStory {
  readonly title: string
  /** As `lab.sh list` has it. */
  readonly kind: string
  /** The name of its guide, and the folder that this guide is given. */
  readonly guide: string
  readonly configDir: string
  /** The file that is broken, below the laboratory's root. */
  readonly file: string
  sections(lab: MailServerLab): Promise<Sections>
  /** Configures the mail server. Posthorn runs, and knows the domain and a list. */
  hookUp(lab: MailServerLab, site: Site): Promise<void>
  /** Done each time when the mail server runs. */
  readonly isUp?: (lab: MailServerLab) => Promise<void>
  /** What a person reads of the unknown list, where that is not the usual. */
  readonly unknown?: RegExp
  readonly breakages: readonly DeepBreakage[]
}

export function deepStory(story: DeepStory): void {
  describe(story.title, { timeout: 300_000 }, () => {
    const ending = new AsyncDisposableStack()
    let lab: MailServerLab
    let site: Site
    let sound = ''

    before(async () => {
      lab = ending.use(await mailServerLab(story.kind))
      const { smtpPort: relayPort, lmtpPort } = lab
      site = ending.use(await freshSite({ relayPort, lmtpPort, sections: await story.sections(lab) }))
      await site.must(['domain', 'add', deepDomain, '--list-only'])
      await site.start()
      await site.list(`tea@${deepDomain}`, ['ann@one.example.test'])
      await story.hookUp(lab, site)
      await up()
      sound = readFileSync(join(lab.root, story.file), 'utf8')
    })
    after(() => ending.disposeAsync())
    const up = async (): Promise<void> => {
      await lab.up()
      await story.isUp?.(lab)
    }

    const doctor = (wait: number, ...more: readonly string[]): Promise<Ran> => {
      const where = ['--config-dir', story.configDir, '--command-prefix', lab.prefix.join(' ')]
      return site.posthorn(['doctor', '--deep', '--wait', String(wait), ...where, ...more, story.guide])
    }
    /** No list, member, table entry or queue item; and no mail to a person. */
    const nothingIsLeft = (): void => {
      const database = new DatabaseSync(join(site.varDir, 'posthorn.db'), { readOnly: true, timeout: 5000 })
      const left = (table: string, column: string): number =>
        Number(
          database.prepare(`select count(*) as n from ${table} where ${column} like '%posthorn-trial%'`).get()
            ?.n,
        )
      deepEqual([left('list', 'name'), left('address', 'email'), left('queue_item', 'envelope')], [0, 0, 0])
      database.close()
      for (const folder of ['data', 'lists'].map((name) => join(site.varDir, name)))
        for (const name of readdirSync(folder, { recursive: true, withFileTypes: true })) {
          doesNotMatch(name.name, /posthorn-trial/)
          if (name.isFile())
            doesNotMatch(readFileSync(join(name.parentPath, name.name), 'latin1'), /posthorn-trial/)
        }
      const strangers = lab.world.messages
        .flatMap(({ to }) => to)
        .filter((to) => !/^posthorn-trial-/.test(to))
      deepEqual(strangers, [])
    }
    const queueIsEmpty = (): Promise<unknown> =>
      eventually(
        'an empty queue of the mail server',
        async () => !/posthorn-trial/.test(await lab.ask('queue')),
      )

    test('a sound one is gone round in times, with nothing to mend, and no member gets mail', async () => {
      const { code, out, err } = await doctor(60, '--json')
      const { findings, unavailable, deep } = JSON.parse(out) as DeepReport
      deepEqual([findings.filter(({ severity }) => severity !== 'info'), unavailable, err], [[], [], ''])
      equal(code, 0)
      equal(deep.domain, deepDomain)
      deepEqual(
        deep.hops.map(({ hop }) => hop),
        allHops,
      )
      ok(deep.hops.every(({ milliseconds }) => milliseconds >= 0))
      nothingIsLeft()
      await queueIsEmpty()
      deepEqual(lab.world.messages, [])
    })

    test('a person reads each hop with its time', async () => {
      const { code, out } = await doctor(60)
      equal(code, 0, out)
      match(out, new RegExp(`^Round trip in ${deepDomain}, through 127\\.0\\.0\\.1:${lab.smtpPort}:$`, 'm'))
      match(out, /^ +\d+\.\d\d s {2}it took the trial post: {2}250 /m)
      match(out, /^ +\d+\.\d\d s {2}and came home by LMTP$/m)
      match(out, story.unknown ?? /^ +\d+\.\d\d s {2}an unknown list is refused at RCPT: {2}550 /m)
    })

    for (const { title, conf, wait, code, seen, last, stuck } of story.breakages)
      test(`broken by ${title}: the right hop is named, and all is cleaned up`, async () => {
        await lab.down()
        if (conf !== undefined) {
          const broken = conf(sound)
          if (broken === sound) throw new Error('nothing is broken')
          writeFileSync(join(lab.root, story.file), broken)
          await up()
        }
        try {
          const ran = await doctor(wait, '--json')
          const { findings, deep } = JSON.parse(ran.out) as DeepReport
          const [found, ...others] = findings.filter((one) => one.code.startsWith('deep.'))
          equal(found?.code, `deep.${code}`, ran.out)
          match(found?.seen ?? '', seen)
          equal(deep.hops.at(-1)?.hop ?? null, last)
          equal(ran.code, 1)
          nothingIsLeft()
          deepEqual(
            others.map((one) => one.code),
            stuck === undefined ? [] : ['deep.left-in-queue'],
          )
          if (stuck === undefined) return
          match(others[0]?.seen ?? '', stuck)
          const [, ...commands] = (others[0]?.change ?? '').split('\n').slice(0, -1)
          for (const command of commands) {
            const removed = await lab.exec(command.split(' '))
            equal(removed.code, 0, `${command}: ${removed.err}`)
          }
          await queueIsEmpty()
        } finally {
          writeFileSync(join(lab.root, story.file), sound)
          if (conf === undefined) await up()
        }
      })
  })
}

/** The text with one thing changed; fails where that is not there. */
export const replaced =
  (pattern: RegExp | string, by: string) =>
  (text: string): string => {
    const changed = text.replace(pattern, () => by)
    if (changed === text) throw new Error(`nothing to break: ${pattern}`)
    return changed
  }
