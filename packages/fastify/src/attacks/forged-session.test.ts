import { describe, expect, it } from 'vitest'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, countRows, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { sendRaw } from '../testing/raw-request.ts'

const emulator = setUpEmulator()

const tokenOf = (browser: Browser): [id: string, secret: string] => {
  const [, id, secret] = /latchkey-3000=([\w-]+)\.([\w-]+)/.exec(browser.cookies()) ?? []
  if (id === undefined || secret === undefined)
    throw new Error('The browser has no session cookie.')
  return [id, secret]
}

const ID = 'A'.repeat(22)
const SECRET = 'B'.repeat(43)

describe('a session cookie that the server never issued', () => {
  it.each([
    ['a well-formed but unknown value', `${ID}.${SECRET}`],
    ['an empty value', ''],
    ['a very long value', `${ID}.${SECRET}`.repeat(100)],
    ['a path', '../../etc/passwd'],
    ['a wildcard', '*'],
    ['a well-formed wildcard', `${'*'.repeat(22)}.${SECRET}`],
    ['an SQL wildcard', `${'%'.repeat(22)}.${'_'.repeat(43)}`],
    ['an SQL statement', `' or '1'='1'.${SECRET}`],
    ['only an id', ID],
    ['an id with an empty secret', `${ID}.`],
    ['only a secret', `.${SECRET}`],
    ['a value with three parts', `${ID}.${SECRET}.${SECRET}`],
    ['JSON', '{"id":"x"}'],
    ['the name of an object property', '__proto__.constructor'],
    ['a quoted value', `"${ID}.${SECRET}"`],
    ['a value that ends with NUL', `${ID}.${SECRET}\u0000`],
  ])('with %s does not open a session, and leaves nothing behind', async (_what, value) => {
    const file = temporaryFile()
    const app = await buildApp(emulator(), { store: sqlite(file) })
    const headers = { cookie: `latchkey-3000=${value}` }
    const me = await app.inject({ url: '/api/me', headers })
    expect(me.statusCode).toBe(401)
    expect(me.json().error.code).toBe('unauthenticated')
    const session = await app.inject({ url: '/auth/session', headers })
    expect(session.json()).toEqual({ user: null, session: null })
    expect(session.headers['set-cookie']).toBeUndefined()
    expect(countRows(file, 'sessions')).toBe(0)
  })

  it('beyond the header limit is rejected without being read', async () => {
    const app = await buildApp(emulator())
    await app.listen({ port: 0, host: '127.0.0.1' })
    const lines = ['GET /api/me HTTP/1.1', 'Host: localhost', `Cookie: a=${'x'.repeat(20 * 1024)}`]
    expect(await sendRaw(app, lines)).toMatch(/^HTTP\/1\.1 431 /)
  })

  it('with the secret of another session, or half of its own, does not open a session', async () => {
    const app = await buildApp(emulator())
    const [ada, ben] = [createBrowser(app), createBrowser(app)]
    await ada.signIn('ada')
    await ben.signIn('ben')
    const [[id, secret], [otherId, otherSecret]] = [tokenOf(ada), tokenOf(ben)]
    const last = secret.endsWith('A') ? 'Q' : 'A'
    for (const forged of [
      `${id}.${otherSecret}`,
      `${otherId}.${secret}`,
      `${id}.${secret.slice(0, -1)}`,
      `${id}.${secret.slice(0, -1)}${last}`,
      `${id}.${secret.toLowerCase()}`,
      `${id}.${id}`,
    ]) {
      const headers = { cookie: `latchkey-3000=${forged}` }
      expect((await app.inject({ url: '/api/me', headers })).statusCode).toBe(401)
    }
    const headers = { cookie: `latchkey-3000=${id}.${secret}` }
    expect((await app.inject({ url: '/api/me', headers })).statusCode).toBe(200)
  })

  it('with the stored hash as its secret does not open a session', async () => {
    const store = sqlite(':memory:')
    const app = await buildApp(emulator(), { store })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const [id] = tokenOf(browser)
    const hash = (await store.findSession(id))?.session.secretHash
    expect(hash).toMatch(/^[\w-]{43}$/)
    const headers = { cookie: `latchkey-3000=${id}.${hash}` }
    expect((await app.inject({ url: '/api/me', headers })).statusCode).toBe(401)
  })

  it('from another environment, with another store, does not open a session', async () => {
    const [staging, production] = [await buildApp(emulator()), await buildApp(emulator())]
    const browser = createBrowser(staging)
    await browser.signIn('ada')
    const headers = { cookie: browser.cookies() }
    expect((await staging.inject({ url: '/api/me', headers })).statusCode).toBe(200)
    expect((await production.inject({ url: '/api/me', headers })).statusCode).toBe(401)
  })
})

