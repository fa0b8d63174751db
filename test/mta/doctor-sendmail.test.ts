// Each way in which a real Sendmail's hook-up was seen to be broken, tried on it: the doctor names the cause first. The
// sound configurations, Debian's own with our lines in it, give nothing to mend. Long,
// because it is a table of breakages.
import { deepEqual, equal, match } from 'node:assert/strict'
import { chmodSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { mailServerHost } from '../../src/app/mail-server-host.ts'
import { inOrder, needsMending } from '../../src/hookup/doctor.ts'
import { sendmail } from '../../src/hookup/guides/sendmail.ts'
import { listsTable } from '../../src/hookup/guides/sendmail-recipe.ts'
import type { Finding, HostFacts } from '../../src/model/hookup.ts'
import { factsOf, labHost, writeHookup } from '../support/hook-up.ts'
import { type MailServerLab, mailServerLab } from '../support/mail-server-lab.ts'
import { freePort, freshSite, type Site } from '../support/server.ts'

const listOnly = 'lists.example.test'
const shared = 'people.example.test'

interface Breakage {
  readonly title: string
  /** What is told first, without `sendmail.`. */
  readonly code: string
  readonly seen?: RegExp
  /** Changes sendmail.mc, from which sendmail.cf is made anew. */
  readonly mc?: (text: string) => string
  /** Changes sendmail.cf alone. */
  readonly cf?: (text: string) => string
  /** Lines for the access map, which is compiled anew. */
  readonly access?: string
  readonly facts?: (facts: HostFacts) => HostFacts
  /** Maps by name, compiled. */
  readonly maps?: Readonly<Record<string, string>>
  /** Anything else; what it gives back undoes it. */
  readonly also?: (place: Place) => () => void
}

interface Place {
  /** /etc/mail of the laboratory. */
  readonly etc: string
  readonly facts: HostFacts
}

const replaced =
  (pattern: RegExp | string, by: string) =>
  (text: string): string => {
    const changed = text.replace(pattern, () => by)
    if (changed === text) throw new Error(`nothing to break: ${pattern}`)
    return changed
  }

const mailerFlags = (flags: string) => replaced('F=mDFMuXzk8', `F=${flags}`)
const rule = /^R\$\+ < @ \$=\{PosthornDomains\} \$\* > \$\*\t\$#posthorn.*$/m

/** Whatever way the addresses are looked up. */
const anyWay: readonly Breakage[] = [
  { title: 'the mailer is missing', code: 'mailer-missing', mc: replaced(/^Mposthorn,(.*\n){3}/m, '') },
  { title: 'the mailer has another name', code: 'mailer-missing', mc: replaced(/^Mposthorn,/m, 'Mposthon,') },
  { title: 'no flag z', code: 'mailer-not-lmtp', mc: mailerFlags('mDFMuXk8') },
  { title: 'a wrong port', code: 'wrong-port', mc: replaced(/A=TCP \$h \d+/, 'A=TCP $h 9024') },
  { title: 'no port', code: 'wrong-port', mc: replaced(/A=TCP \$h \d+/, 'A=TCP $h') },
  {
    title: 'the port of another service by name',
    code: 'wrong-port',
    mc: replaced(/A=TCP \$h \d+/, 'A=TCP $h lmtp'),
  },
  {
    title: 'a socket that is not there',
    code: 'wrong-port',
    mc: replaced(/A=TCP \$h \d+/, 'A=FILE /run/lmtp.sock'),
  },
  {
    title: 'a program instead of a connection',
    code: 'mailer-not-ipc',
    mc: replaced('P=[IPC], F=mD', 'P=/usr/bin/lmtp, F=mD'),
  },
  {
    title: 'arguments without TCP',
    code: 'mailer-arguments',
    mc: replaced(/A=TCP (\$h \d+)/, 'A=LMTP $h 24'),
  },
  {
    title: 'a wrong host',
    code: 'wrong-host',
    mc: replaced('$@ [127.0.0.1] $: $1 < @ $2 . > $4', '$@ [192.0.2.9] $: $1 < @ $2 . > $4'),
  },
  {
    title: 'the other family',
    code: 'wrong-host',
    mc: replaced('$@ [127.0.0.1] $: $1 < @ $2 . > $4', '$@ [IPv6:::1] $: $1 < @ $2 . > $4'),
  },
  {
    title: 'a host without brackets',
    code: 'host-without-brackets',
    mc: replaced('$@ [127.0.0.1] $: $1 < @ $2 . > $4', '$@ 127.0.0.1 $: $1 < @ $2 . > $4'),
  },
  { title: 'no flag u', code: 'mailer-folds-case', mc: mailerFlags('mDFMXzk8') },
  { title: 'no flag X', code: 'mailer-dots', mc: mailerFlags('mDFMuzk8') },
  { title: 'flags of a local mailer', code: 'mailer-local', mc: mailerFlags('mDFMuXzk8wA') },
  { title: 'the flag that strips the eighth bit', code: 'mailer-seven-bits', mc: mailerFlags('mDFMuXzk7') },
  {
    title: 'no E=',
    code: 'mailer-line-ends',
    mc: replaced(
      ' E=\\r\\n,\n\t\tT=DNS/RFC822/SMTP,\n\t\tA=TCP $h',
      '\n\t\tT=DNS/RFC822/SMTP,\n\t\tA=TCP $h',
    ),
  },
  {
    title: 'no S= and R=',
    code: 'mailer-without-rulesets',
    mc: replaced('S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP/HdrFromSMTP, E=', 'E='),
  },
  {
    title: 'a misspelt ruleset in S=',
    code: 'mailer-without-rulesets',
    mc: replaced('k8, S=EnvFromSMTP', 'k8, S=EnvFromSMPT'),
  },
  {
    title: 'an R= that cuts the extension',
    code: 'mailer-rewrites',
    mc: (text) =>
      replaced(
        'k8, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP/',
        'k8, S=EnvFromSMTP/HdrFromSMTP, R=CutDetail/',
      )(
        replaced(
          'MAILER_DEFINITIONS\nMposthorn',
          'SCutDetail\nR$+ + $* < @ $* >\t$1 < @ $3 >\nMAILER_DEFINITIONS\nMposthorn',
        )(text),
      ),
  },
  { title: 'no rule', code: 'rule-missing', mc: replaced(rule, '') },
  {
    title: 'blanks instead of the tab in the rule',
    code: 'spaces-in-rule',
    mc: replaced('$* > $*\t$#posthorn', '$* > $*    $#posthorn'),
  },
  {
    title: 'blanks instead of the tab in the check',
    code: 'spaces-in-rule',
    mc: replaced(/^R\$\* \$\| < NO >\t\$#error/m, 'R$* $| < NO >  $#error'),
  },
  {
    title: 'the rule behind LOCAL_RULE_3',
    code: 'rule-misplaced',
    mc: replaced(/^LOCAL_RULE_0$/m, 'LOCAL_RULE_3'),
  },
  {
    title: 'the rule with a pattern that does not fit',
    code: 'rule-does-not-fit',
    mc: replaced(
      'R$+ < @ $={PosthornDomains} $* > $*\t$#posthorn',
      'R$- @ $={PosthornDomains} $* $*\t$#posthorn',
    ),
  },
  {
    title: 'the domain is not in the class',
    code: 'domain-missing',
    mc: replaced(`C{PosthornDomains}${listOnly}`, 'C{PosthornDomains}lists.example.org'),
  },
  { title: 'a domain more in Posthorn', code: 'domain-missing', facts: withDomain },
  {
    title: 'an earlier rule takes the domain',
    code: 'routed-elsewhere',
    mc: replaced(/^LOCAL_RULE_0$/m, `LOCAL_RULE_0\nR$+ < @ ${listOnly} $* > $*\t$#local $: $1`),
  },
  {
    title: 'nothing at all',
    code: 'hook-up-missing',
    mc: (text) => text.slice(0, text.indexOf('dnl posthorn hookup begin')),
  },
  { title: 'sendmail.cf was not made of the new sendmail.mc', code: 'cf-not-made-anew', also: staleCf },
  {
    title: 'sendmail.mc was changed later',
    code: 'cf-older-than-mc',
    also: ({ etc }) => {
      utimesSync(join(etc, 'sendmail.mc'), new Date(), new Date(Date.now() + 60_000))
      return () => undefined
    },
  },
  {
    title: 'no sendmail.cf',
    code: 'no-configuration',
    also: ({ etc }) => {
      renameSync(join(etc, 'sendmail.cf'), join(etc, 'away.cf'))
      return () => renameSync(join(etc, 'away.cf'), join(etc, 'sendmail.cf'))
    },
  },
  { title: 'sendmail.cf is empty, as after an m4 that failed', code: 'no-configuration', cf: () => '' },
  {
    title: 'an option that there is not',
    code: 'configuration-error',
    cf: (text) => `${text}O NoSuchOption=1\nKbad nosuch /x\n`,
  },
  {
    title: 'the domain is no relay domain',
    code: 'relay-domain-missing',
    mc: replaced(`RELAY_DOMAIN(\`${listOnly}')dnl\n`, ''),
  },
  {
    title: 'the access map refuses the domain',
    code: 'access-denies',
    mc: replaced('dnl # Default Mailer setup', "FEATURE(`blocklist_recipients')dnl"),
    access: `To:${listOnly}\tREJECT\n`,
  },
  { title: 'the access map refuses Posthorn', code: 'access-denies', access: 'Connect:127.0.0.1\tREJECT\n' },
  {
    title: 'the access map refuses the senders of the lists',
    code: 'access-denies',
    access: `From:${listOnly}\tREJECT\n`,
  },
  {
    title: 'the access map was not compiled',
    code: 'map-missing',
    also: ({ etc }) => {
      renameSync(join(etc, 'access.db'), join(etc, 'away.db'))
      return () => renameSync(join(etc, 'away.db'), join(etc, 'access.db'))
    },
  },
  {
    title: 'the access map was compiled before its last change',
    code: 'map-stale',
    also: ({ etc }) => {
      utimesSync(join(etc, 'access'), new Date(), new Date(Date.now() + 60_000))
      return () => utimesSync(join(etc, 'access'), new Date(), new Date(Date.now() - 60_000))
    },
  },
  {
    title: 'Posthorn on another host, for which Sendmail does not relay',
    code: 'relay-refused',
    facts: (facts) => ({ ...facts, lmtp: { ...facts.lmtp, host: '203.0.113.7' } }),
    mc: (text) => text.replaceAll('$@ [127.0.0.1] $: $1', '$@ [203.0.113.7] $: $1'),
  },
  {
    title: 'Posthorn sends to another port',
    code: 'not-listening',
    facts: (facts) => ({ ...facts, relay: { ...facts.relay, port: 2525 } }),
  },
  {
    title: 'Sendmail listens on another address',
    code: 'not-listening',
    mc: replaced(/Port=(\d+), Addr=127\.0\.0\.1/, 'Port=25, Addr=192.0.2.1'),
  },
  {
    title: 'the port wants a login',
    code: 'login-needed',
    mc: replaced("Addr=127.0.0.1')", "Addr=127.0.0.1, M=a')"),
  },
  {
    title: 'Sendmail only queues',
    code: 'queue-only',
    mc: replaced('dnl # Default Mailer setup', "define(`confDELIVERY_MODE', `queueonly')dnl"),
  },
  {
    title: 'a low limit of load',
    code: 'load-limits',
    mc: replaced('dnl # Default Mailer setup', "define(`confREFUSE_LA', `1')dnl"),
  },
  {
    title: 'a wrong port and no flag z',
    code: 'mailer-not-lmtp',
    mc: (text) => replaced(/A=TCP \$h \d+/, 'A=TCP $h 9024')(mailerFlags('mDFMuXk8')(text)),
  },
  {
    title: 'no rule, and an access map that was not compiled',
    code: 'rule-missing',
    mc: replaced(rule, ''),
    also: ({ etc }) => {
      renameSync(join(etc, 'access.db'), join(etc, 'away.db'))
      return () => renameSync(join(etc, 'away.db'), join(etc, 'access.db'))
    },
  },
  {
    title: 'a wrong port, and Sendmail does not listen',
    code: 'wrong-port',
    mc: (text) =>
      replaced(
        /A=TCP \$h \d+/,
        'A=TCP $h 9024',
      )(replaced(/Port=(\d+), Addr=127\.0\.0\.1/, 'Port=25, Addr=192.0.2.1')(text)),
  },
]

const byTable: readonly Breakage[] = [
  {
    title: 'the table is not there',
    code: 'map-missing',
    also: ({ facts }) => {
      const path = join(facts.dataDir, listsTable)
      renameSync(path, `${path}.away`)
      return () => renameSync(`${path}.away`, path)
    },
  },
  {
    title: 'the K line names another file',
    code: 'map-missing',
    mc: replaced(`/${listsTable}`, '/sendmail_list'),
  },
  {
    title: 'the folder of the table is writable for its group',
    code: 'map-unsafe',
    also: ({ facts }) => {
      chmodSync(facts.dataDir, 0o775)
      return () => chmodSync(facts.dataDir, 0o751)
    },
  },
  {
    title: 'the table is writable for others',
    code: 'map-unsafe',
    also: ({ facts }) => {
      chmodSync(facts.dataDir, 0o757)
      return () => chmodSync(facts.dataDir, 0o751)
    },
  },
  { title: 'another delimiter', code: 'map-columns', mc: replaced('-k0 -v1', '-z: -k0 -v1') },
  { title: 'the columns the wrong way round', code: 'map-columns', mc: replaced('-k0 -v1', '-k1 -v0') },
  { title: 'the K line is missing', code: 'map-not-defined', mc: replaced(/^Kposthornlists.*$/m, '') },
  {
    title: 'the rule asks a map of another name',
    code: 'map-not-defined',
    mc: replaced('$(posthornlists $1', '$(posthornlist $1'),
  },
  {
    title: 'the table lacks a sub-address',
    code: 'map-entry-missing',
    also: ({ facts }) =>
      editing(join(facts.dataDir, listsTable), (text) => text.replace(/^tea-bounces@.*\n/m, '')),
  },
  {
    title: 'the table is empty',
    code: 'map-entry-missing',
    also: ({ facts }) => editing(join(facts.dataDir, listsTable), () => ''),
  },
  {
    title: 'Posthorn does not write the table',
    code: 'table-not-written',
    facts: (facts) => ({ ...facts, incoming: ['postfix'] }),
  },
  {
    title: 'the extension is not cut off',
    code: 'extension-refused',
    mc: replaced(/^R\$\+ \+ \$\* @ \$\+\t.*\n/m, ''),
  },
  { title: 'the map is optional', code: 'map-optional', mc: replaced('text -T<TMPF>', 'text -o -T<TMPF>') },
  { title: 'no mark for faults', code: 'map-without-temporary', mc: replaced('text -T<TMPF>', 'text') },
  {
    title: 'no check of recipients',
    code: 'unknown-recipients-accepted',
    mc: replaced(/^R\$\* \$\| < NO >\t\$#error.*\n/m, ''),
  },
  {
    title: 'all of Local_check_rcpt is missing',
    code: 'unknown-recipients-accepted',
    mc: replaced(/^SLocal_check_rcpt\n(R.*\n)+/m, ''),
  },
  {
    title: 'the table is not there, and no flag z',
    code: 'mailer-not-lmtp',
    mc: mailerFlags('mDFMuXk8'),
    also: ({ facts }) => {
      const path = join(facts.dataDir, listsTable)
      renameSync(path, `${path}.away`)
      return () => renameSync(`${path}.away`, path)
    },
  },
]

const feature = (...lines: readonly string[]) =>
  replaced('dnl # Default Mailer setup', [...lines, 'dnl # Default Mailer setup'].join('\n'))
const masquerade = (what: string) =>
  feature("MASQUERADE_AS(`example.org')dnl", what, "FEATURE(`masquerade_envelope')dnl")
const milter = (onFailure: string) =>
  feature(`INPUT_MAIL_FILTER(\`f', \`S=local:/run/none.sock${onFailure}')dnl`)

const byOtherFeatures: readonly Breakage[] = [
  { title: 'masquerading takes the domain of the lists', code: 'sender-masqueraded', seen: /becomes \S+@example\.org/, mc: masquerade(`MASQUERADE_DOMAIN(\`${listOnly}')dnl`) },
  { title: 'masquerading takes all domains below one', code: 'sender-masqueraded', mc: masquerade("MASQUERADE_DOMAIN(`example.test')dnl\nFEATURE(`masquerade_entire_domain')dnl") },
  { title: 'a client that only relays to a hub', code: 'sender-masqueraded', mc: feature("FEATURE(`nullclient', `[192.0.2.1]')dnl") },
  { title: 'a mail filter that is down refuses all', code: 'milter-down', mc: milter(', F=R') },
  { title: 'a mail filter that is down puts all off', code: 'milter-down', mc: milter(', F=T') },
  { title: 'a mailer that is called expensive, and held', code: 'mailer-held', mc: (text) => feature("define(`confCON_EXPENSIVE', `True')dnl")(mailerFlags('mDFMuXzk8e')(text)) },
  { title: 'a mailer that waits to be asked for', code: 'mailer-held', mc: mailerFlags('mDFMuXzk8%') },
  { title: 'a mailer that cuts lines', code: 'mailer-cuts-lines', mc: replaced(/^\t\tA=TCP \$h (\d+)$/m, '\t\tL=80, A=TCP $h PORT') },
  { title: 'a mailer for small messages', code: 'message-size', mc: replaced(/^\t\tA=TCP \$h (\d+)$/m, '\t\tM=1000, A=TCP $h PORT') },
  { title: 'a low limit of size', code: 'message-size', mc: feature("define(`confMAX_MESSAGE_SIZE', `10000')dnl") },
  { title: 'a short life in the queue', code: 'queue-ttl', mc: feature("define(`confTO_QUEUERETURN', `10m')dnl") },
  { title: 'the access map puts off mail for the domain', code: 'access-denies', seen: /450 later/, mc: feature("FEATURE(`blocklist_recipients')dnl"), access: `To:${listOnly}\tERROR:4.2.1:450 later\n` },
  { title: 'the access map throws mail for one list away', code: 'access-denies', seen: /thrown away/, mc: feature("FEATURE(`blocklist_recipients')dnl"), access: `To:tea@${listOnly}\tDISCARD\n` },
  { title: 'the access map throws our mail away', code: 'access-denies', access: 'Connect:127.0.0.1\tDISCARD\n' },
  { title: 'the access map has words for localhost', code: 'access-denies', access: 'Connect:localhost\tERROR:"550 go away"\n' },
  { title: 'checks are delayed, and the access map refuses us', code: 'access-denies', mc: feature("FEATURE(`delay_checks')dnl"), access: 'Connect:127.0.0.1\tREJECT\n' },
  { title: 'the class is misspelt where it is filled', code: 'rule-missing', mc: replaced(`C{PosthornDomains}${listOnly}`, `C{PosthornDomain}${listOnly}`) },
  { title: 'the class is misspelt in the rule', code: 'rule-missing', mc: replaced('$={PosthornDomains} $* > $*\t$#posthorn', '$={PosthornDomain} $* > $*\t$#posthorn') },
  { title: 'quotes of the shell in m4', code: 'relay-domain-missing', mc: replaced(`RELAY_DOMAIN(\`${listOnly}')`, `RELAY_DOMAIN('${listOnly}')`) },
  { title: 'a name for this machine without brackets', code: 'host-without-brackets', mc: replaced('$@ [127.0.0.1] $: $1 < @ $2 . > $4', '$@ localhost $: $1 < @ $2 . > $4') },
  { title: 'a login wanted, and no ETRN', code: 'login-needed', mc: replaced("Addr=127.0.0.1')", "Addr=127.0.0.1, M=Ea')") },
  {
    title: 'a shared domain that Sendmail does not know',
    code: 'relay-domain-missing',
    seen: new RegExp(`@${shared}`),
    also: ({ etc }) => editing(join(etc, 'local-host-names'), () => ''),
  },
  { title: 'an option that is misspelt', code: 'configuration-error', mc: feature("define(`confPRIVACY_FLAGS', `needmailhelo,nodsn')dnl") },
  { title: 'deliveries in the background of the queue alone', code: 'queue-only', mc: feature("define(`confDELIVERY_MODE', `deferred')dnl") },
  { title: 'our rule behind one that takes everything', code: 'routed-elsewhere', mc: replaced(/^LOCAL_RULE_0$/m, 'LOCAL_RULE_0\nR$* < @ $* > $*\t$#relay $@ [192.0.2.1] $: $1 < @ $2 > $3') },
] // biome-ignore format: a table

interface Oddity extends Pick<Breakage, 'maps' | 'access' | 'also'> {
  readonly title: string
  readonly mc: (text: string) => string
}

const oddities: readonly Oddity[] = [
  { title: 'a mailertable for others', mc: feature("FEATURE(`mailertable')dnl"), maps: { mailertable: 'example.org\tesmtp:[192.0.2.1]\n' } },
  { title: 'a mailertable line for the lists, which our rule comes before', mc: feature("FEATURE(`mailertable')dnl"), maps: { mailertable: `${listOnly}\tesmtp:[192.0.2.1]\n` } },
  { title: 'a virtusertable that takes all, which our rule comes before', mc: feature("FEATURE(`virtusertable')dnl"), maps: { virtusertable: `@${shared}\troot\n` } },
  { title: 'a virtusertable line of a list’s name', mc: feature("FEATURE(`virtusertable')dnl"), maps: { virtusertable: `tea@${shared}\troot\n` } },
  { title: 'masquerading of headers', mc: feature("MASQUERADE_AS(`example.org')dnl") },
  { title: 'a mail filter that is down, and is gone round', mc: milter('') },
  { title: 'no UUCP', mc: feature("FEATURE(`nouucp', `reject')dnl") },
  { title: 'what nobody has goes to root', mc: feature("define(`LUSER_RELAY', `local:root')dnl") },
  { title: 'checks are delayed', mc: feature("FEATURE(`delay_checks')dnl") },
  { title: 'one recipient a message', mc: feature("define(`confMAX_RCPTS_PER_MESSAGE', `1')dnl") },
  { title: 'the domain in capitals', mc: replaced(`C{PosthornDomains}${listOnly}`, `C{PosthornDomains}${listOnly.toUpperCase()}`) },
  {
    title: 'the list domain among its own names',
    mc: (text) => text,
    also: ({ etc }) => editing(join(etc, 'local-host-names'), (text) => `${text}${listOnly}\n`),
  },
] // biome-ignore format: a table

const milkOnly = `R$* milk < @ ${listOnly} . > $*\t$#local $: milk`

const oneOfSeveral: readonly Breakage[] = [
  {
    title: 'one list of several is not in the table',
    code: 'map-entry-missing',
    seen: /^tea@people\.example\.test and 8 more/,
    also: ({ facts }) =>
      editing(join(facts.dataDir, listsTable), (text) => text.replace(/^tea\S*@people.*\n/gm, '')),
  },
  {
    title: 'one address of one list is not in the table',
    code: 'map-entry-missing',
    seen: /^tea-owner@lists\.example\.test: not in the table/,
    also: ({ facts }) =>
      editing(join(facts.dataDir, listsTable), (text) => text.replace(/^tea-owner@lists.*\n/m, '')),
  },
  {
    title: 'one list of several goes elsewhere',
    code: 'routed-elsewhere',
    seen: /milk/,
    mc: replaced(/^LOCAL_RULE_0$/m, `LOCAL_RULE_0\n${milkOnly}`),
  },
  {
    title: 'the owner of one list goes elsewhere',
    code: 'routed-elsewhere',
    seen: /tea-owner/,
    mc: replaced(/^LOCAL_RULE_0$/m, `LOCAL_RULE_0\nRtea-owner < @ ${listOnly} . > $*\t$#local $: root`),
  },
  {
    title: 'the access map refuses one address of one list',
    code: 'access-denies',
    seen: /tea-request@/,
    mc: replaced('dnl # Default Mailer setup', "FEATURE(`blocklist_recipients')dnl"),
    access: `To:tea-request@${listOnly}\tREJECT\n`,
  },
]

const bySocket: readonly Breakage[] = [
  {
    title: 'the port of the look-up service is wrong',
    code: 'socketmap-address',
    mc: replaced(/inet:\d+@/, 'inet:9@'),
  },
  {
    title: 'Posthorn offers no look-ups',
    code: 'socketmap-off',
    facts: (facts) => ({ ...facts, lookup: { ...facts.lookup, socketmap: null } }),
    mc: replaced(/inet:\d+@/, 'inet:9@'),
  },
  {
    title: 'Posthorn is down',
    code: 'socketmap-down',
    facts: (facts) => ({ ...facts, lookup: { ...facts.lookup, socketmap: '127.0.0.1:9' } }),
    mc: replaced(/inet:\d+@/, 'inet:9@'),
  },
  {
    title: 'the map has a name of its own',
    code: 'socketmap-name',
    mc: (text) => text.replace('Krecipients', 'Kposthorn').replace('$(recipients', '$(posthorn'),
  },
  {
    title: 'the look-up chooses the route',
    code: 'map-as-route',
    mc: replaced(
      rule,
      'R$+ < @ $={PosthornDomains} $* > $*\t$: $1 < @ $2 . > $4 $| $>PosthornAsk $1 @ $2\nR$* $| < NO >\t$: $1\nR$* < @ $* > $* $| < $* >\t$#posthorn $@ [127.0.0.1] $: $1 < @ $2 > $3',
    ),
  },
]

function withDomain(facts: HostFacts): HostFacts {
  const more = { mailHost: 'more.example.test', aliasDomain: null, listOnly: true, listNames: [] }
  return { ...facts, domains: [...facts.domains, more] }
}

/** The sendmail.cf of before the lines for lists. */
function staleCf({ etc }: Place): () => void {
  const path = join(etc, 'sendmail.cf')
  const sound = readFileSync(path, 'utf8')
  const old = sound.replace(/^Mposthorn,(.*\n){3}/m, '').replace(/^.*[Pp]osthorn.*\n/gm, '')
  writeFileSync(path, old)
  utimesSync(path, new Date(), new Date(Date.now() - 600_000))
  return () => undefined
}

function editing(path: string, edit: (text: string) => string): () => void {
  const sound = readFileSync(path, 'utf8')
  writeFileSync(path, edit(sound))
  return () => writeFileSync(path, sound)
}

const knowsSendmailAlone = new Set(['access-denies', 'sender-masqueraded', 'configuration-error'])
/** What only Sendmail itself can tell: compiled maps, and what it finds wrong in a file. */
const needsSendmail = new Set([
  'the access map refuses the domain',
  'the access map refuses one address of one list',
  'the access map refuses Posthorn',
  'the access map refuses the senders of the lists',
  'Posthorn is down',
  ...byOtherFeatures.filter(({ code }) => knowsSendmailAlone.has(code)).map(({ title }) => title),
  'an option that there is not',
])

interface Ward {
  readonly title: string
  readonly sections: () => Promise<Parameters<typeof freshSite>[0]['sections']>
  readonly domains: readonly (readonly string[])[]
  readonly breakages: readonly Breakage[]
  readonly odd: readonly Oddity[]
}

for (const { title, sections, domains, breakages, odd } of [
  {
    title: 'a Sendmail that reads a table',
    sections: async () => ({ mta: { incoming: 'sendmail' } }),
    domains: [[listOnly, '--list-only'], [shared]],
    breakages: [...anyWay, ...byTable, ...oneOfSeveral, ...byOtherFeatures],
    odd: oddities,
  },
  {
    title: 'a Sendmail that asks by socketmap',
    sections: async () => ({ lookup: { socketmap: `127.0.0.1:${await freePort()}` } }),
    domains: [[listOnly, '--list-only']],
    breakages: bySocket,
    odd: [],
  },
] as readonly Ward[])
  describe(`the doctor at ${title}`, { timeout: 300_000 }, () => {
    const ending = new AsyncDisposableStack()
    let lab: MailServerLab
    let site: Site
    let facts: HostFacts
    let sound: { mc: string; cf: string; access: string }
    const file = (name: string): string => join(lab.root, 'etc/mail', name)

    const make = async (what: string): Promise<void> => {
      const { code, err } = await lab.exec(['/bin/sh', '-c', `cd /etc/mail && ${what}`])
      equal(code, 0, err)
    }
    const makeCf = (): Promise<void> => make('m4 sendmail.mc > sendmail.cf')
    const makeAccess = (): Promise<void> => make('/usr/libexec/sendmail/makemap hash access < access')
    const found = async (given: HostFacts): Promise<readonly Finding[]> => {
      const all: Finding[] = []
      for await (const one of sendmail.diagnose(given, labHost(lab, '/etc/mail'))) all.push(one)
      return inOrder(all)
    }
    /** The same from outside of the chroot, where there is no Sendmail to ask. */
    const foundOutside = async (given: HostFacts): Promise<readonly Finding[]> => {
      const host = mailServerHost({ configDir: join(lab.root, 'etc/mail'), commandPrefix: [] })
      const all: Finding[] = []
      const silent = { ...host, run: () => Promise.resolve(null) }
      for await (const one of sendmail.diagnose(given, silent)) all.push(one)
      return inOrder(all)
    }

    before(async () => {
      lab = ending.use(await mailServerLab('sendmail'))
      const { smtpPort: relayPort, lmtpPort } = lab
      const given = await sections()
      site = ending.use(
        await freshSite({ relayPort, lmtpPort, ...(given === undefined ? {} : { sections: given }) }),
      )
      for (const words of domains) await site.must(['domain', 'add', ...words])
      for (const [name] of domains)
        for (const list of ['tea', 'milk']) await site.must(['create', `${list}@${name}`])
      await site.start()
      facts = await factsOf(site)
      await lab.prepare({ domains: domains.map(([name]) => name ?? ''), maps: facts.dataDir })
      writeFileSync(file('local-host-names'), `${shared}\n`)
      await writeHookup(sendmail, facts, lab)
      await makeCf()
      await makeAccess()
      sound = {
        mc: readFileSync(file('sendmail.mc'), 'utf8'),
        cf: readFileSync(file('sendmail.cf'), 'utf8'),
        access: readFileSync(file('access'), 'utf8'),
      }
    })
    after(() => ending.disposeAsync())

    test('nothing is to be mended in what hookup wrote into Debian’s own files', async () => {
      const all = await found(facts)
      equal(needsMending(all), false, JSON.stringify(all, null, 1))
      const outside = await foundOutside(facts)
      equal(needsMending(outside), false, JSON.stringify(outside, null, 1))
    })

    for (const { title: what, code, seen, mc, cf, access, facts: changed, also } of breakages)
      test(`${what}: ${code}`, async () => {
        writeFileSync(
          file('sendmail.mc'),
          (mc?.(sound.mc) ?? sound.mc).replace('$h PORT', `$h ${lab.lmtpPort}`),
        )
        if (mc === undefined) writeFileSync(file('sendmail.cf'), sound.cf)
        else await makeCf()
        if (cf !== undefined)
          writeFileSync(file('sendmail.cf'), cf(readFileSync(file('sendmail.cf'), 'utf8')))
        if (access !== undefined) {
          writeFileSync(file('access'), access + sound.access)
          await makeAccess()
        }
        const undo = also?.({ etc: join(lab.root, 'etc/mail'), facts })
        try {
          const all = await found(changed?.(facts) ?? facts)
          equal(all[0]?.kind.code, `sendmail.${code}`, JSON.stringify(all, null, 1))
          if (seen !== undefined) match(all[0]?.seen ?? '', seen)
          deepEqual(
            all.filter(({ seen, change }) => seen === '' || change === ''),
            [],
          )
          if (needsSendmail.has(what)) return
          const outside = await foundOutside(changed?.(facts) ?? facts)
          equal(
            outside[0]?.kind.code,
            `sendmail.${code}`,
            `from outside: ${JSON.stringify(outside, null, 1)}`,
          )
        } finally {
          undo?.()
          if (access !== undefined) {
            writeFileSync(file('access'), sound.access)
            await makeAccess()
          }
        }
      })

    for (const { title: what, mc, maps = {}, also } of odd)
      test(`odd, and sound: ${what}`, async () => {
        writeFileSync(file('sendmail.mc'), mc(sound.mc))
        await makeCf()
        for (const [name, text] of Object.entries(maps)) {
          writeFileSync(file(name), text)
          await make(`/usr/libexec/sendmail/makemap hash ${name} < ${name}`)
        }
        const undo = also?.({ etc: join(lab.root, 'etc/mail'), facts })
        try {
          for (const all of [await found(facts), await foundOutside(facts)])
            equal(needsMending(all), false, JSON.stringify(all, null, 1))
        } finally {
          undo?.()
        }
      })
  })
