// The families of sections about the machine: directories, and what were processes and loggers in Mailman.
import { ignored, translated, honoured as y } from './key.ts'
import { boolean, duration, integer, oneOf, text } from './values.ts'

const count = integer(0, 1_000_000_000)

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
