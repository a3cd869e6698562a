import type { BrowserContext, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { setUpDemo } from './demo.ts'
import { testPages } from './test-pages.ts'

describe.each([
  ['https', /^__Host-latchkey$/],
  ['http', /^latchkey-\d+$/],
] as const)('over %s, signing out', (scheme, name) => {
  const demo = setUpDemo({}, scheme)

  it.each([
    ['with JavaScript', true, '/decisions'],
    ['without JavaScript', false, '/decisions'],
    ['on the hosted page', false, '/auth/sign-in'],
  ])(
    '%s removes the session cookie, and invalidates copies of it',
    async (_how, javaScriptEnabled, path) => {
      const { page, context } = await demo.visit({ javaScriptEnabled })
      const sentTo = (path: string) =>
        demo.exchanges.findLast(({ url }) => url === path)?.headers.cookie ?? ''
      await demo.signInUnseen(page)
      const cookies = await context.cookies()
      const session = cookies.find((cookie) => name.test(cookie.name))
      expect(session).toMatchObject({
        httpOnly: true,
        secure: scheme === 'https',
        path: '/',
        sameSite: 'Lax',
      })
      const pair = `${session?.name}=${session?.value}`

      await page.goto(demo.origin + path)
      expect(sentTo(path)).toContain(pair)
      await demo.signOut(page)
      await page.waitForURL(`${demo.origin}/`)
      const left = (await context.cookies()).map(({ name }) => name)
      expect(left).toEqual([`${session?.name}-last`])
      await page.goto(`${demo.origin}/decisions`)
      await page.waitForURL(/\/auth\/sign-in/)
      expect(sentTo('/decisions')).not.toContain(`${session?.name}=`)

      // A copy from before the sign-out is invalid.
      await context.addCookies(cookies)
      await page.goto(`${demo.origin}/decisions`)
      await page.waitForURL(/\/auth\/sign-in/)
      expect(sentTo('/decisions')).toContain(pair)
    },
  )
})

describe('private content after signing out', () => {
  const MATTER = 'A private matter'
  const OF_THEM = new RegExp(`${MATTER}|Ada Test|ada@example\\.com`)
  const demo = setUpDemo(undefined, 'http', { pages: testPages })

  /** Visits private pages and then signs out, so that the history contains two private pages. */
  async function readAndLeave(page: Page): Promise<void> {
    await demo.signInUnseen(page)
    await page.getByLabel('What did you decide?').fill(MATTER)
    await page.getByLabel('Why?').fill('No one else should read it.')
    await page.getByRole('button', { name: 'Write it down' }).click()
    await page.getByRole('heading', { name: MATTER }).first().waitFor()
    for (const path of ['/auth/session', '/auth/sessions']) await page.goto(demo.origin + path)
    await page.goto(`${demo.origin}/what-happened`)
    await page.getByText('"display_name": "Ada Test"').waitFor()
    await page.goto(`${demo.origin}/decisions`)
    await demo.signOut(page)
    await page.waitForURL(`${demo.origin}/`)
    await page.getByRole('link', { name: 'Continue with Bitbucket' }).waitFor()
  }

  async function expectNothingOfThem(page: Page): Promise<void> {
    expect(`${await page.title()} ${await page.content()}`).not.toMatch(OF_THEM)
  }

  it.each([
    ['with JavaScript', true],
    ['without JavaScript', false],
  ])('does not reappear with the Back button, %s', async (_how, javaScriptEnabled) => {
    const { page } = await demo.visit({ javaScriptEnabled })
    await readAndLeave(page)
    for (const path of ['/decisions', '/what-happened']) {
      await page.goBack()
      await page.waitForURL(`${demo.origin}/auth/sign-in?return_to=${path}`)
      await expectNothingOfThem(page)
    }
    await page.goForward()
    await page.waitForURL(`${demo.origin}/auth/sign-in?return_to=/decisions`)
    await expectNothingOfThem(page)
  })

  it('does not reappear in a new tab', async () => {
    const { page, context } = await demo.visit()
    await readAndLeave(page)
    await page.close()
    for (const path of ['/decisions', '/what-happened']) {
      const again = await context.newPage()
      await again.goto(demo.origin + path)
      await again.waitForURL(`${demo.origin}/auth/sign-in?return_to=${path}`)
      await expectNothingOfThem(again)
    }
  })

  it('is not cached for offline use', async () => {
    const { page, context } = await demo.visit({}, /ERR_INTERNET_DISCONNECTED/)
    await page.goto(`${demo.origin}/test/button`)
    await readAndLeave(page)
    await context.setOffline(true)
    await expect(page.goBack()).rejects.toThrow('ERR_INTERNET_DISCONNECTED')
    await expectNothingOfThem(page)
    for (const path of ['/decisions', '/what-happened', '/auth/session', '/auth/sessions']) {
      const again = await context.newPage()
      const answer = again.goto(demo.origin + path)
      await expect(answer).rejects.toThrow('ERR_INTERNET_DISCONNECTED')
      await expectNothingOfThem(again)
    }
    // The browser does cache pages that allow it.
    await page.goto(`${demo.origin}/test/button`)
    expect(await page.title()).toBe('Test page')
  })

  it("is not in any of the page's storage", async () => {
    const { page, context } = await demo.visit()
    await readAndLeave(page)
    await page.goto(`${demo.origin}/test/account`)
    await page.getByRole('link', { name: 'Continue with Bitbucket' }).waitFor()
    const { cookies, origins } = await context.storageState({ indexedDB: true })
    expect(cookies.map(({ name, value }) => `${name}=${value}`)).toEqual([
      expect.stringMatching(/^latchkey-\d+-last=bitbucket$/),
    ])
    expect(origins).toEqual([])
    const kept = await page.evaluate(async () => ({
      cookie: document.cookie,
      local: { ...localStorage },
      session: { ...sessionStorage },
      databases: await indexedDB.databases(),
      caches: await caches.keys(),
      workers: (await navigator.serviceWorker.getRegistrations()).length,
      name: window.name,
      state: history.state,
    }))
    expect(kept).toEqual({
      ...{ cookie: '', local: {}, session: {}, databases: [], caches: [] },
      ...{ workers: 0, name: '', state: null },
    })
  })

  it('disappears from a page in the back/forward cache', async () => {
    const { page, context } = await demo.visit()
    await demo.signInUnseen(page, 'ada', '/test/button')
    await page.getByText('Signed in as Ada Test.').waitFor()
    await signOutSilently(context)
    await page.getByText('Signed in as Ada Test.').waitFor()
    // Simulate the back/forward cache, which headless browsers do not have.
    await page.evaluate(() => {
      dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))
    })
    await page.getByRole('link', { name: 'Continue with Bitbucket' }).waitFor()
    await expectNothingOfThem(page)
  })

  it('disappears from every tab, whether the server or the browser rendered it', async () => {
    const { page, context } = await demo.visit()
    await demo.signInUnseen(page)
    const tabs: Page[] = []
    for (const path of ['/test/button', '/test/card', '/decisions', '/what-happened', '/']) {
      const tab = await context.newPage()
      await tab.goto(demo.origin + path)
      await tab.getByText('Ada Test').first().waitFor()
      tabs.push(tab)
    }
    await demo.signOut(page)
    for (const tab of tabs) {
      await tab.getByRole('link', { name: 'Continue with Bitbucket' }).waitFor()
      if (tab.url().includes('/test/')) await expectNothingOfThem(tab)
      else expect(await tab.locator('#root').textContent()).not.toMatch(OF_THEM)
    }
  })

  /** Signs out with a request that does not come from a page, so that no tab is notified. */
  async function signOutSilently(context: BrowserContext): Promise<void> {
    const headers = { 'sec-fetch-site': 'same-origin' }
    const answer = await context.request.post(`${demo.origin}/auth/sign-out`, { headers })
    expect(answer.status()).toBe(204)
  }
})
