// Ways in which people break a hook-up of Postfix, each with the code that doctor must tell first.
// Long, since it is one table for four layouts: hash, regexp, vmap, verify.
import { chmod, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HostFacts } from '../../src/model/hookup.ts'
import { listDomain, lists, type PostfixFolder, publish } from './postfix-folder.ts'

export interface Breakage {
  readonly name: string
  /** Told first; 'postfix.' is left out. */
  readonly code: string
  readonly main?: (text: string, folder: PostfixFolder) => string
  readonly master?: (text: string) => string
  readonly facts?: (facts: HostFacts) => HostFacts
  /** What is done to files beside main.cf and master.cf. */
  readonly files?: (folder: PostfixFolder) => Promise<void>
}

type Edit = NonNullable<Breakage['main']>

/** The setting with another value, at its place, or at the end. */
export const set =
  (name: string, value: string): Edit =>
  (text, { maps }) => {
    const line = `${name} = ${value.replaceAll('MAPS', maps)}`.trimEnd()
    const old = new RegExp(`^${name} =.*$`, 'm')
    return old.test(text) ? text.replace(old, () => line) : `${text}${line}\n`
  }

export const drop =
  (name: string): Edit =>
  (text) =>
    text.replace(new RegExp(`^${name} =.*\n`, 'm'), '')

export const add =
  (line: string): Edit =>
  (text, { maps }) =>
    `${text}${line.replaceAll('MAPS', maps)}\n`

export const all =
  (...edits: readonly Edit[]): Edit =>
  (text, folder) =>
    edits.reduce((now, edit) => edit(now, folder), text)

const change =
  (from: string | RegExp, to: string): Edit =>
  (text) => {
    if (text.replace(from, to) === text) throw new Error(`nothing to change: ${from}`)
    return text.replace(from, to)
  }

const file =
  (name: string, text: string): NonNullable<Breakage['files']> =>
  ({ directory }) =>
    writeFile(join(directory, name), text)

const inSeconds = (path: string, seconds: number): Promise<void> => {
  const when = Date.now() / 1000 + seconds
  return utimes(path, when, when)
}

export const route = (to: string): Edit => set('transport_maps', `inline:{ { ${lists} = ${to} } }`)

