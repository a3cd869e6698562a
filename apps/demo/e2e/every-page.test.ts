import { describe, expect, it } from 'vitest'
import { findingsOfAxe } from './axe.ts'
import { setUpDemo } from './demo.ts'
import { walkEveryPage } from './every-page.ts'

/** The browser's messages about pages that respond with an error. */
const REFUSED = /status of 40[04]/

const demo = setUpDemo()

describe('every page', () => {
  it('has a strict policy and no axe findings, in both colour schemes and at all widths', async () => {
    // Disable transitions, so that axe does not see colours between light and dark.
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
          const found = await findingsOfAxe(page, colorScheme === 'light' ? 'all' : 'appearance')
          findings.push(...found.map((finding) => `${name} ${colorScheme} ${width}: ${finding}`))
        }
      }
    })
    expect(findings).toEqual([])
  })
})

describe('a page with injected markup', () => {
  const elsewhere = 'http://127.0.0.1:1'

  it.each([
    ['a script', '<script>document.body.hidden = true</script>', 'script-src-elem'],
    ['a handler', '<img src="" onerror="document.body.hidden = true">', 'script-src-attr'],
    ['a style', '<style>body { display: none }</style>', 'style-src-elem'],
    ['a style attribute', '<h1 style="display: none">x</h1>', 'style-src-attr'],
    ['an image from another origin', `<img src="${elsewhere}">`, 'img-src'],
    ['a frame', '<iframe src="/"></iframe>', 'frame-src'],
    ['an object', '<object data="/quire.svg"></object>', 'object-src'],
    ['a form to another origin', `<form action="${elsewhere}"></form>`, 'form-action'],
    ['a base URL', `<base href="${elsewhere}">`, 'base-uri'],
  ])('blocks %s, and the browser reports it', async (_what, markup, directive) => {
    const { page, problems } = await demo.visit({}, /Content Security Policy|forbids/)
    for (const path of ['/', '/auth/sign-in', '/auth/popup']) {
      await page.goto(demo.origin + path)
      problems.length = 0
      await page.evaluate((markup) => {
        // Unlike `innerHTML`, this runs scripts.
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
  it('finds an image without alternative text', async () => {
    const { page } = await demo.visit()
    await page.goto(demo.origin)
    await page.evaluate(() => document.querySelector('h1')?.append(new Image()))
    expect(await findingsOfAxe(page)).toEqual([expect.stringContaining('image-alt')])
  })
})
