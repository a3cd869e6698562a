import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type GalleryLanguage,
  type GalleryPart,
  type GalleryTheme,
  galleryLanguages,
  galleryParts,
} from '../site/gallery/scenarios.ts'
import { findingsOfAxe } from './axe.ts'
import { connectToBrowser } from './browser.ts'
import { launchChromium } from './chromium.ts'
import { setUpDemo } from './demo.ts'
import { expectPicture } from './pictures.ts'
import { testPages } from './test-pages.ts'

/** The browser's messages about simulated servers that fail or never respond. */
const IN_TROUBLE = /status of (503|403)|AuthError/

const demo = setUpDemo(undefined, 'http', { pages: testPages })

interface View {
  readonly theme?: GalleryTheme
  readonly language?: GalleryLanguage
  readonly only?: string
}

async function show(page: Page, part: GalleryPart, view: View = {}): Promise<void> {
  const { theme = 'light', language = 'en', only } = view
  const query = new URLSearchParams({ part, theme, language, bare: '', ...(only && { only }) })
  await page.goto(`${demo.origin}/gallery?${query}`)
  await settled(page)
}

/** Waits for hydration, and for all responses except those from servers that never respond. */
async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const stage = document.querySelector('.stage') ?? {}
    const takenOver = Object.keys(stage).some((name) => name.startsWith('__react'))
    const waiting = [...document.querySelectorAll('.latchkey-placeholder')]
    const trouble = [
      ...document.querySelectorAll('#NotLoaded, #RequiredFailed, #Failed, #FailedStandIn'),
    ]
    return (
      takenOver &&
      waiting.every((placeholder) =>
        placeholder.closest('#Loading, #RequiredNotKnownYet, #NotKnownYetStandIn'),
      ) &&
      [...document.querySelectorAll('#NotKnownYetStandIn')].every((example) =>
        example.querySelector('.latchkey-placeholder'),
      ) &&
      trouble.every((example) => example.querySelector('[role="alert"]'))
    )
  })
}

/** A state of an example that needs an interaction. */
interface Deed {
  readonly name: string
  readonly part: GalleryPart
  readonly only: string
  readonly act: (page: Page) => Promise<unknown>
}

const deeds: readonly Deed[] = [
  { name: 'button-pressed', part: 'sign-in-button', only: 'Variants', act: pressAll },
  { name: 'card-pressed', part: 'sign-in', only: 'Several', act: pressAll },
  {
    name: 'dialog',
    part: 'sign-in',
    only: 'Modal',
    act: (page) => page.locator('#Modal a').first().click(),
  },
  {
    name: 'questions',
    part: 'user-profile',
    only: 'Everything',
    async act(page) {
      for (const question of await page.locator('summary').all()) await question.click()
    },
  },
  {
    name: 'device-signed-out',
    part: 'user-profile',
    only: 'Default',
    async act(page) {
      await page.getByRole('button', { name: /Safari/ }).click()
      await page.getByText('Safari on iOS is signed out.').waitFor()
    },
  },
  {
    name: 'refused',
    part: 'user-profile',
    only: 'Refusing',
    async act(page) {
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByRole('alert').waitFor()
    },
  },
  {
    name: 'others-signed-out',
    part: 'sign-out-button',
    only: 'Scopes',
    async act(page) {
      await page.getByRole('button', { name: 'Sign out everywhere else' }).click()
      await page.getByText("You're signed out everywhere else.").waitFor()
    },
  },
  {
    name: 'sign-out-failed',
    part: 'sign-out-button',
    only: 'Failing',
    async act(page) {
      await page.getByRole('button').click()
      await page.getByRole('alert').waitFor()
    },
  },
]

/** Clicks all links without navigating. React still handles the clicks. */
async function pressAll(page: Page): Promise<void> {
  await page.evaluate(() => {
    document.addEventListener('click', (event) => event.preventDefault())
    for (const link of document.querySelectorAll<HTMLElement>('.stage a')) link.click()
  })
}

/** Whether the pinned browser, which the pictures were taken with, is running here. */
const hasPinned = process.platform === 'linux' && process.arch === 'x64'

