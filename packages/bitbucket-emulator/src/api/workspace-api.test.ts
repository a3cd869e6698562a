import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BitbucketEmulator, startBitbucketEmulator } from '../emulator.ts'
import { callback, getApi, readJson, signIn, startWithScopes } from '../testing/client.ts'

let emulator: BitbucketEmulator
let url: string

beforeAll(async () => {
  emulator = await startBitbucketEmulator({
    seed: {
      workspaces: [
        {
          slug: 'acme',
          name: 'Acme',
          owners: ['ada'],
          projectCreators: ['unconfirmed'],
          members: ['ben'],
        },
        { slug: 'other', owners: ['ben'] },
        ...Array.from({ length: 11 }, (_, index) => ({
          slug: `many-${index}`,
          owners: ['many-emails'],
        })),
      ],
      consumers: [
        {
          clientId: 'latchkey-dev',
          clientSecret: 'latchkey-dev-secret',
          callbackUrl: callback,
          scopes: ['account', 'email', 'repository'],
        },
      ],
    },
  })
  url = emulator.url
})
afterEach(() => emulator.reset())
afterAll(() => emulator.close())

async function getAs(user: string, path: string): Promise<Response> {
  return getApi(url, path, await signIn(url, user))
}

interface WorkspacePage {
  size: number
  next?: string
  values: { administrator: boolean; workspace: { slug: string; uuid: string } }[]
}

describe('GET /2.0/user/workspaces', () => {
  it('lists the workspaces of the account, and marks the ones that it owns', async () => {
    const response = await getAs('ben', '/2.0/user/workspaces')
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      pagelen: 10,
      page: 1,
      size: 2,
      values: [
        {
          type: 'workspace_access',
          administrator: false,
          workspace: {
            type: 'workspace_base',
            uuid: expect.stringMatching(/^\{[0-9a-f-]{36}\}$/),
            slug: 'acme',
            links: {
              avatar: { href: 'https://bitbucket.org/workspaces/acme/avatar/' },
              self: { href: `${url}/2.0/workspaces/acme` },
            },
          },
        },
        {
          type: 'workspace_access',
          administrator: true,
          workspace: expect.objectContaining({ slug: 'other' }),
        },
      ],
    })
  })

  it('is empty for an account without workspaces', async () => {
    const body = await readJson(await getAs('no-email', '/2.0/user/workspaces'))
    expect(body).toEqual({ pagelen: 10, page: 1, size: 0, values: [] })
  })

  it.each([
    ['true', ['other']],
    ['false', ['acme']],
  ])('?administrator=%s returns %j', async (administrator, slugs) => {
    const path = `/2.0/user/workspaces?administrator=${administrator}`
    const { values } = await readJson<WorkspacePage>(await getAs('ben', path))
    expect(values.map(({ workspace }) => workspace.slug)).toEqual(slugs)
  })

  it.each(['', 'yes', 'TRUE', 'any'])('rejects ?administrator=%s', async (value) => {
    const response = await getAs('ben', `/2.0/user/workspaces?administrator=${value}`)
    expect(response.status).toBe(400)
  })

  it('is paginated, and its links keep the other parameters', async () => {
    const token = await signIn(url, 'many-emails')
    const first = await readJson<WorkspacePage>(
      await getApi(url, '/2.0/user/workspaces?administrator=true', token),
    )
    expect(first.values).toHaveLength(10)
    expect(first.next).toBe(`${url}/2.0/user/workspaces?administrator=true&page=2`)
    const second = await readJson<WorkspacePage>(
      await fetch(first.next ?? '', { headers: { authorization: `Bearer ${token}` } }),
    )
    expect(second.values).toHaveLength(1)
  })
})

