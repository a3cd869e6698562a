import { defaultPeople } from '@latchkey/bitbucket-emulator'
import { errorSentences } from '@latchkey/contract'
import type { FastifyInstance } from 'fastify'
import { describe, expect, it } from 'vitest'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { sendRaw } from '../testing/raw-request.ts'

const emulator = setUpEmulator()
const uuid = defaultPeople[0]?.uuid ?? ''

/**
 * Ends a line in every way, clears a terminal, closes a JSON string, and continues as another line.
 */
const FORGED =
  '\r\n\u2028\u0085{"level":60,"msg":"forged"}\n\u001b[2J\u009b2J","level":60,"forged":"'

/** Every message that Latchkey may log. */
const MESSAGES = [
  'incoming request',
  'request completed',
  'signed in',
  'signed out',
  'sign-in failed',
  'sign-in failed. See docs/reference/errors.md#provider_bad_answer',
  'sign-in failed. See docs/reference/errors.md#provider_refused',
  'sign-in failed. See docs/reference/errors.md#provider_unavailable',
  'sign-in warning. See docs/reference/errors.md#account_data_missing',
  'session cookie refused',
  'request refused',
  'Latchkey: `return_to` is not a page of http://localhost:3000, or is below /auth. The browser returns to `/`. Use a path of your application, such as /reports. See docs/reference/errors.md#return_to_changed',
]
const REASONS = [
  /^(malformed|unknown|wrong secret|expired)$/,
  /^(this browser has no such flow|access denied at the provider|the provider reports the account as inactive|the user is banned|the callback has no code)$/,
  /^the provider reported ([a-z_]{1,40}|\(no error code\))$/,
  /^the token endpoint answered \d{3} ([a-z_]{1,40}|\(no error code\))$/,
  /^the token endpoint answered \d{3} without a token in JSON$/,
  /^the token response (is an error ([a-z_]{1,40}|\(no error code\))|has no usable access_token|is not of type bearer)$/,
  /^GET \/2\.0\/user answered [\w -]+$/,
  /^the profile has no `subject`, which must be a string$/,
  /^the `subject` is not 1 to 255 printable ASCII characters without spaces$/,
  /^the `subject` does not have the form of the provider's ids$/,
  /^Bitbucket did not return the person's e-mail addresses \(GET \/2\.0\/user\/emails (answered [\w -]+|links to a next page outside the list)\)\. The person can sign in, and stored data is kept\. If this lasts, [\w :/.]+$/,
  /^Bitbucket returned an account_status that Latchkey does not know\. The account counts as active\. To refuse it, set `refuseUnknownAccountStatus: true` in bitbucket\(\)\.$/,
]

type Line = Readonly<Record<string, unknown>>

/** Returns the lines that are logged during `act`, and checks that each of them is one of ours. */
async function logOf(
  act: (app: FastifyInstance, browser: Browser) => Promise<void>,
): Promise<Line[]> {
  const written: string[] = []
  const app = await buildApp(emulator(), {}, { write: (line) => void written.push(line) })
  await act(app, createBrowser(app))
  return written.map((text) => {
    expect(text).toMatch(/^[^\p{Cc}\u2028\u2029]+\n$/u)
    expect(text).not.toContain('forged')
    const line = JSON.parse(text) as Line
    expect([10, 20, 30, 40, 50]).toContain(line.level)
    expect(MESSAGES).toContain(line.msg)
    if ('reason' in line) {
      const { reason } = line
      expect(REASONS.filter((pattern) => pattern.test(String(reason)))).toHaveLength(1)
    }
    return line
  })
}

/** Checks the log line of a failed sign-in: it has only the fields that every such line has. */
function failureIn(lines: readonly Line[]): Line | undefined {
  const failures = lines.filter(({ event }) => event === 'sign-in-failed')
  for (const failure of failures) {
    expect(Object.keys(failure).sort()).toEqual([
      'code',
      'event',
      'hostname',
      'level',
      'msg',
      'pid',
      'provider',
      'reason',
      'reqId',
      'time',
    ])
    expect(Object.keys(errorSentences)).toContain(failure.code)
    expect(failure.provider).toBe('bitbucket')
  }
  expect(failures).toHaveLength(1)
  return failures[0]
}

