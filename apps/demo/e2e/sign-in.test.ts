import { defaultPeople } from '@latchkey/bitbucket-emulator'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { setUpDemo } from './demo.ts'

const LONG_NAME = 'A Test Person With A Name That Is Much Longer Than Anyone Would Have Planned For'
const UNBROKEN_NAME = 'Unbroken'.repeat(15)

const demo = setUpDemo({
  people: [
    ...defaultPeople,
    { nickname: 'long-name', displayName: LONG_NAME },
    { nickname: 'unbroken-name', displayName: UNBROKEN_NAME },
  ],
})

const button = (page: Page) => page.getByRole('link', { name: 'Continue with Bitbucket' })
const person = (page: Page, name: string) => page.getByRole('button', { name })
const { signIn } = demo

describe('a person', () => {
  it('signs in with two clicks, reloads, opens a second tab, and signs out of both', async () => {
    const { page, context } = await demo.visit()
    await signIn(page)
    await page.getByText('Signed by Ada Test').waitFor()
    await page.getByLabel('What did you decide?').fill('Test with a real browser')
    await page.getByLabel('Why?').fill('Because people use one.')
    await page.getByRole('button', { name: 'Write it down' }).click()
    await page.getByRole('heading', { name: 'Test with a real browser' }).waitFor()

    await page.reload()
    await page.getByRole('heading', { name: 'Test with a real browser' }).waitFor()

    const second = await context.newPage()
    await second.goto(demo.origin)
    await second.getByRole('heading', { name: 'Welcome, Ada Test.' }).waitFor()

    await demo.signOut(page)
    await page.waitForURL(`${demo.origin}/`)
    await button(page).waitFor()
    // The second tab updates itself without any interaction.
    await button(second).waitFor()
    const answer = await page.request.get(`${demo.origin}/api/decisions`)
    expect(answer.status()).toBe(401)
  })

  it('sees the requests, cookies and profile of the sign-in', async () => {
    const { page } = await demo.visit()
    await signIn(page)
    await page.getByRole('link', { name: 'What just happened' }).click()
    await page.getByRole('heading', { name: 'What just happened' }).waitFor()
    const requests = await page.locator('.request').allTextContents()
    expect(requests).toEqual([
      'GET /auth/bitbucket/start?return_to=%2Fdecisions',
      'GET /site/oauth2/authorize',
      'POST /site/oauth2/authorize',
      'GET /auth/bitbucket/callback',
      'POST /site/oauth2/access_token',
      'GET /2.0/user',
      'GET /2.0/user/emails',
    ])
    const text = await page.locator('main').textContent()
    expect(text).toContain('"display_name": "Ada Test"')
    expect(text).toContain('"emailVerified": true')
    const cookies = await page.context().cookies()
    const session = cookies.find(({ name }) => /^latchkey-\d+$/.test(name))
    expect(session?.httpOnly).toBe(true)
    expect(await page.content()).not.toContain(session?.value.split('.')[1] ?? 'missing')
  })

  it('returns to the protected page after signing in', async () => {
    const { page } = await demo.visit()
    await page.goto(`${demo.origin}/decisions`)
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await button(page).click()
    await person(page, 'Ben Test').click()
    await page.waitForURL(`${demo.origin}/decisions`)
    await page.getByText('Signed by Ben Test').waitFor()
  })

  it('leaves no secrets that a script could read', async () => {
    const { page } = await demo.visit()
    await signIn(page)
    const readable = await page.evaluate(() => ({
      cookies: document.cookie,
      local: { ...localStorage },
      session: { ...sessionStorage },
    }))
    expect(readable).toEqual({ cookies: '', local: {}, session: {} })
    expect(page.url()).toBe(`${demo.origin}/decisions`)
  })

  it('can use the keyboard only', async () => {
    const { page } = await demo.visit()
    await page.goto(demo.origin)
    await tabTo(page, 'Continue with Bitbucket')
    await page.keyboard.press('Enter')
    await person(page, 'Ada Test').waitFor()
    await tabTo(page, 'Ada Test')
    await page.keyboard.press('Enter')
    await page.waitForURL(`${demo.origin}/decisions`)
    await tabTo(page, 'Ada Test')
    await page.keyboard.press('Enter')
    await tabTo(page, 'Sign out')
    await page.keyboard.press('Enter')
    await page.waitForURL(`${demo.origin}/`)
    await button(page).waitFor()
  })
})