describe('GET /2.0/user/workspaces/{workspace}/permission', () => {
  it.each([
    ['ada', 'owner'],
    ['unconfirmed', 'create-project'],
    ['ben', 'member'],
  ])('returns the role of %s, %s, by slug and by uuid', async (user, permission) => {
    const token = await signIn(url, user)
    const list = await readJson<WorkspacePage>(await getApi(url, '/2.0/user/workspaces', token))
    const uuid =
      list.values.find(({ workspace }) => workspace.slug === 'acme')?.workspace.uuid ?? ''
    for (const name of ['acme', encodeURIComponent(uuid)]) {
      const response = await getApi(url, `/2.0/user/workspaces/${name}/permission`, token)
      expect(response.status).toBe(200)
      expect(await response.json()).toMatchObject({
        type: 'workspace_membership',
        permission,
        user: { type: 'user', nickname: user },
        workspace: { slug: 'acme', uuid, name: 'Acme' },
        links: { self: { href: `${url}/2.0/user/workspaces/${name}/permission` } },
      })
    }
  })

  it.each([
    ['an account that is not a member', 'no-email', 'acme'],
    ['an unknown workspace', 'ada', 'nowhere'],
  ])('returns 403 to %s', async (_, user, workspace) => {
    const response = await getAs(user, `/2.0/user/workspaces/${workspace}/permission`)
    expect(response.status).toBe(403)
    expect(await response.json()).toEqual({
      type: 'error',
      error: { message: 'You do not have access to this workspace.' },
    })
  })
})

describe('a removed cross-workspace endpoint', () => {
  it.each([
    '/2.0/workspaces',
    '/2.0/user/permissions/workspaces',
    '/2.0/user/permissions/repositories',
    '/2.0/repositories?role=member',
  ])('%s responds 410', async (path) => {
    const response = await getAs('ada', path)
    expect(response.status).toBe(410)
    const data = {
      announcement_url: 'https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-2770',
    }
    expect(await response.json()).toEqual({
      type: 'error',
      error: {
        message: 'CHANGE-2770 - Functionality has been deprecated',
        detail: 'Please read the changelog entry for more details.',
        data,
      },
      data,
    })
  })
})

describe('a repository', () => {
  it("is not found, and the response has Bitbucket's text", async () => {
    const response = await getAs('ada', '/2.0/repositories/acme/rocket')
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({
      type: 'error',
      error: { message: 'Repository acme/rocket not found' },
    })
  })
})

describe('a feature that is not emulated', () => {
  it.each([
    ['GET', '/2.0/repositories/acme'],
    ['PUT', '/2.0/repositories/acme/rocket'],
    ['GET', '/2.0/repositories/acme/rocket/pullrequests'],
    ['GET', '/2.0/workspaces/acme'],
    ['GET', '/2.0/workspaces/acme/members'],
    ['GET', '/2.0/user/workspaces/acme/permissions/repositories'],
    ['GET', '/2.0/users/%7Ba1e7c0de-0001-4a01-8a01-000000000001%7D'],
    ['GET', '/2.0/snippets'],
  ])('%s %s responds 501', async (method, path) => {
    await expectNotEmulated(await fetch(`${url}${path}`, { method }), 'this path or this method')
  })

  it('returns 501 for the list of public repositories', async () => {
    const response = await getAs('ada', '/2.0/repositories')
    await expectNotEmulated(response, 'the list of public repositories')
  })

  it.each([
    ['/2.0/user', 'fields'],
    ['/2.0/user/emails', 'q'],
    ['/2.0/user/emails/ada@example.com', 'fields'],
    ['/2.0/user/workspaces', 'q'],
    ['/2.0/user/workspaces', 'sort'],
    ['/2.0/user/workspaces/acme/permission', 'fields'],
    ['/2.0/repositories/acme/rocket', 'fields'],
  ])('%s returns 501 for ?%s= instead of ignoring it', async (path, parameter) => {
    const token = await signIn(url, 'ada')
    const feature = `the query parameter "${parameter}" of this path`
    await expectNotEmulated(
      await getApi(url, `${path}?${parameter}=slug%3D%22nope%22`, token),
      feature,
    )
  })

  async function expectNotEmulated(response: Response, feature: string): Promise<void> {
    expect(response.status).toBe(501)
    const message = `The Bitbucket emulator does not emulate ${feature}. Bitbucket may have it.`
    expect(await response.json()).toEqual({ type: 'error', error: { message } })
  }
})

describe('without the scope or the token', () => {
  const paths = ['/2.0/user/workspaces', '/2.0/user/workspaces/acme/permission']

  it.each(paths)('%s requires the scope account', async (path) => {
    const narrow = await startWithScopes('email')
    const response = await getApi(narrow.url, path, await signIn(narrow.url, 'ada'))
    await narrow.close()
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({
      error: { detail: { required: ['account'], granted: ['email'] } },
    })
  })

  it.each([...paths, '/2.0/repositories/acme/rocket'])('%s requires a token', async (path) => {
    expect((await fetch(`${url}${path}`)).status).toBe(401)
  })
})
