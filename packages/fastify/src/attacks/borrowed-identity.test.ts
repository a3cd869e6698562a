import { defaultPeople } from '@latchkey/bitbucket-emulator'
import type { SessionBody, User } from '@latchkey/contract'
import { describe, expect, it } from 'vitest'
import { bitbucket } from '../providers/bitbucket.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, countRows, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'

const emulator = setUpEmulator()
const [ada, ben] = defaultPeople
const UUID = ada?.uuid ?? ''
const BARE_UUID = UUID.slice(1, -1)

const BAD_ANSWER = '/auth/sign-in?auth_error=provider_bad_answer'

describe('a person who has what others know Ada by', () => {
  it('her address, names and account id, but not her uuid, is somebody else', async () => {
    const app = await buildApp(emulator())
    const [first, borrower] = [createBrowser(app), createBrowser(app)]
    await first.signIn('ada')
    const before = await userOf(first)

    emulator().answerNext('GET /2.0/user', {
      body: {
        type: 'user',
        uuid: ben?.uuid,
        account_id: ada?.accountId,
        display_name: ada?.displayName,
        nickname: 'ada',
        username: 'ada',
      },
    })
    emulator().answerNext('GET /2.0/user/emails', {
      body: { values: [{ email: 'ada@example.com', is_primary: true, is_confirmed: true }] },
    })
    await borrower.signIn('ben')

    const other = await userOf(borrower)
    expect(other).toMatchObject({ name: 'Ada Test', email: 'ada@example.com' })
    expect(other?.id).not.toBe(before?.id)
    expect(await userOf(first)).toEqual(before)
    const again = createBrowser(app)
    await again.signIn('ada')
    expect((await userOf(again))?.id).toBe(before?.id)
  })
})

describe('a person who has changed everything that can be changed', () => {
  it('is the same user, under the new name and address', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const before = await userOf(browser)

    emulator().answerNext('GET /2.0/user', {
      body: {
        type: 'user',
        uuid: UUID,
        account_id: '5a7e00000000000000000009',
        display_name: 'Ada Married',
        nickname: 'married',
        username: 'married',
        links: { avatar: { href: 'https://avatars.example/married.png' } },
      },
    })
    emulator().answerNext('GET /2.0/user/emails', {
      body: { values: [{ email: 'new@example.com', is_primary: true, is_confirmed: true }] },
    })
    await browser.signIn('ada')

    expect(await userOf(browser)).toEqual({
      ...before,
      name: 'Ada Married',
      email: 'new@example.com',
      avatarUrl: 'https://avatars.example/married.png',
    })
  })
})

describe('a person whom Bitbucket names by something else than a uuid', () => {
  it.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty text', ''],
    ['zero', 0],
    ['a number', 9.2e17],
    ['false', false],
    ['an object', {}],
    ['a list', []],
    ['a list with the uuid in it', [UUID]],
    ['an object with the uuid in it', { uuid: UUID, toString: UUID }],
    ['the word undefined', 'undefined'],
    ['the word null', 'null'],
    ['a uuid without braces', BARE_UUID],
    ['a uuid with the first brace alone', `{${BARE_UUID}`],
    ['a uuid with the last brace alone', `${BARE_UUID}}`],
    ['a uuid in two pairs of braces', `{{${BARE_UUID}}}`],
    ['a uuid in round brackets', `(${BARE_UUID})`],
    ['two uuids', UUID + UUID],
    ['a uuid after a space', ` ${UUID}`],
    ['a uuid before a line break', `${UUID}\n`],
    ['a uuid before NUL', `${UUID}\u0000`],
    ['a uuid with NUL in it', UUID.replace('-', '\u0000')],
    ['a uuid with half a surrogate pair', UUID.replace('a', '\ud800')],
    ['a uuid in full-width digits', UUID.replaceAll('0', '\uff10')],
    ['10 kB', `{${'a'.repeat(10_000)}}`],
  ])('by %s is nobody, and leaves nothing behind', async (_what, uuid) => {
    await expectNobody(JSON.stringify({ type: 'user', display_name: 'X', uuid }))
  })

  it.each([
    ['a field of its prototype', `{"type":"user","__proto__":{"uuid":"${UUID}"}}`],
    ['an id of another name', `{"type":"user","id":"${UUID}","account_id":"${UUID}"}`],
    ['a field whose name begins alike', `{"type":"user","uuid\\u0000":"${UUID}"}`],
  ])('by %s is nobody either', async (_what, body) => {
    await expectNobody(body)
  })

  it('by a number too long for JavaScript is not taken for the next one', async () => {
    for (const number of ['920138789012345001', '920138789012345002']) {
      await expectNobody(`{"type":"user","uuid":${number}}`)
    }
  })
})

describe('a provider of the application’s own', () => {
  it.each([
    ['undefined', undefined],
    ['null', null],
    ['an empty text', ''],
    ['a number', 920_138_789_012_345_000],
    ['an object', { id: 1 }],
    ['a list', ['1']],
    ['a text with a line break', '1\n'],
    ['a text with NUL', '1\u0000'],
    ['256 characters', '1'.repeat(256)],
  ])('that names a person by %s signs nobody in', async (_what, subject) => {
    const file = temporaryFile()
    const own = bitbucket({ emulatorUrl: emulator().url })
    const readProfile: typeof own.readProfile = async (api) => {
      return { ...(await own.readProfile(api)), subject: subject as string }
    }
    const store = sqlite(file)
    const app = await buildApp(emulator(), { store, providers: [{ ...own, readProfile }] })
    expect((await createBrowser(app).signIn('ada')).headers.location).toBe(BAD_ANSWER)
    expect(countRows(file, 'users')).toBe(0)
  })
})

/** Signs in as whoever `body` says, as `GET /2.0/user`, byte for byte. */
async function expectNobody(body: string): Promise<void> {
  const file = temporaryFile()
  const app = await buildApp(emulator(), { store: sqlite(file) })
  const browser = createBrowser(app)
  emulator().answerNext('GET /2.0/user', { body })
  expect((await browser.signIn('ada')).headers.location).toBe(BAD_ANSWER)
  expect(await userOf(browser)).toBeNull()
  for (const table of ['users', 'identities', 'sessions'] as const) {
    expect(countRows(file, table)).toBe(0)
  }
}

async function userOf(browser: Browser): Promise<User | null> {
  return ((await browser.get('/auth/session')).json() as SessionBody).user
}
