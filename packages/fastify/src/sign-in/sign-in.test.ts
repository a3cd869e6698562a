import type { SessionBody } from '@latchkey/contract'
import { describe, expect, it } from 'vitest'
import { bitbucket } from '../providers/bitbucket.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, countRows, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'

const emulator = setUpEmulator()

describe('a sign-in', () => {
  it('leads from the button through consent to a session, until signing out', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    expect((await browser.get('/auth/session')).json()).toEqual({ user: null, session: null })
    expect((await browser.get('/api/me')).statusCode).toBe(401)

    const callback = await browser.signIn('ada', '?return_to=/projects%3Ftab%3Dopen')
    expect(callback.statusCode).toBe(303)
    expect(callback.headers.location).toBe('/projects?tab=open')

    const body = (await browser.get('/auth/session')).json() as SessionBody
    expect(body.user).toMatchObject({ name: 'Ada Test', emailVerified: true })
    expect(body.session).toMatchObject({ provider: 'bitbucket' })
    const me = await browser.get('/api/me')
    expect(me.json()).toEqual(body)
    expect((await browser.get('/')).json()).toEqual({ user: body.user })

    const signOut = await browser.post('/auth/sign-out')
    expect(signOut.statusCode).toBe(204)
    expect((await browser.get('/auth/session')).json()).toEqual({ user: null, session: null })
    expect((await browser.get('/api/me')).statusCode).toBe(401)
  })

  it('sends Bitbucket a state, an S256 challenge, the two scopes and the exact callback', async () => {
    const app = await buildApp(emulator())
    const url = new URL(await createBrowser(app).start())
    expect(url.origin + url.pathname).toBe(`${emulator().url}/site/oauth2/authorize`)
    const query = Object.fromEntries(url.searchParams)
    expect(query).toEqual({
      client_id: 'latchkey-dev',
      response_type: 'code',
      scope: 'account email',
      redirect_uri: 'http://localhost:3000/auth/bitbucket/callback',
      state: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    })
  })

  it('repeats the redirect_uri, sends the verifier, and keeps the client secret in the header', async () => {
    const app = await buildApp(emulator())
    await createBrowser(app).signIn('ada')
    const [exchange] = emulator().requests.filter(({ method, path }) => {
      return method === 'POST' && path === '/site/oauth2/access_token'
    })
    const basic = Buffer.from('latchkey-dev:latchkey-dev-secret').toString('base64')
    expect(exchange?.headers.authorization).toBe(`Basic ${basic}`)
    expect(exchange?.body).toEqual({
      grant_type: 'authorization_code',
      code: expect.any(String),
      redirect_uri: 'http://localhost:3000/auth/bitbucket/callback',
      code_verifier: expect.stringMatching(/^[\w-]{43}$/),
    })
    const calls = emulator().requests.filter(({ path }) => path.startsWith('/2.0/'))
    expect(calls.length).toBeGreaterThan(1)
    for (const call of calls) {
      expect(call.headers.authorization).toMatch(/^Bearer /)
      expect(call.query).not.toHaveProperty('access_token')
    }
  })

  it('works with an emulator that enforces PKCE', async () => {
    const { startBitbucketEmulator } = await import('@latchkey/bitbucket-emulator')
    const strict = await startBitbucketEmulator({ pkce: 'enforce' })
    try {
      const app = await buildApp(strict)
      expect((await createBrowser(app).signIn('ada')).headers.location).toBe('/')
    } finally {
      await strict.close()
    }
  })

  it('leads to the same user in another browser, with the updated profile', async () => {
    let now = Date.now()
    const store = sqlite(':memory:')
    const app = await buildApp(emulator(), { store, clock: () => now })
    const first = createBrowser(app)
    const second = createBrowser(app)
    await first.signIn('ada')
    now += 1000
    emulator().answerNext('GET /2.0/user', {
      body: { ...(await profileOf('ada')), display_name: 'Ada Renamed', nickname: 'renamed' },
    })
    await second.signIn('ada')
    const before = (await first.get('/auth/session')).json() as SessionBody
    const after = (await second.get('/auth/session')).json() as SessionBody
    expect(after.user?.id).toBe(before.user?.id)
    expect(after.user?.name).toBe('Ada Renamed')
    expect(after.session?.id).not.toBe(before.session?.id)
    const { uuid } = await profileOf('ada')
    expect(await store.findIdentity('bitbucket', String(uuid))).toMatchObject({
      attributes: { nickname: 'renamed' },
      createdAt: now - 1000,
      lastUsedAt: now,
    })
  })

  it('remembers the last provider in this browser', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const before = (await browser.get('/auth/providers')).json()
    expect(before).toMatchObject({
      lastUsed: null,
      providers: [{ id: 'bitbucket', name: 'Bitbucket' }],
    })
    await browser.signIn('ada')
    expect((await browser.get('/auth/providers')).json()).toMatchObject({ lastUsed: 'bitbucket' })
  })
})

/** One character for people, two UTF-16 code units for JavaScript. */
const FACE = '\u{1f600}'

