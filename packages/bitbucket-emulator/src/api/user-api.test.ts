import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BitbucketEmulator, startBitbucketEmulator } from '../emulator.ts'
import { getApi, readJson, signIn, startWithScopes } from '../testing/client.ts'

let emulator: BitbucketEmulator
let url: string

beforeAll(async () => {
  emulator = await startBitbucketEmulator()
  url = emulator.url
})
afterEach(() => emulator.reset())
afterAll(() => emulator.close())

interface EmailPage {
  page: number
  size: number
  values: { is_primary: boolean }[]
  next?: string
  previous?: string
}

const invalidToken = {
  type: 'error',
  error: { message: 'Token is invalid, expired, or not supported for this endpoint.' },
}

describe('GET /2.0/user', () => {
  it('returns the account in the same shape as Bitbucket', async () => {
    const response = await getApi(url, '/2.0/user', await signIn(url, 'ada'))
    expect(response.status).toBe(200)
    expect(response.headers.get('x-oauth-scopes')).toBe('account, email')
    expect(response.headers.get('x-accepted-oauth-scopes')).toBe('account')
    expect(response.headers.get('x-credential-type')).toBe('oauth2')
    const id = '%7Ba1e7c0de-0001-4a01-8a01-000000000001%7D'
    expect(await response.json()).toEqual({
      display_name: 'Ada Test',
      links: {
        self: { href: `${url}/2.0/users/${id}` },
        avatar: {
          href: expect.stringMatching(
            /^https:\/\/secure\.gravatar\.com\/avatar\/[0-9a-f]{32}\?d=https%3A%2F%2F.+%2FAT-1\.png$/,
          ),
        },
        repositories: { href: `${url}/2.0/repositories/${id}` },
        snippets: { href: `${url}/2.0/snippets/${id}` },
        html: { href: `https://bitbucket.org/${id}/` },
        hooks: { href: `${url}/2.0/workspaces/${id}/hooks` },
      },
      created_on: '2012-07-25T04:53:41.525465+00:00',
      type: 'user',
      uuid: '{a1e7c0de-0001-4a01-8a01-000000000001}',
      has_2fa_enabled: false,
      username: 'ada',
      is_staff: false,
      account_id: '557058:a1e7c0de-1001-4a01-8a01-000000000001',
      nickname: 'ada',
      account_status: 'active',
      location: null,
    })
  })

  it('returns the same ids after a restart', async () => {
    const before = await getApi(url, '/2.0/user', await signIn(url, 'ben'))
    const restarted = await startBitbucketEmulator()
    const token = await signIn(restarted.url, 'ben')
    const after = await getApi(restarted.url, '/2.0/user', token)
    const { uuid, account_id } = await readJson<{ uuid: string; account_id: string }>(after)
    await restarted.close()
    expect(await before.json()).toMatchObject({ uuid, account_id })
  })

  it('returns the status of an inactive account', async () => {
    const response = await getApi(url, '/2.0/user', await signIn(url, 'inactive'))
    expect(await response.json()).toMatchObject({ account_status: 'inactive' })
  })

  it('uses the host name of the request in its links', async () => {
    const local = url.replace('127.0.0.1', 'localhost')
    const response = await getApi(local, '/2.0/user/emails', await signIn(url, 'many-emails'))
    expect(await response.json()).toMatchObject({ next: `${local}/2.0/user/emails?page=2` })
  })
})

describe('GET /2.0/user/emails', () => {
  it('returns one address on one page', async () => {
    const response = await getApi(url, '/2.0/user/emails', await signIn(url, 'ada'))
    expect(response.headers.get('x-accepted-oauth-scopes')).toBe('email')
    expect(await response.json()).toEqual({
      pagelen: 10,
      values: [
        {
          is_primary: true,
          links: { self: { href: `${url}/2.0/user/emails/ada%40example.com` } },
          type: 'email',
          email: 'ada@example.com',
          is_confirmed: true,
        },
      ],
      page: 1,
      size: 1,
    })
  })

  it('returns an empty page for an account without addresses', async () => {
    const response = await getApi(url, '/2.0/user/emails', await signIn(url, 'no-email'))
    expect(await response.json()).toEqual({ pagelen: 10, values: [], page: 1, size: 0 })
  })

  it('marks an unconfirmed address', async () => {
    const response = await getApi(url, '/2.0/user/emails', await signIn(url, 'unconfirmed'))
    expect(await response.json()).toMatchObject({
      values: [{ is_primary: true, is_confirmed: false }],
    })
  })

  it('links all pages to each other, with the primary address on the last one', async () => {
    const token = await signIn(url, 'many-emails')
    const pages: EmailPage[] = []
    let next: string | undefined = `${url}/2.0/user/emails`
    while (next !== undefined) {
      const page: EmailPage = await readJson(await getApi(next, '', token))
      pages.push(page)
      next = page.next
    }
    expect(pages.map(({ page, size, values }) => [page, size, values.length])).toEqual([
      [1, 30, 10],
      [2, 30, 10],
      [3, 30, 10],
    ])
    const primaries = pages.map(({ values }) => values.some(({ is_primary }) => is_primary))
    expect(primaries).toEqual([false, false, true])
    expect(pages.map(({ previous }) => previous)).toEqual([
      undefined,
      `${url}/2.0/user/emails?page=1`,
      `${url}/2.0/user/emails?page=2`,
    ])
  })

  it('keeps pagelen in its links', async () => {
    const token = await signIn(url, 'many-emails')
    const page: EmailPage = await readJson(await getApi(url, '/2.0/user/emails?pagelen=20', token))
    expect(page.values).toHaveLength(20)
    expect(page.next).toBe(`${url}/2.0/user/emails?pagelen=20&page=2`)
    const all: EmailPage = await readJson(await getApi(url, '/2.0/user/emails?pagelen=100', token))
    expect(all.values).toHaveLength(30)
    expect(all).not.toHaveProperty('next')
  })

  it('is empty after the last page', async () => {
    const page = await getApi(url, '/2.0/user/emails?page=9', await signIn(url, 'ada'))
    expect(await page.json()).toMatchObject({ values: [], page: 9, size: 1 })
  })

  it.each([
    ['pagelen=101', 'Invalid pagelen'],
    ['pagelen=0', 'Invalid pagelen'],
    ['pagelen=ten', 'Invalid pagelen'],
    ['page=0', 'Invalid page'],
    ['page=-1', 'Invalid page'],
  ])('rejects %s', async (query, message) => {
    const response = await getApi(url, `/2.0/user/emails?${query}`, await signIn(url, 'ada'))
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ type: 'error', error: { message } })
  })
})

