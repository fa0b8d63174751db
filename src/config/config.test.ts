// Whole files: those of real sites as they stand, each fault in one line, the search, and the trust in a file.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { type Config, defaultConfig, loadConfig } from './config.ts'
import { formatMistake } from './mistake.ts'
import { families, isSecret, sections } from './schema.ts'
import { type Surroundings, searchPlaces } from './search.ts'

const configurations = fileURLToPath(new URL('../../test/configurations/', import.meta.url))

const base = mkdtempSync(join(tmpdir(), 'posthorn-config-'))
after(() => rmSync(base, { recursive: true }))

const folder = (files: Readonly<Record<string, string>>): string => {
  const dir = mkdtempSync(join(base, 'x-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), text)
  }
  return dir
}

const around = (cwd: string, more: Partial<Surroundings> = {}): Surroundings => ({
  explicit: null,
  environment: {},
  cwd,
  home: null,
  effectiveUid: 1000,
  ...more,
})

const load = (text: string, more: Partial<Surroundings> = {}) => {
  const dir = folder({ 'x.cfg': text })
  const loaded = loadConfig(around(dir, { explicit: 'x.cfg', ...more }))
  const plain = (line: string) => line.replaceAll(`${dir}/`, '')
  if ('errors' in loaded) return { errors: loaded.errors.map((each) => plain(formatMistake(each))), dir }
  return {
    config: loaded.config,
    warnings: loaded.config.warnings.map((each) => plain(formatMistake(each))),
    dir,
  }
}

const configOf = (path: string): Config => {
  const loaded = loadConfig(around('/srv', { explicit: path }))
  ok('config' in loaded, 'errors' in loaded ? loaded.errors.map(formatMistake).join('\n') : '')
  return loaded.config
}

for (const { file, mailServer, lmtpHost, smtpHost, tables } of [
  {
    file: 'founding-defaults.cfg',
    mailServer: 'postfix',
    lmtpHost: '127.0.0.1',
    smtpHost: 'localhost',
    tables: 'hash',
  },
  {
    file: 'founding-postfix.cfg',
    mailServer: 'postfix',
    lmtpHost: 'mail.example.com',
    smtpHost: 'mail.example.com',
    tables: 'hash',
  },
  {
    file: 'founding-postfix-regexp.cfg',
    mailServer: 'postfix',
    lmtpHost: 'mail.example.com',
    smtpHost: 'mail.example.com',
    tables: 'regexp',
  },
  {
    file: 'founding-exim4.cfg',
    mailServer: 'exim4',
    lmtpHost: 'localhost',
    smtpHost: 'localhost',
    tables: 'hash',
  },
  {
    file: 'founding-qmail.cfg',
    mailServer: 'null',
    lmtpHost: '127.0.0.1',
    smtpHost: 'localhost',
    tables: 'hash',
  },
  { file: 'debian.cfg', mailServer: 'postfix', lmtpHost: '127.0.0.1', smtpHost: 'localhost', tables: 'hash' },
  {
    file: 'docker.cfg',
    mailServer: 'exim4',
    lmtpHost: '172.19.199.2',
    smtpHost: '172.19.199.1',
    tables: 'hash',
  },
  { file: 'nixos.cfg', mailServer: 'postfix', lmtpHost: '127.0.0.1', smtpHost: '127.0.0.1', tables: 'hash' },
])
  test(`${file} is read as it stands`, () => {
    const { mta, postfix } = configOf(join(configurations, file))
    deepEqual(mta.incoming, [{ kind: 'built-in', name: mailServer }])
    deepEqual([mta.lmtpHost, mta.lmtpPort, mta.smtpHost, mta.smtpPort], [lmtpHost, 8024, smtpHost, 25])
    equal(postfix.transportFileType, tables)
  })

test("Debian's layout is followed, and what has no effect is told", () => {
  const { paths, warnings, archivers, webservice } = configOf(join(configurations, 'debian.cfg'))
  deepEqual(paths, {
    layout: 'debian',
    varDir: '/var/lib/mailman3',
    dataDir: '/var/lib/mailman3/data',
    listDataDir: '/var/lib/mailman3/lists',
    logDir: '/var/log/mailman3',
    templateDir: '/var/lib/mailman3/templates',
    pidFile: '/run/mailman3/master.pid',
  })
  deepEqual(
    warnings.map(({ subject }) => subject),
    [
      'shell.banner',
      'paths.debian.bin_dir',
      'paths.debian.etc_dir',
      'logging.debian',
      'webservice.admin_pass',
      'archiver.hyperkitty.class',
    ],
  )
  deepEqual(archivers.hyperkitty?.class, { kind: 'built-in', name: 'hyperkitty' })
  equal(webservice.adminPass, '0f9d3c4b-example')
})

const accepted = (what: string) => new RegExp(what.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))

