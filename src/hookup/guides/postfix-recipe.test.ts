// The recipe for Postfix over main.cf files as people have them. What stands for postconf(1) answers with the lines that
// Postfix 3.7.11 of Debian 12 prints, and where a case says so with those of an older or a newer one.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Hookup, HookupWay, HostFacts, MailServerHost } from '../../model/hookup.ts'
import type { DirectoryDomain } from '../../model/mail-server.ts'
import { withBlocks } from '../blocks.ts'
import { postfix } from './postfix.ts'

const debian12 = `alias_maps = hash:/etc/aliases, nis:mail.aliases
compatibility_level = 0
default_database_type = hash
lmtp_host_lookup = dns
local_recipient_maps = proxy:unix:passwd.byname $alias_maps
mydestination = $myhostname, localhost.$mydomain, localhost
mydomain = example.org
myhostname = mail.example.org
mynetworks = 127.0.0.0/8 192.0.2.0/28 [::1]/128
owner_request_special = yes
parent_domain_matches_subdomains = debug_peer_list,fast_flush_domains,mynetworks,permit_mx_backup_networks,qmqpd_authorized_clients,relay_domains,smtpd_access_maps
propagate_unmatched_extensions = canonical, virtual
recipient_delimiter =
relay_domains = \${{$compatibility_level} <level {2} ? {$mydestination} : {}}
relay_recipient_maps =
smtpd_recipient_restrictions =
smtpd_relay_restrictions = \${{$compatibility_level} <level {1} ? {} : {permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination}}
transport_maps =
unknown_local_recipient_reject_code = 550
unknown_relay_recipient_reject_code = 550
unknown_virtual_alias_reject_code = 550
unknown_virtual_mailbox_reject_code = 550
unverified_recipient_reject_code = 450
virtual_alias_domains = $virtual_alias_maps
virtual_alias_maps = $virtual_maps
virtual_mailbox_domains = $virtual_mailbox_maps
virtual_mailbox_maps =
virtual_maps =
`
const postfix29 = debian12
  .replace(/^relay_domains = .*$/m, 'relay_domains = $mydestination')
  .replace(/^unknown_local_recipient_reject_code = .*$/m, 'unknown_local_recipient_reject_code = 450')
const withoutBerkeley = debian12.replace(/^default_database_type = .*$/m, 'default_database_type = lmdb')

const usualTypes =
  'btree cidr environ fail hash inline internal proxy regexp socketmap static tcp texthash unionmap unix'

const data = '/var/lib/posthorn/data'
const usualFacts: HostFacts = {
  hostname: 'mail.example.org',
  configFile: '/etc/posthorn.cfg',
  lmtp: { host: '127.0.0.1', port: 8024, socket: null },
  smtpIntake: null,
  relay: { host: 'localhost', port: 25, secureMode: 'smtp', user: null },
  varDir: '/var/lib/posthorn',
  dataDir: data,
  listDataDir: '/var/lib/posthorn/lists',
  delimiter: '+',
  incoming: ['postfix'],
  postfix: { tableType: 'hash', postmapCommand: '/usr/sbin/postmap' },
  lookup: { socketmap: null, tcpTable: null, readsocket: null },
  domains: [],
  account: { user: 'list', group: 'list' },
  opensmtpd: { reloadCommand: [] },
  mailServerFile: null,
  courier: { home: null, homes: {}, command: '/usr/local/bin/posthorn-qmail --sysexits' },
  qmail: { home: null, homes: {}, command: '/usr/local/bin/posthorn-qmail' },
  maxMessageSize: 33_554_432,
  pipeProgram: '/usr/bin/posthorn-qmail',
}

interface Case {
  readonly main: string
  readonly master?: string
  readonly domains: readonly DirectoryDomain[]
  readonly facts?: Partial<HostFacts>
  readonly way?: HookupWay
  /** What postconf says of the parameters that main.cf does not have. */
  readonly postconf?: string
  readonly types?: string
  /** What tables answer: by `type:name`, a line `key value` each. */
  readonly tables?: Readonly<Record<string, string>>
  /** Our tables that are not there. */
  readonly missing?: readonly string[]
}