/** What breaks every way of hooking up: main.cf as a file, the door, the relay. */
export const anywhere: readonly Breakage[] = [
  { name: 'a line without =', code: 'unreadable-line', main: add('relay_transport lmtp:[127.0.0.1]:18402') },
  { name: 'a line of prose', code: 'unreadable-line', main: add('lines for the lists') },
  {
    name: 'a service with too few columns',
    code: 'unreadable-service',
    master: (text) => `${text}list unix - n n lmtp\n`,
  },
  {
    name: 'lmtp is not in master.cf',
    code: 'service-missing',
    master: (text) => text.replace(/^lmtp .*\n/m, ''),
  },
  {
    name: 'the lmtp service runs the SMTP client',
    code: 'not-lmtp',
    master: (text) => text.replace(/ lmtp$/m, ' smtp'),
  },
  { name: 'the lmtp transport is put off', code: 'service-off', main: add('defer_transports = lmtp') },
  {
    name: 'Posthorn listens at another port',
    code: 'wrong-endpoint',
    facts: (facts) => ({ ...facts, lmtp: { ...facts.lmtp, port: 8024 } }),
  },
  {
    name: 'Posthorn listens at another address',
    code: 'wrong-endpoint',
    facts: (facts) => ({ ...facts, lmtp: { ...facts.lmtp, host: '10.1.2.3' } }),
  },
  { name: 'IPv6 alone for an interface of IPv4', code: 'fatal', main: set('inet_protocols', 'ipv6') },
  {
    name: 'IPv6 alone for a route by IPv4',
    code: 'inet-protocols',
    main: all(set('inet_protocols', 'ipv6'), set('inet_interfaces', 'all')),
  },
  {
    name: 'IPv4 alone for a door at IPv6',
    code: 'wrong-endpoint',
    facts: (facts) => ({ ...facts, lmtp: { ...facts.lmtp, host: '::1' } }),
  },
  { name: 'a protocol that is none', code: 'bad-value', main: set('inet_protocols', 'ipv5') },
  {
    name: 'TLS is demanded of our door',
    code: 'lmtp-client',
    main: add('lmtp_tls_security_level = encrypt'),
  },
  {
    name: 'TLS from the first byte at our door',
    code: 'lmtp-client',
    main: add('lmtp_tls_wrappermode = yes'),
  },
  { name: 'mynetworks without us', code: 'relay-refused', main: set('mynetworks', '10.0.0.0/8') },
  {
    name: 'mynetworks with ! before us',
    code: 'relay-refused',
    main: set('mynetworks', '!127.0.0.1 127.0.0.0/8'),
  },
  { name: 'an empty mynetworks', code: 'relay-refused', main: set('mynetworks', '') },
  {
    name: 'the relay restrictions do not know mynetworks',
    code: 'relay-refused',
    main: set('smtpd_relay_restrictions', 'permit_sasl_authenticated, reject_unauth_destination'),
  },
  {
    name: 'the same in master.cf',
    code: 'relay-refused',
    master: (text) =>
      text.replace(
        /smtpd$/m,
        'smtpd\n  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject_unauth_destination',
      ),
  },
  {
    name: 'only those who log in may send',
    code: 'refused-by-restriction',
    main: set('smtpd_relay_restrictions', 'permit_sasl_authenticated, reject'),
  },
  {
    name: 'clients outside are refused',
    code: 'refused-by-restriction',
    main: add('smtpd_client_restrictions = permit_mynetworks, reject'),
  },
  {
    name: 'an access table refuses the list domain',
    code: 'refused-by-restriction',
    main: add(`smtpd_client_restrictions = check_recipient_access inline:{ { ${lists} = REJECT closed } }`),
  },
  {
    name: 'an access table refuses our senders',
    code: 'sender-refused',
    main: add(`smtpd_sender_restrictions = check_sender_access inline:{ { ${lists} = 550 forged } }`),
  },
  {
    name: 'no rule keeps strangers from relaying',
    code: 'no-relay-rule',
    main: all(set('smtpd_relay_restrictions', ''), drop('smtpd_recipient_restrictions')),
  },
  {
    name: 'smtpd listens at another port',
    code: 'not-listening',
    master: (text) => text.replace('127.0.0.1:18401', '127.0.0.1:18499'),
  },
  {
    name: 'Posthorn sends by IPv6, and smtpd is at IPv4',
    code: 'not-listening',
    facts: (facts) => ({ ...facts, relay: { ...facts.relay, host: '::1' } }),
  },
  {
    name: 'an interface that is not there',
    code: 'fatal',
    main: set('inet_interfaces', '192.0.2.7'),
    master: (text) => text.replace('127.0.0.1:18401', '18401'),
  },
  { name: 'smtpd demands TLS', code: 'tls-mismatch', main: set('smtpd_tls_security_level', 'encrypt') },
  {
    name: 'Posthorn demands TLS that is not offered',
    code: 'tls-mismatch',
    facts: (facts) => ({ ...facts, relay: { ...facts.relay, secureMode: 'starttls' } }),
  },
  {
    name: 'Posthorn logs in where nobody asks',
    code: 'no-auth',
    facts: (facts) => ({ ...facts, relay: { ...facts.relay, user: 'posthorn' } }),
  },
  { name: 'masquerading', code: 'rewritten-sender', main: add('masquerade_domains = example.test') },
  {
    name: 'senders are made canonical',
    code: 'rewritten-sender',
    main: add(`sender_canonical_maps = inline:{ { @${lists} = lists@example.test } }`),
  },
  {
    name: 'generic maps',
    code: 'rewritten-sender',
    main: add(`smtp_generic_maps = regexp:MAPS/../generic`),
    files: file('generic', '/@.*\\.example\\.test$/ office@example.test\n'),
  },
  {
    name: 'an address that has moved',
    code: 'relocated-list',
    main: add(`relocated_maps = inline:{ { ant@${lists} = ant@elsewhere.test } }`),
  },
  {
    name: 'canonical maps take a list',
    code: 'rewritten-address',
    main: add(`canonical_maps = inline:{ { ant@${lists} = staff@example.test } }`),
  },
  {
    name: 'an alias takes a list',
    code: 'rewritten-address',
    main: set('virtual_alias_maps', `inline:{ { ant@${lists} = staff@example.test } }`),
  },
  { name: 'owner_request_special', code: 'owner-request-special', main: set('owner_request_special', 'yes') },
  {
    name: 'the default of owner_request_special',
    code: 'owner-request-special',
    main: drop('owner_request_special'),
  },
  { name: 'a switch that is none', code: 'bad-value', main: set('owner_request_special', 'off') },
  {
    name: 'unknown users are refused for now',
    code: 'temporary-refusal',
    main: set('unknown_local_recipient_reject_code', '450'),
  },
  {
    name: 'a code that is none',
    code: 'bad-value',
    main: set('unknown_local_recipient_reject_code', 'reject'),
  },
  { name: 'a code of success', code: 'bad-value', main: set('unknown_local_recipient_reject_code', '250') },
  { name: 'soft_bounce', code: 'temporary-refusal', main: add('soft_bounce = yes') },
  { name: 'only small messages', code: 'size-limit', main: add('message_size_limit = 2000') },
  { name: 'all other mail to our door', code: 'loop', main: set('relayhost', '[127.0.0.1]:18402') },
  { name: 'all other mail to itself', code: 'loop', main: set('relayhost', '[127.0.0.1]:18401') },
  {
    name: 'all other mail to our door by LMTP',
    code: 'loop',
    main: all(set('relayhost', ''), add('default_transport = lmtp:[127.0.0.1]:18402')),
  },
  { name: 'no way to the world', code: 'no-way-out', main: add('default_transport = error:closed') },
  {
    name: 'a filter of no service',
    code: 'service-missing',
    main: add('content_filter = scan:[127.0.0.1]:10024'),
  },
  { name: 'no cleanup', code: 'service-missing', master: (text) => text.replace(/^cleanup .*\n/m, '') },
  {
    name: 'no trivial-rewrite',
    code: 'service-missing',
    master: (text) => text.replace(/^rewrite .*\n/m, ''),
  },
  {
    name: 'no smtpd',
    code: 'not-listening',
    master: (text) => text.replace('127.0.0.1:18401', '#127.0.0.1:18401'),
  },
  { name: 'all network services off', code: 'service-off', main: add('master_service_disable = inet') },
  { name: 'a network with bits of an address', code: 'bad-value', main: set('mynetworks', '127.0.0.1/8') },
  { name: 'a prefix that is too long', code: 'bad-value', main: set('mynetworks', '127.0.0.0/33') },
  { name: 'no recipients at all', code: 'bad-value', main: add('smtpd_recipient_limit = 0') },
  {
    name: 'a misspelled restriction',
    code: 'unknown-restriction',
    main: set('smtpd_relay_restrictions', 'permit_mynetwork, reject_unauth_destination'),
  },
  {
    name: 'header checks that are not there',
    code: 'table-missing',
    main: add('header_checks = regexp:MAPS/header_checks'),
  },
  {
    name: 'a table of a restriction that is not there',
    code: 'table-missing',
    main: add('smtpd_helo_restrictions = check_client_access hash:MAPS/clients'),
  },
  {
    name: 'a table without type in canonical_maps',
    code: 'no-table',
    main: add('canonical_maps = MAPS/canonical'),
  },
  {
    name: 'a table of the operator is not there',
    code: 'table-missing',
    main: add('relocated_maps = hash:MAPS/relocated'),
  },
]

