// The language of Exim's configuration file (its specification, chapter 6): macros, conditions, includes, continued lines,
// and the sections that a hook-up touches, each thing with the file and line where it stands. Law: it reads what Exim would
// read; what it does not understand it passes over, for Exim's own words about faults are better.

/** A physical line. */
export interface Place {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** As it is written. */
  readonly text: string
}

export interface Setting {
  readonly name: string
  /** Macros expanded, continued lines joined. A boolean is `true` or `false`. */
  readonly value: string
  readonly place: Place
}

/** A router or a transport. */
export interface Driver {
  readonly name: string
  readonly place: Place
  readonly options: ReadonlyMap<string, Setting>
}

export interface NamedList extends Setting {
  readonly kind: string
}

/** One statement of an access control list. */
export interface Statement {
  readonly verb: string
  readonly place: Place
  /** Conditions and modifiers; the name of a negated one begins with `!`. */
  readonly parts: readonly Setting[]
}

export interface EximText {
  /** In the order of their definition. */
  readonly macros: ReadonlyMap<string, Setting>
  readonly main: ReadonlyMap<string, Setting>
  /** By name without `+`. */
  readonly lists: ReadonlyMap<string, NamedList>
  readonly acls: ReadonlyMap<string, readonly Statement[]>
  readonly routers: readonly Driver[]
  readonly transports: readonly Driver[]
  /** How many retry rules there are. */
  readonly retryRules: number
  /** The `begin …` lines that were met. */
  readonly sections: ReadonlyMap<string, Place>
  /** Every line that counts, with its macros expanded. */
  readonly lines: readonly { readonly text: string; readonly place: Place }[]
}

/** The lines of a file. */
export function placesOf(file: string, text: string): readonly Place[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines.map((line, at) => ({ file, line: at + 1, text: line }))
}

/** `read` gives the text of an included file, null where there is none. */
export async function parseExim(
  places: readonly Place[],
  read: (path: string) => Promise<string | null>,
): Promise<EximText> {
  const reader = new Reader(read)
  await reader.take(places, 0)
  return reader.result()
}

const deepestInclude = 20
const sectionNames = ['acl', 'authenticators', 'local_scan', 'rewrite', 'retry', 'routers', 'transports']
const macroDefinition = /^([A-Z]\w*)\s*==?\s*(.*)$/s
const verbs = /^(accept|defer|deny|discard|drop|require|warn)\b\s*(.*)$/s

/** Whether a line is read, and whether a branch of its `.ifdef` was read already. */
interface Condition {
  reads: boolean
  done: boolean
}

class Reader {
  readonly #read: (path: string) => Promise<string | null>
  readonly #macros = new Map<string, Setting>()
  readonly #main = new Map<string, Setting>()
  readonly #lists = new Map<string, NamedList>()
  readonly #acls = new Map<string, (Statement & { parts: Setting[] })[]>()
  readonly #routers: (Driver & { options: Map<string, Setting> })[] = []
  readonly #transports: (Driver & { options: Map<string, Setting> })[] = []
  readonly #sections = new Map<string, Place>()
  readonly #lines: { text: string; place: Place }[] = []
  readonly #conditions: Condition[] = []
  #retryRules = 0
  #section = 'main'
  #acl = ''

  constructor(read: (path: string) => Promise<string | null>) {
    this.#read = read
  }

  result(): EximText {
    return {
      macros: this.#macros,
      main: this.#main,
      lists: this.#lists,
      acls: this.#acls,
      routers: this.#routers,
      transports: this.#transports,
      retryRules: this.#retryRules,
      sections: this.#sections,
      lines: this.#lines,
    }
  }

