import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { defaultPeople, type PlannedAnswer } from '@latchkey/bitbucket-emulator'
import { describe, expect, it } from 'vitest'
import { type BitbucketOptions, bitbucket, type LatchkeyOptions } from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { answers, bitbucketAt, comeBack, type Route, serve } from '../testing/unruly.ts'

const emulator = setUpEmulator()
const TOKEN = 'POST /site/oauth2/access_token'
const USER = 'GET /2.0/user'
const EMAILS = 'GET /2.0/user/emails'
const neededRoutes = [TOKEN, USER] as const

const UNAVAILABLE = '/auth/sign-in?auth_error=provider_unavailable'
const BAD_ANSWER = '/auth/sign-in?auth_error=provider_bad_answer'
const REFUSED = '/auth/sign-in?auth_error=provider_refused'

/** The flags of the only kind of address that is accepted. */
const CONFIRMED = { is_primary: true, is_confirmed: true }

const json = { 'content-type': 'application/json' }

/** Returns how many requests the emulator has received for a route. */
function asked(route: string): number {
  const [method, path] = route.split(' ')
  return emulator().requests.filter((one) => one.method === method && one.path === path).length
}

/**
 * Signs in while a route sends this response. Checks that no one is signed in, nothing is stored, no request
 * is repeated, and the next attempt works.
 */
async function expectCleanFailure(
  route: (typeof neededRoutes)[number],
  answer: PlannedAnswer,
  location: string,
): Promise<void> {
  const app = await buildApp(emulator())
  const newUsers: boolean[] = []
  app.latchkey.on('sign-in', ({ newUser }) => void newUsers.push(newUser))
  emulator().answerNext(route, answer)
  const before = asked(route)
  const browser = createBrowser(app)
  const callback = await browser.signIn('ada')
  expect(callback.statusCode).toBe(303)
  expect(callback.headers.location).toBe(location)
  expect(callback.body).toBe('')
  expect(String(callback.headers['set-cookie'])).not.toMatch(/latchkey-3000=/)
  expect((await browser.get('/auth/session')).json()).toEqual({ user: null, session: null })
  expect(asked(route)).toBe(before + 1)

  emulator().reset()
  expect((await browser.signIn('ada')).headers.location).toBe('/')
  expect(newUsers).toEqual([true])
}