describe('a profile from Bitbucket', () => {
  it.each([
    ['no-email', null],
    ['unconfirmed', null],
    ['many-emails', expect.stringContaining('@')],
  ])('of %s leads to the e-mail address %s', async (person, email) => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn(person)
    const { user } = (await browser.get('/auth/session')).json() as SessionBody
    expect(user).toMatchObject({ email, emailVerified: email !== null })
  })

  it('of an inactive account is rejected with a message, and leaves no rows', async () => {
    const file = temporaryFile()
    const app = await buildApp(emulator(), { store: sqlite(file) })
    const browser = createBrowser(app)
    const callback = await browser.signIn('inactive')
    for (const table of ['users', 'identities', 'sessions'] as const) {
      expect(countRows(file, table)).toBe(0)
    }
    expect(callback.headers.location).toBe('/auth/sign-in?auth_error=account_inactive')
    expect((await browser.get('/auth/session')).json()).toEqual({ user: null, session: null })
    const page = await browser.get(callback.headers.location as string)
    expect(page.body).toContain('Bitbucket reports that this account is inactive')
  })

  it.each([
    ['before a space', `${FACE.repeat(199)} and so on`, FACE.repeat(199)],
    ['not counting leading spaces', `   ${FACE.repeat(200)}`, FACE.repeat(200)],
  ])('with a name that is too long is cut to 200 characters, %s', async (_where, name, kept) => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    emulator().answerNext('GET /2.0/user', {
      body: { ...(await profileOf('ada')), display_name: name },
    })
    await browser.signIn('ada')
    expect((await browser.get('/auth/session')).json().user.name).toBe(kept)
  })

  it.each([
    ['confirmed but not primary', { is_primary: false, is_confirmed: true }],
    ['primary but not confirmed', { is_primary: true, is_confirmed: false }],
    ['neither according to the types of its flags', { is_primary: 'true', is_confirmed: 1 }],
  ])('with an address that is %s leads to no address', async (_what, flags) => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    emulator().answerNext('GET /2.0/user/emails', {
      body: { values: [{ email: 'ada@example.com', ...flags }] },
    })
    await browser.signIn('ada')
    expect((await browser.get('/auth/session')).json().user.email).toBeNull()
  })

  it('without the email scope leads to a sign-in without an address', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    emulator().answerNext('GET /2.0/user/emails', { status: 403, body: { type: 'error' } })
    await browser.signIn('ada')
    const { user } = (await browser.get('/auth/session')).json() as SessionBody
    expect(user).toMatchObject({ name: 'Ada Test', email: null, emailVerified: false })
  })

  it('reaches the browser only as the documented fields, and is stored only as the identity', async () => {
    const store = sqlite(':memory:')
    const app = await buildApp(emulator(), { store })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const { user, session } = (await browser.get('/auth/session')).json() as SessionBody
    expect(Object.keys(user ?? {})).toEqual([
      'id',
      'name',
      'email',
      'emailVerified',
      'avatarUrl',
      'createdAt',
      'roles',
    ])
    expect(Object.keys(session ?? {})).toEqual([
      'id',
      'provider',
      'createdAt',
      'authenticatedAt',
      'expiresAt',
    ])
    const profile = await profileOf('ada')
    const identity = await store.findIdentity('bitbucket', String(profile.uuid))
    expect(identity).toMatchObject({
      userId: user?.id,
      subject: expect.stringMatching(/^\{.*\}$/),
      attributes: { accountId: profile.account_id, nickname: 'ada' },
    })
  })
})

describe('events', () => {
  it('report a sign-in with Bitbucket’s own profile, and a sign-out', async () => {
    const app = await buildApp(emulator())
    const emitted: unknown[] = []
    app.latchkey.on('sign-in', (event) => void emitted.push(event))
    app.latchkey.on('sign-out', ({ scope }) => void emitted.push(scope))
    const browser = createBrowser(app)
    await browser.signIn('ada')
    await browser.post('/auth/sign-out')
    expect(emitted).toEqual([
      expect.objectContaining({
        newUser: true,
        user: expect.objectContaining({ name: 'Ada Test' }),
        profile: expect.objectContaining({
          raw: expect.objectContaining({ user: await profileOf('ada') }),
        }),
      }),
      'local',
    ])
  })

  it('report a failed sign-in with its code, until unsubscribed', async () => {
    const app = await buildApp(emulator())
    const heard: unknown[] = []
    const stop = app.latchkey.on('sign-in-failed', (event) => void heard.push(event))
    await createBrowser(app).signIn('inactive')
    stop()
    await createBrowser(app).signIn('inactive')
    expect(heard).toEqual([{ provider: 'bitbucket', code: 'account_inactive' }])
  })

  it('do not break a sign-in if a listener throws', async () => {
    const app = await buildApp(emulator())
    app.latchkey.on('sign-in', () => {
      throw new Error('listener')
    })
    app.latchkey.on('sign-in', async () => {
      throw new Error('late listener')
    })
    expect((await createBrowser(app).signIn('ada')).headers.location).toBe('/')
  })
})