describe('text that forges a log line', () => {
  it.each([
    'user-agent',
    'referer',
    'origin',
    'accept-language',
    'x-forwarded-for',
    'x-forwarded-host',
    'forwarded',
    'x-request-id',
    'request-id',
    'sec-fetch-site',
    'content-type',
  ])('in the header %s is not logged', async (name) => {
    const lines = await logOf(async (app) => {
      for (const [method, url] of [
        ['GET', '/auth/bitbucket/start'],
        ['GET', '/auth/bitbucket/callback?code=x&state=y'],
        ['GET', '/auth/session'],
        ['GET', '/auth/sign-in'],
        ['POST', '/auth/sign-out'],
        ['GET', '/auth/nothing'],
      ] as const) {
        await app.inject({ method, url, headers: { [name]: FORGED }, payload: 'x' })
      }
    })
    expect(lines.filter(({ msg }) => msg === 'request completed')).toHaveLength(6)
  })

  it('in a cookie is not logged', async () => {
    const lines = await logOf(async (app) => {
      for (const name of ['latchkey-3000', 'latchkey-3000-last', 'latchkey-3000-flow-0123456789']) {
        const headers = { cookie: `${name}=${FORGED}` }
        await app.inject({ url: '/auth/session', headers })
        await app.inject({ url: '/auth/bitbucket/start', headers })
      }
    })
    expect(lines).toContainEqual(expect.objectContaining({ reason: 'malformed' }))
  })

  it('in the query or the body is not logged', async () => {
    const forged = encodeURIComponent(FORGED)
    await logOf(async (_app, browser) => {
      await browser.get(`/auth/bitbucket/start?return_to=/${forged}&login_hint=${forged}`)
      await browser.get(`/auth/bitbucket/start?prompt=${forged}&${forged}=1`)
      await browser.get(`/auth/sign-in?auth_error=${forged}&return_to=${forged}`)
      await browser.get(`/auth/bitbucket/callback?code=${forged}&state=${forged}`)
      await browser.get(`/auth/nothing?${forged}`)
      await browser.signIn('ada')
      await browser.post('/auth/sign-out', { scope: FORGED, return_to: FORGED })
    })
  })

  it.each([
    ['error', { error: FORGED }],
    ['error_description', { error: 'invalid_scope', error_description: FORGED, error_uri: FORGED }],
    ['code', { code: FORGED }],
  ])('in the %s parameter of a callback is not logged', async (_where, answer) => {
    const lines = await logOf(async (_app, browser) => {
      const state = String(new URL(await browser.start()).searchParams.get('state'))
      await browser.get(`/auth/bitbucket/callback?${new URLSearchParams({ ...answer, state })}`)
    })
    expect(failureIn(lines)).toMatchObject({ code: 'provider_refused' })
  })

  it.each([
    ['an error', { status: 400, body: { error: FORGED, error_description: FORGED } }],
    ['an error with status 200', { body: { error: FORGED } }],
    ['a token', { body: { access_token: FORGED, token_type: 'bearer' } }],
    ['a token type', { body: { access_token: 'x', token_type: FORGED } }],
    ['a page', { status: 400, headers: { 'content-type': 'text/html' }, body: FORGED }],
  ])('in %s from the token endpoint is not logged', async (_what, answer) => {
    const lines = await logOf(async (_app, browser) => {
      emulator().answerNext('POST /site/oauth2/access_token', answer)
      await browser.signIn('ada')
    })
    expect(failureIn(lines)?.level).toBe(40)
  })

  it.each([
    ['a uuid', { uuid: FORGED }],
    ['a type', { uuid, type: FORGED }],
  ])('in %s of a profile is not logged', async (_what, body) => {
    const lines = await logOf(async (_app, browser) => {
      emulator().answerNext('GET /2.0/user', { body })
      await browser.signIn('ada')
    })
    expect(failureIn(lines)).toBeDefined()
  })

  it('does not log control characters from account_status', async () => {
    const lines = await logOf(async (_app, browser) => {
      emulator().answerNext('GET /2.0/user', { body: { uuid, account_status: FORGED } })
      await browser.signIn('ada')
    })
    expect(lines.filter(({ event }) => event === 'sign-in-warning')).toHaveLength(1)
    expect(lines.filter(({ event }) => event === 'sign-in')).toHaveLength(1)
  })

  it('in a name or an address is not logged, and the person is signed in', async () => {
    const lines = await logOf(async (_app, browser) => {
      const text = { display_name: FORGED, nickname: FORGED, account_id: FORGED }
      emulator().answerNext('GET /2.0/user', { body: { uuid, ...text } })
      emulator().answerNext('GET /2.0/user/emails', {
        body: { values: [{ email: FORGED, is_primary: true, is_confirmed: true }] },
      })
      await browser.signIn('ada')
    })
    expect(lines.find(({ event }) => event === 'sign-in')).toEqual({
      ...Object.fromEntries(
        ['level', 'time', 'pid', 'hostname', 'reqId'].map((key) => [key, expect.anything()]),
      ),
      event: 'sign-in',
      provider: 'bitbucket',
      userId: expect.stringMatching(/^[\da-f-]{36}$/),
      newUser: true,
      msg: 'signed in',
    })
  })

  it('in the URL of a next page is not logged', async () => {
    const lines = await logOf(async (_app, browser) => {
      const next = `${emulator().url}/2.0/user/emails/forged%0a?${FORGED}`
      emulator().answerNext('GET /2.0/user/emails', { body: { values: [], next } })
      emulator().answerNext('GET /2.0/user/emails/{email}', { status: 503 })
      await browser.signIn('ada')
    })
    expect(lines.filter(({ event }) => event === 'sign-in-warning')).toHaveLength(1)
    expect(lines.filter(({ event }) => event === 'sign-in')).toHaveLength(1)
  })
})

describe('bytes on the wire that are not text', () => {
  it('still result in a single log line', async () => {
    const written: string[] = []
    const app = await buildApp(emulator(), {}, { write: (line) => void written.push(line) })
    for (const request of [
      'GET /auth/session HTTP/1.1\r\nHost: \x85\x9b2J\xff"}\r\nUser-Agent: \x85\x9b2J\xff',
      'GET /auth/%0d%0a%1b%5b2J%e2%80%a8"}{?%0a HTTP/1.1\r\nHost: localhost',
      'GET /auth/\x1b[2J HTTP/1.1\r\nHost: localhost',
      'GET /auth/session HTTP/1.1\r\nHost: localhost\r\nUser-Agent: \x1b[2J',
      'GET /auth/session HTTP/1.1\nHost: localhost\n{"level":60}',
    ]) {
      await sendRaw(app, [request])
    }
    expect(written.length).toBeGreaterThan(8)
    for (const line of written) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the test searches for control characters
      expect(line).toMatch(/^[^\x00-\x1f\x7f]+\n$/)
      expect(JSON.parse(line).level).toBeLessThan(60)
    }
  })
})