describe('a person who changes their mind', () => {
  it('and cancels on Bitbucket sees an error, and can try again', async () => {
    const { page } = await demo.visit()
    await page.goto(`${demo.origin}/?utm=x#top`)
    await button(page).click()
    await person(page, 'Cancel').click()
    await page.getByRole('alert').getByText('You cancelled the sign-in.').waitFor()
    await page.waitForURL(`${demo.origin}/?utm=x`)
    await button(page).click()
    await person(page, 'Ada Test').click()
    await page.waitForURL(`${demo.origin}/decisions`)
  })

  it('and goes back from the consent page can press the button again', async () => {
    const { page } = await demo.visit()
    await page.goto(demo.origin)
    await button(page).click()
    await person(page, 'Ada Test').waitFor()
    await page.goBack()
    await page.waitForURL(`${demo.origin}/`)
    expect(await button(page).getAttribute('data-state')).toBe('idle')
    await button(page).click()
    await person(page, 'Ada Test').click()
    await page.waitForURL(`${demo.origin}/decisions`)
  })

  it('and goes back and consents again stays signed in', async () => {
    const { page } = await demo.visit()
    await signIn(page)
    await page.goBack()
    await person(page, 'Ada Test').click()
    await page.waitForURL(new RegExp(`^${demo.origin}/`))
    await page.goto(`${demo.origin}/decisions`)
    await page.getByText('Signed by Ada Test').waitFor()
  })

  it('and signs in as another person becomes that person in every tab', async () => {
    const { page, context } = await demo.visit()
    await signIn(page)
    const second = await context.newPage()
    await second.goto(demo.origin)
    await second.getByRole('heading', { name: 'Welcome, Ada Test.' }).waitFor()
    await page.goto(`${demo.origin}/auth/bitbucket/start`)
    await person(page, 'Ben Test').click()
    await page.waitForURL(`${demo.origin}/`)
    await page.getByRole('heading', { name: 'Welcome, Ben Test.' }).waitFor()
    await second.getByRole('heading', { name: 'Welcome, Ben Test.' }).waitFor()
  })
})

describe('a private page in another tab', () => {
  it('shows nothing of a person who signed out, not even to the next person', async () => {
    const { page, context } = await demo.visit()
    await demo.signInUnseen(page)
    await page.getByLabel('What did you decide?').fill('A private matter')
    await page.getByLabel('Why?').fill('No one else should read it.')
    await page.getByRole('button', { name: 'Write it down' }).click()
    const matter = page.getByRole('heading', { name: 'A private matter' })
    await matter.waitFor()
    const second = await context.newPage()
    await second.goto(`${demo.origin}/what-happened`)
    await second.getByRole('heading', { name: 'What just happened' }).waitFor()

    const third = await context.newPage()
    await third.goto(demo.origin)
    await demo.signOut(third)
    await button(page).waitFor()
    await button(second).waitFor()
    expect(await matter.count()).toBe(0)
    expect(await second.getByText('Ada Test').count()).toBe(0)

    await signIn(third, 'Ben Test')
    await page.getByText('Signed by Ben Test').waitFor()
    await page.getByText('No decisions yet.').waitFor()
    expect(await matter.count()).toBe(0)
    await second.getByText('"display_name": "Ben Test"').waitFor()
  })

  it('is up to date after the same person has signed out and in again', async () => {
    const { page, context } = await demo.visit()
    await demo.signInUnseen(page)
    const second = await context.newPage()
    await second.goto(`${demo.origin}/decisions`)
    await decide(second, 'Decided in another tab')
    await demo.signOut(second)
    await button(page).waitFor()
    await demo.signInUnseen(second)
    await page.getByRole('heading', { name: 'Decided in another tab' }).waitFor()
  })

  it('shows the sign-in card when the server returns 401', async () => {
    const { page, context } = await demo.visit({}, /401 \(Unauthorized\)/)
    await demo.signInUnseen(page)
    await decide(page, 'While it lasted')
    await context.clearCookies()
    await page.getByLabel('What did you decide?').fill('Too late')
    await page.getByLabel('Why?').fill('The session has ended.')
    await page.getByRole('button', { name: 'Write it down' }).click()
    await button(page).waitFor()
    expect(await page.getByText('While it lasted').count()).toBe(0)
    expect(await page.getByText('Ada Test').count()).toBe(0)
    await button(page).click()
    await person(page, 'Ada Test').click()
    await page.waitForURL(`${demo.origin}/decisions`)
    await page.getByRole('heading', { name: 'While it lasted' }).waitFor()
  })
})

