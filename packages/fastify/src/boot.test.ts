import { execFile } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import latchkey, {
  type Auth,
  bitbucket,
  github,
  type LatchkeyOptions,
  type RequestAuth,
} from './index.ts'
import { postgres } from './store/postgres.ts'
import { sqlite } from './store/sqlite.ts'
import { SECRET, setUpEmulator } from './testing/app.ts'
import { createBrowser } from './testing/browser.ts'

const emulator = setUpEmulator()
const apps: FastifyInstance[] = []

function fastify(lines?: string[]): FastifyInstance {
  const stream = { write: (line: string) => void lines?.push(line) }
  const app = lines === undefined ? Fastify() : Fastify({ logger: { level: 'info', stream } })
  apps.push(app)
  return app
}

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()))
  vi.unstubAllEnvs()
})

const production = (): LatchkeyOptions => ({
  origin: 'https://app.example.com',
  secret: SECRET,
  providers: [bitbucket({ clientId: 'an-id', clientSecret: 'a-client-secret' })],
  store: sqlite(':memory:'),
})

const run = promisify(execFile)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function refusal(options: object): Promise<{ code: string; message: string }> {
  try {
    await fastify().register(latchkey, options)
  } catch (error) {
    return error as { code: string; message: string }
  }
  throw new Error('the plugin was registered')
}

describe('in production', () => {
  beforeEach(() => vi.stubEnv('NODE_ENV', 'production'))

  it('boots with the four required options', async () => {
    const app = fastify()
    await app.register(latchkey, production())
    const answer = await app.inject('/auth/bitbucket/start')
    expect(answer.headers.location).toMatch(/^https:\/\/bitbucket\.org\/site\/oauth2\/authorize\?/)
  })

  it.each(['origin', 'secret', 'providers', 'store'] as const)(
    'refuses to boot without %s, and says how to set it',
    async (name) => {
      const { [name]: _left, ...rest } = production()
      const { code, message } = await refusal(rest)
      expect(code).toBe('LATCHKEY_OPTION_MISSING')
      expect(message).toMatch(new RegExp(`^Option \`${name}\` is missing. It is only optional in`))
    },
  )

  it('is the mode for any other NODE_ENV, and for an origin beyond loopback if NODE_ENV is not set', async () => {
    for (const environment of ['staging', 'prod', '']) {
      vi.stubEnv('NODE_ENV', environment)
      const { message } = await refusal({ origin: 'https://app.example.com' })
      expect(message).toContain('Option `secret` is missing')
    }
  })

  it('rejects http, even on loopback', async () => {
    const { message } = await refusal({ ...production(), origin: 'http://localhost:3000' })
    expect(message).toBe(
      'Option `origin` must be https in production. Use http only on loopback in development. See docs/reference/errors.md#latchkey_option_invalid',
    )
  })

  it('rejects an emulator', async () => {
    const providers = [bitbucket({ emulatorUrl: 'http://127.0.0.1:4020' })]
    const { message } = await refusal({ ...production(), providers })
    expect(message).toContain(
      'Provider `bitbucket`: a URL points to this machine, as an emulator does, and an emulator signs anyone in',
    )
  })
})

