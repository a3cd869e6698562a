import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { setUpAttacker } from './attacker.ts'
import { setUpDemo } from './demo.ts'
import { testPages } from './test-pages.ts'

/** Hostile display names. */
const NAMES = {
  handler: `<img src="/x" onerror="document.title = 'Taken over'">`,
  script: `</title></script><script>document.title = 'Taken over'</script>`,
  attribute: `" autofocus onfocus="document.title = 'Taken over'`,
  template: '{{7*7}} <%= 7*7 %> <!--page--> <!--data--> $&',
  reversed: '\u202egnp.exe',
  marks: `Zoe${'\u0301'.repeat(5000)}`,
} as const

const demo = setUpDemo(
  { people: Object.entries(NAMES).map(([nickname, displayName]) => ({ nickname, displayName })) },
  'http',
  { pages: testPages },
)
const attacker = setUpAttacker()

/** The emulated people have avatars on Gravatar, which the test pages try to load. */
const AVATARS = /gravatar|ERR_|Failed to load resource/

const PAGES = {
  '/': 'Quire: decisions you can find again',
  '/decisions': 'Decisions · Quire',
  '/what-happened': 'What just happened · Quire',
  '/account': 'Account · Quire',
  '/auth/sign-in': "You're signed in",
} as const

describe('a name that is', () => {
  it.each([
    ['an image with a handler', 'handler'],
    ['a script', 'script'],
    ['an attribute', 'attribute'],
    ['a template', 'template'],
  ] as const)('%s appears as text and has no other effect', async (_what, nickname) => {
    const { page } = await demo.visit()
    await demo.signInUnseen(page, nickname)
    const grown = page.locator('[onerror], [autofocus], img:not([src="/quire.svg"])')
    for (const [path, title] of Object.entries(PAGES)) {
      await page.goto(demo.origin + path)
      expect(await page.locator('bdi').first().textContent()).toBe(NAMES[nickname])
      expect(await page.title()).toBe(title)
      expect(await grown.count()).toBe(0)
    }
  })

  it.each(Object.keys(NAMES) as (keyof typeof NAMES)[])(
    '%s appears as isolated text in every component',
    async (nickname) => {
      const { page } = await demo.visit({ viewport: { width: 320, height: 640 } }, AVATARS)
      await demo.signInUnseen(page, nickname, '/test/account')
      await page.locator('.latchkey-profile .latchkey-account').waitFor()
      await page.locator('summary').click()
      const shown = NAMES[nickname].slice(0, 200)
      const names = page.locator('bdi', { hasText: shown.slice(0, 8) })
      const texts = await names.allTextContents()
      // The name is on the button, in its menu, in the card, and in the profile.
      expect(texts.filter((text) => !text.includes('@'))).toEqual(Array(4).fill(shown))
      // The name is never outside `<bdi>`, which isolates the text direction.
      const rest = await page.evaluate(() => {
        for (const name of document.querySelectorAll('bdi')) name.remove()
        return document.body.textContent
      })
      expect(rest).not.toContain(shown.slice(0, 8))
      expect(await page.title()).toBe('Test page')
      expect(await page.locator('[onerror], [autofocus], [onfocus], body script').count()).toBe(1)
      await page.reload()
      await page.locator('.latchkey-profile .latchkey-account').waitFor()
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      expect(wider).toBeLessThanOrEqual(0)
    },
  )

  it('written right to left does not reverse the text around it', async () => {
    const { page } = await demo.visit()
    await demo.signInUnseen(page, 'reversed')
    for (const path of ['/', '/decisions']) {
      await page.goto(demo.origin + path)
      const name = page.locator('main bdi')
      expect(await name.textContent()).toBe(NAMES.reversed)
      expect(await name.evaluate(isFollowedToTheRight)).toBe(true)
    }
    await page.goto(`${demo.origin}/auth/sign-in`)
    expect(await page.locator('bdi').allTextContents()).toEqual([
      NAMES.reversed,
      'reversed@example.com',
    ])
  })

  it('a tower of accents is truncated, and makes no page wider', async () => {
    const { page } = await demo.visit({ viewport: { width: 320, height: 640 } })
    await demo.signInUnseen(page, 'marks')
    for (const path of Object.keys(PAGES)) {
      await page.goto(demo.origin + path)
      expect(await page.locator('bdi').first().textContent()).toBe(NAMES.marks.slice(0, 200))
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      expect(wider).toBeLessThanOrEqual(0)
    }
  })
})

