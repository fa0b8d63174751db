// `posthorn doctor --deep` behind a real Exim: with markers, broken at each hop; and Debian's own, which refuses unknown
// lists to others than us.
import { type DeepBreakage, deepStory, replaced } from '../support/deep-story.ts'
import { debianExim, hookUpExim, plainExim } from '../support/exim-lab.ts'

const firstRouter = (lines: string) => replaced(/^begin routers$/m, `begin routers\n${lines}`)
/** A router that takes local parts like these to the world. */
const toTheWorld = (pattern: string): string => `astray:
  driver = manualroute
  condition = \${if match{$local_part}{${pattern}}}
  route_list = * 127.0.0.1 byname
  self = send
  transport = to_the_world
`
const withoutExtensions = (text: string): string =>
  replaced(' -bounces+* : ', ' ')(replaced(' -confirm+* : ', ' ')(text))

const breakages: readonly DeepBreakage[] = [
  {
    title: 'an Exim that does not run',
    wait: 2,
    code: 'no-mail-server',
    seen: /ECONNREFUSED|refused/i,
    last: null,
  },
  {
    title: 'a list domain that it does not know',
    conf: replaced(/^domainlist mm_domains = .*$/m, 'domainlist mm_domains = lists.example.org'),
    wait: 2,
    code: 'not-handed-in',
    seen: /nothing came in 2 s/,
    last: 'smtp-in',
  },
  {
    title: 'a wrong port',
    conf: replaced(/^MM3_LMTP_PORT = .*$/m, 'MM3_LMTP_PORT = 1'),
    wait: 2,
    code: 'not-handed-in',
    seen: /nothing came in 2 s/,
    last: 'smtp-in',
    stuck: /^\S+ to posthorn-trial-\w+@lists\.example\.test: .*Connection refused$/,
  },
  {
    title: 'a queue that is stopped',
    conf: replaced(/^smtp_accept_max = 100$/m, 'smtp_accept_max = 100\nhold_domains = *'),
    wait: 2,
    code: 'not-handed-in',
    seen: /nothing came in 2 s/,
    last: 'smtp-in',
    stuck: /domain is held/,
  },
  {
    title: 'copies that go elsewhere',
    conf: firstRouter(toTheWorld('-home\\$')),
    wait: 2,
    code: 'not-home',
    seen: /-home@lists\.example\.test: nothing came in 2 s/,
    last: 'smtp-out',
  },
  {
    title: 'envelope senders that it refuses',
    conf: replaced(
      /^acl_check_rcpt:$/m,
      'acl_check_rcpt:\n  deny senders = ^.*-bounces\\\\+\n       message = not from here',
    ),
    wait: 20,
    code: 'not-relayed',
    seen: /not from here/,
    last: 'judged',
  },
  {
    title: 'no extensions',
    conf: withoutExtensions,
    wait: 20,
    code: 'bounce-refused',
    seen: /-bounces\+\S+> 550/,
    last: 'home',
  },
  {
    title: 'bounces that go elsewhere',
    conf: firstRouter(toTheWorld('[+]')),
    wait: 2,
    code: 'bounce-lost',
    seen: /nothing came in 2 s/,
    last: 'bounce-smtp',
  },
  {
    title: 'a list domain whose recipients nobody looks up',
    conf: replaced(/^ {2}require_files = MM3_LISTCHK$/m, ''),
    wait: 20,
    code: 'unknown-accepted',
    seen: /nosuchlist-\S+> 250/,
    last: 'bounce-lmtp',
  },
]

deepStory({
  title: 'doctor --deep behind a real Exim',
  kind: 'exim',
  guide: 'exim',
  configDir: '/etc/exim4',
  file: 'etc/exim4/exim4.conf',
  sections: async () => ({ mta: { incoming: 'exim4' } }),
  hookUp: async (lab, site) => {
    await lab.prepare({ domains: ['lists.example.test'], maps: site.varDir, etc: plainExim(lab) })
    await hookUpExim(lab, site, 'tables')
  },
  breakages,
})

deepStory({
  title: "doctor --deep behind Debian's Exim with callouts",
  kind: 'exim',
  guide: 'exim',
  configDir: '/etc/exim4',
  file: 'etc/exim4/update-exim4.conf.conf',
  sections: async () => ({ mta: { incoming: 'exim4' } }),
  hookUp: async (lab, site) => {
    await lab.prepare({ domains: ['lists.example.test'], etc: debianExim(lab) })
    await hookUpExim(lab, site, 'verify')
  },
  unknown: / an unknown list is refused at RCPT: {2}550 .*no such list \(to others than this machine\)$/m,
  breakages: [],
})
