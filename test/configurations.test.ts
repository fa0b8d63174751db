// Configurations in the shape that sites have: distributions, containers, guides, old releases, and what an operator adds by
// hand. Each is read as it stands; what counts counts, and what does not is told, line by line (test/configurations/remarks.txt,
// rewritten by `node test/configurations.test.ts --record` and read in review).
import { deepEqual, equal, ok } from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Config, loadConfig } from '../src/config/config.ts'
import { formatMistake } from '../src/config/mistake.ts'

const sites = new URL('configurations/sites/', import.meta.url).pathname
const golden = new URL('configurations/remarks.txt', import.meta.url).pathname
const names = readdirSync(sites)
  .filter((name) => name.endsWith('.cfg'))
  .map((name) => name.slice(0, -4))
  .sort()

function configOf(name: string): Config {
  const loaded = loadConfig({
    explicit: join(sites, `${name}.cfg`),
    environment: {},
    cwd: '/srv',
    home: null,
    effectiveUid: 1000,
  })
  ok('config' in loaded, 'errors' in loaded ? loaded.errors.map(formatMistake).join('\n') : '')
  return loaded.config
}

const remarksOf = (name: string): string =>
  [`== ${name}`, ...configOf(name).warnings.map((each) => formatMistake(each).replaceAll(sites, ''))]
    .map((line) => `${line}\n`)
    .join('')

if (process.argv.includes('--record')) writeFileSync(golden, names.map(remarksOf).join(''))
const recorded = readFileSync(golden, 'utf8')

test('there are forty of them', () => ok(names.length >= 40, `${names.length}`))

for (const name of names)
  test(`${name}: read as it stands, and what has no effect is told`, () => {
    const remarks = remarksOf(name)
    equal(recorded.slice(recorded.indexOf(`== ${name}\n`)).slice(0, remarks.length), remarks)
  })

test('nothing is recorded of a site that is not there', () => {
  deepEqual(
    [...recorded.matchAll(/^== (.*)$/gm)].map(([, name]) => name),
    names,
  )
})

const code = (name: string) => [{ kind: 'built-in', name }]

for (const [name, what, look, value] of [
  ['debian-postgresql', 'var_dir', ({ paths }: Config) => paths.varDir, '/var/lib/mailman3'],
  ['debian-mariadb', 'max_recipients', ({ mta }: Config) => mta.maxRecipients, 100],
  ['debian-exim-split', 'incoming', ({ mta }: Config) => mta.incoming, code('exim4')],
  ['byte-order-mark', 'incoming', ({ mta }: Config) => mta.incoming, code('exim4')],
  ['ubuntu-relay-with-password', 'smtp_pass', ({ mta }: Config) => mta.smtpPass, 'pa%ss:word#1'],
  ['ubuntu-relay-with-password', 'smtp_secure_mode', ({ mta }: Config) => mta.smtpSecureMode, 'starttls'],
  ['smtps-relay', 'smtp_secure_mode', ({ mta }: Config) => mta.smtpSecureMode, 'smtps'],
  ['smtps-relay', 'sessions', ({ mta }: Config) => mta.maxSessionsPerConnection, 100],
  ['docker-entrypoint-postfix', 'lmtp_host', ({ mta }: Config) => mta.lmtpHost, 'mailman-core'],
  ['docker-swarm-allow', 'lmtp_host', ({ mta }: Config) => mta.lmtpHost, '0.0.0.0'],
  ['docker-swarm-allow', 'allow', ({ lmtp }: Config) => lmtp.allow?.length, 2],
  ['crlf', 'default_language', ({ mailman }: Config) => mailman.defaultLanguage, 'de'],
  ['crlf', 'site_owner', ({ mailman }: Config) => mailman.siteOwner, 'listmaster@example.org'],
  ['fedora', 'log_dir', ({ paths }: Config) => paths.logDir, '/var/log/mailman3'],
  ['freebsd-port', 'pid_file', ({ paths }: Config) => paths.pidFile, '/var/run/mailman3/master.pid'],
  ['virtualenv', 'var_dir', ({ paths }: Config) => paths.varDir, '/opt/mailman/mm/var'],
  ['virtualenv-systemd', 'data_dir', ({ paths }: Config) => paths.dataDir, '/srv/mailman/var/data'],
  ['substitutions', 'template_dir', ({ paths }: Config) => paths.templateDir, '/srv/lists/data/templates'],
  ['equals-and-colons', 'ports', ({ mta }: Config) => [mta.smtpPort, mta.lmtpPort], [2525, 8025]],
  ['comments-everywhere', 'lmtp_port', ({ mta }: Config) => mta.lmtpPort, 8026],
  [
    'continuation-lines',
    'sender_headers',
    ({ mailman }: Config) => mailman.senderHeaders,
    ['from', 'from_', 'reply-to', 'sender'],
  ],
  ['ipv6-lmtp', 'lmtp_host', ({ mta }: Config) => mta.lmtpHost, '::1'],
  ['lmtp-on-24', 'lmtp_port', ({ mta }: Config) => mta.lmtpPort, 24],
  ['two-mail-servers', 'incoming', ({ mta }: Config) => mta.incoming.length, 2],
  ['qmail-8042', 'incoming', ({ mta }: Config) => mta.incoming, code('null')],
  ['bulk-sending', 'mode', ({ bulk }: Config) => bulk.mode, 'bulk'],
  [
    'bulk-sending',
    'connections, bounded by max_delivery_threads',
    ({ bulk }: Config) => bulk.connections.bulk,
    4,
  ],
  ['look-ups', 'socketmap', ({ lookup }: Config) => lookup.socketmap !== null, true],
  ['smtp-intake', 'largest message', ({ lmtp }: Config) => lmtp.maxMessageSize, 64 * 1024 * 1024],
  ['devmode', 'recipient', ({ devmode }: Config) => devmode.recipient, 'developer@example.org'],
  ['early-3.1-antispam', 'header_checks', ({ antispam }: Config) => antispam.headerChecks.length, 3],
] as const)
  test(`${name}: ${what} counts`, () => deepEqual(look(configOf(name)), value))
