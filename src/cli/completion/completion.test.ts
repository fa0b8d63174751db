import { deepEqual, equal, ok } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { commands } from '../commands.ts'
import { bashCompletion } from './bash.ts'
import { fishCompletion } from './fish.ts'
import { spellingsOf } from './words.ts'
import { zshCompletion } from './zsh.ts'

const directory = mkdtempSync(join(tmpdir(), 'posthorn-completion-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const cases: readonly { readonly line: string; readonly offers: readonly string[] }[] = [
  { line: 'posthorn addm', offers: ['addmembers'] },
  { line: 'posthorn --run-as-root -C x.cfg rem', offers: ['remove'] },
  { line: 'posthorn help cre', offers: ['create'] },
  { line: 'posthorn --conf', offers: ['--config'] },
  { line: 'posthorn members --no', offers: ['--nomail', '--no-change'] },
  { line: 'posthorn create --no-d', offers: ['--no-domain'] },
  { line: 'posthorn members -R own', offers: ['owner'] },
  { line: 'posthorn members --role=mod', offers: ['moderator'] },
  {
    line: 'posthorn members --role ',
    offers: ['any', 'owner', 'moderator', 'nonmember', 'member', 'administrator'],
  },
  { line: 'posthorn members te', offers: ['tea@lists.example.org'] },
  { line: 'posthorn members -e -R owner tea@li', offers: ['lists.example.org'] },
  { line: 'posthorn members tea@lists.example.org ', offers: [] },
  { line: 'posthorn delmembers -l mi', offers: ['milk@lists.example.org'] },
  { line: 'posthorn addmembers peo', offers: ['people.txt'] },
  { line: 'posthorn addmembers people.txt ', offers: ['milk@lists.example.org', 'tea@lists.example.org'] },
  { line: 'posthorn queue sh', offers: ['show'] },
  { line: 'posthorn set tea@lists.example.org subject', offers: ['subject_prefix'] },
  { line: 'posthorn completion ', offers: ['bash', 'zsh', 'fish'] },
  { line: 'posthorn create -o ', offers: [] },
  { line: 'mailman -C other.cfg members ', offers: ['other@lists.example.org'] },
]

test('bash completes commands, options, values, files and the names of lists', () => {
  const script = join(directory, 'posthorn.bash')
  writeFileSync(script, bashCompletion(commands))
  writeFileSync(join(directory, 'people.txt'), '')
  const asked = cases.map(({ line }) => `ask '${line}'`).join('\n')
  const program = `
    COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:'
    source ${script} || exit 9
    posthorn() { [[ "$*" == "lists --quiet" ]] && printf '%s\\n' milk@lists.example.org tea@lists.example.org; }
    mailman() { [[ "$*" == "-C other.cfg lists --quiet" ]] && echo other@lists.example.org; }
    ask() { COMP_LINE=$1 COMP_POINT=\${#1}; _posthorn; printf '%s\\n' "\${COMPREPLY[*]}"; }
    ${asked}`
  const ran = spawnSync('bash', ['--norc', '-c', program], { cwd: directory, encoding: 'utf8' })
  equal(ran.stderr, '')
  equal(ran.status, 0)
  const answers = ran.stdout.split('\n')
  cases.forEach(({ line, offers }, at) => {
    deepEqual(
      (answers[at] ?? '').split(' ').filter((word) => word !== ''),
      offers,
      line,
    )
  })
})

test('each script names each command and each of its long options', () => {
  const scripts = {
    bash: bashCompletion(commands),
    zsh: zshCompletion(commands),
    fish: fishCompletion(commands),
  }
  for (const command of commands)
    for (const word of spellingsOf(command).flatMap(({ words }) => words)) {
      ok(scripts.bash.includes(word) && scripts.zsh.includes(word), `${command.name} ${word}`)
      ok(!word.startsWith('--') || scripts.fish.includes(`-l ${word.slice(2)} `), `${command.name} ${word}`)
    }
})

const isThere = (shell: string) => spawnSync(shell, ['--version']).error === undefined

test('zsh can read its script', { skip: isThere('zsh') ? false : 'zsh is not installed' }, () => {
  const script = join(directory, '_posthorn')
  writeFileSync(script, zshCompletion(commands))
  const ran = spawnSync('zsh', ['-f', '-n', script], { encoding: 'utf8' })
  equal(ran.stderr, '')
  equal(ran.status, 0)
})

test('fish completes the same', { skip: isThere('fish') ? false : 'fish is not installed' }, () => {
  const script = join(directory, 'posthorn.fish')
  writeFileSync(script, fishCompletion(commands))
  const lines = [
    'addm',
    'queue sh',
    'members -R own',
    '-C x.cfg members te',
    'members tea@lists.example.org ',
  ]
  const asked = lines.map((line) => `complete --do-complete 'posthorn ${line}' | cut -f1; echo .`)
  const program = `source ${script}
    function posthorn; string match -q -- '*lists --quiet' "$argv"; and echo tea@lists.example.org; end
    ${asked.join('\n')}`
  const ran = spawnSync('fish', ['--no-config', '-c', program], { encoding: 'utf8' })
  equal(ran.stderr, '')
  equal(ran.stdout, 'addmembers\n.\nshow\n.\nowner\n.\ntea@lists.example.org\n.\n.\n')
})
