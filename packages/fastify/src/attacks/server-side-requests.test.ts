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

/** A server inside, where only the application could get at it. Nobody may so much as connect. */
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

/** The application asks for these and for nothing else, whatever it is told. */
function expectNothingElseAsked(): void {
  for (const { method, path, query, headers } of emulator().requests) {
    if (headers['user-agent'] !== 'latchkey') continue
    expect([TOKEN, USER, EMAILS]).toContain(`${method} ${path}`)
    expect(query).toEqual({})
  }
}

describe('a profile full of addresses', () => {
  it.each([
    () => `http://${inside}/`,
    () => `https://${inside}/`,
    () => `http://[::ffff:${inside.replace(':', ']:')}/`,
    () => `http://0x7f.1:${inside.split(':')[1]}/`,
    () => `http://localhost.:${inside.split(':')[1]}/`,
    () => `gopher://${inside}/_`,
    () => `//${inside}/`,
    () => 'file:///etc/passwd',
  ])('signs its owner in, and none is asked (%#)', async (make) => {
    const href = make()
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
  })
})

describe('a next page of addresses that is not a page of that list', () => {
  it.each([
    () => `http://${inside}/2.0/user/emails?page=2`,
    () => `//${inside}/2.0/user/emails?page=2`,
    () => `http://${host()}@${inside}/2.0/user/emails?page=2`,
    () => `http://${inside}@${host()}/2.0/user/emails?page=2`,
    () => `http://${host()}\\@${inside}/2.0/user/emails?page=2`,
    () => `http://${host()}.evil.example/2.0/user/emails?page=2`,
    () => `http://localhost:${host().split(':')[1]}/2.0/user/emails?page=2`,
    () => `https://${host()}/2.0/user/emails?page=2`,
    () => '/2.0/user/emails?page=2',
    () => '?page=2',
    () => 'not a url',
    () => '',
    () => 7,
    () => [`${emulator().url}/2.0/user/emails?page=2`],
    () => `${emulator().url}/2.0/user/emails/`,
    () => `${emulator().url}/2.0/user/emails/../../repositories?page=2`,
    () => `${emulator().url}/site/oauth2/access_token?page=2`,
    () => `${emulator().url}?/2.0/user/emails?page=2`,
  ])('ends the attempt, and the token stays here (%#)', async (make) => {
    const app = await buildApp(emulator())
    emulator().answerNext(EMAILS, { body: { values: [], next: make() } })
    expect((await createBrowser(app).signIn('ada')).headers.location).toBe(BAD_ANSWER)
    expectNothingElseAsked()
  })

  const host = (): string => new URL(emulator().url).host
})

describe('a provider that answers with a redirect', () => {
  it.each(
    [TOKEN, USER, EMAILS].flatMap((route) => {
      return [301, 302, 303, 307, 308].map((status) => ({ route, status }))
    }),
  )('$status at $route is not followed, inside or on its own site', async ({ route, status }) => {
    const app = await buildApp(emulator())
    for (const location of [`http://${inside}/`, `//${inside}/`, '/2.0/user/emails/a@b.example']) {
      emulator().answerNext(route as typeof USER, { status, headers: { location } })
      const callback = await createBrowser(app).signIn('ada')
      expect(callback.headers.location).toBe(BAD_ANSWER)
    }
    expectNothingElseAsked()
  })
})
