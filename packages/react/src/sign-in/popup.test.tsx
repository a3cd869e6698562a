import { channelName } from '@latchkey/contract'
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { type ReactElement, StrictMode } from 'react'
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest'
import { useAuth } from '../session/auth-context.ts'
import { AuthProvider } from '../session/auth-provider.tsx'
import { type FakeBrowser, startFakeBrowser, teachDialogs } from '../testing/fake-browser.ts'
import {
  type FakeServer,
  gate,
  provider,
  signedIn,
  signedOut,
  startFakeServer,
} from '../testing/fake-server.ts'
import { SignIn } from './sign-in.tsx'
import { SignInButton } from './sign-in-button.tsx'

/** For each click that reached the browser: whether this page would have navigated. */
let navigations: boolean[] = []

function leave(event: Event): void {
  navigations.push(!event.defaultPrevented)
  event.preventDefault()
}

const complaints = vi.spyOn(console, 'error')
let server: FakeServer
let browser: FakeBrowser
let open: MockInstance<typeof window.open>
/** The channel on which the last pages of popups send their result. */
let lastPage: BroadcastChannel

teachDialogs()

beforeEach(() => {
  navigations = []
  server = startFakeServer()
  browser = startFakeBrowser()
  open = vi.spyOn(window, 'open').mockImplementation(() => ({ closed: false }) as Window)
  lastPage = new BroadcastChannel(channelName)
  document.addEventListener('click', leave)
})

afterEach(() => {
  cleanup()
  vi.useRealTimers()
  document.removeEventListener('click', leave)
  lastPage.close()
  open.mockRestore()
  browser.close()
  server.close()
  history.replaceState(null, '', '/')
  expect(complaints).not.toHaveBeenCalled()
})

function link(name = 'Continue with Bitbucket'): HTMLElement {
  return screen.getByRole('link', { name })
}

/** Returns the URL of the newest popup. */
function opened(): URL {
  return new URL(String(open.mock.lastCall?.[0]), location.origin)
}

function popupName(): string | null {
  return opened().searchParams.get('popup')
}

/** Sends a message on the channel and waits until it is delivered. */
async function say(...messages: unknown[]): Promise<void> {
  const witness = new BroadcastChannel(channelName)
  const received = new Promise((resolve) => {
    witness.onmessage = ({ data }) => data === 'over' && resolve(data)
  })
  await act(async () => {
    for (const message of messages) lastPage.postMessage(message)
    lastPage.postMessage('over')
    await received
    await new Promise((resolve) => setTimeout(resolve))
  })
  witness.close()
}

async function end(result: { error?: string | null; returnTo?: string } = {}): Promise<void> {
  await say({ type: 'popup', popup: popupName(), error: null, returnTo: '/', ...result })
}

/** Reports a successful popup before the server returns the session. */
async function signIn(): Promise<void> {
  server.session = signedIn()
  const slow = gate()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(server.session)),
  )
  await end()
  await act(async () => slow.open())
}

function comeBack(): void {
  act(() => {
    window.dispatchEvent(new Event('focus'))
  })
}

/** Renders the session as the page knows it. */
function Page({ label = 'page' }: { label?: string }): ReactElement {
  const auth = useAuth()
  const name = auth.status === 'signed-in' ? auth.user.name : ''
  return <output aria-label={label}>{`${auth.status} ${name}`}</output>
}

function seen(label = 'page'): string | null {
  return screen.getByRole('status', { name: label }).textContent
}

test('opens a small window with an unguessable name and stays on the page', async () => {
  const user = userEvent.setup()
  render(<SignInButton provider="bitbucket" mode="popup" />)
  await user.click(link())
  expect(open).toHaveBeenCalledOnce()
  expect(open.mock.lastCall?.[2]).toMatch(/^popup,/)
  expect(opened().pathname).toBe('/auth/bitbucket/start')
  // The format that the server requires.
  expect(popupName()).toMatch(/^[\w-]{16,64}$/)
  expect(navigations).toEqual([false])
  expect(link().dataset.state).toBe('pending')
  expect(link().getAttribute('href')).toBe('/auth/bitbucket/start')

  const first = popupName()
  comeBack()
  await user.click(link())
  expect(popupName()).not.toBe(first)
})

