// `posthorn doctor --deep` behind a real OpenSMTPD that is told of new lists, broken at each hop; and one that nobody tells.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { opensmtpd } from '../../src/hookup/guides/opensmtpd.ts'
import { reloadCommand } from '../../src/hookup/guides/opensmtpd-recipe.ts'
import { type DeepBreakage, deepDomain, deepStory, replaced } from '../support/deep-story.ts'
import { factsOf, writeHookup } from '../support/hook-up.ts'

const directory = mkdtempSync(join(tmpdir(), 'posthorn-opensmtpd-'))
const reload = join(directory, 'reload')
after(() => rmSync(directory, { recursive: true, force: true }))

const ours = 'match from any for domain <posthorn_domains> rcpt-to regex'
const earlier = (line: string) => replaced(ours, `${line}\n${ours}`)

const breakages: readonly DeepBreakage[] = [
  {
    title: 'an OpenSMTPD that does not run',
    wait: 2,
    code: 'not-published',
    seen: /smtpctl|reload/,
    last: null,
  },
  {
    title: 'an earlier rule that relays everything',
    conf: earlier('match from any for any action "relay"'),
    wait: 3,
    code: 'not-handed-in',
    seen: /nothing came in 3 s/,
    last: 'smtp-in',
  },
  {
    title: 'a wrong port',
    conf: replaced(/"lmtp:\/\/127\.0\.0\.1:\d+"/, '"lmtp://127.0.0.1:1"'),
    wait: 3,
    code: 'not-handed-in',
    seen: /nothing came in 3 s/,
    last: 'smtp-in',
    stuck: /^[0-9a-f]{16} to posthorn-trial-\w+@lists\.example\.test: \S/,
  },
  {
    title: 'a queue that is stopped',
    conf: (text) => `${text}\n# smtpctl pause mta\n`,
    wait: 3,
    code: 'not-handed-in',
    seen: /nothing came in 3 s/,
    last: 'smtp-in',
    stuck: /^[0-9a-f]{16} to posthorn-trial-\w+@lists\.example\.test: /,
  },
  {
    title: 'an earlier rule that refuses',
    conf: earlier(`match from any for domain "${deepDomain}" reject`),
    wait: 2,
    code: 'refused',
    seen: /RCPT TO:<posthorn-trial-\w+@\S+> 550/,
    last: null,
  },
  {
    title: 'a filter that refuses envelope senders',
    conf: (text) =>
      replaced(
        /^(listen on 127\.0\.0\.1 .*)$/m,
        'LISTEN',
      )(text).replace(
        'LISTEN',
        () =>
          `filter "senders" phase mail-from match mail-from regex "-bounces\\+" reject "550 not from here"\n${/^listen on 127\.0\.0\.1 .*$/m.exec(text)?.[0]} filter "senders"`,
      ),
    wait: 20,
    code: 'not-relayed',
    seen: /not from here/,
    last: 'judged',
  },
  {
    title: 'copies that go elsewhere',
    conf: earlier('match from any for any rcpt-to regex "-home@" action "relay"'),
    wait: 6,
    code: 'not-home',
    seen: /-home@lists\.example\.test: nothing came in 6 s/,
    last: 'smtp-out',
  },
  {
    title: 'addresses with an extension that it refuses',
    conf: earlier('match from any for any rcpt-to regex "[+]" reject'),
    wait: 20,
    code: 'bounce-refused',
    seen: /-bounces\+\S+> 550/,
    last: 'home',
  },
  {
    title: 'a rule that takes every recipient',
    conf: replaced(
      '<posthorn_domains> rcpt-to regex <posthorn_recipients> action',
      '<posthorn_domains> action',
    ),
    wait: 20,
    code: 'unknown-accepted',
    seen: /nosuchlist-\S+> 250/,
    last: 'bounce-lmtp',
  },
]

deepStory({
  title: 'doctor --deep behind a real OpenSMTPD',
  kind: 'opensmtpd',
  guide: 'opensmtpd',
  configDir: '/etc',
  file: 'etc/smtpd.conf',
  sections: async () => {
    // As long as OpenSMTPD does not run there is nobody to tell.
    writeFileSync(reload, '#!/bin/sh\n', { mode: 0o755 })
    const configuration = join(directory, 'mail-server.cfg')
    writeFileSync(configuration, `[opensmtpd]\nreload_command: ${reload}\n`)
    return { mta: { incoming: 'opensmtpd', configuration } }
  },
  hookUp: async (lab, site) => {
    const facts = await factsOf(site)
    await lab.prepare({ domains: [deepDomain], maps: facts.dataDir })
    await writeHookup(opensmtpd, facts, lab)
  },
  isUp: async (lab) => {
    writeFileSync(reload, `#!/bin/sh\nexec ${lab.prefix.join(' ')} /usr/sbin/${reloadCommand}\n`)
    const text = readFileSync(join(lab.root, 'etc/smtpd.conf'), 'utf8')
    if (text.includes('# smtpctl pause mta')) await lab.exec(['smtpctl', 'pause', 'mta'])
  },
  breakages,
})
