import { act, cleanup, render, screen, waitFor } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { type ReactElement, StrictMode } from 'react'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { AuthProvider } from '../session/auth-provider.tsx'
import { SignOutButton } from '../sign-out/sign-out-button.tsx'
import { type FakeBrowser, startFakeBrowser } from '../testing/fake-browser.ts'
import {
  type FakeServer,
  failure,
  gate,
  indexHtml,
  signedIn,
  signedOut,
  startFakeServer,
  unreachable,
} from '../testing/fake-server.ts'
import { RedirectToSignIn, RequireAuth, useRedirectToSignIn } from './require-auth.tsx'
import { AuthLoading } from './signed-in.tsx'

const complaints = vi.spyOn(console, 'error')
let server: FakeServer
let browser: FakeBrowser

beforeEach(() => {
  server = startFakeServer()
  browser = startFakeBrowser()
  history.replaceState(null, '', '/reports?year=2026&q=a%20b#café')
})

afterEach(() => {
  cleanup()
  document.body.innerHTML = ''
  browser.close()
  server.close()
  history.replaceState(null, '', '/')
  expect(complaints).not.toHaveBeenCalled()
})

/** Returns the path of a navigation and its `return_to`. */
function visited(index = 0): { how?: string; path: string; returnTo: string | null } {
  const [how, address = ''] = browser.visits[index]?.split(' ') ?? []
  const { pathname, searchParams } = new URL(address, 'https://app.example')
  return { ...(how && { how }), path: pathname, returnTo: searchParams.get('return_to') }
}

const thisPage = '/reports?year=2026&q=a%20b#caf%C3%A9'

test('shows the content when signed in, and passes the user to a function', () => {
  render(
    <AuthProvider initialSession={signedIn()}>
      <RequireAuth>Reports</RequireAuth>
      <RequireAuth>{({ name }) => <p>of {name}</p>}</RequireAuth>
    </AuthProvider>,
  )
  expect(document.body.textContent).toBe('Reportsof Test Person')
  expect(browser.visits).toEqual([])
})

test('shows a placeholder and does not redirect while the session loads', async () => {
  const slow = gate()
  server.session = signedIn()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(server.session)),
  )
  render(
    <AuthProvider>
      <RequireAuth>Reports</RequireAuth>
    </AuthProvider>,
  )
  expect(screen.getByText('Loading…').parentElement?.role).toBe('status')
  expect(screen.queryByText('Reports')).toBeNull()
  await act(async () => slow.open())
  await screen.findByText('Reports')
  expect(screen.queryByText('Loading…')).toBeNull()
  expect(browser.visits).toEqual([])
})

test.each([
  ['a skeleton', <i key="1">Bones</i>, 'Bones'],
  ['nothing', null, ''],
])('shows %s as the fallback while the session loads', async (_, fallback, text) => {
  const slow = gate()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(signedIn())),
  )
  const { container } = render(
    <AuthProvider>
      <RequireAuth fallback={fallback}>Reports</RequireAuth>
    </AuthProvider>,
  )
  expect(container.textContent).toBe(text)
  await act(async () => slow.open())
  await screen.findByText('Reports')
})

test('redirects to sign in when signed out, and back to this page with its query and fragment', async () => {
  render(
    <AuthProvider>
      <RequireAuth>Reports</RequireAuth>
    </AuthProvider>,
  )
  await waitFor(() => expect(browser.visits).toHaveLength(1))
  // Replaces the page, because Back would only redirect again.
  expect(visited()).toEqual({ how: 'replace', path: '/auth/sign-in', returnTo: thisPage })
  expect(screen.queryByText('Reports')).toBeNull()
})

test('redirects to the sign-in page that the app sets, with the target that it sets', () => {
  render(
    <AuthProvider initialSession={signedOut}>
      <RequireAuth signInPath="/login?theme=dark" returnTo="/home">
        Reports
      </RequireAuth>
    </AuthProvider>,
  )
  expect(browser.visits).toEqual(['replace /login?theme=dark&return_to=%2Fhome'])
})

test.each([
  ['the provider above', undefined, '/above/sign-in'],
  ['the component', '/own', '/own/sign-in'],
])("uses the base path of %s for the server's page", (_, basePath, path) => {
  render(
    <AuthProvider basePath="/above" initialSession={signedOut}>
      <RedirectToSignIn basePath={basePath} />
    </AuthProvider>,
  )
  expect(visited()).toEqual({ how: 'replace', path, returnTo: thisPage })
})

