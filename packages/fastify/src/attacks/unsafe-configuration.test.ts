import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import latchkey, { bitbucket, type LatchkeyOptions, type Provider } from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import { SECRET } from '../testing/app.ts'

const ORIGIN = 'https://app.example.com'
const here = process.cwd()
const apps: FastifyInstance[] = []
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-unsafe-'))
  process.chdir(folder)
  vi.stubEnv('PORT', undefined)
  vi.stubEnv('EMULATOR_PORT', undefined)
})
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()))
  process.chdir(here)
  rmSync(folder, { recursive: true })
  vi.unstubAllEnvs()
})

const real = (): Provider => bitbucket({ clientId: 'an-id', clientSecret: 'a-client-secret' })

const complete = (): LatchkeyOptions => ({
  origin: ORIGIN,
  secret: SECRET,
  providers: [real()],
  store: sqlite(':memory:'),
})

/** Returns the application, or the error message if it refuses to boot. */
async function boot(options: LatchkeyOptions): Promise<FastifyInstance | string> {
  const app = Fastify()
  apps.push(app)
  try {
    await app.register(latchkey, options)
    return app
  } catch (error) {
    return (error as Error).message
  }
}

const DEVELOPMENT = ['development', 'test']
const UNSET = [undefined, '']
const OTHERS = ['production', 'Production', 'staging', 'prod', 'dev', 'DEVELOPMENT', 'development ']
const LOOPBACK = [undefined, 'http://localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]:3000']
const ELSEWHERE = [ORIGIN, 'https://localhost.example.com', 'https://127.0.0.1.example.com']

const pairs = (
  environments: readonly (string | undefined)[],
  origins: readonly (string | undefined)[],
): [string | undefined, string | undefined][] => {
  return environments.flatMap((environment) => {
    return origins.map((origin): [string | undefined, string | undefined] => [environment, origin])
  })
}

describe('an emulator, a generated secret and other development defaults', () => {
  it.each([...pairs(OTHERS, [...LOOPBACK, ...ELSEWHERE]), ...pairs(UNSET, ELSEWHERE)])(
    'are rejected with NODE_ENV=%s and origin %s',
    async (environment, origin) => {
      vi.stubEnv('NODE_ENV', environment)
      // Even with the variables that are only read in development.
      vi.stubEnv('EMULATOR_PORT', '0')
      vi.stubEnv('PORT', '0')
      const given = { ...complete(), origin }
      const named = (option: string) => {
        return new RegExp(`^Option \`${origin === undefined ? 'origin' : option}\` `)
      }
      expect(await boot({ origin })).toMatch(named('secret'))
      expect(await boot({ ...given, secret: undefined })).toMatch(named('secret'))
      expect(await boot({ ...given, store: undefined })).toMatch(named('store'))
      expect(await boot({ ...given, providers: undefined })).toMatch(named('providers'))
      const providers = [bitbucket({ emulatorUrl: 'http://127.0.0.1:4020' })]
      const isRejectedFirst = origin === undefined || origin.startsWith('http:')
      expect(await boot({ ...given, providers })).toMatch(
        isRejectedFirst ? named('origin') : /^Provider `bitbucket`: a URL points to this machine/,
      )
      expect(existsSync('.latchkey')).toBe(false)
    },
  )

  it.each([...pairs(DEVELOPMENT, [...LOOPBACK, ...ELSEWHERE]), ...pairs(UNSET, LOOPBACK)])(
    'are never exposed to other machines with NODE_ENV=%s and origin %s',
    async (environment, origin) => {
      vi.stubEnv('NODE_ENV', environment)
      const providers = [bitbucket({ emulatorUrl: 'http://127.0.0.1:4020' })]
      for (const options of [
        { origin },
        { ...complete(), origin, secret: undefined },
        { ...complete(), origin, providers: undefined },
        { ...complete(), origin, providers },
        { ...complete(), origin, providers: [real(), { ...providers[0], id: 'two' } as Provider] },
      ]) {
        const app = (await boot(options)) as FastifyInstance
        await expect(app.listen({ port: 0, host: '0.0.0.0' })).rejects.toMatchObject({
          code: 'LATCHKEY_NOT_LOOPBACK',
        })
        expect(app.server.listening).toBe(false)
      }
    },
  )

  it('are not part of a production install', () => {
    const file = new URL('../../package.json', import.meta.url)
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(file, 'utf8'))
    // Not as an optional peer dependency either: package managers keep those if the application has them anywhere.
    for (const installed of [dependencies, peerDependencies]) {
      expect(Object.keys(installed)).not.toContain('@latchkey/bitbucket-emulator')
    }
  })
})