/** What the ways of mail through Postfix hang on beside our lines; the same for every way of hooking up. */
export const around: readonly Breakage[] = [
  {
    name: 'the LMTP client is to log in, and has no passwords',
    code: 'lmtp-client',
    main: add('lmtp_sasl_auth_enable = yes'),
  },
  {
    name: 'a pause after each message',
    code: 'rate-delay',
    main: add('default_destination_rate_delay = 1m'),
  },
  { name: 'few hops', code: 'hop-limit', main: add('hopcount_limit = 3') },
  {
    name: 'a header check throws mail of lists away',
    code: 'header-check',
    main: add('header_checks = regexp:MAPS/../checks'),
    files: file('checks', '/^X-Spam:/ REJECT\n/^List-Id:/ DISCARD\n'),
  },
  {
    name: 'a header check refuses bulk mail',
    code: 'header-check',
    main: add('mime_header_checks = regexp:MAPS/../checks'),
    files: file('checks', '/^Precedence: *(bulk|list)/ REJECT no bulk mail here\n'),
  },
  {
    name: 'a post is refused at DATA',
    code: 'refused-by-restriction',
    main: add('smtpd_data_restrictions = permit_mynetworks, reject'),
  },
  {
    name: 'the null sender is refused',
    code: 'sender-refused',
    main: add('smtpd_sender_restrictions = check_sender_access inline:{ { <> = REJECT } }'),
  },
  {
    name: 'Posthorn is counted',
    code: 'rate-limit',
    main: all(
      add('smtpd_client_message_rate_limit = 10'),
      add('smtpd_client_event_limit_exceptions = 10.0.0.0/8'),
    ),
  },
  {
    name: 'the senders of lists belong to a login',
    code: 'sender-refused',
    main: all(
      add('smtpd_sasl_auth_enable = yes'),
      add(`smtpd_sender_login_maps = inline:{ { @${lists} = office } }`),
      add('smtpd_sender_restrictions = reject_sender_login_mismatch, permit_mynetworks'),
    ),
  },
  {
    name: 'mynetworks is asked too late',
    code: 'relay-refused',
    main: set('smtpd_relay_restrictions', 'reject_unauth_destination, permit_mynetworks'),
  },
  {
    name: 'generic maps of the LMTP client',
    code: 'rewritten-sender',
    main: add(`lmtp_generic_maps = inline:{ { @${lists} = lists@example.test } }`),
  },
  {
    name: 'another way out for the senders of lists',
    code: 'loop',
    main: add(`sender_dependent_relayhost_maps = inline:{ { @${lists} = [127.0.0.1]:18402 } }`),
  },
  {
    name: 'smtpd waits for a proxy',
    code: 'proxy-protocol',
    main: add('smtpd_upstream_proxy_protocol = haproxy'),
  },
]