function hostOf({
  main,
  master = '',
  postconf = debian12,
  types = usualTypes,
  tables = {},
  missing = [],
}: Case): MailServerHost {
  const files: Readonly<Record<string, string>> = {
    '/etc/postfix/main.cf': main,
    '/etc/postfix/master.cf': master,
  }
  const said = (out: string) => ({ code: 0, out, err: '' })
  return {
    configDir: '/etc/postfix',
    readText: async (path) => files[path] ?? null,
    stat: async (path) =>
      missing.some((name) => path === `${data}/${name}`)
        ? null
        : { kind: 'file', user: 'list', group: 'list', mode: 0o644, size: 1, changed: 1 },
    list: async () => null,
    listens: async () => null,
    run: async (argv, input = '') => {
      if (argv[0] === 'postmap') {
        const text = tables[argv.at(-1) ?? ''] ?? ''
        const keys = input.split('\n').filter((key) => key !== '')
        const lines = text.split('\n').map((line) => line.split(' '))
        const found = lines.filter(([key = '']) => keys.includes(key))
        return said(found.map(([key, ...value]) => `${key}\t${value.join(' ')}\n`).join(''))
      }
      if (argv.includes('-m')) return said(types.replaceAll(' ', '\n'))
      const wanted = argv[1] === '-d' ? argv.slice(2) : []
      const lines = postconf
        .split('\n')
        .filter((line) => wanted.length === 0 || wanted.some((name) => line.startsWith(`${name} =`)))
      return said(`${lines.join('\n')}\n`)
    },
  }
}

async function hookupOf(what: Case): Promise<Hookup> {
  const facts = { ...usualFacts, ...what.facts, domains: what.domains }
  const host = hostOf(what)
  return what.way === undefined ? postfix.hookup(facts, host) : postfix.hookup(facts, host, what.way)
}

/** The lines as `name = words`, whatever lines they are spread over. */
function settingsOf({ files }: Hookup): Readonly<Record<string, string>> {
  const all = files.flatMap(({ settings }) =>
    settings.map(({ lines }) => lines.join(' ').split(/\s*=\s*(.*)/s)),
  )
  return Object.fromEntries(all.map(([name = '', value = '']) => [name, value.trim().replace(/\s+/g, ' ')]))
}

const domain = (mailHost: string, more: Partial<DirectoryDomain> = {}): DirectoryDomain => ({
  mailHost,
  aliasDomain: null,
  listOnly: false,
  listNames: ['tea'],
  ...more,
})
const listOnly = domain('lists.example.org', { listOnly: true })
const shared = domain('example.org')
const modern = 'compatibility_level = 3.6\n'
const local = `${modern}mydestination = $myhostname, localhost, $mydomain\n`
const [lmtp, routes, names, vmap] = ['lmtp', 'routes', 'domains', 'vmap'].map(
  (table) => `hash:${data}/postfix_${table}`,
)
const always = { recipient_delimiter: '+', owner_request_special: 'no' }

