import type { IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, expectTypeOf, it, onTestFinished, vi } from 'vitest'
import {
  defineProvider,
  type LatchkeyError,
  type LatchkeyOptions,
  type List,
  type Profile,
  type Provider,
  type Row,
  read,
  refuse,
} from '../index.ts'
import { buildApp } from '../testing/app.ts'
import { comeBack, serve } from '../testing/unruly.ts'

/** A part of every bad value. No message may contain it. */
const CANARY = 'Canary-4711'

const CREDENTIALS = { clientId: 'a-client', clientSecret: 'a-client-secret' }

/** A complete sheet, of which a test changes single fields. */
const SHEET = {
  id: 'acme',
  name: 'Acme',
  ...CREDENTIALS,
  authorize: 'https://id.acme.example/authorize',
  token: 'https://id.acme.example/token',
  scope: ['profile', 'email'],
  vouchesForEmail: true,
  steps: { me: { url: 'https://api.acme.example/me' } },
  profile: ({ me }: { readonly me: Record<string, unknown> }) => ({ subject: read.id(me.id) }),
}

/** Defines a provider as JavaScript can: without types. */
function define(changes: object): Provider {
  return defineProvider({ ...SHEET, ...changes } as never)
}

/** Returns the error of a sheet, after checks that every error of a sheet must pass. */
function faultOf(changes: object): LatchkeyError {
  try {
    define(changes)
  } catch (error) {
    const { message, name } = error as LatchkeyError
    expect(name).toBe('LatchkeyError')
    expect(message).toMatch(/\. See docs\/reference\/errors\.md#latchkey_option_\w+$/)
    expect(message).not.toContain(CANARY)
    expect(message).not.toContain(CREDENTIALS.clientSecret)
    return error as LatchkeyError
  }
  throw new Error('The sheet was accepted.')
}

afterEach(() => void vi.unstubAllEnvs())

const TEXTS = [7, true, ['x'], {}, CANARY.length, Symbol(CANARY)]
const NO_FUNCTIONS = [CANARY, 7, true, {}, async () => true]
const NO_ENDPOINTS = [
  '',
  CANARY,
  `/${CANARY}`,
  7,
  `javascript:${CANARY}`,
  `ftp://${CANARY}.example/`,
  `https://u:${CANARY}@id.acme.example/`,
  `https://id.acme.example/?${CANARY}`,
  `https://id.acme.example/#${CANARY}`,
]
const NO_SCOPES = [
  'account email',
  CANARY,
  ['account email'],
  [''],
  [7],
  [`${CANARY}"`],
  [`${CANARY}\n`],
  {},
]

const SCOPES = "must be an array of scopes, such as ['profile', 'email']"
const ENDPOINT = 'must be an http or https URL without credentials, query or fragment'

describe('a field of a sheet', () => {
  it.each<[field: string, values: readonly unknown[], demand: string]>([
    ['name', ['', ...TEXTS], "must be the company's name, such as 'Acme'"],
    [
      'mark',
      [
        CANARY,
        [],
        { viewBox: CANARY },
        { viewBox: '', paths: [] },
        { viewBox: '0 0 1 1', paths: [CANARY] },
        { viewBox: '0 0 1 1', paths: [{ d: '', fill: CANARY }] },
        { viewBox: '0 0 1 1', paths: [{ d: 'M0 0', fill: [CANARY] }] },
      ],
      'must be { viewBox, paths: [{ d, fill }] }',
    ],
    ['clientId', TEXTS, 'must be a string'],
    ['clientSecret', TEXTS, 'must be a string, or a function that returns one'],
    ['clientAuth', [CANARY, '', 7, ['basic']], "must be 'basic', 'post', 'none' or 'secret_jwt'"],
    ['setup', ['', ...TEXTS], 'must be a sentence that says where to find the credentials'],
    ['authorize', NO_ENDPOINTS, ENDPOINT],
    ['token', NO_ENDPOINTS, ENDPOINT],
    ['issuer', ['', ...TEXTS], 'must be a string, such as https://id.acme.example'],
    [
      'openid',
      [
        CANARY,
        {},
        { issuer: CANARY },
        { issuer: `https://u:${CANARY}@id.acme.example` },
        { issuer: `https://id.acme.example?${CANARY}` },
        { issuer: 'https://id.acme.example', metadata: CANARY },
        { issuer: 'https://id.acme.example', isIssuer: CANARY },
        { issuer: 'https://id.acme.example', isIssuer: async () => false },
        { issuer: 'https://id.acme.example', wanted: CANARY },
        { issuer: 'https://id.acme.example', wanted: [7] },
      ],
      'must be { issuer, metadata?, isIssuer?, wanted? }, with an http or https URL as `issuer`',
    ],
    ['nonce', [CANARY, 0, 'false'], 'must be true or false'],
    ['pkce', [CANARY, 0, 'false'], 'must be true or false'],
    ['responseMode', [CANARY, '', 'fragment'], "must be 'query' or 'form_post'"],
    [
      'posted',
      [CANARY, [7], [''], {}],
      "must be an array of names of form fields, such as ['user']",
    ],
    ['scope', NO_SCOPES, SCOPES],
    ['optionalScopes', NO_SCOPES, SCOPES],
    [
      'authorizeParameters',
      [
        CANARY,
        [CANARY],
        { x: 7 },
        { x: '' },
        { state: CANARY },
        { redirect_uri: CANARY },
        { scope: CANARY },
        { code_challenge_method: CANARY },
        { nonce: CANARY },
      ],
      'must be an object of strings, without client_id, code_challenge, ',
    ],
    ['vouchesForEmail', [undefined, CANARY, 1, 'true'], 'must be true or false'],
    ['steps', [CANARY, [CANARY], 7], 'must be an object of requests, by name'],
    ['isSubject', NO_FUNCTIONS, 'must be a function that returns a boolean, not a promise'],
    [
      'profile',
      [undefined, ...NO_FUNCTIONS],
      'must be a function that returns a profile, not a promise',
    ],
    ['emulated', [7, {}, ''], 'must be a name or a function'],
    ['signUp', [CANARY, 7, {}], 'must be true or false'],
  ])(
    '`%s` is rejected with a bad value, and the error says what it must be',
    (field, values, demand) => {
      for (const value of values) {
        const { code, message } = faultOf({ [field]: value })
        expect(code).toBe('LATCHKEY_OPTION_INVALID')
        expect(message).toContain(`Provider \`acme\`: \`${field}\` ${demand}`)
      }
    },
  )

  it.each(['', 'Acme', '1acme', 'ac_me', 'a'.repeat(33), `../${CANARY}`, 7, null])(
    '`id` is rejected as %j',
    (id) => {
      const { code, message } = faultOf({ id })
      expect(code).toBe('LATCHKEY_OPTION_INVALID')
      expect(message).toContain('contains an invalid id. An id starts with a lowercase letter, and')
    },
  )

  it.each(['name', 'scope', 'vouchesForEmail', 'profile'])('`%s` is required', (field) => {
    expect(faultOf({ [field]: undefined }).message).toContain(`\`${field}\` must be `)
  })

  it.each(['authorize', 'token'])('`%s` is required without OpenID Connect', (field) => {
    expect(faultOf({ [field]: undefined }).message).toContain(
      `Provider \`acme\`: \`${field}\` is missing. Set it, or set \`openid\` to discover it.`,
    )
  })

  it.each([
    ['scopes', 'Did you mean `scope`?'],
    ['client_id', 'Did you mean `clientId`?'],
    ['authorizeUrl', 'Did you mean `authorize`?'],
    ['readProfile', 'The options are id, name, '],
  ])('`%s` is rejected as unknown: %s', (field, advice) => {
    const { code, message } = faultOf({ [field]: CANARY })
    expect(code).toBe('LATCHKEY_OPTION_UNKNOWN')
    expect(message).toContain(`Provider \`acme\`: there is no field \`${field}\`. ${advice}`)
  })

  it.each<[what: string, changes: object, message: string]>([
    [
      'a public client with a secret',
      { clientAuth: 'none' },
      "`clientSecret` must be omitted with clientAuth: 'none'",
    ],
    [
      'a public client without PKCE',
      { clientAuth: 'none', clientSecret: undefined, pkce: false },
      "`pkce` must be true with clientAuth: 'none'",
    ],
    [
      'form fields without a form',
      { posted: ['user'] },
      "`posted` requires responseMode: 'form_post'",
    ],
    [
      'OpenID Connect with an endpoint of its own',
      { openid: { issuer: 'https://id.acme.example' } },
      '`authorize` must be omitted, because `openid` discovers it',
    ],
    [
      'OpenID Connect without its scope',
      { openid: { issuer: 'https://id.acme.example' }, authorize: undefined, token: undefined },
      "`scope` must contain 'openid', because `openid` is set",
    ],
  ])('is rejected in %s', (_what, changes, message) => {
    expect(faultOf(changes).message).toContain(`Provider \`acme\`: ${message}.`)
  })

  it('is checked again when the plugin is registered, because a provider can be copied', async () => {
    const copy = { ...define({}), scope: 'account email' as never }
    await expect(buildApp({ url: '' }, { providers: [copy] })).rejects.toThrow(
      `Provider \`acme\`: \`scope\` ${SCOPES}.`,
    )
  })
})

describe('a step of a sheet', () => {
  it.each<[field: string, values: readonly unknown[], demand: string]>([
    [
      'url',
      [
        undefined,
        '',
        CANARY,
        `ftp://${CANARY}/`,
        `https://u:${CANARY}@x.example/`,
        async () => CANARY,
      ],
      'must have a `url`: an http or https URL, or a function that returns one, not a promise',
    ],
    ['method', [CANARY, 'PUT', 'get'], "must have the `method` 'GET' or 'POST'"],
    ['body', [CANARY, { a: CANARY }], "may have a `body`, an object, only with method: 'POST'"],
    [
      'headers',
      [CANARY, { accept: 7 }, { authorization: CANARY }, { AUTHORIZATION: CANARY }],
      'must have strings in `headers`, without `authorization`, which Latchkey sets',
    ],
    ['optional', ['', true, 7], 'must say in `optional` what the profile lacks without it'],
    ['fix', [CANARY, { 403: 7 }], 'must have a sentence for each status in `fix`'],
    [
      'refused',
      [CANARY, { 403: CANARY }, { 403: 'server_error' }],
      'must have one of access_denied, account_inactive, ',
    ],
    [
      'read',
      [CANARY, {}, { header: 7 }],
      "must have `read` as 'object', 'list', 'text' or { header }",
    ],
    ['pages', ['link', { rows: CANARY, next: CANARY }], "may have `pages` only with read: 'list'"],
    ['isRow', [() => true], "may have `isRow` only with read: 'list'"],
    ['isEnough', [() => true], "may have `isEnough` only with read: 'list'"],
  ])('is rejected with a bad `%s`', (field, values, demand) => {
    for (const value of values) {
      const { code, message } = faultOf({ steps: { me: { ...SHEET.steps.me, [field]: value } } })
      expect(code).toBe('LATCHKEY_OPTION_INVALID')
      expect(message).toContain(`Provider \`acme\`: \`steps.me\` ${demand}`)
    }
  })

  it.each<[field: string, values: readonly unknown[], demand: string]>([
    ['pages', [CANARY, {}, { rows: 'values' }], "must have `pages` as 'link' or { rows, next }"],
    ['isRow', NO_FUNCTIONS, 'must have a function `isRow` that returns a boolean, not a promise'],
    ['isEnough', NO_FUNCTIONS, 'must have a function `isEnough` that returns a boolean'],
  ])('that reads a list is rejected with a bad `%s`', (field, values, demand) => {
    for (const value of values) {
      const list = { ...SHEET.steps.me, read: 'list', [field]: value }
      expect(faultOf({ steps: { list } }).message).toContain(`\`steps.list\` ${demand}`)
    }
  })

  it.each(['claims', 'posted'])('cannot have the name `%s`, which answers already have', (name) => {
    expect(faultOf({ steps: { [name]: SHEET.steps.me } }).message).toContain(
      `Provider \`acme\`: \`steps.${name}\` must have another name, because Latchkey sets this one.`,
    )
  })

  it('is rejected with an unknown field, and the error suggests a known one', () => {
    const { code, message } = faultOf({ steps: { me: { ...SHEET.steps.me, header: {} } } })
    expect(code).toBe('LATCHKEY_OPTION_UNKNOWN')
    expect(message).toContain('there is no field `steps.me.header`. Did you mean `headers`?')
  })
})

describe('the plugin', () => {
  const register = (changes: object, options: LatchkeyOptions = {}) =>
    buildApp({ url: '' }, { providers: [define(changes)], ...options })

  it.each(['development', 'production'])(
    'reports missing credentials in %s',
    async (environment) => {
      vi.stubEnv('NODE_ENV', environment)
      const setup = 'Copy them from https://acme.example/apps.'
      const origin = 'https://app.example.com'
      for (const name of ['clientId', 'clientSecret']) {
        for (const value of [undefined, '']) {
          await expect(register({ [name]: value }, { origin })).rejects.toMatchObject({
            code: 'LATCHKEY_OPTION_MISSING',
            message: expect.stringContaining(
              `Provider \`acme\`: \`${name}\` is missing. Check the environment variable that it comes from`,
            ),
          })
          await expect(register({ [name]: value, setup }, { origin })).rejects.toThrow(
            `Provider \`acme\`: \`${name}\` is missing. ${setup}`,
          )
        }
      }
    },
  )

  it.each(['clientId', 'clientSecret'])(
    'rejects a line break in `%s`, without its value',
    async (name) => {
      await expect(register({ [name]: `${CANARY}\n` })).rejects.toMatchObject({
        code: 'LATCHKEY_OPTION_INVALID',
        message: expect.not.stringContaining(CANARY),
      })
    },
  )

  it.each([
    ['a public client without a secret', { clientAuth: 'none', clientSecret: undefined }],
    ['a secret that a function returns', { clientSecret: async () => 'a-client-secret' }],
  ])('accepts %s', async (_what, changes) => {
    const app = await register(changes)
    const { headers } = await app.inject('/auth/acme/start')
    expect(headers.location).toContain('https://id.acme.example/authorize?')
  })

  it('rejects a step over plain http in production', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const steps = { me: { url: 'http://api.acme.example/me' } }
    await expect(register({ steps }, { origin: 'https://app.example.com' })).rejects.toThrow(
      'Provider `acme`: `steps.me.url` must be https in production.',
    )
  })

  it('draws a neutral mark on the button of a provider without one', async () => {
    const app = await register({})
    const page = (await app.inject('/auth/sign-in')).body
    const [listed] = (await app.inject('/auth/providers')).json().providers
    const [path] = listed.mark.paths
    expect(path).toEqual({ d: expect.stringMatching(/^M[\d\sA-Za-z.-]+$/) })
    expect(page).toContain(`<svg viewBox="${listed.mark.viewBox}" aria-hidden="true">`)
    expect(page).toContain(`<path d="${path.d}" fill="currentColor"/>`)
    expect(page).toContain('<span>Continue with Acme</span>')
  })

  it('escapes a mark', async () => {
    const quoted = `"><script>${CANARY}</script>`
    const mark = { viewBox: quoted, paths: [{ d: quoted, fill: quoted }] }
    const { body } = await (await register({ mark })).inject('/auth/sign-in')
    expect(body).toContain(CANARY)
    expect(body).not.toContain(quoted)
  })
})