/** What breaks our tables, of either type. */
export const withTables = (type: 'hash' | 'regexp'): readonly Breakage[] => [
  { name: 'no transport_maps', code: 'no-transport', main: drop('transport_maps') },
  { name: 'an empty transport_maps', code: 'no-transport', main: set('transport_maps', '') },
  {
    name: 'transport_maps names our domains alone',
    code: 'no-transport',
    main: set('transport_maps', `${type}:MAPS/postfix_routes`),
  },
  {
    name: 'the service of transports has none',
    code: 'no-transport',
    master: (text) => text.replace('trivial-rewrite', 'trivial-rewrite -o transport_maps='),
  },
  {
    name: 'a letter is missing',
    code: 'misspelled-name',
    main: change('transport_maps =', 'transport_map ='),
  },
  {
    name: 'two letters are swapped',
    code: 'misspelled-name',
    main: change('relay_domains =', 'realy_domains ='),
  },
  {
    name: 'two letters are swapped behind the name of a transport',
    code: 'misspelled-name',
    main: change('relay_domains =', 'relay_domians ='),
  },
  {
    name: 'a hyphen for a line',
    code: 'misspelled-name',
    main: change('transport_maps =', 'transport-maps ='),
  },
  {
    name: 'a later line',
    code: 'overridden-setting',
    main: add('transport_maps = inline:{ { example.com = smtp:[192.0.2.9] } }'),
  },
  {
    name: 'a later empty line of the same name',
    code: 'overridden-setting',
    main: add('relay_domains ='),
  },
  {
    name: 'a blank before the name',
    code: 'swallowed-setting',
    main: change('transport_maps =', '  transport_maps ='),
  },
  {
    name: 'a tab before the name',
    code: 'swallowed-setting',
    main: change('relay_domains =', '\trelay_domains ='),
  },
  {
    name: 'the first line of a setting is a comment now',
    code: 'lost-beginning',
    main: (text, { maps }) =>
      text.replace(/^transport_maps =.*$/m, () => `#transport_maps =\n  ${type}:${maps}/postfix_lmtp`),
  },
  {
    name: 'a setting is to add to itself',
    code: 'self-reference',
    main: change('transport_maps = ', 'transport_maps = $transport_maps '),
  },
  {
    name: 'a comment behind the value',
    code: 'comment-in-value',
    main: (text) => text.replace(/^(relay_domains =.*)$/m, '$1 # our lists'),
  },
  {
    name: 'a type that nobody has',
    code: 'unsupported-type',
    main: change(/^(transport_maps =).*$/m, `$1 hsah:/x`),
  },
  { name: 'quotes', code: 'no-table', main: set('transport_maps', `"${type}:MAPS/postfix_lmtp"`) },
  {
    name: 'a blank behind the type',
    code: 'no-table',
    main: set('transport_maps', `${type}: MAPS/postfix_lmtp`),
  },
  { name: 'no type', code: 'no-table', main: set('transport_maps', 'MAPS/postfix_lmtp') },
  { name: 'a semicolon', code: 'table-missing', main: set('transport_maps', `${type}:MAPS/postfix_lmtp;`) },
  {
    name: 'a misspelled path',
    code: 'table-missing',
    main: set('transport_maps', `${type}:MAPS/postfix_ltmp`),
  },
  {
    name: 'the folder of another list server',
    code: 'table-missing',
    main: set('relay_domains', `${type}:/var/lib/mailman3/data/postfix_domains`),
  },
  {
    name: 'the table among the aliases',
    code: 'transport-table-as-alias',
    main: set('virtual_alias_maps', `${type}:MAPS/postfix_lmtp`),
  },
  {
    name: 'the table in alias_maps, not in transport_maps',
    code: 'transport-table-as-alias',
    main: all(set('alias_maps', `${type}:MAPS/postfix_lmtp`), drop('transport_maps')),
  },
  {
    name: 'another entry for the list',
    code: 'shadowed-route',
    main: set('transport_maps', `inline:{ { ant@${lists} = smtp:[192.0.2.9] } } ${type}:MAPS/postfix_lmtp`),
  },
  {
    name: 'a pattern before our table',
    code: 'shadowed-route',
    main: set('transport_maps', `regexp:MAPS/../others ${type}:MAPS/postfix_lmtp`),
    files: file('others', '/@.*\\.example\\.test$/ local:\n'),
  },
  { name: 'a route without port', code: 'wrong-endpoint', main: route('lmtp:[127.0.0.1]') },
  { name: 'a route to another port', code: 'wrong-endpoint', main: route('lmtp:[127.0.0.1]:8024') },
  { name: 'a route to another host', code: 'wrong-endpoint', main: route('lmtp:[192.0.2.9]:18402') },
  { name: 'the port in the brackets', code: 'nexthop-syntax', main: route('lmtp:[127.0.0.1:18402]') },
  { name: 'a bracket is missing', code: 'nexthop-syntax', main: route('lmtp:[127.0.0.1:18402') },
  { name: 'an address of the web', code: 'nexthop-syntax', main: route('lmtp://127.0.0.1:18402') },
  { name: 'SMTP to our door', code: 'not-lmtp', main: route('smtp:[127.0.0.1]:18402') },
  { name: 'a transport of no service', code: 'service-missing', main: route('mailman:') },
  { name: 'no transport before the nexthop', code: 'service-missing', main: route('[127.0.0.1]:18402') },
  { name: 'a socket where we have none', code: 'socket-path', main: route('lmtp:unix:/run/posthorn.sock') },
  { name: 'no relay_domains', code: 'domain-not-accepted', main: drop('relay_domains') },
  { name: 'another relay domain', code: 'domain-not-accepted', main: set('relay_domains', 'example.com') },
  {
    name: 'our domain is excluded',
    code: 'domain-not-accepted',
    main: set('relay_domains', `!${lists} ${type}:MAPS/postfix_domains`),
  },
  {
    name: 'mydestination too, with system users alone',
    code: 'two-classes',
    main: all(set('mydestination', `localhost, ${lists}`), set('local_recipient_maps', 'unix:passwd.byname')),
  },
  {
    name: 'mydestination by $myhostname',
    code: 'two-classes',
    main: all(
      set('myhostname', lists),
      set('mydestination', '$myhostname, localhost'),
      set('local_recipient_maps', 'unix:passwd.byname'),
    ),
  },
  {
    name: 'mydestination too, where nobody else lives',
    code: 'two-classes-for-now',
    main: all(set('mydestination', lists), set('local_recipient_maps', `${type}:MAPS/postfix_lmtp`)),
  },
  {
    name: 'mydestination alone, with system users alone',
    code: 'lists-unknown',
    main: all(
      set('mydestination', lists),
      set('local_recipient_maps', 'unix:passwd.byname'),
      drop('relay_domains'),
    ),
  },
  { name: 'a virtual alias domain too', code: 'two-classes', main: add(`virtual_alias_domains = ${lists}`) },
  {
    name: 'a virtual alias domain alone',
    code: 'virtual-alias-domain',
    main: all(add(`virtual_alias_domains = ${lists}`), set('relay_domains', '')),
  },
  {
    name: 'a virtual mailbox domain alone',
    code: 'virtual-mailbox-domain',
    main: all(
      add(`virtual_mailbox_domains = ${lists}`),
      add('virtual_mailbox_maps = inline:{ { staff@example.test = staff } }'),
      set('relay_domains', ''),
    ),
  },
  {
    name: 'a virtual mailbox domain too',
    code: 'two-classes',
    main: all(
      add(`virtual_mailbox_domains = ${lists}`),
      add('virtual_mailbox_maps = inline:{ { staff@example.test = staff } }'),
    ),
  },
  {
    name: 'relay_recipient_maps without our table',
    code: 'lists-unknown',
    main: set('relay_recipient_maps', 'inline:{ { staff@example.test = OK } }'),
  },
  {
    name: 'an empty relay_recipient_maps',
    code: 'unknown-recipients-accepted',
    main: set('relay_recipient_maps', ''),
  },
  {
    name: 'no relay_recipient_maps',
    code: 'unknown-recipients-accepted',
    main: drop('relay_recipient_maps'),
  },
  {
    name: 'every name of the domain exists',
    code: 'unknown-recipients-accepted',
    main: set('relay_recipient_maps', `inline:{ { @${lists} = OK } } ${type}:MAPS/postfix_lmtp`),
  },
  {
    name: 'unknown names are not looked for',
    code: 'unknown-recipients-accepted',
    main: add('smtpd_reject_unlisted_recipient = no'),
  },
  {
    name: 'checks are left to a filter that is not there',
    code: 'unknown-recipients-accepted',
    main: add('receive_override_options = no_unknown_recipient_checks'),
  },
  {
    name: 'a list is newer than the table',
    code: 'table-outdated',
    facts: (facts) => ({ ...facts, domains: [listDomain({ listNames: ['ant', 'bee.keepers', 'cow'] })] }),
  },
  {
    name: 'a file of ours is gone',
    code: 'table-missing',
    files: async ({ maps }) => {
      for (const suffix of ['', '.db']) await rm(join(maps, `postfix_domains${suffix}`), { force: true })
    },
  },
  {
    name: 'relay for unknown users is refused for now',
    code: 'temporary-refusal',
    main: set('unknown_relay_recipient_reject_code', '450'),
  },
]

