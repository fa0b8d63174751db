// The README's first screen as a newcomer follows it: a clean clone, the line as it is written, the page in a real
// Chromium, Ctrl-C.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startChromium } from '../support/chromium.ts'
import { eventually, freePort } from '../support/server.ts'

const root = join(import.meta.dirname, '../..')
const scratch = mkdtempSync(join(tmpdir(), 'posthorn-clone-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

test('the first line of the README brings the page up, in a clean clone', { timeout: 280_000 }, async () => {
  const clone = join(scratch, 'posthorn')
  execFileSync('git', ['clone', '--quiet', '--depth', '1', `file://${root}`, clone])
  const line = /^npm ci && npm start(?=\s)/m.exec(readFileSync(join(clone, 'README.md'), 'utf8'))?.[0]
  ok(line !== undefined, 'the README has another first line')
  // As the README says where the usual ports are taken, which they may be here.
  const ports = [await freePort(), await freePort()] as const
  const typed = `${line} -- --lmtp-port ${ports[0]} --web-port ${ports[1]}`
  const shell = spawn('sh', ['-c', typed], { cwd: clone, detached: true })
  const gone = once(shell, 'close')
  let output = ''
  for (const stream of [shell.stdout, shell.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  const chromium = await startChromium()
  try {
    await eventually('the demo to run', () => output.includes('Ctrl-C') || shell.exitCode !== null, 240_000)
    const url = /http:\/\/localhost:\d+/.exec(output)?.[0]
    equal(url, `http://localhost:${ports[1]}`, output)
    const page = await chromium.newPage()
    await page.goto(url ?? '')
    await page.getByRole('button', { name: 'Post it' }).click()
    await page.locator('#station-delivery.done').waitFor()
    equal(await page.locator('#copies details.copy').count(), 3)
    const changed = execFileSync('git', ['status', '--porcelain'], { cwd: clone, encoding: 'utf8' })
    deepEqual(changed, '', 'the demo left something beside its own folder')
  } finally {
    await chromium.close()
    if (shell.exitCode === null && shell.pid !== undefined) process.kill(-shell.pid, 'SIGINT') // as a terminal does
    await gone
  }
  match(output, /The demo has ended/)
})
