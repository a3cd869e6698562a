import { type AddressInfo, connect } from 'node:net'
import { type ErrorCode, errorSentence, errorSentences, paths } from '@latchkey/contract'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { describe, expect, it } from 'vitest'
import { sameOriginPath } from '../http/return-to.ts'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { PATIENT, tries } from '../testing/fuzz.ts'

const ORIGIN = 'http://localhost:3000'
const emulator = setUpEmulator()

/** Every path in the contract between browser and server. */
const PATHS = Object.values(paths()).map((path) => {
  return typeof path === 'string' ? path : path('bitbucket')
})

/**
 * A part of everything that is sent. It must not appear in a response. It consists only of letters, so that
 * escaping does not change it, and is long enough that no random token contains it. One more letter tells
 * which part of the request it was sent in.
 */
const MARK = 'quokkamark'
const SENT_IN = { path: `${MARK}p`, query: `${MARK}q`, header: `${MARK}h`, body: `${MARK}b` }

/** Texts that are known to break programs, each containing the mark. */
function hostile(mark: string): fc.Arbitrary<string> {
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        mark,
        `/${mark}?x=${mark}#${mark}`,
        `/${mark}"onclick=${mark}`,
        `${ORIGIN}/${mark}`,
        `//${mark}.example`,
        `/\\${mark}.example`,
        `https://${mark}.example/`,
        `javascript:${mark}`,
        `"><script>${mark}</script>`,
        `'${mark}&amp;${mark}`,
        `${mark}\r\nset-cookie: ${mark}=1`,
        `${mark}; ${mark}=1, ${mark}`,
        `${mark}\0\u2028\ud800\u{1f600}`,
        `%00%0d%0a%ff${mark}`,
        `__proto__${mark}`,
        mark.repeat(200),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text + mark),
    },
  )
}

/** Half of them are parameters that a route reads, the other half can be anything. */
function either(mark: string, ...expected: string[]): fc.Arbitrary<string> {
  return fc.oneof(fc.constantFrom(...expected), hostile(mark))
}

const path = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...PATHS) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...PATHS, '/auth', '/auth/__proto__'), hostile(SENT_IN.path))
      .map(([start, end]) => `${start}/${encodeURI(end.toWellFormed())}`),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('%', '%zz', '%c0%af', '%2e%2e%2f', '..', '*')
      .map((end) => `/auth/${SENT_IN.path}${end}`),
  },
)

const parameter = fc.tuple(
  fc.oneof(
    fc.constantFrom('return_to', 'login_hint', 'auth_error', 'popup'),
    fc.constantFrom('prompt', 'scope', 'state', 'code', 'error', 'error_description', 'iss'),
  ),
  fc.oneof({ weight: 6, arbitrary: fc.constant('') }, fc.constantFrom('[]', '[a]', '%00')),
  either(SENT_IN.query, '{state}', 'access_denied', 'login', 'local', '/work', ''),
)

const query = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.constantFrom('', 'state={state}&code=x', 'state={state}&error=access_denied'),
        fc.array(parameter, { maxLength: 4 }),
      )
      .map(([start, all]) => {
        const pairs = all.map(([name, more, value]) => `${name}${more}=${escaped(value)}`)
        return [start, ...pairs].join('&')
      }),
  },
  { weight: 1, arbitrary: hostile(SENT_IN.query) },
)

/** Everything except the parts that are filled in later. */
function escaped(value: string): string {
  return encodeURIComponent(value.toWellFormed()).replace('%7Bstate%7D', '{state}')
}

const cookie = fc
  .array(
    fc.tuple(
      fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom('{session-name}', '{flow-name}') },
        fc.constantFrom(
          'latchkey-3000-last',
          'latchkey-3000-flow-',
          'latchkey-3000-flow-AAAAAAAAAA',
        ),
        hostile(SENT_IN.header).map((name) => `latchkey-3000-flow-${name}`),
      ),
      fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom('{session}', '{flow}', '{session}A', '{flow}A') },
        either(SENT_IN.header, 'bitbucket', '', '.', '{flow}{session}', 'A'.repeat(66)),
      ),
    ),
    { maxLength: 4 },
  )
  .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join('; '))

const JSON_TYPE = 'application/json'
const FORM = 'application/x-www-form-urlencoded'
const OWN = { origin: ORIGIN, cookie: '{session-name}={session}; {flow-name}={flow}' }