describe('every component', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = hasPinned ? await launchChromium({ pinned: true }) : await connectToBrowser()
  })
  afterAll(() => browser?.close())

  let context: BrowserContext
  let page: Page
  beforeEach(async () => {
    const viewport = { width: 320, height: 800 }
    const options = { timezoneId: 'UTC', locale: 'en-US', reducedMotion: 'reduce' } as const
    context = await browser.newContext({ ...options, viewport })
    page = await context.newPage()
  })
  afterEach(() => context.close())

  async function goDark(): Promise<void> {
    // Away from the elements that the pointer would hover over.
    await page.mouse.move(0, 0)
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.setViewportSize({ width: 1280, height: 800 })
  }

  /** Compares the page with its picture, and runs axe on it. */
  async function compare(name: string, rules?: 'appearance'): Promise<void> {
    if (hasPinned) await expectPicture(page, name)
    const findings = (await findingsOfAxe(page, rules)).filter(isOfTheComponents)
    expect(findings, name).toEqual([])
  }

  it.each(galleryParts)(
    'matches its pictures in both colour schemes and widths, and has no axe findings: %s',
    async (part) => {
      await show(page, part)
      await compare(`${part}-light-320`)
      await page.setViewportSize({ width: 1280, height: 800 })
      await compare(`${part}-light-1280`, 'appearance')
      // Dark mode differs only in its colours, so one width is enough.
      await goDark()
      await show(page, part, { theme: 'dark' })
      await compare(`${part}-dark-1280`, 'appearance')
    },
  )

  it.each(galleryParts)(
    'matches its picture from right to left, and has no axe findings: %s',
    async (part) => {
      await show(page, part, { language: 'ar' })
      await compare(`${part}-right-to-left`)
    },
  )

  it.each(deeds)(
    'matches its pictures, and has no axe findings: $name',
    async ({ name, part, only, act }) => {
      await show(page, part, { only })
      await act(page)
      await compare(`${name}-light-320`)
      await goDark()
      await show(page, part, { theme: 'dark', only })
      await act(page)
      await compare(`${name}-dark-1280`, 'appearance')
    },
  )

  it.each(['sign-in-button', 'sign-in', 'user-profile'] as const)(
    'matches its picture in forced colours: %s',
    async (part) => {
      await page.emulateMedia({ forcedColors: 'active' })
      await show(page, part)
      await compare(`${part}-forced-colours`)
    },
  )
})

/** Ignores findings that are due to the bare page, which has no heading and repeats a component for every state. */
function isOfTheComponents(finding: string): boolean {
  return !/^(page-has-heading-one|landmark-one-main|region|landmark-unique|heading-order)/.test(
    finding,
  )
}