/** What Acme returns for a path: a status, or a body with status 200. */
interface Said {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

interface Received {
  readonly method: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** An Acme on 127.0.0.1 that signs everyone in. */
interface Acme {
  readonly url: string
  /** The response to each path. Change it. */
  readonly says: Map<string, Said>
  /** The last request to each path. */
  readonly received: Map<string, Received>
  /** Signs in with a sheet. */
  signIn(changes: object): Promise<Outcome>
}

interface Outcome {
  readonly location: string
  /** The log lines about the sign-in. */
  readonly log: readonly LogLine[]
  readonly profile: Profile | undefined
}

interface LogLine {
  readonly level: number
  readonly event?: string
  readonly code?: string
  readonly reason?: string
}

async function startAcme(bodies: Readonly<Record<string, unknown>> = {}): Promise<Acme> {
  const received: Acme['received'] = new Map()
  const says: Acme['says'] = new Map(Object.entries(bodies).map(([path, body]) => [path, { body }]))
  says.set('/token', { body: { access_token: 'an-access-token', token_type: 'bearer' } })
  const url = await serve(async (request, response) => {
    const path = String(request.url)
    const { method, headers } = request
    received.set(path, { method, headers, body: await text(request) })
    const said = says.get(path) ?? { status: 404 }
    response.writeHead(said.status ?? 200, { 'content-type': 'application/json', ...said.headers })
    response.end(typeof said.body === 'string' ? said.body : JSON.stringify(said.body))
  })
  return { url, says, received, signIn: (changes) => signInAt(url, changes) }
}

async function signInAt(url: string, changes: object): Promise<Outcome> {
  const lines: LogLine[] = []
  const profile = () => ({ subject: '1' })
  const at = { authorize: `${url}/authorize`, token: `${url}/token`, steps: {}, profile }
  const app = await buildApp(
    { url },
    { providers: [define({ ...at, ...changes })] },
    { write: (line) => void lines.push(JSON.parse(line)) },
  )
  let found: Profile | undefined
  app.latchkey.on('sign-in', (event) => {
    found = event.profile
  })
  const { headers } = await comeBack(app, 'acme')
  const log = lines.filter(({ event }) => event?.startsWith('sign-in'))
  return { location: String(headers.location), log, profile: found }
}

const failedWith = (code: string): string => `/auth/sign-in?auth_error=${code}`

describe('profile()', () => {
  it.each([
    'access_denied',
    'account_inactive',
    'provider_bad_answer',
    'provider_refused',
    'provider_unavailable',
  ] as const)(
    'ends a sign-in with %s if it refuses the person, and logs the reason',
    async (code) => {
      const acme = await startAcme()
      const reason = 'Bots cannot sign in.'
      const { location, log } = await acme.signIn({ profile: () => refuse(code, reason) })
      expect(location).toBe(failedWith(code))
      expect(log).toEqual([expect.objectContaining({ event: 'sign-in-failed', code, reason })])
    },
  )

  it.each<[what: string, profile: () => unknown, reason: string]>([
    [
      'throws an error',
      () => {
        throw new Error('a bug')
      },
      'a bug',
    ],
    [
      'throws something that is not an error',
      () => {
        throw CANARY
      },
      'unknown',
    ],
    [
      'returns a promise',
      () => Promise.resolve({ subject: '1' }),
      'profile() returned a promise. It must return an object',
    ],
    [
      'returns a promise that is rejected',
      () => Promise.reject(new Error(CANARY)),
      'profile() returned a promise. It must return an object',
    ],
  ])('that %s is a server_error', async (_what, profile, reason) => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    onTestFinished(() => void process.off('unhandledRejection', unhandled))
    const { location, log } = await (await startAcme()).signIn({ profile })
    expect(location).toBe(failedWith('server_error'))
    expect(log).toEqual([expect.objectContaining({ level: 50, code: 'server_error', reason })])
    // Node reports an unhandled rejection at the end of the turn in which it occurred.
    await setImmediate()
    expect(unhandled).not.toHaveBeenCalled()
  })

  it.each<[what: string, profile: unknown, reason: string]>([
    ['nothing', undefined, 'profile() did not return an object'],
    ['an array', [], 'profile() did not return an object'],
    ['no subject', {}, 'the profile has no `subject`, which must be a string'],
    ['a number', { subject: 1 }, 'the profile has no `subject`, which must be a string'],
    [
      'a name',
      { subject: 'Ada Test' },
      'the `subject` is not 1 to 255 printable ASCII characters without spaces',
    ],
    [
      'another form of id',
      { subject: CANARY },
      "the `subject` does not have the form of the provider's ids",
    ],
    [
      '0 as `active`',
      { subject: '1', active: 0 },
      '`active` in the profile is neither true nor false',
    ],
    [
      'null as `active`',
      { subject: '1', active: null },
      '`active` in the profile is neither true nor false',
    ],
  ])('that returns %s signs no one in, and the log says why', async (_what, profile, reason) => {
    const { location, log } = await (await startAcme()).signIn({
      profile: () => profile,
      isSubject: (subject: string) => /^\d+$/.test(subject),
    })
    expect(location).toBe(failedWith('provider_bad_answer'))
    expect(log).toEqual([expect.objectContaining({ event: 'sign-in-failed', reason })])
  })

  it('receives the answer of each step by its name', async () => {
    const acme = await startAcme({
      '/me': { id: 7, login: 'ada' },
      '/names': 'Ada\nTest',
      '/list': [{ id: 1 }],
      '/users/ada': { email: 'ada@example.com' },
    })
    acme.says.set('/header', { headers: { 'x-username': 'ada' } })
    const profile = vi.fn(({ me }: { me: Row }) => ({ subject: read.id(me.id) }))
    const steps = {
      me: { url: `${acme.url}/me` },
      names: { url: `${acme.url}/names`, read: 'text' },
      header: { url: `${acme.url}/header`, read: { header: 'X-Username' } },
      list: { url: `${acme.url}/list`, read: 'list' },
      user: { url: ({ me }: { me: Row }) => `${acme.url}/users/${me.login}` },
    }
    const { location, profile: found } = await acme.signIn({ steps, profile })
    expect(location).toBe('/')
    const answers = {
      me: { id: 7, login: 'ada' },
      names: 'Ada\nTest',
      header: 'ada',
      list: { rows: [{ id: 1 }], complete: true },
      user: { email: 'ada@example.com' },
    }
    expect(profile.mock.calls).toEqual([[{ ...answers, claims: {}, posted: {} }]])
    expect(found?.raw).toEqual(answers)
  })
})

describe('a request of a step', () => {
  it('sends the sheet’s method, body and headers, and always the person’s token', async () => {
    const acme = await startAcme({ '/query': { data: 1 } })
    const { location } = await acme.signIn({
      steps: {
        query: {
          url: `${acme.url}/query`,
          method: 'POST',
          body: { query: '{ me }' },
          headers: { 'x-version': '3', accept: 'application/vnd.acme+json' },
        },
      },
    })
    expect(location).toBe('/')
    expect(acme.received.get('/query')).toMatchObject({
      method: 'POST',
      body: '{"query":"{ me }"}',
      headers: {
        'content-type': 'application/json',
        'x-version': '3',
        accept: 'application/vnd.acme+json',
        authorization: 'Bearer an-access-token',
      },
    })
  })

  it('is not sent to another host, which would get the person’s token', async () => {
    const other = await startAcme({ '/me': {} })
    for (const optional of [undefined, 'more names']) {
      const acme = await startAcme({ '/links': { me: `${other.url}/me` } })
      const { location, log } = await acme.signIn({
        steps: {
          links: { url: `${acme.url}/links` },
          me: { url: ({ links }: { links: Row }) => links.me, optional },
        },
      })
      expect(location).toBe(optional === undefined ? failedWith('provider_bad_answer') : '/')
      expect(log[0]?.reason).toContain(
        "`steps.me.url` returned a URL that is not on the origin of one of the sheet's fixed URLs",
      )
    }
    expect(other.received.size).toBe(0)
  })

  it.each<[status: number, code: string, reason: string]>([
    [401, 'provider_refused', 'GET /me answered 401 without an object. Ask an administrator.'],
    [402, 'account_inactive', 'GET /me answered 402 without an object. Pay.'],
    [404, 'provider_bad_answer', 'GET /me answered 404 without an object. Ask an administrator.'],
    [503, 'provider_unavailable', 'GET /me: 503'],
  ])(
    'that returns %i ends the sign-in with %s and the fix of the sheet',
    async (status, code, reason) => {
      const acme = await startAcme()
      acme.says.set('/me', { status })
      const { location, log } = await acme.signIn({
        steps: {
          me: {
            url: `${acme.url}/me`,
            fix: { 402: 'Pay.', other: 'Ask an administrator.' },
            refused: { 402: 'account_inactive' },
          },
        },
      })
      expect(location).toBe(failedWith(code))
      expect(log).toEqual([expect.objectContaining({ event: 'sign-in-failed', code, reason })])
    },
  )

  it.each<[what: string, said: Said, why: string]>([
    ['returns 401', { status: 401 }, 'GET /more answered 401 without an object'],
    ['returns 503', { status: 503 }, 'GET /more: 503'],
    ['returns no JSON', { body: `<${CANARY}>` }, 'GET /more answered 200 without complete JSON'],
    ['returns an array', { body: [] }, 'GET /more answered 200 without an object'],
  ])(
    'that is optional and %s does not end the sign-in, and is logged',
    async (_what, said, why) => {
      const acme = await startAcme()
      acme.says.set('/more', said)
      const { location, log, profile } = await acme.signIn({
        steps: {
          more: { url: `${acme.url}/more`, optional: 'more names', fix: { other: 'Tick a box.' } },
        },
      })
      expect(location).toBe('/')
      expect(profile?.raw).toEqual({ more: undefined })
      expect(log[0]).toMatchObject({
        event: 'sign-in-warning',
        reason: `Acme did not return the person's more names (${why}). The person can sign in, and stored data is kept. Tick a box.`,
      })
    },
  )

  it('that is optional can have a function that throws, which is logged without its text', async () => {
    const acme = await startAcme({ '/list': [{}] })
    const { location, log } = await acme.signIn({
      steps: {
        list: {
          url: `${acme.url}/list`,
          read: 'list',
          optional: 'teams',
          isRow: () => {
            throw new Error(CANARY)
          },
        },
      },
    })
    expect(location).toBe('/')
    expect(log[0]?.reason).toContain('(a function of the step threw an error)')
    expect(JSON.stringify(log)).not.toContain(CANARY)
  })

  it.each<[what: string, isEnough: ((row: Row) => boolean) | undefined, ids: number[]]>([
    ['to its end', undefined, [1, 2, 3]],
    ['to the row that is enough', ({ id }) => id === 2, [1, 2]],
  ])('for a list follows the pages %s', async (_what, isEnough, ids) => {
    const acme = await startAcme({ '/list?page=3': [{ id: 3 }] })
    const link = (page: number) => ({ link: `<${acme.url}/list?page=${page}>; rel="next"` })
    acme.says.set('/list', { headers: link(2), body: [{ id: 1 }] })
    acme.says.set('/list?page=2', { headers: link(3), body: [{ id: 2 }] })
    const list = { url: `${acme.url}/list`, read: 'list', pages: 'link', isEnough }
    const { location, profile } = await acme.signIn({ steps: { list } })
    expect(location).toBe('/')
    expect(profile?.raw).toEqual({ list: { rows: ids.map((id) => ({ id })), complete: true } })
    expect(acme.received.has('/list?page=3')).toBe(isEnough === undefined)
  })

  it('for a list does not follow a next page outside the list', async () => {
    const acme = await startAcme()
    const link = `<${acme.url}/elsewhere?page=2>; rel="next"`
    acme.says.set('/list', { headers: { link }, body: [{ id: 1 }] })
    const list = { url: `${acme.url}/list`, read: 'list', pages: 'link', optional: 'teams' }
    const { log, profile } = await acme.signIn({ steps: { list } })
    expect(profile?.raw).toEqual({ list: { rows: [{ id: 1 }], complete: false } })
    expect(log[0]?.reason).toContain('(GET /list links to a next page outside the list)')
    expect(acme.received.has('/elsewhere?page=2')).toBe(false)
  })
})

describe('the types of a sheet', () => {
  const {
    authorize,
    token,
    clientSecret,
    steps: _steps,
    ...base
  } = {
    ...SHEET,
    profile: () => ({ subject: '1' }),
  }
  const endpoints = { authorize, token }
  const complete = { ...base, ...endpoints, clientSecret }
  const openid = { issuer: 'https://id.acme.example' }

  it('accept every kind of client', () => {
    const sheets = () => [
      defineProvider(complete),
      defineProvider({ ...base, ...endpoints, clientSecret: undefined }),
      defineProvider({ ...base, ...endpoints, clientSecret: async () => 'x', clientAuth: 'post' }),
      defineProvider({ ...base, ...endpoints, clientAuth: 'none' }),
      defineProvider({ ...base, openid, nonce: false, clientAuth: 'secret_jwt', clientSecret }),
      defineProvider({ ...complete, responseMode: 'form_post', posted: ['user'] }),
    ]
    expectTypeOf(sheets).returns.items.toEqualTypeOf<Provider>()
  })

  it('reject a sheet that cannot work', () => {
    const sheets = () => [
      // @ts-expect-error: a secret is required, although it can be undefined
      defineProvider({ ...base, ...endpoints }),
      // @ts-expect-error: a public client has no secret
      defineProvider({ ...base, ...endpoints, clientAuth: 'none', clientSecret }),
      // @ts-expect-error: a public client needs PKCE
      defineProvider({ ...base, ...endpoints, clientAuth: 'none', pkce: false }),
      // @ts-expect-error: `openid` discovers the endpoints
      defineProvider({ ...complete, openid }),
      // @ts-expect-error: `openid` is the issuer
      defineProvider({ ...base, clientSecret, openid, issuer: 'https://id.acme.example' }),
      // @ts-expect-error: there are neither endpoints nor `openid`
      defineProvider({ ...base, clientSecret }),
      // @ts-expect-error: only an ID token has a nonce
      defineProvider({ ...complete, nonce: false }),
      // @ts-expect-error: only a form has fields
      defineProvider({ ...complete, posted: ['user'] }),
      // @ts-expect-error: scopes are an array
      defineProvider({ ...complete, scope: 'account email' }),
      // @ts-expect-error: it is unknown whether the provider vouches for addresses
      defineProvider({ ...complete, vouchesForEmail: undefined }),
      // @ts-expect-error: profile() is synchronous
      defineProvider({ ...complete, profile: async () => ({ subject: '1' }) }),
      // @ts-expect-error: a profile has a subject
      defineProvider({ ...complete, profile: () => ({ name: 'Ada' }) }),
      // @ts-expect-error: a step has a URL
      defineProvider({ ...complete, steps: { me: {} } }),
      // @ts-expect-error: only a list has pages
      defineProvider({ ...complete, steps: { me: { url: '', pages: 'link' } } }),
      // @ts-expect-error: the sheet has no steps
      defineProvider({ ...complete, profile: ({ me }) => ({ subject: me }) }),
    ]
    expect(sheets).toBeTypeOf('function')
  })

  it('give profile() the answers of the steps, and no others', () => {
    const sheet = () =>
      defineProvider({
        ...complete,
        steps: {
          me: { url: 'https://api.acme.example/me' },
          more: { url: 'https://api.acme.example/more', optional: 'names' },
          emails: { url: 'https://api.acme.example/emails', read: 'list', optional: 'addresses' },
          name: { url: 'https://api.acme.example/name', read: { header: 'x-name' } },
          text: { url: 'https://api.acme.example/text', read: 'text', optional: 'a text' },
        },
        profile: (answers) => {
          expectTypeOf(answers.me).toEqualTypeOf<Row>()
          expectTypeOf(answers.more).toEqualTypeOf<Row | undefined>()
          expectTypeOf(answers.emails).toEqualTypeOf<List>()
          expectTypeOf(answers.name).toEqualTypeOf<string>()
          expectTypeOf(answers.text).toEqualTypeOf<string | undefined>()
          expectTypeOf(answers.claims).toEqualTypeOf<Row>()
          // @ts-expect-error: there is no such step
          answers.user
          return { subject: read.id(answers.me.id) }
        },
      })
    expect(sheet).not.toThrow()
  })

  it('report a wrong step at that step, and not at every answer in profile()', () => {
    const sheets = () => [
      defineProvider({
        ...complete,
        steps: {
          // @ts-expect-error: there is no field `reed`
          me: { url: 'https://api.acme.example/me', reed: 'text' },
        },
        profile: ({ me }) => ({ subject: read.id(me.id), name: read.text(me.name) }),
      }),
      defineProvider({
        ...complete,
        steps: {
          // @ts-expect-error: a URL is a text or a function
          me: { url: 7 },
        },
        profile: ({ me }) => ({ subject: read.id(me.id), name: read.text(me.name) }),
      }),
    ]
    expect(sheets).toBeTypeOf('function')
  })

  it('refuse() ends a function', () => {
    expectTypeOf(refuse).returns.toEqualTypeOf<never>()
    // @ts-expect-error: a code that is not about the person
    expect(() => refuse('server_error', 'Any reason.')).toThrow()
  })
})