/** The headers that a browser sends from a page of the application, some of them replaced. */
const headers = fc
  .tuple(
    fc.constantFrom<Record<string, string>>(
      {},
      { cookie: '{flow-name}={flow}' },
      { ...OWN, 'content-type': JSON_TYPE },
      { ...OWN, 'content-type': FORM },
    ),
    fc.array(
      fc.oneof(
        cookie.map((value) => ['cookie', value]),
        ...Object.entries({
          host: ['localhost:3000', '127.0.0.1:3000', '[::1]', ''],
          origin: [ORIGIN, 'null', 'http://localhost:5173'],
          referer: [`${ORIGIN}/`, 'http://localhost:5173/x'],
          'content-type': [JSON_TYPE, FORM, `${FORM};charset=x`, 'text/plain', ''],
          'sec-fetch-site': ['same-origin', 'same-site', 'cross-site', 'none'],
          'sec-fetch-dest': ['document', 'image'],
          'sec-purpose': ['prefetch;prerender'],
          'x-forwarded-host': ['evil.example'],
          'x-forwarded-proto': ['https'],
          accept: ['text/html'],
        }).map(([name, values]) => {
          return either(SENT_IN.header, ...values).map((value) => [name, value])
        }),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([usual, others]): Record<string, string> => {
    const all = Object.entries<string>({ ...usual, ...Object.fromEntries(others) })
    // The characters that Node accepts in a header.
    return Object.fromEntries(
      all.map(([name, value]) => [name, value.replace(/[^\t\x20-\x7e\x80-\xff]/g, '')]),
    )
  })

const fields = fc.record(
  {
    scope: either(SENT_IN.body, 'local', 'others', 'global'),
    return_to: either(SENT_IN.body, '/work'),
  },
  { requiredKeys: [] },
)

const body = fc.oneof(
  { weight: 2, arbitrary: fields.map((given) => JSON.stringify(given)) },
  { weight: 2, arbitrary: fields.map((given) => new URLSearchParams(given).toString()) },
  fc.json({ stringUnit: 'binary' }),
  hostile(SENT_IN.body),
  fc.constantFrom('', '', '[]', '{"__proto__":{"scope":"global"}}', '{deep}'),
  fc.constant(`{long}${SENT_IN.body}`),
)

const request = fc
  .record({
    method: fc.oneof(
      { weight: 6, arbitrary: fc.constant("the route's own") },
      fc.constantFrom('GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'QUERY'),
    ),
    path,
    query,
    headers,
    body,
  })
  .map(({ method, path, query, headers, body }) => ({
    method: method !== "the route's own" ? method : path === paths().signOut ? 'POST' : 'GET',
    url: `${path}?${query}`,
    headers,
    body,
  }))

interface Answer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** Checks the rules for every response under the prefix, whatever the request was. */
function expectHarmless(answer: Answer): void {
  const { statusCode, headers: said, body: page } = answer
  if (isUnread(answer)) return
  expect(said['cache-control']).toBe('no-store')
  expect(said['x-content-type-options']).toBe('nosniff')
  expect(said['content-security-policy']).toMatch(/^default-src 'none';.*frame-ancestors 'none'/)
  expect(said['referrer-policy']).toBe('same-origin')
  expect(said['cross-origin-resource-policy']).toBe('same-origin')
  expect(said['cross-origin-opener-policy']).toBe('same-origin')
  if (statusCode >= 400 && page !== '') {
    const { code } = JSON.parse(page).error as { code: ErrorCode }
    expect(Object.keys(errorSentences)).toContain(code)
    expect(JSON.parse(page)).toEqual({ error: { code, message: errorSentence(code) } })
    // No request may cause a failure of the server.
    expect(statusCode < 500 || code === 'prefetch_refused').toBe(true)
  }
  const { location, ...others } = said
  if (location !== undefined) expectOwnLocation(String(location))
  expect(JSON.stringify(others).toLowerCase()).not.toContain(MARK)
  const links = [...page.matchAll(LINK)].map(([, link]) => link ?? '')
  for (const link of links) expectOwnPath(link.replaceAll('&amp;', '&').replaceAll('&#39;', "'"))
  const rest = page.replaceAll(LINK, '').replace(/ data-popup="[\w-]{16,64}"/, '')
  expect(rest.toLowerCase()).not.toContain(MARK)
}

/** Returns the URLs that a page links to, or tells its opener to go to. */
const LINK = / (?:href|data-return-to)="([^"]*)"/g

/**
 * Requests that Node or Fastify cannot read get a response before any plugin runs. Fastify repeats what was
 * sent, as JSON, only if the path cannot be decoded.
 */
function isUnread({ statusCode, headers: said, body: page }: Answer): boolean {
  if (said['content-security-policy'] !== undefined) return false
  expect([100, 400, 408, 417, 431]).toContain(statusCode)
  if (page.includes('"FST_ERR_BAD_URL"')) expect(said['content-type']).toBe('application/json')
  else expect(JSON.stringify(said) + page).not.toContain(MARK)
  return true
}

/**
 * Checks that of the whole request only the hint is passed to the provider, as one parameter, and that a safe
 * target comes back.
 */
function expectOwnLocation(location: string): void {
  expect(location).toMatch(/^[\x21-\x7e]+$/)
  const url = new URL(location, `${ORIGIN}/auth/bitbucket/callback`)
  if (url.origin === ORIGIN) {
    expectOwnPath(url.href.slice(ORIGIN.length))
    return
  }
  expect(url.origin + url.pathname).toBe(`${emulator().url}/site/oauth2/authorize`)
  expect(
    [...url.searchParams.keys()].filter((name) => !/^(login_hint|prompt)$/.test(name)),
  ).toEqual([
    'response_type',
    'client_id',
    'redirect_uri',
    'scope',
    'state',
    'code_challenge',
    'code_challenge_method',
  ])
  expect(url.searchParams.getAll('login_hint').length).toBeLessThan(2)
  url.searchParams.delete('login_hint')
  expect(url.href).not.toContain(MARK)
}

function expectOwnPath(path: string): void {
  const url = new URL(path, ORIGIN)
  if (!url.pathname.startsWith('/auth/')) {
    expect(sameOriginPath(path, ORIGIN)).toBe(path)
    return
  }
  for (const target of url.searchParams.getAll('return_to')) {
    expect(sameOriginPath(target, ORIGIN)).toBe(target)
  }
  url.searchParams.delete('return_to')
  for (const popup of url.searchParams.getAll('popup')) expect(popup).toMatch(/^[\w-]{16,64}$/)
  url.searchParams.delete('popup')
  expect(url.href).not.toContain(MARK)
}

/** A signed-in person who is about to sign in again, and their browser's cookies. */
async function fillIn(app: FastifyInstance): Promise<(text: string) => string> {
  const { id } = await app.latchkey.users.create({ name: 'Ada Test' })
  const session = (await app.latchkey.sessions.create(id)).cookie.split('=')
  const start = await app.inject('/auth/bitbucket/start?return_to=/work')
  const flow = String(start.headers['set-cookie']).split(';')[0]?.split('=') ?? []
  const state = new URL(String(start.headers.location)).searchParams.get('state')
  return (text) =>
    text
      .replaceAll('{session-name}', session[0] ?? '')
      .replaceAll('{session}', session[1] ?? '')
      .replaceAll('{flow-name}', flow[0] ?? '')
      .replaceAll('{flow}', flow[1] ?? '')
      .replaceAll('{state}', state ?? '')
      .replaceAll('{deep}', '['.repeat(4000))
      .replaceAll('{long}', MARK.repeat(2000))
}

describe('any request to any path', () => {
  it('gets a documented response, and no part of it is repeated or logged', PATIENT, async () => {
    let [log, logged] = ['', 0]
    const write = (line: string): void => {
      log += line
      logged++
    }
    const app = await buildApp(emulator(), {}, { write })
    await fc.assert(
      fc.asyncProperty(request, async ({ body, ...head }) => {
        const filled = await fillIn(app)
        log = ''
        const { method, url, headers } = JSON.parse(filled(JSON.stringify(head)))
        const payload = method === 'GET' || method === 'HEAD' ? {} : { payload: filled(body) }
        const answer = await app.inject({ method, url, headers, ...payload })
        expectHarmless(answer)
        // A well-formed error code is logged, whoever sent it.
        const rest = log.replace(/the provider reported [a-z_]{1,40}"/, '')
        expect(rest).not.toMatch(new RegExp(`${MARK}[qb]`, 'i'))
        for (const secret of ['{session}', '{flow}', '{state}']) {
          expect(log).not.toContain(filled(secret))
        }
      }),
      tries(2000),
    )
    expect(logged).toBeGreaterThan(0)
  })
})

const noise = fc.oneof(
  { weight: 50, arbitrary: fc.constant('') },
  fc.constantFrom('\r\n', '\n', '\r', '\0', ' ', '\r\n\r\n', '%', '\xff', ':'),
  fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 4 }),
)

