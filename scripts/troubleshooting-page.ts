// Makes docs/troubleshooting.md from the catalogue of findings, so that the page says what doctor says.
//
//   node scripts/troubleshooting-page.ts > docs/troubleshooting.md
//   node scripts/troubleshooting-page.ts --check      exit 1 when the page is not what it would print
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { catalogue } from '../src/hookup/catalogue.ts'
import type { FindingKind, Severity } from '../src/model/hookup.ts'

const introduction = `# Troubleshooting

This page is made from the catalogue of findings (\`node scripts/troubleshooting-page.ts\`); change the texts in
\`src/hookup/\`.

\`posthorn doctor\` looks at the mail server's real configuration, at its tables, at our own side and at the connection
between the two, and says what is wrong: most likely cause first, with the very line, why it breaks mail, and the exact
change. It changes nothing, and it sends nothing but what \`--deep\` sends.

    posthorn doctor                                            # the mail server of this host
    posthorn doctor postfix --config-dir /srv/mail/etc/postfix
    posthorn doctor exim --command-prefix "docker exec mail"
    posthorn doctor --json                                     # the same for programs

It ends with 0 when nothing is to be mended, 1 when there is an error or a warning, 2 when it could not look. An **error**
loses, refuses or holds up mail; a **warning** harms in some cases; an **info** is only good to know.

Each entry below is a code that doctor prints: look for the one in brackets that it told. When it tells several, mend the first and ask again.
`

/** The whole page, as markdown. */
export function troubleshootingPage(): string {
  const chapters = catalogue.map(({ title, kinds }) =>
    [
      `## ${title}`,
      ...(['error', 'warning', 'info'] as const).flatMap((severity) => section(kinds, severity)),
    ].join('\n\n'),
  )
  const contents = catalogue.map(({ title }) => `[${title}](#${title.toLowerCase().replaceAll(' ', '-')})`)
  return `${introduction}\n${contents.join(' · ')}\n\n${chapters.join('\n\n')}\n`
}

function section(kinds: readonly FindingKind[], severity: Severity): readonly string[] {
  return kinds.filter((kind) => kind.severity === severity).map(entry)
}

const entry = ({ code, severity, summary, why, change }: FindingKind): string =>
  `### ${code}\n\n**${summary}** (${severity}). ${why}\n\n*What to do:* ${change.replace(/\n/g, '  \n')}`

if (import.meta.main) {
  const page = troubleshootingPage()
  if (!process.argv.includes('--check')) process.stdout.write(page)
  else {
    const file = join(import.meta.dirname, '../docs/troubleshooting.md')
    if (!existsSync(file) || readFileSync(file, 'utf8') !== page) {
      const mend = 'node scripts/troubleshooting-page.ts > docs/troubleshooting.md'
      process.stderr.write(`docs/troubleshooting.md is not what the catalogue says; run: ${mend}\n`)
      process.exitCode = 1
    }
  }
}
