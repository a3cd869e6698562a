import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import * as formats from 'ajv-formats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BitbucketEmulator, startBitbucketEmulator } from '../emulator.ts'
import { scopes } from '../rules/scopes.ts'
import { callback, getApi, postToken, readJson, signIn } from '../testing/client.ts'

// Atlassian's OpenAPI description of the API decides whether an answer has the right shape. The repository holds the
// facts of it that these tests need: names, types and statuses, and none of its text. LATCHKEY_BITBUCKET_OPENAPI names
// a copy of the whole description to test against instead.

interface Description {
  readonly paths: Readonly<Record<string, { readonly get: Operation }>>
  readonly components: {
    readonly schemas: Readonly<Record<string, unknown>>
    readonly securitySchemes: {
      readonly oauth2: { readonly flows: { readonly authorizationCode: { scopes: object } } }
    }
  }
}

interface Operation {
  readonly responses: Readonly<Record<string, Described>>
  readonly security: readonly { readonly oauth2?: readonly string[] }[]
}

interface Described {
  readonly content: { readonly 'application/json': { readonly schema: { readonly $ref: string } } }
}

const file =
  process.env.LATCHKEY_BITBUCKET_OPENAPI ??
  new URL('../testing/bitbucket-api-facts.json', import.meta.url)
const description = JSON.parse(readFileSync(file, 'utf8')) as Description
const { schemas, securitySchemes } = description.components

const ajv = new Ajv({ strict: false, allErrors: true })
formats.default.default(ajv)
ajv.addSchema(description, 'bitbucket')

/** What is wrong with a value, by a schema's reference. */
function faultsOf(value: unknown, reference: string): string[] {
  const validate = ajv.getSchema(`bitbucket${reference}`)
  if (!validate) throw new Error(`There is no schema ${reference}.`)
  validate(value)
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

/** What is wrong with every object in a value that says its type, by the schema of that type. */
function faultsByType(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const { type } = value as { type?: unknown }
  const schema = type === 'app_user' ? 'account' : String(type)
  const own = schema in schemas ? faultsOf(value, `#/components/schemas/${schema}`) : []
  return [...own, ...Object.values(value).flatMap(faultsByType)]
}

let emulator: BitbucketEmulator
let url: string

beforeAll(async () => {
  const consumer = { clientSecret: 's', callbackUrl: callback }
  emulator = await startBitbucketEmulator({
    seed: {
      consumers: [
        {
          clientId: 'latchkey-dev',
          clientSecret: 'latchkey-dev-secret',
          callbackUrl: callback,
          scopes: ['account', 'email'],
        },
        { clientId: 'app', ...consumer, isPrivate: true, scopes: ['account', 'email'] },
        { clientId: 'narrow', ...consumer, isPrivate: true, scopes: ['team'] },
      ],
    },
  })
  url = emulator.url
})
afterAll(() => emulator.close())

async function appToken(client: string): Promise<string> {
  const headers = { authorization: `Basic ${btoa(`${client}:s`)}` }
  const response = await postToken(url, { grant_type: 'client_credentials' }, headers)
  return (await readJson<{ access_token: string }>(response)).access_token
}

const tokens: Readonly<Record<string, () => Promise<string>>> = {
  ada: () => signIn(url, 'ada'),
  ben: () => signIn(url, 'ben'),
  'somebody without a workspace': () => signIn(url, 'no-email'),
  'an app user': () => appToken('app'),
  nobody: async () => 'made-up',
}

const paths = {
  '/user': '/user',
  '/user/emails': '/user/emails?pagelen=1',
  '/user/emails/{email}': '/user/emails/ada@example.com',
  '/user/workspaces': '/user/workspaces?administrator=true',
  '/user/workspaces/{workspace}/permission': '/user/workspaces/acme/permission',
} as const

describe.each(Object.entries(paths))('GET %s', (template, path) => {
  const { responses, security } = description.paths[template]?.get ?? {
    responses: {},
    security: [],
  }

  it.each(Object.entries(tokens))('answers %s as described', async (_who, token) => {
    const response = await getApi(url, `/2.0${path}`, await token())
    const described = responses[response.status] ?? responses.default
    expect(described ?? `nothing for ${response.status}`).toBeInstanceOf(Object)
    const body = await response.json()
    expect(faultsByType(body)).toEqual([])
    // The description of addresses has nothing but errors.
    if (response.status === 200 && responses['200'] === undefined) return
    const { $ref } = described?.content['application/json'].schema ?? { $ref: '' }
    expect(faultsOf(body, $ref)).toEqual([])
  })

  it('needs the scope that is described', async () => {
    const response = await getApi(url, `/2.0${path}`, await appToken('narrow'))
    const needed = security.flatMap(({ oauth2 }) => oauth2 ?? [])
    expect(response.headers.get('x-accepted-oauth-scopes')).toBe(needed.join())
    // Recorded answers have an object here, which clients read. By the description it would be a text.
    expect(faultsOf(await response.json(), '#/components/schemas/error')).toEqual([
      '/error/detail must be string',
    ])
  })
})

it.each([
  ['/2.0/workspaces', 410],
  ['/2.0/user/workspaces?pagelen=0', 400],
  ['/2.0/user/workspaces?sort=slug', 501],
  ['/2.0/nothing', 404],
])('answers %s with a described error (%i)', async (path, status) => {
  const response = await getApi(url, path, await signIn(url, 'ada'))
  expect(response.status).toBe(status)
  expect(faultsOf(await response.json(), '#/components/schemas/error')).toEqual([])
})

it('has the scopes that are described, and no others', () => {
  const described = Object.keys(securitySchemes.oauth2.flows.authorizationCode.scopes)
  expect(Object.keys(scopes).toSorted()).toEqual(described.toSorted())
})