test('passes returnTo and loginHint to the window', () => {
  render(
    <SignInButton
      provider="bitbucket"
      mode="popup"
      basePath="/api"
      returnTo="/a?b&c=d"
      loginHint="t"
    />,
  )
  fireEvent.click(link())
  expect(opened().pathname).toBe('/api/bitbucket/start')
  expect(Object.fromEntries(opened().searchParams)).toEqual({
    return_to: '/a?b&c=d',
    login_hint: 't',
    popup: popupName(),
  })
})

test('does not open a window without mode="popup"', () => {
  render(<SignInButton provider="bitbucket" />)
  fireEvent.click(link())
  expect(open).not.toHaveBeenCalled()
  expect(navigations).toEqual([true])
})

test.each([
  { ctrlKey: true },
  { metaKey: true },
  { shiftKey: true },
  { altKey: true },
  { button: 1 },
])('does not also open a popup if a click opens a new tab %o', (init) => {
  render(<SignInButton provider="bitbucket" mode="popup" />)
  fireEvent.click(link(), init)
  expect(open).not.toHaveBeenCalled()
  expect(navigations).toEqual([true])
  expect(link().dataset.state).toBe('idle')
})

test('does not open a popup if the app prevents the click', () => {
  const callOff = vi.fn((event: { preventDefault(): void }) => event.preventDefault())
  render(<SignInButton provider="bitbucket" mode="popup" onClick={callOff} />)
  fireEvent.click(link())
  expect(callOff).toHaveBeenCalledOnce()
  expect(open).not.toHaveBeenCalled()
  expect(link().dataset.state).toBe('idle')
})

test('does not open a second window on a second click', () => {
  render(<SignInButton provider="bitbucket" mode="popup" />)
  fireEvent.click(link())
  fireEvent.click(link())
  expect(open).toHaveBeenCalledOnce()
  expect(navigations).toEqual([false, false])
})

test.each([
  ['opens no window', null],
  ['returns a closed window', { closed: true } as Window],
])('navigates this window if the browser %s', (_, blocked) => {
  open.mockReturnValue(blocked)
  render(<SignInButton provider="bitbucket" mode="popup" />)
  fireEvent.click(link())
  expect(navigations).toEqual([true])
  expect(link().dataset.state).toBe('pending')
})

test('navigates this window if only the second popup is blocked', async () => {
  const onResult = vi.fn()
  render(<SignInButton provider="bitbucket" mode="popup" onResult={onResult} />)
  fireEvent.click(link())
  const first = popupName()
  comeBack()
  open.mockReturnValue(null)
  fireEvent.click(link())
  expect(navigations).toEqual([false, true])
  await say({ type: 'popup', popup: first, error: 'access_denied', returnTo: '/' })
  expect(onResult).not.toHaveBeenCalled()
})

test('signs in this page and all other tabs after a successful popup', async () => {
  const onResult = vi.fn()
  render(
    <>
      <AuthProvider initialSession={signedOut}>
        <SignInButton provider="bitbucket" mode="popup" onResult={onResult} />
        <Page />
      </AuthProvider>
      <AuthProvider initialSession={signedOut}>
        <Page label="other tab" />
      </AuthProvider>
    </>,
  )
  fireEvent.click(link())
  server.session = signedIn()
  await end()
  expect(onResult.mock.calls).toEqual([[null]])
  await vi.waitFor(() => expect(seen()).toBe('signed-in Test Person'))
  await vi.waitFor(() => expect(seen('other tab')).toBe('signed-in Test Person'))
  expect(link().dataset.state).toBe('idle')
  // The page stays as it is, because it updates itself.
  expect(browser.visits).toEqual([])
  expect(navigations).toEqual([false])
})

