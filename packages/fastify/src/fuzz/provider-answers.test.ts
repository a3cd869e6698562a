import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import type { PlannedAnswer, Route } from '@latchkey/bitbucket-emulator'
import fc from 'fast-check'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bitbucket } from '../providers/bitbucket.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { PATIENT, tries } from '../testing/fuzz.ts'

const emulator = setUpEmulator()

/** A part of every text from the provider. It must not appear in any log. */
const MARK = 'quokka7mark'
const CODE = 'code-canary'
const CREDENTIALS = ['latchkey-dev-secret', btoa('latchkey-dev:latchkey-dev-secret')]
const ACCESS_TOKEN = `${MARK}-access-token`

const UUID = '{87bb15eb-47c1-49b3-9f16-ca824a2979a4}'
const WELL_FORMED_UUID = /^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$/i

type Json = fc.JsonValue
const TOKEN = 'POST /site/oauth2/access_token'
const USER = 'GET /2.0/user'
const EMAILS = 'GET /2.0/user/emails'

/** The responses of a Bitbucket that works. */
const GOOD = {
  [TOKEN]: {
    access_token: ACCESS_TOKEN,
    token_type: 'bearer',
    expires_in: 7200,
    scope: 'account email',
    refresh_token: `${MARK}-refresh-token`,
    state: 'authorization_code',
  },
  [USER]: {
    type: 'user',
    uuid: UUID,
    display_name: 'Ada Test',
    nickname: 'ada',
    account_id: '557058:ada',
    account_status: 'active',
    links: { avatar: { href: 'https://avatars.example/ada.png' } },
  },
  [EMAILS]: {
    values: [{ email: 'ada@example.com', is_primary: true, is_confirmed: true, type: 'email' }],
    next: null,
  },
} satisfies Partial<Record<Route, Json>>

const route = fc.constantFrom(TOKEN, USER, EMAILS)

const text = fc.oneof(
  fc.constantFrom(
    '',
    MARK,
    'active',
    'user',
    UUID,
    UUID.toUpperCase(),
    `<script>${MARK}</script>`,
    `javascript:${MARK}`,
    `https://${MARK}@[`,
    `http://127.0.0.1:9/2.0/user/emails?page=${MARK}`,
    `'); drop table latchkey_users; --${MARK}`,
    `${MARK}\r\nset-cookie: a=b`,
    `${MARK}\0\u001b[2J\u202e\ud800`,
  ),
  fc.integer({ min: 199, max: 401 }).map((length) => '\u{1f600} '.repeat(length) + MARK),
  fc.string({ unit: 'binary', maxLength: 12 }).map((noise) => noise + MARK),
)

const json = fc.oneof(
  text,
  fc.constantFrom<Json>(null, true, false, 0, -1, 1e21, 2 ** 53, [], {}),
  // Values without a string form, or whose string form comes from JavaScript.
  fc.constantFrom<Json>({ toString: 1, valueOf: MARK }, { length: 3 }, [UUID], ['active'], [[]]),
  text.map((value) => ({ error: value })),
  fc.jsonValue({ stringUnit: 'binary', maxDepth: 2 }),
)

/** The decisive fields, with values that are almost valid. */
const WEIGHTY: Record<keyof typeof GOOD, readonly [path: string, ...values: Json[]][]> = {
  [TOKEN]: [
    ['access_token', '', ' ', `${MARK}\r\nx: y`, 'caf\u00e9', [ACCESS_TOKEN], 7],
    ['token_type', 'BEARER', 'bearer ', 'mac', ['bearer']],
    ['error', 'invalid_grant', `${MARK} failed`, null, false],
  ],
  [USER]: [
    ['uuid', UUID.toUpperCase(), ` ${UUID}`, `${UUID}\n`, UUID + UUID, UUID.slice(1, -1), [UUID]],
    ['type', 'app_user', 'team', ['user'], null],
    ['account_status', 'ACTIVE', 'inactive', 'active\n', ['active'], { toString: 1 }],
    [
      'links.avatar.href',
      `javascript:${MARK}`,
      `http://${MARK}/`,
      `//${MARK}`,
      'data:,x',
      ['https:'],
    ],
  ],
  [EMAILS]: [
    ['values.0.email', '', ' ', `${MARK}\0@example.com`, ['ada@example.com']],
    ['values.0.is_primary', 'true', 1, false],
    ['next', '', MARK, 'http://127.0.0.1:9/2.0/user/emails', '/2.0/user/emails', [], {}],
  ],
}

/** A good response with one field missing or replaced. */
function nearly(name: keyof typeof GOOD): fc.Arbitrary<PlannedAnswer> {
  const change = fc.oneof(
    fc
      .constantFrom(...WEIGHTY[name])
      .chain(([path, ...values]) => fc.tuple(fc.constant(path), fc.constantFrom<Json>(...values))),
    fc.tuple(fc.constantFrom(...WEIGHTY[name].map(([path]) => path)), json),
    fc.tuple(
      fc.constantFrom(...fieldsOf(GOOD[name])),
      fc.option(json, { nil: undefined, freq: 5 }),
    ),
  )
  return change.map(([path, value]) => ({ body: withField(GOOD[name], path.split('.'), value) }))
}

