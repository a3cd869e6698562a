import type { SessionsBody } from '@latchkey/contract'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { describe, expect, it } from 'vitest'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { settled } from '../testing/observed-store.ts'
import { setCookies } from '../testing/refusal.ts'

const emulator = setUpEmulator()
const MINUTE = 60 * 1000
const noon = Date.UTC(2027, 5, 15, 12)

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0'
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1'

/** Signs in with a browser that sends this User-Agent. */
async function signIn(app: FastifyInstance, person: string, userAgent?: string): Promise<Browser> {
  const browser = createBrowser(app)
  const callback = await browser.consent(await browser.start(), { user: person })
  await browser.get(callback, userAgent === undefined ? {} : { 'user-agent': userAgent })
  return browser
}

async function list(browser: Browser): Promise<SessionsBody['sessions']> {
  return ((await browser.get('/auth/sessions')).json() as SessionsBody).sessions
}

const status = async (browser: Browser): Promise<number> =>
  (await browser.get('/api/me')).statusCode

describe('a person with several browsers', () => {
  it('lists their sessions from newest to oldest, with the device, the times and which one is current', async () => {
    let now = noon
    const app = await buildApp(emulator(), { clock: () => now })
    const laptop = await signIn(app, 'ada', FIREFOX)
    now += MINUTE
    const phone = await signIn(app, 'ada', IPHONE)
    await signIn(app, 'ben', IPHONE)
    now += 5 * MINUTE
    await laptop.get('/api/me')
    await settled()

    const base = { id: expect.stringMatching(/^[\w-]{22}$/), provider: 'bitbucket' }
    const lifetime = 30 * 24 * 60 * MINUTE
    expect(await list(laptop)).toEqual([
      {
        ...base,
        createdAt: noon + MINUTE,
        authenticatedAt: noon + MINUTE,
        expiresAt: noon + MINUTE + lifetime,
        device: 'Safari on iOS',
        lastUsedAt: noon + MINUTE,
        current: false,
      },
      {
        ...base,
        createdAt: noon,
        authenticatedAt: noon,
        expiresAt: noon + lifetime,
        device: 'Firefox on Linux',
        lastUsedAt: noon + 6 * MINUTE,
        current: true,
      },
    ])
    expect((await list(phone)).map(({ current }) => current)).toEqual([true, false])
  })

  it('does not list ended sessions, and lists nothing when signed out', async () => {
    let now = noon
    const session = { idleTimeout: 10 * MINUTE }
    const app = await buildApp(emulator(), { session, clock: () => now })
    await signIn(app, 'ada', FIREFOX)
    now += 6 * MINUTE
    const phone = await signIn(app, 'ada', IPHONE)
    expect(await list(phone)).toHaveLength(2)
    now += 6 * MINUTE
    expect((await list(phone)).map(({ device }) => device)).toEqual(['Safari on iOS'])
    const answer = await createBrowser(app).get('/auth/sessions')
    expect(answer.statusCode).toBe(401)
    expect(answer.json().error.code).toBe('unauthenticated')
  })

  it('ends a session from another browser, with an event and a log line', async () => {
    const lines: string[] = []
    const app = await buildApp(emulator(), {}, { write: (line) => void lines.push(line) })
    const heard: unknown[] = []
    app.latchkey.on('session-revoked', (event) => void heard.push(event))
    const [laptop, phone] = [await signIn(app, 'ada'), await signIn(app, 'ada')]
    const sessionId = (await list(laptop)).find(({ current }) => !current)?.id ?? ''
    const userId = (await laptop.get('/auth/session')).json().user.id

    const answer = await laptop.delete(`/auth/sessions/${sessionId}`)
    expect([answer.statusCode, answer.body]).toEqual([204, ''])
    expect(setCookies(answer)).toEqual([])
    expect([await status(laptop), await status(phone)]).toEqual([200, 401])
    expect(await list(laptop)).toHaveLength(1)
    expect(heard).toEqual([{ userId, sessionId }])
    const logged = lines.map((line) => JSON.parse(line))
    expect(logged.filter(({ event }) => event === 'session-revoked')).toEqual([
      expect.objectContaining({ level: 30, userId, sessionId }),
    ])

    expect((await laptop.delete(`/auth/sessions/${sessionId}`)).statusCode).toBe(404)
    expect(heard).toHaveLength(1)
  })

  it('ends the current session from the list, and its cookie is cleared', async () => {
    const app = await buildApp(emulator())
    const browser = await signIn(app, 'ada')
    const [session] = await list(browser)
    const answer = await browser.delete(`/auth/sessions/${session?.id}`)
    expect(answer.statusCode).toBe(204)
    expect(setCookies(answer)).toEqual([expect.stringMatching(/^latchkey-3000=; Max-Age=0; /)])
    expect(await status(browser)).toBe(401)
  })
})

describe('signing out', () => {
  /**
   * Signs out the first of Ada's two browsers. Returns the response, and who is still signed in, including Ben.
   */
  async function signOut(scope?: string): Promise<{
    answer: LightMyRequestResponse
    left: number[]
    heard: unknown[]
    ids: { userId: string; sessionId: string }
    before: string
    here: Browser
  }> {
    const app = await buildApp(emulator())
    const heard: unknown[] = []
    app.latchkey.on('sign-out', (event) => void heard.push(event))
    const [here, there] = [await signIn(app, 'ada'), await signIn(app, 'ada')]
    const ben = await signIn(app, 'ben')
    const { user, session } = (await here.get('/auth/session')).json()
    const before = here.cookies()
    const answer = await here.post('/auth/sign-out', scope === undefined ? {} : { scope })
    const left = await Promise.all([here, there, ben].map(status))
    const ids = { userId: user.id, sessionId: session.id }
    return { answer, left, heard, ids, before, here }
  }

  it.each([undefined, 'local'])('with scope %s ends only the current session', async (scope) => {
    const { answer, left, heard, ids } = await signOut(scope)
    expect(answer.statusCode).toBe(204)
    expect(setCookies(answer)).toEqual([expect.stringMatching(/^latchkey-3000=; Max-Age=0; /)])
    expect(left).toEqual([401, 200, 200])
    expect(heard).toEqual([{ ...ids, scope: 'local' }])
  })

  it('with scope others ends all sessions except the current one, and rotates its secret', async () => {
    const { answer, left, heard, ids, before, here } = await signOut('others')
    expect(answer.statusCode).toBe(204)
    expect(left).toEqual([200, 401, 200])
    expect(heard).toEqual([{ ...ids, scope: 'others' }])
    expect(here.cookies()).not.toBe(before)
    expect((await here.get('/auth/session')).json().session.id).toBe(ids.sessionId)
    const secret = /latchkey-3000=[\w-]+\.([\w-]{43})/
    expect(secret.exec(here.cookies())?.[1]).not.toBe(secret.exec(before)?.[1])
  })

  it('with scope global ends all of the person’s sessions', async () => {
    const { answer, left, heard, ids } = await signOut('global')
    expect(answer.statusCode).toBe(204)
    expect(setCookies(answer)).toEqual([expect.stringMatching(/^latchkey-3000=; Max-Age=0; /)])
    expect(left).toEqual([401, 401, 200])
    expect(heard).toEqual([{ ...ids, scope: 'global' }])
  })
})
