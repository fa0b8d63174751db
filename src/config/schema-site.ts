// The sections that describe the site: who runs it, where its files are, how it is reached and watched.

import { host, listenAddress } from './hosts.ts'
import { ignored, translated, honoured as y } from './key.ts'
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
    default_language: y(
      text,
      'en',
      'Language where nothing else is known; one of the [language.CODE] sections.',
    ),
    sender_headers: y(
      words,
      'from from_ reply-to sender',
      'Where the sender of a post is looked for; from_ is the envelope.',
    ),
    anonymous_list_keep_headers: y(
      words,
      '^x-mailman- ^x-content-filtered-by: ^x-topics: ^x-ack: ^x-beenthere: ^x-list-administrivia: ^x-spam-',
      'Regular expressions of the X- header fields that an anonymous list keeps.',
    ),
    email_commands_max_lines: y(count, '10', 'Lines of a message that are read for commands.'),
    pending_request_life: y(duration, '3d', 'How long a user has to confirm.'),
    moderator_request_life: y(duration, '180d', 'How long a request waits for a moderator.'),
    dsn_lifetime: y(duration, '1d', 'How long processed bounces are kept.'),
    cache_life: y(duration, '7d', 'How long a downloaded template is kept; 0 is not at all.'),
    run_tasks_every: y(duration, '1h', 'How often old requests and records are cleaned up.'),
    layout: y(text, 'here', 'Which [paths.LAYOUT] section says where the files are.'),
    filtered_messages_are_preservable: y(
      boolean,
      'no',
      'Messages that content filtering rejects may be preserved.',
    ),
    html_to_plain_text_command: translated(
      text,
      '/usr/bin/lynx -dump $filename',
      'The program that turns HTML into text.',
      'HTML is turned into text by Posthorn itself; no program is run.',
    ),
    filter_report: y(boolean, 'no', 'A filtered message ends with a report of what was removed.'),
    listname_chars: y(pattern, '[-_.0-9a-z]', 'A character class: what a list name may be made of.'),
    hold_digest: y(boolean, 'no', 'Replies that quote a whole digest are held.'),
    masthead_threshold: y(count, '4', 'How many lines of the masthead make such a quote.'),
    check_max_size_on_filtered_message: y(
      boolean,
      'no',
      'The size of a post counts after content filtering.',
    ),
    pre_hook: ignored(text, '', 'Code that runs before the start.', noHooks),
    post_hook: ignored(text, '', 'Code that runs after the start.', noHooks),
  },
} as const

const oneDirectory = 'everything of this kind is in the databases and directories below var_dir'

/** The layouts' template; `$name` stands for another path of the section, `$cwd`, `$argv` or `$cfg_file`. */
export const paths = {
  title: 'paths.LAYOUT',
  family: 'paths',
  open: true,
  doc: 'Where the files are. [mailman] layout says which of these sections counts; MAILMAN_VAR_DIR in the environment overrides var_dir.',
  keys: {
    var_dir: y(text, '/var/tmp/mailman', 'The data directory.'),
    queue_dir: ignored(text, '$var_dir/queue', 'Queue files.', 'the queue is in the database'),
    bin_dir: ignored(text, '$argv', 'Programs.', 'the program finds its own parts'),
    list_data_dir: y(text, '$var_dir/lists', 'A marker per list, which Exim looks for.'),
    log_dir: y(text, '$var_dir/logs', 'Log files.'),
    lock_dir: ignored(text, '$var_dir/locks', 'Lock files.', 'one lock below var_dir guards everything'),
    data_dir: y(text, '$var_dir/data', 'Tables for the mail server.'),
    cache_dir: ignored(text, '$var_dir/cache', 'Downloaded files.', oneDirectory),
    etc_dir: ignored(text, '$var_dir/etc', 'Configuration.', 'configuration is read where it is found'),
    ext_dir: ignored(text, '$var_dir/ext', 'Extensions.', 'code of the site is named by its own path'),
    messages_dir: ignored(text, '$var_dir/messages', 'The message store.', oneDirectory),
    archive_dir: ignored(text, '$var_dir/archives', 'Archives.', oneDirectory),
    template_dir: y(
      text,
      '$var_dir/templates',
      "The site's own templates; :source: for the built-in ones only.",
    ),
    pid_file: y(text, '$var_dir/master.pid', 'The process id of the server.'),
    lock_file: ignored(text, '$lock_dir/master.lck', 'The lock of the server.', 'the lock is in var_dir/run'),
  },
  members: {
    local: {},
    dev: { var_dir: '$cfg_file/../..' },
    here: { var_dir: '$cwd/var' },
    fhs: {
      bin_dir: '/sbin',
      var_dir: '/var/lib/mailman',
      queue_dir: '/var/spool/mailman',
      log_dir: '/var/log/mailman',
      lock_dir: '/var/lock/mailman',
      etc_dir: '/etc',
      ext_dir: '/etc/mailman.d',
      pid_file: '/var/run/mailman/master.pid',
    },
  },
} as const

const oneProcess = 'one process does all the work; lanes of the queue are not cut into slices'

