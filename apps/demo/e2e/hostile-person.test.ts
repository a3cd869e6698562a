import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { setUpAttacker } from './attacker.ts'
import { setUpDemo } from './demo.ts'

/** People who chose their names for what pages might make of them. */
const NAMES = {
  handler: `<img src="/x" onerror="document.title = 'Taken over'">`,
  script: `</title></script><script>document.title = 'Taken over'</script>`,
  attribute: `" autofocus onfocus="document.title = 'Taken over'`,
  template: '{{7*7}} <%= 7*7 %> <!--page--> <!--data--> $&',
  reversed: '\u202egnp.exe',
  marks: `Zoe${'\u0301'.repeat(5000)}`,
} as const

const demo = setUpDemo({
  people: Object.entries(NAMES).map(([nickname, displayName]) => ({ nickname, displayName })),
})
const attacker = setUpAttacker()

async function signInAs(nickname: string, page: Page): Promise<void> {
  await page.goto(demo.origin)
  await page.getByRole('link', { name: 'Continue with Bitbucket' }).click()
  await page.locator(`button[value="${nickname}"]`).click()
  await page.waitForURL(`${demo.origin}/decisions`)
}

const PAGES = {
  '/': 'Quire: decisions your team can find again',
  '/decisions': 'Decisions · Quire',
  '/what-happened': 'What just happened · Quire',
  '/devices': 'Where you are signed in · Quire',
  '/auth/sign-in': 'You are signed in',
} as const

describe('a person whose name is', () => {
  it.each([
    ['a picture with a handler', 'handler'],
    ['a script', 'script'],
    ['an attribute', 'attribute'],
    ['a template', 'template'],
  ] as const)('%s is called so, and no more comes of it', async (_what, nickname) => {
    const { page } = await demo.visit()
    await signInAs(nickname, page)
    const grown = page.locator('[onerror], [autofocus], img:not([src="/quire.svg"])')
    for (const [path, title] of Object.entries(PAGES)) {
      await page.goto(demo.origin + path)
      expect(await page.locator('bdi').first().textContent()).toBe(NAMES[nickname])
      expect(await page.title()).toBe(title)
      expect(await grown.count()).toBe(0)
    }
  })

  it('written backwards turns nothing around but itself', async () => {
    const { page } = await demo.visit()
    await signInAs('reversed', page)
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

  it('a tower of accents is cut, and widens no page', async () => {
    const { page } = await demo.visit({ viewport: { width: 320, height: 640 } })
    await signInAs('marks', page)
    for (const path of Object.keys(PAGES)) {
      await page.goto(demo.origin + path)
      expect(await page.locator('bdi').first().textContent()).toBe(NAMES.marks.slice(0, 200))
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      expect(wider).toBeLessThanOrEqual(0)
    }
  })
})

describe('a person whose picture is', () => {
  it.each([
    ['a script in disguise', " java\nscript:document.title='Taken over'"],
    ['a page of its own', "data:text/html,<script>document.title='Taken over'</script>"],
    ["on a stranger's server, somehow", '//evil/pixel'],
    ["on a stranger's server", 'https://evil/pixel'],
  ])('%s makes no page fetch it, or lead to it', async (_what, written) => {
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
    await signInAs('handler', page)
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

/** Whether what comes next in the same line stands where one reads on. */
function isFollowedToTheRight(element: Element): boolean {
  const range = document.createRange()
  range.selectNode(element.nextSibling ?? element)
  return range.getBoundingClientRect().left >= element.getBoundingClientRect().right - 1
}