describe('the token endpoint', () => {
  it.each([
    [500, UNAVAILABLE],
    [502, UNAVAILABLE],
    [503, UNAVAILABLE],
    [429, UNAVAILABLE],
    [400, REFUSED],
    [401, REFUSED],
  ])('with status %i redirects back with an error code', async (status, location) => {
    const body = { error: 'some_error', error_description: 'x' }
    await expectCleanFailure(TOKEN, { status, body }, location)
  })

  it.each([
    ['an error with status 200', { error: 'bad_verification_code' }, REFUSED],
    ['an empty object', {}, BAD_ANSWER],
    ['no access_token', { token_type: 'bearer' }, BAD_ANSWER],
    ['an empty access_token', { access_token: '', token_type: 'bearer' }, BAD_ANSWER],
    ['an access_token that is an object', { access_token: {}, token_type: 'bearer' }, BAD_ANSWER],
    ['an access_token in an array', { access_token: ['x'], token_type: 'bearer' }, BAD_ANSWER],
    ['a line break in its token', { access_token: 'a\r\nx: y', token_type: 'bearer' }, BAD_ANSWER],
    ['another token_type', { access_token: 'x', token_type: 'mac' }, BAD_ANSWER],
    ['no token_type', { access_token: 'x' }, BAD_ANSWER],
    ['an array', [], BAD_ANSWER],
    ['null', null, BAD_ANSWER],
    ['a number', 7, BAD_ANSWER],
  ])('with %s signs no one in', async (_what, body, location) => {
    await expectCleanFailure(TOKEN, { body }, location)
  })

  it('with both an error and a valid token signs no one in', async () => {
    const url = await serve((request, response) => {
      const answer = answers[request.url as Route]
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify(
          request.url === '/site/oauth2/access_token' ? { ...answer, error: 'x' } : answer,
        ),
      )
    })
    const app = await buildApp(emulator(), { providers: [bitbucketAt(url)] })
    expect((await comeBack(app)).headers.location).toBe(REFUSED)
  })

  it.each([
    ['HTML and status 400', { status: 400, headers: { 'content-type': 'text/html' }, body: '<p>' }],
    [
      'a token as plain text',
      {
        headers: { 'content-type': 'text/plain' },
        body: '{"access_token":"x","token_type":"bearer"}',
      },
    ],
    [
      'a token with a prototype',
      { headers: json, body: '{"access_token":"x","token_type":"bearer","__proto__":{"a":1}}' },
    ],
    [
      'a token after a byte order mark',
      { headers: json, body: '\uFEFF{"access_token":"x","token_type":"bearer"}' },
    ],
    ['a token as a form', { body: 'access_token=x&token_type=bearer' }],
  ])('with %s has sent a bad response', async (_what, answer) => {
    await expectCleanFailure(TOKEN, answer, BAD_ANSWER)
  })

  it.each([
    ['expires_in', ['3600', 'never', -1, 0, 1e18, 1e300, null, {}]],
    ['scopes', ['x', 7, null, ['account']]],
    ['scope', [7, null, {}]],
    ['refresh_token', ['x', 7, null, {}]],
  ])('with any %s alongside a good token signs in', async (name, values) => {
    for (const value of values) {
      const provider = bitbucketAt(
        await serve((request, response) => {
          response.writeHead(200, { 'content-type': 'application/json' })
          if (request.url !== '/site/oauth2/access_token') {
            response.end('{"uuid":"{87bb15eb-47c1-49b3-9f16-ca824a2979a4}","values":[]}')
          } else {
            const odd = JSON.stringify(value)
            response.end(`{"access_token":"x","token_type":"Bearer","${name}":${odd}}`)
          }
        }),
      )
      const app = await buildApp(emulator(), { providers: [provider] })
      expect((await comeBack(app)).headers.location, JSON.stringify(value)).toBe('/')
    }
  })
})

describe.each(neededRoutes)('%s', (route) => {
  it.each([
    ['HTML', { headers: { 'content-type': 'text/html' }, body: '<h1>Maintenance</h1>' }],
    ['XML', { headers: { 'content-type': 'application/xml' }, body: '<?xml version="1.0"?><a/>' }],
    ['HTML as application/json', { headers: json, body: '<h1>Maintenance</h1>' }],
    ['an empty body', { body: '' }],
    ['half a response', { fault: 'truncate' }],
    ['a response that is too large', { fault: 'huge' }],
    ['an array', { body: [] }],
    ['a string', { body: '"bearer"', headers: json }],
    ['204', { status: 204 }],
    ['404', { status: 404, headers: { 'content-type': 'text/html' }, body: 'No' }],
  ] satisfies [string, PlannedAnswer][])(
    'with %s has sent a bad response',
    async (_what, answer) => {
      await expectCleanFailure(route, answer, BAD_ANSWER)
    },
  )

  it.each([301, 302, 303, 307, 308])(
    'that responds with the redirect %i is not followed',
    async (status) => {
      let followed = 0
      const thief = await serve((_request, response) => {
        followed++
        response.end()
      })
      for (const location of [thief, `${emulator().url}/2.0/user`, '/2.0/user']) {
        await expectCleanFailure(route, { status, headers: { location } }, BAD_ANSWER)
      }
      expect(followed).toBe(0)
    },
  )

  it.each(['1', 'Fri, 31 Dec 2099 23:59:59 GMT', '9e9', 'soon'])(
    'that is rate limited, with Retry-After: %s, gets no second request',
    async (retryAfter) => {
      const answer = { status: 429, headers: { 'retry-after': retryAfter } }
      await expectCleanFailure(route, answer, UNAVAILABLE)
    },
  )
})