describe('every component', () => {
  it.each(galleryLanguages)(
    'fits in 320 pixels, and in a container that is 240 pixels wide: %s',
    async (language) => {
      const viewport = { width: 320, height: 800 }
      const options = { viewport, colorScheme: 'dark', reducedMotion: 'reduce' } as const
      const { page } = await demo.visit(options, IN_TROUBLE)
      for (const part of galleryParts) {
        await show(page, part, { language, theme: 'dark' })
        const sticksOut = await page.evaluate(() =>
          [...document.querySelectorAll('.stage *')]
            .filter((element) => {
              const box = element.closest('.narrow, .stage')?.getBoundingClientRect()
              const { left, right, width } = element.getBoundingClientRect()
              const hidden = element.closest('.latchkey-hidden, [data-variant="icon"], dialog')
              return box && !hidden && width > 0 && (left < box.left - 1 || right > box.right + 1)
            })
            .map((element) => `${element.tagName} ${element.className}: ${element.textContent}`),
        )
        expect(sticksOut, part).toEqual([])
        expect(await page.evaluate(() => document.documentElement.scrollWidth), part).toBe(320)
        // Run axe in a language that the pictures do not cover.
        if (language !== 'ja') continue
        expect((await findingsOfAxe(page)).filter(isOfTheComponents), part).toEqual([])
      }
    },
  )

  it('has touch targets of at least 36 pixels', async () => {
    const { page } = await demo.visit({}, IN_TROUBLE)
    for (const part of galleryParts) {
      await show(page, part)
      const sizes = await page
        .locator(
          '.stage :is(.latchkey-button, .latchkey-user-button, .latchkey-menu > a, input:not([type="hidden"]))',
        )
        .evaluateAll((targets) =>
          targets
            .filter((target) => target.checkVisibility())
            .map((target) => target.getBoundingClientRect())
            .map(({ width, height }) => Math.min(width, height)),
        )
      if (part !== 'guards') expect(sizes, part).not.toEqual([])
      expect(Math.min(36, ...sizes), part).toBe(36)
    }
    await show(page, 'sign-in')
    await page.locator('#Modal a').first().click()
    const close = await page.getByRole('button', { name: 'Close' }).boundingBox()
    expect(Math.min(close?.width ?? 0, close?.height ?? 0)).toBeGreaterThanOrEqual(36)
  })

  it('follows the colour scheme of the system, or the one that the page sets, with bundled styles', async () => {
    const surface = async (page: Page) => {
      const card = page.locator('.latchkey-card')
      return card.evaluate((element) => getComputedStyle(element).backgroundColor)
    }
    const decide = (page: Page, root: string, body: string) =>
      page.evaluate(
        ([root, body]) => {
          document.documentElement.dataset.latchkeyTheme = root
          document.body.dataset.latchkeyTheme = body
        },
        [root, body] as const,
      )
    for (const [colorScheme, here, there] of [
      ['light', 'rgb(255, 255, 255)', 'rgb(25, 27, 32)'],
      ['dark', 'rgb(25, 27, 32)', 'rgb(255, 255, 255)'],
    ] as const) {
      const other = colorScheme === 'light' ? 'dark' : 'light'
      const { page } = await demo.visit({ colorScheme })
      // This page does not set a colour scheme.
      await page.goto(`${demo.origin}/test/card`)
      await page.locator('.latchkey-card').waitFor()
      expect(await surface(page)).toBe(here)
      await decide(page, other, other)
      expect(await surface(page)).toBe(there)
      await decide(page, other, colorScheme)
      expect(await surface(page)).toBe(here)
      await decide(page, colorScheme, other)
      expect(await surface(page)).toBe(there)
    }
  })

  it('applies the colours of a class on its outermost element to all of its text', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await demo.visit({ colorScheme })
      await demo.signIn(page)
      await page.goto(`${demo.origin}/test/own-colours`)
      await page.getByText('This device').waitFor()
      await page.locator('.latchkey-card .latchkey-button').waitFor()
      const label = page.locator('a.own-colours > .latchkey-label')
      expect(await label.evaluate((element) => getComputedStyle(element).color)).toBe(
        'rgb(255, 255, 255)',
      )
      const findings = await findingsOfAxe(page, 'appearance')
      expect(findings.filter((finding) => finding.startsWith('color-contrast'))).toEqual([])
    }
  })

  it('animates nothing with reduced motion', async () => {
    const moving = (page: Page) =>
      page.evaluate(
        () => document.getAnimations().filter(({ playState }) => playState === 'running').length,
      )
    for (const [reducedMotion, still] of [
      ['no-preference', false],
      ['reduce', true],
    ] as const) {
      const { page } = await demo.visit({ reducedMotion }, IN_TROUBLE)
      await show(page, 'sign-in', { only: 'Several' })
      await pressAll(page)
      expect((await moving(page)) === 0).toBe(still)
      await show(page, 'sign-in', { only: 'Modal' })
      await page.locator('#Modal a').first().click()
      expect((await moving(page)) === 0).toBe(still)
      await show(page, 'user-button', { only: 'Default' })
      await page.locator('#Default summary').click()
      expect((await moving(page)) === 0).toBe(still)
    }
  })
})

