import fc from 'fast-check'
import Fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { keptPart, sameOriginPath } from '../http/return-to.ts'
import latchkey, { bitbucket } from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import { SECRET, setUpEmulator } from '../testing/app.ts'
import { PATIENT, tries } from '../testing/fuzz.ts'

const ORIGIN = 'http://localhost:3000'
const emulator = setUpEmulator()

/** Parts of targets that lead to another site, and parts of our own. */
const PIECES = [
  ...['/', '/', '//', '\\', '.', '..', './', '../', '@', ':', '?', '#', ';', '&', '=', '%', '*'],
  ...['%2f', '%2F', '%5c', '%2e', '%2E%2e', '%252f', '%09', '%0d%0a', '%00', '%E2%80%A8', '%c0%af'],
  ...['\t', '\n', '\r', ' ', '\0', '\u0001', '\u007f', '\u0085', '\u00a0', '\u00ad', '\u2028'],
  ...['\ufeff', '\u3002', '\uff0f', '\uff3c', '\uff0e', '\uff20', '\ud800', '\u{1f600}', '\u0131'],
  ...['http:', 'https:', 'HTTP:', 'javascript:', 'data:', 'blob:', 'file:', 'intent:', 'myapp:'],
  ...['localhost', 'localhost:3000', ':3000', 'evil.example', '127.0.0.1', '[::1]', '2130706433'],
  ...['auth', 'AUTH', '%61uth', 'a%75th', 'sign-out', 'sign-in', 'bitbucket', 'callback', 'start'],
  ...['"', '<', '>', '`', '{', '|', '}', '^', '~', "'", 'x', 'return_to=', 'auth_error='],
]

const nearMiss = fc
  .tuple(
    fc.constantFrom('', '', '/', '/', '/auth', ORIGIN, `${ORIGIN}/`, 'http://localhost:3000@'),
    fc.array(
      fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom(...PIECES) },
        { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 3 }) },
      ),
      { maxLength: 10 },
    ),
  )
  .map(([start, pieces]) => start + pieces.join(''))

/** One of our routes, with each character spelled in a way that a lenient router might still accept. */
const misspelledRoute = fc
  .tuple(
    fc.constantFrom('/auth', '/auth/sign-in', '/auth/bitbucket/start', '/auth/anything'),
    fc.infiniteStream(fc.nat(11)),
    fc.constantFrom('', '', '/', ';x', '?x', '#x', '%00', '%2f'),
  )
  .map(([path, dice, end]) => {
    const spelled = [...path].map((letter) => {
      const thrown = dice.next().value ?? 0
      if (letter === '/') return ['//', '/./', '/x/../', '/%2e/', '%2f', '/.'][thrown] ?? letter
      if (thrown === 0) return letter.toUpperCase()
      return thrown === 1 ? `%${letter.charCodeAt(0).toString(16)}` : letter
    })
    return spelled.join('') + end
  })

const target = fc.oneof(
  { weight: 4, arbitrary: nearMiss },
  { weight: 3, arbitrary: misspelledRoute },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.webPath().map((path) => `/${path}`) },
  { weight: 1, arbitrary: fc.webUrl({ withFragments: true, withQueryParameters: true }) },
  // Lengths around the longest one that is kept, plain and escaped.
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 600, max: 2100 }), fc.constantFrom('x', '"', '|', '/', '%'))
      .map(([length, character]) => `/${character.repeat(length)}`),
  },
)

/** Resolves a `Location` as a browser does: according to the URL standard, relative to the requested URL. */
function resolve(location: string): URL {
  return new URL(location, `${ORIGIN}/auth/bitbucket/callback?code=x&state=y`)
}

function expectOnSite(location: string): void {
  expect(location).toMatch(/^\/[\x21-\x7e]*$/)
  expect(location).not.toContain('\\')
  expect(resolve(location).origin).toBe(ORIGIN)
  expect(resolve(location).href).toBe(ORIGIN + location)
}

