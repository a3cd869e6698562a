import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { setUpDemo } from './demo.ts'

const PHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1'
const LAPTOP = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'

// One for each test that looks at a list.
const people = ['Ada', 'Ben', 'Cleo', 'Dan', 'Emi', 'Fay', 'Gus', 'Hal']
const demo = setUpDemo({
  people: people.map((name) => ({ nickname: name, displayName: `${name} Test` })),
})

/** A person in two browsers, one of which looks at where they are signed in. */
async function signInTwice(
  name: string,
  expected?: RegExp,
): Promise<{ laptop: Page; phone: Page }> {
  const { page: phone } = await demo.visit({ userAgent: PHONE })
  await demo.signInUnseen(phone, name)
  const { page: laptop } = await demo.visit({ userAgent: LAPTOP }, expected)
  await demo.signInUnseen(laptop, name)
  await goToAccount(laptop)
  return { laptop, phone }
}

/** Their names, in the order of the list. */
const names = (page: Page) =>
  page.getByRole('listitem').locator('bdi:first-child').allTextContents()

async function goToAccount(page: Page): Promise<void> {
  await page.locator('header summary').click()
  await page.getByRole('link', { name: 'Your account' }).click()
  await page.waitForURL(/account$/)
}

/** The heading of the part that has the focus. */
const focused = (page: Page) => page.locator(':focus').getByRole('heading').textContent()

/** Whether the server asks this browser to sign in when it follows a link. */
async function isSignedOut(page: Page): Promise<boolean> {
  await page.getByRole('link', { name: 'What just happened' }).click()
  await page.waitForURL(/what-happened$/)
  return new URL(page.url()).pathname === '/auth/sign-in'
}

describe('a person who is signed in on two devices', () => {
  it('sees both, this one first, and which one this is', async () => {
    const { laptop, phone } = await signInTwice('Ada')
    await laptop.getByRole('listitem').first().waitFor()
    expect(await names(laptop)).toEqual(['Firefox on Linux', 'Safari on iOS'])
    const here = laptop.getByRole('listitem').filter({ hasText: 'This device' })
    expect(await here.locator('bdi').first().textContent()).toBe('Firefox on Linux')
    expect(await here.getByRole('button').count()).toBe(0)
    await goToAccount(phone)
    await phone.getByRole('listitem').first().waitFor()
    expect(await names(phone)).toEqual(['Safari on iOS', 'Firefox on Linux'])
  })

  it('signs the other one out, which learns of it at its next click', async () => {
    const { laptop, phone } = await signInTwice('Ben')
    await laptop.getByRole('button', { name: 'Sign out Safari on iOS' }).click()
    await laptop.getByRole('listitem').filter({ hasText: 'Safari' }).waitFor({ state: 'detached' })
    expect(await names(laptop)).toEqual(['Firefox on Linux'])
    expect(await isSignedOut(phone)).toBe(true)
    expect(await isSignedOut(laptop)).toBe(false)
  })

  it.each([true, false])(
    'signs out everywhere else, whether JavaScript runs (%s), and a copy of the own cookie is worth nothing',
    async (javaScriptEnabled) => {
      const { page: phone } = await demo.visit({ userAgent: PHONE })
      await demo.signInUnseen(phone, 'Ada')
      const { page: laptop, context } = await demo.visit({ userAgent: LAPTOP, javaScriptEnabled })
      await demo.signInUnseen(laptop, 'Ada')
      const { page: thief, context: elsewhere } = await demo.visit()
      await elsewhere.addCookies(await context.cookies())
      await thief.goto(`${demo.origin}/decisions`)
      await thief.getByText('Signed by Ada Test').waitFor()

      await laptop.goto(`${demo.origin}/account`)
      await laptop.getByRole('button', { name: 'Sign out everywhere else' }).click()
      if (javaScriptEnabled) await laptop.getByText('You are signed out everywhere else.').waitFor()
      else await laptop.waitForURL(`${demo.origin}/account`)
      expect(await isSignedOut(phone)).toBe(true)
      expect(await isSignedOut(thief)).toBe(true)
      expect(await isSignedOut(laptop)).toBe(false)
    },
  )

  it('is asked to sign in on the page itself, if it was this one that somebody ended', async () => {
    const { laptop, phone } = await signInTwice('Cleo', /401 \(Unauthorized\)/)
    await laptop.getByRole('listitem').first().waitFor()
    await goToAccount(phone)
    await phone.getByRole('button', { name: 'Sign out Firefox on Linux' }).click()
    await phone.getByRole('listitem').filter({ hasText: 'Firefox' }).waitFor({ state: 'detached' })
    await laptop.getByRole('button', { name: 'Sign out Safari on iOS' }).click()
    await laptop.getByRole('heading', { name: 'You are signed out.' }).waitFor()
    expect(await isSignedOut(phone)).toBe(false)
  })

  it('hears that the other one is signed out, and goes on from the heading with the keyboard', async () => {
    const { laptop } = await signInTwice('Dan')
    await laptop.getByRole('button', { name: 'Sign out Safari on iOS' }).press('Enter')
    await laptop.getByRole('status').getByText('Safari on iOS is signed out.').waitFor()
    expect(await focused(laptop)).toBe('Where you are signed in')
  })
})

