import type { BrowserContext, Disposable, Page, Route } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { setUpDemo } from './demo.ts'
import { docsPages } from './docs-pages.ts'
import { testPages } from './test-pages.ts'

// Tests pages when the server does not respond or the browser lacks a feature.

const demo = setUpDemo(undefined, 'http', {
  async pages(app) {
    await testPages(app)
    await docsPages(app)
  },
})

/** One page renders all examples from the docs. */
const PATIENCE = { timeout: 10_000 }

const TROUBLE = /AuthError|Failed to load resource|status of 503/

/**
 * Returns the examples from the docs that are blank, that show a placeholder without redirecting, or that have
 * components of the kit but no link or button.
 */
async function lookAtDocs(page: Page): Promise<{
  blank: string[]
  stuck: string[]
  waiting: string[]
  all: number
}> {
  return page.evaluate(() => {
    const isSeen = (element: Element) =>
      element.checkVisibility() &&
      [...element.getClientRects()].some(({ width, height }) => width > 1 && height > 1)
    const sections = [...document.querySelectorAll<HTMLElement>('[data-composition]')]
    const names = (found: readonly HTMLElement[]) =>
      found.map(({ dataset }) => String(dataset.composition))
    const shows = (section: Element, selector: string) =>
      [...section.querySelectorAll(selector)].some(isSeen)
    return {
      all: sections.length,
      blank: names(
        sections.filter(
          (section) => !shows(section, ':not(:has(*), .latchkey-hidden), .latchkey-placeholder'),
        ),
      ),
      waiting: names(
        sections.filter(
          (section) =>
            !section.matches('[data-redirecting]') && shows(section, '.latchkey-placeholder'),
        ),
      ),
      stuck: names(
        sections.filter(
          (section) => !section.matches('[data-headless]') && !shows(section, 'button, a[href]'),
        ),
      ),
    }
  })
}

