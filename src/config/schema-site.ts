// The sections that describe the site: who runs it, what keeps its records, how it is reached.

import { host, hostPort, listenAddress } from './hosts.ts'
import { ignored, later, translated, honoured as y } from './key.ts'
import { configurationName } from './names.ts'
import {
  boolean,
  byteSize,
  duration,
  emailAddress,
  integer,
  lines,
  oneOf,
  optional,
  pattern,
  port,
  secret,
  text,
  typeOf,
  type ValueType,
  words,
} from './values.ts'

const count = integer(0, 1_000_000_000)
const noHooks = 'no program runs at start and stop; use the service manager of the system'

export const mailman = {
  title: 'mailman',
  doc: 'The site as a whole.',
  keys: {
    site_owner: y(
      emailAddress,
      'changeme@example.com',
      'The human who looks after this site; a mailbox outside the lists.',
    ),
    noreply_address: y(text, 'noreply', 'Local part of the address that nobody reads.'),
    default_language: later(
      text,
      'en',
      'Language where nothing else is known; one of the [language.CODE] sections.',
      'translations',
    ),
    sender_headers: y(
      words,
      'from from_ reply-to sender',
      'Where the sender of a post is looked for; from_ is the envelope.',
    ),
    anonymous_list_keep_headers: later(
      words,
      '^x-mailman- ^x-content-filtered-by: ^x-topics: ^x-ack: ^x-beenthere: ^x-list-administrivia: ^x-spam-',
      'Regular expressions of the X- header fields that an anonymous list keeps.',
      'anonymous lists',
    ),
    email_commands_max_lines: later(
      count,
      '10',
      'Lines of a message that are read for commands.',
      'commands by mail',
    ),
    pending_request_life: later(duration, '3d', 'How long a user has to confirm.', 'commands by mail'),
    moderator_request_life: later(
      duration,
      '180d',
      'How long a request waits for a moderator.',
      'decisions of moderators',
    ),
    dsn_lifetime: later(duration, '1d', 'How long processed bounces are kept.', 'bounce processing'),
    cache_life: later(
      duration,
      '7d',
      'How long a downloaded template is kept; 0 is not at all.',
      'templates of the site',
    ),
    run_tasks_every: translated(
      duration,
      '1h',
      'How often old requests and records are cleaned up.',
      'Every five minutes.',
    ),
    layout: y(text, 'here', 'Which [paths.LAYOUT] section says where the files are.'),
    filtered_messages_are_preservable: later(
      boolean,
      'no',
      'Messages that content filtering rejects may be preserved.',
      'content filtering',
    ),
    html_to_plain_text_command: translated(
      text,
      '/usr/bin/lynx -dump $filename',
      'The program that turns HTML into text.',
      'HTML is turned into text by Posthorn itself; no program is run.',
    ),
    filter_report: later(
      boolean,
      'no',
      'A filtered message ends with a report of what was removed.',
      'content filtering',
    ),
    listname_chars: y(pattern, '[-_.0-9a-z]', 'A character class: what a list name may be made of.'),
    hold_digest: later(
      boolean,
      'no',
      'Replies that quote a whole digest are held.',
      'the rule about quoted digests',
    ),
    masthead_threshold: later(
      count,
      '4',
      'How many lines of the masthead make such a quote.',
      'the rule about quoted digests',
    ),
    check_max_size_on_filtered_message: later(
      boolean,
      'no',
      'The size of a post counts after content filtering.',
      'content filtering',
    ),
    pre_hook: ignored(text, '', 'Code that runs before the start.', noHooks),
    post_hook: ignored(text, '', 'Code that runs after the start.', noHooks),
  },
} as const

const ownDatabase = "Posthorn keeps its own database; Mailman's is opened by import only."

export const database = {
  title: 'database',
  doc: "Mailman's database, which import reads.",
  keys: {
    class: translated(
      text,
      'mailman.database.sqlite.SQLiteDatabase',
      "The kind of Mailman's database.",
      ownDatabase,
    ),
    url: translated(secret, 'sqlite:///$DATA_DIR/mailman.db', "Where Mailman's database is.", ownDatabase),
    debug: ignored(boolean, 'no', 'Statements are logged.', 'statements are not logged'),
  },
} as const