for (const { title, text, told } of [
  {
    title: 'a port',
    text: '[mta]\nlmtp_port: lmtp\n',
    told: "x.cfg:2: mta.lmtp_port: 'lmtp' is not a port; accepted: 0 to 65535",
  },
  {
    title: 'a truth value',
    text: '\n[mta]\nverp_probes = maybe\n',
    told: "x.cfg:3: mta.verp_probes: 'maybe' is not a truth value; accepted: yes, no, true, false, on, off, 1, 0",
  },
  {
    title: 'a duration',
    text: '[mailman]\npending_request_life: 3 days\n',
    told: "x.cfg:2: mailman.pending_request_life: '3 days' is not a duration; accepted: sums such as 90s, 1h30m, 5d, 2w",
  },
  {
    title: 'a size',
    text: '[lmtp]\nmax_message_size: big\n',
    told: "x.cfg:2: lmtp.max_message_size: 'big' is not a size; accepted: bytes such as 33554432, or 32 MiB, 500 KiB, 1 GiB",
  },
  {
    title: 'an empty host',
    text: '[mta]\nsmtp_host:\n',
    told: 'x.cfg:2: mta.smtp_host: no host is given; accepted: a host name, an IPv4 address or an IPv6 address',
  },
  {
    title: 'a mode',
    text: '[mta]\nsmtp_secure_mode: tls\n',
    told: "x.cfg:2: mta.smtp_secure_mode: 'tls' is not a known word; accepted: smtp, smtps, starttls",
  },
  {
    title: 'an unknown mail server',
    text: '[mta]\nincoming: mailman.mta.courier.LMTP\n',
    told: "x.cfg:2: mta.incoming: 'mailman.mta.courier.LMTP' is not known; accepted: one or several of postfix, exim4, sendmail, opensmtpd, courier, qmail, null, mailman.mta.postfix.LMTP, mailman.mta.exim4.LMTP, mailman.mta.null.NullMTA, or a module of your own as ./file.ts#Name",
  },
  {
    title: 'an unknown layout',
    text: '[mailman]\nlayout: fhss\n',
    told: "x.cfg:2: mailman.layout: there is no [paths.fhss]; did you mean 'fhs'?; accepted: local, dev, here, fhs",
  },
  {
    title: 'a circle of paths',
    text: '[paths.here]\nvar_dir: $data_dir\ndata_dir: $var_dir\n',
    told: 'x.cfg:2: paths.here.var_dir: $var_dir names $data_dir names $var_dir: a circle',
  },
  {
    title: 'an unknown name in a path',
    text: '[paths.here]\nlog_dir: $vardir/log\n',
    told: 'x.cfg:2: paths.here.log_dir: $vardir is not known; accepted: $cwd, $argv, $cfg_file, $var_dir',
  },
  {
    title: 'LMTP on every address',
    text: '[mta]\nlmtp_host: 0.0.0.0\n',
    told: 'x.cfg:2: mta.lmtp_host: 0.0.0.0 lets every host deliver; write [lmtp] allow with the addresses of your mail servers, such as 192.0.2.25 or 10.0.0.0/8, or lmtp_host: 127.0.0.1',
  },
  {
    title: 'LMTP on every IPv6 address',
    text: '[mta]\nlmtp_host: [::]\n',
    told: 'x.cfg:2: mta.lmtp_host: :: lets every host deliver',
  },
  {
    title: 'SMTP on every address',
    text: '[lmtp]\nsmtp_intake: 0.0.0.0:2525\n',
    told: 'x.cfg:2: lmtp.smtp_intake: 0.0.0.0 lets every host deliver; write [lmtp] allow with the addresses of your mail servers',
  },
  {
    title: 'look-ups on every address',
    text: '[lookup]\ntcp_table: [::]:8027\n',
    told: 'x.cfg:2: lookup.tcp_table: :: lets every host ask which addresses exist; write [lmtp] allow',
  },
  {
    title: 'REST with the well-known password',
    text: '[webservice]\nhostname: 192.0.2.1\nadmin_pass: restpass\n',
    told: 'x.cfg:3: webservice.admin_pass: is known to everybody, and 192.0.2.1 is not loopback; write a password of your own',
  },
  {
    title: 'ARC without a key',
    text: '[ARC]\nenabled: yes\nselector: s\ndomain: example.org\n',
    told: 'ARC.privkey: is empty though ARC is enabled',
  },
  {
    title: 'ARC that leaves From open',
    text: '[ARC]\nenabled: yes\nprivkey: k\nselector: s\ndomain: d\nsig_headers: To\n',
    told: 'x.cfg:6: ARC.sig_headers: lacks From',
  },
  {
    title: 'an enabled archiver that nobody knows',
    text: '[archiver.ours]\nclass: our.Archiver\nenable: yes\n',
    told: "x.cfg:2: archiver.ours.class: 'our.Archiver' is not known; accepted: prototype",
  },
  {
    title: 'a language that is not there',
    text: '[mailman]\ndefault_language: xx\n',
    told: "x.cfg:2: mailman.default_language: 'xx' is not an enabled language; accepted: en, ar",
  },
  {
    title: 'list names with blanks',
    text: '[mailman]\nlistname_chars: [a-z ]\n',
    told: `x.cfg:2: mailman.listname_chars: '[a-z ]' allows " "`,
  },
  {
    title: 'devmode without recipient',
    text: '[devmode]\nenabled: yes\n',
    told: 'devmode.recipient: is empty though devmode is enabled',
  },
  {
    title: 'a store that is not there',
    text: '[store]\nurl: postgresql://h/d\n',
    told: 'x.cfg:2: store.url: no other store is part of this release; accepted: nothing, which means SQLite in var_dir',
  },
  { title: 'a selector missing', text: '[dkim]\nkey: a.pem\n', told: 'dkim.key: names no selector' },
  {
    title: 'plain http for one-click links',
    text: '[web]\nbase_url: http://lists.example.org\n',
    told: "x.cfg:2: web.base_url: 'http://lists.example.org' is not a web address; accepted: an https:// address",
  },
  {
    title: 'metrics without a port',
    text: '[web]\nmetrics: 127.0.0.1\n',
    told: "x.cfg:2: web.metrics: '127.0.0.1' is not a host with port; accepted: host:port such as 127.0.0.1:2525",
  },
  {
    title: 'a missing file of the mail server',
    text: '[mta]\nconfiguration: postfix.cfg\n',
    told: 'x.cfg:2: mta.configuration: postfix.cfg does not exist; write the path of a file that does',
  },
  {
    title: 'a header check without colon',
    text: '[antispam]\nheader_checks:\n  X-Spam: yes\n  X-Spam yes\n',
    told: "x.cfg:2: antispam.header_checks: 'X-Spam yes' is not a check; accepted: Header: regular expression",
  },
])
  test(`${title} is refused in one line that says what is accepted`, () => {
    const { errors = [] } = load(text)
    equal(errors.length, 1, errors.join('\n'))
    match(errors.join(), accepted(told))
    ok(!errors.join().includes('\n'))
  })

