import { type AccountPart, channelName, type SessionBody } from '@latchkey/contract'
import { act, cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { createRef, type ReactElement } from 'react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SignedOut } from '../guards/signed-in.tsx'
import { AuthError } from '../requests/auth-error.ts'
import { AuthProvider } from '../session/auth-provider.tsx'
import { type FakeBrowser, startFakeBrowser } from '../testing/fake-browser.ts'
import {
  device,
  everyPart,
  type FakeServer,
  failure,
  gate,
  identity,
  indexHtml,
  provider,
  signedIn,
  signedOut,
  startFakeServer,
  unreachable,
} from '../testing/fake-server.ts'
import { UserButton } from './user-button.tsx'
import { UserProfile, type UserProfileProps } from './user-profile.tsx'

const complaints = vi.spyOn(console, 'error')
let server: FakeServer
let browser: FakeBrowser

beforeEach(() => {
  server = startFakeServer()
  server.session = signedIn()
  browser = startFakeBrowser()
  history.replaceState(null, '', '/me?tab=1#devices')
})

afterEach(() => {
  cleanup()
  browser.close()
  server.close()
  history.replaceState(null, '', '/')
  expect(complaints).not.toHaveBeenCalled()
})

/** Server errors are logged for developers. */
function expectLoggedErrors(): void {
  for (const [error] of complaints.mock.calls) expect(error).toBeInstanceOf(AuthError)
  complaints.mockClear()
}

/** Waits until everything pending has finished. */
async function settle(): Promise<void> {
  await act(() => new Promise((resolve) => setTimeout(resolve)))
}

function offer(...account: AccountPart[]): void {
  server.providers = {
    providers: [provider('bitbucket', 'Bitbucket'), provider('forge', 'Example Forge')],
    lastUsed: null,
    account,
  }
}

function page(props: UserProfileProps = {}): ReactElement {
  return (
    <AuthProvider initialSession={server.session}>
      <UserButton />
      <UserProfile {...props} />
      <SignedOut>Signed out here</SignedOut>
    </AuthProvider>
  )
}

async function part(name: string): Promise<HTMLElement> {
  return screen.findByRole('region', { name })
}

function headings(): (string | null)[] {
  return screen.queryAllByRole('heading', { level: 3 }).map(({ textContent }) => textContent)
}

function rows(within: HTMLElement): (string | null)[] {
  return [...within.querySelectorAll('li')].map(({ textContent }) => textContent)
}

function bodyOf(route: string): unknown {
  const request = server.requests.find(({ method, url }) => `${method} ${url}` === route)
  return JSON.parse(String(request?.init.body))
}

function button(name: string): HTMLElement {
  return screen.getByRole('button', { name })
}

/** For tests in which the kit logs an unexpected response. */
function expectComplaints(...codes: string[]): void {
  for (const [error] of complaints.mock.calls) expect(error).toBeInstanceOf(AuthError)
  expect(complaints.mock.calls.map(([error]) => error.code)).toEqual(codes)
  complaints.mockReset()
}

test('shows nothing and sends no request when signed out', async () => {
  server.session = signedOut
  render(page())
  expect(screen.queryByRole('region')).toBeNull()
  await act(async () => {})
  expect(server.requests).toEqual([])
})

test('shows all parts in order if the server offers all of them', async () => {
  offer(...[...everyPart].reverse())
  render(page())
  await part('Profile')
  expect(headings()).toEqual([
    'Profile',
    'Connected accounts',
    "Where you're signed in",
    'Your data',
    'Delete account',
  ])
  const whole = screen.getByRole('region', { name: 'Your account' })
  expect(whole.textContent).toContain('Test Persontest.person@example.com')
})

test.each<[AccountPart, string]>([
  ['profile', 'Profile'],
  ['identities', 'Connected accounts'],
  ['sessions', "Where you're signed in"],
  ['export', 'Your data'],
  ['delete', 'Delete account'],
])(
  'shows only %s and requests nothing else if the server offers nothing else',
  async (only, title) => {
    offer(only)
    render(page())
    const region = await part(title)
    await waitFor(() => expect(within(region).queryByText('Loading…')).toBeNull())
    expect(headings()).toEqual([title])
    const asked = server.requests.map(({ url }) => url).filter((url) => url !== '/auth/providers')
    expect(asked).toEqual(only === 'sessions' || only === 'identities' ? [`/auth/${only}`] : [])
  },
)

test('shows only the user if the server offers no part', async () => {
  offer()
  render(page())
  await waitFor(() => expect(screen.queryByText('Loading…')).toBeNull())
  expect(headings()).toEqual([])
  expect(screen.getByRole('region').textContent).toBe(
    'Your accountTTest Persontest.person@example.com',
  )
})

test("shows only the parts that both the app and the server list, in the app's order", async () => {
  offer('sessions', 'export', 'profile')
  render(page({ parts: ['export', 'delete', 'profile'] }))
  await part('Profile')
  expect(headings()).toEqual(['Your data', 'Profile'])
  expect(server.count('GET /auth/sessions')).toBe(0)
})

test('accepts a title, a class, attributes and a ref', async () => {
  const ref = createRef<HTMLElement>()
  render(page({ title: 'Me', className: 'wide', id: 'account', ...{ ref } }))
  expect(ref.current).toBe(screen.getByRole('region', { name: 'Me' }))
  expect(ref.current?.className).toBe('latchkey-profile wide')
  expect(ref.current?.id).toBe('account')
  await act(async () => {})
})

test.each([
  [true, 0],
  [false, 1],
])('marks an unverified e-mail address (emailVerified: %s)', async (emailVerified, tags) => {
  const { user, session } = signedIn()
  if (user === null) throw new Error('The user is signed out.')
  server.session = { user: { ...user, emailVerified }, session }
  render(page())
  expect(screen.queryAllByText('Unverified')).toHaveLength(tags)
  await act(async () => {})
})

test('shows a retry button if the list of parts cannot be loaded', async () => {
  complaints.mockImplementation(() => {})
  const user = userEvent.setup()
  offer('export')
  server.answerNext('GET /auth/providers', failure(503, 'unavailable'))
  render(page())
  expect((await screen.findByRole('alert')).textContent).toBe("We couldn't load this.")
  expectComplaints('unavailable')
  await user.click(button('Try again'))
  expect(document.activeElement).toBe(screen.getByRole('region', { name: 'Your account' }))
  await part('Your data')
  expect(screen.queryByRole('alert')).toBeNull()
})

// Devices

test('lists this device first, with a mark, and the others with a sign-out button', async () => {
  offer('sessions')
  server.sessions = [
    device('session-3', 'Safari on iPhone'),
    device('session-2', null),
    device('session-1', 'Firefox on Linux', true),
  ]
  render(page())
  const region = await part("Where you're signed in")
  await within(region).findByText('Firefox on Linux')
  const [own, ...others] = rows(region)
  expect(own).toMatch(/^Firefox on LinuxSince Jan 2, 2026, .*This device$/)
  expect(others).toHaveLength(2)
  expect(others[0]).toMatch(/^Safari on iPhoneLast used Mar 4, 2026, .*Sign out$/)
  expect(others[1]).toMatch(/^Unknown deviceLast used/)
  expect(
    within(region)
      .getAllByRole('button')
      .map((button) => button.getAttribute('aria-label') ?? button.textContent),
  ).toEqual(['Sign out Safari on iPhone', 'Sign out Unknown device', 'Sign out everywhere else'])
})

test('shows no sign-out button if there is no other device', async () => {
  offer('sessions')
  server.sessions = [device('session-1', 'Firefox on Linux', true)]
  render(page())
  const region = await part("Where you're signed in")
  await within(region).findByText('Firefox on Linux')
  expect(within(region).queryByRole('button')).toBeNull()
})

test('removes a signed-out device, announces it, and keeps the focus in the section', async () => {
  const user = userEvent.setup()
  offer('sessions')
  server.sessions = [device('session-1', 'Here', true), device('session-2', 'There')]
  render(page())
  const region = await part("Where you're signed in")
  await user.click(await within(region).findByRole('button', { name: 'Sign out There' }))
  await waitFor(() => expect(rows(region)).toHaveLength(1))
  await waitFor(() =>
    expect(within(region).getByRole('status').textContent).toBe('There is signed out.'),
  )
  expect(server.count('DELETE /auth/sessions/session-2')).toBe(1)
  expect(within(region).queryByRole('alert')).toBeNull()
  expect(document.activeElement).toBe(screen.getByRole('heading', { level: 3 }).closest('section'))
})

test('keeps the focus in the section while the list loads slowly', async () => {
  const user = userEvent.setup()
  offer('sessions')
  server.sessions = [device('session-1', 'Here', true), device('session-2', 'There')]
  render(page())
  const region = await part("Where you're signed in")
  const slow = gate()
  const there = await within(region).findByRole('button', { name: 'Sign out There' })
  server.answerNext(
    'GET /auth/sessions',
    slow.before(() => Response.json({ sessions: server.sessions })),
  )
  await user.click(there)
  await within(region).findByText('There is signed out.')
  expect(rows(region)).toHaveLength(2)
  await act(async () => slow.open())
  await waitFor(() => expect(rows(region)).toHaveLength(1))
  expect(document.activeElement).toBe(screen.getByRole('heading', { level: 3 }).closest('section'))
})

test('does not move the focus back if the user has moved on', async () => {
  const user = userEvent.setup()
  offer('profile', 'sessions')
  server.sessions = [device('session-1', 'Here', true), device('session-2', 'There')]
  render(page())
  const region = await part("Where you're signed in")
  const slow = gate()
  server.answerNext(
    'DELETE /auth/sessions/session-2',
    slow.before(() => {
      server.sessions = server.sessions.slice(0, 1)
      return new Response(null, { status: 204 })
    }),
  )
  await user.click(await within(region).findByRole('button', { name: 'Sign out There' }))
  const field = screen.getByLabelText('Name')
  field.focus()
  await act(async () => slow.open())
  await waitFor(() => expect(rows(region)).toHaveLength(1))
  expect(document.activeElement).toBe(field)
})

test('does not move the focus when the page renders again later', async () => {
  const user = userEvent.setup()
  offer('profile')
  const { rerender } = render(page())
  await user.click(await screen.findByRole('button', { name: 'Save' }))
  await screen.findByText('Saved.')
  act(() => (document.activeElement as HTMLElement).blur())
  // The page renders again for another reason.
  rerender(page({ title: 'Still me' }))
  expect(document.activeElement).toBe(document.body)
})

test("shows none of the previous user's data to another user", async () => {
  offer('identities', 'sessions')
  server.identities = [identity('identity-1', 'bitbucket', 'ada_private')]
  server.sessions = [device('session-1', "First user's phone", true)]
  render(page())
  await screen.findByText('ada_private')
  await screen.findByText("First user's phone")
  const { user, session } = signedIn('session-2', 'Ben Test')
  if (user === null) throw new Error('The user is signed out.')
  server.session = { user: { ...user, id: 'user-2' }, session }
  server.identities = [identity('identity-2', 'bitbucket', 'ben')]
  server.sessions = [device('session-2', "Second user's laptop", true)]
  // The user changes in another tab.
  const channel = new BroadcastChannel(channelName)
  channel.postMessage({ type: 'session', basePath: '/auth', sessionId: 'session-2' })
  await screen.findByText('ben')
  await screen.findByText("Second user's laptop")
  channel.close()
  expect(screen.queryByText('ada_private')).toBeNull()
  expect(screen.queryByText("First user's phone")).toBeNull()
})

test('treats a device that is already gone as signed out', async () => {
  const user = userEvent.setup()
  offer('sessions')
  server.sessions = [device('session-1', 'Here', true), device('session-2', 'There')]
  render(page())
  const region = await part("Where you're signed in")
  const there = await within(region).findByRole('button', { name: 'Sign out There' })
  server.sessions = server.sessions.slice(0, 1)
  await user.click(there)
  await within(region).findByText('There is signed out.')
  await waitFor(() => expect(rows(region)).toHaveLength(1))
  expect(within(region).queryByRole('alert')).toBeNull()
})

test('reports success after a lost response if the device is no longer in the list', async () => {
  const user = userEvent.setup()
  offer('sessions')
  server.sessions = [device('session-1', 'Here', true), device('session-2', 'There')]
  server.answerNext('DELETE /auth/sessions/session-2', () => {
    server.sessions = server.sessions.slice(0, 1)
    return unreachable()
  })
  render(page())
  const region = await part("Where you're signed in")
  await user.click(await within(region).findByRole('button', { name: 'Sign out There' }))
  await within(region).findByText('There is signed out.')
  await waitFor(() => expect(rows(region)).toHaveLength(1))
  expect(within(region).queryByRole('alert')).toBeNull()
})

test.each([
  ['does not respond', unreachable, "We can't reach the server right now."],
  ['responds with 503', failure(503, 'unavailable'), "This isn't available right now."],
  ['sends an HTML page', indexHtml, "The server sent a response we couldn't read."],
])('shows an error and lets the user try again if the server %s', async (_, answer, words) => {
  const user = userEvent.setup()
  offer('sessions')
  server.sessions = [device('session-1', 'Here', true), device('session-2', 'There')]
  server.answerNext('DELETE /auth/sessions/session-2', answer)
  render(page())
  const region = await part("Where you're signed in")
  await user.click(await within(region).findByRole('button', { name: 'Sign out There' }))
  expect((await within(region).findByRole('alert')).textContent).toContain(words)
  expect(within(region).getByRole('status').textContent).toBe('')
  expect(rows(region)).toHaveLength(2)

  await user.click(button('Sign out There'))
  await within(region).findByText('There is signed out.')
  expect(within(region).queryByRole('alert')).toBeNull()
})

test.each([
  ['a device', 'Sign out There', 'DELETE /auth/sessions/session-2'],
  ['all other devices', 'Sign out everywhere else', 'POST /auth/sign-out'],
])('keeps the list and shows an error when signing out %s offline', async (_, name, action) => {
  const user = userEvent.setup()
  offer('sessions')
  server.sessions = [device('session-1', 'Here', true), device('session-2', 'There')]
  render(page())
  await screen.findByText('There')
  server.answerNext(action, unreachable)
  for (let times = 0; times < 4; times++) server.answerNext('GET /auth/sessions', unreachable)
  await user.click(button(name))
  expect((await screen.findByRole('alert')).dataset.code).toBe('unreachable')
  await settle()
  expect(screen.queryByText('There')).not.toBeNull()
  expect(screen.getAllByRole('alert')).toHaveLength(1)
  complaints.mockClear()
})

test('keeps the list and shows an error when disconnecting an account offline', async () => {
  const user = userEvent.setup()
  offer('identities')
  server.identities = [
    identity('identity-1', 'bitbucket', 'testy'),
    identity('identity-2', 'forge'),
  ]
  render(page())
  await screen.findByText('testy')
  server.answerNext('DELETE /auth/identities/identity-1', unreachable)
  for (let times = 0; times < 4; times++) server.answerNext('GET /auth/identities', unreachable)
  await user.click(screen.getAllByText('Disconnect', { selector: 'summary' })[0] as HTMLElement)
  await user.click(screen.getAllByRole('button', { name: 'Disconnect' })[0] as HTMLElement)
  expect((await screen.findByRole('alert')).dataset.code).toBe('unreachable')
  await settle()
  expect(screen.queryByText('testy')).not.toBeNull()
  expect(screen.getAllByRole('alert')).toHaveLength(1)
  complaints.mockClear()
})

test('signs out after the account is deleted, even if the server stops responding', async () => {
  const user = userEvent.setup()
  offer('delete')
  render(page())
  await user.click(await screen.findByText('Delete account', { selector: 'summary' }))
  server.answerNext('GET /auth/session', unreachable)
  await user.click(button('Delete permanently'))
  await screen.findByText('Signed out here')
})

test('signs a device out only once on a double click', async () => {
  const user = userEvent.setup()
  offer('sessions')
  server.sessions = [device('session-1', 'Here', true), device('session-2', 'There')]
  const slow = gate()
  server.answerNext(
    'DELETE /auth/sessions/session-2',
    slow.before(() => new Response(null, { status: 204 })),
  )
  render(page())
  const region = await part("Where you're signed in")
  const there = await within(region).findByRole('button', { name: 'Sign out There' })
  await user.dblClick(there)
  expect(region.getAttribute('aria-busy')).toBe('true')
  await user.keyboard('{Enter}')
  await act(async () => slow.open())
  await within(region).findByText('There is signed out.')
  expect(region.getAttribute('aria-busy')).not.toBe('true')
  expect(server.count('DELETE /auth/sessions/session-2')).toBe(1)
})

test('keeps only this device in the list after signing out everywhere else', async () => {
  const user = userEvent.setup()
  offer('sessions')
  server.sessions = [
    device('session-1', 'Here', true),
    device('session-2', 'There'),
    device('session-3', 'Elsewhere'),
  ]
  render(page())
  const region = await part("Where you're signed in")
  await user.click(await within(region).findByRole('button', { name: 'Sign out everywhere else' }))
  await waitFor(() => expect(rows(region)).toHaveLength(1))
  expect(bodyOf('POST /auth/sign-out')).toEqual({ scope: 'others' })
  expect(rows(region)[0]).toContain('Here')
  expect(screen.queryByText('Signed out here')).toBeNull()
})

// Ended sessions

test.each(['sessions', 'identities'] as const)(
  'becomes signed out if the session has ended when it requests %s',
  async (list) => {
    complaints.mockImplementation(() => {})
    offer(list)
    const before = server.session
    server.session = signedOut
    render(
      <AuthProvider initialSession={before}>
        <UserProfile />
        <SignedOut>Signed out here</SignedOut>
      </AuthProvider>,
    )
    await screen.findByText('Signed out here')
    expect(screen.queryByRole('region')).toBeNull()
    expectComplaints('unauthenticated')
  },
)

test.each([
  ['signs a device out', 'sessions', 'Sign out There'],
  ['connects an account', 'identities', 'Connect Example Forge'],
  ['saves a name', 'profile', 'Save'],
] as const)(
  'becomes signed out if the session has ended when the user %s',
  async (_, only, name) => {
    complaints.mockImplementation(() => {})
    const user = userEvent.setup()
    offer(only)
    server.sessions = [device('session-1', 'Here', true), device('session-2', 'There')]
    render(page())
    const press = await screen.findByRole('button', { name })
    server.session = signedOut
    await user.click(press)
    await screen.findByText('Signed out here')
    expect(screen.queryByRole('region')).toBeNull()
    complaints.mockReset()
  },
)

// Connected accounts

test('lists connected accounts first, then those that can be connected', async () => {
  server.providers = {
    providers: [
      provider('bitbucket', 'Bitbucket'),
      provider('forge', 'Example Forge'),
      { ...provider('chat', 'Example Chat'), link: false },
    ],
    lastUsed: null,
    account: ['identities'],
  }
  server.identities = [
    identity('identity-1', 'bitbucket', 'testy'),
    { ...identity('identity-2', 'bitbucket'), email: 'second@example.com' },
    identity('identity-3', 'gone'),
  ]
  render(page())
  const region = await part('Connected accounts')
  await within(region).findAllByText('Bitbucket')
  const question = (company: string) =>
    `DisconnectYou won't be able to sign in with ${company} anymore.Disconnect`
  expect(rows(region)).toEqual([
    `Bitbuckettesty${question('Bitbucket')}`,
    `Bitbucketsecond@example.com${question('Bitbucket')}`,
    `gone${question('gone')}`,
    'Example ForgeConnect Example Forge',
  ])
})

test('asks before disconnecting, announces the result and keeps the focus in the section', async () => {
  const user = userEvent.setup()
  offer('identities')
  server.identities = [
    identity('identity-1', 'bitbucket', 'testy'),
    identity('identity-2', 'forge', 'smith'),
  ]
  render(page())
  const region = await part('Connected accounts')
  const [, second] = await within(region).findAllByText('Disconnect', { selector: 'summary' })
  const details = second?.closest('details') as HTMLDetailsElement
  expect(details.open).toBe(false)
  await user.click(second as HTMLElement)
  expect(details.open).toBe(true)
  expect(details.textContent).toContain("You won't be able to sign in with Example Forge anymore.")
  expect(server.requests.filter(({ method }) => method !== 'GET')).toEqual([])

  await user.click(within(details).getByRole('button', { name: 'Disconnect' }))
  await within(region).findByText('Example Forge is disconnected.')
  await within(region).findByRole('button', { name: 'Connect Example Forge' })
  expect(server.identities.map(({ id }) => id)).toEqual(['identity-1'])
  expect(document.activeElement).toBe(screen.getByRole('heading', { level: 3 }).closest('section'))
})

test('does not offer to disconnect the last account', async () => {
  offer('identities')
  server.identities = [identity('identity-1', 'bitbucket', 'testy')]
  render(page())
  const region = await part('Connected accounts')
  await within(region).findByText('testy')
  expect(rows(region)[0]).toBe('Bitbuckettesty')
})

test('shows a message if the server refuses an action', async () => {
  const user = userEvent.setup()
  offer('identities')
  server.identities = [
    identity('identity-1', 'bitbucket', 'testy'),
    identity('identity-2', 'forge', 'smith'),
  ]
  server.answerNext('DELETE /auth/identities/identity-1', failure(403, 'forbidden'))
  render(page())
  const region = await part('Connected accounts')
  const [first] = await within(region).findAllByText('Disconnect', { selector: 'summary' })
  await user.click(first as HTMLElement)
  await user.click(within(region).getAllByRole('button', { name: 'Disconnect' })[0] as HTMLElement)
  const alert = await within(region).findByRole('alert')
  expect(alert.textContent).toBe("You don't have permission to do this.")
  expect(alert.dataset.code).toBe('forbidden')
  expect(rows(region)[0]).toContain('testy')
  expect(within(region).queryByRole('link')).toBeNull()
})

test('shows a sign-in button that returns to this page on reauth_required', async () => {
  const user = userEvent.setup()
  offer('identities')
  server.identities = [
    identity('identity-1', 'bitbucket', 'testy'),
    identity('identity-2', 'forge', 'smith'),
  ]
  server.answerNext('DELETE /auth/identities/identity-2', failure(403, 'reauth_required'))
  render(page())
  const region = await part('Connected accounts')
  const [, second] = await within(region).findAllByText('Disconnect', { selector: 'summary' })
  await user.click(second as HTMLElement)
  await user.click(within(region).getAllByRole('button', { name: 'Disconnect' })[1] as HTMLElement)
  expect((await within(region).findByRole('alert')).textContent).toBe(
    "Sign in again to confirm it's you.",
  )
  // The provider of the session, not the one being disconnected.
  const link = within(region).getByRole('link', { name: 'Continue with Bitbucket' })
  expect(link.getAttribute('href')).toBe(
    `/auth/bitbucket/start?return_to=${encodeURIComponent('/me?tab=1#devices')}`,
  )
})

test('shows only the message on reauth_required if the session has no provider', async () => {
  const user = userEvent.setup()
  const { user: person, session } = signedIn()
  if (person === null) throw new Error('The user is signed out.')
  server.session = { user: person, session: { ...session, provider: null } }
  offer('delete')
  server.answerNext('DELETE /auth/user', failure(403, 'reauth_required'))
  render(page())
  await user.click(await screen.findByText('Delete account', { selector: 'summary' }))
  await user.click(button('Delete permanently'))
  expect((await screen.findByRole('alert')).dataset.code).toBe('reauth_required')
  expect(screen.queryByRole('link')).toBeNull()
})

test("navigates to the provider's URL to connect an account, and returns to this page", async () => {
  const user = userEvent.setup()
  offer('identities')
  render(page())
  await user.click(await screen.findByRole('button', { name: 'Connect Example Forge' }))
  await waitFor(() => expect(browser.visits).toEqual(['assign https://forge.example/authorize']))
  expect(bodyOf('POST /auth/forge/link')).toEqual({ return_to: '/me?tab=1#devices' })
})

test.each([
  { url: 'javascript:alert(1)' },
  { url: ' javascript:alert(1)' },
  { url: 'java\nscript:alert(1)' },
  { url: 'data:text/html,<script>alert(1)</script>' },
  { url: 'vbscript:x' },
  { url: '\nhttps://forge.example' },
  { url: '/evil' },
  { url: '' },
  { url: null },
  { url: ['https://forge.example'] },
  {},
  [],
  null,
])('does not navigate to %j when connecting an account', async (body) => {
  const user = userEvent.setup()
  offer('identities')
  server.answerNext('POST /auth/forge/link', () => Response.json(body))
  render(page())
  await user.click(await screen.findByRole('button', { name: 'Connect Example Forge' }))
  expect((await screen.findByRole('alert')).textContent).toBe(
    "The server sent a response we couldn't read. Try again later.",
  )
  expect(browser.visits).toEqual([])
})

test('connects an account only once on a double click', async () => {
  const user = userEvent.setup()
  offer('identities')
  const slow = gate()
  server.answerNext(
    'POST /auth/forge/link',
    slow.before(() => Response.json({ url: 'https://forge.example/authorize' })),
  )
  render(page())
  await user.dblClick(await screen.findByRole('button', { name: 'Connect Example Forge' }))
  await act(async () => slow.open())
  await waitFor(() => expect(browser.visits).toHaveLength(1))
  expect(server.count('POST /auth/forge/link')).toBe(1)
})

// Profile

test('shows a new name everywhere on the page immediately', async () => {
  const user = userEvent.setup()
  offer('profile')
  render(page())
  const field = await screen.findByRole<HTMLInputElement>('textbox', { name: 'Name' })
  expect(field.value).toBe('Test Person')
  expect(field.required).toBe(true)
  expect(field.autocomplete).toBe('name')
  await user.clear(field)
  await user.type(field, 'New {{Name}')
  await user.click(button('Save'))
  await screen.findByText('Saved.')
  expect(bodyOf('PATCH /auth/user')).toEqual({ name: 'New {Name}' })
  expect(screen.getByLabelText("New {Name}'s account").tagName).toBe('SUMMARY')
  expect(document.querySelector('.latchkey-account')?.textContent).toContain('New {Name}')
  expect(screen.getByRole<HTMLInputElement>('textbox').value).toBe('New {Name}')
  expect(document.activeElement).not.toBe(document.body)
})

test('shows the shortened name if the server shortens it', async () => {
  const user = userEvent.setup()
  offer('profile')
  server.answerNext('PATCH /auth/user', () => {
    server.session = signedIn('session-1', 'Short')
    return Response.json(server.session.user)
  })
  render(page())
  await user.type(await screen.findByRole('textbox'), ' with blanks   {Enter}')
  await screen.findByText('Saved.')
  expect(screen.getByRole<HTMLInputElement>('textbox').value).toBe('Short')
})

test('keeps the new name in the field if saving fails, so that the user can save it again', async () => {
  const user = userEvent.setup()
  offer('profile')
  server.answerNext('PATCH /auth/user', failure(429, 'too_many_requests'))
  render(page())
  await user.type(await screen.findByRole('textbox'), ' the Second')
  await user.click(button('Save'))
  expect((await screen.findByRole('alert')).textContent).toBe(
    'Too many attempts. Wait a moment, then try again.',
  )
  expect(screen.getByLabelText("Test Person's account")).not.toBeNull()
  expect(screen.getByRole<HTMLInputElement>('textbox').value).toBe('Test Person the Second')
  await user.click(button('Save'))
  await screen.findByText('Saved.')
  expect(screen.queryByRole('alert')).toBeNull()
  expect(screen.getByLabelText("Test Person the Second's account")).not.toBeNull()
})

test('saves a name for a user who had none', async () => {
  const user = userEvent.setup()
  const { user: person, session } = signedIn()
  if (person === null) throw new Error('The user is signed out.')
  server.session = { user: { ...person, name: null }, session }
  offer('profile')
  render(page())
  const field = await screen.findByRole<HTMLInputElement>('textbox')
  expect(field.value).toBe('')
  await user.type(field, 'New Name{Enter}')
  await screen.findByLabelText("New Name's account")
})

test('saves only once on a double click', async () => {
  const user = userEvent.setup()
  offer('profile')
  const slow = gate()
  server.answerNext(
    'PATCH /auth/user',
    slow.before(() => Response.json(server.session.user)),
  )
  render(page())
  await user.dblClick(await screen.findByRole('button', { name: 'Save' }))
  await act(async () => slow.open())
  await screen.findByText('Saved.')
  expect(server.count('PATCH /auth/user')).toBe(1)
})

// Export and deletion

test('shows the export as a link to a file', async () => {
  offer('export')
  render(page())
  const link = await screen.findByRole('link', { name: 'Download' })
  expect(link.getAttribute('href')).toBe('/auth/user/export')
  expect(link.hasAttribute('download')).toBe(true)
})

test('asks before deleting the account, and signs out afterwards', async () => {
  const user = userEvent.setup()
  offer('delete')
  render(page())
  const region = await part('Delete account')
  const details = region.querySelector('details') as HTMLDetailsElement
  expect(details.open).toBe(false)
  await user.click(within(region).getByText('Delete account', { selector: 'summary' }))
  expect(details.open).toBe(true)
  expect(region.textContent).toContain("You can't undo it.")
  expect(server.count('DELETE /auth/user')).toBe(0)
  await user.click(button('Delete permanently'))
  await screen.findByText('Signed out here')
  expect(server.count('DELETE /auth/user')).toBe(1)
  expect(screen.queryByRole('region')).toBeNull()
})

test('shows a message if the deletion fails, and lets the user try again', async () => {
  const user = userEvent.setup()
  offer('delete')
  server.answerNext('DELETE /auth/user', failure(500, 'server_error'))
  render(page())
  await user.click(await screen.findByText('Delete account', { selector: 'summary' }))
  await user.click(button('Delete permanently'))
  expect((await screen.findByRole('alert')).textContent).toBe(
    'Something went wrong on our end. Try again.',
  )
  expect(screen.getByLabelText("Test Person's account")).not.toBeNull()
  await user.click(button('Delete permanently'))
  await screen.findByText('Signed out here')
})

test('deletes the account only once on a double click', async () => {
  const user = userEvent.setup()
  offer('delete')
  const slow = gate()
  server.answerNext(
    'DELETE /auth/user',
    slow.before(() => {
      server.session = signedOut
      return new Response(null, { status: 204 })
    }),
  )
  render(page())
  await user.click(await screen.findByText('Delete account', { selector: 'summary' }))
  await user.dblClick(button('Delete permanently'))
  await act(async () => slow.open())
  await screen.findByText('Signed out here')
  expect(server.count('DELETE /auth/user')).toBe(1)
})

// Unexpected responses

const badSession = { ...device('session-1', 'Here', true), device: undefined }

test.each([
  ['sessions', { sessions: null }],
  ['sessions', { sessions: {} }],
  ['sessions', { sessions: [null] }],
  ['sessions', { sessions: [{ id: 'session-1' }] }],
  ['sessions', { sessions: [badSession] }],
  ['sessions', { sessions: [device('session-1', 'Here', true), { ...badSession, device: {} }] }],
  ['sessions', { sessions: [{ ...device('session-1', 'Here'), lastUsedAt: '2026' }] }],
  ['sessions', []],
  ['sessions', null],
  ['identities', {}],
  ['identities', { identities: 'none' }],
  ['identities', { identities: [{ ...identity('identity-1', 'bitbucket'), provider: 1 }] }],
  ['identities', { identities: [{ ...identity('identity-1', 'bitbucket'), name: { a: 1 } }] }],
  ['identities', { identities: [identity('identity-1', 'bitbucket'), 'second'] }],
] as const)('shows an error and a retry button if %s are %j', async (list, body) => {
  complaints.mockImplementation(() => {})
  const user = userEvent.setup()
  offer('export', list)
  server.answerNext(`GET /auth/${list}`, () => Response.json(body))
  render(page())
  const alert = await screen.findByRole('alert')
  expect(alert.textContent).toBe("We couldn't load this.")
  expect(alert.dataset.code).toBe('bad_answer')
  expectComplaints('bad_answer')
  // The other parts are unchanged.
  expect(screen.getByRole('link', { name: 'Download' })).not.toBeNull()
  await user.click(button('Try again'))
  await waitFor(() => expect(screen.queryByRole('alert')).toBeNull())
  expect(server.count(`GET /auth/${list}`)).toBe(2)
})

test('renders all names as text', async () => {
  const hostile = '<img src=x onerror=alert(1)>{device}{provider}$&'
  offer('profile', 'identities', 'sessions')
  server.session = signedIn('session-1', hostile) as SessionBody
  server.sessions = [device('session-1', 'Here', true), device('session-2', hostile)]
  server.identities = [
    identity('identity-1', hostile, hostile),
    identity('identity-2', 'bitbucket'),
  ]
  render(page())
  const devices = await part("Where you're signed in")
  await within(devices).findByText(hostile)
  await screen.findByText(`You won't be able to sign in with ${hostile} anymore.`)
  expect(document.querySelector('img')).toBeNull()
  expect(screen.getByRole<HTMLInputElement>('textbox').value).toBe(hostile)
  const user = userEvent.setup()
  await user.click(button(`Sign out ${hostile}`))
  await screen.findByText(`${hostile} is signed out.`)
  expect(document.querySelector('img')).toBeNull()
})

test('ignores late responses after it is unmounted', async () => {
  offer('sessions')
  const slow = gate()
  server.answerNext('GET /auth/sessions', slow.before(failure(503, 'unavailable')))
  const { unmount } = render(page())
  await waitFor(() => expect(server.count('GET /auth/sessions')).toBe(1))
  unmount()
  slow.open()
  await new Promise((resolve) => setTimeout(resolve))
  expect(complaints).not.toHaveBeenCalled()
})

test("uses the app's texts, and formats dates in its language", async () => {
  offer('sessions')
  server.sessions = [device('session-1', 'Firefox', true), device('session-2', null)]
  const texts = {
    language: 'de',
    since: 'Seit {date}',
    unknownDevice: 'Irgendwo',
    signOutDevice: '{device} abmelden',
    deviceSignedOut: '{device} ist abgemeldet.',
  }
  render(
    <AuthProvider initialSession={server.session} texts={texts}>
      <UserProfile />
    </AuthProvider>,
  )
  fireEvent.click(await screen.findByRole('button', { name: 'Irgendwo abmelden' }))
  await screen.findByText('Irgendwo ist abgemeldet.')
  expect(screen.getByText(/^Seit 02\.01\.2026, /)).not.toBeNull()
})

test('does not show the error of an earlier request again after a retry', async () => {
  const user = userEvent.setup()
  offer('profile')
  const slow = gate()
  server.answerNext('GET /auth/session', failure(503, 'unavailable'))
  server.answerNext('GET /auth/providers', failure(503, 'unavailable'))
  server.answerNext(
    'GET /auth/providers',
    slow.before(() => Response.json(server.providers)),
  )
  render(
    <AuthProvider>
      <UserProfile />
    </AuthProvider>,
  )
  await screen.findByRole('alert')
  await settle()
  await user.click(button('Try again'))
  await screen.findByText('test.person@example.com')
  expect(screen.queryByRole('alert')).toBeNull()
  expect(screen.queryByText('Loading…')).not.toBeNull()
  await act(async () => slow.open())
  await part('Profile')
  expectLoggedErrors()
})