describe('the user API', () => {
  it.each([
    [USER, 500, UNAVAILABLE],
    [USER, 401, REFUSED],
    [USER, 403, REFUSED],
  ] as const)(
    '%s with status %i redirects back with an error code',
    async (route, status, location) => {
      const body = { type: 'error', error: { message: 'x' } }
      await expectCleanFailure(route, { status, body }, location)
    },
  )

  it('rejects an app_user, because it is not a person', async () => {
    const uuid = '{87bb15eb-47c1-49b3-9f16-ca824a2979a4}'
    await expectCleanFailure(USER, { body: { type: 'app_user', uuid } }, BAD_ANSWER)
  })

  it.each([
    ['none', { body: { values: [] } }],
    ['not primary', { body: { values: [{ ...CONFIRMED, is_primary: false }] } }],
    ['not confirmed', { body: { values: [{ ...CONFIRMED, is_confirmed: false }] } }],
  ])('with addresses that are %s signs a person in without an address', async (_what, answer) => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    emulator().answerNext(EMAILS, answer)
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect((await browser.get('/api/me')).json().user).toMatchObject({
      name: 'Ada Test',
      email: null,
      emailVerified: false,
    })
  })

  it('with an endless list of addresses is cut off', async () => {
    const app = await buildApp(emulator())
    const next = `${emulator().url}/2.0/user/emails?page=2`
    emulator().answerNext(EMAILS, { body: { values: [], next }, times: 1000 })
    expect((await createBrowser(app).signIn('ada')).headers.location).toBe('/')
    expect(asked(EMAILS)).toBe(20)
  })
})

/** An application whose log can be searched for warnings. */
async function buildLoggingApp(options: LatchkeyOptions = {}) {
  const lines: string[] = []
  const app = await buildApp(emulator(), options, { write: (line) => void lines.push(line) })
  const warnings = () =>
    lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'sign-in-warning')
  return { app, warnings }
}