export const runner = {
  title: 'runner.NAME',
  family: 'runner',
  open: false,
  doc: "Mailman's processes. Posthorn is one process; it reads which parts should not work.",
  keys: {
    class: ignored(text, 'mailman.core.runner.Runner', 'The code of the runner.', 'the parts are built in'),
    path: ignored(text, '$QUEUE_DIR/$name', 'The directory of the queue.', 'the queue is in the database'),
    instances: ignored(count, '1', 'Processes that share the queue.', oneProcess),
    start: y(boolean, 'yes', 'Whether this part works.'),
    max_restarts: ignored(
      count,
      '10',
      'How often a dead runner is started again.',
      'a fault ends one piece of work, not a process',
    ),
    sleep_time: ignored(duration, '1s', 'How often the queue is looked at.', 'work is taken as it comes'),
  },
  members: {
    archive: { class: 'mailman.runners.archive.ArchiveRunner' },
    bad: { class: 'mailman.runners.fake.BadRunner', start: 'no' },
    bounces: { class: 'mailman.runners.bounce.BounceRunner', sleep_time: '2m' },
    command: { class: 'mailman.runners.command.CommandRunner' },
    digest: { class: 'mailman.runners.digest.DigestRunner' },
    in: { class: 'mailman.runners.incoming.IncomingRunner' },
    lmtp: { class: 'mailman.runners.lmtp.LMTPRunner', path: '' },
    nntp: { class: 'mailman.runners.nntp.NNTPRunner' },
    out: { class: 'mailman.runners.outgoing.OutgoingRunner' },
    pipeline: { class: 'mailman.runners.pipeline.PipelineRunner' },
    rest: { class: 'mailman.runners.rest.RESTRunner', path: '' },
    retry: { class: 'mailman.runners.retry.RetryRunner', sleep_time: '15m' },
    shunt: { class: 'mailman.runners.fake.ShuntRunner', start: 'no' },
    task: { class: 'mailman.runners.task.TaskRunner', path: '', sleep_time: '1m' },
    virgin: { class: 'mailman.runners.virgin.VirginRunner' },
  },
} as const

const ownFormat = 'each event is one line of JSON with the time in UTC'
const oneLog = 'all events go to one log, log_dir/posthorn.log'

export const logging = {
  title: 'logging.NAME',
  family: 'logging',
  open: false,
  doc: "Mailman's loggers. Posthorn writes one log; the level of root is its level.",
  keys: {
    format: ignored(text, '%(asctime)s (%(process)d) %(message)s', 'Form of a line.', ownFormat),
    datefmt: ignored(text, '%b %d %H:%M:%S %Y', 'Form of the time.', ownFormat),
    propagate: ignored(boolean, 'no', 'Lines go to the root logger too.', oneLog),
    level: translated(
      oneOf('debug', 'info', 'warn', 'warning', 'error', 'critical'),
      'info',
      'Least level that is written.',
      'That of [logging.root] counts for the whole log.',
    ),
    path: ignored(text, 'mailman.log', 'The file.', oneLog),
    every: ignored(text, '', 'The line for each delivery ([logging.smtp]).', ownFormat),
    success: ignored(text, '', 'The line for a delivery without refusal ([logging.smtp]).', ownFormat),
    refused: ignored(text, '', 'The line for a delivery with refusals ([logging.smtp]).', ownFormat),
    failure: ignored(text, '', 'The line for each refused recipient ([logging.smtp]).', ownFormat),
  },
  members: {
    root: {},
    archiver: {},
    bounce: { path: 'bounce.log' },
    config: {},
    database: { level: 'warn' },
    debug: { path: 'debug.log' },
    error: {},
    fromusenet: {},
    gunicorn: {},
    http: { format: '%(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"' },
    locks: {},
    mischief: {},
    plugins: { path: 'plugins.log' },
    runner: {},
    smtp: {
      path: 'smtp.log',
      every: '$msgid smtp to $listname for $recip recips, completed in $time seconds',
      success: '$msgid post to $listname from $sender, $size bytes',
      refused: '$msgid post to $listname from $sender, $size bytes, $refused failures',
      failure: '$msgid delivery to $recip failed with code $smtpcode, $smtpmsg',
    },
    subscribe: {},
    task: {},
    vette: {},
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
    listen: y(listenAddress, '127.0.0.1:8080', 'Where the pages are served.'),
    base_url: y(
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
    ),
  },
} as const

export const webservice = {
  title: 'webservice',
  doc: 'The REST API.',
  keys: {
    hostname: y(host, 'localhost', 'The address to listen on, and the name in links.'),
    port: y(port, '8001', 'The port.'),
    use_https: y(boolean, 'no', 'Links begin with https; a proxy in front does the TLS.'),
    show_tracebacks: ignored(
      boolean,
      'yes',
      'Faults are shown to the client.',
      'causes go to the log, never to a client',
    ),
    api_version: y(oneOf('3.1', '3.0'), '3.1', 'The version that links name; both are served.'),
    admin_user: y(text, 'restadmin', 'The user of the API.'),
    admin_pass: y(
      secret,
      '',
      "The user's password. Empty: one is made at the first start (posthorn info --credentials). restpass, Mailman's default, is refused unless hostname is a loopback one.",
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
    password_length: y(integer(8, 128), '8', 'Length of generated passwords.'),
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
    header_checks: y(
      lines,
      '',
      'One "Header: regular expression" a line; a post that matches goes to jump_chain.',
    ),
    jump_chain: y(text, 'hold', 'What happens to it: accept, hold, reject or discard.'),
  },
} as const

export const plugin = {
  title: 'plugin.NAME',
  family: 'plugin',
  open: true,
  doc: "Mailman's plugins, which are Python.",
  keys: {
    class: ignored(text, '', 'The code.', 'Python plugins cannot run here'),
    enabled: ignored(boolean, 'no', 'Whether it works.', 'Python plugins cannot run here'),
    configuration: ignored(text, '', 'Its settings.', 'Python plugins cannot run here'),
    component_package: ignored(text, '', 'Where its parts are.', 'Python plugins cannot run here'),
  },
  members: {},
} as const
