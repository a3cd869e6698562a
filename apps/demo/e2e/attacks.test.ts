import type { BrowserContext, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { setUpAttacker } from './attacker.ts'
import { type Exchange, setUpDemo } from './demo.ts'

const START = '/auth/bitbucket/start'
const CALLBACK = '/auth/bitbucket/callback'
const SIGN_OUT = '/auth/sign-out'

const demo = setUpDemo()
const attacker = setUpAttacker()

/** A hostile page may report any error. */
const ANYTHING = /./

const submit = '<script>document.forms[0].submit()</script>'

/** Ways to send a request without a click, each with its method. */
const WITHOUT_CLICK: [string, 'GET' | 'POST', (url: string) => string][] = [
  ['a picture', 'GET', (url) => `<img src="${url}">`],
  ['a script', 'GET', (url) => `<script src="${url}"></script>`],
  ['a style sheet', 'GET', (url) => `<link rel="stylesheet" href="${url}">`],
  ['a prefetch', 'GET', (url) => `<link rel="prefetch" href="${url}">`],
  ['a frame', 'GET', (url) => `<iframe src="${url}"></iframe>`],
  ['fetch', 'POST', (url) => `<script>${fetchCall(url)}</script>`],
  [
    'a form in a frame',
    'POST',
    (url) =>
      `<iframe name="f"></iframe><form method="post" action="${url}" target="f"></form>${submit}`,
  ],
  ['a form', 'POST', (url) => `<form method="post" action="${url}"></form>${submit}`],
]

function fetchCall(url: string): string {
  const body = 'new URLSearchParams({ scope: "global" })'
  return `fetch("${url}", { method: "POST", mode: "no-cors", credentials: "include", body: ${body} })`
}

/** Opens a page on `origin` that requests `path` from the demo, and returns the exchange. */
async function attack(
  context: BrowserContext,
  origin: string,
  markup: (url: string) => string,
  path: string,
): Promise<Exchange | undefined> {
  attacker.write(markup(demo.origin + path))
  const page = await context.newPage()
  await page.goto(origin, { waitUntil: 'commit' })
  const find = (): Exchange | undefined => demo.exchanges.find(({ url }) => url === path)
  await expect.poll(find, { timeout: 30_000 }).toBeDefined()
  return find()
}

describe.each(['otherSite', 'sameSite'] as const)('a hostile page (%s)', (site) => {
  it.each(WITHOUT_CLICK)('cannot start a sign-in with %s', async (way, method, markup) => {
    const { context } = await demo.visit({}, ANYTHING)
    const answer = await attack(context, attacker[site], markup, START)
    const status = method === 'POST' ? 404 : way === 'a prefetch' ? 503 : 403
    expect(answer).toMatchObject({ method, status, location: null })
    expect(await context.cookies(demo.origin)).toEqual([])
    expect(demo.emulator.requests).toEqual([])
  })

  it('cannot sign out with any of these', async () => {
    const { page, context } = await demo.visit({}, ANYTHING)
    await demo.signInUnseen(page)
    const cookies = await context.cookies(demo.origin)
    for (const [way, method, markup] of WITHOUT_CLICK) {
      const path = `${SIGN_OUT}?by=${encodeURIComponent(way)}`
      const answer = await attack(context, attacker[site], markup, path)
      const status = method === 'POST' ? 403 : 404
      expect(answer).toMatchObject({ method, status, location: null })
    }
    expect(await context.cookies(demo.origin)).toEqual(cookies)
    await page.reload()
    await page.getByText('Signed by Ada Test').waitFor()
  })

  it.each([
    ['a link', (url: string) => `<a href="${url}">Win a prize</a>`],
    ['a script', (url: string) => `<script>location = "${url}"</script>`],
    ['a refresh', (url: string) => `<meta http-equiv="refresh" content="0; url=${url}">`],
    ['a form', (url: string) => `<form action="${url}"></form>${submit}`],
  ])(
    'cannot start a sign-in with %s, but can only open the page where one click starts it',
    async (way, markup) => {
      const { page, context } = await demo.visit({}, ANYTHING)
      attacker.write(markup(demo.origin + START))
      await page.goto(attacker[site], { waitUntil: 'commit' })
      if (way === 'a link') await page.getByRole('link').click()
      await page.waitForURL(`${demo.origin}/auth/sign-in`)
      expect(await context.cookies(demo.origin)).toEqual([])
      expect(demo.emulator.requests).toEqual([])
      await page.getByRole('link', { name: 'Continue with Bitbucket' }).click()
      await page.getByRole('button', { name: 'Ada Test' }).click()
      await page.waitForURL(`${demo.origin}/`)
      await page.getByRole('heading', { name: 'Welcome, Ada Test.' }).waitFor()
    },
  )

  it('does not disturb a sign-in in another tab', async () => {
    const { page, context } = await demo.visit({}, ANYTHING)
    await page.goto(demo.origin)
    await page.getByRole('link', { name: 'Continue with Bitbucket' }).click()
    await page.getByRole('button', { name: 'Ada Test' }).waitFor()
    for (const [way, , markup] of WITHOUT_CLICK) {
      for (const path of [START, CALLBACK]) {
        await attack(context, attacker[site], markup, `${path}?by=${encodeURIComponent(way)}`)
      }
    }
    await page.getByRole('button', { name: 'Ada Test' }).click()
    await page.waitForURL(`${demo.origin}/decisions`)
  })

  it('cannot frame any page', async () => {
    const { page } = await demo.visit({}, ANYTHING)
    await page.goto(demo.origin)
    await page.getByRole('link', { name: 'Continue with Bitbucket' }).click()
    await page.getByRole('button', { name: 'Ada Test' }).waitFor()
    const consent = page.url()
    await demo.signInUnseen(page)
    const framed = [
      ...['/', '/decisions', '/what-happened', '/account', '/nowhere', '/quire.svg'],
      ...['/api/decisions', '/auth/sign-in', '/auth/session', '/auth/nowhere'],
      ...['/auth/popup', '/auth/popup?popup=0123456789abcdef&auth_error=access_denied'],
      ...['/auth/bitbucket/start', '/auth/bitbucket/callback?code=x'],
    ].map((path) => demo.origin + path)
    framed.push(consent, consent.replace(/client_id=[^&]*/, 'client_id=unknown'))
    attacker.write(framed.map((url) => `<iframe src="${url}"></iframe>`).join(''))
    await page.goto(attacker[site])
    const frames = page.mainFrame().childFrames()
    expect(frames.map((frame) => frame.url())).toEqual(
      framed.map(() => 'chrome-error://chromewebdata/'),
    )
  })
})

describe('a return_to on another origin', () => {
  it.each(['/\t/evil', '/\n/evil', '/\\evil', '//evil', 'javascript:location="http://evil"'])(
    'is ignored after signing in, when already signed in, and after signing out: %j',
    async (written) => {
      const target = written.replace('evil', new URL(attacker.otherSite).host)
      const hostedPage = `${demo.origin}/auth/sign-in?${new URLSearchParams({ return_to: target })}`
      const { page } = await demo.visit()
      const arrive = () => page.waitForURL(({ origin }) => origin === demo.origin)

      await page.goto(hostedPage)
      await page.getByRole('link', { name: 'Continue with Bitbucket' }).click()
      await page.getByRole('button', { name: 'Ada Test' }).click()
      await arrive()
      await page.goto(hostedPage)
      await page.getByRole('link', { name: 'Continue' }).click()
      await arrive()
      await page.goto(demo.origin)
      const signOut = page.locator('form', { hasText: 'Sign out' })
      await signOut
        .locator('input[name="return_to"]')
        .evaluate((input, to) => input.setAttribute('value', to), target)
      await page.locator('header summary').click()
      await signOut.getByRole('button').click()
      await arrive()
      await page.getByRole('link', { name: 'Continue with Bitbucket' }).waitFor()
      expect(attacker.requests).toEqual([])
    },
  )
})

describe('a sign-in', () => {
  const ada = (page: Page) => page.getByRole('button', { name: 'Ada Test' }).click()
  const ways: [string, number, (page: Page) => Promise<void>][] = [
    ['that succeeds', 4, ada],
    ['that is cancelled', 1, (page) => page.getByRole('button', { name: 'Cancel' }).click()],
    [
      'whose provider fails',
      4,
      async (page) => {
        demo.emulator.answerNext('GET /2.0/user', { status: 500 })
        await ada(page)
      },
    ],
  ]

  it.each(ways)(
    '%s leaves no secrets in history, pages, referrers or requests',
    async (_when, count, decide) => {
      const { page, context } = await demo.visit()
      await page.goto(demo.origin)
      await page.getByRole('link', { name: 'Continue with Bitbucket' }).click()
      await decide(page)
      await page.waitForURL(({ origin }) => origin === demo.origin)
      const callback = demo.exchanges.findIndex(({ url }) => url.startsWith(`${CALLBACK}?`))
      const sent = new URL(demo.exchanges[callback]?.url ?? '', demo.origin).searchParams
      // The state, the code, the client's secret and the token, if the flow got that far.
      const secrets = [
        sent.getAll('state'),
        sent.getAll('code'),
        demo.emulator.requests.flatMap(({ headers }) => headers.authorization?.split(' ')[1] ?? []),
      ].flat()
      expect(new Set(secrets).size).toBe(count)

      // Navigate to another site and back, to get more headers to check.
      await page.goto(attacker.otherSite)
      await page.goBack()
      await page.reload()
      const { entries } = await (await context.newCDPSession(page)).send(
        'Page.getNavigationHistory',
      )
      const left = [
        // The URLs of the provider's pages contain the parameters of the request.
        ...entries.map(({ url }) => url).filter((url) => !url.startsWith(demo.emulator.url)),
        ...(await page.evaluate(() => [
          document.referrer,
          JSON.stringify(history.state),
          document.documentElement.outerHTML,
          ...performance.getEntries().map(({ name }) => name),
        ])),
        ...demo.exchanges.slice(callback).map(({ location }) => location ?? ''),
        ...demo.exchanges.slice(callback + 1).map(({ url }) => url),
        ...[...demo.exchanges, ...attacker.requests].map(({ headers }) => headers.referer ?? ''),
      ].join('\n')
      expect(left).toContain(demo.origin)
      for (const secret of secrets) expect(left).not.toContain(secret)
    },
  )
})

describe('an error page', () => {
  const ERROR_PAGES = [
    '/?auth_error=access_denied',
    '/auth/sign-in?auth_error=flow_used',
    '/auth/popup?auth_error=provider_refused',
  ]

  it.each(ERROR_PAGES)('%s loads nothing from another origin, and links to none', async (path) => {
    const refusal = /Content Security Policy|img-src forbids/
    const { page, context, problems } = await demo.visit({}, refusal)
    const requested: string[] = []
    context.on('request', (request) => void requested.push(request.url()))
    await page.goto(demo.origin + path, { waitUntil: 'networkidle' })
    await page.getByRole('alert').waitFor()
    expect(requested[0]).toBe(demo.origin + path)
    for (const url of requested) expect(new URL(url).origin).toBe(demo.origin)
    const addresses = await page
      .locator('[src], [href], [action], [srcset], [ping], [data], [poster]')
      .evaluateAll((elements) =>
        elements.flatMap((element) => {
          const names = ['src', 'href', 'action', 'srcset', 'ping', 'data', 'poster']
          return names.flatMap((name) => element.getAttribute(name) ?? [])
        }),
      )
    expect(addresses).not.toEqual([])
    for (const address of addresses) expect(address).toMatch(/^(\/(?!\/)|#)/)
    expect(problems).toEqual([])
    // The policy also blocks injected images, which would reveal the visit to their server.
    const elsewhere = `${attacker.otherSite}/pixel`
    const refused = page.waitForEvent('console', (message) => refusal.test(message.text()))
    await page.evaluate((url) => {
      new Image().src = url
    }, elsewhere)
    await refused
    expect(attacker.requests).toEqual([])
  })

  it('sends no referrer to the pages it links to', async () => {
    const { page } = await demo.visit()
    for (const path of ERROR_PAGES) {
      await page.goto(`${demo.origin + path}&private=yes`)
      await page.evaluate((url) => {
        const link = document.createElement('a')
        link.href = url
        document.body.append(link)
        link.click()
      }, attacker.otherSite)
      await page.waitForURL(`${attacker.otherSite}/`)
    }
    expect(attacker.requests.length).toBeGreaterThan(ERROR_PAGES.length - 1)
    for (const { headers } of attacker.requests) expect(headers.referer).toBeUndefined()
  })
})