describe('addresses that Bitbucket does not return', () => {
  const error = { type: 'error', error: { message: 'x' } }
  const next = '/2.0/user/emails?page=2'

  it.each<[string, PlannedAnswer]>([
    ...[401, 403, 404, 410, 429, 500, 503].map((status): [string, PlannedAnswer] => [
      `status ${status}`,
      { status, body: error },
    ]),
    ['sent as HTML', { headers: { 'content-type': 'text/html' }, body: '<h1>Sorry</h1>' }],
    ['sent as an empty body', { body: '' }],
    ['sent as an array', { body: [] }],
    ['answered 204', { status: 204 }],
    ['cut off in the middle', { fault: 'truncate' }],
    ['too large', { fault: 'huge' }],
    ['redirected', { fault: 'redirect' }],
    ['without a list', { body: { values: 'none' } }],
    ['without values', { body: {} }],
    ['in rows that are not objects', { body: { values: [null, 7, 'x'] } }],
    ['in rows without flags', { body: { values: [{ email: 'ada@example.com' }] } }],
    ['in rows with invalid flags', { body: { values: [{ ...CONFIRMED, is_confirmed: 'true' }] } }],
    ['in a primary row without a string', { body: { values: [{ ...CONFIRMED, email: 7 }] } }],
    ['with a next page outside the list', { body: { values: [], next } }],
  ])('(%s) are kept as stored, with one warning', async (_what, answer) => {
    const { app, warnings } = await buildLoggingApp()
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const { user } = (await browser.get('/auth/session')).json()
    expect(user).toMatchObject({ email: 'ada@example.com', emailVerified: true })
    expect(warnings()).toEqual([])

    const before = asked(EMAILS)
    emulator().answerNext(EMAILS, answer)
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect((await browser.get('/auth/session')).json().user).toEqual(user)
    expect(asked(EMAILS)).toBe(before + 1)
    expect(warnings()).toEqual([
      expect.objectContaining({
        level: 40,
        provider: 'bitbucket',
        reason: expect.stringContaining("did not return the person's e-mail addresses"),
      }),
    ])
  })

  it('on the second page are kept as stored, if the first page has no primary address', async () => {
    const { app, warnings } = await buildLoggingApp()
    const browser = createBrowser(app)
    const second = `${emulator().url}${next}`
    await browser.signIn('ada')
    emulator().answerNext(EMAILS, { body: { values: [], next: second } })
    emulator().answerNext(EMAILS, { status: 503 })
    await browser.signIn('ada')
    const { email } = (await browser.get('/api/me')).json().user
    expect(email).toBe('ada@example.com')
    expect(warnings()).toHaveLength(1)

    const values = [{ ...CONFIRMED, email: 'new@example.com' }]
    emulator().answerNext(EMAILS, { body: { values, next: second } })
    emulator().answerNext(EMAILS, { status: 503 })
    await browser.signIn('ada')
    expect((await browser.get('/api/me')).json().user.email).toBe('new@example.com')
    expect(warnings()).toHaveLength(1)
  })

  it('in time do not make the sign-in fail', async () => {
    const { app, warnings } = await buildLoggingApp({ providerTimeout: 1000 })
    emulator().answerNext(EMAILS, { fault: 'hang' })
    const browser = createBrowser(app)
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect((await browser.get('/api/me')).json().user).toMatchObject({ email: null })
    expect(warnings()).toHaveLength(1)
  })

  it.each([
    [403, 'Tick Account: Email on the OAuth client'],
    [410, 'https://developer.atlassian.com/cloud/bitbucket/changelog'],
  ])('on the first sign-in (%i) cause a warning with the fix', async (status, fix) => {
    const { app, warnings } = await buildLoggingApp()
    emulator().answerNext(EMAILS, { status, body: error })
    const browser = createBrowser(app)
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect((await browser.get('/api/me')).json().user).toMatchObject({
      email: null,
      emailVerified: false,
    })
    expect(warnings()).toEqual([expect.objectContaining({ reason: expect.stringContaining(fix) })])
  })

  it('are missing from the profile, but `null` for a person without an address', async () => {
    const app = await buildApp(emulator())
    const emails: unknown[] = []
    app.latchkey.on('sign-in', ({ profile }) => void emails.push(profile.email))
    const browser = createBrowser(app)
    await browser.signIn('no-email')
    emulator().answerNext(EMAILS, { status: 403, body: error })
    await browser.signIn('ada')
    expect(emails).toEqual([null, undefined])
  })
})

describe('a name, a picture and other attributes that Bitbucket does not return', () => {
  it('are kept as stored', async () => {
    const store = sqlite(':memory:')
    const browser = createBrowser(await buildApp(emulator(), { store }))
    await browser.signIn('ada')
    const { user } = (await browser.get('/auth/session')).json()
    const uuid = defaultPeople[0]?.uuid ?? ''
    const identity = await store.findIdentity('bitbucket', uuid)
    for (const body of [{ uuid }, { uuid, display_name: 7, links: { avatar: {} } }]) {
      emulator().answerNext(USER, { body })
      await browser.signIn('ada')
      expect((await browser.get('/auth/session')).json().user).toEqual(user)
      const { attributes } = (await store.findIdentity('bitbucket', uuid)) ?? {}
      expect(attributes).toEqual(identity?.attributes)
    }
  })

  it('do not replace the stored name with a nickname', async () => {
    const browser = createBrowser(await buildApp(emulator()))
    await browser.signIn('ada')
    emulator().answerNext(USER, { body: { uuid: defaultPeople[0]?.uuid, nickname: 'other' } })
    await browser.signIn('ada')
    expect((await browser.get('/auth/session')).json().user.name).toBe('Ada Test')
  })

  it('are removed if Bitbucket returns them as empty', async () => {
    const browser = createBrowser(await buildApp(emulator()))
    await browser.signIn('ada')
    const uuid = defaultPeople[0]?.uuid
    const links = { avatar: { href: null } }
    emulator().answerNext(USER, { body: { uuid, display_name: null, nickname: null, links } })
    await browser.signIn('ada')
    expect((await browser.get('/auth/session')).json().user).toMatchObject({
      name: null,
      avatarUrl: null,
    })
  })
})