function fieldsOf(value: Json): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [
    key,
    ...fieldsOf(inner as Json).map((path) => `${key}.${path}`),
  ])
}

function withField(
  body: Json,
  [key = '', ...rest]: readonly string[],
  value: Json | undefined,
): Json {
  const copy = structuredClone(body) as Record<string, Json>
  if (rest.length > 0) copy[key] = withField(copy[key] ?? null, rest, value)
  else if (value === undefined) delete copy[key]
  else copy[key] = value
  return copy
}

/** Any body with any status, type and encoding. */
const anything: fc.Arbitrary<PlannedAnswer> = fc
  .record(
    {
      status: fc.oneof(fc.integer({ min: 200, max: 599 }), fc.constantFrom(200, 201, 204, 304)),
      headers: fc.dictionary(
        fc.constantFrom('content-type', 'content-encoding', 'location', 'www-authenticate'),
        fc.constantFrom('text/html', 'application/json', 'gzip', 'http://127.0.0.1:9/', MARK),
        { maxKeys: 2 },
      ),
      body: fc.oneof(
        json,
        fc.string({ unit: 'binary' }),
        fc.constantFrom('{', '[', '"', `{"error":"${MARK}"`, '{"__proto__":{}}', '\ufeff{}'),
        fc.constantFrom(1, 2, 5_000, 120_000).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
        fc.constant(`"${MARK.repeat(30_000)}"`),
      ),
      fault: fc.constantFrom<'truncate' | 'redirect'>('truncate', 'redirect'),
    },
    { requiredKeys: ['body'] },
  )
  .filter(({ status = 307, fault }) => fault !== 'redirect' || (status >= 300 && status < 400))

/** The faults of a provider, as the emulator names them. */
const refusal: fc.Arbitrary<PlannedAnswer> = fc.record({
  status: fc.constantFrom(200, 400, 401, 403, 404, 429, 500, 503),
  body: fc.record({ error: json, error_description: text }, { requiredKeys: ['error'] }),
})

const plan = route.chain((name) => {
  const answer = fc.oneof(
    { weight: 3, arbitrary: nearly(name) },
    { weight: 1, arbitrary: anything },
    { weight: 1, arbitrary: refusal },
    { weight: 1, arbitrary: json.map((body): PlannedAnswer => ({ body })) },
  )
  return fc.tuple(fc.constant(name), answer)
})

/** Bytes on a socket that resemble HTTP more or less closely. */
const answerInBytes = fc
  .record({
    status: fc.oneof(
      fc.constantFrom('1.1 200 OK', '1.1 200', '1.0 200 OK', '1.1 400 Bad Request'),
      fc.constantFrom('1.1 100 Continue', '1.1 101 Switching Protocols', '1.1 103 Early Hints'),
      fc.constantFrom('1.1 204', '1.1 304', '1.1 408', '1.1 000', '1.1 099', '1.1 999', '9.9 200'),
      fc.string({ maxLength: 6 }),
    ),
    headers: fc.array(
      fc.constantFrom(
        ...['content-type: application/json', 'content-type: text/html', `${MARK}: ${MARK}`],
        ...['content-length: 0', 'content-length: 20', 'content-length: -1', 'content-length: 1e9'],
        ...['transfer-encoding: chunked', 'transfer-encoding: gzip', 'content-encoding: br'],
        ...['connection: keep-alive', 'connection: upgrade', 'upgrade: x', `location: //${MARK}`],
        ...[' folded', ':', 'no colon', 'x: \0', `x: ${'x'.repeat(20_000)}`],
      ),
      { maxLength: 4 },
    ),
    body: fc.oneof(
      fc.constantFrom(JSON.stringify(GOOD[TOKEN]), '5\r\n{"a":\r\n0\r\n\r\n', 'fffffffff\r\n{', ''),
      fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)) }),
    ),
    lineEnd: fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r'),
    before: fc.constantFrom('', '', '', '\r\n', 'HTTP/1.1 100 Continue\r\n\r\n', MARK),
  })
  .map(({ status, headers, body, lineEnd, before }) => {
    return [`${before}HTTP/${status}`, ...headers, '', body].join(lineEnd)
  })

/** The responses to the next person's sign-in: all good, except for one. */
function answerNext(planned: Partial<Record<Route, PlannedAnswer>> = {}): void {
  emulator().reset()
  for (const name of [TOKEN, USER, EMAILS] as const) {
    // Plan it more than once, because a request from the previous sign-in may still be in progress.
    emulator().answerNext(name, { ...(planned[name] ?? { body: GOOD[name] }), times: 100 })
  }
}

