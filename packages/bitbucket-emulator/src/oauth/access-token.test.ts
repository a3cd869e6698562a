import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type BitbucketEmulator, startBitbucketEmulator } from '../emulator.ts'
import {
  approve,
  askConsent,
  basic,
  callback,
  getApi,
  ordinary,
  postToken,
  readJson,
} from '../testing/client.ts'

let emulator: BitbucketEmulator
let url: string

async function start(options: Parameters<typeof startBitbucketEmulator>[0] = {}): Promise<void> {
  await emulator?.close()
  emulator = await startBitbucketEmulator(options)
  url = emulator.url
}

beforeEach(() => start())
afterEach(() => emulator.close())

const grant = { grant_type: 'authorization_code', redirect_uri: callback }

async function expectError(
  response: Response,
  status: number,
  error: string,
  error_description: string,
): Promise<void> {
  expect(response.status).toBe(status)
  expect(await response.json()).toEqual({ error_description, error })
}

describe('a code', () => {
  it('is exchanged for tokens in the 2026 format', async () => {
    const response = await postToken(url, { ...grant, code: await approve(url, 'ada') })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const body = await readJson<{ access_token: string; refresh_token: string }>(response)
    expect(body).toEqual({
      scope: 'account email',
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      expires_in: 7200,
      token_type: 'bearer',
      state: 'authorization_code',
      refresh_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    })
    expect(body.access_token.length).toBeGreaterThan(2048)
    expect(body.refresh_token.length).toBeGreaterThan(2560)
    expect((await getApi(url, '/2.0/user', body.access_token)).status).toBe(200)
    expect((await getApi(url, '/2.0/user', body.refresh_token)).status).toBe(401)
  })

  it('works only once', async () => {
    const code = await approve(url, 'ada')
    expect((await postToken(url, { ...grant, code })).status).toBe(200)
    const again = await postToken(url, { ...grant, code })
    await expectError(again, 400, 'invalid_grant', 'The specified code is not valid.')
  })

  it('works for only one of several concurrent requests', async () => {
    const code = await approve(url, 'ada')
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => postToken(url, { ...grant, code })),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(19)
  })

  it('is valid for ten minutes', async () => {
    const early = await approve(url, 'ada')
    emulator.advance(10 * 60 * 1000 - 60_000)
    expect((await postToken(url, { ...grant, code: early })).status).toBe(200)
    const late = await approve(url, 'ada')
    emulator.advance(10 * 60 * 1000)
    const answer = await postToken(url, { ...grant, code: late })
    await expectError(answer, 400, 'invalid_grant', 'The specified code is not valid.')
  })

  it('is rejected if it is unknown or missing', async () => {
    for (const form of [{ ...grant, code: 'made-up' }, grant]) {
      const answer = await postToken(url, form)
      await expectError(answer, 400, 'invalid_grant', 'The specified code is not valid.')
    }
  })

  it('is rejected when another client sends it, and stays valid for its own client', async () => {
    await start({
      seed: {
        consumers: [
          { clientId: 'latchkey-dev', clientSecret: 'latchkey-dev-secret', callbackUrl: callback },
          { clientId: 'thief', clientSecret: 'thief-secret', callbackUrl: callback },
        ],
      },
    })
    const code = await approve(url, 'ada')
    const thief = { authorization: `Basic ${btoa('thief:thief-secret')}` }
    const stolen = await postToken(url, { ...grant, code }, thief)
    await expectError(stolen, 400, 'invalid_grant', 'The specified code is not valid.')
    expect((await postToken(url, { ...grant, code })).status).toBe(200)
  })

  it('has the scopes of its consumer, regardless of the scope in the request', async () => {
    await start({
      seed: {
        consumers: [
          {
            clientId: 'latchkey-dev',
            clientSecret: 'latchkey-dev-secret',
            callbackUrl: callback,
            scopes: ['account', 'repository:write'],
          },
        ],
      },
    })
    const code = await approve(url, 'ada', { ...ordinary, scope: 'email' })
    const response = await postToken(url, { ...grant, code })
    expect(await response.json()).toMatchObject({ scope: 'account repository:write' })
  })
})