/** A request as bytes, sometimes with something in it that does not belong there. */
const spoiltRequest = fc.record({
  request,
  origin: fc.constantFrom('', '', '', 'http://evil.example'),
  version: fc.oneof(
    { weight: 20, arbitrary: fc.constant('1.1') },
    fc.constantFrom('1.0', '2.0', SENT_IN.header),
  ),
  method: fc.oneof(
    { weight: 20, arbitrary: fc.constant(null) },
    fc.constantFrom('PROPFIND', 'CONNECT', 'get', 'QUOKKA'),
  ),
  more: fc.oneof(
    { weight: 8, arbitrary: fc.constant('') },
    fc.constantFrom(
      'expect: 100-continue\r\n',
      `expect: ${SENT_IN.header}\r\n`,
      `upgrade: ${SENT_IN.header}\r\nconnection: upgrade\r\n`,
      'transfer-encoding: chunked\r\n',
      `transfer-encoding: ${SENT_IN.header}\r\n`,
      'content-length: 5\r\n',
      'content-encoding: gzip\r\n',
      `host: ${SENT_IN.header}\r\n`,
      `x: {long}${SENT_IN.header}\r\n`,
    ),
  ),
  noises: fc.tuple(noise, noise, noise, noise),
})

function asBytes(
  spoilt: typeof spoiltRequest extends fc.Arbitrary<infer Spoilt> ? Spoilt : never,
  filled: (text: string) => string,
): string {
  const { request, origin, version, method, more } = spoilt
  const [first, second, third, fourth] = spoilt.noises
  const body = Buffer.from(filled(request.body))
  const lines = Object.entries({
    host: 'localhost:3000',
    'content-length': body.length,
    ...request.headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  const target = `${origin}${request.url}${first}`
  const head = `${method ?? request.method} ${target} HTTP/${version}${second}\r\n${lines.join('')}${more}${third}\r\n`
  return `${filled(head)}${fourth}${body.toString('latin1')}`
}

/**
 * Returns everything that a server sends in response to these bytes until it closes the connection.
 */
async function say(port: number, bytes: string): Promise<Answer[]> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  let said = ''
  socket.on('data', (chunk) => {
    said += chunk
  })
  // A server may close the connection while garbage is still being sent.
  socket.on('error', () => {})
  socket.end(bytes, 'latin1')
  await new Promise((resolve) => socket.on('close', resolve))
  return said === '' ? [] : said.split(/(?=HTTP\/1\.1 \d{3} )/).map(readAnswer)
}

function readAnswer(text: string): Answer {
  const [head = '', body = ''] = text.split('\r\n\r\n', 2)
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const [name = '', value = ''] = line.split(': ', 2)
    const before = headers[name.toLowerCase()]
    headers[name.toLowerCase()] = before === undefined ? value : `${before}, ${value}`
  }
  return { statusCode: Number(statusLine.split(' ')[1]), headers, body }
}

describe('any bytes on a connection', () => {
  it(
    'get a documented response or none, and the next person is served as usual',
    PATIENT,
    async () => {
      const app = await buildApp(emulator())
      await app.listen({ port: 0, host: '127.0.0.1' })
      const { port } = app.server.address() as AddressInfo
      const filled = await fillIn(app)

      await fc.assert(
        fc.asyncProperty(
          fc.array(spoiltRequest, { minLength: 1, maxLength: 3 }),
          async (requests) => {
            const bytes = requests.map((each) => asBytes(each, filled)).join('')
            for (const answer of await say(port, bytes)) expectHarmless(answer)
            const hello =
              'GET /auth/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
            expect(await say(port, hello)).toMatchObject([
              { statusCode: 200, body: '{"user":null,"session":null}' },
            ])
          },
        ),
        tries(1000),
      )
    },
  )
})