test('all mistakes of a file come at once, in the order of its lines', () => {
  const { errors } = load('[mta]\nlmtp_port: x\nfoo\nsmtp_port: y\n[webservice]\nport: z\n')
  deepEqual(
    errors?.map((line) => line.split(': ', 1)[0]),
    ['x.cfg:2', 'x.cfg:3', 'x.cfg:4', 'x.cfg:6'],
  )
})

test('a secret never stands in a mistake or warning', () => {
  const { errors, warnings } = load(
    '[mta]\nsmtp_pass: hunter2\n[webservice]\nadmin_pass: hunter2\n[database]\nurl: hunter2\n',
  )
  equal(errors, undefined)
  ok(!warnings?.join().includes('hunter2'))
})

test('unknown keys and sections are warned of, with the nearest known word', () => {
  const { warnings } = load(
    '[mailman]\nsite_owner: a@example.org\nsite_ower: b\n[mtaa]\nx: 1\n[runner.bounce]\nstart: no\n[zzzzzz]\n',
  )
  deepEqual(warnings, [
    "x.cfg:3: mailman.site_ower: unknown key, without effect; did you mean 'site_owner'?",
    "x.cfg:4: mtaa: unknown section, without effect; did you mean 'mta'?",
    "x.cfg:6: runner.bounce: unknown section, without effect; did you mean 'runner.bounces'?",
    'x.cfg:8: zzzzzz: unknown section, without effect',
  ])
})