describe('an invalid option', () => {
  it.each([
    [{ origin: 'app.example.com' }, '`origin` must begin with a scheme'],
    [{ origin: 'localhost:3000' }, '`origin` must begin with a scheme, such as https://'],
    [
      { origin: 'https://app.example.com/app' },
      '`origin` must contain only scheme, host and port, such as https://app.example.com. If a proxy strips part of the path, set `basePath` to the path of the routes in the browser.',
    ],
    [
      { basePath: '/api/auth/' },
      '`basePath` must be a path such as /auth, without a trailing slash',
    ],
    [{ basePath: 'https://app.example.com/auth' }, '`basePath` must be a path such as /auth'],
    [{ decorators: 'auth' }, '`decorators` must be an object'],
    [{ decorators: { auth: 'a b' } }, '`decorators.auth` must consist of letters, digits,'],
    [
      { decorators: { auth: 'x', getAuth: 'x' } },
      '`decorators` must contain different names for `auth` and `getAuth`',
    ],
    [
      { decorators: { getauth: 'x' } },
      'There is no option `decorators.getauth`. Did you mean `getAuth`?',
    ],
    [
      { session: { lifeTime: 1 } },
      'There is no option `session.lifeTime`. Did you mean `lifetime`?',
    ],
    [{ provider: [] }, 'There is no option `provider`. Did you mean `providers`?'],
    [{ cookie_name: 'acme' }, 'There is no option `cookie_name`. Did you mean `cookieName`?'],
    [{ database: 'x' }, 'There is no option `database`. The options are origin,'],
    [
      { providerTimeout: 10 },
      '`providerTimeout` is in milliseconds, from 100 to 60000. This looks like seconds: multiply it by 1000.',
    ],
    [{ session: { lifetime: 3600 } }, 'This looks like seconds: multiply it by 1000.'],
    [{ session: { lifetime: 30 * 86_400 } }, 'This looks like seconds: multiply it by 1000.'],
    [{ session: { idleTimeout: 604_800 } }, 'This looks like seconds: multiply it by 1000.'],
    [
      { origin: 'https://user:pw@app.example.com' },
      '`origin` must contain only scheme, host and port',
    ],
    [{ origin: 'http://app.example.com' }, '`origin` must be https'],
    [{ origin: 'ftp://app.example.com' }, '`origin` must be'],
    [{ secret: 'short' }, '`secret` must have at least 32 characters'],
    [{ secret: '' }, '`secret` must have at least 32 characters'],
    [{ secret: [] }, '`secret` must have at least 32 characters'],
    [{ secret: [SECRET, undefined] }, '`secret[1]` is missing. Set its environment variable.'],
    [
      { clock: 'Date.now' },
      '`clock` must be a function that returns whole milliseconds since 1970',
    ],
    [{ clock: () => Math.floor(Date.now() / 1000) }, '`clock` must be a function'],
    [{ clock: () => performance.now() }, '`clock` must be a function'],
    [{ clock: () => Date.now() + 0.5 }, '`clock` must be a function'],
    [{ clock: () => new Date() }, '`clock` must be a function'],
    [{ clock: () => Number.NaN }, '`clock` must be a function'],
    [{ secret: 'a'.repeat(64) }, '`secret` repeats itself'],
    [{ secret: 'password'.repeat(8) }, '`secret` repeats itself'],
    [{ providers: [] }, '`providers` must be an array with at least one provider'],
    [{ providers: [{}] }, '`providers` must contain only providers'],
    [{ providers: 'bitbucket' }, '`providers` must be an array'],
    [{ store: {} }, '`store` must be a store'],
    [{ prefix: '/' }, '`prefix` must be a path such as /auth'],
    [{ prefix: 'auth' }, '`prefix` must be a path such as /auth'],
    [{ prefix: '/auth/' }, '`prefix` must be a path such as /auth'],
    [{ prefix: '/:any' }, '`prefix` must be a path such as /auth'],
    [{ signInPath: 'https://evil.example' }, '`signInPath` must be a path of this application'],
    [{ signInPath: '//evil.example' }, '`signInPath` must be a path of this application'],
    [{ providerTimeout: 0 }, '`providerTimeout` must be a whole number of milliseconds'],
    [{ providerTimeout: Number.NaN }, '`providerTimeout` must be a whole number'],
    [{ providerConcurrency: 0 }, '`providerConcurrency` must be a whole number from 1 to 10000'],
    [{ providerConcurrency: 10_001 }, '`providerConcurrency` must be a whole number from 1'],
    [{ providerConcurrency: 1.5 }, '`providerConcurrency` must be a whole number from 1 to 10000'],
    [{ providerConcurrency: '100' }, '`providerConcurrency` must be a whole number from 1'],
    [{ cookieName: 'ac me' }, '`cookieName` must be 1 to 64 letters, digits, - or _'],
    [
      { orgin: 'https://app.example.com' },
      'There is no option `orgin`. Did you mean `origin`? The options are origin, secret',
    ],
  ])('%o is rejected at boot, with the name of the option', async (option, message) => {
    const answer = await refusal({ ...production(), ...option })
    expect(answer.code).toMatch(/^LATCHKEY_OPTION_(INVALID|UNKNOWN)$/)
    expect(answer.message).toContain(message)
  })

  it('does not appear in the message if it is a secret', async () => {
    const secret = 'canary-canary-canary-canary-canary'
    const answer = await refusal({ ...production(), secret: `${secret}` })
    expect(answer.message).not.toContain('canary')
    const clientSecret = 'kX2v9QwLr7TzB4mN8sYcJ1hGfD6pEaUo'
    const same = await refusal({
      ...production(),
      secret: clientSecret,
      providers: [bitbucket({ clientId: 'an-id', clientSecret })],
    })
    expect(same.message).toContain('`secret` must not be the client secret of `bitbucket`')
    expect(same.message).not.toContain(clientSecret)
  })

  it.each(['clientId', 'clientSecret'] as const)(
    'a %s with a line break from a file is rejected without repeating it',
    async (name) => {
      const credentials = { clientId: 'an-id', clientSecret: 'a-client-secret', [name]: 'canary\n' }
      const answer = await refusal({ ...production(), providers: [bitbucket(credentials)] })
      expect(answer.code).toBe('LATCHKEY_OPTION_INVALID')
      expect(answer.message).toContain(
        `Provider \`bitbucket\`: \`${name}\` must be printable ASCII without spaces`,
      )
      expect(answer.message).not.toContain('canary')
    },
  )

  it('is treated as missing if it is null, as JavaScript callers may pass', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    for (const name of ['origin', 'secret', 'providers', 'store']) {
      const { message } = await refusal({ ...production(), [name]: null })
      expect(message).toContain(`Option \`${name}\` is missing`)
    }
    const { message } = await refusal({ ...production(), providers: [bitbucket()] })
    expect(message).toContain('Provider `bitbucket`: `clientId` is missing')
  })

  it('does not include a secret of 32 hexadecimal digits', async () => {
    const app = fastify()
    await app.register(latchkey, { ...production(), secret: '0f1e2d3c4b5a69788796a5b4c3d2e1f0' })
    await app.ready()
  })

  it.each(['session', 'providers', 'sign-in', 'sign-out', 'identities', 'sessions', 'user'])(
    'a provider cannot have the id %s, which is a route',
    async (id) => {
      const providers = [bitbucket({ id, clientId: 'a', clientSecret: 'b' })]
      const { message } = await refusal({ ...production(), providers })
      expect(message).toContain(`Provider \`${id}\`: this id is reserved`)
    },
  )

  it('two providers cannot share an id, and an id must be a path segment', async () => {
    const one = { clientId: 'a', clientSecret: 'b' }
    const twice = await refusal({ ...production(), providers: [bitbucket(one), bitbucket(one)] })
    expect(twice.message).toContain('Two providers share the id `bitbucket`')
    expect(() => bitbucket({ ...one, id: '../x' })).toThrow(
      'contains an invalid id. An id starts with a lowercase letter',
    )
  })

  it.each([
    ['clientId', { clientId: undefined, clientSecret: 'x' }],
    ['clientSecret', { clientId: 'x', clientSecret: '' }],
  ])('a missing %s of a provider is reported, also in development', async (name, credentials) => {
    const { message } = await refusal({ providers: [bitbucket(credentials)] })
    expect(message).toContain(
      `Provider \`bitbucket\`: \`${name}\` is missing. Set BITBUCKET_CLIENT_ID and BITBUCKET_CLIENT_SECRET`,
    )
  })

  it('bitbucket() reports an emulatorUrl beyond loopback', () => {
    for (const emulatorUrl of [
      'http://10.0.0.1:4020',
      'https://bitbucket.org',
      'localhost:4020',
      'http://127.0.0.1:4020/x',
      'http://127.0.0.1.evil.example',
    ]) {
      expect(() => bitbucket({ emulatorUrl })).toThrow(/`emulatorUrl` must be a loopback URL/)
    }
  })

  it('sqlite() reports a missing file, and open() an unusable one', async () => {
    expect(() => sqlite(undefined)).toThrow(/the file is missing/)
    const answer = await refusal({ ...production(), store: sqlite('/dev/null/latchkey.db') })
    expect(answer.code).toBe('LATCHKEY_STORE_UNUSABLE')
    expect(answer.message).toContain('/dev/null/latchkey.db cannot be used as a database')
  })
})

