// `posthorn doctor --deep` behind a real Sendmail that reads the table, broken at each hop.
import { sendmail } from '../../src/hookup/guides/sendmail.ts'
import { type DeepBreakage, deepDomain, deepStory, replaced } from '../support/deep-story.ts'
import { factsOf, writeHookup } from '../support/hook-up.ts'

const both =
  (...edits: readonly ((text: string) => string)[]) =>
  (text: string): string =>
    edits.reduce((before, edit) => edit(before), text)
/** A local part is one token, so a pattern within it is a map's. */
const pattern = (text: string) => replaced(/^LOCAL_CONFIG$/m, `LOCAL_CONFIG\nKtest regex -a@FITS ${text}`)
const firstRule = (rule: string) => replaced(/^LOCAL_RULE_0$/m, `LOCAL_RULE_0\n${rule}`)
const toTheWorld = '$#relay $@ [127.0.0.1] $:'

const breakages: readonly DeepBreakage[] = [
  {
    title: 'a Sendmail that does not run',
    wait: 2,
    code: 'no-mail-server',
    seen: /ECONNREFUSED|refused/i,
    last: null,
  },
  {
    title: 'a list domain that goes elsewhere',
    conf: firstRule(`R$+ < @ ${deepDomain} . > $*\t${toTheWorld} $1 < @ ${deepDomain} . > $2`),
    wait: 2,
    code: 'not-handed-in',
    seen: /nothing came in 2 s/,
    last: 'smtp-in',
  },
  {
    title: 'a wrong port',
    conf: replaced(/A=TCP \$h \d+$/m, 'A=TCP $h 1'),
    wait: 2,
    code: 'not-handed-in',
    seen: /nothing came in 2 s/,
    last: 'smtp-in',
    stuck:
      /^\w+ to posthorn-trial-\w+@lists\.example\.test: Deferred: Connection refused by \[127\.0\.0\.1\]$/,
  },
  {
    title: 'a queue that is stopped',
    conf: replaced('F=mDFMuXzk8,', 'F=mDFMuXzk8%,'),
    wait: 2,
    code: 'not-handed-in',
    seen: /nothing came in 2 s/,
    last: 'smtp-in',
    stuck: /^\w+ to posthorn-trial-\w+@lists\.example\.test: /,
  },
  {
    title: 'a table that it may not read',
    conf: replaced(/^(Kposthornlists .*) \S+$/m, 'Kposthornlists text -T<TMPF> -k0 -v1 /tmp/none'),
    wait: 2,
    code: 'put-off',
    seen: /451 4\.3\.0/,
    last: null,
  },
  {
    title: 'envelope senders that it refuses',
    conf: both(
      pattern('[-]bounces[+]'),
      replaced(
        /^SLocal_check_rcpt$/m,
        'SLocal_check_mail\nR$*\t$: $(test $1 $: NO $)\nR$* @ FITS\t$#error $@ 5.7.1 $: "550 not from here"\n\nSLocal_check_rcpt',
      ),
    ),
    wait: 20,
    code: 'not-relayed',
    seen: /not from here/,
    last: 'judged',
  },
  {
    title: 'copies that go elsewhere',
    conf: both(
      pattern('[-]home$'),
      firstRule(
        [
          `R$+ < @ ${deepDomain} . > $*\t$: < $(test $1 $: NO $) > $1 < @ ${deepDomain} . > $2`,
          'R< NO > $*\t$: $1',
          `R< $* > $+\t${toTheWorld} $2`,
        ].join('\n'),
      ),
    ),
    wait: 2,
    code: 'not-home',
    seen: /-home@lists\.example\.test: nothing came in 2 s/,
    last: 'smtp-out',
  },
  {
    title: 'no extensions',
    conf: replaced(/^R\$\+ \+ \$\* @ \$\+\t.*$/m, ''),
    wait: 20,
    code: 'bounce-refused',
    seen: /-bounces\+\S+> 550 5\.1\.1/,
    last: 'home',
  },
  {
    title: 'no check of recipients',
    conf: replaced(/^R\$\* \$\| < NO >\t\$#error.*$/m, ''),
    wait: 20,
    code: 'unknown-accepted',
    seen: /nosuchlist-\S+> 250/,
    last: 'bounce-lmtp',
  },
]

deepStory({
  title: 'doctor --deep behind a real Sendmail',
  kind: 'sendmail',
  guide: 'sendmail',
  configDir: '/etc/mail',
  file: 'etc/mail/sendmail.mc',
  sections: async () => ({ mta: { incoming: 'sendmail' } }),
  hookUp: async (lab, site) => {
    const facts = await factsOf(site)
    await lab.prepare({ domains: [deepDomain], maps: facts.dataDir })
    await writeHookup(sendmail, facts, lab)
  },
  breakages,
})
