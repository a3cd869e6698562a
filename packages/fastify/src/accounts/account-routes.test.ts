import { describe, expect, it } from 'vitest'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'

const emulator = setUpEmulator()
const ORIGIN = 'http://localhost:3000'

async function signedIn(options = {}): Promise<{
  browser: Browser
  patch(body: unknown, headers?: Record<string, string>): Promise<{ status: number; body: unknown }>
}> {
  const app = await buildApp(emulator(), options)
  const browser = createBrowser(app)
  await browser.signIn('ada')
  return {
    browser,
    async patch(body, headers = { origin: ORIGIN }) {
      const response = await app.inject({
        method: 'PATCH',
        url: '/auth/user',
        headers: { host: 'localhost:3000', cookie: browser.cookies(), ...headers },
        payload: body as object,
      })
      return { status: response.statusCode, body: response.json() }
    },
  }
}

async function nameIn(browser: Browser): Promise<unknown> {
  return (await browser.get('/auth/session')).json().user?.name
}

describe('PATCH /user', () => {
  it('changes the name on every server, and later sign-ins keep it', async () => {
    const file = temporaryFile()
    const { browser, patch } = await signedIn({ store: sqlite(file) })
    const other = createBrowser(await buildApp(emulator(), { store: sqlite(file) }))
    await other.signIn('ada')
    const { status, body } = await patch({ name: '  Countess of Tests ' })
    expect([status, body]).toMatchObject([200, { name: 'Countess of Tests', roles: [] }])
    expect(await nameIn(other)).toBe('Countess of Tests')
    await browser.signIn('ada')
    expect(await nameIn(browser)).toBe('Countess of Tests')
    expect((await browser.get('/auth/user')).json()).toEqual(
      (await browser.get('/auth/session')).json().user,
    )
  })

  it('without a name changes nothing, and a sign-in still updates the name', async () => {
    const { browser, patch } = await signedIn()
    expect((await patch({})).body).toMatchObject({ name: 'Ada Test' })
    emulator().answerNext('GET /2.0/user', {
      body: { type: 'user', uuid: '{a1e7c0de-0001-4a01-8a01-000000000001}', display_name: 'New' },
    })
    await browser.signIn('ada')
    expect(await nameIn(browser)).toBe('New')
  })

  it.each([
    { name: '' },
    { name: '   ' },
    { name: 'x'.repeat(201) },
    { name: 'two\nlines' },
    { name: 'two\u2028lines' },
    { name: 'a\u0000b' },
    { name: '\ud800' },
    { name: 7 },
    { name: null },
    { name: ['Ada'] },
    { name: 'Ada', roles: ['admin'] },
    { email: 'ada@acme.com' },
    { id: 'other' },
  ])('rejects %j', async (body) => {
    const { browser, patch } = await signedIn()
    expect(await patch(body)).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_request' } },
    })
    expect(await nameIn(browser)).toBe('Ada Test')
  })

  it.each([
    [{ origin: 'https://evil.example' }],
    [{ origin: 'null' }],
    [{ 'sec-fetch-site': 'cross-site' }],
    [{}],
  ])('rejects a request with %j', async (headers) => {
    const { browser, patch } = await signedIn()
    expect(await patch({ name: 'Eve' }, headers as Record<string, string>)).toMatchObject({
      status: 403,
      body: { error: { code: 'cross_site' } },
    })
    expect(await nameIn(browser)).toBe('Ada Test')
  })

  it('rejects a signed-out request, like GET /user', async () => {
    const { browser, patch } = await signedIn()
    await browser.post('/auth/sign-out')
    expect((await patch({ name: 'Ada' })).status).toBe(401)
    expect((await browser.get('/auth/user')).statusCode).toBe(401)
  })
})

it('the server offers to edit the profile', async () => {
  const app = await buildApp(emulator())
  expect((await app.inject('/auth/providers')).json().account).toEqual(['profile', 'sessions'])
})

it('app.latchkey.users.update() sets a name that later sign-ins keep', async () => {
  const app = await buildApp(emulator())
  const browser = createBrowser(app)
  await browser.signIn('ada')
  const { id } = (await browser.get('/auth/session')).json().user
  await app.latchkey.users.update(id, { name: 'Set by the application' })
  await browser.signIn('ada')
  expect(await nameIn(browser)).toBe('Set by the application')
  await expect(app.latchkey.users.update(id, { name: ' ' })).rejects.toThrow('`name` must be')
})
