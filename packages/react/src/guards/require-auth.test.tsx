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
  nobody,
  somebody,
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

/** Where a visit led to, and the target that it carries. */
function visited(index = 0): { how?: string; path: string; returnTo: string | null } {
  const [how, address = ''] = browser.visits[index]?.split(' ') ?? []
  const { pathname, searchParams } = new URL(address, 'https://app.example')
  return { ...(how && { how }), path: pathname, returnTo: searchParams.get('return_to') }
}

const thisPage = '/reports?year=2026&q=a%20b#caf%C3%A9'

test('a signed-in person sees what is inside, which may ask who they are', () => {
  render(
    <AuthProvider initialSession={somebody()}>
      <RequireAuth>Reports</RequireAuth>
      <RequireAuth>{({ name }) => <p>of {name}</p>}</RequireAuth>
    </AuthProvider>,
  )
  expect(document.body.textContent).toBe('Reportsof Test Person')
  expect(browser.visits).toEqual([])
})

test('while it is not known who it is, a placeholder says so, and nobody is sent away', async () => {
  const slow = gate()
  server.session = somebody()
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
])('an app may show %s while it waits', async (_, fallback, text) => {
  const slow = gate()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(somebody())),
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

test('everybody else is sent to sign in, and back to this page with its query and its place', async () => {
  render(
    <AuthProvider>
      <RequireAuth>Reports</RequireAuth>
    </AuthProvider>,
  )
  await waitFor(() => expect(browser.visits).toHaveLength(1))
  // Replaced: Back would only lead here, and from here away again.
  expect(visited()).toEqual({ how: 'replace', path: '/auth/sign-in', returnTo: thisPage })
  expect(screen.queryByText('Reports')).toBeNull()
})

test('an app has its own page for signing in, and its own target', () => {
  render(
    <AuthProvider initialSession={nobody}>
      <RequireAuth signInPath="/login?theme=dark" returnTo="/home">
        Reports
      </RequireAuth>
    </AuthProvider>,
  )
  expect(browser.visits).toEqual(['replace /login?theme=dark&return_to=%2Fhome'])
})

test.each([
  ['the provider above', undefined, '/above/sign-in'],
  ['its own', '/own', '/own/sign-in'],
])('the page of the server is under the base path of %s', (_, basePath, path) => {
  render(
    <AuthProvider basePath="/above" initialSession={nobody}>
      <RedirectToSignIn basePath={basePath} />
    </AuthProvider>,
  )
  expect(visited()).toEqual({ how: 'replace', path, returnTo: thisPage })
})

test.each(['//evil.example', 'javascript:alert(1)', 'https://evil.example/?a&b'])(
  'an attacker who wrote the target %s reaches the sign-in page with it, and nothing else',
  (returnTo) => {
    render(
      <AuthProvider initialSession={nobody}>
        <RedirectToSignIn returnTo={returnTo} />
      </AuthProvider>,
    )
    expect(visited()).toEqual({ how: 'replace', path: '/auth/sign-in', returnTo })
  },
)

test('an attacker who wrote the address of the page changes no other parameter', () => {
  history.replaceState(null, '', '/a?return_to=//evil.example&auth_error=x#&popup=y')
  render(
    <AuthProvider initialSession={nobody}>
      <RedirectToSignIn />
    </AuthProvider>,
  )
  const url = new URL(browser.visits[0]?.replace('replace ', '') ?? '', 'https://app.example')
  expect([...url.searchParams]).toEqual([
    // An error is not where anybody was going.
    ['return_to', '/a?return_to=//evil.example#&popup=y'],
  ])
  expect(url.hash).toBe('')
})

test.each([
  ['/login', '/login?return_to=%2Freports'],
  ['/login', '/login'],
  // Many hosts add a slash.
  ['/login', '/login/?return_to=%2Freports'],
  ['/login/?theme=dark', '/login?theme=dark'],
  ['/login?theme=dark', '/login?theme=dark&return_to=%2F'],
  ['/#/login', '/#/login?return_to=%2F'],
  [`${location.origin}/login`, '/login'],
])('the sign-in page %s at %s does not redirect to itself', (signInPath, address) => {
  history.replaceState(null, '', address)
  const { container } = render(
    <AuthProvider initialSession={nobody}>
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

test('a sign-in page at the same path of another origin is redirected to', () => {
  history.replaceState(null, '', '/')
  render(
    <AuthProvider initialSession={nobody}>
      <RequireAuth signInPath="https://login.example.com/">Reports</RequireAuth>
    </AuthProvider>,
  )
  expect(browser.visits).toEqual(['replace https://login.example.com/?return_to=%2F'])
})

test('another page of a router in the fragment is redirected', () => {
  history.replaceState(null, '', '/#/reports')
  render(
    <AuthProvider initialSession={nobody}>
      <RequireAuth signInPath="/#/login">Reports</RequireAuth>
    </AuthProvider>,
  )
  expect(browser.visits).toHaveLength(1)
})

test('strict mode leads to the same place', () => {
  render(
    <StrictMode>
      <AuthProvider initialSession={nobody}>
        <RequireAuth>Reports</RequireAuth>
      </AuthProvider>
    </StrictMode>,
  )
  expect(browser.visits.length).toBeGreaterThan(0)
  expect(new Set(browser.visits).size).toBe(1)
  expect(visited()).toEqual({ how: 'replace', path: '/auth/sign-in', returnTo: thisPage })
})

test('what the page renders meanwhile does not send the person away again', () => {
  const page = (returnTo: string): ReactElement => (
    <AuthProvider initialSession={nobody}>
      <RequireAuth returnTo={returnTo}>Reports</RequireAuth>
    </AuthProvider>
  )
  const { rerender } = render(page('/one'))
  rerender(page('/two'))
  expect(browser.visits).toHaveLength(1)
  expect(visited().returnTo).toBe('/one')
})

test('a person who signs out on the page is sent to sign in', async () => {
  const user = userEvent.setup()
  render(
    <AuthProvider initialSession={somebody()}>
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
  ['does not answer', unreachable, 'unreachable'],
  ['is in trouble', failure(503, 'unavailable'), 'unavailable'],
  ['sends its front page', indexHtml, 'bad_answer'],
])('a server that %s sends nobody away, and may be asked again', async (_, answer, code) => {
  const user = userEvent.setup()
  server.session = somebody()
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

test('a page rendered for nobody has a link for browsers without JavaScript', () => {
  document.body.innerHTML = renderToString(
    <AuthProvider initialSession={nobody} basePath="/api">
      <RequireAuth returnTo="/café?a&b">Reports</RequireAuth>
    </AuthProvider>,
  )
  expect(document.querySelector('noscript')?.innerHTML).toBe(
    '<a class="latchkey-button" href="/api/sign-in?return_to=%2Fcaf%25C3%25A9%3Fa%26b">Sign in</a>',
  )
  expect(document.body.textContent).not.toContain('Reports')
  expect(browser.visits).toEqual([])
})

test('a page rendered without knowing for whom has that link too, and what waits', () => {
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

test('a page rendered for somebody has what is inside', () => {
  document.body.innerHTML = renderToString(
    <AuthProvider initialSession={somebody()}>
      <RequireAuth>Reports</RequireAuth>
    </AuthProvider>,
  )
  expect(document.body.innerHTML).toBe('Reports')
})

test('what says that it is loading is there for as long as that is so', async () => {
  const slow = gate()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(nobody)),
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
  ['somebody', somebody()],
  ['nobody', nobody],
])('a page rendered for %s is not loading', (_, initialSession) => {
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
])(
  'an app may make a link of its own to the page, with the target %s',
  async (returnTo, href, target) => {
    const user = userEvent.setup()
    render(<OwnLink returnTo={returnTo} />)
    expect(screen.getByRole('link').getAttribute('href')).toBe(href)
    expect(browser.visits).toEqual([])
    await user.click(screen.getByRole('button', { name: 'Go' }))
    expect(visited()).toEqual({ how: 'replace', path: '/login', returnTo: target })
  },
)