describe('an avatar that is', () => {
  it.each([
    ['an obfuscated script', " java\nscript:document.title='Taken over'"],
    ['a data: page', "data:text/html,<script>document.title='Taken over'</script>"],
    ['a protocol-relative URL', '//evil/pixel'],
    ["on an attacker's server", 'https://evil/pixel'],
  ])('%s is never fetched or linked', async (_what, written) => {
    const href = written.replace('evil', new URL(attacker.otherSite).host)
    demo.emulator.answerNext('GET /2.0/user', {
      body: {
        type: 'user',
        uuid: '{00000000-0000-4000-8000-000000000001}',
        display_name: 'Eve',
        links: { avatar: { href }, html: { href } },
      },
    })
    const { page } = await demo.visit()
    await demo.signInUnseen(page, 'handler')
    for (const [path, title] of Object.entries(PAGES)) {
      await page.goto(demo.origin + path)
      await page.getByText('Eve').first().waitFor()
      expect(await page.title()).toBe(title)
      const addresses = await page
        .locator('[src], [href], [action]')
        .evaluateAll((elements) =>
          elements.flatMap((element) =>
            ['src', 'href', 'action'].flatMap((name) => element.getAttribute(name) ?? []),
          ),
        )
      expect(addresses).not.toEqual([])
      for (const address of addresses) expect(address).toMatch(/^(\/(?!\/)|#)/)
    }
    const answer = await page.request.get(`${demo.origin}/auth/session`)
    const { user } = (await answer.json()) as { user: { avatarUrl: string | null } }
    expect(user.avatarUrl).toBe(href.startsWith('https:') ? href : null)
    expect(attacker.requests).toEqual([])
  })
})

describe('a page that loads remote avatars', () => {
  async function signInWithPicture(page: Page, href: string): Promise<void> {
    demo.emulator.answerNext('GET /2.0/user', {
      body: {
        type: 'user',
        uuid: '{00000000-0000-4000-8000-000000000002}',
        display_name: 'Eve',
        links: { avatar: { href } },
      },
    })
    await demo.signInUnseen(page, 'handler', '/test/account')
    await page.locator('.latchkey-profile bdi', { hasText: /^Eve$/ }).waitFor()
  }

  it('ignores an address that does not use https or has no host', async () => {
    const { page } = await demo.visit()
    for (const href of [
      'javascript:document.title="Taken over"',
      ' java\nscript:document.title="Taken over"',
      'data:text/html,<script>document.title="Taken over"</script>',
      'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
      'vbscript:alert(1)',
      'blob:https://pictures.example/x',
      'http://pictures.example/x',
      '//pictures.example/x',
      '/auth/sign-out',
      'https:',
    ]) {
      await signInWithPicture(page, href)
      expect(await page.locator('.latchkey-avatar').count(), href).toBeGreaterThan(2)
      expect(await page.locator('.latchkey-avatar').allTextContents(), href).toContain('E')
      expect(await page.locator('img').count(), href).toBe(0)
      expect(await page.title(), href).toBe('Test page')
    }
  })

  it('loads one over https, without sending a referrer, cookie or origin', async () => {
    const { page, context } = await demo.visit({}, /^sent a request to pictures\.example$/)
    const requests: Record<string, string>[] = []
    await context.route('https://pictures.example/**', async (route) => {
      requests.push(await route.request().allHeaders())
      const body = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
      await route.fulfill({ contentType: 'image/svg+xml', body })
    })
    await signInWithPicture(page, 'https://pictures.example/"onerror="alert(1)')
    const pictures = page.locator('.latchkey-avatar img')
    await expect.poll(() => pictures.count()).toBeGreaterThan(2)
    for (const picture of await pictures.all()) {
      expect(await picture.getAttribute('src')).toBe(
        'https://pictures.example/%22onerror=%22alert(1)',
      )
      expect(await picture.getAttribute('onerror')).toBeNull()
    }
    await expect.poll(() => requests.length).toBeGreaterThan(0)
    for (const headers of requests) {
      expect(headers.referer).toBeUndefined()
      expect(headers.cookie).toBeUndefined()
      expect(headers.origin).toBeUndefined()
    }
  })
})

/** Returns whether the following text is to the right of the element. */
function isFollowedToTheRight(element: Element): boolean {
  const range = document.createRange()
  range.selectNode(element.nextSibling ?? element)
  return range.getBoundingClientRect().left >= element.getBoundingClientRect().right - 1
}
