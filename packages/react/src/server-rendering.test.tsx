import { act } from '@testing-library/react'
import { type ReactElement, StrictMode, Suspense } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  AuthProvider,
  SignedIn,
  SignedOut,
  SignIn,
  SignInButton,
  SignOutButton,
  useAuth,
} from './index.ts'
import { type FakeServer, nobody, somebody, startFakeServer } from './testing/fake-server.ts'

const complaints = vi.spyOn(console, 'error')
let server: FakeServer

beforeEach(() => {
  server = startFakeServer()
  history.replaceState(null, '', '/')
})

afterEach(() => {
  document.body.innerHTML = ''
  server.close()
  // React tells of a mismatch between server and browser here.
  expect(complaints).not.toHaveBeenCalled()
})

/** The page as a browser without JavaScript has it. */
function withoutJavaScript(page: ReactElement): HTMLElement {
  const container = document.createElement('div')
  container.innerHTML = renderToString(page)
  document.body.append(container)
  return container
}

/** The same page once React has taken over. */
async function hydrated(
  page: ReactElement,
): Promise<{ container: HTMLElement; leave: () => void }> {
  const container = withoutJavaScript(page)
  const root = await act(async () => hydrateRoot(container, page))
  return { container, leave: () => act(() => root.unmount()) }
}

test('without JavaScript the button is a link', () => {
  const link = withoutJavaScript(
    <SignInButton provider="bitbucket" returnTo="/inbox" />,
  ).querySelector('a')
  expect(link?.getAttribute('href')).toBe('/auth/bitbucket/start?return_to=%2Finbox')
  expect(link?.textContent).toBe('Continue with Bitbucket')
  expect(link?.querySelector('svg path')).not.toBeNull()
})

test('without JavaScript a card that names its providers has links and the error', () => {
  const container = withoutJavaScript(<SignIn providers={['bitbucket']} authError="flow_expired" />)
  expect(container.querySelector('a')?.getAttribute('href')).toBe('/auth/bitbucket/start')
  expect(container.querySelector('[role=alert]')?.textContent).toContain('took too long')
  expect(server.requests).toEqual([])
})

test('without JavaScript a card that would ask the server leads to the hosted page', () => {
  const container = withoutJavaScript(<SignIn basePath="/api" returnTo="/café" />)
  expect(container.querySelector('noscript')?.innerHTML).toBe(
    '<a class="latchkey-button" href="/api/sign-in?return_to=%2Fcaf%25C3%25A9">Sign in</a>',
  )
})

test('without JavaScript a card that never hears who is signed in has its links all the same', () => {
  const container = withoutJavaScript(
    <AuthProvider>
      <SignIn providers={['bitbucket']} returnTo="/inbox" />
    </AuthProvider>,
  )
  expect(container.querySelector('a')).toBeNull()
  expect(container.querySelector('noscript')?.innerHTML).toContain(
    'href="/auth/bitbucket/start?return_to=%2Finbox"',
  )
})

test.each([nobody, null])('a page rendered for nobody has its links for everybody', (session) => {
  const container = withoutJavaScript(
    <AuthProvider initialSession={session}>
      <SignIn providers={['bitbucket']} />
    </AuthProvider>,
  )
  expect(container.querySelector('noscript')).toBeNull()
  expect(container.querySelector('a')?.getAttribute('href')).toBe('/auth/bitbucket/start')
})

test('without JavaScript signing out posts a form to our own origin', () => {
  const form = withoutJavaScript(<SignOutButton returnTo="/bye" />).querySelector('form')
  expect(form?.getAttribute('method')).toBe('post')
  expect(form?.getAttribute('action')).toBe('/auth/sign-out')
  expect(new FormData(form ?? undefined).get('return_to')).toBe('/bye')
  expect(form?.querySelector('button[type=submit]')?.textContent).toBe('Sign out')
})

test.each([
  ['somebody', somebody(), 'inTest PersonYou are signed in'],
  ['nobody', nobody, 'outSign in'],
  ['nobody knows who', undefined, 'Sign in'],
])('a page rendered for %s is taken over without a flicker', async (_, initialSession, text) => {
  server.session = initialSession ?? nobody
  const page = (
    <StrictMode>
      <AuthProvider initialSession={initialSession}>
        <SignedIn>{({ name }) => <p>in{name}</p>}</SignedIn>
        <SignedOut>
          <p>out</p>
        </SignedOut>
        <SignIn providers={['bitbucket']} />
        <SignOutButton />
        <SignInButton provider="bitbucket" />
      </AuthProvider>
    </StrictMode>
  )
  expect(withoutJavaScript(page).textContent).toMatch(new RegExp(`^${text}`))
  const { leave } = await hydrated(page)
  leave()
})

test('a query in the address does not make the browser disagree with the server', async () => {
  history.replaceState(null, '', '/?auth_error=access_denied&return_to=%2Finbox')
  const { container, leave } = await hydrated(
    <StrictMode>
      <SignIn providers={['bitbucket']} />
      <SignIn />
    </StrictMode>,
  )
  expect(container.querySelector('a')?.getAttribute('href')).toBe(
    '/auth/bitbucket/start?return_to=%2Finbox',
  )
  expect(container.querySelector('[role=alert]')?.textContent).toContain('You cancelled')
  leave()
})

/** What `<Late>` waits for in the browser; nothing on the server. */
let code: Promise<void> | undefined

function Late(): ReactElement {
  if (code) throw code
  return <p>late {useAuth().status}</p>
}

test('a part whose code arrives after the session is known does not disagree with the server', async () => {
  server.session = somebody()
  const page = (
    <AuthProvider>
      <Suspense>
        <Late />
      </Suspense>
    </AuthProvider>
  )
  const container = withoutJavaScript(page)
  expect(container.textContent).toBe('late loading')
  const arrival = Promise.withResolvers<void>()
  code = arrival.promise
  const root = await act(async () => hydrateRoot(container, page))
  await vi.waitFor(() => expect(server.count('GET /auth/session')).toBe(1))
  await act(() => new Promise((resolve) => setTimeout(resolve)))
  code = undefined
  await act(async () => arrival.resolve())
  expect(container.textContent).toBe('late signed-in')
  await act(async () => root.unmount())
})
