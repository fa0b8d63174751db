import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { freshStore } from '../../test/support/fresh-store.ts'
import { eventually } from '../../test/support/server.ts'
import { instant } from '../base/clock.ts'
import { silentLog as log } from '../base/log.ts'
import { Unavailable } from '../base/unavailable.ts'
import type { MailServer } from '../model/mail-server.ts'
import { createList, publicationState } from '../store/units/lists.ts'
import { type PostfixSettings, postfix } from './postfix.ts'
import { publishPending, reported, startPublisher } from './publisher.ts'
import { opensmtpd, sendmail } from './text-tables.ts'

const lists = (...listNames: string[]) => ({
  domains: [{ mailHost: 'lists.example.org', aliasDomain: null, listOnly: true, listNames }],
})

function site(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-reread-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const [command, told] = [join(directory, 'tell'), join(directory, 'told')]
  const settings: PostfixSettings = {
    directory,
    lmtpHost: '127.0.0.1',
    lmtpPort: 8024,
    postmapCommand: '/nowhere/postmap',
    tableType: 'regexp',
    compatible: false,
    reloadCommand: [command, 'the list', '$(server)'],
  }
  return {
    directory,
    settings,
    /** What the command does from now on; it notes its words first. */
    command: (script: string) => {
      writeFileSync(command, `#!/bin/sh\nprintf '%s\\n' "$*" >> ${told}\n${script}\n`)
      chmodSync(command, 0o755)
    },
    told: () => (existsSync(told) ? readFileSync(told, 'utf8').split('\n').slice(0, -1) : []),
    isDue: () => existsSync(join(directory, 'postfix.reread')),
  }
}

test('the mail server is told after each change, and of nothing else; words are a vector', async (t) => {
  const { settings, command, told, isDue } = site(t)
  command('exit 0')
  const server = postfix(settings)
  await server.publish(lists())
  await server.publish(lists())
  await server.publish(lists('tea'))
  deepEqual(told(), ['the list $(server)', 'the list $(server)'])
  equal(isDue(), false)
})

test('a command that failed is run again, by another process too, though no table changes any more', async (t) => {
  const { settings, command, told, isDue, directory } = site(t)
  command('echo "postfix is not running" >&2; exit 1')
  const words =
    /tell the list \$\(server\)' failed with exit status 1, saying 'postfix is not running'; the new tables are in place, but postfix may still go by the old ones; mend the cause/
  await rejects(postfix(settings).publish(lists('tea')), { name: 'Unavailable', message: words })
  match(readFileSync(join(directory, 'postfix_lmtp'), 'utf8'), /tea/)
  equal(isDue(), true)
  await rejects(postfix(settings).publish(lists('tea')), words)
  command('exit 0')
  deepEqual(
    (await postfix(settings).publish(lists('tea'))).filter(({ changed }) => changed),
    [],
  )
  equal(isDue(), false)
  equal(told().length, 3)
})

test('a command that hangs is ended', async (t) => {
  const { settings, command } = site(t)
  command('exec sleep 600')
  await rejects(
    postfix({ ...settings, reloadTimeLimit: 50 }).publish(lists('tea')),
    /was ended after 0\.05 s/,
  )
})

test('without a command, whoever made the change is told what to do, where there is something to do', async (t) => {
  const { settings, directory } = site(t)
  const common = { directory, reloadCommand: [] }
  const adviceOf = async (server: MailServer) => {
    const heard: string[] = []
    const published = await server.publish(lists('tea'))
    reported({ kind: 'published', generation: 1, published }, (words) => heard.push(words))
    return heard
  }
  const regexp = postfix({ ...settings, reloadCommand: [] })
  deepEqual(await adviceOf(regexp), ["Postfix does not reread regexp tables by itself: run 'postfix reload'"])
  deepEqual(await adviceOf(regexp), [])
  match(
    (await adviceOf(opensmtpd({ ...common, delimiter: '+' }))).join(),
    /^OpenSMTPD .* 'smtpctl update table /,
  )
  deepEqual(await adviceOf(sendmail(common)), [])
})

test('one mail server’s fault keeps no other from its tables, and goes when it is mended', async (t) => {
  await using fresh = await freshStore()
  const { store } = fresh
  const { settings, command, directory } = site(t)
  await store.commit(createList, {
    name: 'tea',
    mailHost: 'lists.example.org',
    settings: {},
    createDomain: true,
    now: instant(1),
  })
  command('exit 1')
  const broken: MailServer = { name: 'broken', publish: () => Promise.reject(new Unavailable('no disk')) }
  const servers = [postfix(settings), broken, sendmail({ directory, reloadCommand: [] })]
  const outcome = await publishPending({ store, log }, servers)
  match(outcome.kind === 'failed' ? outcome.fault : '', /tell.* failed with exit status 1; .*; and no disk$/)
  equal(readdirSync(directory).includes('sendmail_lists'), true)
  match(store.read(publicationState, null).fault ?? '', /exit status 1/)

  await using publisher = startPublisher({ store, log }, [postfix(settings)], { first: 1, most: 2 })
  equal((await publisher.wake()).kind, 'failed')
  command('exit 0')
  await eventually('the fault to be gone', () => store.read(publicationState, null).fault === null)
})
