import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BitbucketEmulator, startBitbucketEmulator } from '../emulator.ts'
import { callback, getApi, readJson, signIn, startWithScopes } from '../testing/client.ts'

let emulator: BitbucketEmulator
let url: string

beforeAll(async () => {
  emulator = await startBitbucketEmulator({
    seed: {
      workspaces: [
        { slug: 'acme', name: 'Acme', owners: ['ada'], members: ['ben'] },
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
          scopes: ['account', 'repository'],
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

const notFound = { type: 'error', error: { message: 'Resource not found' } }

describe('GET /2.0/user/workspaces', () => {
  it('lists those where the person is, and says which of them are theirs', async () => {
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
            type: 'workspace',
            uuid: expect.stringMatching(/^\{[0-9a-f-]{36}\}$/),
            name: 'Acme',
            slug: 'acme',
            links: {
              self: { href: `${url}/2.0/workspaces/acme` },
              html: { href: 'https://bitbucket.org/acme/' },
            },
          },
        },
        {
          type: 'workspace_access',
          administrator: true,
          workspace: expect.objectContaining({ slug: 'other', name: 'other' }),
        },
      ],
    })
  })

  it('is empty for somebody who is in none', async () => {
    const body = await readJson(await getAs('no-email', '/2.0/user/workspaces'))
    expect(body).toEqual({ pagelen: 10, page: 1, size: 0, values: [] })
  })

  it.each([
    ['true', ['other']],
    ['false', ['acme']],
  ])('?administrator=%s leaves %j', async (administrator, slugs) => {
    const path = `/2.0/user/workspaces?administrator=${administrator}`
    const { values } = await readJson<WorkspacePage>(await getAs('ben', path))
    expect(values.map(({ workspace }) => workspace.slug)).toEqual(slugs)
  })

  it('comes in pages, whose links keep what was asked for', async () => {
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
    ['ben', 'member'],
  ])('says that %s is %s, by slug and by uuid', async (user, permission) => {
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
        workspace: { slug: 'acme', uuid },
      })
    }
  })

  it.each([
    ['a stranger', 'no-email', 'acme'],
    ['somebody who made up the workspace', 'ada', 'nowhere'],
  ])('knows nothing to tell %s', async (_, user, workspace) => {
    const response = await getAs(user, `/2.0/user/workspaces/${workspace}/permission`)
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual(notFound)
  })
})

describe('an endpoint across workspaces', () => {
  it.each([
    '/2.0/workspaces',
    '/2.0/user/permissions/workspaces',
    '/2.0/user/permissions/repositories',
    '/2.0/repositories?role=member',
  ])('%s is gone', async (path) => {
    const response = await getAs('ada', path)
    expect(response.status).toBe(410)
    expect(await response.json()).toEqual({ type: 'error', error: { message: 'Gone' } })
  })
})

describe('a repository', () => {
  it('is not found, in the words of the real one', async () => {
    const response = await getAs('ada', '/2.0/repositories/acme/rocket')
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({
      type: 'error',
      error: { message: 'Repository acme/rocket not found' },
    })
  })

  it('that is public is not in a list either', async () => {
    expect((await getAs('ada', '/2.0/repositories')).status).toBe(404)
  })
})

describe('without the scope or the token', () => {
  const paths = ['/2.0/user/workspaces', '/2.0/user/workspaces/acme/permission']

  it.each(paths)('%s needs account', async (path) => {
    const narrow = await startWithScopes('email')
    const response = await getApi(narrow.url, path, await signIn(narrow.url, 'ada'))
    await narrow.close()
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({
      error: { detail: { required: ['account'], granted: ['email'] } },
    })
  })

  it.each([...paths, '/2.0/repositories/acme/rocket'])('%s needs a token', async (path) => {
    expect((await fetch(`${url}${path}`)).status).toBe(401)
  })
})
