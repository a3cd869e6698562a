import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import * as formats from 'ajv-formats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BitbucketEmulator, startBitbucketEmulator } from '../emulator.ts'
import { scopes } from '../rules/scopes.ts'
import { callback, getApi, postToken, readJson, signIn } from '../testing/client.ts'

// These tests validate responses against Atlassian's OpenAPI description. The repository contains only the facts that
// the tests need: names, types and statuses, but no text. To test against the full description instead, set
// LATCHKEY_BITBUCKET_OPENAPI to its path.

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

/** Returns the violations of the schema with this reference. */
function faultsOf(value: unknown, reference: string): string[] {
  const validate = ajv.getSchema(`bitbucket${reference}`)
  if (!validate) throw new Error(`The description has no schema ${reference}.`)
  validate(value)
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

/** Returns the violations of every nested object with a `type`, by the schema of that type. */
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
  'an account without a workspace': () => signIn(url, 'no-email'),
  'an app user': () => appToken('app'),
  'an unknown token': async () => 'made-up',
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

  it.each(Object.entries(tokens))(
    'responds to %s as the description says',
    async (_account, token) => {
      const response = await getApi(url, `/2.0${path}`, await token())
      const described = responses[response.status] ?? responses.default
      expect(described ?? `The description lacks the status ${response.status}`).toBeInstanceOf(
        Object,
      )
      const body = await response.json()
      expect(faultsByType(body)).toEqual([])
      // For addresses, the description contains only errors.
      if (response.status === 200 && responses['200'] === undefined) return
      const { $ref } = described?.content['application/json'].schema ?? { $ref: '' }
      expect(faultsOf(body, $ref)).toEqual([])
    },
  )

  it('requires the scope in the description', async () => {
    const response = await getApi(url, `/2.0${path}`, await appToken('narrow'))
    const needed = security.flatMap(({ oauth2 }) => oauth2 ?? [])
    expect(response.headers.get('x-accepted-oauth-scopes')).toBe(needed.join())
    // Recorded responses have an object here, and clients read it. The description has a string.
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
])('responds to %s with an error from the description (%i)', async (path, status) => {
  const response = await getApi(url, path, await signIn(url, 'ada'))
  expect(response.status).toBe(status)
  expect(faultsOf(await response.json(), '#/components/schemas/error')).toEqual([])
})

it('has exactly the scopes in the description', () => {
  const described = Object.keys(securitySchemes.oauth2.flows.authorizationCode.scopes)
  expect(Object.keys(scopes).toSorted()).toEqual(described.toSorted())
})