describe('a decision', () => {
  it('that is only white space is rejected with an error, and stays in the form', async () => {
    for (const javaScriptEnabled of [true, false]) {
      const { page } = await demo.visit({ javaScriptEnabled }, /400 \(Bad Request\)/)
      await demo.signInUnseen(page)
      await page.getByLabel('What did you decide?').fill('Kept in the field')
      await page.getByLabel('Why?').fill('   ')
      await page.getByRole('button', { name: 'Write it down' }).click()
      await page.getByRole('alert').getByText('Enter a decision and a reason.').waitFor()
      const title = page.getByLabel('What did you decide?')
      expect(await title.inputValue()).toBe('Kept in the field')
      expect(await page.getByRole('heading', { name: 'Kept in the field' }).count()).toBe(0)
    }
  })

  it('is rejected from a page of another site or port', async () => {
    const { page } = await demo.visit()
    await demo.signInUnseen(page)
    for (const path of ['/decisions', '/api/decisions']) {
      for (const headers of [
        { 'sec-fetch-site': 'same-site' },
        { 'sec-fetch-site': 'cross-site' },
        { origin: 'http://localhost:1' },
      ]) {
        const form = { title: 'Forged', reason: 'By someone else' }
        const options = { headers, form, maxRedirects: 0 }
        const answer = await page.request.post(demo.origin + path, options)
        // Such a request counts as signed out.
        if (path === '/api/decisions') expect(answer.status()).toBe(403)
        else expect(answer.headers().location).toBe('/auth/sign-in?return_to=/decisions')
      }
    }
    await page.reload()
    expect(await page.getByRole('heading', { name: 'Forged' }).count()).toBe(0)
  })

  it('has a unique id, even after the oldest decisions are dropped', async () => {
    const { page } = await demo.visit()
    await demo.signInUnseen(page, 'many-emails')
    for (let count = 0; count < 102; count++) {
      const data = { title: `Decision ${count}`, reason: 'One of many' }
      const headers = { 'sec-fetch-site': 'same-origin' }
      await page.request.post(`${demo.origin}/api/decisions`, { headers, data })
    }
    const answer = await page.request.get(`${demo.origin}/api/decisions`)
    const ids = ((await answer.json()) as { id: number }[]).map(({ id }) => id)
    expect(ids).toHaveLength(100)
    expect(new Set(ids).size).toBe(100)
  })
})

describe('an unknown page', () => {
  it('returns 404, with a link to the home page', async () => {
    const { page } = await demo.visit({}, /404 \(Not Found\)/)
    const answer = await page.goto(`${demo.origin}/nowhere`)
    expect(answer?.status()).toBe(404)
    await page.getByRole('heading', { name: 'Page not found.' }).waitFor()
    await page.getByRole('link', { name: 'Go to the home page' }).click()
    await page.waitForURL(`${demo.origin}/`)
  })
})

describe('the landing page', () => {
  it('shows the button without scrolling on a small phone', async () => {
    const { page } = await demo.visit({ viewport: { width: 360, height: 640 } })
    await page.goto(demo.origin)
    const box = await button(page).boundingBox()
    expect((box?.y ?? 640) + (box?.height ?? 0)).toBeLessThan(640)
  })

  it.each([320, 640, 768, 1280])(
    'shows the welcome message in place of the card at %i px',
    async (width) => {
      const { page } = await demo.visit({ viewport: { width, height: 800 } })
      await page.goto(demo.origin)
      const card = await page.locator('.card-place > *').boundingBox()
      if (width < 832 && card !== null) expect(card.x + card.width / 2).toBe(width / 2)
      await demo.signInUnseen(page, 'ada', '/')
      await page.getByRole('heading', { name: 'Welcome, Ada Test.' }).waitFor()
      const welcome = await page.locator('.card-place > *').boundingBox()
      if (width >= 832) expect(welcome).toEqual(card)
      expect(welcome).toMatchObject({ x: card?.x, width: card?.width, height: card?.height })
    },
  )
})

describe('two tabs at the same time', () => {
  it('both sign in', async () => {
    const { page: first, context } = await demo.visit()
    const second = await context.newPage()
    for (const page of [first, second]) {
      await page.goto(demo.origin)
      await button(page).click()
      await person(page, 'Ada Test').waitFor()
    }
    await Promise.all([first, second].map((page) => person(page, 'Ada Test').click()))
    for (const page of [first, second]) await page.waitForURL(`${demo.origin}/decisions`)
  })
})

