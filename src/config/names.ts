// Names of code and of further files in a configuration. Mailman writes dotted Python names; here the ones
// it ships map to built-in names, and a site's own module is `./file.ts#Name`.
import { isAbsolute, resolve } from 'node:path'
import { quote } from './mistake.ts'
import type { ValueType } from './values.ts'

/** What a name stands for: something of ours, or a module of the site, loaded later. */
export type CodeName<B extends string> =
  | { readonly kind: 'built-in'; readonly name: B }
  | { readonly kind: 'module'; readonly file: string; readonly exportName: string }

/** Where further settings are: shipped with the program, or in a file. */
export type ConfigurationName =
  | { readonly kind: 'none' }
  | { readonly kind: 'built-in'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }

const moduleForm = /^(\.{0,2}\/[^#]*\.(?:ts|js|mjs))#([A-Za-z_$][\w$]*)$/

/** `known` maps each accepted word, Mailman's dotted ones included, to the built-in name. */
export function codeName<const B extends string>(known: Readonly<Record<string, B>>): ValueType<CodeName<B>> {
  const accepted = `${Object.keys(known).join(', ')}, or a module of your own as ./file.ts#Name`
  return {
    name: 'name of code',
    accepted,
    parse: (text, { directory, distrust }) => {
      const name = text.trim()
      const builtIn = Object.hasOwn(known, name) ? known[name] : undefined
      if (builtIn !== undefined) return { value: Object.freeze({ kind: 'built-in', name: builtIn }) }
      const [, file, exportName] = moduleForm.exec(name) ?? []
      if (file === undefined || exportName === undefined) return { wrong: `${quote(name)} is not known` }
      if (distrust !== null) return { wrong: `${quote(name)} names code, but ${distrust}` }
      return { value: Object.freeze({ kind: 'module', file: resolve(directory, file), exportName }) }
    },
  }
}

/** One or several names, between blanks or commas, each once; a single module's path may hold blanks itself. */
export function codeNames<const B extends string>(
  known: Readonly<Record<string, B>>,
): ValueType<readonly CodeName<B>[]> {
  const one = codeName(known)
  return {
    name: 'names of code',
    accepted: `one or several of ${one.accepted}`,
    parse: (text, origin) => {
      const whole = one.parse(text, origin)
      if ('value' in whole) return { value: Object.freeze([whole.value]) }
      const words = text.split(/[\s,]+/).filter((word) => word !== '')
      if (words.length === 0) return { wrong: 'no name is given' }
      const found = new Map<string, CodeName<B>>()
      for (const word of words) {
        const parsed = one.parse(word, origin)
        if ('wrong' in parsed) return parsed
        found.set(nameOf(parsed.value), parsed.value)
      }
      return { value: Object.freeze([...found.values()]) }
    },
  }
}

/** How a name of code is shown: `postfix`, `/etc/posthorn/ours.ts#OurMta`. */
export const nameOf = (code: CodeName<string>): string =>
  code.kind === 'built-in' ? code.name : `${code.file}#${code.exportName}`

/** As `codeName`, but a name that nobody knows is kept as text: it matters only when the section is enabled. */
export function codeNameIfKnown<const B extends string>(
  known: Readonly<Record<string, B>>,
): ValueType<CodeName<B> | { readonly kind: 'unknown'; readonly name: string } | null> {
  const strict = codeName(known)
  return {
    name: strict.name,
    accepted: strict.accepted,
    parse: (text, origin) => {
      if (text.trim() === '') return { value: null }
      const parsed = strict.parse(text, origin)
      return 'wrong' in parsed && !text.includes('#')
        ? { value: Object.freeze({ kind: 'unknown', name: text.trim() }) }
        : parsed
    },
  }
}

/** `python:mailman.config.NAME` or the path of a file; `changeme` and nothing mean none. */
export const configurationName: ValueType<ConfigurationName> = {
  name: 'configuration',
  accepted: 'python:mailman.config.NAME, or the path of a file',
  parse: (text, { directory, distrust }) => {
    const name = text.trim()
    if (name === '' || name === 'changeme') return { value: Object.freeze({ kind: 'none' }) }
    if (!name.startsWith('python:')) {
      if (distrust !== null && !isAbsolute(name))
        return { wrong: `${quote(name)} is relative, but ${distrust}` }
      return { value: Object.freeze({ kind: 'file', path: resolve(directory, name) }) }
    }
    const builtIn = /^python:mailman\.config\.(\w+)$/.exec(name)?.[1]
    if (builtIn !== undefined) return { value: Object.freeze({ kind: 'built-in', name: builtIn }) }
    return { wrong: `${quote(name)} is a Python resource that is not part of this program` }
  },
}

/** The mail servers that `[mta] incoming` can name. */
export const mailServers = {
  postfix: 'postfix',
  exim4: 'exim4',
  sendmail: 'sendmail',
  opensmtpd: 'opensmtpd',
  courier: 'courier',
  qmail: 'qmail',
  null: 'null',
  'mailman.mta.postfix.LMTP': 'postfix',
  'mailman.mta.exim4.LMTP': 'exim4',
  'mailman.mta.null.NullMTA': 'null',
} as const
export type MailServerName = (typeof mailServers)[keyof typeof mailServers]

/** The ways of sending that `[mta] outgoing` can name. */
export const deliverers = { deliver: 'deliver', 'mailman.mta.deliver.deliver': 'deliver' } as const
export type DelivererName = (typeof deliverers)[keyof typeof deliverers]

/** The archivers that `[archiver.NAME] class` can name. */
export const archivers = {
  prototype: 'prototype',
  mhonarc: 'mhonarc',
  'mail-archive': 'mail-archive',
  hyperkitty: 'hyperkitty',
  'mailman.archiving.prototype.Prototype': 'prototype',
  'mailman.archiving.mhonarc.MHonArc': 'mhonarc',
  'mailman.archiving.mailarchive.MailArchive': 'mail-archive',
  'mailman_hyperkitty.Archiver': 'hyperkitty',
} as const
export type ArchiverName = (typeof archivers)[keyof typeof archivers]