for (const { title, wanted, ...what } of [
  {
    title: 'a list-only domain in no class is relayed for, with a route of its own, and checked',
    main: modern,
    domains: [listOnly],
    wanted: {
      ...always,
      transport_maps: `${lmtp} ${routes}`,
      relay_domains: names,
      relay_recipient_maps: lmtp,
    },
  },
  {
    title: 'a domain of mydestination keeps its people: their map stays, also as the default',
    main: local,
    domains: [shared],
    wanted: {
      ...always,
      transport_maps: lmtp,
      local_recipient_maps: `proxy:unix:passwd.byname $alias_maps ${lmtp}`,
    },
  },
  {
    title: 'values that are there are kept, ours first where patterns might take our mail',
    main: `${local}transport_maps = hash:/etc/postfix/transport,\n  regexp:/etc/postfix/routes\nlocal_recipient_maps = $alias_maps\nrecipient_delimiter = =\n`,
    domains: [shared],
    wanted: {
      ...always,
      recipient_delimiter: '=+',
      transport_maps: `${lmtp} hash:/etc/postfix/transport regexp:/etc/postfix/routes`,
      local_recipient_maps: `$alias_maps ${lmtp}`,
    },
  },
  {
    title: 'lists in two classes: the relay domains stand by name, each domain in one class',
    main: local,
    domains: [shared, listOnly],
    wanted: {
      ...always,
      transport_maps: `${lmtp} ${routes}`,
      local_recipient_maps: `proxy:unix:passwd.byname $alias_maps ${lmtp}`,
      relay_domains: 'lists.example.org',
      relay_recipient_maps: lmtp,
    },
  },
  {
    title: 'whoever was relayed for without relay_recipient_maps goes on being so',
    main: `${modern}relay_domains = backup.example.net, lists.example.org\n`,
    domains: [listOnly],
    wanted: {
      ...always,
      transport_maps: `${lmtp} ${routes}`,
      relay_domains: `backup.example.net lists.example.org ${names}`,
      relay_recipient_maps: `inline:{ {@backup.example.net = OK} } ${lmtp}`,
    },
  },
  {
    title: 'a relay domain with mailboxes elsewhere keeps them, and its lists are routed here',
    main: `${modern}relay_domains = example.com\n`,
    domains: [domain('example.com')],
    wanted: {
      ...always,
      transport_maps: lmtp,
      relay_domains: `example.com ${names}`,
      relay_recipient_maps: `inline:{ {@example.com = OK} } ${lmtp}`,
    },
  },
  {
    title: 'relay domains that another setting names are passed by name',
    main: `${modern}relay_domains = $backups\nbackups = a.example.net, b.example.net\n`,
    domains: [listOnly],
    wanted: {
      ...always,
      transport_maps: `${lmtp} ${routes}`,
      relay_domains: `$backups ${names}`,
      relay_recipient_maps: `inline:{ {@a.example.net = OK}, {@b.example.net = OK} } ${lmtp}`,
    },
  },
  {
    title: 'another list manager of this kind says itself which addresses it has',
    main: `${modern}transport_maps = hash:/var/lib/mailman3/data/postfix_lmtp\nrelay_domains = hash:/var/lib/mailman3/data/postfix_domains\n`,
    domains: [listOnly],
    wanted: {
      ...always,
      transport_maps: `${lmtp} ${routes} hash:/var/lib/mailman3/data/postfix_lmtp`,
      relay_domains: `hash:/var/lib/mailman3/data/postfix_domains ${names}`,
      relay_recipient_maps: `hash:/var/lib/mailman3/data/postfix_lmtp ${lmtp}`,
    },
  },
  {
    title: 'a relay_recipient_maps that is there gets ours besides',
    main: `${modern}relay_domains = ldap:/etc/postfix/relay\nrelay_recipient_maps = ldap:/etc/postfix/people\n`,
    domains: [listOnly],
    wanted: {
      ...always,
      transport_maps: `${lmtp} ${routes}`,
      relay_domains: `ldap:/etc/postfix/relay ${names}`,
      relay_recipient_maps: `ldap:/etc/postfix/people ${lmtp}`,
    },
  },
  {
    title: 'the $mydestination that old releases have in relay_domains stays, and needs no pass',
    main: 'mydestination = example.org\n',
    postconf: postfix29,
    domains: [listOnly],
    wanted: {
      ...always,
      transport_maps: `${lmtp} ${routes}`,
      relay_domains: `$mydestination ${names}`,
      relay_recipient_maps: lmtp,
    },
  },
  {
    title: 'the same where it hangs on compatibility_level',
    main: 'mydestination = example.org\n',
    domains: [listOnly],
    wanted: {
      ...always,
      transport_maps: `${lmtp} ${routes}`,
      relay_domains: `$mydestination ${names}`,
      relay_recipient_maps: lmtp,
    },
  },
  {
    title: 'nothing stands for that where mydestination is empty',
    main: `${modern}mydestination =\n`,
    domains: [listOnly],
    wanted: {
      ...always,
      transport_maps: `${lmtp} ${routes}`,
      relay_domains: names,
      relay_recipient_maps: lmtp,
    },
  },
  {
    title: 'old releases refuse unknown users for now: for good',
    main: local,
    postconf: postfix29,
    domains: [shared],
    wanted: {
      ...always,
      unknown_local_recipient_reject_code: '550',
      transport_maps: lmtp,
      local_recipient_maps: `proxy:unix:passwd.byname $alias_maps ${lmtp}`,
    },
  },
  {
    title: 'an empty local_recipient_maps stays empty: a map of lists alone would refuse all people',
    main: `${local}local_recipient_maps =\n`,
    domains: [shared],
    wanted: { ...always, transport_maps: lmtp },
  },
  {
    title: 'a virtual alias domain: its lists are rewritten into the alias domain',
    main: `${modern}virtual_alias_domains = example.com\nvirtual_alias_maps = hash:/etc/postfix/virtual\n`,
    domains: [domain('example.com', { aliasDomain: 'x.example.com' })],
    wanted: {
      ...always,
      transport_maps: lmtp,
      relay_domains: names,
      relay_recipient_maps: lmtp,
      virtual_alias_maps: `${vmap} hash:/etc/postfix/virtual`,
    },
  },
  {
    title: 'a domain found in a virtual alias table is a virtual alias domain, and the extension survives',
    main: `${modern}virtual_alias_maps = hash:/etc/postfix/virtual\npropagate_unmatched_extensions = canonical\n`,
    tables: { 'hash:/etc/postfix/virtual': 'example.com anything' },
    domains: [domain('example.com', { aliasDomain: 'x.example.com' })],
    wanted: {
      ...always,
      transport_maps: lmtp,
      relay_domains: names,
      relay_recipient_maps: lmtp,
      virtual_alias_maps: `${vmap} hash:/etc/postfix/virtual`,
      propagate_unmatched_extensions: 'canonical virtual',
    },
  },
  {
    title: 'an alias domain that was relayed for by hand is no domain of others',
    main: `${modern}virtual_alias_domains = example.com\nrelay_domains = x.example.com\nvirtual_alias_maps = regexp:/etc/postfix/all\n`,
    tables: { 'regexp:/etc/postfix/all': '@example.com everything@example.org' },
    domains: [domain('example.com', { aliasDomain: 'x.example.com' })],
    wanted: {
      ...always,
      transport_maps: lmtp,
      relay_domains: `x.example.com ${names}`,
      relay_recipient_maps: lmtp,
      virtual_alias_maps: `${vmap} regexp:/etc/postfix/all`,
    },
  },
  {
    title: 'an aliased domain in no class becomes a virtual alias domain',
    main: modern,
    domains: [domain('example.com', { aliasDomain: 'x.example.com' })],
    wanted: {
      ...always,
      transport_maps: lmtp,
      relay_domains: names,
      relay_recipient_maps: lmtp,
      virtual_alias_domains: '$virtual_alias_maps example.com',
      virtual_alias_maps: `${vmap} $virtual_maps`,
    },
  },
  {
    title: 'a virtual mailbox domain: its lists are mailboxes that exist, and are routed here',
    main: `${modern}virtual_mailbox_domains = mysql:/etc/postfix/domains\nvirtual_mailbox_maps = mysql:/etc/postfix/boxes\nvirtual_transport = lmtp:unix:private/dovecot-lmtp\n`,
    tables: { 'mysql:/etc/postfix/domains': 'example.com 1' },
    domains: [domain('example.com'), listOnly],
    wanted: {
      ...always,
      transport_maps: `${lmtp} ${routes}`,
      virtual_mailbox_maps: `mysql:/etc/postfix/boxes ${lmtp}`,
      relay_domains: 'lists.example.org',
      relay_recipient_maps: lmtp,
    },
  },
  {
    title: 'tables of another type, as Posthorn writes them',
    main: modern,
    facts: { postfix: { tableType: 'regexp', postmapCommand: 'postmap' } },
    domains: [listOnly],
    wanted: {
      ...always,
      transport_maps: `regexp:${data}/postfix_lmtp regexp:${data}/postfix_routes`,
      relay_domains: `regexp:${data}/postfix_domains`,
      relay_recipient_maps: `regexp:${data}/postfix_lmtp`,
    },
  },
  {
    title: "the type 'default' is what this Postfix was built for",
    main: modern,
    postconf: withoutBerkeley,
    types: 'inline lmdb regexp',
    facts: { postfix: { tableType: 'default', postmapCommand: 'postmap' } },
    domains: [listOnly],
    wanted: {
      ...always,
      transport_maps: `lmdb:${data}/postfix_lmtp lmdb:${data}/postfix_routes`,
      relay_domains: `lmdb:${data}/postfix_domains`,
      relay_recipient_maps: `lmdb:${data}/postfix_lmtp`,
    },
  },
  {
    title: 'lines that were written by hand for another type are replaced, not doubled',
    main: `${modern}recipient_delimiter = +\nowner_request_special = no\ntransport_maps = regexp:${data}/postfix_lmtp hash:/etc/postfix/transport\nrelay_domains = regexp:${data}/postfix_domains\nrelay_recipient_maps = regexp:${data}/postfix_lmtp\n`,
    domains: [listOnly],
    wanted: {
      transport_maps: `${lmtp} ${routes} hash:/etc/postfix/transport`,
      relay_domains: names,
      relay_recipient_maps: lmtp,
    },
  },
  {
    title: 'what is right already gives no line',
    main: `${modern}recipient_delimiter = +\nowner_request_special = no\ntransport_maps = ${lmtp}, ${routes}\nrelay_domains = ${names}\nrelay_recipient_maps = ${lmtp}\n`,
    domains: [listOnly],
    wanted: {},
  },
  {
    title: 'a name as lmtp_host is looked for in the hosts file too',
    main: local,
    facts: { lmtp: { host: 'localhost', port: 8024, socket: null } },
    domains: [shared],
    wanted: {
      ...always,
      transport_maps: lmtp,
      local_recipient_maps: `proxy:unix:passwd.byname $alias_maps ${lmtp}`,
      lmtp_host_lookup: 'dns native',
    },
  },
  {
    title: 'with Posthorn on another host its address may send',
    main: modern,
    facts: {
      lmtp: { host: '198.51.100.7', port: 8024, socket: null },
      relay: { host: 'mail.example.org', port: 25, secureMode: 'smtp', user: null },
    },
    domains: [listOnly],
    wanted: {
      ...always,
      transport_maps: `${lmtp} ${routes}`,
      relay_domains: names,
      relay_recipient_maps: lmtp,
      mynetworks: '127.0.0.0/8 192.0.2.0/28 [::1]/128 198.51.100.7/32',
    },
  },
  {
    title: 'its IPv6 address as well, and none where it logs in or is within',
    main: `${modern}mynetworks = 127.0.0.0/8\n`,
    facts: {
      lmtp: { host: '2001:db8::7', port: 8024, socket: null },
      relay: { host: 'mail.example.org', port: 25, secureMode: 'smtp', user: null },
    },
    domains: [listOnly],
    wanted: {
      ...always,
      transport_maps: `${lmtp} ${routes}`,
      relay_domains: names,
      relay_recipient_maps: lmtp,
      mynetworks: '127.0.0.0/8 [2001:db8::7]/128',
    },
  },
  {
    title: 'a Posthorn on this host may send, also where mynetworks forgot it',
    main: `${modern}mynetworks = 192.0.2.0/24, 198.51.100.0/24\n`,
    domains: [listOnly],
    wanted: {
      ...always,
      transport_maps: `${lmtp} ${routes}`,
      relay_domains: names,
      relay_recipient_maps: lmtp,
      mynetworks: '192.0.2.0/24 198.51.100.0/24 127.0.0.1/32',
    },
  },
  {
    title: 'the look-up service: a static route, and recipients by socketmap, never a transport by it',
    main: `${modern}recipient_delimiter = -\ntransport_maps = hash:/etc/postfix/transport\n`,
    facts: {
      incoming: ['null'],
      lmtp: { host: '::1', port: 24, socket: null },
      lookup: { socketmap: '[::]:8026', tcpTable: null, readsocket: null },
    },
    domains: [listOnly],
    wanted: {
      owner_request_special: 'no',
      transport_maps: 'inline:{ {lists.example.org = lmtp:[ipv6:::1]:24} } hash:/etc/postfix/transport',
      relay_domains: 'lists.example.org',
      relay_recipient_maps: 'socketmap:inet:[::1]:8026:recipients',
    },
  },
  {
    title: 'address verification: the door is asked, and what it said is not kept for days',
    main: `${modern}smtpd_recipient_restrictions = permit_mynetworks,\n  reject_rbl_client rbl.example.net\n`,
    way: 'verify',
    domains: [listOnly],
    wanted: {
      ...always,
      transport_maps: 'inline:{ {lists.example.org = lmtp:[127.0.0.1]:8024} }',
      relay_domains: 'lists.example.org',
      smtpd_recipient_restrictions:
        'check_recipient_access inline:{ {lists.example.org = reject_unverified_recipient} } permit_mynetworks reject_rbl_client rbl.example.net',
      unverified_recipient_reject_code: '550',
      address_verify_negative_expire_time: '10s',
      address_verify_negative_refresh_time: '10s',
      address_verify_positive_expire_time: '1h',
      address_verify_positive_refresh_time: '15m',
      address_verify_poll_delay: '1s',
    },
  },
] satisfies readonly (Case & { readonly title: string; readonly wanted: object })[])
  test(`postfix recipe: ${title}; and the same again changes nothing`, async () => {
    const made = await hookupOf(what)
    deepEqual(made.refusals, [])
    deepEqual(settingsOf(made), wanted)
    const once = withBlocks(what.main, made.files)
    ok('text' in once)
    const again = await hookupOf({ ...what, main: once.text })
    deepEqual(withBlocks(once.text, again.files), once)
  })

