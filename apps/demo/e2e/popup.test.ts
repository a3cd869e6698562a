import type { BrowserContext, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { setUpAttacker } from './attacker.ts'
import { setUpDemo } from './demo.ts'
import { testPages } from './test-pages.ts'

const demo = setUpDemo(undefined, 'http', { pages: testPages })
const attacker = setUpAttacker()

/** A hostile page may report any error. */
const ANYTHING = /./

const button = (page: Page) => page.getByRole('link', { name: 'Continue with Bitbucket' })
const person = (page: Page, name: string) => page.getByRole('button', { name })
const counter = (page: Page) => page.getByRole('button', { name: 'Counted to' })
const signedIn = (page: Page) => page.getByText('Signed in as Ada Test.')
const state = (page: Page) => button(page).getAttribute('data-state')
const results = async (page: Page) => JSON.parse((await page.locator('pre').textContent()) ?? '')

/** Opens a page, changes its state, and presses the button, which opens Bitbucket in a popup. */
async function begin(page: Page, name: 'button' | 'card' | 'alone' = 'button'): Promise<Page> {
  await page.goto(`${demo.origin}/test/${name}`)
  if (name !== 'alone') await counter(page).click()
  return press(page)
}

async function press(page: Page): Promise<Page> {
  const [popup] = await Promise.all([page.waitForEvent('popup'), button(page).click()])
  await person(popup, 'Ada Test').waitFor()
  return popup
}

/** Makes a choice in the popup, and waits until it closes. */
async function decide(popup: Page, name: string): Promise<void> {
  await Promise.all([popup.waitForEvent('close'), person(popup, name).click()])
}

/** Expects that the page did not reload. */
async function expectUndisturbed(page: Page, name: string): Promise<void> {
  expect(await counter(page).textContent()).toBe('Counted to 1')
  expect(page.url()).toBe(`${demo.origin}/test/${name}`)
}

/** Keeps popups from closing themselves, as if they were windows that scripts cannot close. */
async function keepOpen(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    window.close = () => {}
  })
}

/** Opens a tab on the application's origin that records the messages on the channel. */
async function listenOnChannel(context: BrowserContext): Promise<() => Promise<unknown[]>> {
  const listener = await context.newPage()
  await listener.goto(`${demo.origin}/quire.svg`)
  await listener.evaluate(() => {
    const received: unknown[] = []
    new BroadcastChannel('latchkey').onmessage = ({ data }) => received.push(data)
    Object.assign(window, { received })
  })
  return () => listener.evaluate(() => Object(window).received)
}

/** Returns the name of the newest popup, as sent to the start route. */
function nameOfPopup(): string {
  const start = demo.exchanges.findLast(({ url }) => url.startsWith('/auth/bitbucket/start?'))
  return new URL(start?.url ?? '', demo.origin).searchParams.get('popup') ?? ''
}

/** Returns the code, state, tokens and personal data of the sign-in. */
function secretsOfSignIn(): string[] {
  const callback = demo.exchanges.find(({ url }) => url.startsWith('/auth/bitbucket/callback?'))
  const { searchParams } = new URL(callback?.url ?? '', demo.origin)
  const sent = demo.emulator.requests.flatMap(({ headers }) => {
    return headers.authorization?.split(' ')[1] ?? []
  })
  return [
    ...searchParams.getAll('state'),
    ...searchParams.getAll('code'),
    ...new Set(sent),
    ...['Ada', 'ada@example.com'],
  ]
}

