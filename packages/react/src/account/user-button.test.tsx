import { act, cleanup, fireEvent, render, screen, within } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { createRef, type ReactElement } from 'react'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { AuthProvider, type AuthProviderProps } from '../session/auth-provider.tsx'
import {
  type FakeServer,
  failure,
  signedIn,
  signedOut,
  startFakeServer,
  unreachable,
} from '../testing/fake-server.ts'
import { UserButton } from './user-button.tsx'

const complaints = vi.spyOn(console, 'error')
let server: FakeServer

beforeEach(() => {
  server = startFakeServer()
})

afterEach(() => {
  cleanup()
  document.body.innerHTML = ''
  server.close()
  expect(complaints).not.toHaveBeenCalled()
})

/** A page with a signed-in user. `who` overrides fields of the user. */
function page(
  button: ReactElement,
  who: { name?: string | null; email?: string | null; avatarUrl?: string | null } = {},
  props: AuthProviderProps = {},
): ReactElement {
  const { user, session } = signedIn()
  if (user === null) throw new Error('The user is signed out.')
  return (
    <AuthProvider initialSession={{ user: { ...user, ...who }, session }} {...props}>
      {button}
      <button type="button">Elsewhere</button>
    </AuthProvider>
  )
}

function summary(name = "Test Person's account"): HTMLElement {
  return screen.getByLabelText(name)
}

function isOpen(): boolean {
  return document.querySelector('details')?.open ?? false
}

test.each([
  ['the user is signed out', () => Response.json(signedOut)],
  ['the server is not responding', unreachable],
])('renders nothing while %s, and nothing while the session loads', async (_, answer) => {
  server.answerNext('GET /auth/session', answer)
  const { container } = render(
    <AuthProvider>
      <UserButton />
    </AuthProvider>,
  )
  expect(container.innerHTML).toBe('')
  await vi.waitFor(() => expect(server.count('GET /auth/session')).toBe(1))
  await act(() => new Promise((resolve) => setTimeout(resolve)))
  expect(container.innerHTML).toBe('')
})

test('appears when the session has loaded', async () => {
  server.session = signedIn('session-1', 'Late Person')
  render(
    <AuthProvider>
      <UserButton />
    </AuthProvider>,
  )
  expect((await screen.findByLabelText("Late Person's account")).tagName).toBe('SUMMARY')
})

test('names the account for screen readers, which skip the picture', () => {
  render(page(<UserButton />))
  expect(summary().textContent).toBe('T')
  expect(summary().firstElementChild?.getAttribute('aria-hidden')).toBe('true')
})

test.each([
  ['Test Person', {}],
  ['test.person@example.com', { name: null }],
  ['Your account', { name: null, email: null }],
])('shows "%s" next to the picture with showName', (shown, who) => {
  render(page(<UserButton showName />, who))
  const button = document.querySelector('summary') as HTMLElement
  // The accessible name must match the visible one for speech control.
  expect(button.hasAttribute('aria-label')).toBe(false)
  expect(within(button).getByText(shown).tagName).toBe('BDI')
  expect(button.querySelector('[aria-hidden=true]')?.textContent).not.toContain(shown)
})

test('opens the menu with the name, address and sign-out button on one click, and closes it on the next', async () => {
  const user = userEvent.setup()
  render(page(<UserButton />))
  expect(isOpen()).toBe(false)
  await user.click(summary())
  expect(isOpen()).toBe(true)
  const menu = document.querySelector('.latchkey-menu')
  expect(menu?.textContent).toBe('Test Persontest.person@example.comSign out')
  await user.click(summary())
  expect(isOpen()).toBe(false)
})

test('moves the focus from the menu back to the button on Escape', async () => {
  const user = userEvent.setup()
  render(page(<UserButton profileUrl="/me" />))
  await user.click(summary())
  await user.tab()
  expect(document.activeElement).toBe(screen.getByRole('link', { name: 'Your account' }))
  await user.keyboard('{Escape}')
  expect(isOpen()).toBe(false)
  expect(document.activeElement).toBe(summary())
})

test('does not move the focus on Escape if it is outside the menu', async () => {
  const user = userEvent.setup()
  render(page(<UserButton />))
  await user.click(summary())
  act(() => (document.activeElement as HTMLElement).blur())
  await user.keyboard('{Escape}')
  expect(isOpen()).toBe(false)
  expect(document.activeElement).toBe(document.body)
})

