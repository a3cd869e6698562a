import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startBitbucketEmulator } from '@latchkey/bitbucket-emulator'
import { bitbucket } from '@latchkey/fastify'
import { sqlite } from '@latchkey/fastify/sqlite'
import { buildApp } from '../src/app.ts'
import { launchChromium } from './chromium.ts'
import { walkEveryPage } from './every-page.ts'

// Takes a picture of every page in both colour schemes and at every width, and saves it in screenshots/.

const folder = join(import.meta.dirname, '../../../screenshots')
await mkdir(folder, { recursive: true })
const emulator = await startBitbucketEmulator()
const app = await buildApp({
  origin: 'http://localhost:3210',
  providers: [bitbucket({ emulatorUrl: emulator.url })],
  store: sqlite(':memory:'),
  emulators: { bitbucket: emulator },
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
    await walkEveryPage(page, origin, shoot)
    await context.close()
  }
}

// The pictures in the README.
for (const colorScheme of ['light', 'dark'] as const) {
  const viewport = { width: 1280, height: 720 }
  const options = { colorScheme, viewport, deviceScaleFactor: 1.5, timezoneId: 'UTC' }
  const context = await browser.newContext({ ...options, locale: 'en-US' })
  const page = await context.newPage()
  await page.goto(`${origin}/gallery?part=overview&bare`)
  await page.getByText('Safari on iOS').waitFor()
  await page.getByRole('link', { name: 'Continue with Bitbucket' }).first().waitFor()
  await page.screenshot({ path: join(folder, `components-${colorScheme}.png`) })
  await context.close()
}

await browser.close()
await app.close()
await emulator.close()
