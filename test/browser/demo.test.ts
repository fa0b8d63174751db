// The demo's page as a person sees it, in a real Chromium: write a post, watch the stations, open the copies; without
// scripts, without a mouse, in the dark, and with mail that would like to be a script.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, test } from 'node:test'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { startChromium } from '../support/chromium.ts'
import { demoHere } from '../support/demo-here.ts'

const stations = ['lmtp', 'queue', 'moderation', 'pipeline', 'delivery']
const chromium = await startChromium()
const demo = await demoHere()
after(async () => {
  await chromium.close()
  await demo[Symbol.asyncDispose]()
})
const home = `http://localhost:${demo.port}/`

/** A fresh browser window; anything that a page complains of fails the test. */
async function window(options: BrowserContextOptions, use: (page: Page) => Promise<void>): Promise<void> {
  const context = await chromium.newContext(options)
  const complaints: string[] = []
  try {
    const page = await context.newPage()
    page.setDefaultTimeout(30_000)
    page.on('console', (line) => {
      if (['error', 'warning'].includes(line.type())) complaints.push(line.text())
    })
    page.on('pageerror', (fault) => complaints.push(fault.message))
    page.on('dialog', (dialog) => {
      complaints.push(`a dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    await use(page)
    deepEqual(complaints, [])
  } finally {
    await context.close()
  }
}

async function writePost(
  page: Page,
  fields: { from?: string; to?: string; subject: string; text: string },
): Promise<void> {
  if (fields.from !== undefined) await page.getByLabel('From').selectOption(fields.from)
  if (fields.to !== undefined) await page.getByLabel('To', { exact: true }).selectOption(fields.to)
  await page.getByLabel('Subject').fill(fields.subject)
  await page.getByLabel('Text').fill(fields.text)
  await page.getByRole('button', { name: 'Post it' }).click()
}

test('write a post, watch it pass each station, see each copy', async () => {
  await window({}, async (page) => {
    await page.goto(home)
    await writePost(page, {
      from: 'ben@example.net',
      subject: 'First flush',
      text: 'The Darjeeling is here.',
    })
    for (const station of stations) await page.locator(`#station-${station}.done`).waitFor()
    match((await page.locator('#station-lmtp').textContent()) ?? '', /250 2\.6\.0 queued as \d+/)
    const copies = page.locator('#copies details.copy')
    equal(await copies.count(), 3)
    for (const [at, member] of ['ann@example.org', 'ben@example.net', 'cleo@example.com'].entries()) {
      const copy = copies.nth(at)
      await copy.locator('> summary').click()
      match(
        (await copy.locator('dl').textContent()) ?? '',
        new RegExp(`tea-bounces\\+\\w+@lists\\.example\\.test\\s[^]*names member ${at + 1}, ${member}`),
      )
      equal(
        (await copy.getByText('The Darjeeling is here.').first().textContent())?.trim(),
        'The Darjeeling is here.',
      )
      await copy.getByText(/^Header, \d+ fields$/).click()
      equal(
        await copy.locator('tr.ours', { hasText: 'List-Id' }).locator('td').textContent(),
        'All about tea <tea.lists.example.test>',
      )
      await copy.getByText(/^Raw, \d+ bytes$/).click()
      match((await copy.locator('pre').last().textContent()) ?? '', /^Subject: \[Tea\] First flush$/m)
    }
    await page.getByRole('link', { name: 'cleo@example.com' }).click()
    match(page.url(), /#copy-\d+$/)
  })
})

test("a stranger's post is held, and an unknown list is refused with the answer", async () => {
  await window({}, async (page) => {
    await page.goto(home)
    await writePost(page, { from: 'zoe@example.com', subject: 'May I?', text: 'Please.' })
    await page
      .locator('#station-moderation.held')
      .getByText('nonmember-moderation', { exact: true })
      .waitFor()
    await page.locator('#letters details.copy').first().waitFor()
    await writePost(page, { to: 'coffee@lists.example.test', subject: 'Wrong', text: 'Door.' })
    await page.locator('#station-lmtp.stopped').getByText('550 5.1.1 no such list').first().waitFor()
  })
})

test('a post that comes in elsewhere is listed without a reload', async () => {
  await window({}, async (page) => {
    await page.goto(home)
    await page.getByText('live', { exact: true }).waitFor()
    await demo.handIn(
      'ben@example.net',
      'tea@lists.example.test',
      'From: ben@example.net\r\nSubject: From afar\r\n\r\nHi\r\n',
    )
    await page.locator('#posts').getByText('From afar').click()
    await page.locator('#station-delivery.done').waitFor()
  })
})

test('news replace the parts that changed, and what was opened stays open', async () => {
  await window({}, async (page) => {
    const path = await demo.posted({ from: 'ann@example.org', to: 'tea@lists.example.test', subject: 'News' })
    await demo.whenOver(path)
    const mayGo = Promise.withResolvers<void>()
    await page.route('**/events*', async (route) => {
      await mayGo.promise
      await route.continue()
    })
    await page.goto(new URL(path, home).href)
    const copy = page.locator('#copies details.copy').first()
    await copy.locator('> summary').click()
    // As the page was before the copies had left.
    await page.evaluate(`
      document.getElementById('station-delivery').classList.replace('done', 'working')
      document.querySelector('#copies details.copy:last-child').remove()`)
    mayGo.resolve()
    await page.locator('#station-delivery.done').waitFor()
    equal(await page.locator('#copies details.copy').count(), 3)
    equal(await copy.getAttribute('open'), '')
  })
})

test('mail that would like to be a script is shown as text', async () => {
  await window({}, async (page) => {
    const hostile = '<script>alert(1)</script><img src=x onerror=alert(2)>'
    await page.goto(home)
    await writePost(page, { subject: hostile, text: hostile })
    await page.locator('#station-delivery.done').waitFor()
    await page.locator('#copies details.copy > summary').first().click()
    equal(await page.locator('#story h2').textContent(), hostile)
    equal(await page.locator('#story img').count(), 0)
    await page.goto(home)
    await page.locator('#posts').getByText(hostile).first().waitFor()
  })
})

test('without scripts one can write, read and open everything', async () => {
  await window({ javaScriptEnabled: false }, async (page) => {
    await page.goto(home)
    await writePost(page, { subject: 'No scripts', text: 'Still here.' })
    await page.locator('#station-delivery.done').waitFor()
    const copy = page.locator('#copies details.copy').first()
    await copy.locator('> summary').click()
    await copy.getByText('Still here.').first().waitFor()
  })
})

test('a keyboard is enough, and shows where it is', async () => {
  await window({}, async (page) => {
    await page.goto(home)
    await page.keyboard.press('Tab')
    equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the story')
    for (let presses = 0; presses < 10; presses++) {
      if ((await page.evaluate('document.activeElement.id')) === 'subject') break
      await page.keyboard.press('Tab')
    }
    equal(await page.evaluate('document.activeElement.id'), 'subject')
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
    equal(outline, 'solid')
    await page.keyboard.press('Control+A')
    await page.keyboard.type('By keys')
    await page.keyboard.press('Enter')
    await page.locator('#station-delivery.done').waitFor()
    const summary = page.locator('#copies details.copy > summary').first()
    await summary.focus()
    await page.keyboard.press('Enter')
    equal(await page.locator('#copies details.copy').first().getAttribute('open'), '')
  })
})

for (const colorScheme of ['light', 'dark'] as const)
  test(`the page can be read in the ${colorScheme}, and on a narrow screen`, async () => {
    await window({ colorScheme, viewport: { width: 390, height: 800 } }, async (page) => {
      const path = await demo.posted({
        from: 'ann@example.org',
        to: 'tea@lists.example.test',
        subject: colorScheme,
      })
      await demo.whenOver(path)
      await page.goto(new URL(path, home).href)
      const paper = brightness(await page.evaluate('getComputedStyle(document.body).backgroundColor'))
      const ink = brightness(await page.evaluate('getComputedStyle(document.body).color'))
      const overflow = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      )
      ok(colorScheme === 'light' ? paper > 600 && ink < 200 : paper < 150 && ink > 600, `${paper} ${ink}`)
      equal(overflow, 0)
    })
  })

/** Of `rgb(1, 2, 3)`: the sum, 0 to 765. */
function brightness(color: unknown): number {
  const parts = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(String(color))
  ok(parts !== null, String(color))
  return Number(parts[1]) + Number(parts[2]) + Number(parts[3])
}
