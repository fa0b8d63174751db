// Makes docs/configuration.md from the schema, so that the page says what the program reads.
//
//   node scripts/configuration-page.ts > docs/configuration.md
//   node scripts/configuration-page.ts --check      exit 1 when the page is not what it would print
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Family, Key, Keys, Section } from '../src/config/key.ts'
import { mailServerSections } from '../src/config/mail-server-sections.ts'
import { families, sections } from '../src/config/schema.ts'
import { paths } from '../src/config/schema-system.ts'

const introduction = `# Configuration

This page is made from the schema (\`node scripts/configuration-page.ts\`); change the texts in \`src/config/\`.

Posthorn reads a \`mailman.cfg\` as it stands. Every key of Mailman's is known here; keys in sections that are
marked as new are Posthorn's own. A key that has no effect here is reported with the reason, an unknown one with
the nearest known word, and neither stops the start. A value that cannot be does: all such mistakes are printed at
once, one line each, as \`file:line: section.key: what is wrong; accepted: ...\`, and the exit code is 2.

## Which file

The first that is found: \`-C FILE\`, \`$POSTHORN_CONFIG_FILE\`, \`$MAILMAN_CONFIG_FILE\`, then at each of these places
\`posthorn.cfg\` before \`mailman.cfg\`: \`./\`, \`./var/etc/\`, \`~/\` (as \`.posthorn.cfg\`, \`.mailman.cfg\`), \`/etc/\`,
\`/etc/posthorn/\`, \`/etc/mailman3/\`, \`../etc/\` beside the program. With none of them the defaults below hold.

A file that root only found in the current directory, or that others can write, may set values, but may not name
code (\`./file.ts#Name\`) or relative configuration files: name it with \`-C\`, or take the right to write away.

## How it is written

\`[section]\`, then \`key: value\` or \`key = value\`. Keys are read in any letter case, section names are not. A line that
is indented deeper than its key goes on with the value. \`#\` and \`;\` begin a comment at the start of a line only. A
section that comes again adds to the first, and the last of two equal keys counts. \`[meta] extends: FILE\` reads another
file first, relative to this one. \`[runner.master]\` (or \`.template\`) gives all \`[runner.NAME]\` sections their defaults;
the other families likewise. The file is UTF-8.

Yes and no may also be true and false, on and off, 1 and 0. Durations are sums such as \`1h30m\`, \`5d\`, \`2w\`. Sizes are
bytes, or have a unit such as \`MiB\`. Regular expressions are Python's.
`

/** The whole page, as markdown. */
export function configurationPage(): string {
  const all: readonly Section<Keys>[] = [
    ...Object.values(sections),
    paths,
    ...Object.values(families),
    ...Object.values(mailServerSections),
  ]
  return `${[introduction, ...all.map(sectionText)].join('\n')}`
}

function sectionText(section: Section<Keys>): string {
  const rows = Object.entries(section.keys).map(([name, key]) => row(name, key))
  if (section.others !== undefined) rows.push(row('*any other*', section.others))
  const table = ['| key | value | default | meaning |', '|---|---|---|---|', ...rows]
  return [`## [${section.title}]`, '', section.doc, '', ...table, '', ...membersText(section)].join('\n')
}

function membersText(section: Section<Keys> | Family<Keys>): string[] {
  if (!('members' in section)) return []
  const members = Object.entries(section.members).map(([name, standards]) => {
    const own = Object.entries(standards).map(([key, text]) => `${key} ${code(text)}`)
    return own.length === 0 ? `\`${name}\`` : `\`${name}\` (${own.join(', ')})`
  })
  return members.length === 0 ? [] : [`Shipped: ${members.join('; ')}.`, '']
}

function row(name: string, { type, standard, doc, treatment }: Key<unknown>): string {
  const note =
    treatment === 'honoured'
      ? ''
      : 'ignored' in treatment
        ? ` **No effect here:** ${treatment.ignored}.`
        : 'later' in treatment
          ? ` **Not yet:** waits for ${treatment.later}.`
          : ` **Here:** ${treatment.translated}`
  return `| ${name} | ${cell(type.name)} | ${code(standard)} | ${cell(doc)}${cell(note)} |`
}

const code = (text: string): string => (text === '' ? '' : `\`${cell(text.replace(/\n/g, ' / '))}\``)

const cell = (text: string): string => text.replaceAll('|', '\\|')

if (import.meta.main) {
  const page = configurationPage()
  if (!process.argv.includes('--check')) process.stdout.write(page)
  else {
    const file = join(import.meta.dirname, '../docs/configuration.md')
    if (!existsSync(file) || readFileSync(file, 'utf8') !== page) {
      const mend = 'node scripts/configuration-page.ts > docs/configuration.md'
      process.stderr.write(`docs/configuration.md is not what the schema says; run: ${mend}\n`)
      process.exitCode = 1
    }
  }
}