test('a key without effect is told with the reason, unless it says what is the case anyway', () => {
  const { warnings } = load(
    '[mailman]\nsite_owner: a@example.org\n[bounces]\nregister_bounces_every: 5m\n[runner.in]\ninstances: 1\n',
  )
  deepEqual(warnings, [
    'x.cfg:4: bounces.register_bounces_every: has no effect here: bounces are processed as they come in',
  ])
})

test('a file for a mail server that needs none is told to have no effect', () => {
  const { subject, what } = configOf(join(configurations, 'docker.cfg')).warnings.find(
    (each) => each.subject === 'mta.configuration',
  ) ?? { subject: null, what: '' }
  deepEqual([subject, what], ['mta.configuration', 'has no effect here: exim4 needs no further settings'])
})

test('a fault in a key without effect does not stop the start', () => {
  const { config } = load('[runner.in]\ninstances: many\n')
  ok(config !== undefined)
})

test('a template section gives the members their defaults', () => {
  const { config } = load(
    '[runner.master]\nstart: no\n[runner.in]\nstart: yes\n[logging.template]\nlevel: debug\n',
  )
  deepEqual(
    [config?.runners.in?.start, config?.runners.out?.start, config?.logging.root?.level],
    [true, false, 'debug'],
  )
})

test('a fault in a template section is told once', () => {
  const { errors } = load('[runner.master]\nstart: perhaps\n')
  equal(errors?.length, 1)
  match(errors?.join() ?? '', /^x\.cfg:2: runner\.master\.start: 'perhaps' is not a truth value/)
})

test('a template section cannot lend code the trust that its file lacks', () => {
  const dir = folder({
    'mailman.cfg': '[archiver.master]\nclass: ./ours.ts#Ours\n[archiver.new]\nenable: yes\n',
  })
  const asRoot = loadConfig(around(dir, { effectiveUid: 0 }))
  match(
    'errors' in asRoot ? asRoot.errors.map(formatMistake).join() : '',
    /archiver\.new\.class: .*ours\.ts#Ours/,
  )
  const named = loadConfig(around(dir, { effectiveUid: 0, explicit: 'mailman.cfg' }))
  const archiver = 'config' in named ? named.config.archivers.new : undefined
  deepEqual(archiver?.class, { kind: 'module', file: join(dir, 'ours.ts'), exportName: 'Ours' })
})

test('secrets are known by name, and a plain key is none', () => {
  deepEqual(
    [isSecret('mta', 'smtp_pass'), isSecret('database', 'url'), isSecret('mta', 'smtp_user')],
    [true, true, false],
  )
})