test('asks the server before it shows a successful popup as signed in', async () => {
  render(
    <AuthProvider initialSession={signedOut}>
      <SignInButton provider="bitbucket" mode="popup" />
      <Page />
    </AuthProvider>,
  )
  fireEvent.click(link())
  await end()
  expect(server.count('GET /auth/session')).toBe(1)
  expect(seen()).toBe('signed-out ')
})

test("navigates to the server's target without an <AuthProvider>", async () => {
  render(<SignInButton provider="bitbucket" mode="popup" />)
  fireEvent.click(link())
  await end({ returnTo: '/inbox?a=1#b' })
  expect(browser.visits).toEqual(['assign /inbox?a=1#b'])
})

test('navigates to returnTo as validated by the server', async () => {
  render(
    <AuthProvider initialSession={signedOut}>
      <SignInButton provider="bitbucket" mode="popup" returnTo="//evil.example/" />
    </AuthProvider>,
  )
  fireEvent.click(link())
  await end({ returnTo: '/safe' })
  expect(browser.visits).toEqual(['assign /safe'])
})

test('leaves the page as it is after a popup from a dialog, even if its path has changed', async () => {
  history.replaceState(null, '', '/articles/5')
  render(
    <AuthProvider initialSession={signedOut}>
      <SignIn display="modal" mode="popup" providers={['bitbucket']} />
      <Page />
    </AuthProvider>,
  )
  fireEvent.click(screen.getByRole('link', { name: 'Sign in' }))
  // For browsers that block popups.
  expect(link().getAttribute('href')).toBe('/auth/bitbucket/start?return_to=%2Farticles%2F5')
  fireEvent.click(link())
  await signIn()
  await vi.waitFor(() => expect(seen()).toBe('signed-in Test Person'))
  expect(browser.visits).toEqual([])
})

test.each([
  'https://evil.example/',
  '//evil.example/',
  '/\\evil.example/',
  '\\\\evil.example',
  '\t//evil.example',
  'javascript:alert(1)',
  ' javascript:alert(1)',
  'data:text/html,x',
  'http://localhost:3001/',
])('never navigates to %s, even if a message says so', async (returnTo) => {
  render(<SignInButton provider="bitbucket" mode="popup" returnTo="/" />)
  fireEvent.click(link())
  await end({ returnTo })
  expect(link().dataset.state).toBe('idle')
  expect(browser.visits).toEqual([])
})

test.each([
  ['nothing', null],
  ['a string', 'popup'],
  ['a number', 0],
  ['an array', ['popup']],
  ['an empty object', {}],
  ['a map', new Map([['popup', 1]])],
  ['bytes', new Uint8Array(4)],
  ['no name', { type: 'popup', error: null, returnTo: '/evil' }],
  ['a null name', { type: 'popup', popup: null, error: null, returnTo: '/evil' }],
  ['a name in an array', { type: 'popup', popup: [''], error: null, returnTo: '/evil' }],
  ['the wrong name', { type: 'popup', popup: '1-2-3-4', error: 'flow_used', returnTo: '/evil' }],
])('ignores a message with %s', async (_, message) => {
  const onResult = vi.fn()
  render(<SignInButton provider="bitbucket" mode="popup" onResult={onResult} />)
  fireEvent.click(link())
  await say(message)
  expect(link().dataset.state).toBe('pending')
  expect(onResult).not.toHaveBeenCalled()
  expect(browser.visits).toEqual([])
  // It is still listening.
  await end({ returnTo: '/inbox' })
  expect(browser.visits).toEqual(['assign /inbox'])
})

test('reports a popup only to its own button', async () => {
  const [one, two] = [vi.fn(), vi.fn()]
  render(
    <>
      <SignInButton provider="bitbucket" mode="popup" onResult={one} />
      <SignInButton provider="forge" mode="popup" onResult={two} />
    </>,
  )
  fireEvent.click(link())
  fireEvent.click(link('Continue with forge'))
  await end({ error: 'access_denied' })
  expect(one).not.toHaveBeenCalled()
  expect(two.mock.calls).toEqual([['access_denied']])
  expect(link().dataset.state).toBe('pending')
  expect(link('Continue with forge').dataset.state).toBe('idle')
})

