import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { defaultPeople } from '@latchkey/bitbucket-emulator'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'

const emulator = setUpEmulator()
const uuid = defaultPeople[0]?.uuid ?? ''

const TOKEN = 'POST /site/oauth2/access_token'
const USER = 'GET /2.0/user'
const EMAILS = 'GET /2.0/user/emails'

const BAD_ANSWER = '/auth/sign-in?auth_error=provider_bad_answer'

/** An internal server that only the application could reach. Nothing may even connect to it. */
let inside: string
let connections = 0
const server = createServer((socket) => {
  connections++
  socket.destroy()
})
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  inside = `127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  expect(connections).toBe(0)
})
afterAll(() => {
  server.close()
})

/**
 * Replaces the placeholders with the addresses of the internal server and the provider, whose ports are not
 * known in advance.
 */
function filledIn<T>(address: T): T {
  const api = new URL(emulator().url).host
  const [, port = ''] = inside.split(':')
  const text = JSON.stringify(address)
  return JSON.parse(text.replace('INSIDE', inside).replace('PORT', port).replace('API', api)) as T
}

/** Checks that the application has requested only these URLs. */
function expectNothingElseAsked(): void {
  for (const { method, path, query, headers } of emulator().requests) {
    if (headers['user-agent'] !== 'latchkey') continue
    expect([TOKEN, USER, EMAILS]).toContain(`${method} ${path}`)
    expect(query).toEqual({})
  }
}

describe('a profile full of URLs', () => {
  it.each([
    'http://INSIDE/',
    'https://INSIDE/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://0x7f.1:PORT/',
    'http://localhost.:PORT/',
    'gopher://INSIDE/_',
    '//INSIDE/',
    'file:///etc/passwd',
  ])(
    'such as %s does not prevent the sign-in, and none of the URLs is requested',
    async (address) => {
      const href = filledIn(address)
      const link = { href }
      const app = await buildApp(emulator())
      const browser = createBrowser(app)
      emulator().answerNext(USER, {
        headers: { link: `<${href}>; rel="next"`, refresh: `0; url=${href}` },
        body: {
          type: 'user',
          uuid,
          avatar_url: href,
          links: { self: link, avatar: link, html: link, hooks: link, repositories: link },
        },
      })
      emulator().answerNext(EMAILS, {
        body: { values: [{ links: { self: link } }], previous: href, links: { next: link } },
      })
      expect((await browser.signIn('ada')).headers.location).toBe('/')
      for (const path of ['/auth/session', '/auth/sign-in', '/api/me']) {
        expect((await browser.get(path)).statusCode).toBe(200)
      }
      expectNothingElseAsked()
    },
  )
})

describe('a next-page link that points outside the list of e-mail addresses', () => {
  it.each([
    'http://INSIDE/2.0/user/emails?page=2',
    '//INSIDE/2.0/user/emails?page=2',
    'http://API@INSIDE/2.0/user/emails?page=2',
    'http://INSIDE@API/2.0/user/emails?page=2',
    'http://API\\@INSIDE/2.0/user/emails?page=2',
    'http://API.evil.example/2.0/user/emails?page=2',
    'http://localhost/2.0/user/emails?page=2',
    'https://API/2.0/user/emails?page=2',
    'http://API/2.0/user/emails/',
    'http://API/2.0/user/emails/../../repositories?page=2',
    'http://API/site/oauth2/access_token?page=2',
    'http://API?/2.0/user/emails?page=2',
    '/2.0/user/emails?page=2',
    '?page=2',
    'not a url',
    '',
    7,
    ['http://API/2.0/user/emails?page=2'],
  ])('such as %j is not followed, and the token is not sent there', async (next) => {
    const app = await buildApp(emulator())
    emulator().answerNext(EMAILS, { body: { values: [], next: filledIn(next) } })
    expect((await createBrowser(app).signIn('ada')).headers.location).toBe('/')
    expectNothingElseAsked()
  })
})

describe('a redirect from a provider', () => {
  it.each(
    [TOKEN, USER, EMAILS].flatMap((route) => {
      return [301, 302, 303, 307, 308].map((status) => ({ route, status }))
    }),
  )(
    'is not followed if $route responds with $status, whether it leads to an internal server or stays on the same site',
    async ({ route, status }) => {
      const app = await buildApp(emulator())
      for (const location of [
        `http://${inside}/`,
        `//${inside}/`,
        '/2.0/user/emails/a@b.example',
      ]) {
        emulator().answerNext(route as typeof USER, { status, headers: { location } })
        const callback = await createBrowser(app).signIn('ada')
        // People can sign in without an e-mail address.
        expect(callback.headers.location).toBe(route === EMAILS ? '/' : BAD_ANSWER)
      }
      expectNothingElseAsked()
    },
  )
})
