import { describe, expect, it } from 'vitest'
import { bitbucket, type LatchkeyOptions } from '../index.ts'
import type { Profile } from '../providers/provider.ts'
import { sqlite } from '../store/sqlite.ts'
import type { StoredUser } from '../store/store.ts'
import { buildApp, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { admit } from './admission.ts'
import { admissionCases } from './admission-cases.ts'
import { checkEmailRules } from './email-rules.ts'

const emulator = setUpEmulator()

const ada: StoredUser = {
  id: 'ada',
  name: 'Ada Test',
  // An old address, which no rule may look at.
  email: 'ada@old.example',
  emailVerified: true,
  avatarUrl: null,
  createdAt: 0,
  bannedAt: null,
  roles: [],
  isPending: false,
  isNameEdited: false,
}
const users = { new: null, known: ada, banned: { ...ada, bannedAt: 1 } }

describe.each(Object.entries(admissionCases))('%s', (_rule, cases) => {
  it.each(cases.map((one) => [JSON.stringify(one), one] as const))(
    'decides %s',
    (_title, { options, profile: returned, user = 'new', result }) => {
      const { signUp = 'open', emails = {} } = options
      const profile: Profile = {
        subject: '1',
        emailVerified: false,
        active: true,
        attributes: {},
        raw: {},
        warnings: [],
        ...returned,
      }
      const policy = { signUp: signUp === 'open', emails: checkEmailRules(emails) }
      const admission = admit(profile, users[user], policy)
      expect(admission.as === 'rejected' ? admission.code : admission.as).toBe(result)
    },
  )
})

describe('a sign-in', () => {
  async function errorOf(options: LatchkeyOptions, person: string): Promise<string | null> {
    const browser = createBrowser(await buildApp(emulator(), options))
    const { headers } = await browser.signIn(person)
    const url = new URL(String(headers.location), browser.origin)
    return url.searchParams.get('auth_error')
  }

  it.each([
    [{ signUp: 'closed' }, 'ada', 'sign_up_closed'],
    [{ emails: { allow: ['*@acme.com'] } }, 'ada', 'email_not_allowed'],
    [{ emails: { allow: ['*@example.com'] } }, 'ada', null],
    [{ emails: { allow: ['*@example.com'] } }, 'no-email', 'email_missing'],
    [{ emails: { verified: 'required' } }, 'unconfirmed', 'email_missing'],
    [{ emails: { block: ['*@example.com'] } }, 'no-email', null],
  ] satisfies [LatchkeyOptions, string, string | null][])(
    'with %j as %s ends with %s',
    async (options, person, code) => {
      expect(await errorOf(options, person)).toBe(code)
    },
  )

  it('fails for a known user too if a rule needs the address and Bitbucket does not return it', async () => {
    const app = await buildApp(emulator(), { emails: { allow: ['*@example.com'] } })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    emulator().answerNext('GET /2.0/user/emails', { status: 503, times: 3 })
    const { headers } = await browser.signIn('ada')
    expect(headers.location).toContain('auth_error=provider_unavailable')
  })

  it('lets users in who signed up before sign-up was closed, and tells the page that it is closed', async () => {
    const store = sqlite(temporaryFile())
    await createBrowser(await buildApp(emulator(), { store })).signIn('ada')
    const app = await buildApp(emulator(), { store, signUp: 'closed' })
    expect((await createBrowser(app).signIn('ada')).headers.location).toBe('/')
    const { providers } = (await app.inject('/auth/providers')).json()
    expect(providers).toMatchObject([{ signIn: true, signUp: false }])
  })

  it('with a provider that does not accept new users works for those who already have an account', async () => {
    const store = sqlite(temporaryFile())
    await createBrowser(await buildApp(emulator(), { store })).signIn('ada')
    const emulatorUrl = emulator().url
    const providers = [
      bitbucket({ emulatorUrl, signUp: false }),
      bitbucket({ emulatorUrl, id: 'other' }),
    ]
    const app = await buildApp(emulator(), { store, providers })
    expect((await createBrowser(app).signIn('ada')).headers.location).toBe('/')
    expect((await createBrowser(app).signIn('ben')).headers.location).toContain('sign_up_closed')
    expect((await app.inject('/auth/providers')).json().providers).toMatchObject([
      { id: 'bitbucket', signUp: false },
      { id: 'other', signUp: true },
    ])
  })

  it('logs which rule refused it, without the address', async () => {
    const lines: string[] = []
    const log = { write: (line: string) => void lines.push(line) }
    const app = await buildApp(emulator(), { emails: { allow: ['*@acme.com'] } }, log)
    await createBrowser(app).signIn('ada')
    const line = lines.find((one) => one.includes('sign-in-failed'))
    expect(line).toContain('`emails` does not allow the address')
    expect(lines.join('')).not.toContain('ada@example.com')
  })

  it('finds an address in a list of 100,000 blocked domains', async () => {
    const block = Array.from({ length: 100_000 }, (_, index) => `*@mail-${index}.example`)
    const options = { emails: { block: [...block, '*@example.com'] } }
    expect(await errorOf(options, 'ada')).toBe('email_not_allowed')
  })
})

describe('a mistake in the options', () => {
  it.each([
    [{ signUp: 'invited' }, "Option `signUp` must be 'open' or 'closed'."],
    [{ emails: { allow: [] } }, 'Option `emails.allow` is empty, so nobody could sign in.'],
    [{ emails: { allow: '*@acme.com' } }, 'Option `emails.allow` must be an array of patterns'],
    [{ emails: { verified: true } }, 'Option `emails.verified` must be'],
    [{ emails: { subaddresses: false } }, 'Option `emails.subaddresses` must be'],
    [{ emails: ['*@acme.com'] }, 'There is no option `emails.0`.'],
    [{ emails: { alow: ['*@acme.com'] } }, 'Did you mean `allow`?'],
    ...['acme.com', '*', '*@*', '@acme.com', 'ada@*.acme.com', '*@.com', '*@acme..com', 7, ''].map(
      (pattern) =>
        [
          { emails: { block: ['*@acme.com', pattern] } },
          'Option `emails.block[1]` must be an address such as ada@acme.com, or a pattern',
        ] as const,
    ),
  ] as const)('%j is reported at boot', async (options, message) => {
    const boot = buildApp(emulator(), options as unknown as LatchkeyOptions)
    await expect(boot).rejects.toThrow(message)
  })
})
