import type { SessionBody } from '@latchkey/contract'
import { act, cleanup, render, screen, waitFor } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { createRef, type ReactElement } from 'react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SignedIn, SignedOut } from '../guards/signed-in.tsx'
import { AuthProvider } from '../session/auth-provider.tsx'
import {
  device,
  type FakeServer,
  failure,
  gate,
  signedIn,
  signedOut,
  startFakeServer,
} from '../testing/fake-server.ts'
import { SignOutButton } from './sign-out-button.tsx'
import { useSignOut } from './use-sign-out.ts'

/** The forms that the browser itself would have posted. */
let posts: Record<string, FormDataEntryValue>[] = []

function browser(event: SubmitEvent): void {
  if (event.defaultPrevented) return
  posts.push(Object.fromEntries(new FormData(event.target as HTMLFormElement)))
  event.preventDefault()
}

const complaints = vi.spyOn(console, 'error')
let server: FakeServer

beforeEach(() => {
  posts = []
  server = startFakeServer()
  document.addEventListener('submit', browser)
})

afterEach(() => {
  cleanup()
  document.removeEventListener('submit', browser)
  server.close()
  expect(complaints).not.toHaveBeenCalled()
})

function button(name: string | RegExp = 'Sign out'): HTMLButtonElement {
  return screen.getByRole('button', { name })
}

test('renders a form that works without JavaScript', () => {
  render(<SignOutButton basePath="/api" returnTo="/café" />)
  const { form } = button()
  expect(form?.method).toBe('post')
  expect(form?.getAttribute('action')).toBe('/api/sign-out')
  expect(Object.fromEntries(new FormData(form ?? undefined))).toEqual({
    scope: 'local',
    return_to: '/caf%C3%A9',
  })
})

test('signs out, stays on the page and updates it', async () => {
  const user = userEvent.setup()
  render(
    <AuthProvider initialSession={signedIn()}>
      <SignedIn>
        <SignOutButton />
      </SignedIn>
      <SignedOut>Bye</SignedOut>
    </AuthProvider>,
  )
  await user.click(button())
  await screen.findByText('Bye')
  expect(posts).toEqual([])
})

test('shows a pending state and cannot be pressed twice', async () => {
  const user = userEvent.setup()
  const slow = gate()
  server.answerNext(
    'POST /auth/sign-out',
    slow.before(() => new Response(null, { status: 204 })),
  )
  render(
    <AuthProvider initialSession={signedIn()}>
      <SignOutButton />
    </AuthProvider>,
  )
  await user.tab()
  await user.keyboard('{Enter}')
  expect(button('Signing out…').dataset.state).toBe('pending')
  expect(document.activeElement).toBe(button('Signing out…'))
  await user.keyboard('{Enter}')
  slow.open()
  await waitFor(() => expect(button().dataset.state).toBe('done'))
  expect(server.count('POST /auth/sign-out')).toBe(1)
  expect(posts).toEqual([])
})

test('shows a message if the sign-out fails, and lets the user try again', async () => {
  const user = userEvent.setup()
  server.answerNext('POST /auth/sign-out', failure(503, 'unavailable'))
  render(
    <AuthProvider initialSession={signedIn()}>
      <SignOutButton />
      <SignedOut>Bye</SignedOut>
    </AuthProvider>,
  )
  await user.click(button())
  const alert = await screen.findByRole('alert')
  expect(alert.textContent).toBe("You're still signed in. Try again.")
  expect(button().dataset.state).toBe('failed')
  await user.click(button())
  await screen.findByText('Bye')
  expect(screen.queryByRole('alert')).toBeNull()
})

test('shows no error if the session has ended in the meantime', async () => {
  const user = userEvent.setup()
  server.answerNext('POST /auth/sign-out', failure(401, 'unauthenticated'))
  render(
    <AuthProvider initialSession={signedIn()}>
      <SignedIn>
        <SignOutButton scope="others" />
      </SignedIn>
      <SignedOut>Bye</SignedOut>
    </AuthProvider>,
  )
  await user.click(button('Sign out everywhere else'))
  await screen.findByText('Bye')
  expect(screen.queryByRole('alert')).toBeNull()
})

