import { cleanup, render, screen, waitFor } from '@testing-library/react'
import fc from 'fast-check'
import type { ReactElement } from 'react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { english } from './locales/en.ts'
import { AuthError } from './requests/auth-error.ts'
import { useAuth } from './session/auth-context.ts'
import { AuthProvider } from './session/auth-provider.tsx'
import { SignIn } from './sign-in/sign-in.tsx'
import { signInUrl } from './sign-in/sign-in-url.ts'
import { type FakeServer, provider, signedIn, startFakeServer } from './testing/fake-server.ts'

/** Returns how many times to run a property: `usual`, or `LATCHKEY_FUZZ_RUNS` percent of that. */
function tries(usual: number): { numRuns: number } {
  return { numRuns: Math.ceil((usual * Number(process.env.LATCHKEY_FUZZ_RUNS || 100)) / 100) }
}

/** Timeout for properties with many runs. */
const PATIENT = { timeout: 60 * 60 * 1000 }

const complaints = vi.spyOn(console, 'error')
let server: FakeServer

beforeEach(() => {
  server = startFakeServer()
})

afterEach(() => {
  startAgain()
  server.close()
})

/** Starts a new page for each run. A failed run leaves its page behind. */
function startAgain(): void {
  cleanup()
  complaints.mockReset().mockImplementation(() => {})
  history.replaceState(null, '', '/')
}

const text = fc.oneof(
  fc.constantFrom('', '__proto__', 'constructor', 'access_denied', '/work', '{provider}', '$&'),
  fc.constantFrom(
    '//evil.example',
    '/\\evil.example',
    'javascript:alert(1)',
    '/&prompt=none',
    '\ud800',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
)

const json = fc.oneof(
  text,
  fc.constantFrom<fc.JsonValue>(null, true, 0, -1, [], {}, { toString: 1 }, { length: 1 }),
  fc.jsonValue({ stringUnit: 'binary', maxDepth: 2 }),
)

/** A response to a request: a valid body, an almost valid body, an error, or anything else. */
function answerLike(good: object): fc.Arbitrary<{ status: number; body: string }> {
  return fc.record({
    status: fc.oneof(fc.constant(200), fc.constantFrom(201, 400, 401, 404, 500, 503)),
    body: fc.oneof(
      fc.tuple(fc.constantFrom(...fieldsOf(good)), json).map(([path, value]) => {
        return JSON.stringify(withField(good, path.split('.'), value))
      }),
      fc
        .record({ code: fc.oneof(fc.constant('unavailable'), json), message: json })
        .map((error) => {
          return JSON.stringify({ error })
        }),
      json.map((value) => JSON.stringify(value)),
      text,
    ),
  })
}

function fieldsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [
    key,
    ...fieldsOf(inner).map((path) => `${key}.${path}`),
  ])
}

function withField(body: unknown, [key = '', ...rest]: readonly string[], value: unknown): unknown {
  const copy = structuredClone(body) as Record<string, unknown>
  copy[key] = rest.length > 0 ? withField(copy[key], rest, value) : value
  return copy
}

/** Checks, by the URL standard, that the page's links lead only to a start route or to the sign-in page. */
function expectLinksStayHere(): void {
  for (const link of screen.queryAllByRole('link')) {
    const url = new URL(link.getAttribute('href') ?? '', location.href)
    expect(url.origin).toBe(location.origin)
    expect([...url.searchParams.keys()].filter((name) => name !== 'return_to')).toEqual([])
  }
}

test('keeps any target and any hint inside its own parameter', PATIENT, () => {
  fc.assert(
    fc.property(text, text, (returnTo, loginHint) => {
      const url = new URL(signInUrl('bitbucket', { returnTo, loginHint }), location.origin)
      expect(url.origin + url.pathname).toBe(`${location.origin}/auth/bitbucket/start`)
      const given = { return_to: returnTo, login_hint: loginHint.toWellFormed() }
      const named = Object.entries(given).filter(([, value]) => value !== '')
      expect([...url.searchParams.keys()]).toEqual(named.map(([name]) => name))
      expect(url.searchParams.get('login_hint') ?? '').toBe(given.login_hint)
      expect(url.searchParams.get('return_to') ?? '').toMatch(/^[\x21-\x7e]*$/)
    }),
    tries(250),
  )
})

test('shows only our own messages for any address, and links nowhere else', PATIENT, async () => {
  const sentences = [...Object.values(english.errors), english.unknownError]
  await fc.assert(
    fc.asyncProperty(text, text, async (auth_error, return_to) => {
      startAgain()
      history.replaceState(null, '', `/?${new URLSearchParams({ auth_error, return_to })}`)
      render(<SignIn providers={['bitbucket']} />)
      const alert = screen.queryByRole('alert')?.textContent
      const known = sentences.map((sentence) => sentence.replace('{provider}', 'Bitbucket'))
      if (alert !== undefined) expect(known).toContain(alert)
      expectLinksStayHere()
      await waitFor(() => expect(location.search).not.toContain('auth_error'))
      expect(complaints).not.toHaveBeenCalled()
    }),
    tries(200),
  )
})

function Status(): ReactElement {
  const auth = useAuth()
  if (auth.status !== 'error') return <output>{auth.status}</output>
  const { code, message } = auth.error
  return (
    <output>{auth.error instanceof AuthError ? `${code}: ${message}` : 'not an AuthError'}</output>
  )
}

test(
  'treats a session of any shape as signed in, signed out or an error, and never loads forever',
  PATIENT,
  async () => {
    await fc.assert(
      fc.asyncProperty(answerLike(signedIn()), async ({ status, body }) => {
        startAgain()
        server.answerNext('GET /auth/session', () => new Response(body, { status }))
        render(
          <AuthProvider>
            <Status />
          </AuthProvider>,
        )
        const shown = await waitFor(() => {
          const { textContent } = screen.getByRole('status')
          expect(textContent).not.toBe('loading')
          return textContent
        })
        expect(shown).toMatch(/^(signed-in|signed-out|[a-z_]+: .*)$/s)
        expect(complaints).not.toHaveBeenCalled()
        cleanup()
      }),
      tries(150),
    )
  },
)

test(
  'shows providers of any shape as buttons that stay on this origin, or as an error with a retry button',
  PATIENT,
  async () => {
    const good = {
      providers: [provider('bitbucket', 'Bitbucket')],
      lastUsed: 'bitbucket',
      account: [],
    }
    await fc.assert(
      fc.asyncProperty(answerLike(good), async ({ status, body }) => {
        startAgain()
        server.answerNext('GET /auth/providers', () => new Response(body, { status }))
        render(<SignIn />)
        await waitFor(() => expect(screen.queryByText(english.loading)).toBeNull())
        expectLinksStayHere()
        const shown = [
          ...screen.queryAllByRole('link'),
          ...screen.queryAllByRole('button', { name: english.tryAgain }),
          ...screen.queryAllByText(english.noProviders),
        ]
        expect(shown).toHaveLength(1)
        // The kit logs the reason for developers. React logs nothing.
        for (const [error] of complaints.mock.calls) expect(error).toBeInstanceOf(AuthError)
        cleanup()
      }),
      tries(150),
    )
  },
)