describe('a time in milliseconds', () => {
  const minute = 60_000
  it.each([5, 7, 10, 30, 36, 60, 90, 12 * 60, 24 * 60, 7 * 24 * 60])(
    'can be %i minutes',
    async (minutes) => {
      const app = fastify()
      const session = { lifetime: 400 * 24 * 60 * minute, idleTimeout: minutes * minute }
      await app.register(latchkey, { ...production(), session })
      await app.ready()
    },
  )

  it('of postgres() that looks like seconds causes a warning', async () => {
    const warnings: string[] = []
    const listen = ({ name, message }: Error): void => {
      if (name === 'LatchkeyWarning') warnings.push(message)
    }
    process.on('warning', listen)
    postgres('postgres://localhost/x', { timeout: 5, maxStaleness: 100 })
    await setImmediate()
    process.off('warning', listen)
    expect(warnings).toEqual([
      'postgres(): `timeout` is in milliseconds, and this looks like seconds. Multiply it by 1000. See docs/reference/errors.md#looks_like_seconds',
    ])
  })
})

describe('an unknown option of bitbucket() or postgres()', () => {
  it('is rejected with a suggestion', () => {
    expect(() => bitbucket({ clientID: 'x' } as object)).toThrow(
      'bitbucket(): there is no option `clientID`. Did you mean `clientId`? The options are clientId,',
    )
    expect(() => postgres('postgres://localhost/x', { maxConnection: 1 } as object)).toThrow(
      'postgres(): there is no option `maxConnection`. Did you mean `maxConnections`?',
    )
  })
})

