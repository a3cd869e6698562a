import { PassThrough } from 'node:stream'
import type { SessionBody } from '@latchkey/contract'
import { act } from '@testing-library/react'
import { type ReactElement, StrictMode, Suspense } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToPipeableStream, renderToReadableStream, renderToString } from 'react-dom/server'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import * as kit from './index.ts'
import {
  AuthProvider,
  SignedIn,
  SignedOut,
  SignIn,
  SignInButton,
  SignOutButton,
  UserButton,
  UserProfile,
} from './index.ts'
import { type FakeBrowser, startFakeBrowser, teachDialogs } from './testing/fake-browser.ts'
import {
  device,
  everyPart,
  type FakeServer,
  identity,
  signedIn,
  signedOut,
  startFakeServer,
} from './testing/fake-server.ts'

const complaints = vi.spyOn(console, 'error')
let server: FakeServer
let browser: FakeBrowser

teachDialogs()

beforeEach(() => {
  server = startFakeServer()
  browser = startFakeBrowser()
  history.replaceState(null, '', '/')
})

afterEach(() => {
  document.body.innerHTML = ''
  browser.close()
  server.close()
  // React logs a mismatch between server and browser here.
  expect(complaints).not.toHaveBeenCalled()
})

/** The page in a browser without JavaScript. */
function withoutJavaScript(page: ReactElement): HTMLElement {
  const container = document.createElement('div')
  container.innerHTML = renderToString(page)
  document.body.append(container)
  return container
}

/** The same page after hydration. */
async function hydrated(
  page: ReactElement,
): Promise<{ container: HTMLElement; leave: () => void }> {
  const container = withoutJavaScript(page)
  const root = await act(async () => hydrateRoot(container, page))
  return { container, leave: () => act(() => root.unmount()) }
}

test('renders the button as a link without JavaScript', () => {
  const link = withoutJavaScript(
    <SignInButton provider="bitbucket" returnTo="/inbox" />,
  ).querySelector('a')
  expect(link?.getAttribute('href')).toBe('/auth/bitbucket/start?return_to=%2Finbox')
  expect(link?.textContent).toBe('Continue with Bitbucket')
  expect(link?.querySelector('svg path')).not.toBeNull()
})

test('renders links and the error on a card with providers without JavaScript', () => {
  const container = withoutJavaScript(<SignIn providers={['bitbucket']} authError="flow_expired" />)
  expect(container.querySelector('a')?.getAttribute('href')).toBe('/auth/bitbucket/start')
  expect(container.querySelector('[role=alert]')?.textContent).toContain('timed out')
  expect(server.requests).toEqual([])
})

test('shows our own sentence about a refused sign-in without JavaScript', () => {
  const container = withoutJavaScript(<SignIn providers={['bitbucket']} authError="refused" />)
  expect(container.querySelector('noscript')?.innerHTML).toContain('sign in here. Contact')
})

test('renders a link to the hosted page on a card without providers without JavaScript', () => {
  const container = withoutJavaScript(<SignIn basePath="/api" returnTo="/café" />)
  expect(container.querySelector('noscript')?.innerHTML).toBe(
    '<a class="latchkey-button" href="/api/sign-in?return_to=%2Fcaf%25C3%25A9">Sign in</a>',
  )
})