const storeUrl: ValueType<null> = {
  name: 'nothing',
  accepted: 'nothing, which means SQLite in var_dir',
  parse: (url) => (url.trim() === '' ? { value: null } : { wrong: 'no other store is part of this release' }),
}

export const store = {
  title: 'store',
  doc: "Posthorn's own database. New in Posthorn.",
  keys: {
    url: y(storeUrl, '', 'Empty: SQLite in var_dir.'),
    reserve: y(
      byteSize,
      '256 MiB',
      'Free disk space below which no new mail is taken, so that the queue can drain.',
    ),
    judging_deadline: y(
      duration,
      '30s',
      'Longest time that one message may be looked at before it is set aside.',
    ),
  },
} as const

export const web = {
  title: 'web',
  doc: 'The pages for people. New in Posthorn.',
  keys: {
    listen: y(
      listenAddress,
      '127.0.0.1:8080',
      "Where the pages are served; in this release those of 'posthorn demo' alone.",
    ),
    metrics: y(
      optional(hostPort),
      '',
      'Where /healthz, /readyz and /metrics (Prometheus) are served, such as 127.0.0.1:9108. There is no login. Empty: nowhere.',
    ),
    base_url: later(
      optional(
        typeOf(
          'https address',
          'an https:// address without query, such as https://lists.example.org',
          'web address',
          (text) => {
            const url = URL.canParse(text) ? new URL(text) : null
            const plain =
              url?.protocol === 'https:' && url.search === '' && url.hash === '' && url.username === ''
            return plain ? url.href.replace(/\/+$/, '') : undefined
          },
        ),
      ),
      '',
      'How the pages are reached from outside. Empty: no one-click links (RFC 8058) in list mail.',
      'one-click links',
    ),
  },
} as const

export const webservice = {
  title: 'webservice',
  doc: 'The REST API.',
  keys: {
    hostname: later(host, 'localhost', 'The address to listen on, and the name in links.', 'the REST API'),
    port: later(port, '8001', 'The port.', 'the REST API'),
    use_https: later(boolean, 'no', 'Links begin with https; a proxy in front does the TLS.', 'the REST API'),
    show_tracebacks: ignored(
      boolean,
      'yes',
      'Faults are shown to the client.',
      'causes go to the log, never to a client',
    ),
    api_version: later(
      oneOf('3.1', '3.0'),
      '3.1',
      'The version that links name; both are served.',
      'the REST API',
    ),
    admin_user: later(text, 'restadmin', 'The user of the API.', 'the REST API'),
    admin_pass: later(
      secret,
      '',
      "The user's password. Empty: one is made at the first start (posthorn info --credentials). restpass, Mailman's default, is refused unless hostname is a loopback one.",
      'the REST API',
    ),
    workers: ignored(count, '2', 'Processes that answer.', 'one process answers'),
    configuration: ignored(
      configurationName,
      'python:mailman.config.gunicorn',
      'Settings of the HTTP server.',
      'the HTTP server is built in',
    ),
  },
} as const

export const passwords = {
  title: 'passwords',
  doc: 'Passwords of users and lists.',
  keys: {
    configuration: translated(
      configurationName,
      'python:mailman.config.passlib',
      'How passwords are hashed.',
      "Hashes made by Mailman are verified; new ones are made in Posthorn's way.",
    ),
    password_length: later(integer(8, 128), '8', 'Length of generated passwords.', 'passwords of users'),
  },
} as const

export const shell = {
  title: 'shell',
  doc: "Mailman's Python shell.",
  keys: {
    prompt: ignored(text, '>>>', 'The prompt.', 'there is no Python shell'),
    banner: ignored(text, 'Welcome to the GNU Mailman shell', 'The greeting.', 'there is no Python shell'),
    use_ipython: ignored(
      oneOf('yes', 'no', 'debug', 'true', 'false'),
      'no',
      'Uses IPython.',
      'there is no Python shell',
    ),
    history_file: ignored(text, '', 'Where input is kept.', 'there is no Python shell'),
  },
} as const

export const antispam = {
  title: 'antispam',
  doc: 'Header checks for all lists.',
  keys: {
    header_checks: later(
      lines,
      '',
      'One "Header: regular expression" a line; a post that matches goes to jump_chain.',
      'header checks',
    ),
    jump_chain: later(text, 'hold', 'What happens to it: accept, hold, reject or discard.', 'header checks'),
  },
} as const