/** What goes wrong with compiled tables and plain keys. */
export const withHash: readonly Breakage[] = [
  {
    name: 'the table of domains as transports',
    code: 'no-transport',
    main: set('transport_maps', 'hash:MAPS/postfix_domains'),
  },
  {
    name: 'a proxy that is not there',
    code: 'service-missing',
    main: set('transport_maps', 'proxy:hash:MAPS/postfix_lmtp'),
    master: (text) => text.replace(/^proxymap .*\n/m, ''),
  },
  {
    name: 'a proxy that may read other tables',
    code: 'table-unreadable',
    main: all(
      set('transport_maps', 'proxy:hash:MAPS/postfix_lmtp'),
      add('proxy_read_maps = proxy:unix:passwd.byname'),
    ),
  },
  { name: 'no recipient_delimiter', code: 'recipient-delimiter', main: drop('recipient_delimiter') },
  { name: 'another recipient_delimiter', code: 'recipient-delimiter', main: set('recipient_delimiter', '=') },
  {
    name: 'a hyphen as recipient_delimiter',
    code: 'hyphen-delimiter',
    main: set('recipient_delimiter', '-'),
  },
  { name: 'a hyphen and a plus', code: 'hyphen-delimiter', main: set('recipient_delimiter', '+-') },
  {
    name: 'the compiled file is gone',
    code: 'table-not-compiled',
    files: ({ maps }) => rm(join(maps, 'postfix_lmtp.db')),
  },
  {
    name: 'compiled by another type',
    code: 'table-not-compiled',
    files: async ({ maps }) => {
      await rm(join(maps, 'postfix_lmtp.db'))
      await writeFile(join(maps, 'postfix_lmtp.lmdb'), '')
    },
  },
  {
    name: 'the compiled file says what was before',
    code: 'table-stale',
    files: async ({ maps }) => {
      await writeFile(join(maps, 'postfix_lmtp'), `ant@${lists} lmtp:[127.0.0.1]:9\n`)
      await inSeconds(join(maps, 'postfix_lmtp.db'), -60)
    },
  },
  {
    name: 'the text was touched',
    code: 'table-older',
    files: ({ maps }) => inSeconds(join(maps, 'postfix_lmtp.db'), -60),
  },
  {
    name: 'plain keys by regexp',
    code: 'table-format',
    main: set('transport_maps', 'regexp:MAPS/postfix_lmtp'),
  },
  {
    name: 'a proxy that may not read',
    code: 'table-unreadable',
    main: set('transport_maps', 'proxy:hash:MAPS/postfix_lmtp'),
    files: ({ maps }) => chmod(join(maps, 'postfix_lmtp.db'), 0o640),
  },
  {
    name: 'a proxy that may not pass the folder',
    code: 'table-unreadable',
    main: set('relay_recipient_maps', 'proxy:hash:MAPS/postfix_lmtp'),
    files: ({ maps }) => chmod(maps, 0o700),
  },
  {
    name: 'btree beside a table of hash',
    code: 'table-broken',
    main: set('transport_maps', 'btree:MAPS/postfix_lmtp'),
  },
]