describe('the hosted page', () => {
  it('shows errors only in our own sentences, and marks the last provider', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    await browser.post('/auth/sign-out')
    const page = await browser.get('/auth/sign-in?auth_error=%3Cscript%3Ealert(1)%3C/script%3E')
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page.body).toContain("We couldn't sign you in. Try again.")
    expect(page.body).not.toContain('alert(1)')
    expect(page.body).toContain('<small>Last used</small>')
    const known = await browser.get('/auth/sign-in?auth_error=provider_unavailable')
    expect(known.body).toContain('Bitbucket can&#39;t be reached right now.')
    expect((await browser.get('/auth/sign-in')).body).not.toContain('role="alert"')
    expect((await browser.get('/auth/sign-in?auth_error=toString')).body).toContain(
      "couldn't sign you in",
    )
  })

  it('shows a signed-in user their name, a way on and a way to sign out', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const { body } = await browser.get('/auth/sign-in?return_to=/work')
    expect(body).toContain('<bdi>Ada Test</bdi>')
    expect(body).toContain('<form method="post" action="/auth/sign-out">')
    expect(body).toContain('<a class="back" href="/work">Continue</a>')
    expect(body).not.toContain('Continue with')
  })

  it('shows two Bitbuckets under different names', async () => {
    const url = emulator().url
    const app = await buildApp(emulator(), {
      providers: [
        bitbucket({ emulatorUrl: url }),
        bitbucket({ emulatorUrl: url, id: 'customers', name: 'Bitbucket for customers' }),
      ],
    })
    const { body } = await app.inject('/auth/sign-in')
    expect(body).toContain('Continue with Bitbucket</span>')
    expect(body).toContain('Continue with Bitbucket for customers</span>')
  })
})

describe('signing out', () => {
  it('is written to disk before it is acknowledged', async () => {
    const store = sqlite(':memory:')
    const durabilities: string[] = []
    const watched: typeof store = {
      ...store,
      transaction: (durability, work) => {
        durabilities.push(durability)
        return store.transaction(durability, work)
      },
    }
    const app = await buildApp(emulator(), { store: watched })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    durabilities.length = 0
    await browser.post('/auth/sign-out')
    expect(durabilities).toEqual(['power-loss'])
  })

  it('with a plain form redirects to its return_to', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const answer = await app.inject({
      method: 'POST',
      url: '/auth/sign-out',
      headers: {
        cookie: browser.cookies(),
        origin: 'http://localhost:3000',
        'content-type': 'Application/X-WWW-Form-Urlencoded; charset=utf-8',
      },
      payload: 'return_to=%2Fbye',
    })
    expect(answer.statusCode).toBe(303)
    expect(answer.headers.location).toBe('/bye')
    expect((await browser.get('/api/me')).statusCode).toBe(401)
  })

  it.each(['application/json', 'text/plain', 'application/x-unknown', undefined])(
    'with an empty body of type %s works',
    async (type) => {
      const app = await buildApp(emulator())
      const browser = createBrowser(app)
      await browser.signIn('ada')
      const answer = await browser.post('/auth/sign-out', undefined, {
        origin: 'http://localhost:3000',
        ...(type === undefined ? {} : { 'content-type': type }),
      })
      expect(answer.statusCode).toBe(204)
      expect((await browser.get('/api/me')).statusCode).toBe(401)
    },
  )

  it('in this browser leaves the others signed in, and everywhere revokes all sessions', async () => {
    const app = await buildApp(emulator())
    const [here, there, elsewhere] = [createBrowser(app), createBrowser(app), createBrowser(app)]
    for (const browser of [here, there, elsewhere]) await browser.signIn('ada')
    await here.post('/auth/sign-out')
    expect((await there.get('/api/me')).statusCode).toBe(200)
    await there.post('/auth/sign-out', { scope: 'others' })
    expect((await there.get('/api/me')).statusCode).toBe(200)
    expect((await elsewhere.get('/api/me')).statusCode).toBe(401)
    await elsewhere.signIn('ada')
    await there.post('/auth/sign-out', { scope: 'global' })
    expect((await there.get('/api/me')).statusCode).toBe(401)
    expect((await elsewhere.get('/api/me')).statusCode).toBe(401)
  })

  it('with an unknown scope is rejected, and signs no one out', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const answer = await browser.post('/auth/sign-out', { scope: 'everybody' })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error.code).toBe('invalid_request')
    expect((await browser.get('/api/me')).statusCode).toBe(200)
  })
})

/** Returns the emulator's profile of a person, as the `sign-in` event reports it. */
async function profileOf(nickname: string): Promise<Record<string, unknown>> {
  const app = await buildApp(emulator())
  let raw: unknown
  app.latchkey.on('sign-in', ({ profile }) => {
    raw = profile.raw.user
  })
  await createBrowser(app).signIn(nickname)
  return raw as Record<string, unknown>
}
