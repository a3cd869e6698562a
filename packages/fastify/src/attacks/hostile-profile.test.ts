import { DatabaseSync } from 'node:sqlite'
import { defaultPeople } from '@latchkey/bitbucket-emulator'
import type { SessionBody, User } from '@latchkey/contract'
import type { LightMyRequestResponse } from 'fastify'
import { describe, expect, it } from 'vitest'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, countRows, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'

const emulator = setUpEmulator()
const uuid = defaultPeople[0]?.uuid ?? ''

interface Visit {
  readonly answer: LightMyRequestResponse
  readonly browser: Browser
  readonly user: User | null
  /** The SQLite file that the application wrote to. */
  readonly file: string
}

/**
 * Signs in as Ada with these extra fields from Bitbucket. `user` is what a second application reads.
 */
async function signInAs(
  profile: Record<string, unknown>,
  email: Record<string, unknown> = {},
): Promise<Visit> {
  const file = temporaryFile()
  const browser = createBrowser(await buildApp(emulator(), { store: sqlite(file) }))
  emulator().answerNext('GET /2.0/user', { body: { type: 'user', uuid, ...profile } })
  emulator().answerNext('GET /2.0/user/emails', {
    body: { values: [{ is_primary: true, is_confirmed: true, ...email }] },
  })
  const answer = await browser.signIn('ada')
  const { user } = (await browser.get('/auth/session')).json() as SessionBody
  const restarted = await buildApp(emulator(), { store: sqlite(file) })
  const again = await restarted.inject({
    url: '/auth/session',
    headers: { cookie: browser.cookies() },
  })
  expect(again.json().user).toEqual(user)
  return { answer, browser, user, file }
}

describe('a profile with fields that claim more rights', () => {
  const planted = {
    id: 'planted',
    userId: 'planted',
    user_id: 'planted',
    provider: 'planted',
    subject: 'planted',
    role: 'planted',
    roles: ['planted'],
    isAdmin: true,
    is_admin: true,
    is_staff: true,
    password: 'planted',
    name: 'planted',
    email: 'planted@example.com',
    emailVerified: true,
    email_verified: true,
    avatarUrl: 'https://planted.example/',
    createdAt: 1,
    created_at: 1,
    attributes: { planted: 'planted' },
    raw: { planted: 'planted' },
    constructor: 'planted',
  }

  it('is reduced to the known fields, in responses and in the store', async () => {
    const { user, file } = await signInAs(
      { display_name: 'Ada', nickname: 'ada', ...planted },
      { ...planted, email: 'ada@example.com', is_confirmed: 'true' },
    )
    expect(user).toEqual({
      id: expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/),
      name: 'Ada',
      email: null,
      emailVerified: false,
      avatarUrl: null,
      createdAt: expect.any(Number),
      roles: [],
    })
    expect(user?.createdAt).toBeGreaterThan(1)
    const stored = everythingIn(file)
    expect(stored).toContain(uuid)
    expect(stored).not.toContain('planted')
  })

  it('cannot use a prototype to add fields either', async () => {
    const body = `{"type":"user","uuid":"${uuid}","display_name":"Ada","__proto__":{"isAdmin":true,
      "account_status":"inactive"},"links":{"__proto__":{"avatar":{"href":"https://planted.example/"}}}}`
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    emulator().answerNext('GET /2.0/user', { body })
    await browser.signIn('ada')
    const { user } = (await browser.get('/auth/session')).json() as SessionBody
    expect(user).toMatchObject({ name: 'Ada', avatarUrl: null })
    expect({}).not.toHaveProperty('isAdmin')
  })
})

describe('a hostile name', () => {
  it.each([
    ['SQL', '\'); DROP TABLE latchkey_users; -- % _ \\ "'],
    ['markup', '<img src=x onerror=alert(1)>'],
    ['a closing script tag', '</script><script>alert(1)</script><!--'],
    ['an attribute', '" onmouseover="alert(1)" \' x=\''],
    ['an entity', '&lt;b&gt; &amp;amp;'],
    ['a template', '{{7*7}} <%= 7*7 %> #{7*7}'],
    ['right-to-left text', '\u202egnp.exe'],
    ['every alphabet', 'Zoë 名前 שם \u{1f600}'],
  ])('with %s is shown literally, in JSON and on the page', async (_what, name) => {
    const { browser, user } = await signInAs({ display_name: name })
    expect(user?.name).toBe(name)
    await expectShown(browser, name)
  })

  it.each([
    ['NUL', 'Ada\u0000Test', 'Ada Test'],
    ['line breaks of every kind', 'Ada\r\n\u2028\u2029\u0085Test', 'Ada Test'],
    ['a terminal’s escapes', '\u001b[31mAda\u009b0m', '[31mAda 0m'],
    ['lone surrogates', '\ud800Ada\udc00', '\ufffdAda\ufffd'],
    ['200 kB', 'x'.repeat(200_000), 'x'.repeat(200)],
    ['five thousand accents', `e${'\u0301'.repeat(5000)}`, `e${'\u0301'.repeat(199)}`],
    [
      'an emoji at the point of truncation',
      `x${'\u{1f600}'.repeat(300)}`,
      `x${'\u{1f600}'.repeat(199)}`,
    ],
  ])('with %s is cleaned', async (_what, name, shown) => {
    const { browser, user } = await signInAs({ display_name: name })
    expect(user?.name).toBe(shown)
    await expectShown(browser, shown)
  })

  it.each([['   \r\n\t '], ['\u0000'], [''], [7], [true], [['Ada']], [{ first: 'Ada' }], [null]])(
    'that is %j counts as missing, and the nickname is used instead',
    async (name) => {
      const { user } = await signInAs({ display_name: name, nickname: 'ada' })
      expect(user?.name).toBe('ada')
    },
  )

  it('that is a megabyte long is not read completely, and leaves nothing behind', async () => {
    const { answer, user, file } = await signInAs({ display_name: 'x'.repeat(1024 * 1024) })
    expect(answer.headers.location).toBe('/auth/sign-in?auth_error=provider_bad_answer')
    expect(user).toBeNull()
    expect(countRows(file, 'users')).toBe(0)
  })

  it('is kept out of the identity’s attributes too', async () => {
    const nickname = `\u0000\ud800${'n'.repeat(1000)}`
    const { file } = await signInAs({ nickname, account_id: ['557058:list'] })
    const store = sqlite(file)
    await store.open()
    const identity = await store.findIdentity('bitbucket', uuid)
    await store.close()
    expect(identity?.attributes).toEqual({ nickname: `\ufffd${'n'.repeat(254)}` })
  })
})