test('stays open on other keys and on a click inside', async () => {
  const user = userEvent.setup()
  render(page(<UserButton>Some text</UserButton>))
  await user.click(summary())
  await user.keyboard('aA{ArrowDown}{Shift}')
  expect(isOpen()).toBe(true)
  await user.click(screen.getByText('Some text'))
  expect(isOpen()).toBe(true)
})

test('closes when a router follows a link in the menu', async () => {
  const user = userEvent.setup()
  render(
    page(
      <UserButton>
        <a href="#reports">Reports</a>
      </UserButton>,
    ),
  )
  await user.click(summary())
  await user.click(screen.getByRole('link', { name: 'Reports' }))
  expect(isOpen()).toBe(false)
})

test('closes on a click on the document itself', async () => {
  const user = userEvent.setup()
  render(page(<UserButton />))
  await user.click(summary())
  fireEvent.click(document)
  expect(isOpen()).toBe(false)
})

test('closes when the pointer is pressed outside', () => {
  render(page(<UserButton />))
  fireEvent.click(summary())
  expect(isOpen()).toBe(true)
  fireEvent.pointerDown(document.body)
  expect(isOpen()).toBe(false)
})

test('closes when the focus leaves the menu, without moving the focus', async () => {
  const user = userEvent.setup()
  render(page(<UserButton />))
  await user.click(summary())
  await user.tab()
  expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Sign out' }))
  expect(isOpen()).toBe(true)
  await user.tab()
  expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Elsewhere' }))
  expect(isOpen()).toBe(false)
})

test('closes the first of two menus when the second opens', async () => {
  const user = userEvent.setup()
  render(
    page(
      <>
        <UserButton id="header" />
        <UserButton id="footer" />
      </>,
    ),
  )
  const [first, second] = screen.getAllByLabelText("Test Person's account") as HTMLElement[]
  await user.click(first as HTMLElement)
  await user.click(second as HTMLElement)
  const open = [...document.querySelectorAll('details[open]')].map(({ id }) => id)
  expect(open).toEqual(['footer'])
  await user.keyboard('{Escape}')
  expect(isOpen()).toBe(false)
  expect(document.activeElement).toBe(second)
})

test('closes two menus that a script has opened', () => {
  render(
    page(
      <>
        <UserButton />
        <UserButton />
      </>,
    ),
  )
  for (const details of document.querySelectorAll('details')) details.open = true
  fireEvent.pointerDown(document.body)
  expect(document.querySelectorAll('details[open]')).toHaveLength(0)
})

test('stops listening when it is unmounted', async () => {
  const user = userEvent.setup()
  const { unmount } = render(page(<UserButton />))
  unmount()
  document.body.innerHTML =
    '<details class="latchkey-user" open><summary>Theirs</summary></details>'
  await user.keyboard('{Escape}')
  fireEvent.pointerDown(document.body)
  expect(isOpen()).toBe(true)
})

test("shows a link to the profile with profileUrl, and the app's own menu entries", () => {
  const { rerender } = render(page(<UserButton />))
  expect(screen.queryByRole('link')).toBeNull()
  rerender(
    page(
      <UserButton profileUrl="/me">
        <a href="/billing">Billing</a>
      </UserButton>,
    ),
  )
  expect(
    [...document.querySelectorAll('.latchkey-menu a, .latchkey-menu button')].map(
      (way) => way.getAttribute('href') ?? way.textContent,
    ),
  ).toEqual(['/me', '/billing', 'Sign out'])
  expect(screen.getByRole('link', { name: 'Your account' })).not.toBeNull()
})

test('disappears after signing out in the menu', async () => {
  const user = userEvent.setup()
  server.session = signedIn()
  render(page(<UserButton />))
  await user.click(summary())
  await user.click(screen.getByRole('button', { name: 'Sign out' }))
  await vi.waitFor(() => expect(document.querySelector('details')).toBeNull())
  expect(server.session).toEqual(signedOut)
})

test('shows a failed sign-out in the open menu', async () => {
  const user = userEvent.setup()
  server.answerNext('POST /auth/sign-out', failure(503, 'unavailable'))
  render(page(<UserButton />))
  await user.click(summary())
  await user.click(screen.getByRole('button', { name: 'Sign out' }))
  expect((await screen.findByRole('alert')).textContent).toBe("You're still signed in. Try again.")
  expect(isOpen()).toBe(true)
})

