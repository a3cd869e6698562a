import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startBitbucketEmulator } from '@latchkey/bitbucket-emulator'
import { googleMark } from '@latchkey/contract'
import latchkey, { apple, bitbucket, github, oidc, refuse } from '@latchkey/fastify'
import { sqlite } from '@latchkey/fastify/sqlite'
import { startProviderEmulator } from '@latchkey/provider-emulator'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  OPENID_CLIENT,
  type OpenIdProvider,
  signingKey,
  startOpenIdProvider,
} from '../../../packages/fastify/src/testing/openid-provider.ts'
import { connectToBrowser } from './browser.ts'
import { testPages } from './test-pages.ts'

const REFUSAL = 'Ask your team lead for an account.'

let app: FastifyInstance
let browser: Browser
let origin: string
let openid: OpenIdProvider
const closing: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  browser = await connectToBrowser()
  const port = await freePort()
  origin = `http://localhost:${port}`
  openid = await startOpenIdProvider([signingKey('RS256', 'first')], {
    redirect_uris: [`${origin}/auth/google/callback`],
  })
  const bitbucketEmulator = await startBitbucketEmulator()
  const emulator = await startProviderEmulator()
  const { client_id: clientId, client_secret: clientSecret } = OPENID_CLIENT
  const { issuer } = openid
  const registered = { issuer, clientId, clientSecret }
  // The pages are built while the plugins are loaded, which may take long on a busy machine.
  app = Fastify({ forceCloseConnections: true, pluginTimeout: 0 })
  await app.register(latchkey, {
    origin,
    secret: 'kX2v9QwLr7TzB4mN8sYcJ1hGfD6pEaUo',
    store: sqlite(':memory:'),
    onAdmission: ({ profile }) =>
      profile.attributes.login === 'unverified' ? refuse(REFUSAL) : undefined,
    providers: [
      bitbucket({ emulatorUrl: bitbucketEmulator.url }),
      oidc({ id: 'google', name: 'Google', mark: googleMark, ...registered }),
      emulator.emulate(github()),
      emulator.emulate(apple()),
    ],
  })
  app.get('/', async (request) => ({ user: (await request.getAuth())?.user ?? null }))
  await app.register(testPages)
  await app.listen({ port, host: 'localhost' })
  closing.push(
    () => app.close(),
    () => bitbucketEmulator.close(),
    () => emulator.close(),
    () => openid.close(),
    () => browser.close(),
  )
})

afterEach(() => Promise.all(browser.contexts().map((context) => context.close())))
afterAll(async () => {
  for (const close of closing) await close()
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function visit(options?: BrowserContextOptions): Promise<Page> {
  return (await browser.newContext(options)).newPage()
}

/** Signs in and agrees on the pages of the OpenID provider. */
async function agree(page: Page, login: string): Promise<void> {
  await page.getByPlaceholder('Enter any login').fill(login)
  await page.getByPlaceholder('and password').fill('any')
  await page.getByRole('button', { name: 'Sign-in' }).click()
  await page.getByRole('button', { name: 'Continue' }).click()
}

describe('four providers', () => {
  it.each([
    ['/auth/sign-in', 'light', 320],
    ['/auth/sign-in', 'dark', 1280],
    ['/test/card', 'light', 320],
    ['/test/card', 'dark', 320],
  ] as const)(
    'are offered at %s in this order, in %s at %i pixels',
    async (path, colorScheme, width) => {
      const page = await visit({ colorScheme, viewport: { width, height: 700 } })
      await page.goto(origin + path)
      const links = page.getByRole('link', { name: /^Continue with/ })
      await expect
        .poll(() => links.allTextContents())
        .toEqual([
          'Continue with Bitbucket',
          'Continue with Google',
          'Continue with GitHub',
          'Continue with Apple',
        ])
      const boxes = await links.evaluateAll((all) =>
        all.map((link) => link.getBoundingClientRect().toJSON()),
      )
      for (const { left, right, height } of boxes) {
        expect(left).toBeGreaterThanOrEqual(0)
        expect(right).toBeLessThanOrEqual(width)
        expect(height).toBeLessThan(60)
      }
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
        width,
      )
      expect(await links.locator('svg').count()).toBe(4)
    },
  )
})

describe('a sign-in', () => {
  it('with a certified OpenID provider ends on the page of the application', async () => {
    const page = await visit()
    await page.goto(`${origin}/auth/sign-in`)
    await page.locator('a[href^="/auth/google/"]').click()
    await agree(page, 'ada-google')
    expect(await userOn(page)).toMatchObject({
      name: 'ada-google Test',
      email: 'ada-google@example.com',
    })
  })

  // Apple posts its answer from another site, where browsers send no cookies with SameSite=Lax.
  it.each(['github', 'apple'])('with an emulated %s ends there too', async (id) => {
    const page = await visit({ colorScheme: 'dark', viewport: { width: 320, height: 700 } })
    await page.goto(`${origin}/auth/sign-in`)
    await page.locator(`a[href^="/auth/${id}/"]`).click()
    await page.getByRole('button', { name: 'Ada Test' }).click()
    expect(await userOn(page)).toMatchObject({ name: 'Ada Test', email: 'ada@example.com' })
  })

  it('with a provider that posts its answer works in a popup', async () => {
    const page = await visit()
    await page.goto(`${origin}/test/card`)
    const button = page.getByRole('link', { name: 'Continue with Apple' })
    const [popup] = await Promise.all([page.waitForEvent('popup'), button.click()])
    const closed = popup.waitForEvent('close')
    await popup.getByRole('button', { name: 'Ben Test' }).click()
    await closed
    await page.getByText('Signed in as Ben Test.').waitFor()
    expect(page.url()).toBe(`${origin}/test/card`)
  })

  it('with a provider that posts its answer can be cancelled', async () => {
    const page = await visit()
    await page.goto(`${origin}/auth/sign-in`)
    await page.locator('a[href^="/auth/apple/"]').click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('You cancelled the sign-in.').waitFor()
  })
})

describe('someone whom the application refuses', () => {
  it.each([
    ['/auth/sign-in', 'light', 1280],
    ['/auth/sign-in', 'dark', 320],
    ['/test/card', 'light', 320],
  ] as const)('reads its sentence at %s, in %s at %i pixels', async (path, colorScheme, width) => {
    const page = await visit({ colorScheme, viewport: { width, height: 700 } })
    await page.goto(origin + path)
    const button = page.getByRole('link', { name: 'Continue with GitHub' })
    const popup = path === '/test/card' ? page.waitForEvent('popup') : page
    await button.click()
    await (await popup).getByRole('button', { name: 'Dan Test' }).click()
    await page.getByText(REFUSAL).waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
      width,
    )
  })
})

async function userOn(page: Page): Promise<unknown> {
  await page.waitForURL(`${origin}/`)
  const body = await page.evaluate(async () => (await fetch('/auth/session')).json())
  return body.user
}