describe('a secret that is a placeholder', () => {
  it.each([
    'please-change-me-to-something-random-32',
    'CHANGE_THIS_TO_A_LONG_RANDOM_STRING_NOW',
    'your-secret-key-at-least-32-characters-long',
    'replace-with-the-output-of-openssl-rand',
    'thisisaverylongsecretthatnobodyknows',
    'an-example-of-a-key-with-32-characters',
    'my-super-password-that-is-long-enough-1',
    'abcdefghijklmnopqrstuvwxyz0123456789',
    '0123456789abcdefghijklmnopqrstuv',
    'changeme1changeme2changeme3changeme4',
    'supersecret1supersecret2supersecret3',
    'your-secret-key-0123456789abcdef0',
  ])('such as %s is rejected in production, even in an array', async (secret) => {
    vi.stubEnv('NODE_ENV', 'production')
    for (const given of [secret, [SECRET, secret]]) {
      const { code, message } = await refusal({ ...production(), secret: given })
      expect(code).toBe('LATCHKEY_OPTION_INVALID')
      expect(message).toBe(
        'Option `secret` is a placeholder. Use a random value: openssl rand -base64 48. See docs/reference/errors.md#latchkey_option_invalid',
      )
    }
    vi.stubEnv('NODE_ENV', 'development')
    const app = fastify()
    await app.register(latchkey, { ...production(), secret })
  })

  it.each([
    '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
    'latchkey-secret-9f86d081884c7d659a2feaa0c55ad015',
    'acme-secret-3f2b8c1e-9d4a-4e7b-8f6a-1c2d3e4f5a6b',
    'correct horse battery staple clipper',
    'Q1x9/Zt0+rW5cH3vL8nB2kD6mS4pG7jYaEuIoTfXyqU=',
  ])('does not include %s, which is accepted', async (secret) => {
    vi.stubEnv('NODE_ENV', 'production')
    const app = fastify()
    await app.register(latchkey, { ...production(), secret })
    await app.ready()
  })
})

describe('a Node.js version that is too old', () => {
  const version = Object.getOwnPropertyDescriptor(process.versions, 'node') as PropertyDescriptor
  afterEach(() => {
    Object.defineProperty(process.versions, 'node', version)
    vi.resetModules()
  })

  it.each(['18.20.0', '20.19.5', '22.15.1'])(
    'such as %s causes an error on import',
    async (old) => {
      vi.resetModules()
      Object.defineProperty(process.versions, 'node', { ...version, value: old })
      const message = `requires Node 22.16 or newer. This is Node ${old}.`
      await expect(import('./http/node-version.ts')).rejects.toThrow(`@latchkey/fastify ${message}`)
    },
  )

  it.each(['22.16.0', '23.0.0', '24.5.0', '26.10.0'])('does not include %s', async (enough) => {
    vi.resetModules()
    Object.defineProperty(process.versions, 'node', { ...version, value: enough })
    await import('./http/node-version.ts')
  })
})

describe('behind a proxy that strips part of the path', () => {
  it('all URLs in the browser are under `basePath`, and a sign-in works', async () => {
    // This simulates such a proxy: the browser requests /api/auth, and the routes are at /auth.
    const rewriteUrl = ({ url = '' }: { url?: string | undefined }): string =>
      url.startsWith('/api/') ? url.slice('/api'.length) : `/elsewhere${url}`
    const app = Fastify({ rewriteUrl })
    apps.push(app)
    await app.register(latchkey, {
      ...production(),
      origin: 'http://localhost:3000',
      providers: [bitbucket({ emulatorUrl: emulator().url })],
      basePath: '/api/auth',
    })
    app.get('/me', { onRequest: app.latchkey.guard() }, async ({ auth }) => auth.user)
    const browser = createBrowser(app)

    const page = await browser.get('/api/auth/sign-in?return_to=/api/me')
    const [, href = ''] = /href="([^"]*\/start[^"]*)"/.exec(page.body) ?? []
    expect(href).toBe('/api/auth/bitbucket/start?return_to=%2Fapi%2Fme')
    const start = new URL(String((await browser.get(href)).headers.location))
    const callbackUrl = 'http://localhost:3000/api/auth/bitbucket/callback'
    expect(start.searchParams.get('redirect_uri')).toBe(callbackUrl)
    const denied = await browser.get(await browser.consent(start.href, { decision: 'deny' }))
    expect(denied.headers.location).toBe(
      '/api/auth/sign-in?return_to=%2Fapi%2Fme&auth_error=access_denied',
    )
    const again = String((await browser.get(href)).headers.location)
    const callback = await browser.get(await browser.consent(again, { user: 'ada' }))
    expect(callback.headers.location).toBe('/api/me')
    expect((await browser.get('/api/me')).json()).toMatchObject({ name: 'Ada Test' })
    const signedIn = await browser.get('/api/auth/sign-in')
    expect(signedIn.body).toContain('action="/api/auth/sign-out"')
    // Latchkey's own routes are not valid targets, and that includes their public path.
    const ours = await browser.get('/api/auth/bitbucket/start?return_to=/api/auth/session')
    const callbackOfOurs = await browser.consent(String(ours.headers.location), { user: 'ada' })
    expect((await browser.get(callbackOfOurs)).headers.location).toBe('/')
  })

  it('redirects other loopback names to the public path', async () => {
    const app = fastify()
    await app.register(latchkey, {
      ...production(),
      origin: 'http://localhost:3000',
      basePath: '/api/auth',
    })
    const headers = { host: '127.0.0.1:3000' }
    const answer = await app.inject({ url: '/auth/bitbucket/start', headers })
    expect(answer.headers.location).toBe(
      'http://localhost:3000/api/auth/bitbucket/start?at_origin=1',
    )
  })
})