describe('a session token outside of its cookie', () => {
  it('does not sign anyone in', async () => {
    const app = await buildApp(emulator())
    app.post('/api/me', { onRequest: app.latchkey.guard() }, async ({ auth }) => auth)
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const token = tokenOf(browser).join('.')
    const names = ['latchkey-3000', 'latchkey', 'sid', 'session', 'token', 'access_token']
    const fields = Object.fromEntries(names.map((name) => [name, token]))
    const query = new URLSearchParams(fields).toString()
    const carriers = [
      { headers: { authorization: `Bearer ${token}` } },
      { headers: { authorization: `Basic ${Buffer.from(token).toString('base64')}` } },
      { headers: { 'x-session': token, session: token, 'latchkey-3000': token, 'x-auth': token } },
      { headers: { 'set-cookie': `latchkey-3000=${token}`, cookie2: `latchkey-3000=${token}` } },
      { headers: { cookie: `__Host-latchkey=${token}; latchkey=${token}; sid=${token}` } },
      { url: `/api/me?${query}` },
      { url: `/api/me;latchkey-3000=${token}` },
      { method: 'POST' as const, payload: fields },
    ]
    for (const carrier of carriers) {
      const answer = await app.inject({ url: '/api/me', ...carrier })
      expect([401, 404]).toContain(answer.statusCode)
      expect(answer.body).not.toContain('Ada Test')
    }
    const cookie = `latchkey-3000=${token}`
    expect((await app.inject({ url: '/api/me', headers: { cookie } })).statusCode).toBe(200)
  })

  it('does not sign anyone out', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const token = tokenOf(browser).join('.')
    const origin = 'http://localhost:3000'
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    for (const carrier of [
      { headers: { origin, authorization: `Bearer ${token}` } },
      { headers: { origin, ...type }, payload: `latchkey-3000=${token}&scope=global` },
    ]) {
      await app.inject({ method: 'POST', url: '/auth/sign-out', ...carrier })
    }
    expect((await browser.get('/api/me')).statusCode).toBe(200)
  })
})

describe('the cookie of an ended session', () => {
  it.each(['local', 'global'])(
    'is rejected by both servers immediately after a sign-out with scope %s',
    async (scope) => {
      const file = temporaryFile()
      const here = await buildApp(emulator(), { store: sqlite(file) })
      const there = await buildApp(emulator(), { store: sqlite(file) })
      const browser = createBrowser(here)
      await browser.signIn('ada')
      const headers = { cookie: browser.cookies(), origin: 'http://localhost:3000' }
      // Both servers have cached the session.
      for (const app of [here, there]) {
        expect((await app.inject({ url: '/api/me', headers })).statusCode).toBe(200)
      }
      expect((await browser.post('/auth/sign-out', { scope })).statusCode).toBe(204)
      expect(countRows(file, 'sessions')).toBe(0)

      for (const app of [here, there]) {
        expect((await app.inject({ url: '/api/me', headers })).statusCode).toBe(401)
        const session = await app.inject({ url: '/auth/session', headers })
        expect(session.json()).toEqual({ user: null, session: null })
        expect((await app.inject({ url: '/', headers })).json()).toEqual({ user: null })
        const page = await app.inject({ url: '/auth/sign-in', headers })
        expect(page.body).not.toContain('Ada Test')
      }
    },
  )

  it('cannot end the person’s other sessions', async () => {
    const app = await buildApp(emulator())
    const [stolen, own] = [createBrowser(app), createBrowser(app)]
    await stolen.signIn('ada')
    const headers = { cookie: stolen.cookies(), origin: 'http://localhost:3000' }
    await stolen.post('/auth/sign-out')
    await own.signIn('ada')
    await app.inject({
      method: 'POST',
      url: '/auth/sign-out',
      headers,
      payload: { scope: 'global' },
    })
    expect((await own.get('/api/me')).statusCode).toBe(200)
  })
})