export const withRegexp: readonly Breakage[] = [
  {
    name: 'patterns by hash',
    code: 'table-not-compiled',
    main: set('transport_maps', 'hash:MAPS/postfix_lmtp'),
  },
  {
    name: 'patterns by texthash',
    code: 'table-format',
    main: set('transport_maps', 'texthash:MAPS/postfix_lmtp'),
  },
  {
    name: 'patterns of our own that know no extension',
    code: 'sub-address-lost',
    main: all(set('transport_maps', 'regexp:MAPS/../own'), set('relay_recipient_maps', 'regexp:MAPS/../own')),
    files: file('own', `/^(ant|bee\\.keepers)(-[a-z]+)?@lists\\.example\\.test$/ lmtp:[127.0.0.1]:18402\n`),
  },
]

/** The alias domain (postfix_vmap). */
export const withVmap: readonly Breakage[] = [
  { name: 'no virtual_alias_maps', code: 'alias-domain-unused', main: drop('virtual_alias_maps') },
  {
    name: 'virtual_alias_maps without our table',
    code: 'alias-domain-unused',
    main: set('virtual_alias_maps', 'inline:{ { staff@example.test = root@example.test } }'),
  },
  {
    name: 'transport maps alone',
    code: 'alias-domain-unused',
    main: all(set('virtual_alias_maps', ''), set('relay_domains', '')),
  },
  {
    name: 'a later virtual_alias_maps',
    code: 'overridden-setting',
    main: add('virtual_alias_maps = inline:{ { staff@example.test = root@example.test } }'),
  },
  { name: 'no virtual_alias_domains', code: 'domain-not-accepted', main: drop('virtual_alias_domains') },
  {
    name: 'the domain is a mailbox domain, and nothing is rewritten',
    code: 'alias-domain-unused',
    main: all(
      drop('virtual_alias_domains'),
      set('virtual_alias_maps', ''),
      add(`virtual_mailbox_domains = ${lists}`),
      add('virtual_mailbox_maps = inline:{ { staff@example.test = staff } }'),
    ),
  },
  { name: 'no transport_maps', code: 'no-transport', main: drop('transport_maps') },
  { name: 'an empty transport_maps', code: 'no-transport', main: set('transport_maps', '') },
  {
    name: 'extensions are not kept',
    code: 'extension-lost',
    main: add('propagate_unmatched_extensions = canonical'),
  },
  { name: 'no recipient_delimiter', code: 'recipient-delimiter', main: drop('recipient_delimiter') },
  {
    name: 'a hyphen as recipient_delimiter',
    code: 'hyphen-delimiter',
    main: set('recipient_delimiter', '-'),
  },
  {
    name: 'a filter that no smtpd follows',
    code: 'address-mappings-off',
    main: add('receive_override_options = no_address_mappings'),
  },
  {
    name: 'the alias domain is a virtual alias domain itself',
    code: 'virtual-alias-domain',
    main: set('virtual_alias_domains', `${lists} x.example.test`),
  },
  {
    name: 'the smtpd rewrites nothing',
    code: 'address-mappings-off',
    master: (text) => text.replace(/smtpd$/m, 'smtpd -o receive_override_options=no_address_mappings'),
  },
  {
    name: 'the service that rewrites has no table',
    code: 'alias-domain-unused',
    master: (text) => text.replace(/cleanup$/m, 'cleanup -o virtual_alias_maps='),
  },
  {
    name: 'an entry for the list before ours',
    code: 'rewritten-address',
    main: set('virtual_alias_maps', `inline:{ { ant@${lists} = root@example.test } } hash:MAPS/postfix_vmap`),
  },
  {
    name: 'a table of ours is gone',
    code: 'table-missing',
    files: async ({ maps }) => {
      for (const suffix of ['', '.db']) await rm(join(maps, `postfix_vmap${suffix}`))
    },
  },
  {
    name: 'not compiled',
    code: 'table-not-compiled',
    files: ({ maps }) => rm(join(maps, 'postfix_vmap.db')),
  },
  {
    name: 'a list is newer than the tables',
    code: 'table-outdated',
    facts: (facts) => ({
      ...facts,
      domains: [listDomain({ aliasDomain: 'x.example.test', listNames: ['ant', 'bee.keepers', 'cow'] })],
    }),
  },
  {
    name: 'the alias domain was given after the tables',
    code: 'table-outdated',
    files: ({ maps }) => publish(maps, 'hash', [listDomain()]),
    main: set('virtual_alias_maps', ''),
  },
  {
    name: 'the table among the aliases',
    code: 'transport-table-as-alias',
    main: set('virtual_alias_maps', 'hash:MAPS/postfix_lmtp hash:MAPS/postfix_vmap'),
  },
  {
    name: 'mydestination too, with system users alone',
    code: 'two-classes-for-now',
    main: all(set('mydestination', lists), set('local_recipient_maps', 'unix:passwd.byname')),
  },
  {
    name: 'a type that nobody has',
    code: 'unsupported-type',
    main: set('virtual_alias_maps', 'hsah:MAPS/postfix_vmap'),
  },
  { name: 'no type', code: 'no-table', main: set('virtual_alias_maps', 'MAPS/postfix_vmap') },
  {
    name: 'the table of domains instead',
    code: 'alias-domain-unused',
    main: set('virtual_alias_maps', 'hash:MAPS/postfix_domains'),
  },
]