describe('redirect_uri', () => {
  const mismatch = 'redirect_uri differs from the authorize request.'

  it.each([
    ['omitted', {}],
    ['changed', { redirect_uri: `${callback}/below` }],
  ])(
    'is rejected at the exchange if it was in the authorize request and is now %s',
    async (_, redirect) => {
      const code = await approve(url, 'ada')
      const form = { grant_type: 'authorization_code', code, ...redirect }
      await expectError(await postToken(url, form), 400, 'invalid_grant', mismatch)
    },
  )

  it('must be in both requests or in neither', async () => {
    await start({
      seed: {
        consumers: [
          { clientId: 'latchkey-dev', clientSecret: 'latchkey-dev-secret', callbackUrl: callback },
        ],
      },
    })
    const { redirect_uri: _, ...without } = ordinary
    const code = await approve(url, 'ada', without)
    expect((await postToken(url, { grant_type: 'authorization_code', code })).status).toBe(200)
    const another = await approve(url, 'ada', without)
    const answer = await postToken(url, { ...grant, code: another })
    await expectError(answer, 400, 'invalid_grant', mismatch)
  })
})

describe('client credentials', () => {
  const body = { client_id: 'latchkey-dev', client_secret: 'latchkey-dev-secret' }
  const missing = 'Requests must be authenticated using OAuth client credentials'
  const wrong = 'Invalid OAuth client credentials'

  it('are accepted in the form', async () => {
    const code = await approve(url, 'ada')
    expect((await postToken(url, { ...grant, ...body, code }, {})).status).toBe(200)
  })

  it('are rejected in the form with clientAuth basic', async () => {
    await start({ clientAuth: 'basic' })
    const code = await approve(url, 'ada')
    const answer = await postToken(url, { ...grant, ...body, code }, {})
    await expectError(answer, 400, 'unauthorized_client', missing)
    expect((await postToken(url, { ...grant, code })).status).toBe(200)
  })

  it('are required', async () => {
    for (const form of [grant, { ...grant, client_id: 'latchkey-dev' }]) {
      await expectError(await postToken(url, form, {}), 400, 'unauthorized_client', missing)
    }
  })

  it.each([
    ['a wrong secret', 'latchkey-dev:wrong'],
    ['an unknown client', 'nobody:latchkey-dev-secret'],
    ['no secret', 'latchkey-dev'],
    ['nothing', ''],
    ['a secret with a suffix', 'latchkey-dev:latchkey-dev-secret:more'],
  ])('are rejected: %s', async (_, credentials) => {
    const code = await approve(url, 'ada')
    const headers = { authorization: `Basic ${btoa(credentials) || '='}` }
    const answer = await postToken(url, { ...grant, code }, headers)
    await expectError(answer, 400, 'unauthorized_client', wrong)
    expect((await postToken(url, { ...grant, code })).status).toBe(200)
  })

  it('are rejected for a consumer without a callback', async () => {
    await start({ seed: { consumers: [{ clientId: 'bare', clientSecret: 'bare-secret' }] } })
    const headers = { authorization: `Basic ${btoa('bare:bare-secret')}` }
    const answer = await postToken(url, { ...grant, code: 'x' }, headers)
    const description = 'No callback uri defined for the OAuth client.'
    await expectError(answer, 400, 'invalid_request', description)
  })
})

describe('a Basic header', () => {
  it.each(['basic', 'BASIC', 'Basic  '])('accepts the scheme written as %j', async (scheme) => {
    const code = await approve(url, 'ada')
    const headers = { authorization: basic.replace('Basic', scheme) }
    expect((await postToken(url, { ...grant, code }, headers)).status).toBe(200)
  })

  it.each([
    [
      'accepts credentials encoded like form fields',
      'latchkey%2Ddev',
      'latchkey%2ddev%2Dsecret',
      200,
    ],
    ['accepts unencoded credentials', 'latchkey-dev', 'latchkey-dev-secret', 200],
    ['rejects credentials encoded twice', 'latchkey%252Ddev', 'latchkey-dev-secret', 400],
    ['rejects credentials that cannot be decoded', 'latchkey-dev', 'latchkey-dev-secret%', 400],
  ])('%s', async (_, id, secret, status) => {
    const code = await approve(url, 'ada')
    const headers = { authorization: `Basic ${btoa(`${id}:${secret}`)}` }
    expect((await postToken(url, { ...grant, code }, headers)).status).toBe(status)
  })

  it('takes precedence over the form', async () => {
    const code = await approve(url, 'ada')
    const wrong = { client_id: 'latchkey-dev', client_secret: 'wrong' }
    expect((await postToken(url, { ...grant, ...wrong, code })).status).toBe(200)
  })
})

