// The sections about lists: styles, digests, archives, languages, the news gateway.

import { host } from './hosts.ts'
import { honoured as y } from './key.ts'
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
    mime_digest_keep_headers: y(
      words,
      'Date From To Cc Subject Message-ID Keywords In-Reply-To References Content-Type MIME-Version Content-Transfer-Encoding Precedence Reply-To Message List-Post',
      'In MIME digests.',
    ),
    plain_digest_keep_headers: y(
      words,
      'Message Date From Subject To Cc Message-ID Keywords Content-Type',
      'In plain digests (RFC 1153).',
    ),
  },
} as const

export const archiver = {
  title: 'archiver.NAME',
  family: 'archiver',
  open: true,
  doc: 'Where posts are kept besides the built-in archive.',
  keys: {
    class: y(codeNameIfKnown(archivers), '', 'The kind of archive.'),
    enable: y(boolean, 'no', 'Whether it gets posts.'),
    configuration: y(configurationName, 'changeme', 'Its settings.'),
    clobber_date: y(
      oneOf('maybe', 'never', 'always'),
      'maybe',
      'Whether the date of a post is replaced by that of its arrival.',
    ),
    clobber_skew: y(duration, '1d', 'With maybe: how wrong a date must be.'),
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
    user: y(optional(text), '', 'Login.'),
    password: y(secret, '', 'Password of the login.'),
    host: y(optional(host), '', 'The news server; empty: localhost.'),
    port: y(optional(port), '', 'Its port; empty: 119.'),
    remove_headers: y(
      words,
      'nntp-posting-host nntp-posting-date x-trace x-complaints-to xref date-received posted posting-version relay-version received',
      'Header fields removed before a post goes to news.',
    ),
    rewrite_duplicate_headers: y(
      lines,
      [
        'To X-Original-To',
        'CC X-Original-CC',
        'Content-Transfer-Encoding X-Original-Content-Transfer-Encoding',
        'MIME-Version X-MIME-Version',
      ].join('\n'),
      'Pairs, one a line: a header field that may stand once, and the name that further ones get.',
    ),
    gatenews_every: y(duration, '5m', 'How often news are fetched.'),
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
