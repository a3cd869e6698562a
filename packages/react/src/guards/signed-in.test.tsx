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
import { teachDialogs } from '../testing/fake-browser.ts'
import {
  type FakeServer,
  failure,
  gate,
  signedIn,
  signedOut,
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
  Reflect.deleteProperty(Element.prototype, 'checkVisibility')
  vi.useRealTimers()
  server.close()
  // The URL and the cause are logged for developers.
  for (const [error] of complaints.mock.calls) expect(String(error)).toMatch(/^AuthError/)
  complaints.mockClear()
})

const retryButtons = (): HTMLElement[] => screen.queryAllByRole('button', { name: 'Try again' })

const compositions = [
  [
    'a card inside <SignedOut>',
    <SignedOut key="1">
      <SignIn />
    </SignedOut>,
  ],
  ['<SignedIn>', <SignedIn key="1">Inside</SignedIn>],
  ['the account page', <UserProfile key="1" />],
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
    'a header and a page inside <RequireAuth>',
    <div key="1">
      <SignedOut>Header</SignedOut>
      <RequireAuth>Page</RequireAuth>
    </div>,
  ],
  [
    '<AuthFailed>',
    <div key="1">
      <SignedOut>Header</SignedOut>
      <AuthFailed />
    </div>,
  ],
  [
    '<AuthFailed> and a page inside <RequireAuth>',
    <div key="1">
      <RequireAuth>Page</RequireAuth>
      <AuthFailed />
    </div>,
  ],
  [
    '<AuthFailed> and a card',
    <div key="1">
      <SignIn />
      <AuthFailed />
    </div>,
  ],
  [
    'a sentence',
    <p key="1">
      Hello <SignedIn>Inside</SignedIn>
    </p>,
  ],
] as const

test.each(compositions)(
  'shows one error with a retry button on a page with %s',
  async (_, composition) => {
    const user = userEvent.setup()
    server.session = signedIn()
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

test.each(compositions)('shows one placeholder on a page with %s', async (_, composition) => {
  const slow = gate()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(signedOut)),
  )
  render(<AuthProvider>{composition}</AuthProvider>)
  await waitFor(() => expect(screen.queryAllByText('Loading…')).toHaveLength(1))
  await act(async () => slow.open())
})

test('replaces the placeholder with <AuthLoading>, even without children', async () => {
  vi.useFakeTimers()
  const slow = gate()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(signedOut)),
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
  rerender(
    <AuthProvider>
      <RequireAuth>Inside</RequireAuth>
      <SignIn />
      <AuthLoading>One moment</AuthLoading>
    </AuthProvider>,
  )
  await act(() => vi.advanceTimersByTimeAsync(1_000))
  expect(container.textContent).toBe('Sign inOne moment')
  await act(async () => slow.open())
})

/** jsdom has no layout. */
function teachVisibility(): void {
  Element.prototype.checkVisibility = function checkVisibility() {
    return this.closest('[hidden], dialog:not([open])') === null
  }
}

function isSeen(element: HTMLElement): boolean {
  return element.checkVisibility()
}

test.each([
  ['a stand-in', <SignedOut key="1">Out</SignedOut>],
  ['a card', <SignIn key="1" />],
  ['<RequireAuth>', <RequireAuth key="1">In</RequireAuth>],
])('shows the error on the page even though %s is in a hidden part of it', async (_, hidden) => {
  teachVisibility()
  server.answerNext('GET /auth/session', failure(503, 'unavailable'))
  const { container } = render(
    <AuthProvider>
      <nav hidden>{hidden}</nav>
      <main>
        <SignedIn>Page</SignedIn>
      </main>
    </AuthProvider>,
  )
  await waitFor(() => expect(container.querySelector('main [role=alert]')).not.toBeNull())
  expect(screen.getAllByRole('alert').filter(isSeen)).toHaveLength(1)
})