interface Return {
  readonly answer: LightMyRequestResponse
  /** The session cookie, if any. */
  readonly cookie: string | undefined
  /** Texts that no log may contain. */
  readonly secrets: readonly string[]
}

/** Sends a callback without visiting the provider's page. */
async function comeBack(app: FastifyInstance): Promise<Return> {
  const start = await app.inject('/auth/bitbucket/start')
  const state = String(new URL(String(start.headers.location)).searchParams.get('state'))
  const flow = String(start.headers['set-cookie']).split(';', 1)[0] ?? ''
  const url = `/auth/bitbucket/callback?code=${CODE}&state=${state}`
  const answer = await app.inject({ url, headers: { cookie: flow } })
  const cookies = [answer.headers['set-cookie'] ?? []].flat()
  const cookie = cookies.find((set) => set.startsWith('latchkey-3000='))?.split(';', 1)[0]
  const session = cookie === undefined ? [] : [cookie.slice('latchkey-3000='.length)]
  return { answer, cookie, secrets: [state, flow, CODE, MARK, ...CREDENTIALS, ...session] }
}

const FAILED =
  /^\/auth\/sign-in\?auth_error=(provider_(bad_answer|refused|unavailable)|account_inactive)$/

/** Text that a database can store and a page can show. */
function expectPlain(text: string | null, longest: number): void {
  if (text === null) return
  expect(text).toMatch(/^\P{Cc}+$/u)
  expect(text).toBe(text.trim())
  expect(text.isWellFormed()).toBe(true)
  expect([...text].length).toBeLessThanOrEqual(longest)
}

describe('a provider with arbitrary responses', () => {
  it(
    'never signs anyone in without a subject, and signs the next person in as usual',
    PATIENT,
    async () => {
      const file = temporaryFile()
      let log = ''
      const write = (line: string): void => {
        log += line
      }
      const app = await buildApp(emulator(), { store: sqlite(file) }, { write })
      const database = new DatabaseSync(file, { readOnly: true })
      onTestFinished(() => database.close())
      const subjects = database.prepare('select subject from latchkey_identities')
      const rows = database.prepare(
        `select (select count(*) from latchkey_users) users,
        (select count(*) from latchkey_identities) identities,
        (select count(*) from latchkey_sessions) sessions`,
      )

      await fc.assert(
        fc.asyncProperty(plan, async ([name, planned]) => {
          const before = rows.get()
          answerNext({ [name]: planned })
          log = ''
          const { answer, cookie, secrets } = await comeBack(app)
          expect(answer.statusCode).toBe(303)
          expect(answer.body + JSON.stringify(answer.headers)).not.toContain(MARK)
          expect(log).toContain('request completed')
          for (const secret of secrets) expect(log).not.toContain(secret)

          if (cookie === undefined) {
            expect(answer.headers.location).toMatch(FAILED)
            expect(rows.get()).toEqual(before)
          } else {
            expect(answer.headers.location).toBe('/')
            const { uuid, type } = (name === USER ? planned.body : GOOD[USER]) as Record<
              string,
              Json
            >
            expect(type ?? 'user').toBe('user')
            expect(uuid).toMatch(WELL_FORMED_UUID)
            expect(subjects.all()).toContainEqual({ subject: uuid })
            const body = (await app.inject({ url: '/auth/session', headers: { cookie } })).json()
            expectPlain(body.user.name, 200)
            expectPlain(body.user.email, 320)
            expect(body.user.emailVerified).toBe(body.user.email !== null)
            expect(body.user.avatarUrl ?? 'https:').toMatch(/^https:/)
          }

          answerNext()
          expect((await comeBack(app)).answer.headers.location).toBe('/')
        }),
        tries(250),
      )
    },
  )

  it('that are not HTTP sends the person back to where they began', PATIENT, async () => {
    let bytes = ''
    const provider = createServer((socket) => {
      socket.on('data', () => socket.end(bytes, 'latin1')).on('error', () => {})
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void provider.close())
    await once(provider, 'listening')
    const { port } = provider.address() as AddressInfo
    let log = ''
    const write = (line: string): void => {
      log += line
    }
    const providers = [bitbucket({ emulatorUrl: `http://127.0.0.1:${port}` })]
    // Some of these, such as an upgrade to another protocol, only end at the deadline.
    const app = await buildApp(emulator(), { providers, providerTimeout: 300 }, { write })

    await fc.assert(
      fc.asyncProperty(answerInBytes, async (said) => {
        bytes = said
        log = ''
        const { answer, cookie, secrets } = await comeBack(app)
        expect(answer.headers.location).toMatch(FAILED)
        expect(cookie).toBeUndefined()
        for (const secret of secrets) expect(log).not.toContain(secret)
      }),
      tries(400),
    )
  })
})
