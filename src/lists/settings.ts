// A list's settings as text, under the names that Mailman's clients know: read from `KEY VALUE`, and written back.
import { didYouMean } from '../config/section.ts'
import {
  type DeliveryMode,
  type ListSettings,
  type ModerationAction,
  moderationActions,
  type ReplyGoesTo,
} from '../model/list.ts'

type Read<T> = { readonly value: T } | { readonly wrong: string }

interface Kind<T> {
  /** What is accepted, for a mistake's last words. */
  readonly accepted: string
  read(text: string): Read<T>
  write(value: T): string
}

interface Attribute<K extends keyof ListSettings> {
  /** Mailman's name, snake_case. */
  readonly name: string
  readonly kind: Kind<ListSettings[K]>
}

const truths = new Map([
  ...['yes', 'true', 'on', '1'].map((word) => [word, true] as const),
  ...['no', 'false', 'off', '0'].map((word) => [word, false] as const),
])

const truth: Kind<boolean> = {
  accepted: 'yes or no',
  read: (text) => {
    const value = truths.get(text.trim().toLowerCase())
    return value === undefined ? { wrong: 'is neither yes nor no' } : { value }
  },
  write: (value) => (value ? 'yes' : 'no'),
}

const line: Kind<string> = {
  accepted: 'one line of text',
  read: (text) =>
    /\p{Cc}/u.test(text) ? { wrong: 'holds a line break or another control character' } : { value: text },
  write: (value) => value,
}

// Line ends are written \n, so that a whole footer fits one line of a shell.
const lines: Kind<string> = {
  accepted: 'text, with \\n for a new line and \\\\ for a backslash',
  read: (text) => ({ value: text.replace(/\\([n\\])/g, (_, sign) => (sign === 'n' ? '\n' : '\\')) }),
  write: (value) => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n'),
}

const kibibytes: Kind<number> = {
  accepted: 'KiB as a whole number, 0 for no limit',
  read: (text) => (/^\d{1,9}$/.test(text.trim()) ? { value: Number(text) } : { wrong: 'is no such number' }),
  write: String,
}

const language: Kind<string> = {
  accepted: 'a language code such as en or pt_BR',
  read: (text) =>
    /^[a-z]{2,3}(?:_[A-Z]{2})?$/.test(text.trim())
      ? { value: text.trim() }
      : { wrong: 'is no language code' },
  write: (value) => value,
}

function oneOf<T extends string>(...words: readonly T[]): Kind<T> {
  return {
    accepted: words.join(', '),
    read: (text) => {
      const value = words.find((word) => word === text.trim().toLowerCase())
      return value === undefined ? { wrong: 'is none of these' } : { value }
    },
    write: (value) => value,
  }
}

const mode: Kind<DeliveryMode | null> = {
  accepted: 'bulk, individual, or site (what the site says)',
  read: (text) =>
    text.trim().toLowerCase() === 'site' ? { value: null } : oneOf('bulk', 'individual').read(text),
  write: (value) => value ?? 'site',
}

const action: Kind<ModerationAction> = oneOf(...moderationActions)
const replies: Kind<ReplyGoesTo> = oneOf(
  'no_munging',
  'point_to_list',
  'explicit_header',
  'explicit_header_only',
)

const attributes: { readonly [K in keyof ListSettings]: Attribute<K> } = {
  displayName: { name: 'display_name', kind: line },
  description: { name: 'description', kind: line },
  subjectPrefix: { name: 'subject_prefix', kind: line },
  preferredLanguage: { name: 'preferred_language', kind: language },
  emergency: { name: 'emergency', kind: truth },
  allowListPosts: { name: 'allow_list_posts', kind: truth },
  advertised: { name: 'advertised', kind: truth },
  includeRfc2369Headers: { name: 'include_rfc2369_headers', kind: truth },
  defaultMemberAction: { name: 'default_member_action', kind: action },
  defaultNonmemberAction: { name: 'default_nonmember_action', kind: action },
  maxMessageSize: { name: 'max_message_size', kind: kibibytes },
  respondToPostRequests: { name: 'respond_to_post_requests', kind: truth },
  adminImmedNotify: { name: 'admin_immed_notify', kind: truth },
  sendWelcomeMessage: { name: 'send_welcome_message', kind: truth },
  sendGoodbyeMessage: { name: 'send_goodbye_message', kind: truth },
  adminNotifyMchanges: { name: 'admin_notify_mchanges', kind: truth },
  replyGoesToList: { name: 'reply_goes_to_list', kind: replies },
  replyToAddress: { name: 'reply_to_address', kind: line },
  firstStripReplyTo: { name: 'first_strip_reply_to', kind: truth },
  header: { name: 'header', kind: lines },
  footer: { name: 'footer', kind: lines },
  deliveryMode: { name: 'delivery_mode', kind: mode },
}

const keys = Object.keys(attributes) as (keyof ListSettings)[]

/** The names that can be set, in the order of the listing. */
export const settingNames: readonly string[] = keys.map((key) => attributes[key].name)

export type SettingsRead =
  | { readonly settings: Partial<ListSettings> }
  /** A line for each pair that cannot be; nothing is to be changed then. */
  | { readonly wrong: readonly string[] }

/** Reads pairs of Mailman's attribute name and text; the last of two with one name counts. */
export function parseSettings(pairs: readonly (readonly [name: string, text: string])[]): SettingsRead {
  const settings: Partial<ListSettings> = {}
  const wrong: string[] = []
  for (const [name, text] of pairs) {
    const key = keys.find((each) => attributes[each].name === name)
    const fault = key === undefined ? unknownName(name) : readInto(settings, key, text)
    if (fault !== null) wrong.push(fault)
  }
  return wrong.length > 0 ? { wrong } : { settings }
}

/** Cuts `KEY VALUE` at the first blank or `=`; the value keeps its trailing blanks, since a prefix may end in one. */
export function splitSetting(text: string): readonly [name: string, text: string] {
  const [, name = '', value = ''] = /^\s*([A-Za-z0-9_]*)(?:\s*=\s*|\s+)?([\s\S]*)$/.exec(text) ?? []
  return [name, value]
}

/** Every setting as text, which `parseSettings` reads back to the same. */
export function formatSettings(settings: ListSettings): readonly (readonly [name: string, text: string])[] {
  return keys.map((key) => [attributes[key].name, formatOne(settings, key)] as const)
}

function formatOne<K extends keyof ListSettings>(settings: ListSettings, key: K): string {
  const kind: Kind<ListSettings[K]> = attributes[key].kind
  return kind.write(settings[key])
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

function readInto<K extends keyof ListSettings>(
  settings: Partial<Writable<ListSettings>>,
  key: K,
  text: string,
): string | null {
  const { name, kind }: Attribute<K> = attributes[key]
  const read: Read<ListSettings[K]> = kind.read(text)
  if ('wrong' in read) return `${name}: ${JSON.stringify(text)} ${read.wrong}; accepted: ${kind.accepted}`
  settings[key] = read.value
  return null
}

function unknownName(name: string): string {
  const folded = name.toLowerCase().replaceAll('-', '_')
  const near = settingNames.filter((each) => each === folded || (folded !== '' && each.includes(folded)))
  const meant = near.length > 0 ? `; did you mean ${near.join(' or ')}?` : didYouMean(folded, settingNames)
  return `${JSON.stringify(name)} is no setting of a list${meant === '' ? `; there are: ${settingNames.join(', ')}` : meant}`
}
