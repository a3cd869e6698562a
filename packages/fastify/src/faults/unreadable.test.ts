import type { FastifyInstance } from 'fastify'
import { describe, expect, it } from 'vitest'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { type Shared, shareables } from '../testing/kept.ts'

const emulator = setUpEmulator()
/** Larger than a safe integer in JavaScript, but possible in PostgreSQL and SQLite. */
const TOO_LARGE = '9223372036854775807'

async function build(shared: Shared): Promise<{ app: FastifyInstance; warnings(): string[] }> {
  const lines: string[] = []
  const write = (line: string): void => void lines.push(line)
  const app = await buildApp(emulator(), { store: shared.store() }, { write })
  const warnings = (): string[] =>
    lines.map((line) => JSON.parse(line).msg).filter((text) => /cannot be read/.test(text))
  return { app, warnings }
}

async function signedIn(app: FastifyInstance, person = 'ada'): Promise<Browser> {
  const browser = createBrowser(app)
  await browser.signIn(person)
  return browser
}

async function session(
  browser: Browser,
): Promise<{ session: { id: string }; user: { id: string } }> {
  return (await browser.get('/auth/session')).json()
}

describe.each(shareables)('with %s, an unreadable row', (_kept, share) => {
  it.each(['{oops', '[1]', '"text"', 'null', '{"nickname":7}'])(
    'of an identity (%s) does not lock anyone out, and the next sign-in repairs it',
    async (attributes) => {
      const shared = await share()
      const { app, warnings } = await build(shared)
      const { user } = await session(await signedIn(app))
      await shared.ask(
        `update latchkey_identities set attributes = '${attributes}' where user_id = '${user.id}' returning id`,
      )
      const again = await signedIn(app)
      expect((await session(again)).user.id).toBe(user.id)
      const [row] = await shared.ask('select attributes from latchkey_identities')
      expect(JSON.parse(String(row?.attributes))).toHaveProperty('nickname', 'ada')
      expect(warnings()).toEqual([expect.stringContaining('latchkey_identities')])
    },
  )

  it.each(['created_at', 'authenticated_at', 'last_used_at', 'expires_at'])(
    'of a session (%s) means signed out, and a new sign-in works',
    async (column) => {
      const shared = await share()
      const writer = await build(shared)
      const [browser, other] = [await signedIn(writer.app), await signedIn(writer.app)]
      const { session: one } = await session(browser)
      await shared.ask(
        `update latchkey_sessions set ${column} = ${TOO_LARGE} where id = '${one.id}' returning id`,
      )
      const { app, warnings } = await build(shared)
      const headers = { cookie: browser.cookies() }
      const get = async (url: string) => app.inject({ url, headers })
      expect((await get('/api/me')).statusCode).toBe(401)
      expect((await get('/auth/session')).json()).toEqual({ user: null, session: null })
      expect((await get('/auth/sessions')).statusCode).toBe(401)
      // Other people see their own sessions, and the list does not contain this one.
      const list = await app.inject({ url: '/auth/sessions', headers: { cookie: other.cookies() } })
      expect(list.json().sessions).toHaveLength(1)
      // Signing out and in again works with the cookie of this row.
      const signOut = await app.inject({
        method: 'POST',
        url: '/auth/sign-out',
        headers: { ...headers, origin: 'http://localhost:3000' },
        payload: {},
      })
      expect([signOut.statusCode, String(signOut.headers['set-cookie'])]).toEqual([
        204,
        expect.stringContaining('latchkey-3000=;'),
      ])
      const back = createBrowser(app)
      await back.jar.setCookie(browser.cookies(), back.origin)
      expect((await back.signIn('ada')).headers.location).toBe('/')
      expect((await back.get('/api/me')).statusCode).toBe(200)
      expect(warnings()).toEqual([expect.stringContaining(one.id)])
    },
  )

  it('of a user (created_at) is listed, signs in, and keeps a ban', async () => {
    const shared = await share()
    const writer = await build(shared)
    const ada = await session(await signedIn(writer.app))
    const ben = await session(await signedIn(writer.app, 'ben'))
    await shared.ask(
      `update latchkey_users set created_at = ${TOO_LARGE} where id = '${ada.user.id}' returning id`,
    )
    await shared.ask(
      `update latchkey_users set banned_at = ${TOO_LARGE} where id = '${ben.user.id}' returning id`,
    )
    const { app, warnings } = await build(shared)
    expect((await session(await signedIn(app))).user).toMatchObject({
      id: ada.user.id,
      name: 'Ada Test',
    })
    const banned = await createBrowser(app).signIn('ben')
    expect(banned.headers.location).toContain('auth_error=user_banned')
    expect((await app.latchkey.users.get(ben.user.id))?.bannedAt).toBe(0)
    expect(warnings()).toHaveLength(2)
  })

  it.each(['admin', '"admin"', '{"0":"admin"}', '[7]', ''])(
    'of a user (roles: %s) grants no role, and the user can sign in',
    async (roles) => {
      const shared = await share()
      const writer = await build(shared)
      const { user } = await session(await signedIn(writer.app))
      await shared.ask(
        `update latchkey_users set roles = '${roles}' where id = '${user.id}' returning id`,
      )
      const { app, warnings } = await build(shared)
      app.get('/admin', { onRequest: app.latchkey.guard({ role: 'admin' }) }, async () => 'admin')
      const browser = await signedIn(app)
      expect((await browser.get('/admin')).statusCode).toBe(403)
      expect(warnings()).toEqual([expect.stringContaining('latchkey_users')])
    },
  )

  it('does not cut off the list that contains it', async () => {
    const shared = await share()
    const { app } = await build(shared)
    const user = await app.latchkey.users.create()
    for (let index = 0; index < 6; index++) await app.latchkey.sessions.create(user.id)
    const { sessions } = await app.latchkey.sessions.list(user.id)
    for (const index of [0, 1, 3]) {
      await shared.ask(
        `update latchkey_sessions set expires_at = ${TOO_LARGE} where id = '${sessions[index]?.id}' returning id`,
      )
    }
    const found: string[] = []
    let cursor: string | null | undefined
    do {
      const page = await app.latchkey.sessions.list(user.id, { limit: 2, cursor })
      found.push(...page.sessions.map(({ id }) => id))
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(found).toEqual([2, 4, 5].map((index) => sessions[index]?.id))
  })
})