describe('an unusable e-mail address', () => {
  it.each([
    [
      'too long, and another person’s if it were cut',
      `${'x'.repeat(305)}@victim.example.evil.example`,
    ],
    ['another person’s before NUL', 'victim@example.com\u0000@evil.example'],
    ['another person’s before a line break', 'victim@example.com\r\n.evil.example'],
    ['between spaces', ' victim@example.com '],
    ['two addresses', 'victim@example.com, evil@example.com'],
    ['with a lone surrogate', 'vic\ud800tim@example.com'],
    ['without an at sign', 'victim'],
    ['with two at signs', 'victim@example.com@evil.example'],
    ['empty', ''],
    ['in an array', ['victim@example.com']],
    ['in an object', { email: 'victim@example.com' }],
    ['a number', 7],
  ])('(%s) is dropped, not corrected', async (_what, email) => {
    const { user } = await signInAs({ display_name: 'Ada' }, { email })
    expect(user).toMatchObject({ name: 'Ada', email: null, emailVerified: false })
  })

  it.each(['Ada.O’Hara+tag@Example.COM', `${'x'.repeat(64)}@example.com`, '例え@例え.example'])(
    'is rejected, but the usable %s is stored verbatim',
    async (email) => {
      const { user } = await signInAs({}, { email })
      expect(user).toMatchObject({ email, emailVerified: true })
    },
  )
})

describe('an avatar URL', () => {
  it.each([
    'javascript:alert(1)',
    ' java\nscript:alert(1)',
    'JAVASCRIPT://example.com/%0aalert(1)',
    'vbscript:x',
    'data:text/html,<script>alert(1)</script>',
    'data:image/svg+xml,<svg onload="alert(1)"/>',
    'blob:https://example.com/x',
    'file:///etc/passwd',
    'http://example.com/a.png',
    '//evil.example/a.png',
    '/a.png',
    'https://',
    `https://example.com/${'x'.repeat(2048)}`,
    '',
    7,
    ['https://example.com/a.png'],
    { href: 'https://example.com/a.png' },
  ])('%j is dropped', async (href) => {
    const { user } = await signInAs({
      links: { avatar: { href }, html: { href } },
      html_url: href,
      avatar_url: 'https://example.com/a.png',
    })
    expect(user).toMatchObject({ avatarUrl: null })
  })

  it('with https is escaped for an attribute', async () => {
    const href = 'https://example.com/"><script>alert(1)</script>\u202e.png'
    const { user } = await signInAs({ links: { avatar: { href } } })
    expect(user?.avatarUrl).toMatch(/^https:\/\/example\.com\/[\w%()/.]+\.png$/)
  })
})

describe('an account_status that is not a word', () => {
  it.each([[{ toString: 'active' }], [['active']], [true], [1]])(
    '%j signs no one in, and leaves nothing behind',
    async (account_status) => {
      const { answer, user, file } = await signInAs({ account_status })
      expect(answer.headers.location).toBe('/auth/sign-in?auth_error=provider_bad_answer')
      expect(user).toBeNull()
      expect(countRows(file, 'users')).toBe(0)
    },
  )
})

/** Checks that the page contains the name, and no markup around it except the page's own. */
async function expectShown(browser: Browser, name: string): Promise<void> {
  const session = await browser.get('/auth/session')
  expect(session.headers['content-type']).toBe('application/json; charset=utf-8')
  expect(session.headers['x-content-type-options']).toBe('nosniff')
  const { body } = await browser.get('/auth/sign-in')
  const [, shown] = /<p class="who"><bdi>([^<>"']*)<\/bdi><\/p>/.exec(body) ?? []
  expect(textOf(shown ?? '')).toBe(name)
  expect(body).not.toMatch(/<(script|img|b)\b/)
}

function textOf(html: string): string {
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' }
  return html.replace(/&(lt|gt|quot|#39|amp);/g, (_entity, name: string) => entities[name] ?? '')
}

/** Every row of every table, as text. */
function everythingIn(file: string): string {
  const database = new DatabaseSync(file, { readOnly: true })
  const tables = database.prepare("select name from sqlite_master where type = 'table'").all()
  const rows = tables.map(({ name }) => database.prepare(`select * from "${name}"`).all())
  database.close()
  return JSON.stringify(rows)
}
