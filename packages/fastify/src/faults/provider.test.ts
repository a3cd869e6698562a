import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { PlannedAnswer } from '@latchkey/bitbucket-emulator'
import { describe, expect, it } from 'vitest'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { answers, bitbucketAt, comeBack, type Route, serve } from '../testing/unruly.ts'

const emulator = setUpEmulator()
const TOKEN = 'POST /site/oauth2/access_token'
const USER = 'GET /2.0/user'
const EMAILS = 'GET /2.0/user/emails'
const everyRoute = [TOKEN, USER, EMAILS] as const

const UNAVAILABLE = '/auth/sign-in?auth_error=provider_unavailable'
const BAD_ANSWER = '/auth/sign-in?auth_error=provider_bad_answer'
const REFUSED = '/auth/sign-in?auth_error=provider_refused'

const json = { 'content-type': 'application/json' }

/** How often the emulator has been asked for a route. */
function asked(route: string): number {
  const [method, path] = route.split(' ')
  return emulator().requests.filter((one) => one.method === method && one.path === path).length
}

/**
 * A sign-in during which a route answers like this: nobody signed in, nothing stored, nothing asked
 * twice, and the next attempt works.
 */
async function expectCleanFailure(
  route: (typeof everyRoute)[number],
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
  ])('answering %i sends the person back with a word for it', async (status, location) => {
    const body = { error: 'some_error', error_description: 'x' }
    await expectCleanFailure(TOKEN, { status, body }, location)
  })

  it.each([
    ['an error with status 200', { error: 'bad_verification_code' }, REFUSED],
    ['nothing in its object', {}, BAD_ANSWER],
    ['no access_token', { token_type: 'bearer' }, BAD_ANSWER],
    ['an empty access_token', { access_token: '', token_type: 'bearer' }, BAD_ANSWER],
    ['an access_token that is an object', { access_token: {}, token_type: 'bearer' }, BAD_ANSWER],
    ['an access_token in a list', { access_token: ['x'], token_type: 'bearer' }, BAD_ANSWER],
    ['a header in its token', { access_token: 'a\r\nx: y', token_type: 'bearer' }, BAD_ANSWER],
    ['another token_type', { access_token: 'x', token_type: 'mac' }, BAD_ANSWER],
    ['no token_type', { access_token: 'x' }, BAD_ANSWER],
    ['a list', [], BAD_ANSWER],
    ['null', null, BAD_ANSWER],
    ['a number', 7, BAD_ANSWER],
  ])('answering %s is no sign-in', async (_what, body, location) => {
    await expectCleanFailure(TOKEN, { body }, location)
  })

  it('answering an error beside a token that would open everything is no sign-in', async () => {
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
    ['HTML and 400', { status: 400, headers: { 'content-type': 'text/html' }, body: '<p>' }],
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
      'a token behind a byte order mark',
      { headers: json, body: '\uFEFF{"access_token":"x","token_type":"bearer"}' },
    ],
    ['a token as a form', { body: 'access_token=x&token_type=bearer' }],
  ])('answering %s is an answer that makes no sense', async (_what, answer) => {
    await expectCleanFailure(TOKEN, answer, BAD_ANSWER)
  })

  it.each([
    ['expires_in', ['3600', 'never', -1, 0, 1e18, 1e300, null, {}]],
    ['scopes', ['x', 7, null, ['account']]],
    ['scope', [7, null, {}]],
    ['refresh_token', ['x', 7, null, {}]],
  ])('answering any %s beside a good token is fine', async (name, values) => {
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

describe.each(everyRoute)('%s', (route) => {
  it.each([
    ['HTML', { headers: { 'content-type': 'text/html' }, body: '<h1>Maintenance</h1>' }],
    ['XML', { headers: { 'content-type': 'application/xml' }, body: '<?xml version="1.0"?><a/>' }],
    ['HTML that says it is JSON', { headers: json, body: '<h1>Maintenance</h1>' }],
    ['nothing', { body: '' }],
    ['half an answer', { fault: 'truncate' }],
    ['more than it should', { fault: 'huge' }],
    ['a list', { body: [] }],
    ['a text', { body: '"bearer"', headers: json }],
    ['204', { status: 204 }],
    ['404', { status: 404, headers: { 'content-type': 'text/html' }, body: 'No' }],
  ] satisfies [string, PlannedAnswer][])(
    'answering %s is an answer that makes no sense',
    async (_what, answer) => {
      await expectCleanFailure(route, answer, BAD_ANSWER)
    },
  )

  it.each([301, 302, 303, 307, 308])('answering %i leads nowhere', async (status) => {
    let followed = 0
    const thief = await serve((_request, response) => {
      followed++
      response.end()
    })
    for (const location of [thief, `${emulator().url}/2.0/user`, '/2.0/user']) {
      await expectCleanFailure(route, { status, headers: { location } }, BAD_ANSWER)
    }
    expect(followed).toBe(0)
  })

  it.each(['1', 'Fri, 31 Dec 2099 23:59:59 GMT', '9e9', 'soon'])(
    'that is too busy, and says to retry after %s, is not asked again',
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
    [EMAILS, 503, UNAVAILABLE],
    [EMAILS, 401, BAD_ANSWER],
  ] as const)('%s answering %i sends the person back', async (route, status, location) => {
    const body = { type: 'error', error: { message: 'x' } }
    await expectCleanFailure(route, { status, body }, location)
  })

  it('an app_user is not a person', async () => {
    const uuid = '{87bb15eb-47c1-49b3-9f16-ca824a2979a4}'
    await expectCleanFailure(USER, { body: { type: 'app_user', uuid } }, BAD_ANSWER)
  })

  it.each([
    ['no list', { values: 'none' }],
    ['no values', {}],
  ])('addresses that are %s make no sense', async (_what, body) => {
    await expectCleanFailure(EMAILS, { body }, BAD_ANSWER)
  })

  it.each([
    ['refused', { status: 403, body: { type: 'error' } }],
    ['none', { body: { values: [] } }],
    ['no addresses', { body: { values: [null, 7, 'x', {}, { email: 7, is_primary: true }] } }],
  ])('addresses that are %s leave a person without one', async (_what, answer) => {
    const app = await buildApp(emulator())
    emulator().answerNext(EMAILS, answer)
    const browser = createBrowser(app)
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect((await browser.get('/api/me')).json().user).toMatchObject({
      name: 'Ada Test',
      email: null,
      emailVerified: false,
    })
  })

  it('a list of addresses without end is cut', async () => {
    const app = await buildApp(emulator())
    const next = `${emulator().url}/2.0/user/emails?page=2`
    emulator().answerNext(EMAILS, { body: { values: [], next }, times: 1000 })
    expect((await createBrowser(app).signIn('ada')).headers.location).toBe('/')
    expect(asked(EMAILS)).toBe(20)
  })
})

describe('a token', () => {
  it('is asked for uncompressed, since a small answer could unpack into a large one', async () => {
    await createBrowser(await buildApp(emulator())).signIn('ada')
    const fromUs = emulator().requests.filter(({ headers }) => headers['user-agent'] === 'latchkey')
    expect(fromUs).toHaveLength(3)
    for (const { headers } of fromUs) expect(headers['accept-encoding']).toBeUndefined()
  })

  it.each([undefined, 500])('is kept nowhere (user API: %s)', async (status) => {
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
