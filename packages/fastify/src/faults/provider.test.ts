import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { describe, expect, it } from 'vitest'
import { bitbucket } from '../providers/bitbucket.ts'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'

const emulator = setUpEmulator()
const TOKEN = 'POST /site/oauth2/access_token'
const USER = 'GET /2.0/user'
const EMAILS = 'GET /2.0/user/emails'

const UNAVAILABLE = '/auth/sign-in?auth_error=provider_unavailable'
const BAD_ANSWER = '/auth/sign-in?auth_error=provider_bad_answer'
const REFUSED = '/auth/sign-in?auth_error=provider_refused'

/** A failed attempt: nobody signed in, nothing stored, and the next attempt works. */
async function expectCleanFailure(app: FastifyInstance, location: string): Promise<void> {
  const browser = createBrowser(app)
  const callback = await browser.signIn('ada')
  expect(callback.statusCode).toBe(303)
  expect(callback.headers.location).toBe(location)
  expect(String(callback.headers['set-cookie'])).not.toMatch(/latchkey-3000=/)
  expect((await browser.get('/auth/session')).json()).toEqual({ user: null, session: null })
  emulator().reset()
  expect((await browser.signIn('ada')).headers.location).toBe('/')
}

describe('the token endpoint', () => {
  it.each([
    [500, UNAVAILABLE],
    [503, UNAVAILABLE],
    [429, UNAVAILABLE],
    [400, REFUSED],
    [401, REFUSED],
  ])(
    'answering %i with JSON sends the person back with a word for it',
    async (status, location) => {
      const app = await buildApp(emulator())
      emulator().answerNext(TOKEN, {
        status,
        body: { error: 'some_error', error_description: 'x' },
      })
      await expectCleanFailure(app, location)
    },
  )

  it.each([
    ['an error with status 200', { error: 'bad_verification_code' }, REFUSED],
    ['no access_token', { token_type: 'bearer' }, BAD_ANSWER],
    ['an empty access_token', { access_token: '', token_type: 'bearer' }, BAD_ANSWER],
    ['an access_token that is an object', { access_token: {}, token_type: 'bearer' }, BAD_ANSWER],
    ['a header in its token', { access_token: 'a\r\nx: y', token_type: 'bearer' }, BAD_ANSWER],
    ['another token_type', { access_token: 'x', token_type: 'mac' }, BAD_ANSWER],
    ['a list', [], BAD_ANSWER],
    ['null', null, BAD_ANSWER],
    ['a number', 7, BAD_ANSWER],
  ])('answering %s is no sign-in', async (_what, body, location) => {
    const app = await buildApp(emulator())
    emulator().answerNext(TOKEN, { body })
    await expectCleanFailure(app, location)
  })

  it.each([
    [
      'HTML',
      { status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>Oh</h1>' },
      BAD_ANSWER,
    ],
    [
      'HTML and 400',
      { status: 400, headers: { 'content-type': 'text/html' }, body: '<p>' },
      BAD_ANSWER,
    ],
    ['half an answer', { fault: 'truncate' as const }, BAD_ANSWER],
    ['more than it should', { fault: 'huge' as const }, BAD_ANSWER],
    ['a redirect', { fault: 'redirect' as const }, BAD_ANSWER],
    ['nothing', { body: '' }, BAD_ANSWER],
  ])('answering %s is an answer that makes no sense', async (_what, answer, location) => {
    const app = await buildApp(emulator())
    emulator().answerNext(TOKEN, answer)
    await expectCleanFailure(app, location)
  })

  it('answering with fields of any shape beside a good token is fine', async () => {
    const app = await buildApp(emulator())
    for (const odd of [
      { expires_in: 'never' },
      { expires_in: -1 },
      { scopes: 'x' },
      { scope: 7 },
    ]) {
      const browser = createBrowser(app)
      const url = await browser.start()
      const callback = await browser.consent(url, { user: 'ada' })
      const real = await tokenFor(url)
      emulator().answerNext(TOKEN, { body: { access_token: real, token_type: 'Bearer', ...odd } })
      expect((await browser.get(callback)).headers.location).toBe('/')
    }
  })
})

describe('the user API', () => {
  it.each([
    [USER, 500, UNAVAILABLE],
    [USER, 429, UNAVAILABLE],
    [USER, 401, REFUSED],
    [USER, 403, REFUSED],
    [USER, 404, BAD_ANSWER],
    [EMAILS, 503, UNAVAILABLE],
    [EMAILS, 404, BAD_ANSWER],
  ] as const)('%s answering %i sends the person back', async (route, status, location) => {
    const app = await buildApp(emulator())
    emulator().answerNext(route, { status, body: { type: 'error', error: { message: 'x' } } })
    await expectCleanFailure(app, location)
  })

  it.each([USER, EMAILS] as const)(
    '%s answering rubbish is an answer that makes no sense',
    async (route) => {
      const app = await buildApp(emulator())
      for (const answer of [
        { fault: 'truncate' as const },
        { fault: 'huge' as const },
        { fault: 'redirect' as const },
        { headers: { 'content-type': 'text/html' }, body: '<h1>Maintenance</h1>' },
        { body: '' },
        { body: [] },
        { body: { values: 'none' } },
      ]) {
        emulator().answerNext(route, answer)
        await expectCleanFailure(app, BAD_ANSWER)
      }
    },
  )

  it('an app_user is not a person', async () => {
    const app = await buildApp(emulator())
    const uuid = '{87bb15eb-47c1-49b3-9f16-ca824a2979a4}'
    emulator().answerNext(USER, { body: { type: 'app_user', uuid } })
    await expectCleanFailure(app, BAD_ANSWER)
  })

  it('a list of addresses without end is cut', async () => {
    const app = await buildApp(emulator())
    const next = `${emulator().url}/2.0/user/emails?page=2`
    emulator().answerNext(EMAILS, { body: { values: [], next }, times: 1000 })
    expect((await createBrowser(app).signIn('ada')).headers.location).toBe('/')
    const asked = emulator().requests.filter(({ path }) => path === '/2.0/user/emails')
    expect(asked).toHaveLength(20)
  })
})

describe('a provider that is away', () => {
  it('does not keep the server from starting, and the person from being told', async () => {
    const app = await buildApp(emulator(), {
      providers: [bitbucket({ emulatorUrl: 'http://127.0.0.1:9' })],
    })
    const browser = createBrowser(app)
    const state = new URL(await browser.start()).searchParams.get('state')
    const answer = await browser.get(`/auth/bitbucket/callback?code=x&state=${state}`)
    expect(answer.headers.location).toBe(UNAVAILABLE)
  })

  it.each([TOKEN, USER, EMAILS] as const)('%s hanging is cut at the deadline', async (route) => {
    const app = await buildApp(emulator(), { providerTimeout: 300 })
    emulator().answerNext(route, { fault: 'hang' })
    await expectCleanFailure(app, UNAVAILABLE)
  })

  it('that drips its answer is cut at the deadline too', async () => {
    const cut = Promise.withResolvers<void>()
    const drip = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const timer = setInterval(() => response.write(' '), 20)
      response.on('close', () => {
        clearInterval(timer)
        cut.resolve()
      })
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => drip.once('listening', resolve))
    const { port } = drip.address() as AddressInfo
    const app = await buildApp(emulator(), {
      providerTimeout: 300,
      providers: [bitbucket({ emulatorUrl: `http://127.0.0.1:${port}` })],
    })
    const browser = createBrowser(app)
    const state = new URL(await browser.start()).searchParams.get('state')
    const answer = await browser.get(`/auth/bitbucket/callback?code=x&state=${state}`)
    expect(answer.headers.location).toBe(UNAVAILABLE)
    await cut.promise
    drip.close()
  })

  it('never sees a code twice', async () => {
    const app = await buildApp(emulator())
    emulator().answerNext(TOKEN, { status: 503, times: 5 })
    await createBrowser(app).signIn('ada')
    expect(emulator().requests.filter(({ path }) => path.endsWith('access_token'))).toHaveLength(1)
  })
})