describe('a sign-in in a popup', () => {
  it.each(['button', 'card'] as const)(
    'does not interfere with the page that has a %s',
    async (name) => {
      const { page } = await demo.visit()
      const popup = await begin(page, name)
      expect(await state(page)).toBe('pending')
      await decide(popup, 'Ada Test')
      if (name === 'button') {
        await signedIn(page).waitFor()
        expect(await results(page)).toEqual([null])
      } else {
        await page.getByRole('heading', { name: "You're signed in" }).waitFor()
      }
      await expectUndisturbed(page, name)
      expect(await button(page).count()).toBe(0)
    },
  )

  it('navigates to returnTo on a page without an AuthProvider', async () => {
    const { page } = await demo.visit()
    await decide(await begin(page, 'alone'), 'Ada Test')
    await page.waitForURL(`${demo.origin}/?from=popup`)
    await page.getByRole('heading', { name: 'Welcome, Ada Test.' }).waitFor()
  })

  it('updates every tab', async () => {
    const { page, context } = await demo.visit()
    const other = await context.newPage()
    await other.goto(`${demo.origin}/test/button`)
    await button(other).waitFor()
    await decide(await begin(page), 'Ada Test')
    await signedIn(page).waitFor()
    await signedIn(other).waitFor()
    // The other tab did not press its button.
    expect(await results(other)).toEqual([])
  })

  it('shows an error in the card when the person cancels, and can be tried again', async () => {
    const { page } = await demo.visit()
    const popup = await begin(page, 'card')
    await decide(popup, 'Cancel')
    await page.getByRole('alert').getByText('You cancelled the sign-in.').waitFor()
    expect(await state(page)).toBe('idle')
    await expectUndisturbed(page, 'card')
    await decide(await press(page), 'Ada Test')
    await page.getByRole('heading', { name: "You're signed in" }).waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
    await expectUndisturbed(page, 'card')
  })

  it('shows an error in the card when the provider fails', async () => {
    const { page } = await demo.visit()
    const popup = await begin(page, 'card')
    demo.emulator.answerNext('POST /site/oauth2/access_token', { status: 503 })
    await decide(popup, 'Ada Test')
    await page.getByRole('alert').getByText("Bitbucket can't be reached").waitFor()
    await expectUndisturbed(page, 'card')
  })

  it('can be tried again after the person has closed the popup', async () => {
    const { page } = await demo.visit()
    const popup = await begin(page)
    await popup.close()
    expect(await state(page)).toBe('pending')
    // Closing the popup focuses the page. A headless browser does not dispatch the focus event.
    await page.evaluate(() => dispatchEvent(new Event('focus')))
    await expect.poll(() => state(page)).toBe('idle')
    expect(await results(page)).toEqual([])
    await decide(await press(page), 'Ada Test')
    await signedIn(page).waitFor()
    await expectUndisturbed(page, 'button')
    expect(await results(page)).toEqual([null])
  })

  it.each([
    ['no window', 'null'],
    ['a closed window', '{ closed: true }'],
  ])('uses the page itself if the browser opens %s', async (_case, opened) => {
    const { page, context } = await demo.visit()
    await context.addInitScript(`window.open = () => (${opened})`)
    await page.goto(`${demo.origin}/test/alone`)
    await button(page).click()
    await person(page, 'Ada Test').click()
    await page.waitForURL(`${demo.origin}/?from=popup`)
    await page.getByRole('heading', { name: 'Welcome, Ada Test.' }).waitFor()
    expect(context.pages()).toHaveLength(1)
    expect(demo.exchanges.map(({ url }) => url).join()).not.toContain('popup=')
  })
})

describe.each(['same-origin', 'same-origin-allow-popups', 'noopener-allow-popups'])(
  'a provider with the Cross-Origin-Opener-Policy %s',
  (policy) => {
    const isolated = setUpDemo(undefined, 'http', {
      pages: testPages,
      providerHeaders: { 'cross-origin-opener-policy': policy },
    })

    it('works in a popup', async () => {
      const { page, context } = await isolated.visit()
      await context.addInitScript(() => {
        const { open } = window
        window.open = (...args) => {
          const opened = open.apply(window, args)
          Object.assign(window, { opened })
          return opened
        }
      })
      await page.goto(`${isolated.origin}/test/button`)
      const answered = context.waitForEvent('response', (response) => {
        return response.url().includes('/site/oauth2/authorize?')
      })
      const popup = await press(page)
      const headers = (await answered).headers()
      expect(headers['cross-origin-opener-policy']).toBe(policy)
      // The windows are isolated, so each sees the other as closed or missing.
      // The browser reports it from another process, which may take a moment.
      await expect.poll(() => page.evaluate(() => Object(window).opened.closed)).toBe(true)
      expect(await popup.evaluate(() => window.opener)).toBeNull()
      expect(popup.isClosed()).toBe(false)
      await decide(popup, 'Ada Test')
      await signedIn(page).waitFor()
      expect(await results(page)).toEqual([null])
    })
  },
)

