// Takes the README's picture of the demo's page anew: npm run picture. Needs Debian's chromium.
import { join } from 'node:path'
import { startChromium } from '../test/support/chromium.ts'
import { demoHere } from '../test/support/demo-here.ts'

const file = join(import.meta.dirname, '../docs/demo.png')
const demo = await demoHere({ port: 8080, lmtpPort: 8024 })
const chromium = await startChromium()
try {
  const warmUp = await demo.posted({
    from: 'zoe@example.com',
    to: 'tea@lists.example.test',
    subject: 'May I join in?',
    text: 'Please.',
  })
  await demo.whenOver(warmUp)
  const page = await chromium.newPage({
    viewport: { width: 1180, height: 1140 },
    deviceScaleFactor: 0.72,
    reducedMotion: 'reduce',
  })
  await page.goto(`http://localhost:${demo.port}/`)
  await page.getByRole('button', { name: 'Post it' }).click()
  await page.locator('#station-delivery.done').waitFor()
  await page.locator('#copies details.copy > summary').first().click()
  await page.evaluate('scrollTo(0, 0)')
  await page.screenshot({ path: file })
  console.log(`written: ${file}`)
} finally {
  await chromium.close()
  await demo[Symbol.asyncDispose]()
}