test.each(['//evil.example', 'javascript:alert(1)', 'https://evil.example/?a&b'])(
  'redirects only to the sign-in page for the hostile target %s',
  (returnTo) => {
    render(
      <AuthProvider initialSession={signedOut}>
        <RedirectToSignIn returnTo={returnTo} />
      </AuthProvider>,
    )
    expect(visited()).toEqual({ how: 'replace', path: '/auth/sign-in', returnTo })
  },
)

test('does not let a hostile page address add other parameters', () => {
  history.replaceState(null, '', '/a?return_to=//evil.example&auth_error=x#&popup=y')
  render(
    <AuthProvider initialSession={signedOut}>
      <RedirectToSignIn />
    </AuthProvider>,
  )
  const url = new URL(browser.visits[0]?.replace('replace ', '') ?? '', 'https://app.example')
  expect([...url.searchParams]).toEqual([
    // The error is not part of the target.
    ['return_to', '/a?return_to=//evil.example#&popup=y'],
  ])
  expect(url.hash).toBe('')
})

test.each([
  ['/login', '/login?return_to=%2Freports'],
  ['/login', '/login'],
  // Many hosts add a trailing slash.
  ['/login', '/login/?return_to=%2Freports'],
  ['/login/?theme=dark', '/login?theme=dark'],
  ['/login?theme=dark', '/login?theme=dark&return_to=%2F'],
  ['/#/login', '/#/login?return_to=%2F'],
  [`${location.origin}/login`, '/login'],
])('does not redirect the sign-in page %s at %s to itself', (signInPath, address) => {
  history.replaceState(null, '', address)
  const { container } = render(
    <AuthProvider initialSession={signedOut}>
      <RequireAuth signInPath={signInPath} fallback="Bones">
        Reports
      </RequireAuth>
    </AuthProvider>,
  )
  expect(browser.visits).toEqual([])
  expect(container.textContent).toContain('Bones')
  expect(complaints).toHaveBeenCalledExactlyOnceWith(
    `<RequireAuth> would redirect ${signInPath} to itself. Move the sign-in page outside <RequireAuth> and <RedirectToSignIn>.`,
  )
  complaints.mockClear()
})

test('redirects to a sign-in page at the same path of another origin', () => {
  history.replaceState(null, '', '/')
  render(
    <AuthProvider initialSession={signedOut}>
      <RequireAuth signInPath="https://login.example.com/">Reports</RequireAuth>
    </AuthProvider>,
  )
  expect(browser.visits).toEqual(['replace https://login.example.com/?return_to=%2F'])
})

test('redirects from another page of a hash router', () => {
  history.replaceState(null, '', '/#/reports')
  render(
    <AuthProvider initialSession={signedOut}>
      <RequireAuth signInPath="/#/login">Reports</RequireAuth>
    </AuthProvider>,
  )
  expect(browser.visits).toHaveLength(1)
})

test('redirects to the same page in strict mode', () => {
  render(
    <StrictMode>
      <AuthProvider initialSession={signedOut}>
        <RequireAuth>Reports</RequireAuth>
      </AuthProvider>
    </StrictMode>,
  )
  expect(browser.visits.length).toBeGreaterThan(0)
  expect(new Set(browser.visits).size).toBe(1)
  expect(visited()).toEqual({ how: 'replace', path: '/auth/sign-in', returnTo: thisPage })
})

test('does not redirect again when the page renders again', () => {
  const page = (returnTo: string): ReactElement => (
    <AuthProvider initialSession={signedOut}>
      <RequireAuth returnTo={returnTo}>Reports</RequireAuth>
    </AuthProvider>
  )
  const { rerender } = render(page('/one'))
  rerender(page('/two'))
  expect(browser.visits).toHaveLength(1)
  expect(visited().returnTo).toBe('/one')
})