test.each([
  ['a name', { email: null }, "Test Person's account", 'T', 'Test PersonSign out'],
  [
    'only an e-mail address',
    { name: null },
    "test.person@example.com's account",
    'T',
    'test.person@example.comSign out',
  ],
  ['neither name nor e-mail address', { name: null, email: null }, 'Your account', '', 'Sign out'],
  [
    'a name made of symbols',
    { name: '— 7 ·', email: null },
    "— 7 ·'s account",
    '7',
    '— 7 ·Sign out',
  ],
  [
    'a hostile name',
    { name: '<b>{name}</b>$&', email: null },
    "<b>{name}</b>$&'s account",
    'B',
    '<b>{name}</b>$&Sign out',
  ],
])('shows the button and the sign-out button to a user with %s', (_, who, name, initial, menu) => {
  render(page(<UserButton />, who))
  expect(summary(name).textContent).toBe(initial)
  expect(document.querySelector('.latchkey-menu')?.textContent).toBe(menu)
  expect(document.querySelector('b')).toBeNull()
})

test('loads a remote picture only with loadRemoteAvatars', () => {
  const who = { avatarUrl: 'https://pictures.example/1.png' }
  const { rerender } = render(page(<UserButton />, who))
  expect(document.querySelector('img')).toBeNull()
  rerender(page(<UserButton />, who, { loadRemoteAvatars: true }))
  const picture = document.querySelector('img')
  expect(picture?.src).toBe('https://pictures.example/1.png')
  expect(picture?.getAttribute('referrerpolicy')).toBe('no-referrer')
  expect(picture?.alt).toBe('')
  expect(summary().textContent).toBe('T')
})

test('shows the initial if the picture fails to load', () => {
  const who = { avatarUrl: 'https://pictures.example/gone.png' }
  render(page(<UserButton />, who, { loadRemoteAvatars: true }))
  const picture = document.querySelector('img')
  if (picture === null) throw new Error('no picture')
  fireEvent.error(picture)
  expect(picture.hidden).toBe(true)
})

test.each(['javascript:alert(1)', 'data:text/html,x', 'http://pictures.example/1.png', '/1.png'])(
  'does not load a picture from %s',
  (avatarUrl) => {
    render(page(<UserButton />, { avatarUrl }, { loadRemoteAvatars: true }))
    expect(document.querySelector('img')).toBeNull()
  },
)

test("uses the app's texts", () => {
  const texts = { accountOf: 'Konto von {name}', account: 'Mein Konto', signOut: 'Abmelden' }
  render(page(<UserButton profileUrl="/me" />, {}, { texts }))
  expect(summary('Konto von Test Person')).not.toBeNull()
  expect(document.querySelector('.latchkey-menu')?.textContent).toMatch(/Mein KontoAbmelden$/)
})

test('accepts a class, attributes and a ref', () => {
  const ref = createRef<HTMLDetailsElement>()
  render(page(<UserButton ref={ref} className="top" id="me" data-test="x" dir="rtl" />))
  expect(ref.current).toBe(document.querySelector('details'))
  expect(ref.current?.className).toBe('latchkey-user top')
  expect(ref.current?.id).toBe('me')
  expect(ref.current?.dataset.test).toBe('x')
  expect(ref.current?.dir).toBe('rtl')
})

test('opens without JavaScript, and posts a form to sign out', () => {
  document.body.innerHTML = renderToString(
    page(<UserButton profileUrl="/me" returnTo="/bye" />, {}, { basePath: '/api' }),
  )
  const details = document.querySelector('details')
  expect(details?.querySelector(':scope > summary')?.getAttribute('aria-label')).toBe(
    "Test Person's account",
  )
  fireEvent.click(summary())
  expect(details?.open).toBe(true)
  expect(screen.getByRole('link', { name: 'Your account' }).getAttribute('href')).toBe('/me')
  const form = details?.querySelector('form')
  expect(form?.method).toBe('post')
  expect(form?.getAttribute('action')).toBe('/api/sign-out')
  expect(Object.fromEntries(new FormData(form ?? undefined))).toEqual({
    scope: 'local',
    return_to: '/bye',
  })
})
