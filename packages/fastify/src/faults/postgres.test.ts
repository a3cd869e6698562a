import { expect, it } from 'vitest'
import { postgres } from '../postgres.ts'
import type { Provider } from '../provider.ts'
import { bitbucket } from '../providers/bitbucket.ts'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { emptyDatabase } from '../testing/postgres.ts'
import { startProxy } from '../testing/proxy.ts'

const emulator = setUpEmulator()

it('a PostgreSQL that hangs lets nobody through or out, keeps cookies, and public pages are served', async () => {
  const proxy = await startProxy(await emptyDatabase())
  const store = postgres(proxy.url, { timeout: 1000, maxStaleness: 0 })
  const app = await buildApp(emulator(), { store })
  app.get('/public', async () => 'welcome')
  const browser = createBrowser(app)
  await browser.signIn('ada')
  const cookies = browser.cookies()

  proxy.hang()
  const refused = await browser.get('/api/me')
  expect(refused.statusCode).toBe(503)
  expect(refused.headers).toMatchObject({ 'retry-after': '5' })
  expect((await browser.post('/auth/sign-out')).statusCode).toBe(503)
  expect((await browser.get('/public')).body).toBe('welcome')
  expect(browser.cookies()).toBe(cookies)

  proxy.pass()
  expect((await browser.get('/api/me')).statusCode).toBe(200)
  expect((await browser.post('/auth/sign-out')).statusCode).toBe(204)
  expect((await browser.get('/api/me')).statusCode).toBe(401)
})

it('a pool of one connection serves others while a person waits for their provider', async () => {
  const store = postgres(await emptyDatabase(), { maxConnections: 1, maxStaleness: 0 })
  const real = bitbucket({ emulatorUrl: emulator().url })
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  let isSlow = false
  const slow: Provider = {
    ...real,
    async readProfile(api) {
      if (isSlow) {
        asked.resolve()
        await answered.promise
      }
      return real.readProfile(api)
    },
  }
  const app = await buildApp(emulator(), { store, providers: [slow] })
  const [ada, ben] = [createBrowser(app), createBrowser(app)]
  await ada.signIn('ada')
  isSlow = true
  const waiting = ben.signIn('ben')
  await asked.promise
  expect((await ada.get('/api/me')).statusCode).toBe(200)
  answered.resolve()
  expect((await waiting).headers.location).toBe('/')
})
