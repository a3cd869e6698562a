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

describe('a person with Ada’s e-mail address, names and account id', () => {
  it('is a different user if the uuid differs', async () => {
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

describe('a person whose changeable data has all changed', () => {
  it('is still the same user, with the new name and address', async () => {
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

describe('a person whose uuid is malformed', () => {
  it.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty string', ''],
    ['zero', 0],
    ['a number', 9.2e17],
    ['false', false],
    ['an object', {}],
    ['an empty array', []],
    ['an array with a uuid', [UUID]],
    ['an object with a uuid', { uuid: UUID, toString: UUID }],
    ['the word undefined', 'undefined'],
    ['the word null', 'null'],
    ['a uuid without braces', BARE_UUID],
    ['a uuid with only the first brace', `{${BARE_UUID}`],
    ['a uuid with only the last brace', `${BARE_UUID}}`],
    ['a uuid in double braces', `{{${BARE_UUID}}}`],
    ['a uuid in parentheses', `(${BARE_UUID})`],
    ['two uuids', UUID + UUID],
    ['a uuid after a space', ` ${UUID}`],
    ['a uuid before a line break', `${UUID}\n`],
    ['a uuid before NUL', `${UUID}\u0000`],
    ['a uuid with NUL in it', UUID.replace('-', '\u0000')],
    ['a uuid with half a surrogate pair', UUID.replace('a', '\ud800')],
    ['a uuid in full-width digits', UUID.replaceAll('0', '\uff10')],
    ['10 kB', `{${'a'.repeat(10_000)}}`],
  ])('because it is %s is not signed in, and nothing is stored', async (_what, uuid) => {
    await expectNobody(JSON.stringify({ type: 'user', display_name: 'X', uuid }))
  })

  it.each([
    ['only in the prototype', `{"type":"user","__proto__":{"uuid":"${UUID}"}}`],
    ['only in other fields', `{"type":"user","id":"${UUID}","account_id":"${UUID}"}`],
    ['in a field with a similar name', `{"type":"user","uuid\\u0000":"${UUID}"}`],
  ])('because it is %s is not signed in either', async (_what, body) => {
    await expectNobody(body)
  })

  it('because it is a number too large for JavaScript is not signed in as another person', async () => {
    for (const number of ['920138789012345001', '920138789012345002']) {
      await expectNobody(`{"type":"user","uuid":${number}}`)
    }
  })
})

describe('a custom provider', () => {
  it.each([
    ['undefined', undefined],
    ['null', null],
    ['an empty string', ''],
    ['a number', 920_138_789_012_345_000],
    ['an object', { id: 1 }],
    ['an array', ['1']],
    ['a string with a line break', '1\n'],
    ['a string with NUL', '1\u0000'],
    ['256 characters', '1'.repeat(256)],
  ])('that returns %s as a subject signs no one in', async (_what, subject) => {
    const file = temporaryFile()
    const own = bitbucket({ emulatorUrl: emulator().url })
    const profile: typeof own.profile = (answers) => {
      return { ...own.profile(answers), subject: subject as string }
    }
    const store = sqlite(file)
    const app = await buildApp(emulator(), { store, providers: [{ ...own, profile }] })
    expect((await createBrowser(app).signIn('ada')).headers.location).toBe(BAD_ANSWER)
    expect(countRows(file, 'users')).toBe(0)
  })
})

/**
 * Signs in as the person in `body`, which is sent byte for byte as the response of `GET /2.0/user`.
 */
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
