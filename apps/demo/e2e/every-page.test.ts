import { describe, expect, it } from 'vitest'
import { findingsOfAxe } from './axe.ts'
import { setUpDemo } from './demo.ts'
import { walkEveryPage } from './every-page.ts'

/** What the browser says of the pages that are meant to answer so. */
const REFUSED = /status of 40[04]/

const demo = setUpDemo()

describe('every page', () => {
  it('keeps to a policy without an exception, and axe finds nothing, light or dark, narrow or wide', async () => {
    // Colours on their way from light to dark are neither.
    const { page } = await demo.visit({ reducedMotion: 'reduce' }, REFUSED)
    let policy: string | undefined
    page.on('response', async (response) => {
      if (!response.request().isNavigationRequest()) return
      policy = response.headers()['content-security-policy']
    })
    const findings: string[] = []
    await walkEveryPage(page, demo.origin, async (name) => {
      expect(policy, name).toMatch(/^default-src 'none';/)
      expect(policy, name).not.toMatch(/unsafe|\*|https?:/)
      expect(policy, name).toContain("base-uri 'none'")
      expect(policy, name).toContain("frame-ancestors 'none'")
      if (page.url().startsWith(demo.origin)) expect(policy, name).toContain("form-action 'self'")

      for (const width of [320, 1280]) {
        await page.setViewportSize({ width, height: 800 })
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme })
          const found = await findingsOfAxe(page, colorScheme === 'light' ? 'all' : 'colours')
          findings.push(...found.map((finding) => `${name} ${colorScheme} ${width}: ${finding}`))
        }
      }
    })
    expect(findings).toEqual([])
  })
})

describe('a page with something in it that does not belong there', () => {
  const elsewhere = 'http://127.0.0.1:1'

  it.each([
    ['a script', '<script>document.body.hidden = true</script>', 'script-src-elem'],
    ['a handler', '<img src="" onerror="document.body.hidden = true">', 'script-src-attr'],
    ['a style', '<style>body { display: none }</style>', 'style-src-elem'],
    ['a style attribute', '<h1 style="display: none">x</h1>', 'style-src-attr'],
    ['a picture from elsewhere', `<img src="${elsewhere}">`, 'img-src'],
    ['a frame', '<iframe src="/"></iframe>', 'frame-src'],
    ['an object', '<object data="/quire.svg"></object>', 'object-src'],
    ['a form to elsewhere', `<form action="${elsewhere}"></form>`, 'form-action'],
    ['a base for its links', `<base href="${elsewhere}">`, 'base-uri'],
  ])('takes no harm from %s, and the browser says so', async (_what, markup, directive) => {
    const { page, problems } = await demo.visit({}, /Content Security Policy|forbids/)
    for (const path of ['/', '/auth/sign-in', '/auth/popup']) {
      await page.goto(demo.origin + path)
      problems.length = 0
      await page.evaluate((markup) => {
        // What was parsed like this runs its scripts, unlike `innerHTML`.
        document.body.append(document.createRange().createContextualFragment(markup))
        document.querySelector<HTMLFormElement>('form[action^="http:"]')?.submit()
      }, markup)
      await expect
        .poll(() => problems.join(), { timeout: 30_000 })
        .toContain(`${directive} forbids`)
      expect(await page.locator('h1').last().isVisible()).toBe(true)
      expect(page.url()).toBe(demo.origin + path)
    }
  })
})

describe('axe', () => {
  it('finds a picture without a text for those who do not see it', async () => {
    const { page } = await demo.visit()
    await page.goto(demo.origin)
    await page.evaluate(() => document.querySelector('h1')?.append(new Image()))
    expect(await findingsOfAxe(page)).toEqual([expect.stringContaining('image-alt')])
  })
})