describe('an invalid request', () => {
  it.each([
    ['no grant type', {}, 'None'],
    ['an unknown grant type', { grant_type: 'magic' }, 'magic'],
  ])('is rejected with %s', async (_, form, named) => {
    const answer = await postToken(url, form)
    await expectError(answer, 400, 'invalid_grant', `Unsupported grant type: ${named}`)
  })

  it('is rejected with a JSON body', async () => {
    const answer = await fetch(`${url}/site/oauth2/access_token`, {
      method: 'POST',
      headers: { authorization: basic, 'content-type': 'application/json' },
      body: JSON.stringify({ ...grant, code: await approve(url, 'ada') }),
    })
    await expectError(answer, 400, 'invalid_grant', 'Unsupported grant type: None')
  })

  it('is rejected if it uses the password grant', async () => {
    const answer = await postToken(url, { grant_type: 'password', username: 'ada', password: 'x' })
    const description = 'Invalid resource owner username/password'
    await expectError(answer, 401, 'invalid_request', description)
  })

  it('gets a page instead of JSON for the Bearer scheme or parameters in the query', async () => {
    const code = await approve(url, 'ada')
    const bearer = { authorization: basic.replace('Basic', 'Bearer') }
    const query = new URLSearchParams({ ...grant, code })
    const answers = [
      await postToken(url, { ...grant, code }, bearer),
      await fetch(`${url}/site/oauth2/access_token?${query}`, {
        method: 'POST',
        headers: { authorization: basic },
      }),
    ]
    for (const answer of answers) {
      expect(answer.headers.get('content-type')).toMatch(/^text\/html/)
      expect(await answer.text()).toContain('OpenID transaction in progress')
    }
    const form = { ...grant, code }
    const withBoth = await fetch(`${url}/site/oauth2/access_token?client_id=ignored`, {
      method: 'POST',
      headers: { authorization: basic },
      body: new URLSearchParams(form),
    })
    expect(withBoth.status).toBe(200)
  })
})

describe('PKCE', () => {
  const verifier = 'a-verifier-of-at-least-forty-three-characters'
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const withChallenge = { ...ordinary, code_challenge: challenge, code_challenge_method: 'S256' }
  const mismatch = 'code_verifier does not match the code_challenge.'

  it('is ignored by default, with a right or wrong verifier', async () => {
    for (const extra of [{}, { code_verifier: verifier }, { code_verifier: 'wrong' }]) {
      const code = await approve(url, 'ada', withChallenge)
      expect((await postToken(url, { ...grant, ...extra, code })).status).toBe(200)
    }
  })

  it('accepts the right verifier when enforced', async () => {
    await start({ pkce: 'enforce' })
    const code = await approve(url, 'ada', withChallenge)
    const answer = await postToken(url, { ...grant, code, code_verifier: verifier })
    expect(answer.status).toBe(200)
  })

  it.each([
    ['a wrong verifier', { code_verifier: `${verifier}x` }],
    ['no verifier', {}],
  ])('rejects %s when enforced', async (_, extra) => {
    await start({ pkce: 'enforce' })
    const code = await approve(url, 'ada', withChallenge)
    const answer = await postToken(url, { ...grant, ...extra, code })
    await expectError(answer, 400, 'invalid_grant', mismatch)
  })

  it('rejects a verifier without a challenge when enforced', async () => {
    await start({ pkce: 'enforce' })
    const code = await approve(url, 'ada')
    const answer = await postToken(url, { ...grant, code, code_verifier: verifier })
    await expectError(answer, 400, 'invalid_grant', mismatch)
  })

  it('stays optional when enforced', async () => {
    await start({ pkce: 'enforce' })
    const code = await approve(url, 'ada')
    expect((await postToken(url, { ...grant, code })).status).toBe(200)
  })

  it.each([
    ['plain', { code_challenge: verifier, code_challenge_method: 'plain' }],
    ['plain by default', { code_challenge: verifier }],
    ['a challenge that is not a SHA-256', { code_challenge: 'x', code_challenge_method: 'S256' }],
  ])('rejects %s when enforced', async (_, extra) => {
    await start({ pkce: 'enforce' })
    const answer = await askConsent(url, { ...ordinary, ...extra })
    const location = new URL(answer.headers.get('location') ?? '')
    expect(location.searchParams.get('error')).toBe('invalid_request')
  })
})