describe('an account_status', () => {
  async function signInWith(account_status: unknown, options: BitbucketOptions = {}) {
    const providers = [bitbucket({ emulatorUrl: emulator().url, ...options })]
    const { app, warnings } = await buildLoggingApp({ providers })
    const body = { uuid: defaultPeople[0]?.uuid, account_status }
    emulator().answerNext(USER, { body })
    const { location } = (await createBrowser(app).signIn('ada')).headers
    return { location, warnings: warnings() }
  }

  it.each([
    ...['inactive', 'closed', 'deactivated', 'disabled', 'suspended', 'deleted', 'locked'],
    ...['banned', 'INACTIVE', 'Suspended', 'dELETED'],
  ])('of %s is rejected', async (status) => {
    const location = '/auth/sign-in?auth_error=account_inactive'
    expect(await signInWith(status)).toEqual({ location, warnings: [] })
  })

  it.each(['active', 'Active', 'ACTIVE', undefined])('of %s signs in', async (status) => {
    expect(await signInWith(status)).toEqual({ location: '/', warnings: [] })
    const strict = { refuseUnknownAccountStatus: true }
    expect(await signInWith(status, strict)).toEqual({ location: '/', warnings: [] })
  })

  it.each([7, true, null, {}, ['active']])('of %j is a bad response', async (status) => {
    expect((await signInWith(status)).location).toBe(BAD_ANSWER)
  })

  it.each([
    ['managed', '"managed"'],
    ['Managed', '"managed"'],
    ['', 'an account_status that'],
    ['two\nlines', 'an account_status that'],
  ])(
    'of %j, which Latchkey does not know, signs the person in with one warning',
    async (status, named) => {
      const { location, warnings } = await signInWith(status)
      expect(location).toBe('/')
      expect(warnings).toEqual([
        expect.objectContaining({ level: 40, reason: expect.stringContaining(named) }),
      ])
      expect(warnings[0].reason).toContain('set `refuseUnknownAccountStatus: true`')
    },
  )

  it('that Latchkey does not know is rejected with `refuseUnknownAccountStatus`', async () => {
    const { location } = await signInWith('managed', { refuseUnknownAccountStatus: true })
    expect(location).toBe('/auth/sign-in?auth_error=account_inactive')
  })
})

describe('a token', () => {
  it('is requested uncompressed, because a small response could decompress into a large one', async () => {
    await createBrowser(await buildApp(emulator())).signIn('ada')
    const fromUs = emulator().requests.filter(({ headers }) => headers['user-agent'] === 'latchkey')
    expect(fromUs).toHaveLength(3)
    for (const { headers } of fromUs) expect(headers['accept-encoding']).toBeUndefined()
  })

  it.each([undefined, 500])('is never stored (user API: %s)', async (status) => {
    const file = temporaryFile()
    const app = await buildApp(emulator(), { store: sqlite(file) })
    if (status !== undefined) emulator().answerNext(USER, { status })
    await createBrowser(app).signIn('ada')
    const sent = emulator().requests.find(({ path }) => path === '/2.0/user')?.headers.authorization
    const token = String(sent).slice('Bearer '.length)
    expect(token.length).toBeGreaterThan(1900)
    for (const part of [file, `${file}-wal`]) expect(readFileSync(part).includes(token)).toBe(false)
    const database = new DatabaseSync(file, { readOnly: true })
    expect(database.prepare('select count(*) as count from latchkey_users').get()).toEqual({
      count: status === undefined ? 1 : 0,
    })
    database.close()
  })
})