test('redirects to sign in when the user signs out on the page', async () => {
  const user = userEvent.setup()
  render(
    <AuthProvider initialSession={signedIn()}>
      <RequireAuth>
        <SignOutButton />
      </RequireAuth>
    </AuthProvider>,
  )
  expect(browser.visits).toEqual([])
  await user.click(screen.getByRole('button', { name: 'Sign out' }))
  await waitFor(() => expect(browser.visits).toHaveLength(1))
  expect(visited().returnTo).toBe(thisPage)
  expect(screen.queryByRole('button')).toBeNull()
})

test.each([
  ['does not respond', unreachable, 'unreachable'],
  ['responds with 503', failure(503, 'unavailable'), 'unavailable'],
  ['sends an HTML page', indexHtml, 'bad_answer'],
])('does not redirect if the server %s, and lets the user try again', async (_, answer, code) => {
  const user = userEvent.setup()
  server.session = signedIn()
  server.answerNext('GET /auth/session', answer)
  render(
    <AuthProvider>
      <RequireAuth fallback="Bones">Reports</RequireAuth>
    </AuthProvider>,
  )
  const alert = await screen.findByRole('alert')
  expect(alert.textContent).toBe("We couldn't check whether you're signed in.")
  expect(alert.dataset.code).toBe(code)
  expect(browser.visits).toEqual([])
  await user.click(screen.getByRole('button', { name: 'Try again' }))
  await screen.findByText('Reports')
  expect(screen.queryByRole('alert')).toBeNull()
})

test('server-renders a link for browsers without JavaScript when signed out', () => {
  document.body.innerHTML = renderToString(
    <AuthProvider initialSession={signedOut} basePath="/api">
      <RequireAuth returnTo="/café?a&b">Reports</RequireAuth>
    </AuthProvider>,
  )
  expect(document.querySelector('noscript')?.innerHTML).toBe(
    '<a class="latchkey-button" href="/api/sign-in?return_to=%2Fcaf%25C3%25A9%3Fa%26b">Sign in</a>',
  )
  expect(document.body.textContent).not.toContain('Reports')
  expect(browser.visits).toEqual([])
})

test('server-renders the link and the fallback while the session is unknown', () => {
  document.body.innerHTML = renderToString(
    <AuthProvider>
      <RequireAuth signInPath="/login" fallback="One moment">
        Reports
      </RequireAuth>
    </AuthProvider>,
  )
  expect(document.body.innerHTML).toBe(
    '<template></template>One moment<noscript><a class="latchkey-button" href="/login">Sign in</a></noscript>',
  )
})

test('server-renders the content when signed in', () => {
  document.body.innerHTML = renderToString(
    <AuthProvider initialSession={signedIn()}>
      <RequireAuth>Reports</RequireAuth>
    </AuthProvider>,
  )
  expect(document.body.innerHTML).toBe('Reports')
})

test('shows <AuthLoading> exactly while the session loads', async () => {
  const slow = gate()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(signedOut)),
  )
  const { container } = render(
    <AuthProvider>
      <AuthLoading>One moment</AuthLoading>
    </AuthProvider>,
  )
  expect(container.textContent).toBe('One moment')
  await act(async () => slow.open())
  await waitFor(() => expect(container.textContent).toBe(''))
})

test.each([
  ['a signed-in user', signedIn()],
  ['a signed-out visitor', signedOut],
])('does not show <AuthLoading> on a page rendered for %s', (_, initialSession) => {
  const { container } = render(
    <AuthProvider initialSession={initialSession}>
      <AuthLoading>One moment</AuthLoading>
    </AuthProvider>,
  )
  expect(container.textContent).toBe('')
})

function OwnLink({ returnTo }: { returnTo: string | undefined }): ReactElement {
  const { href, redirect } = useRedirectToSignIn({ signInPath: '/login', returnTo })
  return (
    <>
      <a href={href}>Sign in</a>
      <button type="button" onClick={redirect}>
        Go
      </button>
    </>
  )
}

test.each([
  [undefined, '/login', thisPage],
  ['/inbox', '/login?return_to=%2Finbox', '/inbox'],
])("builds the href for the app's own link, with the target %s", async (returnTo, href, target) => {
  const user = userEvent.setup()
  render(<OwnLink returnTo={returnTo} />)
  expect(screen.getByRole('link').getAttribute('href')).toBe(href)
  expect(browser.visits).toEqual([])
  await user.click(screen.getByRole('button', { name: 'Go' }))
  expect(visited()).toEqual({ how: 'replace', path: '/login', returnTo: target })
})