test('handles a result only once', async () => {
  const onResult = vi.fn()
  render(<SignInButton provider="bitbucket" mode="popup" onResult={onResult} />)
  fireEvent.click(link())
  await end({ returnTo: '/inbox' })
  await end({ returnTo: '/inbox' })
  expect(onResult).toHaveBeenCalledOnce()
  expect(browser.visits).toEqual(['assign /inbox'])
})

test('stays on the page after a failure, and lets the user try again', async () => {
  const onResult = vi.fn()
  render(<SignInButton provider="bitbucket" mode="popup" returnTo="/inbox" onResult={onResult} />)
  fireEvent.click(link())
  await end({ error: 'flow_expired', returnTo: '/inbox' })
  expect(onResult.mock.calls).toEqual([['flow_expired']])
  expect(browser.visits).toEqual([])
  fireEvent.click(link())
  expect(open).toHaveBeenCalledTimes(2)
  await end({ returnTo: '/inbox' })
  expect(browser.visits).toEqual(['assign /inbox'])
})

test('resets when the user returns to the page, and still handles a late result', async () => {
  const onResult = vi.fn()
  render(<SignInButton provider="bitbucket" mode="popup" onResult={onResult} />)
  fireEvent.click(link())
  comeBack()
  expect(link().dataset.state).toBe('idle')
  await end({ returnTo: '/inbox' })
  expect(onResult.mock.calls).toEqual([[null]])
  expect(browser.visits).toEqual(['assign /inbox'])
})

test('resets after a while, and still handles the result of a slow popup', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  render(<SignInButton provider="bitbucket" mode="popup" />)
  fireEvent.click(link())
  act(() => {
    vi.advanceTimersByTime(10_000)
  })
  expect(link().dataset.state).toBe('idle')
  vi.useRealTimers()
  await end({ returnTo: '/inbox' })
  expect(browser.visits).toEqual(['assign /inbox'])
})

test('replaces an older popup with a newer one', async () => {
  const onResult = vi.fn()
  render(<SignInButton provider="bitbucket" mode="popup" onResult={onResult} />)
  fireEvent.click(link())
  const first = popupName()
  comeBack()
  fireEvent.click(link())
  await say({ type: 'popup', popup: first, error: 'flow_used', returnTo: '/' })
  expect(onResult).not.toHaveBeenCalled()
  expect(link().dataset.state).toBe('pending')
  await end()
  expect(onResult.mock.calls).toEqual([[null]])
})

test('navigates again when the app removes mode="popup"', () => {
  const { rerender } = render(<SignInButton provider="bitbucket" mode="popup" />)
  fireEvent.click(link())
  comeBack()
  rerender(<SignInButton provider="bitbucket" mode="redirect" />)
  fireEvent.click(link())
  expect(open).toHaveBeenCalledOnce()
  expect(navigations).toEqual([false, true])
})

test('ignores results after it is unmounted', async () => {
  const onResult = vi.fn()
  const { unmount } = render(
    <StrictMode>
      <SignInButton provider="bitbucket" mode="popup" onResult={onResult} />
    </StrictMode>,
  )
  fireEvent.click(link())
  unmount()
  await end({ returnTo: '/inbox' })
  expect(onResult).not.toHaveBeenCalled()
  expect(browser.visits).toEqual([])
})

test('ignores results that another window posts', async () => {
  const onResult = vi.fn()
  render(
    <AuthProvider initialSession={signedOut}>
      <SignInButton provider="bitbucket" mode="popup" returnTo="/" onResult={onResult} />
      <Page />
    </AuthProvider>,
  )
  fireEvent.click(link())
  const data = { type: 'popup', popup: popupName(), error: null, returnTo: '/evil' }
  const received = new Promise((resolve) => addEventListener('message', resolve, { once: true }))
  window.postMessage(data, '*')
  await act(() => received)
  act(() => {
    window.dispatchEvent(new MessageEvent('message', { data, origin: 'https://evil.example' }))
    document.dispatchEvent(new MessageEvent('message', { data }))
  })
  await say()
  expect(link().dataset.state).toBe('pending')
  expect(onResult).not.toHaveBeenCalled()
  expect(browser.visits).toEqual([])
  expect(server.requests).toEqual([])
})

