import type { Page } from 'playwright-core'

/**
 * Starts signed out, opens every page in every state, and calls `look` for each. Only the first walk through a demo
 * includes the page without decisions.
 */
export async function walkEveryPage(
  page: Page,
  origin: string,
  look: (name: string) => Promise<unknown>,
): Promise<void> {
  const button = page.getByRole('link', { name: 'Continue with Bitbucket' })
  const ada = page.getByRole('button', { name: 'Ada Test' })
  const writeDown = page.getByRole('button', { name: 'Write it down' })

  await page.goto(origin)
  await look('landing')
  await page.goto(`${origin}/?auth_error=access_denied`)
  await look('landing-error')
  await page.goto(`${origin}/auth/sign-in?return_to=/decisions`)
  await look('hosted')
  await page.goto(`${origin}/auth/sign-in?auth_error=access_denied`)
  await look('hosted-cancelled')
  await page.goto(`${origin}/auth/sign-in?auth_error=provider_unavailable`)
  await look('hosted-error')
  await page.goto(`${origin}/auth/popup?return_to=/decisions`)
  await look('popup')
  await page.goto(`${origin}/auth/popup?auth_error=access_denied`)
  await look('popup-cancelled')
  await page.goto(`${origin}/auth/popup?auth_error=provider_unavailable`)
  await look('popup-error')

  await page.goto(origin)
  await button.click()
  await ada.waitFor()
  await look('consent')
  await page.goto(page.url().replace(/client_id=[^&]*/, 'client_id=unknown'))
  await look('consent-refused')
  await page.goBack()
  await ada.click()

  await page.waitForURL(`${origin}/decisions`)
  await writeDown.waitFor()
  if ((await page.getByText('No decisions yet.').count()) > 0) {
    await look('decisions-none')
    await page.getByLabel('What did you decide?').fill('We only meet on Tuesdays')
    await page.getByLabel('Why?').fill('Most holidays fall on a Monday; half of us travel then.')
    await writeDown.click()
  }
  await page.getByRole('heading', { name: 'We only meet on Tuesdays' }).waitFor()
  await look('decisions')
  await page.getByLabel('What did you decide?').fill('Nothing to say for it')
  await page.getByLabel('Why?').fill('   ')
  await writeDown.click()
  await page.getByRole('alert').waitFor()
  await look('decisions-refused')
  await page.goto(`${origin}/what-happened`)
  await look('what-happened')
  await signInOnPhone(page, origin)
  await page.goto(`${origin}/account`)
  const phone = page.getByText('Safari on iOS')
  await phone.waitFor()
  await look('account')
  await page.locator('header summary').click()
  await look('account-menu')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Sign out everywhere else' }).click()
  await phone.waitFor({ state: 'detached' })
  await page.goto(`${origin}/nowhere`)
  await look('not-found')
  await page.goto(origin)
  await look('landing-signed-in')
  await page.goto(`${origin}/auth/sign-in`)
  await look('hosted-signed-in')

  await page.goto(`${origin}/decisions`)
  const other = await page.context().newPage()
  await other.goto(`${origin}/auth/sign-in`)
  await other.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in to continue' }).waitFor()
  await look('private-left')
  await page.goto(`${origin}/auth/sign-in`)
  await look('hosted-returning')
}

const PHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1'

/** Signs the same person in with another browser, and closes that browser. */
async function signInOnPhone(page: Page, origin: string): Promise<void> {
  const context = await page.context().browser()?.newContext({ userAgent: PHONE })
  const phone = await context?.newPage()
  await phone?.goto(origin)
  await phone?.getByRole('link', { name: 'Continue with Bitbucket' }).click()
  await phone?.getByRole('button', { name: 'Ada Test' }).click()
  await phone?.waitForURL(`${origin}/decisions`)
  await context?.close()
}