describe('GET /2.0/user/emails/{email}', () => {
  it.each(['ada@example.com', 'ada%40example.com'])('returns %s', async (email) => {
    const response = await getApi(url, `/2.0/user/emails/${email}`, await signIn(url, 'ada'))
    expect(await response.json()).toMatchObject({ type: 'email', email: 'ada@example.com' })
  })

  it('does not return an address of another account', async () => {
    const token = await signIn(url, 'ada')
    const response = await getApi(url, '/2.0/user/emails/ben@example.com', token)
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({
      type: 'error',
      error: { message: 'Resource not found' },
    })
  })

  it('returns 404 for a malformed escape', async () => {
    const response = await getApi(url, '/2.0/user/emails/%zz', await signIn(url, 'ada'))
    expect(response.status).toBe(404)
  })
})

describe('without a valid token', () => {
  const paths = ['/2.0/user', '/2.0/user/emails', '/2.0/user/emails/ada@example.com']

  it.each(paths)('%s responds 401', async (path) => {
    for (const headers of [
      {},
      { authorization: 'Bearer' },
      { authorization: 'Bearer made-up' },
      { authorization: `Basic ${btoa('latchkey-dev:latchkey-dev-secret')}` },
    ]) {
      const response = await fetch(`${url}${path}`, { headers })
      expect(response.status).toBe(401)
      expect(await response.json()).toEqual(invalidToken)
    }
  })

  it.each(paths)('%s returns 401 for a token in the query', async (path) => {
    const response = await fetch(`${url}${path}?access_token=${await signIn(url, 'ada')}`)
    expect(response.status).toBe(401)
    expect(await response.json()).toEqual(invalidToken)
  })

  it('a token expires after two hours', async () => {
    const token = await signIn(url, 'ada')
    emulator.advance(7199 * 1000)
    expect((await getApi(url, '/2.0/user', token)).status).toBe(200)
    emulator.advance(1000 + 60_000)
    const response = await getApi(url, '/2.0/user', token)
    expect(response.status).toBe(401)
    expect(await response.json()).toEqual(invalidToken)
  })
})

describe('a scope that includes another', () => {
  it.each([
    ['account:write', '/2.0/user', 200],
    ['pullrequest', '/2.0/repositories/acme/rocket', 404],
    ['pullrequest:write', '/2.0/repositories/acme/rocket', 404],
    ['repository:admin', '/2.0/repositories/acme/rocket', 403],
    ['account', '/2.0/user/emails', 403],
  ])('%s at %s: %i', async (scope, path, status) => {
    const wide = await startWithScopes(scope)
    const response = await getApi(wide.url, path, await signIn(wide.url, 'ada'))
    await wide.close()
    expect(response.status).toBe(status)
  })
})

describe('without the scope', () => {
  it.each([
    ['/2.0/user', 'account', 'email'],
    ['/2.0/user/emails', 'email', 'account'],
    ['/2.0/user/emails/ada@example.com', 'email', 'account'],
  ])('%s requires %s', async (path, required, granted) => {
    const narrow = await startWithScopes(granted)
    const response = await getApi(narrow.url, path, await signIn(narrow.url, 'ada'))
    await narrow.close()
    expect(response.status).toBe(403)
    expect(response.headers.get('x-oauth-scopes')).toBe(granted)
    expect(response.headers.get('x-accepted-oauth-scopes')).toBe(required)
    expect(await response.json()).toEqual({
      type: 'error',
      error: {
        message: 'Your credentials lack one or more required privilege scopes.',
        detail: { required: [required], granted: [granted] },
      },
    })
  })
})
