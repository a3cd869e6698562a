import { act, cleanup, fireEvent, render, screen, within } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { createRef, type ReactElement } from 'react'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { AuthProvider, type AuthProviderProps } from '../session/auth-provider.tsx'
import {
  type FakeServer,
  failure,
  nobody,
  somebody,
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

/** A page of somebody called so. */
function page(
  button: ReactElement,
  who: { name?: string | null; email?: string | null; avatarUrl?: string | null } = {},
  props: AuthProviderProps = {},
): ReactElement {
  const { user, session } = somebody()
  if (user === null) throw new Error('nobody')
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
  ['nobody is signed in', () => Response.json(nobody)],
  ['the server is silent', unreachable],
])('there is nothing while %s, and nothing before that is known', async (_, answer) => {
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

test('it appears as soon as the server says who is signed in', async () => {
  server.session = somebody('session-1', 'Late Person')
  render(
    <AuthProvider>
      <UserButton />
    </AuthProvider>,
  )
  expect((await screen.findByLabelText("Late Person's account")).tagName).toBe('SUMMARY')
})

test('those who cannot see the picture hear whose account it is', () => {
  render(page(<UserButton />))
  expect(summary().textContent).toBe('T')
  expect(summary().firstElementChild?.getAttribute('aria-hidden')).toBe('true')
})

test.each([
  ['Test Person', {}],
  ['test.person@example.com', { name: null }],
  ['Your account', { name: null, email: null }],
])('an app may show beside the picture what the button is called then: %s', (shown, who) => {
  render(page(<UserButton showName />, who))
  const button = document.querySelector('summary') as HTMLElement
  // What is seen is what is heard, so that whoever speaks to the computer can say it.
  expect(button.hasAttribute('aria-label')).toBe(false)
  expect(within(button).getByText(shown).tagName).toBe('BDI')
  expect(button.querySelector('[aria-hidden=true]')?.textContent).not.toContain(shown)
})

test('a click opens the menu, with the name, the address and the way out, and another closes it', async () => {
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

test('Escape closes the menu, and whoever was in it is back at the button', async () => {
  const user = userEvent.setup()
  render(page(<UserButton profileUrl="/me" />))
  await user.click(summary())
  await user.tab()
  expect(document.activeElement).toBe(screen.getByRole('link', { name: 'Your account' }))
  await user.keyboard('{Escape}')
  expect(isOpen()).toBe(false)
  expect(document.activeElement).toBe(summary())
})

test('Escape leaves the focus alone that is not in the menu', async () => {
  const user = userEvent.setup()
  render(page(<UserButton />))
  await user.click(summary())
  act(() => (document.activeElement as HTMLElement).blur())
  await user.keyboard('{Escape}')
  expect(isOpen()).toBe(false)
  expect(document.activeElement).toBe(document.body)
})

test('other keys do not close it, nor does a click within', async () => {
  const user = userEvent.setup()
  render(page(<UserButton>Some text</UserButton>))
  await user.click(summary())
  await user.keyboard('aA{ArrowDown}{Shift}')
  expect(isOpen()).toBe(true)
  await user.click(screen.getByText('Some text'))
  expect(isOpen()).toBe(true)
})

test('a link in it that a router follows closes it', async () => {
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

test('a click on the document itself closes it too', async () => {
  const user = userEvent.setup()
  render(page(<UserButton />))
  await user.click(summary())
  fireEvent.click(document)
  expect(isOpen()).toBe(false)
})

test('a press elsewhere closes it', () => {
  render(page(<UserButton />))
  fireEvent.click(summary())
  expect(isOpen()).toBe(true)
  fireEvent.pointerDown(document.body)
  expect(isOpen()).toBe(false)
})

test('a focus that goes elsewhere closes it, and stays where it went', async () => {
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

test('of two on a page only one is open', async () => {
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

test('of two that a script has opened both close', () => {
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

test('a page that has left it behind listens to no key', async () => {
  const user = userEvent.setup()
  const { unmount } = render(page(<UserButton />))
  unmount()
  document.body.innerHTML =
    '<details class="latchkey-user" open><summary>Theirs</summary></details>'
  await user.keyboard('{Escape}')
  fireEvent.pointerDown(document.body)
  expect(isOpen()).toBe(true)
})

test('the menu leads to the profile if the app has one, and to what the app puts into it', () => {
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

test('signing out in the menu makes it go', async () => {
  const user = userEvent.setup()
  server.session = somebody()
  render(page(<UserButton />))
  await user.click(summary())
  await user.click(screen.getByRole('button', { name: 'Sign out' }))
  await vi.waitFor(() => expect(document.querySelector('details')).toBeNull())
  expect(server.session).toEqual(nobody)
})

test('a sign-out that failed is said in the open menu', async () => {
  const user = userEvent.setup()
  server.answerNext('POST /auth/sign-out', failure(503, 'unavailable'))
  render(page(<UserButton />))
  await user.click(summary())
  await user.click(screen.getByRole('button', { name: 'Sign out' }))
  expect((await screen.findByRole('alert')).textContent).toBe(
    "You're still signed in. Try again.",
  )
  expect(isOpen()).toBe(true)
})

test.each([
  ['a name', { email: null }, "Test Person's account", 'T', 'Test PersonSign out'],
  [
    'an address',
    { name: null },
    "test.person@example.com's account",
    'T',
    'test.person@example.comSign out',
  ],
  ['neither', { name: null, email: null }, 'Your account', '', 'Sign out'],
  ['a name of signs', { name: '— 7 ·', email: null }, "— 7 ·'s account", '7', '— 7 ·Sign out'],
  [
    'a hostile name',
    { name: '<b>{name}</b>$&', email: null },
    "<b>{name}</b>$&'s account",
    'B',
    '<b>{name}</b>$&Sign out',
  ],
])('a person with %s has a button and a way out', (_, who, name, initial, menu) => {
  render(page(<UserButton />, who))
  expect(summary(name).textContent).toBe(initial)
  expect(document.querySelector('.latchkey-menu')?.textContent).toBe(menu)
  expect(document.querySelector('b')).toBeNull()
})

test('no host learns who visits from a picture, unless the app says so', () => {
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

test('a picture that does not load gives way to the initial', () => {
  const who = { avatarUrl: 'https://pictures.example/gone.png' }
  render(page(<UserButton />, who, { loadRemoteAvatars: true }))
  const picture = document.querySelector('img')
  if (picture === null) throw new Error('no picture')
  fireEvent.error(picture)
  expect(picture.hidden).toBe(true)
})

test.each(['javascript:alert(1)', 'data:text/html,x', 'http://pictures.example/1.png', '/1.png'])(
  'a picture at %s is not loaded',
  (avatarUrl) => {
    render(page(<UserButton />, { avatarUrl }, { loadRemoteAvatars: true }))
    expect(document.querySelector('img')).toBeNull()
  },
)

test('an app says it in its own words', () => {
  const texts = { accountOf: 'Konto von {name}', account: 'Mein Konto', signOut: 'Abmelden' }
  render(page(<UserButton profileUrl="/me" />, {}, { texts }))
  expect(summary('Konto von Test Person')).not.toBeNull()
  expect(document.querySelector('.latchkey-menu')?.textContent).toMatch(/Mein KontoAbmelden$/)
})

test('an app may give it a class, attributes and a ref', () => {
  const ref = createRef<HTMLDetailsElement>()
  render(page(<UserButton ref={ref} className="top" id="me" data-test="x" dir="rtl" />))
  expect(ref.current).toBe(document.querySelector('details'))
  expect(ref.current?.className).toBe('latchkey-user top')
  expect(ref.current?.id).toBe('me')
  expect(ref.current?.dataset.test).toBe('x')
  expect(ref.current?.dir).toBe('rtl')
})

test('without JavaScript it opens all the same, and signing out posts a form', () => {
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