  async take(places: readonly Place[], depth: number): Promise<void> {
    let held = ''
    let start: Place | null = null
    for (const place of places) {
      const text = place.text.trim()
      // A comment may stand between continued lines.
      if (text.startsWith('#') || (text === '' && start === null)) continue
      if (text.startsWith('.') && start === null && (await this.#directive(text, place, depth))) continue
      // Conditions inside a continued line are Exim's to judge.
      if (text.startsWith('.') && start !== null && /^\.(include|if|el|endif)/.test(text)) continue
      if (this.#conditions.some(({ reads }) => !reads)) continue
      start ??= place
      held += text.endsWith('\\') ? text.slice(0, -1) : text
      if (text.endsWith('\\')) continue
      this.#line(held, start)
      held = ''
      start = null
    }
    if (start !== null) this.#line(held, start)
  }

  /** True when the line was one of Exim's directives. */
  async #directive(text: string, place: Place, depth: number): Promise<boolean> {
    const [, word = '', rest = ''] = /^\.(\w+)\s*(.*)$/.exec(text) ?? []
    const top = this.#conditions.at(-1)
    switch (word) {
      case 'ifdef':
      case 'ifndef': {
        const holds = this.#defined(rest) === (word === 'ifdef')
        this.#conditions.push({ reads: holds, done: holds })
        return true
      }
      case 'elifdef':
      case 'elifndef':
      case 'else':
        if (top !== undefined) {
          const holds = word === 'else' || this.#defined(rest) === (word === 'elifdef')
          top.reads = holds && !top.done
          top.done ||= top.reads
        }
        return true
      case 'endif':
        this.#conditions.pop()
        return true
      case 'include':
      case 'include_if_exists': {
        if (this.#conditions.some(({ reads }) => !reads) || depth >= deepestInclude) return true
        const named = this.#expand(rest.replace(/^"(.*)"$/, '$1'))
        const path = named.startsWith('/') ? named : `${place.file.replace(/\/[^/]*$/, '')}/${named}`
        const found = await this.#read(path)
        if (found !== null) await this.take(placesOf(path, found), depth + 1)
        return true
      }
      default:
        return false
    }
  }

  /** Whether any word of the line is a macro: Exim asks whether expanding changes it. */
  #defined(text: string): boolean {
    return /^_(OPT|HAVE|DRIVER|ACL|LOG|EXP|CRYPTO)_/.test(text.trim())
      ? true
      : [...this.#macros.keys()].some((name) => text.includes(name))
  }

  #expand(text: string): string {
    let result = text
    // In the order of definition; what a macro brings in is looked at for later ones only.
    for (const [name, { value }] of this.#macros) result = result.replaceAll(name, () => value)
    return result
  }

  #line(raw: string, place: Place): void {
    const definition = macroDefinition.exec(raw)
    if (definition !== null) {
      const [, name = '', value = ''] = definition
      this.#macros.set(name, { name, value: this.#expand(value.trim()), place })
      return
    }
    const text = this.#expand(raw)
    this.#lines.push({ text, place })
    const word = /^begin\s+(\w+)/i.exec(text)?.[1]?.toLowerCase()
    if (word !== undefined) {
      // The beginning of a name is enough for Exim.
      const begin = sectionNames.find((name) => name.startsWith(word)) ?? word
      this.#section = begin
      this.#sections.set(begin, place)
      return
    }
    if (this.#section === 'main') this.#mainLine(text, place)
    else if (this.#section === 'acl') this.#aclLine(text, place)
    else if (this.#section === 'routers') driverLine(this.#routers, text, place)
    else if (this.#section === 'transports') driverLine(this.#transports, text, place)
    else if (this.#section === 'retry') this.#retryRules += 1
  }

  #mainLine(text: string, place: Place): void {
    const [, kind, name = '', value = ''] =
      /^(?:hide\s+)?((?:domain|host|address|localpart)list)(?:_cache)?\s+(\w+)\s*=\s*(.*)$/s.exec(text) ?? []
    if (kind !== undefined) this.#lists.set(name, { kind, name, value: unquoted(value), place })
    else put(this.#main, text, place)
  }

  #aclLine(text: string, place: Place): void {
    const name = /^(\w+):$/.exec(text)?.[1]
    if (name !== undefined) {
      this.#acl = name
      this.#acls.set(name, [])
      return
    }
    const statements = this.#acls.get(this.#acl)
    if (statements === undefined) return
    const [, verb, rest = text] = verbs.exec(text) ?? []
    if (verb !== undefined) statements.push({ verb, place, parts: [] })
    if (rest === '') return
    const [, part = '', value = ''] = /^(!?\s*\w+)\s*=?\s*(.*)$/s.exec(rest) ?? []
    if (part !== '')
      statements.at(-1)?.parts.push({ name: part.replace(/\s/g, ''), value: value.trim(), place })
  }
}

function driverLine(
  drivers: { name: string; place: Place; options: Map<string, Setting> }[],
  text: string,
  place: Place,
): void {
  const name = /^(\w+):$/.exec(text)?.[1]
  if (name !== undefined) drivers.push({ name, place, options: new Map() })
  else {
    const options = drivers.at(-1)?.options
    if (options !== undefined) put(options, text, place)
  }
}

function put(options: Map<string, Setting>, text: string, place: Place): void {
  const [, word = '', equals, value = ''] = /^(?:hide\s+)?(\w+)\s*(=?)\s*(.*)$/s.exec(text) ?? []
  if (word === '') return
  const negated = equals === '' ? /^(?:no|not)_(\w+)$/.exec(word)?.[1] : undefined
  const name = negated ?? word
  options.set(name, {
    name,
    value: negated !== undefined ? 'false' : equals === '' ? 'true' : boolean(unquoted(value)),
    place,
  })
}

/** Exim's words for the two values, where the whole value is one of them. */
const boolean = (value: string): string =>
  /^(yes|true)$/i.test(value) ? 'true' : /^(no|false)$/i.test(value) ? 'false' : value

/** A value may stand in quotes, with backslashes (specification 6.17). */
function unquoted(value: string): string {
  const inner = /^"(.*)"$/s.exec(value.trim())?.[1]
  return inner === undefined ? value.trim() : inner.replace(/\\(.)/gs, '$1')
}