describe('with another plugin that uses the same decorator names', () => {
  it.each([
    ['auth', 'auth'],
    ['getAuth', 'getAuth'],
  ])('reports `request.%s` with the option that renames it', async (name, option) => {
    const app = fastify()
    app.decorateRequest(name, null)
    await expect(app.register(latchkey, production())).rejects.toMatchObject({
      code: 'LATCHKEY_DECORATOR_TAKEN',
      message: expect.stringContaining(`with the option \`decorators: { ${option}: '…' }\``),
    })
  })

  it('reports `app.latchkey`', async () => {
    const app = fastify()
    app.decorate('latchkey', 'theirs' as never)
    await expect(app.register(latchkey, production())).rejects.toMatchObject({
      code: 'LATCHKEY_DECORATOR_TAKEN',
      message: expect.stringContaining('already decorates the server with `latchkey`'),
    })
  })

  it('works with renamed decorators', async () => {
    const app = fastify()
    app.decorateRequest('auth', 'theirs' as never)
    app.decorateRequest('getAuth', (() => 'theirs') as never)
    await app.register(latchkey, {
      ...production(),
      origin: 'http://localhost:3000',
      providers: [bitbucket({ emulatorUrl: emulator().url })],
      decorators: { auth: 'person', getAuth: 'getPerson' },
    })
    type Renamed = { person: RequestAuth; getPerson(): Promise<Auth | null> }
    const ours = (request: unknown): Renamed => request as Renamed
    app.get('/guarded', { onRequest: app.latchkey.guard() }, async (request) => {
      return [ours(request).person.user.name, request.auth]
    })
    app.get('/open', async (request) => (await ours(request).getPerson())?.user.name ?? 'nobody')
    app.get('/unguarded', async (request) => ours(request).person)
    const browser = createBrowser(app)
    expect((await browser.get('/open')).body).toBe('nobody')
    await browser.signIn('ada')
    expect((await browser.get('/guarded')).json()).toEqual(['Ada Test', 'theirs'])
    expect((await browser.get('/open')).body).toBe('Ada Test')
    expect((await browser.get('/unguarded')).json().message).toContain(
      'request.person was read on GET /unguarded',
    )
  })
})

