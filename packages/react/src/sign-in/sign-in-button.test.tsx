import { act, cleanup, createEvent, fireEvent, render, screen } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { createRef, StrictMode } from 'react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { AuthProvider } from '../session/auth-provider.tsx'
import { signedOut } from '../testing/fake-server.ts'
import { SignInButton } from './sign-in-button.tsx'

/** For each click that reached the browser: whether it would have navigated. */
let navigations: boolean[] = []

function browser(event: Event): void {
  navigations.push(!event.defaultPrevented)
  event.preventDefault()
}

const complaints = vi.spyOn(console, 'error')

beforeEach(() => {
  navigations = []
  document.addEventListener('click', browser)
})

afterEach(() => {
  cleanup()
  vi.useRealTimers()
  document.removeEventListener('click', browser)
  expect(complaints).not.toHaveBeenCalled()
})

function link(): HTMLElement {
  return screen.getByRole('link', { name: 'Continue with Bitbucket' })
}

function restoreFromBackForwardCache(): void {
  act(() => {
    window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))
  })
}

test('renders a link with the name as its text and a hidden mark', () => {
  render(<SignInButton provider="bitbucket" />)
  expect(link().getAttribute('href')).toBe('/auth/bitbucket/start')
  expect(link().querySelector('svg')?.getAttribute('aria-hidden')).toBe('true')
  expect(link().dataset).toMatchObject({ provider: 'bitbucket', state: 'idle' })
})

test('sets nofollow, and lets the server see the referrer', () => {
  render(<SignInButton provider="bitbucket" />)
  expect(link().getAttribute('rel')).toBe('nofollow')
  expect(link().getAttribute('referrerpolicy')).toBe('same-origin')
})

test('prefers its own base path to that of the <AuthProvider>', () => {
  const { rerender } = render(
    <AuthProvider basePath="/above" initialSession={signedOut}>
      <SignInButton provider="bitbucket" />
    </AuthProvider>,
  )
  expect(link().getAttribute('href')).toBe('/above/bitbucket/start')
  rerender(
    <AuthProvider basePath="/above" initialSession={signedOut}>
      <SignInButton provider="bitbucket" basePath="/own" returnTo="/café" loginHint="t" />
    </AuthProvider>,
  )
  expect(link().getAttribute('href')).toBe(
    '/own/bitbucket/start?return_to=%2Fcaf%25C3%25A9&login_hint=t',
  )
})

test('accepts a class, attributes, children and a ref', () => {
  const ref = createRef<HTMLAnchorElement>()
  render(
    <SignInButton
      ref={ref}
      provider="bitbucket"
      className="wide"
      id="go"
      data-test="x"
      rel="nofollow external"
    >
      Sign in with Bitbucket
    </SignInButton>,
  )
  const named = screen.getByRole('link', { name: 'Sign in with Bitbucket' })
  expect(ref.current).toBe(named)
  expect(named.className).toBe('latchkey-button wide')
  expect(named.id).toBe('go')
  expect(named.dataset.test).toBe('x')
  expect(named.getAttribute('rel')).toBe('nofollow external')
})

test('uses the name and icon of the app for a provider that is not built in', () => {
  render(<SignInButton provider="forge" name="Example Forge" icon={<b>F</b>} />)
  const named = screen.getByRole('link', { name: /Continue with Example Forge/ })
  expect(named.querySelector('b')).not.toBeNull()
  expect(named.querySelector('svg')).toBeNull()
})

test('shows the id and no mark for an unknown provider', () => {
  render(<SignInButton provider="forge" />)
  const named = screen.getByRole('link', { name: 'Continue with forge' })
  expect(named.querySelector('.latchkey-button-mark')).toBeNull()
})

test('draws a mark from path data, in the text colour by default', () => {
  const mark = { viewBox: '0 0 8 8', paths: [{ d: 'M0 0h8' }, { d: 'M1 1h6', fill: '#123456' }] }
  render(<SignInButton provider="forge" mark={mark} />)
  const svg = screen.getByRole('link').querySelector('svg')
  expect(svg?.getAttribute('viewBox')).toBe('0 0 8 8')
  expect([...(svg?.children ?? [])].map((path) => path.getAttribute('fill'))).toEqual([
    'currentColor',
    '#123456',
  ])
})

test('shows no mark with icon={null}', () => {
  render(<SignInButton provider="bitbucket" icon={null} />)
  expect(link().querySelector('svg')).toBeNull()
})

test('does not start a second sign-in on a second click', async () => {
  const user = userEvent.setup()
  render(<SignInButton provider="bitbucket" />)
  await user.click(link())
  expect(link().dataset.state).toBe('pending')
  expect(link().getAttribute('aria-busy')).toBe('true')
  expect(link().textContent).toBe('Continue with Bitbucket')
  await user.click(link())
  expect(navigations).toEqual([true, false])
})