test('paths expand again and again, from $cwd, $cfg_file and $argv', () => {
  const { config, dir } = load(
    '[mailman]\nlayout: mine\n[paths.mine]\nvar_dir: $' +
      '{cwd}/v\nlog_dir: $DATA_DIR/log\ndata_dir: $var_dir/d\npid_file: $cfg_file/../pid\nlist_data_dir: $argv/lists\ntemplate_dir: :source:\n',
    { program: '/opt/posthorn/bin/posthorn' },
  )
  deepEqual(config?.paths, {
    layout: 'mine',
    varDir: join(dir, 'v'),
    dataDir: join(dir, 'v/d'),
    listDataDir: '/opt/posthorn/bin/lists',
    logDir: join(dir, 'v/d/log'),
    templateDir: null,
    pidFile: join(dir, 'pid'),
  })
})

test('MAILMAN_VAR_DIR wins over var_dir, and what is below follows', () => {
  const { config } = load('[paths.here]\nvar_dir: /a\n', { environment: { MAILMAN_VAR_DIR: '/b' } })
  deepEqual([config?.paths.varDir, config?.paths.logDir], ['/b', '/b/logs'])
})

test('the values of new sections come out typed', () => {
  const { config, dir } = load(
    '[mailman]\nlayout: local\n[paths.local]\nvar_dir: /v\n[lmtp]\nsocket: run/lmtp\nallow: 192.0.2.0/24\n[mta]\nsmtp_port: 0\nsmtp_secure_mode: smtps\nmax_delivery_threads: 8\nlmtp_host: ::\n[dkim]\nexample.org.s1: s1.pem\nsign: copies\n[verp]\naccept_unsigned: no\n[web]\nbase_url: https://lists.example.org/\n',
  )
  deepEqual(config?.lmtp.socket, '/v/run/lmtp')
  deepEqual(config?.lmtp.allow, [{ address: '192.0.2.0', prefix: 24, family: 'ipv4' }])
  deepEqual([config?.mta.smtpPort, config?.bulk.connections], [465, { bulk: 4, individual: 8 }])
  deepEqual(config?.dkim, {
    sign: 'copies',
    keys: [{ domain: 'example.org', selector: 's1', file: join(dir, 's1.pem') }],
  })
  deepEqual([config?.verp.acceptUnsigned, config?.web.baseUrl], ['never', 'https://lists.example.org'])
})

test('every key can be asked for as text, defaults included', () => {
  const { config } = load('[mta]\nlmtp_port: 8025\n')
  deepEqual(
    [config?.texts.mta?.lmtp_port, config?.texts.mta?.smtp_port, config?.texts['archiver.prototype']?.enable],
    ['8025', '25', 'no'],
  )
})

test('a configuration is frozen all through and can be handed to a worker', () => {
  const config = defaultConfig()
  ok(
    Object.isFrozen(config.mta.incoming) &&
      Object.isFrozen(config.paths) &&
      Object.isFrozen(config.texts.mta),
  )
  deepEqual(structuredClone(config).paths, config.paths)
})

test('defaultConfig takes typed values, and other paths follow var_dir', () => {
  const config = defaultConfig({
    mta: { lmtpPort: 0 },
    paths: { varDir: '/tmp/x' },
    webservice: { adminPass: 'x' },
  })
  deepEqual(
    [config.mta.lmtpPort, config.mta.smtpPort, config.paths.dataDir, config.webservice.adminPass],
    [0, 25, '/tmp/x/data', 'x'],
  )
  equal(config.source, null)
  deepEqual([config.texts.mta?.lmtp_port, config.texts.mta?.smtp_port], ['0', '25'])
})

test('the places are looked through in order, posthorn.cfg before mailman.cfg at each', () => {
  deepEqual(
    searchPlaces(around('/srv', { home: '/home/ann', program: '/opt/p/bin/posthorn' })).map(
      ({ path }) => path,
    ),
    [
      '/srv/',
      '/srv/var/etc/',
      '/home/ann/.',
      '/etc/',
      '/etc/posthorn/',
      '/etc/mailman3/',
      '/opt/p/etc/',
    ].flatMap((place) => [`${place}posthorn.cfg`, `${place}mailman.cfg`]),
  )
})