describe('a page that waits for its popup', () => {
  const FORGED = { type: 'popup', popup: 'x'.repeat(16), error: null, returnTo: '/?forged' }

  /** Expects no result and no navigation, and that the popup still works. */
  async function expectNoEffect(page: Page, popup: Page): Promise<void> {
    // Wait until earlier messages have been delivered.
    await page.evaluate(() => fetch('/auth/session').then((answer) => answer.text()))
    await expectUndisturbed(page, 'button')
    expect(await state(page)).toBe('pending')
    expect(await results(page)).toEqual([])
    expect(await signedIn(page).count()).toBe(0)
    await decide(popup, 'Ada Test')
    await signedIn(page).waitFor()
    expect(await results(page)).toEqual([null])
    await expectUndisturbed(page, 'button')
  }

  it.each(['otherSite', 'sameSite'] as const)(
    'ignores messages from another origin, even with the right name (%s)',
    async (site) => {
      const { page: evil, context } = await demo.visit({}, ANYTHING)
      attacker.write(
        `<button onclick="app = window.open('${demo.origin}/test/button')">Play</button>`,
      )
      await evil.goto(attacker[site])
      const [page] = await Promise.all([
        evil.waitForEvent('popup'),
        evil.getByRole('button', { name: 'Play' }).click(),
      ])
      await counter(page).click()
      const received = countMessages(page)
      const popup = await press(page)
      const messages = [FORGED, { ...FORGED, popup: nameOfPopup() }]
      expect(nameOfPopup()).toMatch(/^[\w-]{16,64}$/)
      await evil.evaluate((messages) => {
        for (const message of messages) {
          Object(window).app.postMessage(message, '*')
          new BroadcastChannel('latchkey').postMessage(message)
        }
      }, messages)
      // The messages reach the window, but it has no listener.
      await expect.poll(received).toBe(messages.length)
      await expectNoEffect(page, popup)
      expect(context.pages()).toContain(page)
    },
  )

  it('ignores messages from a frame without an origin, even with the right name', async () => {
    const { page, context } = await demo.visit({}, ANYTHING)
    await allowFrames(context)
    const popup = await begin(page)
    const received = countMessages(page)
    await page.evaluate(
      (message) => {
        const frame = document.createElement('iframe')
        frame.setAttribute('sandbox', 'allow-scripts')
        frame.srcdoc = `<script>
          const message = ${JSON.stringify(message)}
          parent.postMessage(message, '*')
          new BroadcastChannel('latchkey').postMessage(message)
        </script>`
        document.body.append(frame)
      },
      { ...FORGED, popup: nameOfPopup() },
    )
    await expect.poll(received).toBe(1)
    await expectNoEffect(page, popup)
  })

  it('ignores messages from its own origin that have another name or none', async () => {
    const { page, context } = await demo.visit()
    const popup = await begin(page)
    const other = await context.newPage()
    await other.goto(`${demo.origin}/quire.svg`)
    const sessionRequests = () => demo.exchanges.filter(({ url }) => url === '/auth/session').length
    const before = sessionRequests()
    const name = nameOfPopup()
    await other.evaluate(
      ([forged, name]) => {
        const channel = new BroadcastChannel('latchkey')
        for (const message of [
          ...[null, undefined, 0, true, '', 'popup', name, [], [name], new Date(), new Map()],
          ...[{}, { popup: null }, { popup: [name] }, { popup: { name } }, { popup: `${name} ` }],
          ...[{ name }, { type: 'popup' }, new Uint8Array(8), new Error('popup'), { popup: 1n }],
          { type: 'session' },
          { type: 'session', basePath: '/auth', sessionId: 'forged' },
          { type: 'session', basePath: '/auth', sessionId: { toString: 1 } },
          { type: 'session', basePath: { length: 1 }, sessionId: null },
          JSON.parse('{"__proto__":{"popup":1},"constructor":{"prototype":{"popup":1}}}'),
          forged,
        ]) {
          channel.postMessage(message)
        }
      },
      [FORGED, name] as const,
    )
    // The page received them, and requested the session from the server.
    await expect.poll(sessionRequests).toBeGreaterThan(before)
    await expectNoEffect(page, popup)
  })

  it('accepts a message from its own origin with the right name, but reads the session from the server', async () => {
    const { page, context } = await demo.visit()
    const popup = await begin(page)
    const other = await context.newPage()
    await other.goto(`${demo.origin}/quire.svg`)
    await other.evaluate((message) => new BroadcastChannel('latchkey').postMessage(message), {
      ...FORGED,
      popup: nameOfPopup(),
    })
    await expect.poll(() => results(page)).toEqual([null])
    await button(page).waitFor()
    expect(await state(page)).toBe('idle')
    expect(await signedIn(page).count()).toBe(0)
    await expectUndisturbed(page, 'button')
    await popup.close()
  })

  it.each(['https://evil.example/', '//evil.example/', '/\\evil.example/', '/\t/evil.example/'])(
    'without an AuthProvider never navigates to another origin: %j',
    async (returnTo) => {
      const { page, context } = await demo.visit()
      const popup = await begin(page, 'alone')
      const other = await context.newPage()
      await other.goto(`${demo.origin}/quire.svg`)
      await other.evaluate((message) => new BroadcastChannel('latchkey').postMessage(message), {
        ...FORGED,
        popup: nameOfPopup(),
        returnTo,
      })
      await expect.poll(() => state(page)).toBe('idle')
      expect(page.url()).toBe(`${demo.origin}/test/alone`)
      await popup.close()
    },
  )
})