for (const { title, words, ...what } of [
  {
    title: 'no domain',
    main: modern,
    domains: [],
    words: /There is no domain yet.*posthorn domain add/,
  },
  {
    title: 'a list-only domain where people live',
    main: local,
    domains: [domain('example.org', { listOnly: true })],
    words: /example\.org is marked as list-only, but it is in mydestination.*bounce all their mail.*--shared/,
  },
  {
    title: 'a virtual alias domain without an alias domain',
    main: `${modern}virtual_alias_domains = example.com\n`,
    domains: [domain('example.com')],
    words: /example\.com is in virtual_alias_domains.*--alias-domain/,
  },
  {
    title: 'an alias domain that is somebody’s',
    main: `${modern}mydestination = x.example.com\n`,
    domains: [domain('example.com', { aliasDomain: 'x.example.com' })],
    words: /x\.example\.com, the alias domain of example\.com, is in mydestination/,
  },
  {
    title: 'a table that rewrites all of the domain',
    main: `${local}virtual_alias_maps = hash:/etc/postfix/virtual\n`,
    tables: { 'hash:/etc/postfix/virtual': '@example.org everything@example.org' },
    domains: [shared],
    words: /example\.org: hash:\/etc\/postfix\/virtual .* rewrites every address/,
  },
  {
    title: 'an address to listen on that is none to go to',
    main: modern,
    facts: { lmtp: { host: '0.0.0.0', port: 8024, socket: null } },
    domains: [listOnly],
    words: /lmtp_host is 0\.0\.0\.0, which is no place to go to/,
  },
  {
    title: 'a kind of table that this Postfix has not',
    main: modern,
    postconf: withoutBerkeley,
    types: 'inline lmdb regexp',
    domains: [listOnly],
    words: /has no hash tables.*transport_file_type: lmdb/,
  },
  {
    title: 'a delimiter that names of lists have inside',
    main: `${modern}recipient_delimiter = +-\n`,
    domains: [listOnly],
    words: /recipient_delimiter = \+-: .*cuts addresses at the first '-'.*regexp/,
  },
  {
    title: 'relay domains that nobody can name, without a check of their recipients',
    main: `${modern}relay_domains = ldap:/etc/postfix/relay\n`,
    domains: [listOnly],
    words: /relay_domains has 'ldap:\/etc\/postfix\/relay', and relay_recipient_maps is empty/,
  },
  {
    title: 'to pass other relay domains where there is nothing to do it by',
    main: 'relay_domains = backup.example.net\n',
    postconf: postfix29,
    types: 'btree hash regexp static',
    domains: [listOnly],
    words: /relay_domains has 'backup\.example\.net', and relay_recipient_maps is empty.*'@DOMAIN OK'/,
  },
  {
    title: 'tables where a parent of the domain is relayed with all of its subdomains',
    main: `${modern}relay_domains = example.org\n`,
    domains: [listOnly],
    words: /relay_domains has 'example\.org', which stands for all of its subdomains too.*--way verify/,
  },
  {
    title: 'asking for a domain where people live',
    main: local,
    way: 'lookup',
    domains: [shared],
    words: /example\.org: the way 'lookup' .*it is in mydestination, and it is not marked as list-only/,
  },
  {
    title: 'a socket that smtpd cannot reach from its chroot',
    main: modern,
    master: 'smtp inet n - y - - smtpd\n',
    way: 'lookup',
    facts: { lookup: { socketmap: '/run/posthorn/lookup.sock', tcpTable: null, readsocket: null } },
    domains: [listOnly],
    words: /master\.cf:1: smtpd runs in a chroot, where \/run\/posthorn\/lookup\.sock/,
  },
  {
    title: 'asking in a way that this Postfix has not',
    main: modern,
    way: 'lookup',
    types: 'hash inline',
    domains: [listOnly],
    words: /has no socketmap tables/,
  },
] satisfies readonly (Case & { readonly title: string; readonly words: RegExp })[])
  test(`postfix recipe refuses ${title}`, async () => {
    const { files, refusals, afterwards } = await hookupOf(what)
    deepEqual([files, afterwards], [[], []])
    equal(refusals.length, 1)
    match(refusals[0] ?? '', words)
  })

