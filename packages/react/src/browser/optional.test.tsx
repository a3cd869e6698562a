import { act, cleanup, render, screen, waitFor } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { AuthProvider, SignedIn, SignIn, SignInButton } from '../index.ts'
import { type FakeServer, signedIn, signedOut, startFakeServer } from '../testing/fake-server.ts'

const complaints = vi.spyOn(console, 'error')
let server: FakeServer

beforeEach(() => {
  server = startFakeServer()
})

afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
  server.close()
  history.replaceState(null, '', '/')
  expect(complaints).not.toHaveBeenCalled()
})

function throwBlocked(): never {
  throw new DOMException('Blocked.', 'SecurityError')
}

const silent = {
  postMessage: throwBlocked,
  close: () => {},
} as unknown as BroadcastChannel

test.each([
  ['does not exist', undefined],
  ['is blocked', throwBlocked],
  [
    'sends nothing',
    function Silent() {
      return silent
    },
  ],
])('shows the session if BroadcastChannel %s', async (_, channel) => {
  vi.stubGlobal('BroadcastChannel', channel)
  server.session = signedIn()
  render(
    <AuthProvider>
      <p>public</p>
      <SignedIn>{({ name }) => <p>{name}</p>}</SignedIn>
    </AuthProvider>,
  )
  await screen.findByText('Test Person')
  expect(screen.queryByText('public')).not.toBeNull()
})

/** Whether a click on a popup button stays on this page. */
async function opensPopup(): Promise<boolean | undefined> {
  const user = userEvent.setup()
  let isPrevented: boolean | undefined
  const leave = (event: Event) => {
    isPrevented = event.defaultPrevented
    event.preventDefault()
  }
  document.addEventListener('click', leave)
  render(<SignInButton provider="bitbucket" mode="popup" />)
  await user.click(screen.getByRole('link'))
  document.removeEventListener('click', leave)
  return isPrevented
}

const opened = (): { closed: boolean } => ({ closed: false })

test.each([
  ['BroadcastChannel', undefined],
  ['BroadcastChannel', throwBlocked],
  ['crypto', undefined],
  ['open', undefined],
  ['open', throwBlocked],
  ['open', () => null],
])('without %s (%s), navigates this window instead of opening a popup', async (name, value) => {
  vi.stubGlobal('open', opened)
  vi.stubGlobal(name, value)
  expect(await opensPopup()).toBe(false)
})

test('opens a popup if no feature is missing', async () => {
  vi.stubGlobal('open', opened)
  expect(await opensPopup()).toBe(true)
})

test.each([undefined, throwBlocked])(
  'reports the server as unreachable without AbortSignal.timeout or fetch (%s)',
  async (fetch) => {
    vi.stubGlobal('AbortSignal', { any: undefined, timeout: undefined })
    vi.stubGlobal('fetch', fetch)
    render(
      <AuthProvider>
        <SignedIn>in</SignedIn>
      </AuthProvider>,
    )
    expect((await screen.findByRole('alert')).dataset.code).toBe('unreachable')
  },
)

test('leaves the error in the address bar if the browser blocks replaceState', async () => {
  history.replaceState(null, '', '/?auth_error=access_denied')
  const replaceState = vi.spyOn(history, 'replaceState').mockImplementation(throwBlocked)
  render(<SignIn providers={['bitbucket']} />)
  await screen.findByRole('alert')
  await waitFor(() => expect(replaceState).toHaveBeenCalled())
  replaceState.mockRestore()
})

test('shows the dialog in the page if the browser does not support dialogs', async () => {
  // As in jsdom, whose dialog element has no methods.
  expect(HTMLDialogElement.prototype.showModal).toBeUndefined()
  vi.spyOn(HTMLElement.prototype, 'offsetWidth', 'get').mockReturnValue(384)
  const user = userEvent.setup()
  server.session = signedOut
  render(<SignIn display="modal" providers={['bitbucket']} />)
  await user.click(screen.getByRole('link', { name: 'Sign in' }))
  await screen.findByRole('link', { name: 'Continue with Bitbucket' })
  expect(document.querySelector('dialog')?.hasAttribute('open')).toBe(true)
  await act(async () => screen.getByRole('button', { name: 'Close' }).click())
  expect(document.querySelector('dialog')?.hasAttribute('open')).toBe(false)
})