describe('a popup that another site opened', () => {
  it.each([
    ['otherSite', '/auth/bitbucket/start?popup=0123456789abcdef'],
    ['sameSite', '/auth/bitbucket/start?popup=0123456789abcdef'],
    ['otherSite', '/auth/popup?popup=0123456789abcdef&auth_error=access_denied'],
    ['sameSite', '/auth/popup?popup=0123456789abcdef&auth_error=access_denied'],
  ] as const)('sends nothing to that site, and drops its opener (%s, %s)', async (site, path) => {
    const { page: evil, context } = await demo.visit({}, ANYTHING)
    attacker.write(`<button onclick="app = window.open('${demo.origin + path}')">Play</button><script>
      received = []
      onmessage = ({ data }) => received.push(data)
      new BroadcastChannel('latchkey').onmessage = onmessage
    </script>`)
    const received = await listenOnChannel(context)
    await keepOpen(context)
    await evil.goto(attacker[site])
    const [popup] = await Promise.all([
      evil.waitForEvent('popup'),
      evil.getByRole('button', { name: 'Play' }).click(),
    ])
    await popup.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(await evil.evaluate(() => Object(window).app.closed)).toBe(true)
    expect(await popup.evaluate(() => window.opener)).toBeNull()
    if (path.startsWith('/auth/bitbucket')) {
      expect(popup.url()).toBe(`${demo.origin}/auth/sign-in`)
      await button(popup).click()
      await person(popup, 'Ada Test').click()
      await popup.getByRole('heading', { name: 'Welcome, Ada Test.' }).waitFor()
      expect(popup.url()).toBe(`${demo.origin}/`)
      const messages = JSON.stringify(await received())
      expect(messages).not.toContain('popup')
    } else {
      expect(popup.url()).toBe(`${demo.origin}/auth/popup`)
      // For comparison, the application's own origin does receive the message.
      expect(await received()).toEqual([
        { type: 'popup', popup: '0123456789abcdef', error: 'access_denied', returnTo: '/' },
      ])
    }
    expect(await evil.evaluate(() => Object(window).received)).toEqual([])
  })
})

describe('a popup whose opener navigated to another site', () => {
  it.each(['otherSite', 'sameSite'] as const)(
    'signs in, sends nothing to that site, and closes (%s)',
    async (site) => {
      const { page, context } = await demo.visit({}, ANYTHING)
      const popup = await begin(page)
      attacker.write(`<script>
      received = []
      onmessage = ({ data }) => received.push(data)
      new BroadcastChannel('latchkey').onmessage = onmessage
    </script>`)
      await page.goto(attacker[site])
      const received = await listenOnChannel(context)
      await decide(popup, 'Ada Test')
      expect(await received()).toEqual([
        { type: 'popup', popup: nameOfPopup(), error: null, returnTo: '/' },
      ])
      expect(await page.evaluate(() => Object(window).received)).toEqual([])
      expect(page.url()).toBe(`${attacker[site]}/`)
      await page.goto(demo.origin)
      await page.getByRole('heading', { name: 'Welcome, Ada Test.' }).waitFor()
    },
  )
})

