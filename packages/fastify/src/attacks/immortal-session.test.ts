import type { FastifyInstance } from 'fastify'
import { describe, expect, it, vi } from 'vitest'
import type { LatchkeyOptions } from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, countRows, lastUse, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { settled } from '../testing/observed-store.ts'

const emulator = setUpEmulator()
const MINUTE = 60 * 1000
const HOUR = 60 * MINUTE
const session = { idleTimeout: HOUR, lifetime: 10 * HOUR }

/** A signed-in person on a server whose clock the test sets, in milliseconds since the sign-in. */
async function signedIn(options: LatchkeyOptions = {}): Promise<{
  app: FastifyInstance
  browser: Browser
  at(time: number): void
  clock(): number
}> {
  const began = Date.UTC(2027, 0, 1)
  let now = began
  const clock = (): number => now
  const app = await buildApp(emulator(), { session, clock, ...options })
  const browser = createBrowser(app)
  await browser.signIn('ada')
  const at = (time: number): void => {
    now = began + time
  }
  return { app, browser, at, clock }
}

/** Sends a request with a cookie, even if a browser would have dropped the cookie. */
async function ask(app: FastifyInstance, cookie: string): Promise<number> {
  return (await app.inject({ url: '/api/me', headers: { cookie } })).statusCode
}

describe('a client that keeps its cookie for too long', () => {
  it('is signed out after the idle timeout', async () => {
    const { app, browser, at } = await signedIn()
    const cookie = browser.cookies()
    at(HOUR + 1000)
    expect(await ask(app, cookie)).toBe(401)
  })

  it('is signed out after the lifetime, and gets no new cookie', async () => {
    const { app, browser, at } = await signedIn()
    const [cookie] = await browser.jar.getCookies(browser.origin)
    expect(cookie?.maxAge).toBe(session.lifetime / 1000)
    const header = browser.cookies()
    for (let time = 0; time < session.lifetime; time += 50 * MINUTE) {
      at(time)
      const answer = await app.inject({ url: '/auth/session', headers: { cookie: header } })
      expect(answer.json().user.name).toBe('Ada Test')
      expect(answer.headers['set-cookie']).toBeUndefined()
      await settled()
    }
    at(session.lifetime + 1000)
    const answer = await app.inject({ url: '/auth/session', headers: { cookie: header } })
    expect(answer.json()).toEqual({ user: null, session: null })
    expect(answer.headers['set-cookie']).toBeUndefined()
  })
})

describe('a session that someone tries to keep alive forever', () => {
  it.each(['/auth/session', '/', '/auth/sign-in', '/auth/sessions', '/api/me'])(
    'with constant requests for %s ends after its lifetime',
    async (path) => {
      const { app, browser, at } = await signedIn()
      for (let time = 0; time < session.lifetime; time += 50 * MINUTE) {
        at(time)
        expect((await browser.get(path)).body).toMatch(/Ada Test|"current":true/)
        await settled()
      }
      at(session.lifetime)
      expect(await ask(app, browser.cookies())).toBe(401)
    },
  )

  it.each(['/auth/providers', '/nothing', '/auth/bitbucket/start'])(
    'with requests for %s, which does not read the session, still counts as idle',
    async (path) => {
      const { app, browser, at } = await signedIn()
      for (let time = 0; time <= HOUR; time += 10 * MINUTE) {
        at(time)
        await browser.get(path)
        await settled()
      }
      expect(await ask(app, browser.cookies())).toBe(401)
    },
  )

  it('with another session of the same person still counts as idle', async () => {
    const { app, browser, at } = await signedIn()
    const other = createBrowser(app)
    await other.signIn('ada')
    for (let time = 0; time <= HOUR; time += 10 * MINUTE) {
      at(time)
      expect((await other.get('/auth/sessions')).statusCode).toBe(200)
      await settled()
    }
    expect(await ask(app, browser.cookies())).toBe(401)
    const { sessions } = (await other.get('/auth/sessions')).json()
    expect(sessions).toHaveLength(1)
  })

  it('by rotating its secret ends no later than before', async () => {
    const { app, browser, at } = await signedIn()
    const { session: first } = (await browser.get('/auth/session')).json()
    for (let time = 0; time < session.lifetime; time += 50 * MINUTE) {
      at(time)
      expect((await browser.post('/auth/sign-out', { scope: 'others' })).statusCode).toBe(204)
      const [cookie] = await browser.jar.getCookies(browser.origin)
      expect(cookie?.maxAge).toBe((session.lifetime - time) / 1000)
      expect((await browser.get('/auth/session')).json().session).toEqual(first)
      await settled()
    }
    const cookie = browser.cookies()
    at(session.lifetime)
    expect(await ask(app, cookie)).toBe(401)
  })

  it('with an old secret or its id alone still counts as idle', async () => {
    const { app, browser, at } = await signedIn()
    const cookie = browser.cookies()
    const forged = cookie.replace(/\.[\w-]{43}/, `.${'A'.repeat(43)}`)
    for (let time = 0; time <= HOUR; time += 10 * MINUTE) {
      at(time)
      expect(await ask(app, forged)).toBe(401)
      await settled()
    }
    expect(await ask(app, cookie)).toBe(401)
  })

  it('with longer limits in the options still ends as scheduled', async () => {
    const file = temporaryFile()
    const { browser, at, clock } = await signedIn({ store: sqlite(file) })
    const more = { idleTimeout: 20 * HOUR, lifetime: 20 * HOUR }
    const later = await buildApp(emulator(), { clock, session: more, store: sqlite(file) })
    const cookie = browser.cookies()
    at(10 * HOUR - 1)
    expect(await ask(later, cookie)).toBe(200)
    at(10 * HOUR)
    expect(await ask(later, cookie)).toBe(401)
  })

  it('does not leave a row behind forever, however it ended', async () => {
    const file = temporaryFile()
    const { app, browser, at, clock } = await signedIn({ store: sqlite(file) })
    await createBrowser(app).signIn('ben')
    at(50 * MINUTE)
    await browser.get('/api/me')
    await vi.waitFor(() => expect(lastUse(file)).toBe(clock()), 20_000)
    // An hour of clock tolerance has passed too.
    at(2 * HOUR + MINUTE)
    await createBrowser(app).signIn('ada')
    // Ben's session was idle.
    expect(countRows(file, 'sessions')).toBe(2)
    at(12 * HOUR)
    await createBrowser(app).signIn('ada')
    expect(countRows(file, 'sessions')).toBe(1)
  })
})