test('shows no error on a button outside <SignedIn> either', async () => {
  const user = userEvent.setup()
  server.answerNext('POST /auth/sign-out', failure(401, 'unauthenticated'))
  render(
    <AuthProvider initialSession={signedIn()}>
      <SignOutButton />
      <SignedOut>Bye</SignedOut>
    </AuthProvider>,
  )
  await user.click(button())
  await screen.findByText('Bye')
  expect(screen.queryByRole('alert')).toBeNull()
})

test('lets the browser post the form with returnTo, which the server validates', async () => {
  const user = userEvent.setup()
  render(
    <AuthProvider initialSession={signedIn()}>
      <SignOutButton returnTo="javascript:alert(1)" />
    </AuthProvider>,
  )
  await user.click(button())
  expect(posts).toEqual([{ scope: 'local', return_to: 'javascript:alert(1)' }])
  expect(server.requests).toEqual([])
  await user.click(button('Signing out…'))
  expect(posts).toHaveLength(1)
})

test('can post the form again after Back', async () => {
  const user = userEvent.setup()
  render(<SignOutButton />)
  await user.click(button())
  expect(button('Signing out…').getAttribute('aria-disabled')).toBe('true')
  act(() => {
    window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))
  })
  await user.click(button())
  expect(posts).toEqual([{ scope: 'local' }, { scope: 'local' }])
})

test('posts the form even if the page is signed out', async () => {
  const user = userEvent.setup()
  render(
    <AuthProvider basePath="/api" initialSession={signedOut}>
      <SignOutButton />
    </AuthProvider>,
  )
  await user.click(button())
  expect(button('Signing out…').form?.getAttribute('action')).toBe('/api/sign-out')
  expect(posts).toEqual([{ scope: 'local' }])
})

test('accepts a class, attributes, children and a ref', () => {
  const ref = createRef<HTMLButtonElement>()
  render(
    <SignOutButton ref={ref} className="small" id="leave">
      Leave
    </SignOutButton>,
  )
  expect(ref.current).toBe(button('Leave'))
  expect(button('Leave').className).toBe('latchkey-button small')
  expect(button('Leave').id).toBe('leave')
})

const scopes = [
  ['local', 'Sign out'],
  ['others', 'Sign out everywhere else'],
  ['global', 'Sign out everywhere'],
] as const

test.each(scopes)('shows and posts the scope %s', (scope, words) => {
  render(<SignOutButton scope={scope} returnTo="/bye" />)
  expect(Object.fromEntries(new FormData(button(words).form ?? undefined))).toEqual({
    scope,
    return_to: '/bye',
  })
})

test.each(scopes)('sends the scope %s and calls onSignedOut', async (scope, words) => {
  const user = userEvent.setup()
  const onSignedOut = vi.fn()
  server.session = signedIn()
  server.sessions = [device('session-1', 'Here', true), device('session-2', 'There')]
  const slow = gate()
  server.answerNext(
    'POST /auth/sign-out',
    slow.before(() => new Response(null, { status: 204 })),
  )
  render(
    <AuthProvider initialSession={server.session}>
      <SignOutButton scope={scope} onSignedOut={onSignedOut} />
      <SignedIn>Here</SignedIn>
      <SignedOut>Gone</SignedOut>
    </AuthProvider>,
  )
  await user.click(button(words))
  expect(button('Signing out…').dataset.state).toBe('pending')
  expect(onSignedOut).not.toHaveBeenCalled()
  await act(async () => slow.open())
  await waitFor(() => expect(onSignedOut).toHaveBeenCalledOnce())
  expect(JSON.parse(String(server.requests[0]?.init.body))).toEqual({ scope })
  expect(screen.queryByText('Here') === null).toBe(scope !== 'others')
  expect(screen.queryByText('Gone') === null).toBe(scope === 'others')
  expect(posts).toEqual([])
})

