import { afterEach, describe, expect, it } from 'vitest'
import { type OidcOptions, oidc } from '../index.ts'
import { buildApp } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import {
  OPENID_CLIENT,
  type OpenIdProvider,
  signingKey,
  startOpenIdProvider,
} from '../testing/openid-provider.ts'

const NO_EMULATOR = { url: 'http://127.0.0.1:9' }
const RSA = signingKey('RS256', 'first')
const MINUTE = 60 * 1000

const open: OpenIdProvider[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((provider) => provider.close()))
})

async function start(
  ...options: Parameters<typeof startOpenIdProvider>
): ReturnType<typeof startOpenIdProvider> {
  const provider = await startOpenIdProvider(...options)
  open.push(provider)
  return provider
}

function acme({ issuer }: OpenIdProvider, options: Partial<OidcOptions> = {}): OidcOptions {
  const { client_id: clientId, client_secret: clientSecret } = OPENID_CLIENT
  return { id: 'acme', name: 'Acme', issuer, clientId, clientSecret, ...options }
}

/** Signs in, and returns where the callback redirects. */
async function signIn(browser: Browser, provider: OpenIdProvider, login = 'ada'): Promise<string> {
  const started = await browser.get('/auth/acme/start')
  const { path, form } = await provider.agree(String(started.headers.location), login)
  const callback =
    form === null ? path : String((await browser.postForm(path, form)).headers.location)
  return String((await browser.get(callback)).headers.location)
}

describe('a sign-in with OpenID Connect', () => {
  it.each([
    ['client_secret_basic', {}, {}],
    ['client_secret_post', {}, { clientAuth: 'post' }],
    ['client_secret_jwt', {}, { clientAuth: 'secret_jwt' }],
    ['none', {}, { clientAuth: 'none', clientSecret: undefined }],
    ['client_secret_basic', { pkce: { required: () => true } }, {}],
    ['client_secret_basic', {}, { responseMode: 'form_post' }],
    ['client_secret_basic', { conformIdTokenClaims: false }, { vouchesForEmail: true }],
  ] as const)('with %s, %j on its side and %j on ours', async (method, configuration, options) => {
    const provider = await start(
      [RSA],
      {
        token_endpoint_auth_method: method,
        ...(method === 'client_secret_jwt' && { token_endpoint_auth_signing_alg: 'HS256' }),
      },
      {
        ...configuration,
        ...(method === 'client_secret_jwt' && { clientAuthMethods: ['client_secret_jwt'] }),
      },
    )
    const app = await buildApp(NO_EMULATOR, { providers: [oidc(acme(provider, options))] })
    const browser = createBrowser(app)
    expect(await signIn(browser, provider)).toBe('/')
    expect((await browser.get('/auth/session')).json().user).toMatchObject({
      name: 'ada Test',
      email: 'ada@example.com',
      emailVerified: 'vouchesForEmail' in options,
      avatarUrl: 'https://images.example/one.png',
    })
  })

  it.each(['RS256', 'ES256', 'EdDSA'] as const)('accepts ID tokens signed with %s', async (alg) => {
    const keys = alg === 'RS256' ? [RSA] : [RSA, signingKey(alg, alg)]
    const provider = await start(
      keys,
      { id_token_signed_response_alg: alg },
      { enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] } },
    )
    const app = await buildApp(NO_EMULATOR, { providers: [oidc(acme(provider))] })
    expect(await signIn(createBrowser(app), provider)).toBe('/')
  })

  it('follows a rotation of the keys after the cool-down', async () => {
    const provider = await start([RSA])
    let now = Date.now()
    const options = { providers: [oidc(acme(provider))], clock: () => now }
    const app = await buildApp(NO_EMULATOR, options)
    expect(await signIn(createBrowser(app), provider)).toBe('/')
    provider.rotate([signingKey('RS256', 'second')])
    now += MINUTE / 2 + 1
    expect(await signIn(createBrowser(app), provider)).toBe('/')
  })

  it.each([
    [-4, '/'],
    [4, '/'],
    [-6, '/auth/sign-in?auth_error=provider_bad_answer'],
    [30 + 4, '/auth/sign-in?auth_error=provider_bad_answer'],
  ])('with a clock that is %i minutes off redirects to %s', async (minutes, target) => {
    const provider = await start([RSA])
    const clock = (): number => Date.now() + minutes * MINUTE
    const app = await buildApp(NO_EMULATOR, { providers: [oidc(acme(provider))], clock })
    expect(await signIn(createBrowser(app), provider)).toBe(target)
  })
})
