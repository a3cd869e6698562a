import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startBitbucketEmulator } from '@latchkey/bitbucket-emulator'
import { bitbucket } from '@latchkey/fastify'
import { sqlite } from '@latchkey/fastify/sqlite'
import type { Page } from 'playwright-core'
import { buildApp } from '../src/app.ts'
import { launchChromium } from './chromium.ts'

// Takes a picture of every page, light and dark, narrow and wide, into screenshots/.

const folder = join(import.meta.dirname, '../../../screenshots')
await mkdir(folder, { recursive: true })
const emulator = await startBitbucketEmulator()
const app = await buildApp({
  origin: 'http://localhost:3210',
  providers: [bitbucket({ emulatorUrl: emulator.url })],
  store: sqlite(':memory:'),
  emulator,
})
const origin = await app
  .listen({ port: 3210, host: 'localhost' })
  .then(() => 'http://localhost:3210')
const browser = await launchChromium({ pinned: true })

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [320, 360, 768, 1280]) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 } })
    const page = await context.newPage()
    const shoot = (name: string): Promise<unknown> => {
      const path = join(folder, `${name}-${colorScheme}-${width}.png`)
      return page.screenshot({ path, fullPage: true, animations: 'disabled' })
    }
    await walk(page, shoot)
    await context.close()
  }
}

await browser.close()
await app.close()
await emulator.close()

async function walk(page: Page, shoot: (name: string) => Promise<unknown>): Promise<void> {
  await page.goto(origin, { waitUntil: 'networkidle' })
  await shoot('landing')
  await page.goto(`${origin}/?auth_error=access_denied`, { waitUntil: 'networkidle' })
  await shoot('landing-error')
  await page.goto(`${origin}/auth/sign-in?return_to=/decisions`)
  await shoot('hosted')
  await page.goto(`${origin}/auth/sign-in?auth_error=provider_unavailable`)
  await shoot('hosted-error')
  await page.goto(origin, { waitUntil: 'networkidle' })
  await page.getByRole('link', { name: 'Continue with Bitbucket' }).click()
  await page.getByRole('button', { name: 'Ada Test' }).waitFor()
  await shoot('consent')
  await page.getByRole('button', { name: 'Ada Test' }).click()
  await page.waitForURL(`${origin}/decisions`)
  const decided = page.getByRole('heading', { name: 'We meet on Tuesdays only' })
  if ((await decided.count()) === 0) {
    await page.getByLabel('What did you decide?').fill('We meet on Tuesdays only')
    await page.getByLabel('Why?').fill('Most holidays fall on a Monday; half of us travel then.')
    await page.getByRole('button', { name: 'Write it down' }).click()
    await decided.waitFor()
  }
  await shoot('decisions')
  await page.goto(`${origin}/what-happened`, { waitUntil: 'networkidle' })
  await shoot('what-happened')
  await page.goto(`${origin}/nowhere`)
  await shoot('not-found')
  await page.goto(origin, { waitUntil: 'networkidle' })
  await shoot('landing-signed-in')
  await page.goto(`${origin}/auth/sign-in`)
  await shoot('hosted-signed-in')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.goto(`${origin}/auth/sign-in`)
  await shoot('hosted-returning')
}
