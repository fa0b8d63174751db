// Debian's own mailman.cfg, out of the package as it is today, is read unchanged. Needs apt-get and its
// network; part of the slow suite, not of npm test.
import { equal, ok } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadConfig } from '../../src/config/config.ts'
import { formatMistake } from '../../src/config/mistake.ts'

const dir = mkdtempSync(join(tmpdir(), 'posthorn-debian-'))
after(() => rmSync(dir, { recursive: true, force: true }))

test("Debian's mailman.cfg is read as the package ships it", () => {
  ok(existsSync('/usr/bin/apt-get'), 'apt-get is missing: this test needs a Debian system')
  execFileSync('apt-get', ['-qq', 'download', 'mailman3'], { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] })
  const [archive = ''] = readdirSync(dir).filter((name) => name.endsWith('.deb'))
  execFileSync('dpkg', ['-x', join(dir, archive), join(dir, 'root')])
  // The package's configuration is a template, copied to /etc when it is set up.
  const places = [
    'etc/mailman3/mailman.cfg',
    'usr/share/mailman3/mailman.cfg',
    'usr/share/mailman3/mailman.cfg.sample',
  ]
  const file = places.map((place) => join(dir, 'root', place)).find((path) => existsSync(path))
  ok(file !== undefined, `the package has none of ${places.join(', ')}`)

  const loaded = loadConfig({ explicit: file, environment: {}, cwd: '/', home: null, effectiveUid: 0 })
  ok('config' in loaded, 'errors' in loaded ? loaded.errors.map(formatMistake).join('\n') : '')
  equal(loaded.config.mailman.layout, 'debian')
  equal(loaded.config.paths.varDir, '/var/lib/mailman3')
  equal(loaded.config.mta.lmtpPort, 8024)
})