describe('a provider that is there', () => {
  it('is asked over connections that are kept, for tokens too', async () => {
    const ports = new Map<string, Set<number | undefined>>()
    const answers: Record<string, unknown> = {
      '/site/oauth2/access_token': { access_token: 'x', token_type: 'bearer' },
      '/2.0/user': { uuid: '{87bb15eb-47c1-49b3-9f16-ca824a2979a4}' },
      '/2.0/user/emails': { values: [] },
    }
    const provider = createServer((request, response) => {
      const path = request.url ?? ''
      ports.set(path, (ports.get(path) ?? new Set()).add(request.socket.remotePort))
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(answers[path]))
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => provider.once('listening', resolve))
    const { port } = provider.address() as AddressInfo
    const app = await buildApp(emulator(), {
      providers: [bitbucket({ emulatorUrl: `http://127.0.0.1:${port}` })],
    })
    for (let round = 0; round < 10; round++) {
      const browser = createBrowser(app)
      const state = new URL(await browser.start()).searchParams.get('state')
      const answer = await browser.get(`/auth/bitbucket/callback?code=x&state=${state}`)
      expect(answer.headers.location).toBe('/')
    }
    expect([...ports.keys()].sort()).toEqual(Object.keys(answers).sort())
    for (const used of ports.values()) expect(used.size).toBeLessThan(5)
    provider.close()
    provider.closeAllConnections()
  })
})

async function tokenFor(authorizeUrl: string): Promise<string> {
  const app = await buildApp(emulator())
  const browser = createBrowser(app)
  await browser.signIn('ada')
  const call = emulator().requests.findLast(({ path }) => path === '/2.0/user')
  expect(authorizeUrl).toContain('/authorize')
  return String(call?.headers.authorization).slice('Bearer '.length)
}
