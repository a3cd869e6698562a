import { describe, expect, it } from 'vitest'
import { setUpDemo } from './demo.ts'

describe.each([
  ['https', /^__Host-latchkey$/],
  ['http', /^latchkey-\d+$/],
] as const)('over %s, a person who signs out', (scheme, name) => {
  const demo = setUpDemo({}, scheme)

  it.each([
    ['with a script', true, '/decisions'],
    ['without one', false, '/decisions'],
    ['on the hosted page', false, '/auth/sign-in'],
  ])(
    '%s leaves no session in the browser, and none that a copy would open',
    async (_how, javaScriptEnabled, path) => {
      const { page, context } = await demo.visit({ javaScriptEnabled })
      const sentTo = (path: string) =>
        demo.exchanges.findLast(({ url }) => url === path)?.headers.cookie ?? ''
      await demo.signIn(page)
      const cookies = await context.cookies()
      const session = cookies.find((cookie) => name.test(cookie.name))
      expect(session).toMatchObject({
        httpOnly: true,
        secure: scheme === 'https',
        path: '/',
        sameSite: 'Lax',
      })
      const pair = `${session?.name}=${session?.value}`

      await page.goto(demo.origin + path)
      expect(sentTo(path)).toContain(pair)
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.waitForURL(`${demo.origin}/`)
      const left = (await context.cookies()).map(({ name }) => name)
      expect(left).toEqual([`${session?.name}-last`])
      await page.goto(`${demo.origin}/decisions`)
      await page.waitForURL(/\/auth\/sign-in/)
      expect(sentTo('/decisions')).not.toContain(`${session?.name}=`)

      // A copy that somebody took before is worth nothing.
      await context.addCookies(cookies)
      await page.goto(`${demo.origin}/decisions`)
      await page.waitForURL(/\/auth\/sign-in/)
      expect(sentTo('/decisions')).toContain(pair)
    },
  )
})
