import { deepEqual, equal, match } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkTree, ranksOf } from './check-imports.ts'
import { codeOf, importsOf } from './code-and-imports.ts'

const architecture = `# Architecture

| 99 | \`elsewhere\` | a table under another heading |

## The Ranks

| rank | folders | what |
|---|---|---|
| 1 | \`base\` | ground |
| 2 | \`mail\`, \`config\` (reads \`MailServer\` files) | formats |
| 6 | \`services.ts\` | |
| 10 | stations: \`lmtp\`, \`delivery\` | |
| 12 | \`app\` | |

## Laws
| 7 | \`later\` | not a rank |
`

/** A fresh tree with these files besides the architecture above. */
function tree(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'check-imports-'))
  t.after(() => rmSync(root, { recursive: true }))
  const all = {
    'ARCHITECTURE.md': architecture,
    'package.json': '{"dependencies":{"pino":"1.0.0"}}',
    ...files,
  }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

test('the ranks are those of the table under the heading, and of its second column', () => {
  deepEqual(
    [...ranksOf(architecture)],
    [
      ['base', 1],
      ['mail', 2],
      ['config', 2],
      ['services.ts', 6],
      ['lmtp', 10],
      ['delivery', 10],
      ['app', 12],
    ],
  )
})

for (const { title, path, code, finding } of [
  {
    title: 'a smaller rank may be imported',
    path: 'src/mail/a.ts',
    code: `import '../base/b.ts'`,
    finding: null,
  },
  { title: 'the own folder may be imported', path: 'src/mail/a.ts', code: `import './b.ts'`, finding: null },
  {
    title: 'a folder within a folder has its rank',
    path: 'src/mail/x/a.ts',
    code: `import '../b.ts'`,
    finding: null,
  },
  {
    title: 'a greater rank may not',
    path: 'src/base/a.ts',
    code: `\n\nimport { b } from '../mail/b.ts'`,
    finding: /^src\/base\/a\.ts:4: base \(rank 1\) must not import from mail \(rank 2\)/,
  },
  {
    title: 'nor may an equal rank',
    path: 'src/lmtp/a.ts',
    code: `import { b } from '../delivery/b.ts'`,
    finding: /^src\/lmtp\/a\.ts:2: lmtp \(rank 10\) must not import from delivery \(rank 10\)/,
  },
  {
    title: 'nor by a type import',
    path: 'src/mail/a.ts',
    code: `import type { B } from '../services.ts'`,
    finding: /:2: mail \(rank 2\) must not import from services\.ts \(rank 6\)/,
  },
  {
    title: 'nor by an import over several lines',
    path: 'src/mail/a.ts',
    code: `import {\n  type B,\n  c as d,\n} from '../app/b.ts'`,
    finding: /:2: mail .* app/,
  },
  {
    title: 'nor by a dynamic import',
    path: 'src/mail/a.ts',
    code: `export const b = () => import('../app/b.ts')`,
    finding: /:2: mail .* app/,
  },
  {
    title: 'nor by a type taken in place',
    path: 'src/mail/a.ts',
    code: `export type B = import("../app/b.ts").B`,
    finding: /:2: mail .* app/,
  },
  {
    title: 'nor by a re-export',
    path: 'src/mail/a.ts',
    code: `export * from '../app/b.ts'`,
    finding: /:2: mail .* app/,
  },
  {
    title: 'a test may import an equal rank',
    path: 'src/lmtp/a.test.ts',
    code: `import '../delivery/b.ts'`,
    finding: null,
  },
  {
    title: 'a test may import from test/',
    path: 'src/lmtp/a.test.ts',
    code: `import '../../test/x.ts'\nimport '../../test/lab/sink.mjs'`,
    finding: null,
  },
  {
    title: 'a test may not import a greater rank',
    path: 'src/lmtp/a.test.ts',
    code: `import '../app/b.ts'`,
    finding: /:2: lmtp \(rank 10\) must not import from app \(rank 12\)/,
  },
  {
    title: 'src may not import from test/',
    path: 'src/mail/a.ts',
    code: `import '../../test/x.ts'`,
    finding: /leaves src/,
  },
  {
    title: 'no file imports a test',
    path: 'src/mail/a.ts',
    code: `import './b.test.ts'`,
    finding: /nobody's to import/,
  },
  {
    title: 'barrels are not imported',
    path: 'src/mail/a.ts',
    code: `import '../base/index.ts'`,
    finding: /barrel/,
  },
  {
    title: 'imports end in .ts',
    path: 'src/mail/a.ts',
    code: `import '../base/b.js'`,
    finding: /must end in \.ts/,
  },
  { title: 'node: modules may be imported', path: 'src/mail/a.ts', code: `import 'node:net'`, finding: null },
  {
    title: 'node modules are called node:',
    path: 'src/mail/a.ts',
    code: `import 'net'`,
    finding: /write 'node:net'/,
  },
  {
    title: 'a dependency may be imported',
    path: 'src/mail/a.ts',
    code: `import { pino } from 'pino'`,
    finding: null,
  },
  {
    title: 'a package that is no dependency may not',
    path: 'src/mail/a.ts',
    code: `import { x } from '@some/thing/part'`,
    finding: /'@some\/thing' is not among the dependencies/,
  },
  {
    title: 'a test may use any package',
    path: 'src/mail/a.test.ts',
    code: `import 'fast-check'`,
    finding: null,
  },
  {
    title: 'what a comment imports does not count',
    path: 'src/base/a.ts',
    code: `// import '../app/b.ts'`,
    finding: null,
  },
  { title: 'nor what a text does', path: 'src/base/a.ts', code: '`import "../app/b.ts"`', finding: null },
  {
    title: 'the clock is taken from base',
    path: 'src/mail/a.ts',
    code: `\nDate.now()`,
    finding: /:3: Date\.now belongs/,
  },
  {
    title: 'also as new Date()',
    path: 'src/mail/a.ts',
    code: 'new Date()',
    finding: /:2: new Date\(\) belongs/,
  },
  {
    title: 'also within a template',
    path: 'src/mail/a.ts',
    code: `\`\${new Date()}\``,
    finding: /:2: new Date\(\)/,
  },
  { title: 'new Date of an instant is no clock', path: 'src/mail/a.ts', code: 'new Date(7)', finding: null },
  {
    title: 'chance is taken from base',
    path: 'src/mail/a.ts',
    code: 'Math.random()',
    finding: /Math\.random belongs/,
  },
  {
    title: 'the environment is for app',
    path: 'src/mail/a.ts',
    code: 'process.env',
    finding: /process\.env belongs/,
  },
  { title: 'app may read the environment', path: 'src/app/a.ts', code: 'process.env', finding: null },
  { title: 'tests may read the clock', path: 'src/mail/a.test.ts', code: 'Date.now()', finding: null },
  {
    title: 'a folder without a rank is told',
    path: 'src/odd/a.ts',
    code: '',
    finding: /:1: odd has no rank/,
  },
]) {
  test(`check-imports: ${title}`, (t) => {
    const findings = checkTree(tree(t, { [path]: `// Opens.\n${code}\n` }))
    if (finding === null) deepEqual(findings, [])
    else {
      equal(findings.length, 1, findings.join('\n'))
      match(findings[0] ?? '', finding)
    }
  })
}