test('postfix recipe: without its tables it says to publish first, and an empty vmap is not named', async () => {
  const { files, notes } = await hookupOf({
    main: modern,
    domains: [domain('example.com', { aliasDomain: 'x.example.com', listNames: [] })],
    missing: ['postfix_lmtp', 'postfix_domains', 'postfix_vmap'],
  })
  ok(!JSON.stringify(files).includes('postfix_vmap'))
  match(notes.join('\n'), /virtual_alias_maps is not set yet/)
  match(notes.join('\n'), /'posthorn aliases' before .*postfix_lmtp, postfix_domains are not in/)
})

test('postfix recipe: what a new list waits for, and tables of another list manager, are told', async () => {
  const { notes, files } = await hookupOf({
    main: `${local}transport_maps = hash:/var/lib/mailman3/data/postfix_lmtp\n`,
    domains: [shared, listOnly],
  })
  const [late, others] = [
    /^example\.org: Postfix knows .*reload_command: sudo/m,
    /\/mailman3\/data\/postfix_lmtp: tables of another/,
  ]
  for (const words of [late, others]) match(notes.join('\n'), words)
  ok(JSON.stringify(files).includes('/var/lib/mailman3/data/postfix_lmtp'))
})

test('postfix recipe: a relay domain of lists that is not marked so is told of', async () => {
  const { notes } = await hookupOf({
    main: `${modern}relay_domains = lists.example.org\n`,
    domains: [{ ...listOnly, listOnly: false }],
  })
  match(notes.join('\n'), /lists\.example\.org is in relay_domains and not marked as list-only/)
})

