import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type BitbucketEmulator, startBitbucketEmulator } from '../emulator.ts'
import type { EmulatorOptions } from '../options.ts'
import {
  approve,
  basic,
  callback,
  getApi,
  getTokens,
  ordinary,
  postToken,
  readJson,
  refresh,
  type TokenBody,
} from '../testing/client.ts'

const minute = 60 * 1000
const day = 24 * 60 * minute

let emulator: BitbucketEmulator
let url: string

async function start(options: EmulatorOptions = {}): Promise<void> {
  await emulator?.close()
  emulator = await startBitbucketEmulator(options)
  url = emulator.url
}

async function refreshed(refreshToken: string): Promise<TokenBody> {
  const response = await refresh(url, refreshToken)
  expect(response.status).toBe(200)
  return readJson<TokenBody>(response)
}

const wrongCredentials = {
  error: 'unauthorized_client',
  error_description: 'Invalid OAuth client credentials',
}

async function expectRefused(
  response: Response,
  body: Record<string, string> = wrongCredentials,
): Promise<void> {
  expect(response.status).toBe(400)
  expect(await response.json()).toEqual(body)
}

const otherClient = {
  clientId: 'other',
  clientSecret: 'other-secret',
  callbackUrl: callback,
}
const seed = {
  consumers: [
    { clientId: 'latchkey-dev', clientSecret: 'latchkey-dev-secret', callbackUrl: callback },
    otherClient,
  ],
}
const asOther = { authorization: `Basic ${btoa('other:other-secret')}` }

afterEach(() => emulator.close())

describe('refreshing in 2026', () => {
  beforeEach(() => start())

  it('returns a new pair, and keeps the old access token valid for its two hours', async () => {
    const first = await getTokens(url, 'ada')
    const response = await refresh(url, first.refresh_token)
    const second = await readJson<TokenBody>(response)
    expect(second).toEqual({
      scope: 'account email',
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      expires_in: 7200,
      token_type: 'bearer',
      state: 'refresh_token',
      refresh_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    })
    expect(second.access_token).not.toBe(first.access_token)
    expect(second.refresh_token).not.toBe(first.refresh_token)
    for (const { access_token } of [first, second]) {
      expect((await getApi(url, '/2.0/user', access_token)).status).toBe(200)
    }
    emulator.advance(7200 * 1000)
    expect((await getApi(url, '/2.0/user', second.access_token)).status).toBe(401)
    await refreshed(second.refresh_token)
  })

  it('keeps the old token valid for ten minutes, so that a race goes unnoticed at first', async () => {
    const { refresh_token } = await getTokens(url, 'ada')
    await refreshed(refresh_token)
    emulator.advance(9 * minute)
    await refreshed(refresh_token)
    emulator.advance(1 * minute)
    await expectRefused(await refresh(url, refresh_token))
  })

  it('counts the ten minutes from the first use, not from the last use', async () => {
    const { refresh_token } = await getTokens(url, 'ada')
    await refreshed(refresh_token)
    for (let passed = 0; passed < 9; passed += 3) {
      emulator.advance(3 * minute)
      await refreshed(refresh_token)
    }
    emulator.advance(1 * minute)
    await expectRefused(await refresh(url, refresh_token))
  })

  it('keeps the new token valid when the old one is rejected', async () => {
    const first = await getTokens(url, 'ada')
    const second = await refreshed(first.refresh_token)
    emulator.advance(11 * minute)
    await expectRefused(await refresh(url, first.refresh_token))
    await refreshed(second.refresh_token)
  })

  it('expires an unused token after three months', async () => {
    const [kept, lost] = [await getTokens(url, 'ada'), await getTokens(url, 'ben')]
    emulator.advance(90 * day - minute)
    const next = await refreshed(kept.refresh_token)
    emulator.advance(minute)
    await expectRefused(await refresh(url, lost.refresh_token))
    emulator.advance(89 * day)
    await refreshed(next.refresh_token)
  })

  it('returns a separate pair to each concurrent request with the same token', async () => {
    const { refresh_token } = await getTokens(url, 'ada')
    const answers = await Promise.all(Array.from({ length: 20 }, () => refreshed(refresh_token)))
    expect(new Set(answers.map((answer) => answer.refresh_token)).size).toBe(20)
  })

  it.each(['made-up', ''])(
    'rejects an unknown token with the same error as a dead one: %j',
    async (token) => {
      await expectRefused(await refresh(url, token))
    },
  )

  it('keeps the narrowed scope of a token', async () => {
    await start({ scopeParameter: 'narrow' })
    const code = await approve(url, 'ada', { ...ordinary, scope: 'account' })
    const form = { grant_type: 'authorization_code', redirect_uri: callback, code }
    const { refresh_token } = await readJson<TokenBody>(await postToken(url, form))
    expect(await refreshed(refresh_token)).toMatchObject({ scope: 'account' })
  })

  it('rejects an access token', async () => {
    const { access_token } = await getTokens(url, 'ada')
    await expectRefused(await refresh(url, access_token))
  })

  it('rejects the token of another client', async () => {
    await start({ seed })
    const { refresh_token } = await getTokens(url, 'ada')
    await expectRefused(await refresh(url, refresh_token, asOther))
    await refreshed(refresh_token)
  })

  it('requires client credentials', async () => {
    const { refresh_token } = await getTokens(url, 'ada')
    const cure = 'Requests must be authenticated using OAuth client credentials'
    await expectRefused(await refresh(url, refresh_token, {}), {
      error: 'unauthorized_client',
      error_description: cure,
    })
  })

  it('rejects a token that was issued before a reset', async () => {
    const { refresh_token } = await getTokens(url, 'ada')
    emulator.reset()
    await expectRefused(await refresh(url, refresh_token))
  })
})

