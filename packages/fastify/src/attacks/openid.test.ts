import { randomBytes } from 'node:crypto'
import { base64url, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defineProvider, type LatchkeyOptions, oidc, read } from '../index.ts'
import { buildApp } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { type HostileOpenId, startHostileOpenId } from '../testing/hostile-openid.ts'

const NO_EMULATOR = { url: 'http://127.0.0.1:9' }
const SECRET = 'a-secret-of-the-client-that-is-long-enough'
const BAD_ANSWER = '/auth/sign-in?auth_error=provider_bad_answer'
const UNAVAILABLE = '/auth/sign-in?auth_error=provider_unavailable'
const DISCOVERY = '/.well-known/openid-configuration'
const HOUR = 60 * 60 * 1000

let hostile: HostileOpenId

beforeEach(async () => {
  hostile = await startHostileOpenId()
})
afterEach(() => hostile.close())

function build(options: LatchkeyOptions = {}, log: string[] = []): ReturnType<typeof buildApp> {
  const { issuer, clientId } = hostile
  const provider = oidc({ id: 'acme', name: 'Acme', issuer, clientId, clientSecret: SECRET })
  const logTo = { write: (line: string) => void log.push(line) }
  return buildApp(NO_EMULATOR, { providers: [provider], ...options }, logTo)
}

/** Signs in at a new application, and returns where the callback redirects. */
async function outcome(added?: string, options?: LatchkeyOptions): Promise<string> {
  const { headers } = await hostile.signIn(createBrowser(await build(options)), added)
  return String(headers.location)
}

it('signs in if nothing is wrong', async () => {
  expect(await outcome()).toBe('/')
})

describe('the callback of another issuer (RFC 9207)', () => {
  const iss = (value: string): string => `&iss=${encodeURIComponent(value)}`

  it.each([
    ['another issuer', () => iss('https://evil.example')],
    ['a trailing slash', () => iss(`${hostile.issuer}/`)],
    ['capital letters', () => iss(hostile.issuer.toUpperCase())],
    ['an encoded slash', () => `&iss=${hostile.issuer.replace('//', '%252F%252F')}`],
    ['the issuer twice', () => iss(hostile.issuer) + iss(hostile.issuer)],
    ['an empty issuer', () => '&iss='],
  ])('is rejected with %s, before the code is sent', async (_what, added) => {
    expect(await outcome(added())).toBe(BAD_ANSWER)
    expect(hostile.requests).not.toContain('POST /token')
  })

  it('is rejected without an issuer if the provider announces one', async () => {
    hostile.document.authorization_response_iss_parameter_supported = true
    expect(await outcome()).toBe(BAD_ANSWER)
    expect(hostile.requests).not.toContain('POST /token')
    expect(await outcome(iss(hostile.issuer))).toBe('/')
  })

  it('is rejected if it reports an error', async () => {
    const app = await build()
    const browser = createBrowser(app)
    const started = await browser.get('/auth/acme/start')
    const state = new URL(String(started.headers.location)).searchParams.get('state')
    const path = `/auth/acme/callback?error=access_denied&state=${state}${iss('https://evil.example')}`
    expect((await browser.get(path)).headers.location).toBe(BAD_ANSWER)
  })
})