test('postfix recipe: verification asks nothing of other relay domains', async () => {
  const main = `${modern}relay_domains = ldap:/etc/postfix/relay\n`
  const made = await hookupOf({ main, domains: [listOnly], way: 'verify' })
  deepEqual(made.refusals, [])
  equal(settingsOf(made).relay_recipient_maps, undefined)
})

test('postfix recipe: what our own side lacks is told', async () => {
  const tables = await hookupOf({ main: modern, domains: [listOnly], facts: { incoming: ['exim4'] } })
  deepEqual(
    tables.ours.map(({ section, line }) => `[${section}] ${line}`),
    ['[mta] incoming: exim4 postfix'],
  )
  const asking = await hookupOf({ main: modern, domains: [listOnly], way: 'lookup' })
  deepEqual(
    asking.ours.map(({ section, line }) => `[${section}] ${line}`),
    ['[lookup] socketmap: 127.0.0.1:8026'],
  )
})

test('postfix recipe: a changed site is written anew from the operator’s own lines', async () => {
  const main = `${modern}transport_maps = hash:/etc/postfix/transport\n`
  const first = withBlocks(main, (await hookupOf({ main, domains: [listOnly] })).files)
  ok('text' in first)
  const made = await hookupOf({ main: first.text, domains: [listOnly], way: 'verify' })
  const second = withBlocks(first.text, made.files)
  ok('text' in second)
  const straight = withBlocks(main, (await hookupOf({ main, domains: [listOnly], way: 'verify' })).files)
  deepEqual(second, straight)
  ok(!second.text.includes(data))
})