test('starts the sign-in by keyboard', async () => {
  const user = userEvent.setup()
  render(<SignInButton provider="bitbucket" />)
  await user.tab()
  expect(document.activeElement).toBe(link())
  await user.keyboard('{Enter}')
  expect(navigations).toEqual([true])
  expect(link().dataset.state).toBe('pending')
})

test.each([
  { ctrlKey: true },
  { metaKey: true },
  { shiftKey: true },
  { altKey: true },
  { button: 1 },
])('stays idle and does not prevent a click that opens a new tab %o', async (init) => {
  render(<SignInButton provider="bitbucket" />)
  fireEvent.click(link(), init)
  expect(link().dataset.state).toBe('idle')
  fireEvent.click(link())
  fireEvent.click(link(), init)
  expect(navigations).toEqual([true, true, true])
})

test('stays idle if the link opens another window', () => {
  render(<SignInButton provider="bitbucket" target="_blank" />)
  fireEvent.click(link())
  expect(link().dataset.state).toBe('idle')
})

test('can be clicked again after Back', async () => {
  const user = userEvent.setup()
  render(
    <StrictMode>
      <SignInButton provider="bitbucket" />
    </StrictMode>,
  )
  await user.click(link())
  restoreFromBackForwardCache()
  expect(link().dataset.state).toBe('idle')
  expect(link().hasAttribute('aria-busy')).toBe(false)
  await user.click(link())
  expect(navigations).toEqual([true, true])
})

test('stays pending when the page is first shown after an early click', () => {
  render(<SignInButton provider="bitbucket" />)
  fireEvent.click(link())
  act(() => {
    window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: false }))
  })
  expect(link().dataset.state).toBe('pending')
})

test('can be clicked again after the user stops the navigation', () => {
  vi.useFakeTimers()
  render(<SignInButton provider="bitbucket" />)
  fireEvent.click(link())
  act(() => {
    vi.advanceTimersByTime(9_999)
  })
  expect(link().dataset.state).toBe('pending')
  act(() => {
    vi.advanceTimersByTime(1)
  })
  expect(link().dataset.state).toBe('idle')
})

test("runs the app's click handler first, which can prevent the navigation", () => {
  render(<SignInButton provider="bitbucket" onClick={(event) => event.preventDefault()} />)
  const click = createEvent.click(link())
  fireEvent(link(), click)
  expect(click.defaultPrevented).toBe(true)
  expect(link().dataset.state).toBe('idle')
})

test('sets data attributes for the styles, and keeps the name of an icon', () => {
  const { rerender } = render(<SignInButton provider="bitbucket" />)
  expect(link().dataset).not.toHaveProperty('variant')
  expect(link().dataset).not.toHaveProperty('size')
  rerender(<SignInButton provider="bitbucket" variant="icon" size="large" />)
  expect(link().dataset).toMatchObject({ variant: 'icon', size: 'large' })
  expect(link().querySelector('svg')).not.toBeNull()
})

test('passes all props and the ref to render', async () => {
  const user = userEvent.setup()
  const ref = createRef<HTMLAnchorElement>()
  const onClick = vi.fn()
  render(
    <SignInButton
      ref={ref}
      provider="bitbucket"
      returnTo="/inbox"
      variant="brand"
      size="small"
      className="wide"
      id="go"
      title="Go"
      aria-describedby="badge"
      onClick={onClick}
      render={({ children, ...props }, { pending }) => (
        <a {...props} data-own="x">
          {pending ? 'Wait' : children}
        </a>
      )}
    />,
  )
  expect(ref.current).toBe(link())
  const attributes = Object.fromEntries(
    [...link().attributes].map(({ name, value }) => [name, value]),
  )
  expect(attributes).toEqual({
    'aria-describedby': 'badge',
    class: 'latchkey-button wide',
    'data-own': 'x',
    'data-provider': 'bitbucket',
    'data-size': 'small',
    'data-state': 'idle',
    'data-variant': 'brand',
    href: '/auth/bitbucket/start?return_to=%2Finbox',
    id: 'go',
    referrerpolicy: 'same-origin',
    rel: 'nofollow',
    title: 'Go',
  })
  await user.click(link())
  expect(onClick).toHaveBeenCalledOnce()
  const waiting = screen.getByRole('link', { name: 'Wait' })
  expect(waiting.dataset.state).toBe('pending')
  expect(waiting.getAttribute('aria-busy')).toBe('true')
  await user.click(waiting)
  expect(navigations).toEqual([true, false])
})

test('renders nothing if render returns null', () => {
  const { container } = render(<SignInButton provider="bitbucket" render={() => null} />)
  expect(container.innerHTML).toBe('')
})
