import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BitbucketEmulator, startBitbucketEmulator } from './emulator.ts'
import { allowedRedirectUri } from './oauth/redirect-uri.ts'
import { anyLoopback } from './seed/callback-url.ts'
import { defaultConsumer } from './seed/people.ts'
import { readSeed } from './seed/seed.ts'
import type { Seed } from './seed/seed-format.ts'
import { askConsent, basic, getApi, ordinary, postConsent, signIn } from './testing/client.ts'

/** How many times to run a property: `usual`, or `LATCHKEY_FUZZ_RUNS` percent of that. */
function tries(usual: number): { numRuns: number } {
  return { numRuns: Math.ceil((usual * Number(process.env.LATCHKEY_FUZZ_RUNS || 100)) / 100) }
}

/** The timeout for properties with many runs. */
const PATIENT = { timeout: 60 * 60 * 1000 }

const CALLBACK = 'https://app.example.com/callback'
const site = { ...defaultConsumer, clientId: 'site', callbackUrl: CALLBACK }

let emulator: BitbucketEmulator
beforeAll(async () => {
  emulator = await startBitbucketEmulator({ seed: { consumers: [defaultConsumer, site] } })
})
afterAll(() => emulator.close())

/** Markup that must never appear unescaped in a page. */
const MARKUP = `quokka<b a='"&quokka`

const text = fc.oneof(
  fc.constantFrom(MARKUP, '', `${MARKUP}\r\nset-cookie: a=b`, '\0\u2028\ud800', 'x'.repeat(9000)),
  fc.string({ unit: 'binary', maxLength: 12 }),
)

/** URLs that point, or seem to point, to a callback. */
const address = fc.oneof(
  fc.webUrl({ withFragments: true, withQueryParameters: true }),
  fc
    .tuple(
      fc.constantFrom('https://', 'https://', 'http://', 'HTTPS://', 'https:', '//', 'javascript:'),
      fc.constantFrom('', '', '', 'me@', 'app.example.com@', 'app.example.com:443@', ':x@', '\t'),
      fc.constantFrom('app.example.com', 'app.example.com', 'evil.example', '127.0.0.1', '[::1]'),
      fc.constantFrom(
        '',
        '',
        '',
        ':443',
        ':8443',
        '.evil.example',
        '.',
        '\\.evil.example',
        '#',
        '?',
      ),
      fc.constantFrom('/callback', '/callback', '/callback/', '/Callback', '\\callback', '/x/..'),
      fc.constantFrom(
        '',
        '',
        '/a',
        '-evil',
        '/../evil',
        '/%2e%2e/x',
        '?x=1',
        '#x',
        '#',
        ';x',
        '\n',
      ),
    )
    .map((parts) => parts.join('')),
)

describe('any redirect_uri', () => {
  it('is the callback or a path below it, or is rejected', PATIENT, () => {
    fc.assert(
      fc.property(address, (requested) => {
        const url = allowedRedirectUri(requested, CALLBACK)
        if (url === null) return
        expect(new URL(url.href).origin).toBe('https://app.example.com')
        expect(new URL(url.href).pathname).toMatch(/^\/callback(\/|$)/)
        expect(url.username + url.password + url.hash).toBe('')
      }),
      tries(10_000),
    )
  })

  it('has a loopback host or is rejected, for a consumer with any-loopback', PATIENT, () => {
    fc.assert(
      fc.property(address, (requested) => {
        const url = allowedRedirectUri(requested, anyLoopback)
        if (url === null) return
        expect(new URL(url.href).hostname).toMatch(/^(127\.0\.0\.1|localhost|\[::1\])$/)
        expect(url.username + url.password + url.hash).toBe('')
      }),
      tries(10_000),
    )
  })

  it(
    'is where a denied consent redirects to, with any state confined to its parameter',
    PATIENT,
    async () => {
      await fc.assert(
        fc.asyncProperty(address, text, async (redirect_uri, state) => {
          const request = { ...ordinary, client_id: 'site', redirect_uri, state, decision: 'deny' }
          const answer = await postConsent(emulator.url, request)
          if (answer.status === 400) return
          expect(answer.status).toBe(303)
          const location = new URL(answer.headers.get('location') ?? '')
          expect(location.origin).toBe('https://app.example.com')
          expect(location.pathname).toMatch(/^\/callback(\/|$)/)
          expect(location.searchParams.getAll('state').at(-1)).toBe(state.toWellFormed())
          expect(answer.headers.get('set-cookie')).toBeNull()
        }),
        tries(200),
      )
    },
  )
})

const FORM = 'application/x-www-form-urlencoded'
const token = { grant_type: 'authorization_code', code: 'x', redirect_uri: CALLBACK }

/** Requests that clients and browsers send. */
const usual = fc.constantFrom<{
  method: string
  path: string
  query: Record<string, string>
  body: Record<string, string>
}>(
  { method: 'GET', path: '/site/oauth2/authorize', query: ordinary, body: {} },
  { method: 'POST', path: '/site/oauth2/authorize', query: {}, body: { ...ordinary, user: 'ada' } },
  { method: 'POST', path: '/site/oauth2/access_token', query: {}, body: token },
  { method: 'GET', path: '/2.0/user', query: {}, body: {} },
  { method: 'GET', path: '/2.0/user/emails', query: { page: '1', pagelen: '10' }, body: {} },
)