test('opens a window for each button of a card, and then shows the user', async () => {
  server.providers = {
    providers: [provider('bitbucket', 'Bitbucket'), provider('forge', 'Example Forge')],
    lastUsed: null,
    account: [],
  }
  render(
    <AuthProvider initialSession={signedOut}>
      <SignIn mode="popup" />
    </AuthProvider>,
  )
  fireEvent.click(await screen.findByRole('link', { name: 'Continue with Example Forge' }))
  expect(opened().pathname).toBe('/auth/forge/start')
  expect(screen.getByText('Opening Example Forge…').role).toBe('status')
  await signIn()
  await screen.findByRole('region', { name: "You're signed in" })
  expect(screen.queryByText('Opening Example Forge…')).toBeNull()
})

test('shows an error of the popup on the card until a sign-in succeeds', async () => {
  render(<SignIn mode="popup" providers={['bitbucket']} />)
  fireEvent.click(link())
  expect(screen.queryByRole('alert')).toBeNull()
  await end({ error: 'provider_unavailable' })
  const alert = screen.getByRole('alert')
  expect(alert.textContent).toBe("Bitbucket can't be reached right now. Try again in a moment.")
  expect(alert.dataset.code).toBe('provider_unavailable')
  expect(screen.queryByText('Opening Bitbucket…')).toBeNull()
  fireEvent.click(link())
  await end({ returnTo: '/inbox' })
  expect(screen.queryByRole('alert')).toBeNull()
  expect(browser.visits).toEqual(['assign /inbox'])
})

test('announces the same error again', async () => {
  history.replaceState(null, '', '/sign-in?auth_error=access_denied')
  render(<SignIn mode="popup" providers={['bitbucket']} />)
  for (let times = 0; times < 2; times++) {
    await screen.findByRole('alert')
    fireEvent.click(link())
    expect(screen.queryByRole('alert')).toBeNull()
    await end({ error: 'access_denied' })
  }
  expect(screen.getByRole('alert').dataset.code).toBe('access_denied')
})

test.each(['made_up', 'constructor', '<img src=x onerror=alert(1)>'])(
  'shows a general message for the unknown code %s',
  async (error) => {
    render(<SignIn mode="popup" providers={['bitbucket']} />)
    fireEvent.click(link())
    await end({ error })
    expect(screen.getByRole('alert').textContent).toBe("We couldn't sign you in. Try again.")
    expect(document.querySelector('img')).toBeNull()
  },
)

test('removes an error from before the page load after a successful popup', async () => {
  history.replaceState(null, '', '/sign-in?auth_error=access_denied')
  render(
    <AuthProvider initialSession={signedOut}>
      <SignIn mode="popup" providers={['bitbucket']} />
    </AuthProvider>,
  )
  expect((await screen.findByRole('alert')).dataset.code).toBe('access_denied')
  fireEvent.click(link())
  await signIn()
  await screen.findByRole('region', { name: "You're signed in" })
  expect(screen.queryByRole('alert')).toBeNull()
})

test('calls the onResult of the latest render', async () => {
  const received: string[] = []
  const button = (name: string, returnTo?: string) => (
    <SignInButton
      provider="bitbucket"
      mode="popup"
      returnTo={returnTo}
      onResult={() => received.push(name)}
    />
  )
  const { rerender } = render(
    <AuthProvider initialSession={signedOut}>{button('old')}</AuthProvider>,
  )
  fireEvent.click(link())
  rerender(<AuthProvider initialSession={signedOut}>{button('new', '/inbox')}</AuthProvider>)
  await end({ returnTo: '/inbox' })
  expect(received).toEqual(['new'])
  expect(browser.visits).toEqual([expect.stringContaining('/inbox')])
})