const site = '[mailman]\nsite_owner: a@example.org\n'
for (const { title, files, more, found } of [
  {
    title: '-C wins over the environment',
    files: ['a.cfg', 'b.cfg'],
    more: { explicit: 'a.cfg', environment: { POSTHORN_CONFIG_FILE: 'b.cfg' } },
    found: 'a.cfg',
  },
  {
    title: 'our variable wins over that of Mailman',
    files: ['a.cfg', 'b.cfg'],
    more: { environment: { POSTHORN_CONFIG_FILE: 'a.cfg', MAILMAN_CONFIG_FILE: 'b.cfg' } },
    found: 'a.cfg',
  },
  {
    title: "Mailman's variable wins over the places",
    files: ['a.cfg', 'mailman.cfg'],
    more: { environment: { MAILMAN_CONFIG_FILE: 'a.cfg' } },
    found: 'a.cfg',
  },
  {
    title: 'an empty variable is none',
    files: ['a.cfg', 'mailman.cfg'],
    more: { environment: { POSTHORN_CONFIG_FILE: '' } },
    found: 'mailman.cfg',
  },
  {
    title: 'posthorn.cfg comes before mailman.cfg',
    files: ['mailman.cfg', 'posthorn.cfg'],
    more: {},
    found: 'posthorn.cfg',
  },
  { title: 'var/etc is a place', files: ['var/etc/mailman.cfg'], more: {}, found: 'var/etc/mailman.cfg' },
])
  test(`search: ${title}`, () => {
    const dir = folder(Object.fromEntries(files.map((name) => [name, site])))
    const loaded = loadConfig(around(dir, more))
    equal('config' in loaded && loaded.config.source, join(dir, found))
  })

test('a named file that is not there is an error, not a reason to look further', () => {
  const dir = folder({ 'mailman.cfg': site })
  const loaded = loadConfig(around(dir, { explicit: 'nothing.cfg' }))
  match('errors' in loaded ? loaded.errors.map(formatMistake).join() : '', /nothing\.cfg does not exist/)
})

test('root does not run code that a file of the current directory names', () => {
  const code = '[mta]\nincoming: ./ours.ts#Ours\n'
  const dir = folder({ 'mailman.cfg': code })
  const asRoot = loadConfig(around(dir, { effectiveUid: 0 }))
  match(
    'errors' in asRoot ? asRoot.errors.map(formatMistake).join() : '',
    /found in the current directory, by root; name it with -C/,
  )
  const named = loadConfig(around(dir, { effectiveUid: 0, explicit: 'mailman.cfg' }))
  deepEqual('config' in named && named.config.mta.incoming, [
    { kind: 'module', file: join(dir, 'ours.ts'), exportName: 'Ours' },
  ])
})

test('a file that others can write sets values, but names neither code nor a relative file', () => {
  for (const line of ['incoming: ./ours.ts#Ours', 'configuration: postfix.cfg']) {
    const dir = folder({ 'x.cfg': `[mta]\nlmtp_port: 1\n${line}\n`, 'postfix.cfg': '[postfix]\n' })
    chmodSync(join(dir, 'x.cfg'), 0o666)
    const loaded = loadConfig(around(dir, { explicit: 'x.cfg' }))
    match(
      'errors' in loaded ? loaded.errors.map(formatMistake).join() : '',
      /others can write .*x\.cfg; take that right away/,
    )
  }
})

test('a socket path with an unknown name is refused', () => {
  const { errors } = load('[lmtp]\nsocket: $run_dir/lmtp\n')
  match(errors?.join() ?? '', /^x\.cfg:2: lmtp\.socket: \$run_dir is not known; accepted: \$cwd/)
})

test('the settings of Postfix are checked like any others', () => {
  const dir = folder({
    'x.cfg': '[mta]\nconfiguration: p.cfg\n',
    'p.cfg': '[postfix]\ntransport_file_type: oracle\n',
  })
  const loaded = loadConfig(around(dir, { explicit: 'x.cfg' }))
  match(
    'errors' in loaded ? loaded.errors.map(formatMistake).join() : '',
    /p\.cfg:2: postfix\.transport_file_type: 'oracle' is not a kind of table; accepted: hash, regex, regexp, pcre, lmdb, cdb, texthash, btree, default/,
  )
})