describe('an ID token', () => {
  const claims = (added: object) => (given: JWTPayload) => hostile.sign({ ...given, ...added })
  const without = (name: string) => (given: JWTPayload) => {
    const { [name]: _omitted, ...rest } = given
    return hostile.sign(rest)
  }
  const now = Math.floor(Date.now() / 1000)

  it.each<[string, (given: JWTPayload) => string | Promise<string>]>([
    ['without a nonce', without('nonce')],
    ['with the nonce of another flow', claims({ nonce: 'x'.repeat(43) })],
    ['for another client', claims({ aud: 'another-client' })],
    ['for two clients without azp', claims({ aud: ['latchkey-test', 'another-client'] })],
    [
      'for two clients with the azp of the other',
      claims({ aud: ['latchkey-test', 'another-client'], azp: 'another-client' }),
    ],
    ['with the azp of another client', claims({ azp: 'another-client' })],
    ['without an audience', without('aud')],
    ['of another issuer', claims({ iss: 'https://evil.example' })],
    ['of the issuer with a trailing slash', (given) => claims({ iss: `${given.iss}/` })(given)],
    ['without an issuer', without('iss')],
    ['without a subject', without('sub')],
    ['with a subject that is a number', claims({ sub: 1 })],
    ['that expired an hour ago', claims({ exp: now - 3600, iat: now - 7200 })],
    ['without exp', without('exp')],
    ['without iat', without('iat')],
    ['from the future', claims({ iat: now + 3600, exp: now + 7200 })],
    ['that is not valid yet', claims({ nbf: now + 3600 })],
    ['with times as texts', claims({ exp: String(now + 60) })],
    [
      'with an infinite exp',
      async (given) => {
        const [header, , signature] = (await hostile.sign(given)).split('.')
        const text = JSON.stringify(given).replace(/"exp":\d+/, '"exp":1e400')
        return `${header}.${base64url.encode(text)}.${signature}`
      },
    ],
    ['of an hour ago', claims({ iat: now - 3600 })],
    ['with alg none', (given) => unsigned(given, 'none')],
    ['with alg nOnE', (given) => unsigned(given, 'nOnE')],
    [
      'signed with the public key as an HMAC secret',
      (given) =>
        new SignJWT(given)
          .setProtectedHeader({ alg: 'HS256', kid: 'first' })
          .sign(new TextEncoder().encode(hostile.publicPem)),
    ],
    [
      'signed with the client secret',
      (given) =>
        new SignJWT(given)
          .setProtectedHeader({ alg: 'HS256' })
          .sign(new TextEncoder().encode(SECRET)),
    ],
    [
      'with ES256 and the id of the RSA key',
      async (given) => {
        const { privateKey } = await generateKeyPair('ES256')
        return new SignJWT(given)
          .setProtectedHeader({ alg: 'ES256', kid: 'first' })
          .sign(privateKey)
      },
    ],
    ['without a signature', async (given) => (await hostile.sign(given)).replace(/[^.]+$/, '')],
    [
      'with another signature',
      async (given) =>
        (await hostile.sign(given)).replace(/[^.]+$/, (text) =>
          base64url.encode(randomBytes(256)).slice(0, text.length),
        ),
    ],
    [
      'with an unknown critical header',
      async (given) => {
        const token = await hostile.sign(given)
        const [, payload, signature] = token.split('.')
        const header = { alg: 'RS256', kid: 'first', crit: ['unknown'], unknown: true }
        return `${base64url.encode(JSON.stringify(header))}.${payload}.${signature}`
      },
    ],
    ['with a header of 100 kB', (given) => hostile.sign(given, { padding: 'x'.repeat(100_000) })],
    ['with an unknown key', (given) => hostile.sign(given, { kid: 'unknown' })],
    ['that is not a token', () => 'not a token'],
    ['that is empty', () => ''],
  ])('%s is rejected', async (_what, idToken) => {
    hostile.idToken = idToken
    expect(await outcome()).toBe(BAD_ANSWER)
    expect(hostile.requests).not.toContain('GET /userinfo')
  })

  it('with a key in its header is checked with the published keys, and nothing is requested', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
    const jwk = await exportJWK(publicKey)
    const there = `${hostile.issuer}/evil-keys`
    hostile.idToken = (given) =>
      new SignJWT(given)
        .setProtectedHeader({ alg: 'RS256', kid: 'first', jwk, jku: there, x5u: there })
        .sign(privateKey)
    expect(await outcome()).toBe(BAD_ANSWER)
    expect(hostile.requests).not.toContain('GET /evil-keys')
  })

  it('without a key id is rejected if two keys could have signed it', async () => {
    const { publicKey } = await generateKeyPair('RS256', { extractable: true })
    hostile.keys.push({ ...(await exportJWK(publicKey)), kid: 'second', alg: 'RS256' })
    hostile.idToken = async (given) => hostile.sign(given, { kid: undefined })
    expect(await outcome()).toBe(BAD_ANSWER)
  })

  it('of an earlier flow is rejected', async () => {
    const app = await build()
    let first: string | undefined
    hostile.idToken = async (given) => {
      first ??= await hostile.sign(given)
      return first
    }
    expect((await hostile.signIn(createBrowser(app))).headers.location).toBe('/')
    expect((await hostile.signIn(createBrowser(app))).headers.location).toBe(BAD_ANSWER)
  })

  it('with an unknown key causes one request for the keys in each cool-down', async () => {
    let now = Date.now()
    const app = await build({ clock: () => now })
    hostile.idToken = (given) => hostile.sign(given, { kid: randomBytes(8).toString('hex') })
    for (let time = 0; time < 20; time++) {
      expect((await hostile.signIn(createBrowser(app))).headers.location).toBe(BAD_ANSWER)
    }
    const count = (): number => hostile.requests.filter((one) => one === 'GET /keys').length
    expect(count()).toBe(1)
    now += 31_000
    for (let time = 0; time < 20; time++) await hostile.signIn(createBrowser(app))
    expect(count()).toBe(2)
  })
})