/** An application whose router accepts as many spellings of a route as Fastify allows. */
async function lenientApp(): Promise<FastifyInstance> {
  const routerOptions = {
    caseSensitive: false,
    ignoreDuplicateSlashes: true,
    ignoreTrailingSlash: true,
    useSemicolonDelimiter: true,
  }
  const app = Fastify({ routerOptions })
  onTestFinished(() => app.close())
  await app.register(latchkey, {
    origin: ORIGIN,
    secret: SECRET,
    providers: [bitbucket({ emulatorUrl: emulator().url })],
    store: sqlite(':memory:'),
  })
  app.get('/*', async () => 'the application')
  return app
}

async function expectApplication(app: FastifyInstance, { pathname }: URL): Promise<void> {
  // Fastify itself responds to a path that it cannot read.
  expect((await app.inject(pathname)).body).toMatch(/^the application$|"code":"FST_ERR_BAD_URL"/)
}

describe('any target', () => {
  it.each([ORIGIN, 'https://app.example.com', 'http://[::1]:8080', 'https://xn--caf-dma.example'])(
    'stays on %s, keeps its meaning, and does not change when it is checked again',
    PATIENT,
    (origin) => {
      const ours = target.map((text) => text.replaceAll(ORIGIN, origin))
      const readAs = (path: string): URL => new URL(path, `${origin}/auth/bitbucket/callback`)
      fc.assert(
        fc.property(ours, (text) => {
          const path = sameOriginPath(text, origin)
          if (path === null) return
          expect(path).toMatch(/^\/[\x21-\x7e]*$/)
          expect(keptPart(path)?.length ?? 0).toBeLessThanOrEqual(2000)
          expect(readAs(path).href).toBe(origin + path)
          // An empty query or fragment is dropped.
          const { pathname, search, hash } = readAs(text)
          expect(path).toBe(pathname + search + hash)
          expect(sameOriginPath(path, origin)).toBe(path)
        }),
        tries(5000),
      )
    },
  )

  it('never throws, whatever it is', PATIENT, () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true }), (value) => {
        const path = sameOriginPath(value, ORIGIN)
        if (path !== null) expectOnSite(path)
      }),
      tries(1000),
    )
  })

  it(
    'of a sign-out leads to a page of the application, and never to one of our routes',
    PATIENT,
    async () => {
      const app = await lenientApp()
      const headers = { origin: ORIGIN, 'content-type': 'application/x-www-form-urlencoded' }
      await fc.assert(
        fc.asyncProperty(target, async (text) => {
          const payload = new URLSearchParams({ return_to: text }).toString()
          const url = '/auth/sign-out'
          const { location } = (await app.inject({ method: 'POST', url, headers, payload })).headers
          expectOnSite(String(location))
          await expectApplication(app, resolve(String(location)))
        }),
        tries(600),
      )
    },
  )

  it(
    'of a sign-in, with any Referer, leads a failed attempt to a page with the error',
    PATIENT,
    async () => {
      const app = await lenientApp()
      // The characters that Node rejects in a header.
      const referer = target.map((text) => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, ''))
      await fc.assert(
        fc.asyncProperty(target, referer, async (text, page) => {
          const query = new URLSearchParams({ return_to: text })
          const url = `/auth/bitbucket/start?${query}`
          const start = await app.inject({ url, headers: { referer: page } })
          const state = new URL(String(start.headers.location)).searchParams.get('state')
          const answer = await app.inject({
            url: `/auth/bitbucket/callback?error=access_denied&state=${state}`,
            headers: { cookie: String(start.headers['set-cookie']).split(';', 1)[0] },
          })
          const location = String(answer.headers.location)
          expectOnSite(location)
          const back = resolve(location)
          expect(back.searchParams.getAll('auth_error')).toEqual(['access_denied'])
          // On one of the application's pages, the rest of the query belongs to the application.
          if (back.pathname !== '/auth/sign-in') return expectApplication(app, back)
          for (const next of back.searchParams.getAll('return_to')) expectOnSite(next)
        }),
        tries(300),
      )
    },
  )
})