test('each mail server has a section of its own, and a module of the site one named like its export', () => {
  const dir = folder({
    'x.cfg': '[mta]\nincoming: postfix, courier ./ours.ts#OurMta\nconfiguration: mta.cfg\n',
    'mta.cfg': [
      '[postfix]\nreload_command: sudo -n "/opt/my postfix/postfix" reload',
      '[courier]\nhome: lists\nLists.Example.NET: /home/net',
      '[OurMta]\nZone: 7\nreload_command: /opt/our/tell',
      '[exim5]\nx: y',
    ].join('\n'),
  })
  const loaded = loadConfig(around(dir, { explicit: 'x.cfg' }))
  ok('config' in loaded, 'errors' in loaded ? loaded.errors.map(formatMistake).join() : '')
  const { mta, postfix, courier, exim4, siteSections, warnings } = loaded.config
  deepEqual(
    mta.incoming.map((code) => (code.kind === 'built-in' ? code.name : code.exportName)),
    ['postfix', 'courier', 'OurMta'],
  )
  deepEqual(postfix.reloadCommand, ['sudo', '-n', '/opt/my postfix/postfix', 'reload'])
  deepEqual([courier.home, courier.homes], [join(dir, 'lists'), { 'lists.example.net': '/home/net' }])
  deepEqual(exim4.reloadCommand, [])
  deepEqual(siteSections, { OurMta: { reloadCommand: ['/opt/our/tell'], settings: { zone: '7' } } })
  match(warnings.map(formatMistake).join('\n'), /mta\.cfg:9: exim5: unknown section/)
})

test('a file of the mail servers that others can write names no program', () => {
  const dir = folder({
    'x.cfg': '[mta]\nconfiguration: p.cfg\n',
    'p.cfg':
      '[postfix]\ntransport_file_type: lmdb\npostmap_command: ./postmap\nreload_command: ./reload now\n',
  })
  chmodSync(join(dir, 'p.cfg'), 0o666)
  const loaded = loadConfig(around(dir, { explicit: 'x.cfg' }))
  const told = 'errors' in loaded ? loaded.errors.map(formatMistake) : []
  equal(told.length, 2)
  for (const line of told)
    match(line, /command: '.*' names a program, but others can write .*p\.cfg; take that/)
})

test('metrics for everybody are a warning that says what to write', () => {
  const owner = '[mailman]\nsite_owner: a@example.org\n'
  const { config, warnings } = load(`${owner}[web]\nmetrics: [::]:9108\n`)
  deepEqual(config?.web.metrics, { host: '::', port: 9108 })
  deepEqual(warnings, [
    'x.cfg:4: web.metrics: :: tells every host how this server is; write 127.0.0.1, or an address of a network of your own',
  ])
  deepEqual(load(`${owner}[web]\nmetrics: 127.0.0.1:9108\n`).warnings, [])
})

test('courier without a home gets no files, and the operator is told so', () => {
  const { warnings } = load('[mta]\nincoming: courier\n')
  match(
    warnings?.join() ?? '',
    /mta\.incoming: courier gets no files, .*; write \[courier\] home into the file/,
  )
})

test('no file makes the reader throw: it gives a configuration or mistakes with their lines', () => {
  const all = [...Object.values(sections), ...Object.values(families)]
  const title = fc.constantFrom(
    ...all.map((section) => section.title.replace(/NAME|CODE/, 'x')),
    '__proto__',
    'meta',
  )
  const key = fc.constantFrom(
    ...all.flatMap((section) => Object.keys(section.keys)),
    '__proto__',
    'constructor',
    'a.b',
  )
  const value = fc.oneof(
    fc.constantFrom('yes', '1', '5d', '$var_dir', './a.ts#A', 'a@example.org'),
    fc.string(),
  )
  const line = fc.oneof(
    title.map((name) => `[${name}]`),
    fc.tuple(key, value).map(([name, text]) => `${name}: ${text}`),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      const { errors } = load(lines.join('\n'))
      ok(
        errors === undefined || errors.every((each) => /^(?:x\.cfg:\d+: |[\w.-]+: )/.test(each)),
        errors?.join('\n'),
      )
    }),
    { numRuns: 300 },
  )
})
