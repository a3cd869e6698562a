import { act, cleanup, render, waitFor } from '@testing-library/react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type AccountActions, useAccount } from '../account/use-account.ts'
import { type IdentitiesState, useIdentities } from '../account/use-identities.ts'
import { type SessionsState, useSessions } from '../account/use-sessions.ts'
import { useAuth } from '../session/auth-context.ts'
import { AuthProvider } from '../session/auth-provider.tsx'
import type { AuthState } from '../session/auth-state.ts'
import { type ProvidersState, useProviders } from '../sign-in/providers.ts'
import { type FakeBrowser, startFakeBrowser } from '../testing/fake-browser.ts'
import {
  device,
  type FakeServer,
  identity,
  indexHtml,
  signedIn,
  startFakeServer,
} from '../testing/fake-server.ts'

// A proxy or a development server may respond in place of the server. The kit must not mistake that for success.

interface Known {
  readonly auth: AuthState
  readonly providers: ProvidersState
  readonly sessions: SessionsState
  readonly identities: IdentitiesState
  readonly account: AccountActions
}

const complaints = vi.spyOn(console, 'error')
let server: FakeServer
let browser: FakeBrowser
let known: Known

beforeEach(() => {
  server = startFakeServer()
  browser = startFakeBrowser()
  server.session = signedIn()
  server.sessions = [device('session-1', 'Here', true), device('session-2', 'There')]
  server.identities = [identity('identity-1', 'bitbucket'), identity('identity-2', 'forge')]
})

afterEach(() => {
  cleanup()
  browser.close()
  server.close()
  complaints.mockReset()
})

function Hooks(): null {
  known = {
    auth: useAuth(),
    providers: useProviders(),
    sessions: useSessions(),
    identities: useIdentities(),
    account: useAccount(),
  }
  return null
}

function start(): void {
  render(
    <AuthProvider>
      <Hooks />
    </AuthProvider>,
  )
}

/** Returns the state with this status, or throws. */
function once<State extends { status: string }, Status extends State['status']>(
  state: State,
  status: Status,
): Extract<State, { status: Status }> {
  if (state.status !== status) throw new Error(`The status is ${state.status}, not ${status}.`)
  return state as Extract<State, { status: Status }>
}

const { user, session } = signedIn()

const others: [string, () => Response][] = [
  ['a page', indexHtml],
  ['an empty object', () => Response.json({})],
  ['an array', () => Response.json([])],
  ['null', () => Response.json(null)],
  ['an empty body', () => new Response('')],
]

const questions: [string, keyof Known, object][] = [
  ['GET /auth/session', 'auth', { user, session }],
  ['GET /auth/providers', 'providers', { providers: [], lastUsed: null, account: [] }],
  ['GET /auth/sessions', 'sessions', { sessions: [] }],
  ['GET /auth/identities', 'identities', { identities: [] }],
]

test.each(
  questions.flatMap(([route, name, body]) =>
    [
      ...others,
      ['204', () => new Response(null, { status: 204 })] as const,
      ['the right body with 503', () => Response.json(body, { status: 503 })] as const,
    ].map(([what, answer]) => [route, what, name, answer] as const),
  ),
)('treats %s as failed if the response is %s', async (route, _what, name, answer) => {
  complaints.mockImplementation(() => {})
  server.answerNext(route, answer)
  start()
  await waitFor(() => expect(known[name]).toMatchObject({ status: 'error' }))
  expect(known[name]).toMatchObject({ error: { code: 'bad_answer' } })
})

test.each([
  { user, session: {} },
  { user, session: null },
  { user: {}, session },
  { user: null, session },
  { user: { ...user, name: 1 }, session },
  { session },
])('rejects the contradictory session %j', async (body) => {
  complaints.mockImplementation(() => {})
  server.answerNext('GET /auth/session', () => Response.json(body))
  start()
  await waitFor(() => expect(known.auth.status).toBe('error'))
})

test('accepts a body with a field named like an error', async () => {
  server.answerNext('GET /auth/sessions', () =>
    Response.json({ sessions: server.sessions, status: 'loading', error: 'x' }),
  )
  start()
  await waitFor(() => expect(known.sessions.status).toBe('ready'))
})

/** Actions with their request and the expected body. `null` means 204. */
const wishes: [string, (known: Known) => Promise<unknown>, object | null][] = [
  ['POST /auth/sign-out', ({ auth }) => once(auth, 'signed-in').signOut(), null],
  ['POST /auth/sign-out', ({ sessions }) => once(sessions, 'ready').endOthers(), null],
  [
    'DELETE /auth/sessions/session-2',
    ({ sessions }) => once(sessions, 'ready').end('session-2'),
    null,
  ],
  [
    'DELETE /auth/identities/identity-2',
    ({ identities }) => once(identities, 'ready').disconnect('identity-2'),
    null,
  ],
  [
    'POST /auth/forge/link',
    ({ identities }) => once(identities, 'ready').connect('forge'),
    { url: 'https://a.example' },
  ],
  ['PATCH /auth/user', ({ account }) => account.update({ name: 'Another' }), user],
  ['DELETE /auth/user', ({ account }) => account.delete(), null],
]

test.each(
  wishes.flatMap(([route, wish, body]) =>
    [
      ...others,
      body === null
        ? (['a body with 200', () => Response.json({ done: true })] as const)
        : (['the right body with 503', () => Response.json(body, { status: 503 })] as const),
    ].map(([what, answer]) => [route, what, wish, answer] as const),
  ),
)('does not report %s as done if the response is %s', async (route, _what, wish, answer) => {
  start()
  await waitFor(() => {
    for (const name of ['sessions', 'identities'] as const) expect(known[name].status).toBe('ready')
  })
  server.answerNext(route, answer)
  await act(async () => {
    await expect(wish(known)).rejects.toMatchObject({ name: 'AuthError', code: 'bad_answer' })
  })
  expect(known.auth.status).toBe('signed-in')
  expect(browser.visits).toEqual([])
})