describe('in development without options', () => {
  const here = process.cwd()
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-boot-'))
    process.chdir(folder)
    vi.stubEnv('NODE_ENV', 'development')
    vi.stubEnv('PORT', undefined)
    vi.stubEnv('EMULATOR_PORT', undefined)
  })
  afterEach(() => {
    process.chdir(here)
    rmSync(folder, { recursive: true })
  })

  it('signs in with an emulator that it starts, and logs one warning with the defaults', async () => {
    const lines: string[] = []
    const app = fastify(lines)
    await app.register(latchkey)
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as { port: number }
    const browser = createBrowser(app, `http://localhost:${port}`)
    const callback = await browser.signIn('ada')
    expect(callback.headers.location).toBe('/')
    expect((await browser.get('/auth/session')).json()).toMatchObject({
      user: { name: 'Ada Test' },
    })
    expect(browser.cookies()).toContain(`latchkey-${port}=`)

    const warnings = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 40)
    expect(warnings.map(({ msg }) => msg)).toEqual([
      expect.stringMatching(
        new RegExp(
          `^Latchkey runs in development with a generated secret in \\.latchkey, SQLite in \\.latchkey, an emulated Bitbucket at http://127\\.0\\.0\\.1:\\d+\\. Sign in at http://localhost:${port}/auth/sign-in\\. The callback URL is http://localhost:${port}/auth/bitbucket/callback\\.`,
        ),
      ),
    ])
  })

  it('emulates only the providers that have no credentials', async () => {
    const lines: string[] = []
    const app = fastify(lines)
    const real = bitbucket({ id: 'real', clientId: 'an-id', clientSecret: 'a-client-secret' })
    const providers = [bitbucket({ id: 'work', name: 'Work' }), github(), real]
    await app.register(latchkey, { ...production(), origin: 'http://localhost:3000', providers })
    const start = async (id: string): Promise<unknown> => {
      return (await app.inject(`/auth/${id}/start`)).headers.location
    }
    expect(await start('work')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/site\/oauth2\/authorize\?/)
    expect(await start('github')).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/github\/https\/github\.com\/login\/oauth\/authorize\?/,
    )
    expect(await start('real')).toMatch(/^https:\/\/bitbucket\.org\/site\/oauth2\/authorize\?/)
    expect((await app.inject('/auth/sign-in')).body).toContain('<span>Continue with Work</span>')
    await app.listen({ port: 0, host: '127.0.0.1' })
    expect(lines.join('')).toMatch(
      /in development with an emulated Bitbucket at http:\/\/127\.0\.0\.1:\d+, an emulated GitHub at http:\/\/127/,
    )
  })

  it('creates a private secret and database, and reuses both after a restart', async () => {
    const first = fastify()
    await first.register(latchkey)
    const browser = createBrowser(first)
    await browser.signIn('ada')
    const cookie = browser.cookies()
    await first.close()

    const mode = (file: string): number => statSync(file).mode & 0o777
    expect(mode('.latchkey')).toBe(0o700)
    expect(mode('.latchkey/.env.secret')).toBe(0o600)
    expect(mode('.latchkey/latchkey.db')).toBe(0o600)
    expect(readFileSync('.latchkey/.gitignore', 'utf8')).toBe('*\n')
    expect(existsSync('.latchkey/latchkey.db')).toBe(true)

    const second = fastify()
    await second.register(latchkey)
    const session = await second.inject({ url: '/auth/session', headers: { cookie } })
    expect(session.json()).toMatchObject({ user: { name: 'Ada Test' } })
  })

  it.each([
    ['all options are missing', () => ({})],
    [
      'the secret is generated',
      () => ({ ...production(), origin: 'http://localhost:1', secret: undefined }),
    ],
    [
      'a provider is an emulator',
      () => ({ ...production(), providers: [bitbucket({ emulatorUrl: 'http://127.0.0.1:9' })] }),
    ],
    ['Bitbucket is emulated', () => ({ ...production(), providers: [bitbucket()] })],
    ['another provider is emulated', () => ({ ...production(), providers: [github()] })],
    [
      'only a missing origin suggests development',
      () => {
        vi.stubEnv('NODE_ENV', undefined)
        return { ...production(), origin: undefined }
      },
    ],
  ])('refuses to listen beyond loopback if %s', async (_condition, options) => {
    const app = fastify()
    await app.register(latchkey, options())
    for (const listen of [{ host: '0.0.0.0' }, { host: '::' }, { host: 'example.com' }]) {
      await expect(app.listen({ port: 0, ...listen })).rejects.toMatchObject({
        code: 'LATCHKEY_NOT_LOOPBACK',
      })
    }
    expect(app.server.listening).toBe(false)
  })

  it('logs a warning if only the origin is missing', async () => {
    const lines: string[] = []
    const app = fastify(lines)
    await app.register(latchkey, { ...production(), origin: undefined })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const warnings = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 40)
    expect(warnings[0].msg).toMatch(/^Latchkey runs in development with the server's own origin\. /)
  })

  it('reads ports from the environment, including 80, and names an invalid variable', async () => {
    vi.stubEnv('PORT', '80')
    const app = fastify()
    await app.register(latchkey)
    const { headers } = await app.inject('/auth/bitbucket/start')
    expect(headers.location).toContain(
      encodeURIComponent('http://localhost/auth/bitbucket/callback'),
    )
    vi.stubEnv('PORT', 'eighty')
    expect((await refusal({})).message).toContain('variable PORT must be a port')
    vi.stubEnv('PORT', '')
    vi.stubEnv('EMULATOR_PORT', '70000')
    expect((await refusal({})).message).toContain('variable EMULATOR_PORT must be a port')
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    vi.stubEnv('EMULATOR_PORT', String((taken.address() as AddressInfo).port))
    expect((await refusal({})).message).toContain(
      'which is set in the environment variable EMULATOR_PORT',
    )
    taken.close()
  })

  it('stops its emulator when the application closes after a failed boot', async () => {
    const port = await freePort()
    vi.stubEnv('EMULATOR_PORT', String(port))
    const app = Fastify()
    const store = sqlite('/dev/null/latchkey.db')
    await expect(app.register(latchkey, { store })).rejects.toThrow()
    await app.close()
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow()
  })

  describe('with an emulator that the plugin cannot resolve', () => {
    const hooks = `import { registerHooks } from 'node:module'
      registerHooks({ resolve(name, context, next) {
        if (!name.endsWith('-emulator') || !context.parentURL.includes('/fastify/src/')) {
          return next(name, context)
        }
        throw Object.assign(new Error('Cannot find package ' + name), { code: 'ERR_MODULE_NOT_FOUND' })
      } })`
    const program = `${hooks}
      const { default: latchkey, ...providers } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url))})
      const { default: Fastify } = await import(${JSON.stringify(import.meta.resolve('fastify'))})
      const app = Fastify()
      try {
        const id = process.argv[1]
        await app.register(latchkey, { providers: [providers[id]()] })
        console.log((await app.inject('/auth/' + id + '/start')).headers.location)
      } catch ({ code, message }) {
        console.log(code, message)
      }
      await app.close()`
    // Under pnpm, Vitest runs with a NODE_PATH that makes every package resolvable.
    const start = (id: string) =>
      run(process.execPath, ['--input-type=module', '--eval', program, id], {
        env: { ...process.env, NODE_PATH: '' },
      })

    it.each([
      ['bitbucket', 'bitbucket-emulator', 'BITBUCKET_CLIENT_ID'],
      ['google', 'provider-emulator', 'GOOGLE_CLIENT_ID'],
    ])('reports that it is not installed, and what to do, for %s', async (id, name, variable) => {
      const { stdout } = await start(id)
      expect(stdout).toMatch(/^LATCHKEY_EMULATOR_MISSING /)
      expect(stdout).toContain(`npm i -D @latchkey/${name}`)
      expect(stdout).toContain(variable)
    })

    it('finds it from the working directory if the application depends on it', async () => {
      mkdirSync('node_modules/@latchkey', { recursive: true })
      for (const name of ['bitbucket-emulator', 'provider-emulator']) {
        const emulator = new URL(`../../${name}`, import.meta.url)
        symlinkSync(fileURLToPath(emulator), `node_modules/@latchkey/${name}`)
      }
      expect((await start('bitbucket')).stdout).toMatch(
        /^http:\/\/127\.0\.0\.1:\d+\/site\/oauth2\/authorize\?/,
      )
      expect((await start('github')).stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/github\//)
    })
  })

  it('refuses to start an emulator in each worker of a cluster, and says how to share one', async () => {
    const program = `import cluster from 'node:cluster'
      import latchkey from ${JSON.stringify(new URL('./index.ts', import.meta.url))}
      import Fastify from ${JSON.stringify(import.meta.resolve('fastify'))}
      if (cluster.isPrimary) cluster.fork()
      else {
        await Fastify().register(latchkey).then(undefined, ({ code, message }) => console.log(code, message))
        cluster.worker.disconnect()
      }`
    writeFileSync('cluster.mjs', program)
    const { stdout } = await run(process.execPath, ['cluster.mjs'])
    expect(stdout).toMatch(
      /^LATCHKEY_OPTION_MISSING There are no credentials for Bitbucket, and each worker/,
    )
    expect(stdout).toContain('npx @latchkey/bitbucket-emulator')
  })

  it('rejects a truncated secret, and a folder that cannot be created', async () => {
    const app = fastify()
    await app.register(latchkey)
    writeFileSync('.latchkey/.env.secret', '')
    expect((await refusal({})).message).toContain('is shorter than 32 characters. Delete the file')
    rmSync('.latchkey', { recursive: true })
    writeFileSync('.latchkey', '')
    const { code, message } = await refusal({})
    expect(code).toBe('LATCHKEY_STORE_UNUSABLE')
    expect(message).toContain('cannot be created (EEXIST). Make it writable, or pass `secret`')
  })

  it('listens on any address with its own secret and providers, and logs the callback URL', async () => {
    const lines: string[] = []
    const app = fastify(lines)
    await app.register(latchkey, { ...production(), origin: 'http://localhost:3000' })
    await app.listen({ port: 0, host: '0.0.0.0' })
    const said = lines.map((line) => JSON.parse(line).msg as string)
    expect(said).toContain(
      'Latchkey: register this callback URL with the provider: http://localhost:3000/auth/bitbucket/callback',
    )
  })

  it('uses PORT before the server listens', async () => {
    vi.stubEnv('PORT', '4321')
    const app = fastify()
    await app.register(latchkey)
    const answer = await app.inject('/auth/bitbucket/start')
    const redirectUri = new URL(String(answer.headers.location)).searchParams.get('redirect_uri')
    expect(redirectUri).toBe('http://localhost:4321/auth/bitbucket/callback')
  })
})