describe('a person whose network fails them', () => {
  it('as they sign a device out is told that this may not have worked, and sees it as signed in as it is', async () => {
    const { laptop, phone } = await signInTwice('Emi', /ERR_FAILED|AuthError/)
    await laptop.route('**/auth/sessions/*', (route) => route.abort())
    await laptop.getByRole('button', { name: 'Sign out Safari on iOS' }).click()
    await laptop.getByRole('alert').getByText('The server cannot be reached').waitFor()
    expect(await names(laptop)).toEqual(['Firefox on Linux', 'Safari on iOS'])
    expect(await isSignedOut(phone)).toBe(false)
    expect(await isSignedOut(laptop)).toBe(false)
  })

  it('after the device was signed out is told that it was', async () => {
    const { laptop, phone } = await signInTwice('Fay', /ERR_FAILED|AuthError/)
    await laptop.route('**/auth/sessions/*', async (route) => {
      expect((await route.fetch()).status()).toBe(204)
      await route.abort()
    })
    await laptop.getByRole('button', { name: 'Sign out Safari on iOS' }).click()
    await laptop.getByRole('status').getByText('Safari on iOS is signed out.').waitFor()
    expect(await names(laptop)).toEqual(['Firefox on Linux'])
    expect(await laptop.getByRole('alert').count()).toBe(0)
    expect(await isSignedOut(phone)).toBe(true)
  })

  it('after the device was signed out, and for longer, keeps the list, and the next try settles it', async () => {
    const { laptop } = await signInTwice('Gus', /ERR_FAILED|AuthError|404 \(Not Found\)/)
    await laptop.getByRole('listitem').first().waitFor()
    await laptop.route('**/auth/sessions', (route) => route.abort())
    await laptop.route('**/auth/sessions/*', async (route) => {
      expect((await route.fetch()).status()).toBe(204)
      await route.abort()
    })
    const signOut = laptop.getByRole('button', { name: 'Sign out Safari on iOS' })
    await signOut.click()
    await laptop.getByRole('alert').getByText('The server cannot be reached').waitFor()
    expect(await names(laptop)).toEqual(['Firefox on Linux', 'Safari on iOS'])
    await laptop.unroute('**/auth/sessions')
    await laptop.unroute('**/auth/sessions/*')
    await signOut.click()
    await laptop.getByRole('status').getByText('Safari on iOS is signed out.').waitFor()
    expect(await names(laptop)).toEqual(['Firefox on Linux'])
  })

  it('before there is a list is told so, instead of waiting for it, and loads it again', async () => {
    const { page } = await demo.visit({ userAgent: LAPTOP }, /ERR_FAILED|AuthError/)
    await demo.signInUnseen(page, 'Hal')
    await page.route('**/auth/sessions', (route) => route.abort())
    await goToAccount(page)
    await page.getByRole('alert').getByText('This could not be loaded.').waitFor()
    expect(await page.getByText('Loading…').count()).toBe(0)
    await page.unroute('**/auth/sessions')
    await page.getByRole('button', { name: 'Try again' }).press('Enter')
    await page.getByRole('listitem').filter({ hasText: 'This device' }).waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
    expect(await focused(page)).toBe('Where you are signed in')
  })
})