describe('with the keyboard alone', () => {
  it('the dialog opens, traps the focus, and restores it when it closes', async () => {
    const { page } = await demo.visit({}, IN_TROUBLE)
    await show(page, 'sign-in')
    const trigger = page.locator('#Modal a').first()
    await trigger.focus()
    const dialog = page.getByRole('dialog', { name: 'Sign in' })
    for (let times = 0; times < 2; times++) {
      await page.keyboard.press('Enter')
      await dialog.waitFor()
      // The browser dispatches `close` a few milliseconds later.
      await page.evaluate(() => {
        const closed = new Promise((resolve) => document.addEventListener('close', resolve, true))
        Object.assign(window, { dialogClosed: closed })
      })
      await page.keyboard.press('Escape')
      await page.evaluate(() => Object(window).dialogClosed)
      await dialog.waitFor({ state: 'hidden' })
    }
    await page.keyboard.press('Enter')
    await dialog.waitFor()
    const focused = () => page.evaluate(() => document.activeElement?.closest('dialog') !== null)
    expect(await focused()).toBe(true)
    // The focus may pass through the browser's own controls.
    for (let presses = 0; presses < 6; presses++) {
      await page.keyboard.press('Tab')
      const outside = await page.evaluate(() => {
        const { activeElement } = document
        return activeElement !== document.body && activeElement?.closest('dialog') === null
      })
      expect(outside).toBe(false)
    }
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    expect(await trigger.evaluate((link) => link === document.activeElement)).toBe(true)
  })

  it('the menu opens, moves the focus through its entries, and restores the focus when it closes', async () => {
    const { page } = await demo.visit({}, IN_TROUBLE)
    await show(page, 'user-button')
    const button = page.locator('#Default summary')
    const menu = page.locator('#Default .latchkey-menu')
    // The first key press closes the menus that are open when the page loads.
    await button.focus()
    await page.keyboard.press('Enter')
    await menu.waitFor()
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus').textContent()).toBe('Your account')
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus').textContent()).toBe('Sign out')
    await page.keyboard.press('Escape')
    await menu.waitFor({ state: 'hidden' })
    expect(await button.evaluate((one) => one === document.activeElement)).toBe(true)
    await page.keyboard.press('Enter')
    await menu.waitFor()
    for (let presses = 0; presses < 3; presses++) await page.keyboard.press('Tab')
    await menu.waitFor({ state: 'hidden' })
    expect(await button.evaluate((one) => one === document.activeElement)).toBe(false)
  })

  it('disconnecting an account needs a confirmation, and announces the result', async () => {
    const { page } = await demo.visit({}, IN_TROUBLE)
    await show(page, 'user-profile')
    const part = page.locator('#SomeParts').getByRole('region', { name: 'Connected accounts' })
    await part.locator('summary').first().focus()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus').textContent()).toBe('Disconnect')
    await page.keyboard.press('Enter')
    await part.getByRole('alert').getByText("You don't have permission to do this.").waitFor()
  })
})

describe('without JavaScript', () => {
  it('has every link and form, and the menu opens', async () => {
    const { page } = await demo.visit({ javaScriptEnabled: false })
    await page.goto(`${demo.origin}/gallery?part=sign-in&bare`)
    expect(await page.locator('#Default a').getAttribute('href')).toMatch(/\/bitbucket\/start$/)
    expect(await page.locator('#Modal a').first().getAttribute('href')).toMatch(/\/sign-in$/)
    expect(await page.locator('#Several noscript a').getAttribute('href')).toMatch(/\/sign-in$/)
    await page.goto(`${demo.origin}/gallery?part=user-button&bare`)
    const menu = page.locator('#Default .latchkey-menu')
    await page.locator('#Default summary').click()
    await menu.waitFor()
    expect(await menu.locator('form').getAttribute('action')).toMatch(/\/sign-out$/)
  })
})

describe('the gallery', () => {
  it('links all components, themes and languages, and shows the code', async () => {
    const { page } = await demo.visit({}, IN_TROUBLE)
    await page.goto(demo.origin)
    await page.getByRole('link', { name: 'See every component in every state' }).click()
    await page.getByRole('link', { name: 'UserProfile' }).click()
    await page.getByRole('link', { name: 'العربية' }).click()
    await page.getByRole('link', { name: 'dark' }).click()
    const stage = page.locator('#Everything .stage')
    expect(await stage.getAttribute('dir')).toBe('rtl')
    expect(await stage.getAttribute('data-latchkey-theme')).toBe('dark')
    expect(await page.locator('#Everything pre').textContent()).toContain('return <UserProfile />')
    await page.getByRole('link', { name: 'Themes' }).click()
    expect(await page.locator('#Paper pre').textContent()).toContain('--latchkey-radius: 2px;')
    // The page repeats the same card.
    const findings = await findingsOfAxe(page)
    expect(findings.filter((finding) => !finding.startsWith('landmark-unique'))).toEqual([])
  })
})