test('check-imports: a file opens with a comment, after its #! line if it has one; a test need not', (t) => {
  const root = tree(t, {
    'src/mail/bare.ts': 'export const a = 1\n',
    'src/mail/bare.test.ts': 'export const a = 1\n',
    'src/mail/program.ts': '#!/usr/bin/env node\n/* Runs. */\n',
  })
  deepEqual(checkTree(root), ['src/mail/bare.ts:1: opens without a comment that says its place and its law'])
})

test('check-imports: a circle is told once, with its way', (t) => {
  const root = tree(t, {
    'src/mail/a.ts': `// Opens.\nimport './b.ts'\n`,
    'src/mail/b.ts': `// Opens.\nimport './c.ts'\n`,
    'src/mail/c.ts': `// Opens.\nimport { a } from './a.ts'\nimport './d.ts'\n`,
    'src/mail/d.ts': `// Opens.\n`,
  })
  deepEqual(checkTree(root), [
    'src/mail/c.ts:2: closes a circle: src/mail/a.ts > src/mail/b.ts > src/mail/c.ts > src/mail/a.ts',
  ])
})

test('check-imports: without a table there is no silent pass', (t) => {
  const root = tree(t, { 'ARCHITECTURE.md': '# Architecture\n' })
  deepEqual(checkTree(root).length, 1)
})

test('check-imports: as a program it leaves with 1 on findings, 0 without, 2 on wrong use', (t) => {
  const run = (...words: string[]) =>
    spawnSync(process.execPath, [join(import.meta.dirname, 'check-imports.ts'), ...words], {
      encoding: 'utf8',
    })
  const bad = run(tree(t, { 'src/mail/a.ts': '// Opens.\nMath.random()\n' }))
  equal(bad.status, 1)
  match(bad.stdout, /^src\/mail\/a\.ts:2: Math\.random belongs to base\/ and app\/ alone: take a Random\n$/)
  equal(run(tree(t, { 'src/mail/a.ts': '// Opens.\n' })).status, 0)
  equal(run('--fast').status, 2)
})

test('codeOf keeps lines and length, and blanks comments, texts and regular expressions', () => {
  const source = `const a = /['"\`]/g // x
const b = c / d /* '
 */ + 'it\\'s' + \`t \${e('}')} / \${\`n\`}\`
`
  const code = codeOf(source)
  equal(code.length, source.length)
  equal(code.replace(/ +/g, ' '), `const a = g \nconst b = c / d \n + ' ' + \` \${e(' ')} \${\` \`}\`\n`)
})

test('importsOf gives the line, the specifier and whether only types come', () => {
  deepEqual(importsOf(`import a from 'x'\nimport type { B } from "y"\nconst z = 'from "w"'\n`), [
    { specifier: 'x', line: 1, typeOnly: false },
    { specifier: 'y', line: 2, typeOnly: true },
  ])
})
