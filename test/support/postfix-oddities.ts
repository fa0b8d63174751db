// Configurations that are sound, though they may look odd: doctor must find nothing to mend in them.
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { add, all, type Breakage, drop, route, set } from './postfix-breakages.ts'
import { type Layout, labBase, labMaster, listDomain, lists } from './postfix-folder.ts'

type Oddity = Omit<Breakage, 'code'>

const file =
  (name: string, text: string): NonNullable<Oddity['files']> =>
  ({ directory }) =>
    writeFile(join(directory, name), text)

/** Changes of the laboratory's hash configuration. */
export const oddOfHash: readonly Oddity[] = [
  { name: 'an address without brackets', main: route('lmtp:127.0.0.1:18402') },
  { name: 'inet: before the address', main: route('lmtp:inet:127.0.0.1:18402') },
  { name: 'inet: and brackets', main: route('lmtp:inet:[127.0.0.1]:18402') },
  { name: 'localhost, where names are looked up in the hosts file', main: route('lmtp:[localhost]:18402') },
  {
    name: 'an LMTP service of a name of its own',
    main: route('posthorn:[127.0.0.1]:18402'),
    master: (text) => `${text}posthorn unix - - n - 5 lmtp\n  -o lmtp_connect_timeout=5s\n`,
  },
  {
    name: 'no port, which is lmtp_tcp_port',
    main: all(route('lmtp:[127.0.0.1]'), add('lmtp_tcp_port = 18402')),
  },
  {
    name: 'our socket',
    main: route('lmtp:unix:/run/posthorn/lmtp.sock'),
    facts: (facts) => ({ ...facts, lmtp: { ...facts.lmtp, socket: '/run/posthorn/lmtp.sock' } }),
  },
  {
    name: 'our socket in a chroot',
    main: all(route('lmtp:unix:posthorn/lmtp.sock'), add('queue_directory = /var/spool/postfix')),
    master: (text) => text.replace('lmtp       unix  - - n', 'lmtp       unix  - - y'),
    facts: (facts) => ({
      ...facts,
      lmtp: { ...facts.lmtp, socket: '/var/spool/postfix/posthorn/lmtp.sock' },
    }),
  },
  {
    name: 'the SMTP intake',
    main: route('smtp:[127.0.0.1]:8025'),
    facts: (facts) => ({ ...facts, smtpIntake: { host: '127.0.0.1', port: 8025 } }),
  },
  {
    name: 'our pipe program',
    main: route('posthorn:'),
    master: (text) =>
      `${text}posthorn unix - n n - - pipe\n  flags=R user=nobody argv=/usr/bin/posthorn-qmail 18402 0\n`,
  },
  {
    name: 'IPv6',
    main: all(
      route('lmtp:[ipv6:::1]:18402'),
      set('inet_protocols', 'all'),
      set('mynetworks', '127.0.0.0/8 [::1]/128'),
    ),
    facts: (facts) => ({ ...facts, lmtp: { ...facts.lmtp, host: '::1' } }),
  },
  {
    name: 'Posthorn at all addresses, in another container',
    main: route('lmtp:[posthorn.internal]:18402'),
    facts: (facts) => ({ ...facts, lmtp: { ...facts.lmtp, host: '0.0.0.0' } }),
  },
  { name: 'the domain by name', main: set('relay_domains', lists) },
  { name: 'a parent of the domain', main: set('relay_domains', 'example.test') },
  { name: 'the table of domains as a file of names', main: set('relay_domains', 'MAPS/postfix_domains') },
  {
    name: 'relay_domains by a macro',
    main: all(add(`list_domains = ${lists}`), set('relay_domains', '$list_domains')),
  },
  { name: 'recipients by a macro', main: set('relay_recipient_maps', '$transport_maps') },
  {
    name: 'the table by a macro and without commas',
    main: all(
      add('ours = hash:MAPS'),
      set('transport_maps', '$ours/postfix_lmtp $' + '{ours}/postfix_routes'),
    ),
  },
  { name: 'texthash', main: set('transport_maps', 'texthash:MAPS/postfix_lmtp') },
  { name: 'a proxy', main: set('transport_maps', 'proxy:hash:MAPS/postfix_lmtp') },
  {
    name: 'settings over several lines, with comments between',
    main: set(
      'transport_maps',
      '\n  # ours\n  hash:MAPS/postfix_lmtp,\n\n# theirs\n\thash:MAPS/postfix_routes',
    ),
  },
  { name: 'lines that end as on Windows', main: (text) => text.replaceAll('\n', '\r\n') },
  { name: 'a setting twice, with one value', main: add('recipient_delimiter = +') },
  { name: 'more signs as recipient_delimiter', main: set('recipient_delimiter', '+=') },
  {
    name: 'a route for all other mail',
    main: set('transport_maps', 'inline:{ { * = smtp:[192.0.2.9] } } hash:MAPS/postfix_lmtp'),
  },
  {
    name: 'a route for subdomains before ours',
    main: set('transport_maps', 'inline:{ { .example.test = smtp:[192.0.2.9] } } hash:MAPS/postfix_lmtp'),
  },
  {
    name: 'mydestination too, where people live',
    main: all(
      set('mydestination', lists),
      set('local_recipient_maps', 'unix:passwd.byname hash:MAPS/postfix_lmtp'),
    ),
  },
  {
    name: 'mydestination alone, where people live',
    main: all(
      set('mydestination', lists),
      set('local_recipient_maps', 'unix:passwd.byname hash:MAPS/postfix_lmtp'),
      drop('relay_domains'),
    ),
  },
  {
    name: 'another list manager in the same domain',
    main: all(
      set('mydestination', lists),
      set('local_recipient_maps', 'inline:{ { old = x } } hash:MAPS/postfix_lmtp'),
      set('alias_maps', 'inline:{ { old = "|/usr/lib/mailman/mail/mailman post old" } }'),
      drop('relay_domains'),
    ),
  },
  {
    name: 'virtual mailboxes beside',
    main: all(
      add(`virtual_mailbox_domains = ${lists}`),
      add('virtual_mailbox_maps = inline:{ { staff@example.test = staff } } hash:MAPS/postfix_lmtp'),
      set('relay_domains', ''),
    ),
  },
  {
    name: 'an alias of a person in a virtual table',
    main: add(`virtual_alias_maps = inline:{ { staff@example.test = ann@example.com } }`),
  },
  {
    name: 'an alias that sends a person to a list',
    main: add(`virtual_alias_maps = inline:{ { all@example.test = ant@${lists}, bee.keepers@${lists} } }`),
  },
  {
    name: 'a copy of all mail',
    main: add('always_bcc = archive@example.test'),
  },
  {
    name: 'the look-up service',
    main: set('relay_recipient_maps', 'socketmap:inet:127.0.0.1:8026:recipients'),
    facts: (facts) => ({ ...facts, lookup: { ...facts.lookup, socketmap: '127.0.0.1:8026' } }),
  },
  {
    name: 'the look-up service by tcp_table',
    main: set('relay_recipient_maps', 'tcp:127.0.0.1:8027'),
    facts: (facts) => ({ ...facts, lookup: { ...facts.lookup, tcpTable: '127.0.0.1:8027' } }),
  },
  {
    name: 'a filter whose mail comes back',
    main: all(
      add('content_filter = smtp:[127.0.0.1]:10024'),
      add('receive_override_options = no_address_mappings'),
    ),
    master: (text) =>
      `${text}127.0.0.1:10025 inet n - n - - smtpd\n  -o content_filter=\n  -o receive_override_options=no_unknown_recipient_checks\n`,
  },
  {
    name: 'mynetworks from a file',
    main: set('mynetworks', 'MAPS/../networks'),
    files: file('networks', '# us\n127.0.0.0/8\n[::1]/128\n'),
  },
  {
    name: 'mynetworks from a table',
    main: set('mynetworks', 'cidr:MAPS/../networks.cidr'),
    files: file('networks.cidr', '127.0.0.0/8 OK\n'),
  },
  {
    name: 'black lists, policies and greylisting',
    main: add(
      'smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination, reject_rbl_client zen.example.net, check_policy_service inet:127.0.0.1:10023, reject_unknown_sender_domain, permit',
    ),
  },
  {
    name: 'restriction classes',
    main: all(
      add('smtpd_restriction_classes = ours_only'),
      add('ours_only = permit_mynetworks, reject'),
      add(
        'smtpd_recipient_restrictions = check_recipient_access inline:{ { staff@example.test = ours_only } }, permit_mynetworks, reject_unauth_destination',
      ),
    ),
  },
  {
    name: 'senders of ours from outside are refused',
    main: add(
      `smtpd_sender_restrictions = permit_mynetworks, check_sender_access inline:{ { ${lists} = REJECT } }`,
    ),
  },
  {
    name: 'a submission service with a login',
    main: set('mynetworks', '10.0.0.0/8'),
    master: (text) =>
      text.replace(
        /smtpd$/m,
        'smtpd\n  -o smtpd_sasl_auth_enable=yes\n  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject_unauth_destination',
      ),
    facts: (facts) => ({ ...facts, relay: { ...facts.relay, user: 'posthorn' } }),
  },
  {
    name: 'our mail by another machine',
    main: set('mynetworks', '10.0.0.0/8'),
    facts: (facts) => ({ ...facts, relay: { ...facts.relay, host: 'relay.example.net', port: 25 } }),
  },
  { name: 'masquerading of another domain', main: add('masquerade_domains = example.com') },
  { name: 'masquerading but for ours', main: add(`masquerade_domains = !${lists} example.test`) },
  {
    name: 'masquerading of headers alone',
    main: all(add('masquerade_domains = example.test'), add('masquerade_classes = header_sender')),
  },
  {
    name: 'canonical senders in header fields alone',
    main: all(
      add(`sender_canonical_maps = inline:{ { @${lists} = lists@example.test } }`),
      add('sender_canonical_classes = header_sender'),
    ),
  },
  {
    name: 'senders that belong to logins, where nobody logs in',
    main: all(
      add(`smtpd_sender_login_maps = inline:{ { @${lists} = office } }`),
      add('smtpd_sender_restrictions = reject_sender_login_mismatch'),
    ),
  },
  {
    name: 'strangers are counted, mynetworks is not',
    main: all(add('smtpd_client_message_rate_limit = 10'), add('smtpd_client_connection_rate_limit = 5')),
  },
  {
    name: 'header checks that take other fields out',
    main: add('header_checks = regexp:MAPS/../checks'),
    files: file(
      'checks',
      '/^X-Originating-IP:/ IGNORE\n/^Received: from \\[192/ REJECT\n/^List-Id: <spam/ DISCARD\n',
    ),
  },
  {
    name: 'header checks that smtpd leaves out',
    main: all(
      add('header_checks = regexp:MAPS/../checks'),
      add('receive_override_options = no_header_body_checks'),
    ),
    files: file('checks', '/^List-Id:/ DISCARD\n'),
  },
  {
    name: 'a relay of their own for other senders',
    main: add('sender_dependent_relayhost_maps = inline:{ { @example.com = [127.0.0.1]:18402 } }'),
  },
  {
    name: 'virtual mailboxes of a domain for examples',
    main: all(add('virtual_mailbox_domains = example.com'), add('virtual_mailbox_maps = static:x')),
  },
  { name: 'a pause after each message for one host', main: add('smtp_destination_rate_delay = 1m') },
  {
    name: 'a folder that only root may pass, without proxy',
    main: add(''),
    files: ({ maps }) => chmod(maps, 0o700),
  },
  {
    name: 'restrictions at DATA that refuse nobody',
    main: add('smtpd_data_restrictions = reject_unauth_pipelining, reject_multi_recipient_bounce'),
  },
  {
    name: 'a proxy before another smtpd',
    master: (text) =>
      `${text}127.0.0.1:18499 inet n - n - - smtpd\n  -o smtpd_upstream_proxy_protocol=haproxy\n`,
  },
  {
    name: 'the tables of another list manager behind ours',
    main: all(
      set('transport_maps', 'hash:MAPS/postfix_lmtp hash:MAPS/../old/postfix_lmtp'),
      set('relay_domains', 'hash:MAPS/postfix_domains hash:MAPS/../old/postfix_domains'),
      set('relay_recipient_maps', 'hash:MAPS/postfix_lmtp hash:MAPS/../old/postfix_lmtp'),
    ),
    files: async ({ directory }) => {
      await mkdir(join(directory, 'old'))
      const { execFileSync } = await import('node:child_process')
      for (const [name, line] of [
        ['postfix_lmtp', 'old@old.example.test lmtp:[127.0.0.1]:8024\n'],
        ['postfix_domains', 'old.example.test old.example.test\n'],
      ] as const) {
        await writeFile(join(directory, 'old', name), line)
        execFileSync('postmap', [`hash:${join(directory, 'old', name)}`])
      }
    },
  },
  { name: 'opportunistic TLS', main: set('smtpd_tls_security_level', 'may') },
  { name: 'TLS where it is offered at our door', main: add('lmtp_tls_security_level = may') },
  {
    name: 'an unknown setting that somebody uses',
    main: all(add('site = x'), add('smtpd_banner = $site ESMTP')),
  },
  { name: 'an unknown setting that nobody uses', main: add('my_note = for later') },
  {
    name: 'no lists yet',
    main: add(''),
    facts: (facts) => ({ ...facts, domains: [listDomain({ listNames: [] })] }),
  },
  { name: 'no domains yet', main: add(''), facts: (facts) => ({ ...facts, domains: [] }) },
  {
    name: 'a table of somebody else that is newer than compiled',
    main: set('transport_maps', 'hash:MAPS/../others/transport hash:MAPS/postfix_lmtp'),
    files: async ({ directory }) => {
      await mkdir(join(directory, 'others'))
      await writeFile(join(directory, 'others/transport'), 'example.com smtp:[192.0.2.9]\n')
      const { execFileSync } = await import('node:child_process')
      execFileSync('postmap', [`hash:${join(directory, 'others/transport')}`])
    },
  },
]

