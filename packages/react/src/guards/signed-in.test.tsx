import { act, cleanup, render, screen, waitFor } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { StrictMode } from 'react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  AuthFailed,
  AuthLoading,
  AuthProvider,
  RequireAuth,
  SignedIn,
  SignedOut,
  SignIn,
  UserButton,
  UserProfile,
} from '../index.ts'
import {
  type FakeServer,
  failure,
  gate,
  nobody,
  somebody,
  startFakeServer,
  unreachable,
} from '../testing/fake-server.ts'

const complaints = vi.spyOn(console, 'error')
let server: FakeServer

beforeEach(() => {
  server = startFakeServer()
})

afterEach(() => {
  cleanup()
  vi.useRealTimers()
  server.close()
  // The address and the cause, for developers.
  for (const [error] of complaints.mock.calls) expect(String(error)).toMatch(/^AuthError/)
  complaints.mockClear()
})

const retryButtons = (): HTMLElement[] => screen.queryAllByRole('button', { name: 'Try again' })

const compositions = [
  [
    'a card for those who are signed out',
    <SignedOut key="1">
      <SignIn />
    </SignedOut>,
  ],
  ['something for those who are signed in', <SignedIn key="1">Inside</SignedIn>],
  ['the account', <UserProfile key="1" />],
  [
    'a header and a page',
    <div key="1">
      <SignedOut>Header</SignedOut>
      <UserButton />
      <SignedIn>Page</SignedIn>
      <UserProfile />
    </div>,
  ],
  [
    'a header and a card',
    <div key="1">
      <SignedOut>Header</SignedOut>
      <SignIn />
    </div>,
  ],
  [
    'a header and a page for signed-in people',
    <div key="1">
      <SignedOut>Header</SignedOut>
      <RequireAuth>Page</RequireAuth>
    </div>,
  ],
  [
    'a place for it',
    <div key="1">
      <SignedOut>Header</SignedOut>
      <AuthFailed />
    </div>,
  ],
] as const

test.each(compositions)(
  'a page with %s says once that the server does not respond, and asks again',
  async (_, composition) => {
    const user = userEvent.setup()
    server.session = somebody()
    server.answerNext('GET /auth/session', failure(503, 'unavailable'))
    const { container } = render(
      <StrictMode>
        <AuthProvider>{composition}</AuthProvider>
      </StrictMode>,
    )
    expect((await screen.findByRole('alert')).dataset.code).toBe('unavailable')
    expect(retryButtons()).toHaveLength(1)
    await user.click(retryButtons()[0] as HTMLElement)
    await waitFor(() => expect(server.count('GET /auth/session')).toBe(2))
    await waitFor(() => expect(screen.queryByRole('alert')).toBeNull())
    expect(container.textContent).not.toContain('Header')
  },
)

test.each(compositions)('a page with %s says once that it waits', async (_, composition) => {
  const slow = gate()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(nobody)),
  )
  render(<AuthProvider>{composition}</AuthProvider>)
  await waitFor(() => expect(screen.queryAllByText('Loading…')).toHaveLength(1))
  await act(async () => slow.open())
})

test('what an app shows while it waits, or nothing, replaces the placeholder', async () => {
  vi.useFakeTimers()
  const slow = gate()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(nobody)),
  )
  const { container, rerender } = render(
    <AuthProvider>
      <SignedIn>Inside</SignedIn>
      <AuthLoading>One moment</AuthLoading>
    </AuthProvider>,
  )
  await act(() => vi.advanceTimersByTimeAsync(1_000))
  expect(container.textContent).toBe('One moment')
  rerender(
    <AuthProvider>
      <SignedIn>Inside</SignedIn>
      <AuthLoading />
    </AuthProvider>,
  )
  expect(container.textContent).toBe('')
  await act(async () => slow.open())
})

test.each([
  ['nodes', <p key="1">Closed</p>, 'Closed'],
  ['a function', ({ error }: { error: { code: string } }) => error.code, 'unreachable'],
  ['nothing', null, ''],
])('an app shows %s when the server does not respond', async (_, children, text) => {
  server.answerNext('GET /auth/session', unreachable)
  const { container } = render(
    <AuthProvider>
      <SignedIn>Inside</SignedIn>
      <AuthFailed>{children}</AuthFailed>
    </AuthProvider>,
  )
  await waitFor(() => expect(server.count('GET /auth/session')).toBe(1))
  await act(() => new Promise((resolve) => setTimeout(resolve)))
  expect(container.textContent).toBe(text)
})

test('a card that only signed-out people see has its providers as soon as the session is known', async () => {
  const slow = gate()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(nobody)),
  )
  render(
    <AuthProvider>
      <SignedOut>
        <SignIn />
      </SignedOut>
    </AuthProvider>,
  )
  await waitFor(() => expect(server.count('GET /auth/providers')).toBe(1))
  await act(async () => slow.open())
  await screen.findByRole('link', { name: 'Continue with Bitbucket' })
  expect(server.count('GET /auth/providers')).toBe(1)
})

test('an account asks what it has while the session is asked for', async () => {
  const slow = gate()
  server.session = somebody()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(somebody())),
  )
  render(
    <AuthProvider>
      <UserProfile />
    </AuthProvider>,
  )
  await waitFor(() => expect(server.count('GET /auth/providers')).toBe(1))
  await act(async () => slow.open())
  await screen.findByText('test.person@example.com')
  expect(server.count('GET /auth/providers')).toBe(1)
})