test('stays signed in after signing out everywhere else', async () => {
  const user = userEvent.setup()
  server.session = signedIn()
  server.sessions = [device('session-1', 'Here', true), device('session-2', 'There')]
  render(
    <AuthProvider initialSession={server.session}>
      <SignOutButton scope="others" />
      <SignedIn>{({ name }) => name}</SignedIn>
    </AuthProvider>,
  )
  await user.click(button('Sign out everywhere else'))
  await waitFor(() => expect(server.sessions).toHaveLength(1))
  await waitFor(() => expect(button('Sign out everywhere else').dataset.state).toBe('done'))
  expect(screen.getByRole('status').textContent).toBe("You're signed out everywhere else.")
  act(() => {
    window.dispatchEvent(new Event('focus'))
  })
  await waitFor(() => expect(server.count('GET /auth/session')).toBe(1))
  expect(screen.getByText('Test Person')).not.toBeNull()
})

test('does not show the result to another user', async () => {
  server.session = signedIn()
  server.sessions = [device('session-1', 'Here', true), device('session-2', 'There')]
  render(
    <AuthProvider initialSession={server.session}>
      <SignOutButton scope="others" />
      <SignedIn>{({ name }) => name}</SignedIn>
    </AuthProvider>,
  )
  await userEvent.click(button('Sign out everywhere else'))
  await waitFor(() => expect(screen.getByRole('status').textContent).not.toBe(''))
  const other = signedIn('session-9', 'Other Person')
  server.session = { ...other, user: { ...other.user, id: 'user-9' } } as SessionBody
  act(() => {
    window.dispatchEvent(new Event('focus'))
  })
  await screen.findByText('Other Person')
  expect(screen.getByRole('status').textContent).toBe('')
  expect(button('Sign out everywhere else').dataset.state).toBe('idle')
})

test.each(scopes)('has no empty status element for %s', async (scope) => {
  server.session = signedIn()
  render(
    <AuthProvider initialSession={server.session}>
      <SignOutButton scope={scope} />
    </AuthProvider>,
  )
  expect(document.querySelector('form')?.textContent).toBe(button(/Sign out/).textContent)
})

test.each(scopes)('does not call onSignedOut if a sign-out of %s fails', async (scope, words) => {
  const user = userEvent.setup()
  const onSignedOut = vi.fn()
  server.answerNext('POST /auth/sign-out', failure(503, 'unavailable'))
  render(
    <AuthProvider initialSession={signedIn()}>
      <SignOutButton scope={scope} onSignedOut={onSignedOut} />
    </AuthProvider>,
  )
  await user.click(button(words))
  await screen.findByRole('alert')
  expect(button(words).dataset.state).toBe('failed')
  expect(onSignedOut).not.toHaveBeenCalled()
})

test("uses the app's texts for the scopes", () => {
  const texts = { signOut: 'Ab', signOutOthers: 'Ab, alle anderen', signOutGlobal: 'Ab, alle' }
  render(
    <AuthProvider initialSession={signedIn()} texts={texts}>
      {scopes.map(([scope]) => (
        <SignOutButton key={scope} scope={scope} />
      ))}
    </AuthProvider>,
  )
  expect(screen.getAllByRole('button').map(({ textContent }) => textContent)).toEqual([
    'Ab',
    'Ab, alle anderen',
    'Ab, alle',
  ])
})

function OwnButton(): ReactElement {
  const { status, form, fields } = useSignOut({ scope: 'global' })
  return (
    <form {...form}>
      {Object.entries(fields).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
      <button type="submit">{status}</button>
    </form>
  )
}

test("works the same with the app's own button and useSignOut", async () => {
  const user = userEvent.setup()
  server.session = signedIn()
  render(<OwnButton />)
  await user.click(button('idle'))
  expect(posts).toEqual([{ scope: 'global' }])
  expect(button('pending').form?.getAttribute('action')).toBe('/auth/sign-out')
  cleanup()

  render(
    <AuthProvider initialSession={signedIn()}>
      <SignedIn>
        <OwnButton />
      </SignedIn>
      <SignedOut>Bye</SignedOut>
    </AuthProvider>,
  )
  await user.click(button('idle'))
  await screen.findByText('Bye')
  expect(server.session).toEqual(signedOut)
  expect(posts).toHaveLength(1)
})