/** Whole configurations. */
export const soundLayouts: readonly (Layout & { readonly name: string })[] = [
  {
    name: 'an alias domain by regexp',
    type: 'regexp',
    domains: [listDomain({ aliasDomain: 'x.example.test' })],
    main: `${labBase}transport_maps = regexp:MAPS/postfix_lmtp
relay_domains = regexp:MAPS/postfix_domains
relay_recipient_maps = regexp:MAPS/postfix_lmtp
virtual_alias_domains = ${lists}
virtual_alias_maps = regexp:MAPS/postfix_vmap
`,
  },
  {
    name: 'a virtual mailbox domain with an alias domain',
    domains: [listDomain({ aliasDomain: 'x.example.test' })],
    main: `${labBase}transport_maps = hash:MAPS/postfix_lmtp
relay_domains = hash:MAPS/postfix_domains
relay_recipient_maps = hash:MAPS/postfix_lmtp
virtual_mailbox_domains = ${lists}
virtual_mailbox_maps = inline:{ { staff@${lists} = staff } }
virtual_alias_maps = hash:MAPS/postfix_vmap
`,
  },
  {
    name: 'lists in two domains of different classes',
    domains: [listDomain(), listDomain({ mailHost: 'example.test', listNames: ['cow'] })],
    main: `${labBase}transport_maps = hash:MAPS/postfix_lmtp
relay_domains = ${lists}
relay_recipient_maps = hash:MAPS/postfix_lmtp
parent_domain_matches_subdomains =
mydestination = example.test
local_recipient_maps = unix:passwd.byname hash:MAPS/postfix_lmtp
`.replace('mydestination =\n', ''),
  },
  {
    name: 'a domain that is for lists alone, by its route',
    domains: [listDomain({ listOnly: true })],
    main: `${labBase}transport_maps = hash:MAPS/postfix_routes
relay_domains = hash:MAPS/postfix_domains
relay_recipient_maps = hash:MAPS/postfix_lmtp
`,
  },
  {
    name: 'a door at an IPv6 address',
    facts: { lmtp: { host: '::1', port: 18_402, socket: null } },
    main: `${labBase}transport_maps = hash:MAPS/postfix_lmtp
relay_domains = hash:MAPS/postfix_domains
relay_recipient_maps = hash:MAPS/postfix_lmtp
`.replace('inet_protocols = ipv4', 'inet_protocols = all'),
  },
  {
    name: 'postscreen before smtpd, at port 25',
    facts: { relay: { host: 'localhost', port: 25, secureMode: 'smtp', user: null } },
    master: `smtp inet n - y - 1 postscreen
smtpd pass - - y - - smtpd
submission inet n - y - - smtpd
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
${labMaster.replace(/^127.*\n/m, '')}`,
    main: `${labBase}transport_maps = hash:MAPS/postfix_lmtp
relay_domains = hash:MAPS/postfix_domains
relay_recipient_maps = hash:MAPS/postfix_lmtp
`,
  },
]
