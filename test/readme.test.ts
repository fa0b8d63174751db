// Holds what the papers promise to what there is: commands, scripts, links and the events of the log.
import { deepEqual, match, ok } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { findCommand } from '../src/cli/commands.ts'
import { postingChain } from '../src/rules/chain.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const papers = ['*.md', 'docs/**/*.md', 'bench/*.md', 'test/mta-lab/*.md'].flatMap((glob) =>
  globSync(glob, { cwd: root }),
)

/** The lines of the code blocks, fenced or indented, whole: those that end in a backslash go on. */
function codeLines(text: string): readonly string[] {
  const lines: string[] = []
  let fenced = false
  for (const line of text.replace(/\\\n\s*/g, ' ').split('\n')) {
    if (/^\s*```/.test(line)) fenced = !fenced
    else if (fenced || /^ {4}/.test(line)) lines.push(line.trim())
  }
  return lines
}

/** The words after `posthorn` of each command that a line types, quotes taken away. */
function typedCommands(line: string): readonly (readonly string[])[] {
  return line
    .replace(/\s#.*$/, '')
    .replace(/\s[<>]\s*\S+/g, '')
    .split(/\||&&|;(?=\s)/)
    .flatMap((part) => {
      const words = /^(?:\$ )?(?:(?:sudo|runuser) -u posthorn (?:-- )?)?(?:bin\/|npx )?posthorn (.*)$/.exec(
        part.trim(),
      )
      if (words === null) return []
      return [
        [...(words[1] ?? '').matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? ''),
      ]
    })
}

test('every posthorn command that the papers type is one, with options that it has', () => {
  let seen = 0
  for (const paper of papers) {
    for (const words of codeLines(read(paper)).flatMap(typedCommands)) {
      const typed = words[0] === '-C' ? words.slice(2) : words
      const [name = '', ...argv] = typed
      const command = findCommand(name)
      ok(command !== null, `${paper}: there is no command ${name} (posthorn ${words.join(' ')})`)
      command.prepare(argv)
      seen += 1
    }
  }
  ok(seen >= 10, `only ${seen} commands were found: is the reading right?`)
})

test('every npm script that the papers name is one', () => {
  const { scripts } = JSON.parse(read('package.json')) as {
    readonly scripts: Readonly<Record<string, string>>
  }
  const named = papers.flatMap((paper) =>
    [...read(paper).matchAll(/\bnpm (?:run (?:-s )?([a-z][a-z:]*)|(start|test)\b)/g)].map(
      ([, run, own]) => run ?? own ?? '',
    ),
  )
  deepEqual(
    [...new Set(named)].filter((name) => scripts[name] === undefined),
    [],
  )
  ok(named.includes('start') && named.includes('test'))
})

test('every npm script runs the Node that npm ci brought, whatever Node is first on PATH', () => {
  const { scripts } = JSON.parse(read('package.json')) as {
    readonly scripts: Readonly<Record<string, string>>
  }
  for (const [name, script] of Object.entries(scripts))
    for (const part of script.split(/&&|\|\||;/))
      ok(!/^(?:exec )?(?:node|tsc)\b/.test(part.trim()), `npm run ${name} takes the first on PATH: ${part}`)
  const old = mkdtempSync(join(tmpdir(), 'posthorn-old-node-'))
  try {
    writeFileSync(join(old, 'node'), '#!/bin/sh\necho v18.20.4\n', { mode: 0o755 })
    const { stdout } = spawnSync('sh', ['scripts/with-node.sh', 'node', '--version'], {
      cwd: root,
      env: { PATH: `${old}:${process.env.PATH ?? ''}` },
      encoding: 'utf8',
    })
    match(stdout, /^v24\./)
  } finally {
    rmSync(old, { recursive: true })
  }
})

test('every link of the papers leads to a file', () => {
  for (const paper of papers) {
    for (const [, target = ''] of read(paper).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(?:https?|mailto):/.test(target)) continue
      const [path = '', heading] = target.split('#')
      const file = path === '' ? paper : join(dirname(paper), path)
      ok(existsSync(join(root, file)), `${paper}: ${target} leads nowhere`)
      if (heading === undefined) continue
      const headings = [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => anchorOf(title))
      ok(
        headings.includes(heading),
        `${paper}: ${target} has no such heading; there are ${headings.join(', ')}`,
      )
    }
  }
})

/** As GitHub makes it. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

test('docs/operating.md tells of every rule that a post is judged by', () => {
  const page = read('docs/operating.md')
  const rows = page.slice(page.indexOf('| rule | hits |')).split('\n\n')[0] ?? ''
  deepEqual(
    [...rows.matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name),
    postingChain.map(({ rule }) => rule.name),
  )
})

test('every event that docs/operating.md tells of is logged somewhere', () => {
  const sources = globSync('src/**/*.ts', { cwd: root })
    .filter((path) => !path.endsWith('.test.ts'))
    .map(read)
    .join('\n')
  const named = [...read('docs/operating.md').matchAll(/`([a-z]+\.[a-z-]+)`(?=[^|\n]*\|)/g)].map(
    ([, name = '']) => name,
  )
  ok(named.length > 20, 'the table of events was not found')
  const judged = ['post.accepted', 'post.held', 'post.rejected', 'post.discarded']
  deepEqual(
    named.filter((name) => !sources.includes(`'${name}'`) && !judged.includes(name)),
    [],
  )
})
