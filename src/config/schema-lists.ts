// The sections about lists: styles, digests, archives, languages, the news gateway.

import { host } from './hosts.ts'
import { later, honoured as y } from './key.ts'
import { archivers, codeNameIfKnown, configurationName } from './names.ts'
import { boolean, duration, lines, oneOf, optional, port, secret, text, words } from './values.ts'

export const styles = {
  title: 'styles',
  doc: 'How new lists are set up.',
  keys: {
    default: y(
      text,
      'legacy-default',
      'The style of a new list: legacy-default, legacy-announce or private-default.',
    ),
  },
} as const

export const digests = {
  title: 'digests',
  doc: 'Which header fields digests keep.',
  keys: {
    mime_digest_keep_headers: later(
      words,
      'Date From To Cc Subject Message-ID Keywords In-Reply-To References Content-Type MIME-Version Content-Transfer-Encoding Precedence Reply-To Message List-Post',
      'In MIME digests.',
      'digests',
    ),
    plain_digest_keep_headers: later(
      words,
      'Message Date From Subject To Cc Message-ID Keywords Content-Type',
      'In plain digests (RFC 1153).',
      'digests',
    ),
  },
} as const

export const archiver = {
  title: 'archiver.NAME',
  family: 'archiver',
  open: true,
  doc: 'Where posts are kept besides the built-in archive.',
  keys: {
    class: later(codeNameIfKnown(archivers), '', 'The kind of archive.', 'archives'),
    enable: later(boolean, 'no', 'Whether it gets posts.', 'archives'),
    configuration: later(configurationName, 'changeme', 'Its settings.', 'archives'),
    clobber_date: later(
      oneOf('maybe', 'never', 'always'),
      'maybe',
      'Whether the date of a post is replaced by that of its arrival.',
      'archives',
    ),
    clobber_skew: later(duration, '1d', 'With maybe: how wrong a date must be.', 'archives'),
  },
  members: {
    mhonarc: { class: 'mailman.archiving.mhonarc.MHonArc', configuration: 'python:mailman.config.mhonarc' },
    mail_archive: {
      class: 'mailman.archiving.mailarchive.MailArchive',
      configuration: 'python:mailman.config.mail_archive',
    },
    prototype: { class: 'mailman.archiving.prototype.Prototype' },
  },
} as const

export const nntp = {
  title: 'nntp',
  doc: 'The news gateway.',
  keys: {
    user: later(optional(text), '', 'Login.', 'the news gateway'),
    password: later(secret, '', 'Password of the login.', 'the news gateway'),
    host: later(optional(host), '', 'The news server; empty: localhost.', 'the news gateway'),
    port: later(optional(port), '', 'Its port; empty: 119.', 'the news gateway'),
    remove_headers: later(
      words,
      'nntp-posting-host nntp-posting-date x-trace x-complaints-to xref date-received posted posting-version relay-version received',
      'Header fields removed before a post goes to news.',
      'the news gateway',
    ),
    rewrite_duplicate_headers: later(
      lines,
      [
        'To X-Original-To',
        'CC X-Original-CC',
        'Content-Transfer-Encoding X-Original-Content-Transfer-Encoding',
        'MIME-Version X-MIME-Version',
      ].join('\n'),
      'Pairs, one a line: a header field that may stand once, and the name that further ones get.',
      'the news gateway',
    ),
    gatenews_every: later(duration, '5m', 'How often news are fetched.', 'the news gateway'),
  },
} as const

const utf8 = (description: string) => ({ description, charset: 'utf-8' })

export const language = {
  title: 'language.CODE',
  family: 'language',
  open: true,
  doc: 'Languages that lists and users can choose.',
  keys: {
    description: y(text, 'English (USA)', 'Its name.'),
    charset: y(text, 'us-ascii', 'The charset that lists of this language prefer.'),
    enabled: y(boolean, 'yes', 'Whether it can be chosen.'),
  },
  members: {
    en: {},
    ar: utf8('Arabic'),
    ast: utf8('Asturian'),
    bg: utf8('Bulgarian'),
    ca: utf8('Catalan'),
    cs: utf8('Czech'),
    da: utf8('Danish'),
    de: utf8('German'),
    el: utf8('Greek'),
    es: utf8('Spanish'),
    et: utf8('Estonian'),
    eu: utf8('Basque'),
    fi: utf8('Finnish'),
    fr: utf8('French'),
    gl: utf8('Galician'),
    he: utf8('Hebrew'),
    hr: utf8('Croatian'),
    hu: utf8('Hungarian'),
    ia: utf8('Interlingua'),
    it: utf8('Italian'),
    ja: utf8('Japanese'),
    ko: utf8('Korean'),
    lt: utf8('Lithuanian'),
    nl: utf8('Dutch'),
    no: utf8('Norwegian'),
    pl: utf8('Polish'),
    pt: utf8('Portuguese'),
    pt_BR: utf8('Portuguese (Brazil)'),
    ro: utf8('Romanian'),
    ru: utf8('Russian'),
    sk: utf8('Slovak'),
    sl: utf8('Slovenian'),
    sr: utf8('Serbian'),
    sv: utf8('Swedish'),
    tr: utf8('Turkish'),
    uk: utf8('Ukrainian'),
    vi: utf8('Vietnamese'),
    zh_CN: utf8('Chinese'),
    zh_TW: utf8('Chinese (Taiwan)'),
  },
} as const