// docs/postfix.md is what an operator copies: its lines are those of the recipe.
const page = readFileSync(new URL('../../../docs/postfix.md', import.meta.url), 'utf8')

for (const { heading, ...what } of [
  { heading: '### A domain for lists alone', main: modern, domains: [listOnly] },
  { heading: '### A domain where people live too', main: local, domains: [shared] },
  {
    heading: '## 4. Alias domains',
    main: `${modern}virtual_alias_domains = example.org\n`,
    domains: [domain('example.org', { aliasDomain: 'x.example.org' })],
  },
  { heading: '### Asking instead of reading', main: modern, domains: [listOnly], way: 'lookup' },
  { heading: '### Asking at the door', main: modern, domains: [listOnly], way: 'verify' },
] satisfies readonly (Case & { readonly heading: string })[])
  test(`docs/postfix.md, '${heading}', has the lines that hookup writes`, async () => {
    const { files } = await hookupOf({
      ...what,
      facts: {
        dataDir: 'VAR/data',
        lookup: { socketmap: '127.0.0.1:8026', tcpTable: null, readsocket: null },
      },
    })
    const section = page.slice(page.indexOf(`${heading}\n`) + heading.length).split(/^##+ /m)[0] ?? ''
    const made = files.flatMap(({ settings }) => settings.map(({ lines }) => lines))
    // The ways of asking are shown without what every way has.
    const [usual, own] = [made.filter(([line]) => /^(?:recipient_delim|owner_req)/.test(line ?? '')), made]
    const wanted = !('way' in what) ? own : own.filter((lines) => !usual.includes(lines))
    ok(wanted.length >= 3)
    ok(
      section.includes(
        wanted
          .flat()
          .map((line) => `    ${line}\n`)
          .join(''),
      ),
      wanted.flat().join('\n'),
    )
  })