describe('after a dead refresh token', () => {
  it('other tokens stay valid by default', async () => {
    await start()
    const { refresh_token } = await getTokens(url, 'ada')
    await expectRefused(await refresh(url, 'made-up'))
    await refreshed(refresh_token)
  })

  it('every token of the client is rejected during the lockout', async () => {
    await start({ seed, refreshLockoutMs: 3 * minute })
    const { refresh_token } = await getTokens(url, 'ada')
    await expectRefused(await refresh(url, 'made-up', { authorization: basic }))
    emulator.advance(2 * minute)
    await expectRefused(await refresh(url, refresh_token))
    expect((await getTokens(url, 'ben')).access_token).not.toBe('')
    emulator.advance(1 * minute)
    await refreshed(refresh_token)
  })

  it('a reset clears the lockout, and another dead token starts a new lockout', async () => {
    await start({ refreshLockoutMs: 3 * minute })
    await expectRefused(await refresh(url, 'made-up'))
    emulator.reset()
    const { refresh_token } = await getTokens(url, 'ada')
    const next = await refreshed(refresh_token)
    await expectRefused(await refresh(url, 'made-up'))
    emulator.advance(3 * minute)
    await refreshed(next.refresh_token)
    await expectRefused(await refresh(url, 'made-up'))
    await expectRefused(await refresh(url, next.refresh_token))
  })

  it('the legacy profile has no lockout', async () => {
    await start({ profile: 'legacy', refreshLockoutMs: 3 * minute })
    const { refresh_token } = await getTokens(url, 'ada')
    expect((await refresh(url, 'made-up')).status).toBe(400)
    await refreshed(refresh_token)
  })

  it('other clients are not locked out', async () => {
    await start({ seed, refreshLockoutMs: 3 * minute })
    const { refresh_token } = await getTokens(url, 'ada')
    await expectRefused(await refresh(url, 'made-up', asOther))
    await refreshed(refresh_token)
  })
})

describe('refreshing before 2026', () => {
  beforeEach(() => start({ profile: 'legacy' }))

  it('returns a new access token and the same refresh token, which never expires', async () => {
    const { refresh_token } = await getTokens(url, 'ada')
    for (let year = 0; year < 3; year += 1) {
      emulator.advance(365 * day)
      const next = await refreshed(refresh_token)
      expect(next.refresh_token).toBe(refresh_token)
      expect((await getApi(url, '/2.0/user', next.access_token)).status).toBe(200)
    }
  })

  it('rejects an unknown token with invalid_request', async () => {
    await expectRefused(await refresh(url, 'made-up'), {
      error: 'invalid_request',
      error_description: 'Invalid refresh_token',
    })
  })
})
