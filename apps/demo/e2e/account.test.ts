import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { setUpDemo } from './demo.ts'

const PHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1'
const LAPTOP = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'

// One person for each test that checks a list.
const people = ['Ada', 'Ben', 'Cleo', 'Dan', 'Emi', 'Fay', 'Gus', 'Hal', 'Ivy']
const demo = setUpDemo({
  people: people.map((name) => ({ nickname: name, displayName: `${name} Test` })),
})

/** Signs a person in with two browsers, and opens the account page in one of them. */
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

/** Returns the names of the devices, in the order of the list. */
const names = (page: Page) =>
  page.getByRole('listitem').locator('bdi:first-child').allTextContents()

async function goToAccount(page: Page): Promise<void> {
  await page.locator('header summary').click()
  await page.getByRole('link', { name: 'Your account' }).click()
  await page.waitForURL(/account$/)
}

/** Returns the heading of the part that has focus. */
const focused = (page: Page) => page.locator(':focus').getByRole('heading').textContent()

/** Follows a link, and returns whether the server redirects to the sign-in page. */
async function isSignedOut(page: Page): Promise<boolean> {
  await page.getByRole('link', { name: 'What just happened' }).click()
  await page.waitForURL(/what-happened$/)
  return new URL(page.url()).pathname === '/auth/sign-in'
}

it('a person can change their name, on a narrow and dark screen too, and keeps it', async () => {
  const { page } = await demo.visit({
    colorScheme: 'dark',
    viewport: { width: 320, height: 800 },
  })
  await demo.signInUnseen(page, 'Ivy')
  await goToAccount(page)
  const name = page.getByLabel('Name')
  await name.fill('Ivy of the Tests')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved.').waitFor()
  await page.locator('header').getByText('Ivy of the Tests').first().waitFor()
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320)
  await demo.signInUnseen(page, 'Ivy')
  await goToAccount(page)
  expect(await name.inputValue()).toBe('Ivy of the Tests')
})

describe('a person signed in on two devices', () => {
  it('sees both, with this device first and marked', async () => {
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

  it('signs out the other device, which must sign in again at its next click', async () => {
    const { laptop, phone } = await signInTwice('Ben')
    await laptop.getByRole('button', { name: 'Sign out Safari on iOS' }).click()
    await laptop.getByRole('listitem').filter({ hasText: 'Safari' }).waitFor({ state: 'detached' })
    expect(await names(laptop)).toEqual(['Firefox on Linux'])
    expect(await isSignedOut(phone)).toBe(true)
    expect(await isSignedOut(laptop)).toBe(false)
  })

  it.each([true, false])(
    "signs out everywhere else, which also invalidates copies of this device's cookie (JavaScript: %s)",
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
      if (javaScriptEnabled) await laptop.getByText("You're signed out everywhere else.").waitFor()
      else await laptop.waitForURL(`${demo.origin}/account`)
      expect(await isSignedOut(phone)).toBe(true)
      expect(await isSignedOut(thief)).toBe(true)
      expect(await isSignedOut(laptop)).toBe(false)
    },
  )

  it('sees the sign-in card on the page if the other device signed this one out', async () => {
    const { laptop, phone } = await signInTwice('Cleo', /401 \(Unauthorized\)/)
    await laptop.getByRole('listitem').first().waitFor()
    await goToAccount(phone)
    await phone.getByRole('button', { name: 'Sign out Firefox on Linux' }).click()
    await phone.getByRole('listitem').filter({ hasText: 'Firefox' }).waitFor({ state: 'detached' })
    await laptop.getByRole('button', { name: 'Sign out Safari on iOS' }).click()
    await laptop.getByRole('heading', { name: "You're signed out." }).waitFor()
    expect(await isSignedOut(phone)).toBe(false)
  })

  it('gets a status message, and the focus moves to the heading', async () => {
    const { laptop } = await signInTwice('Dan')
    await laptop.getByRole('button', { name: 'Sign out Safari on iOS' }).press('Enter')
    await laptop.getByRole('status').getByText('Safari on iOS is signed out.').waitFor()
    expect(await focused(laptop)).toBe("Where you're signed in")
  })
})

describe('a person whose network fails', () => {
  it('sees an error when the request fails, and the device stays in the list', async () => {
    const { laptop, phone } = await signInTwice('Emi', /ERR_FAILED|AuthError/)
    await laptop.route('**/auth/sessions/*', (route) => route.abort())
    await laptop.getByRole('button', { name: 'Sign out Safari on iOS' }).click()
    await laptop.getByRole('alert').getByText("We can't reach the server").waitFor()
    expect(await names(laptop)).toEqual(['Firefox on Linux', 'Safari on iOS'])
    expect(await isSignedOut(phone)).toBe(false)
    expect(await isSignedOut(laptop)).toBe(false)
  })

  it('sees that the device is signed out when only the response is lost', async () => {
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

  it('sees the old list if it cannot be reloaded either, and succeeds at the next try', async () => {
    const { laptop } = await signInTwice('Gus', /ERR_FAILED|AuthError|404 \(Not Found\)/)
    await laptop.getByRole('listitem').first().waitFor()
    await laptop.route('**/auth/sessions', (route) => route.abort())
    await laptop.route('**/auth/sessions/*', async (route) => {
      expect((await route.fetch()).status()).toBe(204)
      await route.abort()
    })
    const signOut = laptop.getByRole('button', { name: 'Sign out Safari on iOS' })
    await signOut.click()
    await laptop.getByRole('alert').getByText("We can't reach the server").waitFor()
    expect(await names(laptop)).toEqual(['Firefox on Linux', 'Safari on iOS'])
    await laptop.unroute('**/auth/sessions')
    await laptop.unroute('**/auth/sessions/*')
    await signOut.click()
    await laptop.getByRole('status').getByText('Safari on iOS is signed out.').waitFor()
    await expect.poll(() => names(laptop), { timeout: 10_000 }).toEqual(['Firefox on Linux'])
  })

  it('sees an error instead of the list, and can load it again', async () => {
    const { page } = await demo.visit({ userAgent: LAPTOP }, /ERR_FAILED|AuthError/)
    await demo.signInUnseen(page, 'Hal')
    await page.route('**/auth/sessions', (route) => route.abort())
    await goToAccount(page)
    await page.getByRole('alert').getByText("We couldn't load this.").waitFor()
    expect(await page.getByText('Loading…').count()).toBe(0)
    await page.unroute('**/auth/sessions')
    await page.getByRole('button', { name: 'Try again' }).press('Enter')
    await page.getByRole('listitem').filter({ hasText: 'This device' }).waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
    expect(await focused(page)).toBe("Where you're signed in")
  })
})