describe('a published key with an issuer', () => {
  const TENANT = '9122040d-6c67-4c5b-b112-36a304b66dad'
  const ANOTHER = '9188040d-6c67-4c5b-b112-36a304b66dad'

  it.each<[string, () => unknown, string]>([
    ['verifies a token of its issuer', () => hostile.issuer, '/'],
    ['rejects a token of another issuer', () => 'https://id.example.com', BAD_ANSWER],
    ['rejects a token if it has a trailing slash', () => `${hostile.issuer}/`, BAD_ANSWER],
    ['rejects a token if it is empty', () => '', BAD_ANSWER],
    ['rejects a token if it is null', () => null, BAD_ANSWER],
    ['rejects a token if it is an array', () => [hostile.issuer], BAD_ANSWER],
  ])('%s', async (_what, issuer, expected) => {
    hostile.keys = [{ ...hostile.keys[0], issuer: issuer() } as JWK]
    expect(await outcome()).toBe(expected)
  })

  /** Signs in at a provider with many tenants, which share one discovery document and its keys. */
  async function outcomeOf(claims: object, ...issuers: string[]): Promise<string> {
    const { clientId } = hostile
    const origin = hostile.issuer
    hostile.document.issuer = `${origin}/{tenantid}/v2.0`
    hostile.keys = issuers.map((issuer) => ({ ...hostile.keys[0], issuer }) as JWK)
    hostile.idToken = (given) => hostile.sign({ ...given, ...claims })
    const provider = defineProvider({
      id: 'acme',
      name: 'Acme',
      clientId,
      clientSecret: SECRET,
      openid: {
        issuer: `${origin}/{tenantid}/v2.0`,
        metadata: `${origin}${DISCOVERY}`,
        isIssuer: (iss, { tid }) => iss === `${origin}/${tid}/v2.0`,
      },
      scope: ['openid'],
      vouchesForEmail: false,
      profile: ({ claims }) => ({ subject: read.id(claims.sub) }),
    })
    return outcome(undefined, { providers: [provider] })
  }

  const issuerOf = (tenant: string): string => `${hostile.issuer}/${tenant}/v2.0`

  it.each<[string, string, string]>([
    ['verifies a token of its tenant', TENANT, '/'],
    ['verifies a token of any tenant if it is a template', '{tenantid}', '/'],
    ['rejects a token of another tenant', ANOTHER, BAD_ANSWER],
  ])('%s', async (_what, tenant, expected) => {
    const claims = { iss: issuerOf(TENANT), tid: TENANT }
    expect(await outcomeOf(claims, issuerOf(tenant))).toBe(expected)
  })

  it.each<[string, object]>([
    ['without a tenant', {}],
    ['with a tenant that is an array', { tid: [TENANT] }],
    ['with a replacement pattern as its tenant', { tid: '$&' }],
  ])('rejects a token %s if it is a template', async (_what, claims) => {
    const iss = issuerOf(TENANT)
    expect(await outcomeOf({ iss, ...claims }, issuerOf('{tenantid}'))).toBe(BAD_ANSWER)
  })

  it('does not hide the key with the same id of the right tenant', async () => {
    const claims = { iss: issuerOf(TENANT), tid: TENANT }
    expect(await outcomeOf(claims, issuerOf(ANOTHER), issuerOf(TENANT))).toBe('/')
  })
})

describe('UserInfo', () => {
  it('about another person is rejected', async () => {
    hostile.userInfo.sub = 'eve'
    expect(await outcome()).toBe(BAD_ANSWER)
  })

  it('without a subject is rejected', async () => {
    delete hostile.userInfo.sub
    expect(await outcome()).toBe(BAD_ANSWER)
  })

  it('does not replace what the ID token says', async () => {
    hostile.idToken = (given) => hostile.sign({ ...given, name: 'Signed Test' })
    const app = await build()
    const browser = createBrowser(app)
    await hostile.signIn(browser)
    const { user } = (await browser.get('/auth/session')).json()
    expect(user).toMatchObject({ name: 'Signed Test', email: 'ada@example.com' })
  })

  it.each([
    ['an outage', (status: number) => status, 503],
    ['a refusal', (status: number) => status, 403],
  ])('that is missing because of %s does not end the sign-in', async (_what, _of, status) => {
    hostile.instead.set('/userinfo', (_request, response) => response.writeHead(status).end())
    const log: string[] = []
    const { headers } = await hostile.signIn(createBrowser(await build({}, log)))
    expect(headers.location).toBe('/')
    expect(log.join('')).toContain('Acme did not return UserInfo')
  })
})