test('shows the error on the page again after the sign-in dialog is closed', async () => {
  teachVisibility()
  teachDialogs()
  const user = userEvent.setup()
  server.answerNext('GET /auth/session', failure(503, 'unavailable'))
  const { container } = render(
    <AuthProvider>
      <SignIn display="modal" />
      <main>
        <SignedIn>Page</SignedIn>
      </main>
    </AuthProvider>,
  )
  const inPage = () => container.querySelector('main [role=alert]')
  await waitFor(() => expect(inPage()).not.toBeNull())
  await user.click(screen.getByRole('link', { name: 'Sign in' }))
  await waitFor(() => expect(inPage()).toBeNull())
  expect(screen.getAllByRole('alert').filter(isSeen)).toHaveLength(1)
  await user.click(screen.getByRole('button', { name: 'Close' }))
  await waitFor(() => expect(inPage()).not.toBeNull())
})

test.each([
  ['<AuthFailed>', <AuthFailed key="1" />],
  ['<RequireAuth>', <RequireAuth key="1">In</RequireAuth>],
])('keeps the focus in %s during a retry', async (_, composition) => {
  const user = userEvent.setup()
  const slow = gate()
  server.answerNext('GET /auth/session', failure(503, 'unavailable'))
  server.answerNext('GET /auth/session', slow.before(failure(503, 'unavailable')))
  const { container } = render(
    <AuthProvider>
      {composition}
      <SignedOut>Out</SignedOut>
    </AuthProvider>,
  )
  await user.click(await screen.findByRole('button', { name: 'Try again' }))
  const notice = container.querySelector('.latchkey-notice')
  expect(notice?.textContent).toBe('Loading…')
  expect(document.activeElement).toBe(notice)
  await act(async () => slow.open())
  await waitFor(() => expect(notice?.textContent).toContain("couldn't check"))
  expect(document.activeElement).toBe(notice)
  expect(screen.getAllByRole('alert')).toHaveLength(1)
})

test.each([
  ['<AuthFailed>', <AuthFailed key="1" />],
  ['<RequireAuth>', <RequireAuth key="1">In</RequireAuth>],
])('announces a late error only once in %s', async (_, composition) => {
  vi.useFakeTimers()
  const slow = gate()
  server.answerNext('GET /auth/session', slow.before(failure(503, 'unavailable')))
  const { container } = render(
    <AuthProvider>
      <SignedOut>Out</SignedOut>
      {composition}
    </AuthProvider>,
  )
  await act(() => vi.advanceTimersByTimeAsync(1_000))
  const added: Node[] = []
  const watch = new MutationObserver((records) => {
    for (const { addedNodes } of records) added.push(...addedNodes)
  })
  watch.observe(container, { childList: true, subtree: true })
  await act(async () => slow.open())
  await act(() => vi.advanceTimersByTimeAsync(1_000))
  watch.disconnect()
  const alerts = added.filter(
    (node) => node instanceof Element && node.outerHTML.includes('role="alert"'),
  )
  expect(alerts).toHaveLength(1)
})

test('shows a timeout on a card after a single deadline', async () => {
  const slow = gate()
  server.answerNext('GET /auth/providers', slow.before(unreachable))
  render(
    <AuthProvider>
      <SignedOut>
        <SignIn />
      </SignedOut>
    </AuthProvider>,
  )
  await screen.findByText('Loading…')
  await act(async () => slow.open())
  expect((await screen.findByRole('alert')).dataset.code).toBe('unreachable')
  expect(server.count('GET /auth/providers')).toBe(1)
})

test.each([
  ['nodes', <p key="1">Closed</p>, 'Closed'],
  ['a function', ({ error }: { error: { code: string } }) => error.code, 'unreachable'],
  ['nothing', null, ''],
])('shows %s in <AuthFailed> when the server does not respond', async (_, children, text) => {
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

test('shows the providers of a card in <SignedOut> as soon as the session is known', async () => {
  const slow = gate()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(signedOut)),
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

test('requests the account parts in parallel with the session', async () => {
  const slow = gate()
  server.session = signedIn()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(signedIn())),
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