describe('every example in the docs', () => {
  const outages: readonly (readonly [string, (route: Route) => Promise<void>])[] = [
    [
      'responds with 503',
      (route) =>
        route.fulfill({
          status: 503,
          json: { error: { code: 'unavailable', message: 'A sentence.' } },
        }),
    ],
    ['refuses connections', (route) => route.abort('connectionrefused')],
    [
      'is behind a proxy that responds with HTML',
      (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
    ],
  ]

  it.each(outages)('shows a way forward while the server %s', async (_, respond) => {
    const { page } = await demo.visit({}, TROUBLE)
    await page.route('**/auth/**', respond)
    await page.goto(`${demo.origin}/docs`)
    await expect.poll(async () => (await lookAtDocs(page)).stuck, PATIENCE).toEqual([])
    const { all, blank } = await lookAtDocs(page)
    expect(all).toBeGreaterThan(25)
    expect(blank).toEqual([])
  })

  it('shows placeholders while the server is slow, and continues afterwards', async () => {
    const { page } = await demo.visit({}, TROUBLE)
    const held = Promise.withResolvers<void>()
    await page.route('**/auth/{session,providers}', async (route) => {
      await held.promise
      await route.continue().catch(() => {})
    })
    await page.goto(`${demo.origin}/docs`)
    await expect.poll(async () => (await lookAtDocs(page)).blank, PATIENCE).toEqual([])
    // Some examples redirect to sign in. Block the redirect, to keep the page for the other examples.
    const redirects: string[] = []
    await page.route(/\/(auth\/sign-in|login)\?return_to=%2Fdocs/, async (route) => {
      redirects.push(route.request().url())
      await route.fulfill({ status: 204 })
    })
    held.resolve()
    await expect.poll(() => redirects.length, PATIENCE).toBeGreaterThan(0)
    await expect.poll(async () => (await lookAtDocs(page)).waiting, PATIENCE).toEqual([])
  })
})

/** How to break a feature of the browser. */
type Sabotage = 'missing' | 'throwing'

interface Feature {
  readonly name: string
  /** The object that has the feature, as an expression. */
  readonly owner: string
  readonly property: string
  /** Whether it is a value rather than a function. Reading a blocked value throws. */
  readonly isValue?: true
  /** Whether a popup sign-in needs it. Without it, the sign-in uses the page's own window. */
  readonly isForPopups?: true
}

const features: readonly Feature[] = [
  { name: 'BroadcastChannel', owner: 'window', property: 'BroadcastChannel', isForPopups: true },
  { name: 'sessionStorage', owner: 'window', property: 'sessionStorage', isValue: true },
  { name: 'localStorage', owner: 'window', property: 'localStorage', isValue: true },
  { name: 'navigator.locks', owner: 'navigator', property: 'locks', isValue: true },
  { name: 'AbortSignal.any', owner: 'AbortSignal', property: 'any' },
  { name: 'AbortSignal.timeout', owner: 'AbortSignal', property: 'timeout' },
  { name: 'dialog', owner: 'HTMLDialogElement.prototype', property: 'showModal' },
  { name: 'history.replaceState', owner: 'history', property: 'replaceState' },
  { name: 'history.state', owner: 'history', property: 'state', isValue: true },
  { name: 'crypto', owner: 'crypto', property: 'getRandomValues', isForPopups: true },
  { name: 'window.open', owner: 'window', property: 'open', isForPopups: true },
  { name: 'matchMedia', owner: 'window', property: 'matchMedia' },
  { name: 'toWellFormed', owner: 'String.prototype', property: 'toWellFormed' },
]

/** Breaks the feature in all pages that open, until the result is disposed. */
async function sabotage(
  context: BrowserContext,
  { owner, property, isValue }: Feature,
  how: Sabotage,
): Promise<Disposable> {
  const blocked = "() => { throw new DOMException('Blocked by a test.', 'SecurityError') }"
  const throwing = isValue
    ? `{ get: ${blocked} }`
    : `{ value: ${blocked.replace('() =>', 'function ()')} }`
  const descriptor = how === 'missing' ? '{ value: undefined }' : throwing
  return context.addInitScript(
    `Object.defineProperty(${owner}, '${property}', { configurable: true, ...${descriptor} })`,
  )
}

/** Opens a page with components of the kit, and signs in. */
async function signIn(page: Page, address: string, from: 'dialog' | 'popup'): Promise<void> {
  await page.goto(`${demo.origin}${address}`)
  // An error in the URL opens the dialog.
  const place = page.locator(from === 'dialog' ? 'dialog .latchkey-card' : 'nav')
  await place.getByRole('link', { name: 'Continue with Bitbucket' }).click()
  await page.getByRole('button', { name: 'Ada Test' }).click()
  await page.getByText('Signed in as Ada Test').waitFor()
}

describe('a page whose first components are hidden', () => {
  it('shows the error outside the hidden components, even after the sign-in dialog closes', async () => {
    const { page } = await demo.visit({}, TROUBLE)
    await page.route('**/auth/**', (route) => route.abort('connectionrefused'))
    await page.goto(`${demo.origin}/test/hidden`)
    const inPage = page.locator('main').getByRole('alert')
    await inPage.waitFor()
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByRole('dialog').getByRole('alert').waitFor()
    await inPage.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Close' }).click()
    await inPage.waitFor()
    expect(await page.getByRole('alert').filter({ visible: true }).count()).toBe(1)
  })
})

describe('a browser', () => {
  it.each(features)(
    'without $name, or with it blocked, can show the page and sign in',
    async (feature) => {
      const { page, context } = await demo.visit()
      for (const how of ['missing', 'throwing'] as const) {
        const sabotaged = await sabotage(context, feature, how)
        if (feature.isForPopups) {
          await signIn(page, '/test/features', 'popup')
        } else {
          await signIn(page, '/test/features?auth_error=access_denied', 'dialog')
        }
        await sabotaged.dispose()
        await context.clearCookies()
      }
    },
  )

  it('without BroadcastChannel and history shows how to continue on the last page of a popup', async () => {
    const { page, context } = await demo.visit()
    for (const feature of features) await sabotage(context, feature, 'throwing')
    await page.goto(`${demo.origin}/auth/popup?popup=${'a'.repeat(16)}&return_to=/decisions`)
    await page.getByText('You can close this window.').waitFor()
    expect(await page.getByRole('link', { name: 'Continue here instead' }).count()).toBe(1)
  })

  it('that enforces Trusted Types can be shown and can sign in', async () => {
    const { page } = await demo.visit()
    await signIn(page, '/test/features?trusted-types&auth_error=access_denied', 'dialog')
    expect(page.url()).toContain('trusted-types')
  })
})
