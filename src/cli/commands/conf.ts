// posthorn conf: the settings that count, with the defaults; and what is wrong or without effect in the file.
import { formatMistake } from '../../config/mistake.ts'
import { isSecret } from '../../config/schema.ts'
import { didYouMean } from '../../config/section.ts'
import { defineCommand, EX } from '../command.ts'
import { UsageFault } from '../options.ts'
import { counted } from '../words.ts'

export const conf = defineCommand({
  name: 'conf',
  summary: 'Show the settings that count, or check the configuration',
  about: `  Without options: all settings, as [section] key: value. With both -s and -k: the bare value.
  Secrets are shown only with --credentials.`,
  examples: [
    'posthorn conf -s mta',
    'posthorn conf -s mta -k lmtp_port',
    'posthorn -C posthorn.cfg conf --check',
  ],
  options: {
    output: { kind: 'one', short: 'o', value: 'FILE', help: 'Write to FILE instead of standard output.' },
    section: { kind: 'one', short: 's', value: 'SECTION', help: 'Only this section.' },
    key: { kind: 'one', short: 'k', value: 'KEY', help: 'Only this key.' },
    check: { kind: 'flag', help: 'Tell mistakes, and keys that have no effect here, with the reason.' },
    json: { kind: 'flag', help: 'As JSON: an object for each section.' },
    credentials: { kind: 'flag', help: 'Show secrets too.' },
  },
  args: {},
  async runHere(context, { output, section, key, check, json, credentials }) {
    const config = context.config()
    if (check) {
      for (const warning of config.warnings) context.out.line(formatMistake(warning))
      const file = config.source ?? 'the defaults'
      context.out.line(
        config.warnings.length === 0
          ? `${file}: no mistakes`
          : `${file}: no mistakes; ${counted(config.warnings.length, 'remark')} above`,
      )
      return EX.ok
    }
    const { texts } = config
    const only = section === null ? null : texts[section]
    if (only === undefined)
      throw new UsageFault(`No such section: ${section}${didYouMean(section ?? '', Object.keys(texts))}`)
    if (only !== null && key !== null && only[key] === undefined)
      throw new UsageFault(`Section ${section}: No such key: ${key}${didYouMean(key, Object.keys(only))}`)
    const rows = Object.entries(texts)
      .filter(([title]) => section === null || title === section)
      .flatMap(([title, values]) =>
        Object.entries(values)
          .filter(([name]) => key === null || name === key)
          .map(([name, text]) => ({
            title,
            name,
            place: `[${title}] ${name}: `,
            shown: isSecret(title, name) && text !== '' && !credentials ? '(secret)' : text,
          })),
      )
      .sort((a, b) => (a.place < b.place ? -1 : 1))
    if (rows.length === 0) throw new UsageFault(`No section has the key: ${key}`)
    if (json) {
      const sections: Record<string, Record<string, string>> = {}
      for (const { title: at, name, shown } of rows) sections[at] = { ...sections[at], [name]: shown }
      await context.write(output, `${JSON.stringify(sections, null, 2)}\n`)
      return EX.ok
    }
    const bare = section !== null && key !== null
    await context.write(output, rows.map(({ place, shown }) => `${bare ? '' : place}${shown}\n`).join(''))
    return EX.ok
  },
})