describe('the plugin', () => {
  const options = (): LatchkeyOptions => ({
    origin: 'http://localhost:3000',
    secret: SECRET,
    providers: [bitbucket({ emulatorUrl: emulator().url })],
    store: sqlite(':memory:'),
  })

  it.each(['before', 'after', 'never'] as const)(
    'works with @fastify/cookie registered %s it',
    async (order) => {
      const { default: cookie } = await import('@fastify/cookie')
      const app = fastify()
      if (order === 'before') app.register(cookie, { hook: false })
      app.register(latchkey, options())
      if (order === 'after') app.register(cookie)
      await app.ready()
      const browser = createBrowser(app)
      expect((await browser.signIn('ada')).headers.location).toBe('/')
      expect((await browser.get('/auth/session')).json()).toMatchObject({
        user: { name: 'Ada Test' },
      })
      expect(app.hasDecorator('parseCookie')).toBe(order !== 'never')
    },
  )

  it('works under nested prefixes', async () => {
    const app = fastify()
    await app.register(
      async (outer) => {
        await outer.register(
          async (inner) => {
            await inner.register(latchkey, { ...options(), prefix: '/sign/in' })
            inner.get('/me', { onRequest: inner.latchkey.guard() }, async ({ auth }) => auth.user)
          },
          { prefix: '/v1' },
        )
      },
      { prefix: '/api' },
    )
    const browser = createBrowser(app)
    const start = await browser.get('/api/v1/sign/in/bitbucket/start')
    const url = String(start.headers.location)
    expect(new URL(url).searchParams.get('redirect_uri')).toBe(
      'http://localhost:3000/api/v1/sign/in/bitbucket/callback',
    )
    const denied = await browser.get(await browser.consent(url, { decision: 'deny' }))
    expect(denied.headers.location).toBe('/api/v1/sign/in/sign-in?auth_error=access_denied')
    const again = await browser.get(
      '/api/v1/sign/in/bitbucket/start?return_to=/api/v1/sign/in/session',
    )
    const callback = await browser.consent(String(again.headers.location), { user: 'ada' })
    expect((await browser.get(callback)).headers.location).toBe('/')
    expect((await browser.get('/api/v1/me')).json()).toMatchObject({ name: 'Ada Test' })
  })

  it.each([
    ['/api/', '/api/auth'],
    ['/', '/auth'],
    ['/a/b', '/a/b/auth'],
  ])('registered under the prefix %s has its routes at %s', async (outer, basePath) => {
    const app = fastify()
    await app.register(async (scope) => void (await scope.register(latchkey, options())), {
      prefix: outer,
    })
    const { headers } = await app.inject(`${basePath}/bitbucket/start`)
    expect(new URL(String(headers.location)).searchParams.get('redirect_uri')).toBe(
      `http://localhost:3000${basePath}/bitbucket/callback`,
    )
  })

  it('refuses to boot under a prefix that contains a parameter', async () => {
    const app = fastify()
    app.register(async (scope) => void (await scope.register(latchkey, options())), {
      prefix: '/:tenant',
    })
    await expect(app.ready()).rejects.toThrow(/under a prefix that contains a parameter/)
  })

  it('can share a store with another application, which still works after the first application has closed', async () => {
    const store = sqlite(':memory:')
    const [first, second] = [fastify(), fastify()]
    await first.register(latchkey, { ...options(), store })
    await second.register(latchkey, { ...options(), store, logLevel: 'warn' })
    const browser = createBrowser(second)
    await browser.signIn('ada')
    await first.close()
    expect((await browser.get('/auth/session')).json()).toMatchObject({
      user: { name: 'Ada Test' },
    })
  })

  it.each([
    [429, 'too_many_requests'],
    [503, 'unavailable'],
    [401, 'unauthenticated'],
    [418, 'invalid_request'],
    [500, 'server_error'],
  ])('turns a %i from a hook of the application into %s', async (statusCode, code) => {
    const app = fastify()
    app.addHook('onRequest', async () => {
      throw Object.assign(new Error('a secret reason'), { statusCode })
    })
    await app.register(latchkey, options())
    const answer = await app.inject('/auth/session')
    expect(answer.statusCode).toBe(statusCode)
    expect(answer.json().error.code).toBe(code)
    expect(answer.body).not.toContain('secret reason')
  })

  it('refuses to boot if it is registered twice, even in sibling contexts', async () => {
    const app = fastify()
    await app.register(latchkey, options())
    await expect(app.register(latchkey, options())).rejects.toMatchObject({
      code: 'LATCHKEY_REGISTERED_TWICE',
      message: expect.stringContaining('Register it once'),
    })
    const other = fastify()
    other.register(async (context) => void (await context.register(latchkey, options())))
    other.register(async (context) => void (await context.register(latchkey, options())))
    await expect(other.ready()).rejects.toMatchObject({ code: 'LATCHKEY_REGISTERED_TWICE' })
  })

  it('adds only the decorators latchkey, auth and getAuth', async () => {
    const app = fastify()
    await app.register(latchkey, options())
    await app.ready()
    for (const name of ['bitbucket', 'oauth2Bitbucket', 'parseCookie', 'serializeCookie']) {
      expect(app.hasDecorator(name)).toBe(false)
    }
    expect(app.hasReplyDecorator('setCookie')).toBe(false)
    expect(app.hasRequestDecorator('cookies')).toBe(false)
    expect(app.hasDecorator('latchkey')).toBe(true)
    expect(app.hasRequestDecorator('auth')).toBe(true)
    expect(app.hasRequestDecorator('getAuth')).toBe(true)
  })

  it('replaces its sign-in page with the application’s own', async () => {
    const app = fastify()
    await app.register(latchkey, { ...options(), signInPath: '/login?from=app' })
    const browser = createBrowser(app)
    // Some links only use the default path.
    const usual = await browser.get('/auth/sign-in?return_to=/work&auth_error=access_denied')
    expect(usual.statusCode).toBe(303)
    expect(usual.headers.location).toBe(
      '/login?from=app&return_to=%2Fwork&auth_error=access_denied',
    )
    const hostile = await browser.get('/auth/sign-in?return_to=//evil.example&auth_error=%3Cx%3E')
    expect(hostile.headers.location).toBe('/login?from=app')
    const answer = await browser.get('/auth/bitbucket/callback?code=x&state=y')
    expect(answer.headers.location).toBe('/login?from=app&auth_error=flow_missing')
  })
})