const parameters = fc.dictionary(
  fc.constantFrom(...Object.keys({ ...ordinary, ...token }), 'code_challenge', 'page', MARKUP),
  text,
  { maxKeys: 2 },
)

const noise = fc.oneof(
  { weight: 15, arbitrary: fc.constant('') },
  fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 4 }),
)

/** One of these requests, randomly changed, as raw bytes. */
const request = fc
  .record({
    usual,
    method: fc.oneof(
      { weight: 6, arbitrary: fc.constant(undefined) },
      fc.constantFrom('GET', 'HEAD', 'PUT', 'OPTIONS', 'QUERY'),
    ),
    path: fc.oneof(
      { weight: 6, arbitrary: fc.constant(undefined) },
      text.map((end) => `/2.0/user/emails/${encodeURIComponent(end.toWellFormed())}`),
      fc.constantFrom('/', '*', '/2.0/user/emails/%', '/2.0/user/emails/%ff', 'http://127.0.0.1/'),
    ),
    parameters,
    host: fc.constantFrom('127.0.0.1', 'localhost:80', '[::1]', 'evil.example', '127.0.0.1/'),
    authorization: fc.constantFrom(basic, 'Basic', 'Basic !', 'Basic Og==', 'Bearer x', MARKUP),
    type: fc.constantFrom(FORM, FORM, FORM, 'application/json', ';', ''),
    noises: fc.tuple(noise, noise, noise),
  })
  .map(({ usual, method, path, parameters, host, authorization, type, noises }) => {
    const isForm = usual.method === 'POST'
    const query = isForm ? usual.query : { ...usual.query, ...parameters }
    const body = isForm ? { ...usual.body, ...parameters } : usual.body
    const form = new URLSearchParams(body).toString()
    const target = `${path ?? usual.path}?${new URLSearchParams(query)}`
    return [
      `${method ?? usual.method} ${target}${noises[0]} HTTP/1.1`,
      `host: ${host}`,
      `authorization: ${authorization}${noises[1]}`,
      `content-type: ${type}`,
      `content-length: ${form.length}`,
      `connection: close${noises[2]}`,
      '',
      form,
    ].join('\r\n')
  })

/** Sends these bytes, and returns everything that the emulator responds until it closes the connection. */
async function send(bytes: string): Promise<string> {
  const socket = connect(Number(new URL(emulator.url).port), '127.0.0.1').setEncoding('latin1')
  let response = ''
  socket.on('data', (chunk) => {
    response += chunk
  })
  socket.on('error', () => {})
  socket.end(bytes, 'latin1')
  await new Promise((resolve) => socket.on('close', resolve))
  return response
}

describe('a request of any kind', () => {
  it('never causes a server error, and its text is never echoed as markup', PATIENT, async () => {
    await fc.assert(
      fc.asyncProperty(request, async (bytes) => {
        const response = await send(bytes)
        // 501 marks features that are not emulated.
        expect(response).not.toMatch(/^HTTP\/1\.1 5(?!01)/)
        expect(response).not.toContain('quokka<b')
        expect(response.split('\r\n\r\n', 1)[0]).not.toMatch(/^set-cookie:/im)
        expect((await fetch(`${emulator.url}/2.0/user`)).status).toBe(401)
      }),
      tries(300),
    )
  })
})

const seed: fc.Arbitrary<Seed> = fc.record(
  {
    people: fc.array(
      fc.record(
        {
          nickname: text,
          displayName: text,
          accountId: text,
          accountStatus: text,
          emails: fc.array(
            fc.record({ email: text, isPrimary: fc.boolean(), isConfirmed: fc.boolean() }),
            { maxLength: 2 },
          ),
        },
        { requiredKeys: ['nickname'] },
      ),
      { minLength: 1, maxLength: 2 },
    ),
    consumers: fc.constant([defaultConsumer]),
  },
  { requiredKeys: ['people'] },
)

describe('any seed', () => {
  it('is accepted, or rejected with an error that names the field', PATIENT, () => {
    const anything = fc.oneof(seed, fc.anything(), fc.record({ people: fc.array(fc.anything()) }))
    fc.assert(
      fc.property(anything, (given) => {
        try {
          readSeed(given)
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
          expect(String(error)).toMatch(/(seed|people|consumers)\b/)
        }
      }),
      tries(2000),
    )
  })

  it('contains only people who can sign in, if it is accepted', PATIENT, async () => {
    const readable = seed.filter((given) => {
      try {
        return readSeed(given).people.length > 0
      } catch {
        return false
      }
    })
    await fc.assert(
      fc.asyncProperty(readable, async (given) => {
        const seeded = await startBitbucketEmulator({ seed: given })
        try {
          for (const { nickname } of readSeed(given).people) {
            const token = await signIn(seeded.url, nickname)
            const answers = await Promise.all([
              getApi(seeded.url, '/2.0/user', token),
              getApi(seeded.url, '/2.0/user/emails', token),
              askConsent(seeded.url, ordinary),
            ])
            expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
            expect(await answers[2].text()).not.toContain('quokka<b')
          }
        } finally {
          await seeded.close()
        }
      }),
      tries(40),
    )
  })
})
