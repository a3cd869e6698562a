import { describe, expect, it } from 'vitest'
import { sqlite } from '../sqlite.ts'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'

const emulator = setUpEmulator()

describe('the store', () => {
  it('that fails while a person comes back signs nobody in, and says so', async () => {
    const store = sqlite(':memory:')
    const app = await buildApp(emulator(), { store })
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    await store.close()
    const answer = await browser.get(callback)
    expect(answer.headers.location).toBe('/auth/sign-in?auth_error=unavailable')
    expect(String(answer.headers['set-cookie'])).not.toMatch(/latchkey-3000=/)
  })

  it('that fails afterwards keeps the cookie, serves public pages, and lets nobody through', async () => {
    const store = sqlite(':memory:')
    const app = await buildApp(emulator(), { store })
    app.get('/public', async () => 'hello')
    const browser = createBrowser(app)
    await browser.signIn('ada')
    await store.close()
    for (const answer of [
      await browser.get('/api/me'),
      await browser.get('/auth/session'),
      await browser.get('/'),
      await browser.post('/auth/sign-out'),
    ]) {
      expect(answer.statusCode).toBe(503)
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
    expect((await browser.get('/api/me')).json().error.code).toBe('unavailable')
    expect((await browser.get('/api/me')).headers['retry-after']).toBe('5')
    expect((await browser.get('/public')).body).toBe('hello')
    expect((await browser.get('/auth/sign-in')).statusCode).toBe(200)
  })
})