describe('a discovery document', () => {
  const changed = (added: object) => () => void Object.assign(hostile.document, added)

  it.each<[string, string, () => void]>([
    ['that names another issuer', BAD_ANSWER, changed({ issuer: 'https://evil.example' })],
    ['without an issuer', BAD_ANSWER, changed({ issuer: undefined })],
    [
      'with a token endpoint over http',
      BAD_ANSWER,
      changed({ token_endpoint: 'http://evil.example/t' }),
    ],
    [
      'with keys at the metadata service of a cloud',
      BAD_ANSWER,
      changed({ jwks_uri: 'http://169.254.169.254/keys' }),
    ],
    ['with an endpoint that is a file', BAD_ANSWER, changed({ jwks_uri: 'file:///etc/passwd' })],
    [
      'with a fragment in an endpoint',
      BAD_ANSWER,
      () => changed({ authorization_endpoint: `${hostile.issuer}/authorize#x` })(),
    ],
    ['without keys', BAD_ANSWER, changed({ jwks_uri: undefined })],
    [
      'that is not JSON',
      BAD_ANSWER,
      () => hostile.instead.set(DISCOVERY, (_request, response) => response.end('<html>')),
    ],
    [
      'that is a redirect',
      BAD_ANSWER,
      () =>
        hostile.instead.set(DISCOVERY, (_request, response) =>
          response.writeHead(302, { location: `${hostile.issuer}/elsewhere` }).end(),
        ),
    ],
    [
      'of 5 MB',
      BAD_ANSWER,
      () =>
        hostile.instead.set(DISCOVERY, (_request, response) => {
          response.writeHead(200, { 'content-length': 5_000_000 }).write('x'.repeat(300_000))
        }),
    ],
    [
      'that answers 500',
      UNAVAILABLE,
      () =>
        hostile.instead.set(DISCOVERY, (_request, response) =>
          response.writeHead(500).end(JSON.stringify(hostile.document)),
        ),
    ],
    ['that never arrives', UNAVAILABLE, () => hostile.instead.set(DISCOVERY, () => {})],
  ])('%s ends the start with %s, without a flow', async (what, target, prepare) => {
    prepare()
    // On a busy machine, even a good response may take longer than the short time limit.
    const app = await build(what === 'that never arrives' ? { providerTimeout: 300 } : {})
    const browser = createBrowser(app)
    const started = await browser.get('/auth/acme/start')
    expect(started.headers.location).toBe(target)
    expect(browser.cookies()).toBe('')
    expect(hostile.requests).not.toContain('GET /elsewhere')
  })

  it('that failed is requested again at the next click', async () => {
    hostile.instead.set(DISCOVERY, (_request, response) => response.writeHead(503).end())
    const browser = createBrowser(await build())
    expect((await hostile.signIn(browser)).headers.location).toBe(UNAVAILABLE)
    hostile.instead.clear()
    expect((await hostile.signIn(browser)).headers.location).toBe('/')
  })

  it('is requested once by many sign-ins', async () => {
    const browser = createBrowser(await build())
    await Promise.all(Array.from({ length: 10 }, () => browser.get('/auth/acme/start')))
    expect(hostile.requests.filter((one) => one === `GET ${DISCOVERY}`)).toHaveLength(1)
  })

  it.each([
    ['moves an endpoint to another host', { token_endpoint: 'https://evil.example/token' }],
    ['moves an endpoint to http', { token_endpoint: 'http://evil.example/token' }],
    ['moves the keys to a local address', { jwks_uri: 'https://169.254.169.254/keys' }],
    ['names another issuer', { issuer: 'https://evil.example' }],
  ])('that %s later is not followed, and a warning is logged', async (_what, change) => {
    let now = Date.now()
    const log: string[] = []
    hostile.clock = () => now
    const app = await build({ clock: hostile.clock }, log)
    expect((await hostile.signIn(createBrowser(app))).headers.location).toBe('/')
    Object.assign(hostile.document, change)
    now += 2 * HOUR
    await hostile.signIn(createBrowser(app))
    await expect.poll(() => log.join('')).toContain('"event":"discovery-failed"')
    expect((await hostile.signIn(createBrowser(app))).headers.location).toBe('/')
  })
})

it('no route accepts a token from the browser, and back-channel logout is not offered', async () => {
  const app = await build()
  const now = Math.floor(Date.now() / 1000)
  const token = await hostile.sign({
    iss: hostile.issuer,
    aud: hostile.clientId,
    sub: 'ada',
    iat: now,
  })
  for (const path of ['backchannel-logout', 'acme/backchannel-logout', 'acme/token', 'token']) {
    const answer = await app.inject({
      method: 'POST',
      url: `/auth/${path}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ logout_token: token, id_token: token }).toString(),
    })
    expect(answer.statusCode).toBe(404)
  }
  const headers = { authorization: `Bearer ${token}` }
  expect((await app.inject({ url: '/api/me', headers })).statusCode).toBe(401)
})

function unsigned(claims: JWTPayload, alg: string): string {
  const [header, payload] = [{ alg, kid: 'first' }, claims].map((part) =>
    base64url.encode(JSON.stringify(part)),
  )
  return `${header}.${payload}.`
}