describe('without JavaScript', () => {
  const off = { javaScriptEnabled: false }

  it('the landing page can sign in and out', async () => {
    const { page } = await demo.visit(off)
    await signIn(page)
    await page.getByText('Signed by Ada Test').waitFor()
    await page.getByLabel('What did you decide?').fill('No script needed')
    await page.getByLabel('Why?').fill('A form is a form.')
    await page.getByRole('button', { name: 'Write it down' }).click()
    await page.getByRole('heading', { name: 'No script needed' }).waitFor()
    expect(page.url()).toBe(`${demo.origin}/decisions`)
    await demo.signOut(page)
    await page.waitForURL(`${demo.origin}/`)
    await button(page).waitFor()
  })

  it('the hosted page can sign in', async () => {
    const { page } = await demo.visit(off)
    await page.goto(`${demo.origin}/auth/sign-in?return_to=/decisions`)
    await button(page).click()
    await person(page, 'Ada Test').click()
    await page.waitForURL(`${demo.origin}/decisions`)
  })

  it('a cancelled attempt shows an error on either page', async () => {
    const { page } = await demo.visit(off)
    for (const path of ['/', '/auth/sign-in']) {
      await page.goto(demo.origin + path)
      await button(page).click()
      await person(page, 'Cancel').click()
      await page.getByRole('alert').getByText('You cancelled the sign-in.').waitFor()
      expect(new URL(page.url()).pathname).toBe(path)
    }
  })
})

describe('each of the emulated people', () => {
  it.each([
    ['Ada Test', 'ada@example.com', 'with an address'],
    ['Ben Test', 'ben@example.com', 'with an address'],
    ['Cleo Test', null, 'without an address'],
    ['Dan Test', null, 'without the unconfirmed address'],
    ['Emi Test', 'emi.30@example.com', 'with the primary address of thirty'],
  ])('$0 signs in $2', async (name, address, _what) => {
    const { page } = await demo.visit()
    await signIn(page, name)
    await page.getByText(`Signed by ${name}`).waitFor()
    const shown = page.locator('.address')
    if (address === null) expect(await shown.count()).toBe(0)
    else expect(await shown.textContent()).toContain(address)
  })

  it('Finn Test, who is inactive, sees why the sign-in fails', async () => {
    const { page } = await demo.visit()
    await page.goto(demo.origin)
    await button(page).click()
    await person(page, 'Finn Test').click()
    await page.getByRole('alert').getByText('this account is inactive').waitFor()
    await page.waitForURL(`${demo.origin}/`)
    await button(page).waitFor()
  })
})

describe('an unavailable provider', () => {
  it('causes an error on the page where the sign-in started', async () => {
    const { page } = await demo.visit()
    await page.goto(demo.origin)
    await button(page).click()
    demo.emulator.answerNext('POST /site/oauth2/access_token', { status: 503 })
    await person(page, 'Ada Test').click()
    await page.getByRole('alert').getByText("can't be reached right now").waitFor()
    await page.waitForURL(`${demo.origin}/`)
  })
})

describe('every page', () => {
  it('fits into windows from 320 to 1280 px wide', async () => {
    const { page } = await demo.visit()
    const tooWide: string[] = []
    const look = async (): Promise<void> => {
      for (const width of [320, 360, 768, 1280]) {
        await page.setViewportSize({ width, height: 700 })
        const full = await page.evaluate(() => document.documentElement.scrollWidth)
        if (full > width) tooWide.push(`${page.url()} is ${full} px wide at ${width}`)
      }
    }
    await page.goto(`${demo.origin}/auth/sign-in?auth_error=provider_refused`)
    await look()
    await page.goto(demo.origin)
    await look()
    await button(page).click()
    for (const name of ['Ada Test', LONG_NAME, UNBROKEN_NAME]) await person(page, name).waitFor()
    await look()
    for (const nickname of ['ada', 'long-name', 'unbroken-name']) {
      await demo.signInUnseen(page, nickname)
      await look()
      for (const path of ['/what-happened', '/account', '/auth/sign-in', '/']) {
        await page.goto(demo.origin + path)
        await look()
      }
    }
    await demo.signOut(page)
    await button(page).waitFor()
    await page.goto(`${demo.origin}/auth/sign-in`)
    await page.getByText('Last used').waitFor()
    await look()
    expect(tooWide).toEqual([])
  })
})

async function decide(page: Page, title: string): Promise<void> {
  await page.getByLabel('What did you decide?').fill(title)
  await page.getByLabel('Why?').fill('For a reason.')
  await page.getByRole('button', { name: 'Write it down' }).click()
  await page.getByRole('heading', { name: title }).waitFor()
}

/** Presses Tab until the control with this name has focus. Fails if that never happens. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let press = 0; press < 20; press++) {
    await page.keyboard.press('Tab')
    const focused = await page.evaluate(() => document.activeElement?.textContent ?? '')
    if (focused.includes(name)) return
  }
  throw new Error(`Tab never reached "${name}"`)
}