describe('a popup that stays open', () => {
  it.each([
    ['after success', null, 6, 'All done'],
    ['after cancelling', 'access_denied', 3, 'Sign in'],
    ['after a provider error', 'provider_unavailable', 6, 'Sign in'],
  ] as const)('contains no secrets that a script could read, %s', async (...how) => {
    const [_when, error, secretCount, title] = how
    const { page, context } = await demo.visit()
    await keepOpen(context)
    const received = await listenOnChannel(context)
    const popup = await begin(page)
    const messages = [countMessages(page), countMessages(popup)]
    if (error === 'provider_unavailable') {
      demo.emulator.answerNext('GET /2.0/user', { status: 503 })
    }
    await person(popup, error === 'access_denied' ? 'Cancel' : 'Ada Test').click()
    await popup.getByRole('heading', { name: title }).waitFor()
    await expect.poll(() => results(page).catch(() => [null])).toEqual([error])

    expect(popup.url()).toBe(`${demo.origin}/auth/popup`)
    const said = (await received()).filter((message) => Object(message).type === 'popup')
    expect(said).toEqual([{ type: 'popup', popup: nameOfPopup(), error, returnTo: '/' }])
    const { entries } = await (await context.newCDPSession(popup)).send('Page.getNavigationHistory')
    const left = [
      JSON.stringify(said),
      // The URLs of the provider's pages contain the parameters of the request.
      ...entries.map(({ url }) => url).filter((url) => !url.startsWith(demo.emulator.url)),
      ...(await popup.evaluate(() => [
        document.referrer,
        document.title,
        document.cookie,
        window.name,
        JSON.stringify([history.state, { ...localStorage }, { ...sessionStorage }]),
        document.documentElement.outerHTML,
        ...performance.getEntries().map(({ name }) => name),
      ])),
    ].join('\n')
    expect(left).toContain('/auth/popup')
    const secrets = secretsOfSignIn()
    expect(secrets).toHaveLength(secretCount)
    for (const secret of secrets) expect(left).not.toContain(secret)
    expect(messages.map((count) => count())).toEqual([0, 0])

    // After a reload, the page has no result, and does not send the message again.
    await popup.reload()
    await popup.getByRole('heading', { name: 'All done' }).waitFor()
    expect(popup.url()).toBe(`${demo.origin}/auth/popup`)
    const again = (await received()).filter((message) => Object(message).type === 'popup')
    expect(again).toEqual(said)
  })

  it('has a link to try again, or to continue to returnTo', async () => {
    const { page, context } = await demo.visit()
    await keepOpen(context)
    const popup = await begin(page)
    await person(popup, 'Cancel').click()
    await popup.getByRole('alert').getByText('You cancelled the sign-in.').waitFor()
    await popup.getByRole('link', { name: 'Try again' }).click()
    await popup.waitForURL(`${demo.origin}/auth/sign-in`)
    const other = await press(page)
    await person(other, 'Ada Test').click()
    await other.getByRole('link', { name: 'Continue here instead' }).click()
    await other.getByRole('heading', { name: 'Welcome, Ada Test.' }).waitFor()
    await signedIn(page).waitFor()
  })
})

/** Counts the `postMessage` messages to a page until it reloads. */
function countMessages(page: Page): () => number {
  let count = 0
  page.on('console', (message) => {
    if (message.text() === 'a message') count++
  })
  void page.evaluate(() => addEventListener('message', () => console.info('a message')))
  return () => count
}

/** Removes a test page's policy, which forbids frames with scripts. */
async function allowFrames(context: BrowserContext): Promise<void> {
  await context.route(`${demo.origin}/test/button`, async (route) => {
    const response = await route.fetch()
    const headers = { ...response.headers(), 'content-security-policy': '' }
    await route.fulfill({ response, headers })
  })
}