/** reject_unverified_recipient, without tables. */
export const withVerify: readonly Breakage[] = [
  { name: 'no transport_maps', code: 'no-transport', main: drop('transport_maps') },
  { name: 'another transport', code: 'not-lmtp', main: route('smtp:[127.0.0.1]:18402') },
  { name: 'another port', code: 'wrong-endpoint', main: route('lmtp:[127.0.0.1]:8024') },
  { name: 'no port', code: 'wrong-endpoint', main: route('lmtp:[127.0.0.1]') },
  { name: 'no relay_domains', code: 'domain-not-accepted', main: drop('relay_domains') },
  { name: 'another relay domain', code: 'domain-not-accepted', main: set('relay_domains', 'example.com') },
  {
    name: 'no verification',
    code: 'unknown-recipients-accepted',
    main: set('smtpd_recipient_restrictions', 'permit_mynetworks, reject_unauth_destination'),
  },
  {
    name: 'verification of another domain',
    code: 'unknown-recipients-accepted',
    main: set(
      'smtpd_recipient_restrictions',
      'check_recipient_access inline:{ { example.com = reject_unverified_recipient } }, permit_mynetworks, reject_unauth_destination',
    ),
  },
  {
    name: 'a permit before the verification',
    code: 'unknown-recipients-accepted',
    main: set(
      'smtpd_recipient_restrictions',
      'permit_mynetworks, permit_auth_destination, reject_unverified_recipient, reject',
    ),
  },
  {
    name: 'refusals are not kept',
    code: 'verification-not-kept',
    main: add('address_verify_negative_cache = no'),
  },
  {
    name: 'refusals are kept for days',
    code: 'verification-kept-long',
    main: drop('address_verify_negative_expire_time'),
  },
  {
    name: 'refusals are kept for hours',
    code: 'verification-kept-long',
    main: set('address_verify_negative_refresh_time', '3h'),
  },
  {
    name: 'unknown lists are refused for now',
    code: 'temporary-refusal',
    main: set('unverified_recipient_reject_code', '450'),
  },
  {
    name: 'the default of the code',
    code: 'temporary-refusal',
    main: drop('unverified_recipient_reject_code'),
  },
  {
    name: 'probes go elsewhere',
    code: 'verification-elsewhere',
    main: add(`address_verify_transport_maps = inline:{ { ${lists} = smtp:[192.0.2.1] } }`),
  },
  {
    name: 'probes go the way of all relayed mail',
    code: 'verification-elsewhere',
    main: add('address_verify_transport_maps ='),
  },
  {
    name: 'refused for good while we are down',
    code: 'refused-while-down',
    main: add('unverified_recipient_defer_code = 550'),
  },
  {
    name: 'verify is not in master.cf',
    code: 'service-missing',
    master: (text) => text.replace(/^verify .*\n/m, ''),
  },
  {
    name: 'relay_recipient_maps that know no list',
    code: 'lists-unknown',
    main: set('relay_recipient_maps', 'inline:{ { staff@example.test = OK } }'),
  },
  {
    name: 'mydestination too',
    code: 'two-classes',
    main: all(set('mydestination', lists), set('local_recipient_maps', 'unix:passwd.byname')),
  },
  { name: 'a virtual alias domain too', code: 'two-classes', main: add(`virtual_alias_domains = ${lists}`) },
  {
    name: 'a time that is none',
    code: 'bad-value',
    main: set('address_verify_negative_expire_time', '10 sec'),
  },
]