describe('a provider with a URL', () => {
  const at = (endpoints: Partial<Provider>): LatchkeyOptions => ({
    ...complete(),
    providers: [{ ...real(), ...endpoints }],
  })
  const page = 'https://bitbucket.org/site/oauth2/authorize'

  it.each([
    ['on this machine', { authorize: 'http://localhost:4020/authorize' }],
    ['on this machine with https', { authorize: 'https://127.0.0.1:4020/authorize' }],
    ['on this machine, with a dot', { token: 'https://localhost.:4020/token' }],
    ['on a subdomain of localhost', { token: 'https://id.localhost/token' }],
    ['on this machine with IPv6', { token: 'https://[::ffff:127.0.0.1]:4020/token' }],
    ['on the unspecified address', { token: 'https://0.0.0.0:4020/token' }],
    ['on this machine, only for tokens', { authorize: page, token: 'http://[::1]:1/t' }],
  ])('%s is rejected in production', async (_where, endpoints) => {
    vi.stubEnv('NODE_ENV', 'production')
    expect(await boot(at(endpoints))).toMatch(
      /^Provider `bitbucket`: a URL points to this machine,/,
    )
    vi.stubEnv('NODE_ENV', 'test')
    const app = (await boot(at(endpoints))) as FastifyInstance
    await expect(app.listen({ port: 0, host: '0.0.0.0' })).rejects.toMatchObject({
      code: 'LATCHKEY_NOT_LOOPBACK',
    })
  })

  it.each([
    ['with plain http', { authorize: 'http://bitbucket.example/authorize' }],
    ['with plain http, only for tokens', { token: 'http://bitbucket.example/token' }],
  ])(
    '%s is rejected in production, because others could read the client secret',
    async (_w, endpoints) => {
      vi.stubEnv('NODE_ENV', 'production')
      expect(await boot(at(endpoints))).toMatch(
        /^Provider `bitbucket`: `(authorize|token)` must be https in production\./,
      )
    },
  )

  it.each([
    ['with a script', { authorize: 'javascript:alert(1)' }],
    ['of a file', { token: 'file:///token' }],
    ['without a host', { token: '/token' }],
    ['with a query, which would be lost', { authorize: 'https://id.example/authorize?a=b' }],
    ['with a password', { token: 'https://u:p@id.example/token' }],
  ])(
    '%s is rejected in every environment, without its secret in the message',
    async (_w, endpoints) => {
      for (const environment of ['production', 'development', 'test']) {
        vi.stubEnv('NODE_ENV', environment)
        expect(await boot(at(endpoints))).toMatch(
          /^Provider `bitbucket`: `(authorize|token)` must be an http or https URL without credentials, query or fragment\./,
        )
      }
    },
  )
})

describe('an origin that others could eavesdrop on', () => {
  it.each([
    'http://app.example.com',
    'http://localhost.example.com',
    'http://10.0.0.1',
    'http://0.0.0.0:3000',
    'http://[::]:3000',
    'ws://localhost',
  ])('such as %s is rejected in every environment', async (origin) => {
    for (const environment of ['production', 'development', 'test', undefined]) {
      vi.stubEnv('NODE_ENV', environment)
      expect(await boot({ ...complete(), origin })).toMatch(/^Option `origin` must be /)
    }
  })

  it.each(['http://localhost:3000', 'http://127.0.0.1'])(
    'such as %s is rejected in production',
    async (origin) => {
      vi.stubEnv('NODE_ENV', 'production')
      expect(await boot({ ...complete(), origin })).toMatch(
        /^Option `origin` must be https in prod/,
      )
    },
  )
})

describe('a secret that can be guessed', () => {
  it.each([
    ['missing', undefined, 'is missing'],
    ['empty', '', 'is missing'],
    ['the word "secret"', 'secret', 'must have at least 32 characters'],
    ['one character too short', SECRET.slice(1), 'must have at least 32 characters'],
    ['not a string', 42 as never, 'must have at least 32 characters'],
    ['one letter', 'x'.repeat(64), 'repeats itself'],
    ['a repeated word', 'secret'.repeat(6), 'repeats itself'],
    ['a short text, doubled', 'fK7pQ2xV9sLm4TzR'.repeat(2), 'repeats itself'],
    ['a short text, three times and a bit', `${'fK7pQ2xV9sLm'.repeat(3)}fK7p`, 'repeats itself'],
    ['also the client secret', 'Vb3nM5qW8eR2tY6uI9oP1aS4dF7gH0jK', 'must not be the client secret'],
  ])('because it is %s is rejected', async (_what, secret, reason) => {
    vi.stubEnv('NODE_ENV', 'production')
    const clientSecret = 'Vb3nM5qW8eR2tY6uI9oP1aS4dF7gH0jK'
    const providers = [bitbucket({ clientId: 'an-id', clientSecret })]
    const message = await boot({ ...complete(), providers, secret })
    expect(message).toContain(`Option \`secret\` ${reason}`)
    for (const part of [secret, clientSecret]) {
      if (typeof part === 'string' && part.length > 6) expect(message).not.toContain(part)
    }
    // Putting a good secret before it in an array does not make it acceptable.
    if (secret !== undefined && secret !== '') {
      expect(await boot({ ...complete(), providers, secret: [SECRET, secret] })).toContain(reason)
    }
  })
})