test('renders the links of a card without JavaScript while the session is unknown', () => {
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

test.each([signedOut, null])(
  'renders the links of a page that is rendered signed out',
  (session) => {
    const container = withoutJavaScript(
      <AuthProvider initialSession={session}>
        <SignIn providers={['bitbucket']} />
      </AuthProvider>,
    )
    expect(container.querySelector('noscript')).toBeNull()
    expect(container.querySelector('a')?.getAttribute('href')).toBe('/auth/bitbucket/start')
  },
)

test('posts a form to this origin to sign out without JavaScript', () => {
  const form = withoutJavaScript(<SignOutButton returnTo="/bye" />).querySelector('form')
  expect(form?.getAttribute('method')).toBe('post')
  expect(form?.getAttribute('action')).toBe('/auth/sign-out')
  expect(new FormData(form ?? undefined).get('return_to')).toBe('/bye')
  expect(form?.querySelector('button[type=submit]')?.textContent).toBe('Sign out')
})

test.each([
  ['signed in', signedIn(), "inTest PersonYou're signed in"],
  ['signed out', signedOut, 'outSign in'],
  ['with an unknown session', undefined, 'Sign in'],
])('hydrates a page rendered %s without a visible change', async (_, initialSession, text) => {
  server.session = initialSession ?? signedOut
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

test('hydrates a page with a query without a mismatch', async () => {
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

type Kit = typeof kit

/** The promise that `<Late>` waits for. */
let code: Promise<void> | undefined

function Late({ from = kit }: { from?: Kit }): ReactElement {
  if (code) throw code
  return <p>late {from.useAuth().status}</p>
}

test('hydrates a lazy component without a mismatch after the session is known', async () => {
  server.session = signedIn()
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

type Stream = (page: ReactElement) => AsyncIterable<Uint8Array>

const streams: [string, Stream][] = [
  ['a Node stream', (page) => renderToPipeableStream(page, { onError }).pipe(new PassThrough())],
  [
    'a web stream',
    async function* (page) {
      yield* await renderToReadableStream(page, { onError })
    },
  ],
]

function onError(error: unknown): void {
  console.error(error)
}

// A separate module graph, like the server program of a real application.
vi.resetModules()
const kitOfServer: Kit = await import('./index.ts')

function everything(kit: Kit, session: SessionBody | undefined): ReactElement {
  const { AuthProvider, RequireAuth, SignIn, UserButton, UserProfile } = kit

  const parts = (
    <>
      <UserButton profileUrl="/me">
        <p>More</p>
      </UserButton>
      <SignIn providers={['bitbucket']} />
      <SignIn display="modal" />
      <UserProfile />
      <RequireAuth returnTo="/back">{({ name }) => <p>Private page of {name}</p>}</RequireAuth>
    </>
  )
  return (
    <StrictMode>
      <AuthProvider initialSession={session}>
        {/* Without an element around it React streams nothing. */}
        <main>
          {parts}
          <Suspense fallback={<p>Not yet</p>}>
            <Late from={kit} />
            {parts}
          </Suspense>
        </main>
      </AuthProvider>
    </StrictMode>
  )
}

/** The streamed page: `<Late>` arrives last, with a script that moves it into place. */
async function streamed(page: ReactElement, stream: Stream): Promise<HTMLElement> {
  const arrival = Promise.withResolvers<void>()
  code = arrival.promise
  const decoder = new TextDecoder()
  let html = ''
  for await (const chunk of stream(page)) {
    html += decoder.decode(chunk, { stream: true })
    if (!html.includes('Not yet')) continue
    code = undefined
    arrival.resolve()
  }
  const container = document.createElement('div')
  container.innerHTML = html
  document.body.append(container)
  expect(container.querySelector('template')).not.toBeNull()
  for (const inert of container.querySelectorAll('script')) {
    const script = document.createElement('script')
    script.textContent = inert.textContent
    inert.replaceWith(script)
  }
  await vi.waitFor(() => expect(container.querySelector('template[id]')).toBeNull())
  return container
}

test.each(
  streams.flatMap(([name, stream]) => [
    { name, stream, who: 'signed in', session: signedIn(), status: 'signed-in', gone: 0 },
    { name, stream, who: 'signed out', session: signedOut, status: 'signed-out', gone: 1 },
    {
      name,
      stream,
      who: 'with an unknown session',
      session: undefined,
      status: 'loading',
      gone: 0,
    },
  ]),
)(
  'hydrates a page rendered $who and streamed through $name without a visible change',
  async ({ stream, session, status, gone }) => {
    server.session = signedIn()
    server.providers = { ...server.providers, account: everyPart }
    server.sessions = [device('session-1', 'Here', true), device('session-2', 'There')]
    server.identities = [identity('identity-1', 'bitbucket', 'testy')]
    const container = await streamed(everything(kitOfServer, session), stream)
    expect(container.textContent).toContain(`late ${status}`)
    expect(container.textContent).not.toContain('Not yet')
    expect(container.textContent?.match(/Private page of Test Person/g) ?? []).toHaveLength(
      status === 'signed-in' ? 2 : 0,
    )
    const [early, late] = container.querySelectorAll('.latchkey-card')
    const mismatches: unknown[] = []
    const root = await act(async () =>
      hydrateRoot(container, everything(kit, session), {
        onRecoverableError: (error) => mismatches.push(error),
      }),
    )
    await act(() => new Promise((resolve) => setTimeout(resolve)))
    expect(mismatches).toEqual([])
    // React keeps the server's elements.
    expect(container.contains(early ?? null)).toBe(true)
    expect(container.contains(late ?? null)).toBe(true)
    expect(new Set(browser.visits).size).toBe(gone)
    if (status !== 'signed-out') {
      await vi.waitFor(() => expect(container.textContent).toContain('This device'))
      expect(container.textContent?.match(/Private page of Test Person/g)).toHaveLength(2)
    }
    await act(async () => root.unmount())
  },
)

test('renders the user button, and a placeholder for data that is requested later', () => {
  const container = withoutJavaScript(
    <AuthProvider initialSession={signedIn()}>
      <UserButton />
      <UserProfile />
    </AuthProvider>,
  )
  expect(container.querySelector('details > summary')?.getAttribute('aria-label')).toBe(
    "Test Person's account",
  )
  expect(container.querySelector('.latchkey-profile')?.textContent).toBe(
    'Your accountTTest Persontest.person@example.comLoading…',
  )
  expect(server.requests).toEqual([])
})

test('renders a card in a dialog as a link to the hosted page without JavaScript', () => {
  const container = withoutJavaScript(
    <SignIn display="modal" basePath="/api" returnTo="/inbox" providers={['bitbucket']} />,
  )
  expect(container.querySelector(':scope > a')?.getAttribute('href')).toBe(
    '/api/sign-in?return_to=%2Finbox',
  )
  expect(container.querySelector('dialog')?.open).toBe(false)
})
