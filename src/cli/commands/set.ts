// posthorn set: the settings of a list, shown or changed.
import { formatSettings, parseSettings, settingNames } from '../../lists/settings.ts'
import type { MailingList } from '../../model/list.ts'
import { changeSettings } from '../../store/units/lists.ts'
import { type CommandContext, defineCommand, EX } from '../command.ts'
import { listNamed } from '../naming-lists.ts'
import { UsageFault } from '../options.ts'

export const set = defineCommand({
  name: 'set',
  summary: "Show or change a list's settings",
  about: `  Without SETTINGS: shows all settings of LISTSPEC; with one name: that setting. Else SETTINGS are
  pairs, NAME VALUE or NAME=VALUE, which are changed together or not at all. Names and values are
  those of Mailman's REST API; \\n in a header or footer is a new line.`,
  examples: [
    'posthorn set tea@lists.example.org',
    'posthorn set tea@lists.example.org subject_prefix "[Tea] " max_message_size 200',
    'posthorn set tea@lists.example.org footer="$display_name\\n" emergency=no',
  ],
  options: { json: { kind: 'flag', help: 'Show as JSON.' } },
  args: { listspec: 'required', settings: 'rest' },
  suggests: { settings: settingNames },
  async run(context, { listspec, settings, json }) {
    const { services, out } = context
    const list = listNamed(services.store, listspec)
    const [name, ...more] = settings
    if (name === undefined) return show(context, list, null, json)
    if (more.length === 0 && !name.includes('=')) return show(context, list, name, json)
    const read = parseSettings(pairsOf(settings))
    if ('wrong' in read) throw new UsageFault(read.wrong.join('\n'))
    if (!(await services.store.commit(changeSettings, { list: list.no, settings: read.settings }))) {
      out.errorLine(`${listspec} was removed meanwhile; nothing was changed`)
      return EX.failed
    }
    services.log.info('list.changed', { list: list.listId, settings: Object.keys(read.settings) })
    return EX.ok
  },
})

function show({ out }: CommandContext, list: MailingList, name: string | null, json: boolean): number {
  const all = formatSettings(list.settings)
  if (name !== null && !settingNames.includes(name)) {
    const read = parseSettings([[name, '']])
    throw new UsageFault('wrong' in read ? read.wrong.join('\n') : `${name} is no setting of a list`)
  }
  const shown = all.filter(([each]) => name === null || each === name)
  if (json) out.json(Object.fromEntries(shown))
  else for (const [each, text] of shown) out.line(name === null ? `${each}: ${text}` : text)
  return EX.ok
}

/** `NAME=VALUE` is one word, `NAME VALUE` are two. Throws UsageFault for a name without a value. */
function pairsOf(words: readonly string[]): readonly (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = []
  const queue = [...words]
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    const cut = word.indexOf('=')
    if (cut > 0) {
      pairs.push([word.slice(0, cut), word.slice(cut + 1)])
      continue
    }
    const value = queue.shift()
    if (value === undefined)
      throw new UsageFault(`${word} has no value: write ${word}=VALUE, or ${word} VALUE.`)
    pairs.push([word, value])
  }
  return pairs
}
