import type { FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type AdmissionRequest, type LatchkeyOptions, refuse } from '../index.ts'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { countPeople, shareables } from '../testing/kept.ts'
import { ADMISSION_TIMEOUT } from './on-admission.ts'

const emulator = setUpEmulator()
afterEach(() => void vi.useRealTimers())

type Hook = NonNullable<LatchkeyOptions['onAdmission']>

async function build(onAdmission: Hook, options: LatchkeyOptions = {}): Promise<FastifyInstance> {
  return buildApp(emulator(), { ...options, onAdmission })
}

async function locationAfter(browser: Browser, person = 'ada'): Promise<unknown> {
  return (await browser.signIn(person)).headers.location
}

async function rolesIn(browser: Browser): Promise<unknown> {
  return (await browser.get('/auth/session')).json().user?.roles
}

describe('onAdmission', () => {
  it('is called at every sign-in, with the profile and the user', async () => {
    const calls: AdmissionRequest[] = []
    const app = await build((asked) => {
      calls.push(asked)
      return undefined
    })
    const browser = createBrowser(app)
    expect(await locationAfter(browser)).toBe('/')
    const { user } = (await browser.get('/auth/session')).json()
    expect(await locationAfter(browser)).toBe('/')
    expect(calls.map((call) => call.user)).toEqual([null, user])
    expect(calls[0]).toMatchObject({
      provider: 'bitbucket',
      profile: { email: 'ada@example.com', emailVerified: true },
      request: { routeOptions: { url: '/auth/bitbucket/callback' } },
    })
  })

  it('gives roles to a new user, replaces those of a known one, and keeps them if it returns nothing', async () => {
    const given = [['editor'], ['viewer', 'admin'], undefined, []]
    const app = await build(() => {
      const roles = given.shift()
      return roles && { roles }
    })
    const browser = createBrowser(app)
    for (const roles of [['editor'], ['admin', 'viewer'], ['admin', 'viewer'], []]) {
      await browser.signIn('ada')
      expect(await rolesIn(browser)).toEqual(roles)
    }
  })

  it('is not called for someone whom the other rules reject', async () => {
    const onAdmission = vi.fn(() => undefined)
    const app = await build(onAdmission, { emails: { allow: ['*@acme.com'] } })
    expect(await locationAfter(createBrowser(app))).toContain('auth_error=email_not_allowed')
    expect(onAdmission).not.toHaveBeenCalled()
  })

  it.each([
    ['false', () => false],
    ['a string', () => 'no'],
    ['null', () => null],
    ['a mistyped field', () => ({ role: 'admin' })],
    ['a role that is no name', () => ({ roles: ['an admin'] })],
    ['an error', () => Promise.reject(new Error('the directory is down'))],
  ])('that results in %s lets nobody in, and logs why', async (_what, hook) => {
    const lines: string[] = []
    const log = { write: (line: string) => void lines.push(line) }
    const onAdmission = hook as unknown as Hook
    const app = await buildApp(emulator(), { onAdmission }, log)
    const browser = createBrowser(app)
    expect(await locationAfter(browser)).toContain('auth_error=server_error')
    expect(await rolesIn(browser)).toBeUndefined()
    const failed = lines
      .map((line) => JSON.parse(line))
      .find(({ event }) => event === 'hook-failed')
    expect(failed).toMatchObject({
      level: 50,
      hook: 'onAdmission',
      reason: expect.stringMatching(
        /^onAdmission must return|`roles` must be|the directory is down/,
      ),
    })
  })

  it('that takes longer than five seconds lets nobody in', async () => {
    const called = Promise.withResolvers<void>()
    const app = await build(() => {
      called.resolve()
      return new Promise<undefined>(() => {})
    })
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const response = browser.get(callback)
    await called.promise
    await vi.advanceTimersByTimeAsync(ADMISSION_TIMEOUT)
    expect((await response).headers.location).toContain('auth_error=unavailable')
  })

  it('is called again if the user was created in the meantime', async () => {
    const users: unknown[] = []
    const app = await build(async ({ user }) => {
      users.push(user?.name ?? null)
      if (users.length === 1) await createBrowser(app).signIn('ada')
      return undefined
    })
    expect(await locationAfter(createBrowser(app))).toBe('/')
    expect(users).toEqual([null, null, 'Ada Test'])
  })

  it('cannot admit a user who is banned in the meantime', async () => {
    const app = await build(async ({ user }) => {
      if (user !== null) await app.latchkey.users.ban(user.id)
      return undefined
    })
    const browser = createBrowser(app)
    await browser.signIn('ada')
    expect(await locationAfter(browser)).toContain('auth_error=user_banned')
  })

  it('rejects a hook that is not a function', async () => {
    const options = { onAdmission: true } as unknown as LatchkeyOptions
    await expect(buildApp(emulator(), options)).rejects.toThrow(
      'Option `onAdmission` must be a function.',
    )
  })
})

describe('refuse() in onAdmission', () => {
  const sentence = 'Ask <b>your</b> team lead & wait.'

  it('shows its sentence as text on the sign-in page, in that browser alone', async () => {
    const app = await build(() => refuse(sentence))
    const browser = createBrowser(app)
    const location = String(await locationAfter(browser))
    expect(location).toBe('/auth/sign-in?auth_error=refused')
    expect((await browser.get(location)).body).toContain(
      '<p role="alert" data-code="refused">Ask &lt;b&gt;your&lt;/b&gt; team lead &amp; wait.</p>',
    )
    expect((await browser.get('/auth/providers')).json().refusal).toBe(sentence)
    const other = createBrowser(app)
    expect((await other.get(location)).body).toContain('sign in here. Contact the site')
    expect((await other.get('/auth/providers')).json()).not.toHaveProperty('refusal')
  })

  it('keeps the sentence out of the URL, the cookie and the log', async () => {
    const lines: string[] = []
    const log = { write: (line: string) => void lines.push(line) }
    const app = await buildApp(emulator(), { onAdmission: () => refuse(sentence) }, log)
    const browser = createBrowser(app)
    const { headers } = await browser.signIn('ada')
    expect(JSON.stringify(headers)).not.toContain('team')
    expect(lines.join('')).not.toContain('team lead')
    expect(lines.join('')).toContain('`onAdmission` refused the sign-in')
  })

  it('is not replaced by a sentence that somebody else wrote into the cookie', async () => {
    const app = await build(() => refuse(sentence))
    const browser = createBrowser(app)
    await browser.jar.setCookie('latchkey-3000-refusal=Call-0900-123', browser.origin)
    const page = await browser.get('/auth/sign-in?auth_error=refused')
    expect(page.body).not.toContain('0900')
  })

  it.each(['', '  ', 'one\ntwo', 'x'.repeat(301), 7])('rejects %j as a sentence', (text) => {
    expect(() => refuse(text as string)).toThrow('the sentence must have 1 to 300 characters')
  })
})

describe.each(shareables)('a slow onAdmission, with %s', (_what, share) => {
  it('does not hold up other users', async () => {
    const shared = await share()
    const [called, allowed] = [Promise.withResolvers<void>(), Promise.withResolvers<undefined>()]
    const app = await build(
      ({ profile }) => {
        if (profile.attributes.nickname !== 'ada') return undefined
        called.resolve()
        return allowed.promise
      },
      { store: shared.store() },
    )
    const slow = locationAfter(createBrowser(app))
    await called.promise
    expect(await locationAfter(createBrowser(app), 'ben')).toBe('/')
    expect(await countPeople(shared)).toEqual({ users: 1, identities: 1, sessions: 1 })
    allowed.resolve(undefined)
    expect(await slow).toBe('/')
  })
})
