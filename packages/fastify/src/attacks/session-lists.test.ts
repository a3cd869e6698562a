import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { describe, expect, it } from 'vitest'
import type { LatchkeyOptions, Store } from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, countRows, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { settled } from '../testing/observed-store.ts'
import { expectSafeHeaders, setCookies } from '../testing/refusal.ts'

const emulator = setUpEmulator()

interface Line {
  readonly event?: string
  readonly [name: string]: unknown
}

async function build(
  options: LatchkeyOptions = {},
): Promise<{ app: FastifyInstance; lines(event: string): Line[] }> {
  const log: Line[] = []
  const write = (line: string): void => void log.push(JSON.parse(line))
  const app = await buildApp(emulator(), options, { write })
  return { app, lines: (event) => log.filter((line) => line.event === event) }
}

async function signedIn(app: FastifyInstance, person: string): Promise<Browser> {
  const browser = createBrowser(app)
  await browser.signIn(person)
  return browser
}

const idOf = async (browser: Browser): Promise<string> =>
  (await browser.get('/auth/session')).json().session.id

const isIn = async (browser: Browser): Promise<boolean> =>
  (await browser.get('/api/me')).statusCode === 200

describe('a person who tries to end another person’s session', () => {
  const attempts: [string, (victim: Browser) => Promise<string>][] = [
    ['by its id', idOf],
    ['by its id, spelled with escapes', async (victim) => `%${hex(await idOf(victim))}`],
    ['by its whole cookie', async (victim) => victim.cookies().split(/[=;]/)[1] ?? ''],
    ['by its id and more of the path', async (victim) => `${await idOf(victim)}%2f..`],
    ['by an unknown id', async () => 'A'.repeat(22)],
    ['by a malformed id', async () => 'x'],
    ['by a wildcard', async () => '%25'],
    ['by a wildcard as long as an id', async () => '%25'.repeat(22)],
    ['by NUL', async () => `${'A'.repeat(21)}%00`],
    ['by an SQL statement', async () => `'%20or%20'1'='1`],
    ['by an id of 90 characters', async () => 'A'.repeat(90)],
  ]

  it.each(attempts)('%s gets 404, and is logged', async (_, attempt) => {
    const { app, lines } = await build()
    const [victim, thief] = [await signedIn(app, 'ada'), await signedIn(app, 'ben')]
    const userId = (await thief.get('/auth/session')).json().user.id
    const answer = await thief.delete(`/auth/sessions/${await attempt(victim)}`)
    expectNothing(answer)
    expect(lines('request-refused')).toEqual([
      expect.objectContaining({ level: 30, code: 'not_found', userId }),
    ])
    expect([await isIn(victim), await isIn(thief)]).toEqual([true, true])
  })

  it.each(['A'.repeat(101), 'A'.repeat(5000), '', '%ff', '../session'])(
    'by %s, which matches no route, has no effect',
    async (id) => {
      const { app } = await build()
      const [victim, thief] = [await signedIn(app, 'ada'), await signedIn(app, 'ben')]
      const answer = await thief.delete(`/auth/sessions/${id}`)
      if (id === '%ff') expect(answer.statusCode).toBe(400)
      else expectNothing(answer)
      expect([await isIn(victim), await isIn(thief)]).toEqual([true, true])
    },
  )

  it('by NUL gets 404 even if the database rejects NUL', async () => {
    const real = sqlite(':memory:')
    const picky: Store = {
      ...real,
      transaction: (durability, work) =>
        real.transaction(durability, (queries) =>
          work({
            ...queries,
            async findSession(id) {
              if (id.includes('\0')) throw new Error('invalid byte sequence')
              return queries.findSession(id)
            },
          }),
        ),
    }
    const { app } = await build({ store: picky })
    const thief = await signedIn(app, 'ben')
    expectNothing(await thief.delete(`/auth/sessions/${'A'.repeat(21)}%00`))
  })

  it('cannot list it with query parameters', async () => {
    const { app } = await build()
    const [victim, thief] = [await signedIn(app, 'ada'), await signedIn(app, 'ben')]
    const { user } = (await victim.get('/auth/session')).json()
    const own = await idOf(thief)
    for (const query of [`?userId=${user.id}`, `?user_id=${user.id}`, '?limit=1000&all=true']) {
      const { sessions } = (await thief.get(`/auth/sessions${query}`)).json()
      expect(sessions.map(({ id }: { id: string }) => id)).toEqual([own])
    }
  })

  it('while signed out gets 401, whether the session exists or not', async () => {
    const { app } = await build()
    const victim = await signedIn(app, 'ada')
    for (const id of [await idOf(victim), 'A'.repeat(22)]) {
      const answer = await createBrowser(app).delete(`/auth/sessions/${id}`)
      expect(answer.statusCode).toBe(401)
      expect(answer.json().error.code).toBe('unauthenticated')
    }
    expect(await isIn(victim)).toBe(true)
  })

  it.each([
    ['another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['a sibling host', { origin: 'https://evil.localhost:3000', 'sec-fetch-site': 'same-site' }],
    ['nowhere', {}],
  ])('or their own from a page on %s is rejected', async (_where, headers) => {
    const { app } = await build()
    const victim = await signedIn(app, 'ada')
    const answer = await victim.delete(`/auth/sessions/${await idOf(victim)}`, headers)
    expect(answer.statusCode).toBe(403)
    expect(answer.json().error.code).toBe('cross_site')
    expect(await isIn(victim)).toBe(true)
  })
})

describe('a thief with a person’s session', () => {
  it('that the owner ends from the list cannot end the owner’s at the same time', async () => {
    const { app } = await build()
    const [owner, thief] = [await signedIn(app, 'ada'), await signedIn(app, 'ada')]
    const [ownersId, thiefsId] = [await idOf(owner), await idOf(thief)]
    const [first, second] = await Promise.all([
      owner.delete(`/auth/sessions/${thiefsId}`),
      thief.delete(`/auth/sessions/${ownersId}`),
    ])
    expect([first.statusCode, second.statusCode]).toEqual([204, 401])
    expect([await isIn(owner), await isIn(thief)]).toEqual([true, false])
  })

  it.each(['others', 'global'])(
    'cannot sign the owner out with scope %s if the owner was faster',
    async (scope) => {
      const { app } = await build()
      const [owner, thief] = [await signedIn(app, 'ada'), await signedIn(app, 'ada')]
      const [first, second] = await Promise.all([
        owner.post('/auth/sign-out', { scope: 'others' }),
        thief.post('/auth/sign-out', { scope }),
      ])
      expect([first.statusCode, second.statusCode]).toEqual([204, 401])
      expect(setCookies(second).filter((cookie) => /latchkey-3000=[^;]/.test(cookie))).toEqual([])
      expect([await isIn(owner), await isIn(thief)]).toEqual([true, false])
    },
  )

  it('gets no new secret if a sign-out and a rotation run concurrently', async () => {
    const file = temporaryFile()
    const { app } = await build({ store: sqlite(file) })
    const owner = await signedIn(app, 'ada')
    const [signOut, others] = await Promise.all([
      owner.post('/auth/sign-out'),
      owner.post('/auth/sign-out', { scope: 'others' }),
    ])
    expect([signOut.statusCode, others.statusCode]).toEqual([204, 401])
    expect(setCookies(others)).toEqual([])
    expect(countRows(file, 'sessions')).toBe(0)
  })

  it('is signed out when the owner signs the others out, and the owner’s secret is rotated', async () => {
    const { app } = await build()
    const owner = await signedIn(app, 'ada')
    const copied = owner.cookies()
    const id = await idOf(owner)
    await owner.post('/auth/sign-out', { scope: 'others' })
    expect(owner.cookies()).not.toBe(copied)
    const headers = { cookie: copied, origin: owner.origin }
    expect((await app.inject({ url: '/api/me', headers })).statusCode).toBe(401)
    const url = `/auth/sessions/${id}`
    expect((await app.inject({ method: 'DELETE', url, headers })).statusCode).toBe(401)
    expect([await isIn(owner), await idOf(owner)]).toEqual([true, id])
  })
})

describe('the list of a person’s sessions', () => {
  it('contains no secret, no IP address and no internal data', async () => {
    const store = sqlite(':memory:')
    const { app } = await build({ store })
    const browser = await signedIn(app, 'ada')
    const answer = await browser.get('/auth/sessions', { 'x-forwarded-for': '203.0.113.7' })
    expectSafeHeaders(answer)
    const { sessions } = answer.json()
    expect(sessions.map(Object.keys)).toEqual([
      [
        'id',
        'provider',
        'createdAt',
        'authenticatedAt',
        'expiresAt',
        'device',
        'lastUsedAt',
      ].concat('current'),
    ])
    const [, id = '', secret = ''] = /=([\w-]+)\.([\w-]+)/.exec(browser.cookies()) ?? []
    const hash = (await store.findSession(id))?.session.secretHash ?? ''
    expect(hash).not.toBe('')
    for (const hidden of [secret, hash, '127.0.0.1', '203.0.113.7', 'lightMyRequest']) {
      expect(answer.body).not.toContain(hidden)
    }
  })

  it('also shows a thief’s session, even beyond the current `maxPerUser`', async () => {
    const file = temporaryFile()
    let now = Date.now()
    const clock = (): number => now++
    const before = await build({ store: sqlite(file), clock })
    const thief = await signedIn(before.app, 'ada')
    const owners = [await signedIn(before.app, 'ada'), await signedIn(before.app, 'ada')]
    const store = sqlite(file)
    const { app } = await build({ store, clock, session: { maxPerUser: 1 } })
    const headers = { cookie: owners[1]?.cookies() ?? '' }
    const { sessions } = (await app.inject({ url: '/auth/sessions', headers })).json()
    expect(sessions).toHaveLength(3)
    expect(sessions.at(-1).id).toBe(await idOf(thief))
  })
})

describe('a sign-out while the store is unavailable', () => {
  const away = async (): Promise<{ app: FastifyInstance; store: Store; browser: Browser }> => {
    const store = sqlite(temporaryFile())
    const { app } = await build({ store })
    const browser = await signedIn(app, 'ada')
    await isIn(browser)
    await store.close()
    return { app, store, browser }
  }

  it.each(['local', 'others', 'global'])(
    'from a script, with scope %s, fails, and works when it is retried',
    async (scope) => {
      const { store, browser } = await away()
      const cookies = browser.cookies()
      const answer = await browser.post('/auth/sign-out', { scope })
      expect(answer.statusCode).toBe(503)
      expect(answer.headers['retry-after']).toBe('5')
      expect(answer.json().error.code).toBe('unavailable')
      expectSafeHeaders(answer)
      expect(browser.cookies()).toBe(cookies)
      await store.open()
      expect(await isIn(browser)).toBe(true)
      expect((await browser.post('/auth/sign-out', { scope })).statusCode).toBe(204)
      expect(await isIn(browser)).toBe(scope === 'others')
    },
  )

  it('from a form redirects to a page that says so and offers a way out', async () => {
    const { app, store, browser } = await away()
    const form = (): Promise<LightMyRequestResponse> => postForm(app, browser, 'return_to=%2Fbye')
    const answer = await form()
    expect(answer.statusCode).toBe(303)
    const page = '/auth/sign-in?return_to=%2Fbye&auth_error=unavailable'
    expect(answer.headers.location).toBe(page)
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect((await browser.get(page)).body).toContain('This isn&#39;t available right now.')
    await store.open()
    expect(await isIn(browser)).toBe(true)
    expect((await form()).headers.location).toBe('/bye')
    expect(await isIn(browser)).toBe(false)
  })

  it('does not end a session from the list either, and says so', async () => {
    const { store, browser } = await away()
    const answer = await browser.delete(`/auth/sessions/${'A'.repeat(22)}`)
    expect([answer.statusCode, (await browser.get('/auth/sessions')).statusCode]).toEqual([
      503, 503,
    ])
    await store.open()
    expect(await isIn(browser)).toBe(true)
  })
})

describe('a sign-out of more than this browser without a session', () => {
  it.each(['others', 'global'])('(%s) gets 401, and does not end any session', async (scope) => {
    const { app, lines } = await build()
    const [ended, other] = [await signedIn(app, 'ada'), await signedIn(app, 'ada')]
    await other.delete(`/auth/sessions/${await idOf(ended)}`)
    const answer = await ended.post('/auth/sign-out', { scope })
    expect(answer.statusCode).toBe(401)
    expect(answer.json().error.code).toBe('unauthenticated')
    const form = await postForm(app, ended, `scope=${scope}&return_to=%2Fbye`)
    expect(form.statusCode).toBe(303)
    const page = '/auth/sign-in?return_to=%2Fbye&auth_error=unauthenticated'
    expect(form.headers.location).toBe(page)
    expect(await isIn(other)).toBe(true)
    expect(lines('sign-out')).toEqual([])
  })

  it('succeeds if it is only for this browser', async () => {
    const { app } = await build()
    const browser = createBrowser(app)
    expect((await browser.post('/auth/sign-out')).statusCode).toBe(204)
  })
})

describe('a sign-out while the last use of its session is being stored', () => {
  it('ends the session permanently on both servers, a hundred times', async () => {
    const file = temporaryFile()
    let now = Date.now()
    const clock = (): number => now
    const here = await build({ store: sqlite(file), clock })
    const there = await build({ store: sqlite(file), clock })
    for (let round = 0; round < 100; round++) {
      const browser = await signedIn(here.app, 'ada')
      const headers = { cookie: browser.cookies() }
      const use = (app: FastifyInstance): Promise<LightMyRequestResponse> =>
        app.inject({ url: '/api/me', headers })
      now += 61_000
      // Sign out before, during and after these requests store the last use.
      const asking = [use(there.app), use(here.app)]
      for (let turn = 0; turn < round % 10; turn++) await Promise.resolve()
      const [signOut] = await Promise.all([
        browser.post('/auth/sign-out'),
        use(there.app),
        use(here.app),
        ...asking,
      ])
      expect(signOut.statusCode).toBe(204)
      await settled()
      expect(countRows(file, 'sessions')).toBe(0)
      const late = await Promise.all([use(here.app), use(there.app)])
      expect(late.map(({ statusCode }) => statusCode)).toEqual([401, 401])
      for (const answer of late) expect(setCookies(answer)).toEqual([])
    }
  })
})

/** Checks that the response is the same as for an unknown id. */
function expectNothing(answer: LightMyRequestResponse): void {
  expect(answer.statusCode).toBe(404)
  expectSafeHeaders(answer)
  expect(answer.headers['set-cookie']).toBeUndefined()
  expect(answer.json()).toEqual({
    error: { code: 'not_found', message: 'Page not found.' },
  })
}

function postForm(
  app: FastifyInstance,
  browser: Browser,
  payload: string,
): Promise<LightMyRequestResponse> {
  const headers = {
    cookie: browser.cookies(),
    origin: browser.origin,
    'content-type': 'application/x-www-form-urlencoded',
  }
  return app.inject({ method: 'POST', url: '/auth/sign-out', headers, payload })
}

/** Escapes every character of an id for a URL, except the first `%`. */
function hex(id: string): string {
  return [...Buffer.from(id)].map((byte) => byte.toString(16)).join('%')
}
