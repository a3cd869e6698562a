import { act, cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { Activity, createRef, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SignedIn, SignedOut } from '../guards/signed-in.tsx'
import { english } from '../locales/en.ts'
import { AuthProvider } from '../session/auth-provider.tsx'
import { SignOutButton } from '../sign-out/sign-out-button.tsx'
import { teachDialogs } from '../testing/fake-browser.ts'
import {
  type FakeServer,
  failure,
  gate,
  indexHtml,
  provider,
  signedIn,
  signedOut,
  startFakeServer,
} from '../testing/fake-server.ts'
import { SignIn } from './sign-in.tsx'

/** For each click that reached the browser: whether it would have navigated. */
let navigations: boolean[] = []

function browser(event: Event): void {
  navigations.push(!event.defaultPrevented)
  event.preventDefault()
}

const complaints = vi.spyOn(console, 'error')
let server: FakeServer

teachDialogs()

beforeEach(() => {
  navigations = []
  server = startFakeServer()
  history.replaceState(null, '', '/sign-in')
})

afterEach(() => {
  cleanup()
  server.close()
  expect(complaints).not.toHaveBeenCalled()
})

function links(): [string, string | null][] {
  return screen.getAllByRole('link').map((a) => [a.textContent, a.getAttribute('href')])
}

function address(): string {
  return location.pathname + location.search + location.hash
}

test("shows a button for each of the server's providers", async () => {
  const linkOnly = { ...provider('chat', 'Example Chat'), signIn: false, signUp: false }
  server.providers = {
    providers: [provider('bitbucket', 'Bitbucket'), linkOnly, provider('forge', 'Example Forge')],
    lastUsed: null,
    account: [],
  }
  render(<SignIn basePath="/api" />)
  await screen.findByRole('link', { name: 'Continue with Example Forge' })
  expect(screen.getByRole('region', { name: 'Sign in' })).not.toBeNull()
  expect(links()).toEqual([
    ['Continue with Bitbucket', '/api/bitbucket/start'],
    ['Continue with Example Forge', '/api/forge/start'],
  ])
})

test('announces that the providers are loading', async () => {
  const slow = gate()
  server.answerNext(
    'GET /auth/providers',
    slow.before(() => Response.json(server.providers)),
  )
  render(<SignIn />)
  expect(screen.getByText('Loading…').parentElement?.role).toBe('status')
  slow.open()
  await screen.findByRole('link', { name: 'Continue with Bitbucket' })
  expect(screen.queryByText('Loading…')).toBeNull()
})

test('marks the last-used provider, including for screen readers', async () => {
  server.providers = {
    providers: [provider('bitbucket', 'Bitbucket'), provider('forge', 'Example Forge')],
    lastUsed: 'forge',
    account: [],
  }
  render(<SignIn />)
  const link = await screen.findByRole('link', { name: 'Continue with Example Forge' })
  const badge = screen.getByText('Last used')
  expect(link.getAttribute('aria-describedby')).toBe(badge.id)
  expect(
    screen.getByRole('link', { name: 'Continue with Bitbucket' }).hasAttribute('aria-describedby'),
  ).toBe(false)
})

test('sends no request if the app lists the providers', () => {
  render(<SignIn providers={['forge', 'bitbucket']} returnTo="/inbox" />)
  expect(links()).toEqual([
    ['Continue with forge', '/auth/forge/start?return_to=%2Finbox'],
    ['Continue with Bitbucket', '/auth/bitbucket/start?return_to=%2Finbox'],
  ])
  expect(server.requests).toEqual([])
})

test('shows a message if the server has no providers', async () => {
  server.providers = { providers: [], lastUsed: null, account: [] }
  render(<SignIn />)
  await screen.findByText('Sign-in is currently unavailable.')
})

test.each([
  ['responds with 503', failure(503, 'unavailable'), 'unavailable'],
  ['sends an HTML page', indexHtml, 'bad_answer'],
  [
    'returns no marks',
    () => Response.json({ providers: [{ id: 'a' }], lastUsed: null, account: [] }),
    'bad_answer',
  ],
])(
  'if the server %s, shows an error and a retry button that also works with the keyboard',
  async (_, answer, code) => {
    complaints.mockImplementation(() => {})
    const user = userEvent.setup()
    server.answerNext('GET /auth/providers', answer)
    render(<SignIn />)
    const alert = await screen.findByRole('alert')
    expect(alert.textContent).toBe("We couldn't load this.")
    expect(alert.dataset.code).toBe(code)
    expect(complaints).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code }))
    complaints.mockReset()

    await user.tab()
    await user.keyboard('{Enter}')
    await screen.findByRole('link', { name: 'Continue with Bitbucket' })
    expect(screen.queryByRole('alert')).toBeNull()
    expect(document.activeElement?.className).toBe('latchkey-card')
    await user.tab()
    expect(document.activeElement).toBe(screen.getByRole('link'))
  },
)

test('shows that the user cancelled, and does not repeat it after a reload', async () => {
  const state = { router: 'its own' }
  history.replaceState(
    state,
    '',
    '/sign-in?q=/?auth_error=a%20b&auth_error=access_denied&flag#part',
  )
  render(<SignIn providers={['bitbucket']} />)
  expect((await screen.findByRole('alert')).textContent).toBe('You cancelled the sign-in.')
  expect(address()).toBe('/sign-in?q=/?auth_error=a%20b&flag#part')
  expect(history.state).toEqual(state)
  expect(screen.getByRole('link', { name: 'Continue with Bitbucket' })).not.toBeNull()
})

test.each([
  ['gets its providers from the app', ['forge', 'bitbucket']],
  ['gets its providers from the server', undefined],
])(
  "shows the application's own message about a refused sign-in on a card that %s",
  async (_what, providers) => {
    history.replaceState(null, '', '/sign-in?auth_error=refused')
    server.providers = { ...server.providers, refusal: 'Ask <your> team lead.' }
    render(<SignIn providers={providers} />)
    const alert = await screen.findByText('Ask <your> team lead.')
    expect(alert.closest('[data-code]')?.getAttribute('data-code')).toBe('refused')
  },
)

test.each([
  ['responds with 503', failure(503, 'unavailable')],
  ['sends no sentence', () => Response.json(server.providers)],
])('shows our own sentence about a refused sign-in if the server %s', async (_, answer) => {
  complaints.mockImplementation(() => {})
  history.replaceState(null, '', '/sign-in?auth_error=refused')
  server.answerNext('GET /auth/providers', answer)
  render(<SignIn providers={['bitbucket']} />)
  await screen.findByText("You can't sign in here. Contact the site's administrator.")
  complaints.mockReset()
})

test('removes the question mark if the query contains only the error', async () => {
  history.replaceState(null, '', '/sign-in?auth_error=flow_expired')
  render(
    <StrictMode>
      <SignIn providers={['bitbucket']} />
    </StrictMode>,
  )
  expect((await screen.findByRole('alert')).textContent).toBe('Your sign-in timed out. Try again.')
  expect(address()).toBe('/sign-in')
})

test.each(['made_up', 'constructor', '<img src=x onerror=alert(1)>'])(
  'shows a general message for the unknown code %s',
  async (code) => {
    history.replaceState(null, '', `/sign-in?auth_error=${encodeURIComponent(code)}`)
    render(<SignIn providers={['bitbucket']} />)
    expect((await screen.findByRole('alert')).textContent).toBe(
      "We couldn't sign you in. Try again.",
    )
    expect(document.querySelector('img')).toBeNull()
  },
)

test('shows the authError of a server-rendered page', async () => {
  history.replaceState(null, '', '/sign-in?auth_error=flow_used')
  render(<SignIn providers={['bitbucket']} authError="flow_used" />)
  expect(screen.getByRole('alert').textContent).toBe(
    'This sign-in has already been completed. Start again.',
  )
  await waitFor(() => expect(address()).toBe('/sign-in'))
  expect(screen.getAllByRole('alert')).toHaveLength(1)
})

test('passes return_to on, unless the app sets returnTo', async () => {
  history.replaceState(null, '', '/sign-in?return_to=%2Finbox%3Fa%3D1')
  const { rerender } = render(<SignIn providers={['bitbucket']} />)
  expect(links()).toEqual([
    ['Continue with Bitbucket', '/auth/bitbucket/start?return_to=%2Finbox%3Fa%3D1'],
  ])
  expect(address()).toBe('/sign-in?return_to=%2Finbox%3Fa%3D1')
  rerender(<SignIn providers={['bitbucket']} returnTo="/home" />)
  expect(links()).toEqual([['Continue with Bitbucket', '/auth/bitbucket/start?return_to=%2Fhome']])
})

test('passes a hostile return_to only to the server', () => {
  history.replaceState(null, '', '/sign-in?return_to=javascript%3Aalert(1)')
  render(<SignIn providers={['bitbucket']} />)
  expect(links()).toEqual([
    ['Continue with Bitbucket', '/auth/bitbucket/start?return_to=javascript%3Aalert%281%29'],
  ])
})

test('shows the user and a sign-out button when signed in', async () => {
  const user = userEvent.setup()
  render(
    <AuthProvider initialSession={signedIn()}>
      <SignIn providers={['bitbucket']} title="Sign in to Example" />
    </AuthProvider>,
  )
  expect(screen.getByRole('region', { name: "You're signed in" }).textContent).toContain(
    'Test Persontest.person@example.com',
  )
  expect(screen.queryByRole('link')).toBeNull()
  await user.click(screen.getByRole('button', { name: 'Sign out' }))
  await screen.findByRole('link', { name: 'Continue with Bitbucket' })
  expect(screen.getByRole('heading', { name: 'Sign in to Example' })).not.toBeNull()
})

test('shows a sign-out button to a user who has neither a name nor an address', () => {
  const { user, session } = signedIn()
  if (user === null) throw new Error('The user is signed out.')
  render(
    <AuthProvider initialSession={{ user: { ...user, name: null, email: null }, session }}>
      <SignIn providers={['bitbucket']} />
    </AuthProvider>,
  )
  expect(screen.getByRole('region', { name: "You're signed in" }).textContent).toBe(
    "You're signed inSign out",
  )
})

test('uses the base path of the <AuthProvider>', async () => {
  render(
    <AuthProvider basePath="/api" initialSession={signedOut}>
      <SignIn />
    </AuthProvider>,
  )
  await screen.findByRole('link')
  expect(links()).toEqual([['Continue with Bitbucket', '/api/bitbucket/start']])
})

test("uses the app's texts, for all components or for one card", () => {
  const card = { errors: { access_denied: 'Maybe later.' }, continueWith: 'Use {provider}' }
  render(
    <AuthProvider initialSession={signedOut} texts={{ signIn: 'Welcome', unknownError: 'Hm.' }}>
      <SignIn providers={['bitbucket']} authError="access_denied" texts={card} />
      <SignIn providers={['bitbucket']} authError="made_up" title="Again" />
    </AuthProvider>,
  )
  expect(screen.getByRole('region', { name: 'Welcome' }).textContent).toBe(
    'WelcomeMaybe later.Use Bitbucket',
  )
  expect(screen.getByRole('region', { name: 'Again' }).textContent).toBe(
    'AgainHm.Continue with Bitbucket',
  )
})

test('accepts a class, attributes and a ref', () => {
  const ref = createRef<HTMLElement>()
  render(<SignIn ref={ref} providers={['bitbucket']} className="wide" id="card" />)
  expect(ref.current).toBe(screen.getByRole('region'))
  expect(ref.current?.className).toBe('latchkey-card wide')
  expect(ref.current?.id).toBe('card')
})

test('ignores a late response for another base path', async () => {
  const slow = gate()
  server.answerNext(
    'GET /old/providers',
    slow.before(() => Response.json({ providers: [], lastUsed: null, account: [] })),
  )
  const { rerender } = render(<SignIn basePath="/old" />)
  rerender(<SignIn basePath="/new" />)
  await screen.findByRole('link')
  await act(async () => slow.open())
  expect(links()).toEqual([['Continue with Bitbucket', '/new/bitbucket/start']])
})

test('names the provider in an error if the card shows only one, and otherwise says "The provider"', () => {
  const texts = { errors: { provider_unavailable: '{provider} is asleep.' } }
  const card = (providers: string[]) => (
    <SignIn providers={providers} authError="provider_unavailable" texts={texts} />
  )
  const { rerender } = render(card(['bitbucket']))
  expect(screen.getByRole('alert').textContent).toBe('Bitbucket is asleep.')
  rerender(card(['forge']))
  expect(screen.getByRole('alert').textContent).toBe('forge is asleep.')
  rerender(card(['bitbucket', 'forge']))
  expect(screen.getByRole('alert').textContent).toBe('The provider is asleep.')
})

test.each([
  ['one provider', [provider('bitbucket', 'Bitbucket')], 'Bitbucket is asleep.'],
  [
    'two providers',
    [provider('bitbucket', 'Bitbucket'), provider('forge', 'Example Forge')],
    'The provider is asleep.',
  ],
])('announces an error once, after the server has returned %s', async (_, providers, sentence) => {
  const slow = gate()
  server.answerNext(
    'GET /auth/providers',
    slow.before(() => Response.json({ providers, lastUsed: null, account: [] })),
  )
  history.replaceState(null, '', '/sign-in?auth_error=provider_unavailable')
  const texts = { errors: { provider_unavailable: '{provider} is asleep.' } }
  render(<SignIn texts={texts} />)
  expect(screen.queryByRole('alert')).toBeNull()
  slow.open()
  expect((await screen.findByRole('alert')).textContent).toBe(sentence)
  expect(address()).toBe('/sign-in')
})

test("inserts the provider's name, or the app's unknownProvider, into the app's messages", () => {
  const texts = {
    unknownProvider: 'Unser Anbieter',
    errors: { provider_refused: 'Nein. {provider} will nicht.' },
  }
  render(<SignIn providers={['a', 'b']} authError="provider_refused" texts={texts} />)
  expect(screen.getByRole('alert').textContent).toBe('Nein. Unser Anbieter will nicht.')
})

test('shows the error on a card that appears when the session is known', async () => {
  history.replaceState(null, '', '/?auth_error=access_denied')
  render(
    <StrictMode>
      <AuthProvider>
        <SignedOut>
          <SignIn providers={['bitbucket']} />
        </SignedOut>
      </AuthProvider>
    </StrictMode>,
  )
  expect(screen.queryByRole('region')).toBeNull()
  expect((await screen.findByRole('alert')).dataset.code).toBe('access_denied')
  expect(address()).toBe('/')
})

test('requests the providers in parallel with the session', async () => {
  const slow = gate()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(signedOut)),
  )
  render(
    <AuthProvider>
      <SignIn />
    </AuthProvider>,
  )
  await waitFor(() => expect(server.count('GET /auth/providers')).toBe(1))
  const status = screen.getByText('Loading…')
  await act(() => new Promise((resolve) => setTimeout(resolve)))
  expect(screen.getByText('Loading…')).toBe(status)
  expect(screen.queryByRole('link')).toBeNull()
  slow.open()
  await screen.findByRole('link', { name: 'Continue with Bitbucket' })
  expect(server.count('GET /auth/providers')).toBe(1)
})

test('fills the placeholder in every message', async () => {
  for (const code of Object.keys(english.errors)) {
    const { unmount } = render(<SignIn providers={['bitbucket']} authError={code} />)
    const alert = await screen.findByRole('alert')
    expect(alert.textContent).not.toMatch(/[{}]/)
    unmount()
  }
})

test('shows no sign-in button to a signed-in user while the session loads', async () => {
  const slow = gate()
  server.session = signedIn()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(server.session)),
  )
  render(
    <AuthProvider>
      <SignIn providers={['bitbucket']} />
    </AuthProvider>,
  )
  expect(screen.getByText('Loading…')).not.toBeNull()
  expect(screen.queryByRole('link')).toBeNull()
  await act(async () => slow.open())
  await screen.findByRole('heading', { name: "You're signed in" })
  expect(screen.queryByRole('link')).toBeNull()
})

test('removes the error from the address bar if the user is signed in', async () => {
  server.session = signedIn()
  history.replaceState({ kept: true }, '', '/?a=b&auth_error=access_denied#top')
  render(<AuthProvider>A page without a card</AuthProvider>)
  await waitFor(() => expect(address()).toBe('/?a=b#top'))
  expect(history.state).toEqual({ kept: true })
})

test('leaves the error in the address bar of a signed-out page without a card', async () => {
  history.replaceState(null, '', '/?auth_error=access_denied')
  render(<AuthProvider>A page without a card</AuthProvider>)
  await waitFor(() => expect(server.count('GET /auth/session')).toBe(1))
  expect(address()).toBe('/?auth_error=access_denied')
})

test('shows logo, description and footer', () => {
  render(
    <SignIn
      providers={['bitbucket']}
      logo={<img src="/logo.svg" alt="Example" />}
      title={
        <>
          Sign in to <em>Example</em>
        </>
      }
      description="To see your reports."
      footer={<a href="/terms">Terms</a>}
    />,
  )
  const card = screen.getByRole('region', { name: 'Sign in to Example' })
  expect(card.textContent).toBe(
    'Sign in to ExampleTo see your reports.Continue with BitbucketTerms',
  )
  expect(within(card).getByRole('img', { name: 'Example' })).not.toBeNull()
  expect(links().map(([text]) => text)).toEqual(['Continue with Bitbucket', 'Terms'])
})

test('hides description and footer when signed in', () => {
  render(
    <AuthProvider initialSession={signedIn()}>
      <SignIn
        providers={['bitbucket']}
        logo={<b>Example</b>}
        description="To see your reports."
        footer="Terms"
      />
    </AuthProvider>,
  )
  expect(screen.getByRole('region').textContent).toBe(
    "ExampleYou're signed inTTest Persontest.person@example.comSign out",
  )
})

test('with purpose="sign-up", shows a different title and only the providers that accept new users', async () => {
  server.providers = {
    providers: [
      { ...provider('bitbucket', 'Bitbucket'), signUp: false },
      { ...provider('forge', 'Example Forge'), signIn: false },
      { ...provider('chat', 'Example Chat'), signIn: false, signUp: false },
    ],
    lastUsed: null,
    account: [],
  }
  render(<SignIn purpose="sign-up" returnTo="/welcome" />)
  expect(screen.getByRole('heading', { name: 'Create your account' })).not.toBeNull()
  await screen.findByRole('link', { name: 'Continue with Example Forge' })
  expect(links()).toEqual([
    ['Continue with Example Forge', '/auth/forge/start?return_to=%2Fwelcome'],
  ])
})

test('with purpose="sign-up", shows a message if no provider accepts new users', async () => {
  server.providers = {
    providers: [{ ...provider('bitbucket', 'Bitbucket'), signUp: false }],
    lastUsed: 'bitbucket',
    account: [],
  }
  render(<SignIn purpose="sign-up" title="Join" />)
  await screen.findByText('Sign-in is currently unavailable.')
  expect(screen.getByRole('region', { name: 'Join' })).not.toBeNull()
})

test('announces the navigation to the provider', async () => {
  document.addEventListener('click', browser)
  const user = userEvent.setup()
  server.providers = {
    providers: [provider('bitbucket', 'Bitbucket'), provider('forge', '<b>{provider}</b>')],
    lastUsed: null,
    account: [],
  }
  render(<SignIn />)
  const button = await screen.findByRole('link', { name: 'Continue with <b>{provider}</b>' })
  const announced = () => screen.getAllByRole('status').map(({ textContent }) => textContent)
  expect(announced()).toEqual(['', ''])
  // A new tab: this page does not navigate.
  fireEvent.click(button, { ctrlKey: true })
  expect(announced()).toEqual(['', ''])
  await user.click(button)
  document.removeEventListener('click', browser)
  expect(announced()).toEqual(['', 'Opening <b>{provider}</b>…'])
  // The page stays after all, so the next attempt is announced again.
  act(() => void window.dispatchEvent(new Event('focus')))
  expect(announced()).toEqual(['', ''])
})

test('passes the variant to its buttons', () => {
  render(<SignIn providers={['bitbucket', 'forge']} variant="brand" />)
  expect(screen.getAllByRole('link').map(({ dataset }) => dataset.variant)).toEqual([
    'brand',
    'brand',
  ])
})

function trigger(name = 'Sign in'): HTMLElement {
  return screen.getByRole('link', { name })
}

test.each(['click', 'key'] as const)(
  'dialog: opens with a %s, and is named after its title',
  async (how) => {
    const user = userEvent.setup()
    render(
      <SignIn
        display="modal"
        trigger="Log in"
        title="Sign in to Example"
        providers={['bitbucket']}
      />,
    )
    expect(screen.queryByRole('dialog')).toBeNull()
    expect(screen.queryByRole('region')).toBeNull()
    if (how === 'click') await user.click(trigger('Log in'))
    else {
      await user.tab()
      expect(document.activeElement).toBe(trigger('Log in'))
      await user.keyboard('{Enter}')
    }
    const card = within(screen.getByRole('dialog')).getByRole('region', {
      name: 'Sign in to Example',
    })
    expect(within(card).getByRole('link', { name: 'Continue with Bitbucket' })).not.toBeNull()
  },
)

test("dialog: labels the button according to its purpose, using the app's texts", () => {
  const card = { providers: ['bitbucket'], display: 'modal' } as const
  render(
    <AuthProvider initialSession={signedOut} texts={{ signIn: 'Anmelden' }}>
      <SignIn {...card} />
      <SignIn {...card} purpose="sign-up" />
      <SignIn {...card} texts={{ signIn: 'Hier entlang' }} />
    </AuthProvider>,
  )
  expect(links().map(([text]) => text)).toEqual(['Anmelden', 'Create your account', 'Hier entlang'])
})

test("dialog: the button is a link to the server's page, so it can open in a new tab", () => {
  document.addEventListener('click', browser)
  render(<SignIn display="modal" basePath="/api" returnTo="/café" providers={['bitbucket']} />)
  expect(links()).toEqual([['Sign in', '/api/sign-in?return_to=%2Fcaf%25C3%25A9']])
  for (const init of [
    { ctrlKey: true },
    { metaKey: true },
    { shiftKey: true },
    { altKey: true },
    { button: 1 },
  ]) {
    fireEvent.click(trigger(), init)
  }
  document.removeEventListener('click', browser)
  expect(navigations).toEqual([true, true, true, true, true])
  expect(screen.queryByRole('dialog')).toBeNull()
})

test('dialog: sends one request when it opens, and none before', async () => {
  const user = userEvent.setup()
  render(<SignIn display="modal" />)
  await user.tab()
  expect(server.requests).toEqual([])
  for (let times = 0; times < 2; times++) {
    await user.click(trigger())
    await screen.findByRole('link', { name: 'Continue with Bitbucket' })
    await user.click(screen.getByRole('button', { name: 'Close' }))
  }
  expect(server.count('GET /auth/providers')).toBe(1)
})

test('dialog: returns to the current page after signing in', async () => {
  history.replaceState(null, '', '/articles/5?page=2#notes')
  render(<SignIn display="modal" providers={['bitbucket']} />)
  await userEvent.click(trigger())
  expect(screen.getByRole('link', { name: /Bitbucket/ }).getAttribute('href')).toBe(
    '/auth/bitbucket/start?return_to=%2Farticles%2F5%3Fpage%3D2%23notes',
  )
})

test('dialog: does not return to the error that opened it', async () => {
  history.replaceState(null, '', '/articles/5?auth_error=access_denied&q=why?')
  render(<SignIn display="modal" providers={['bitbucket']} />)
  await screen.findByRole('dialog')
  expect(screen.getByRole('link', { name: /Bitbucket/ }).getAttribute('href')).toBe(
    '/auth/bitbucket/start?return_to=%2Farticles%2F5%3Fq%3Dwhy%3F',
  )
})

test("dialog: opens from the app's own link", async () => {
  render(
    <SignIn
      display="modal"
      providers={['bitbucket']}
      returnTo="/inbox"
      trigger={(props) => <a {...props} className="own" data-kind="header" />}
    />,
  )
  const own = trigger()
  expect([own.className, own.dataset.kind, own.getAttribute('href')]).toEqual([
    'own',
    'header',
    '/auth/sign-in?return_to=%2Finbox',
  ])
  await userEvent.click(own)
  expect(screen.queryByRole('dialog')).not.toBeNull()
})

test('dialog: closes on a click on its button or outside, but not on a click inside', async () => {
  const user = userEvent.setup()
  render(<SignIn display="modal" providers={['bitbucket']} texts={{ close: 'Schließen' }} />)
  await user.click(trigger())
  await user.click(screen.getByRole('heading'))
  expect(screen.queryByRole('dialog')).not.toBeNull()
  await user.click(screen.getByRole('button', { name: 'Schließen' }))
  expect(screen.queryByRole('dialog')).toBeNull()
  await user.click(trigger())
  // A click on the backdrop targets the dialog.
  await user.click(screen.getByRole('dialog'))
  expect(screen.queryByRole('dialog')).toBeNull()
})

test('dialog: passes attributes, class and ref to the card', async () => {
  const ref = createRef<HTMLElement>()
  render(<SignIn display="modal" ref={ref} className="wide" id="card" providers={['bitbucket']} />)
  await userEvent.click(trigger())
  expect(ref.current).toBe(screen.getByRole('region'))
  expect(ref.current?.className).toBe('latchkey-card wide')
  expect(ref.current?.id).toBe('card')
})

test('dialog: opens after a failed sign-in and shows the error once', async () => {
  history.replaceState(null, '', '/?auth_error=access_denied&return_to=%2Finbox')
  render(
    <StrictMode>
      <AuthProvider initialSession={signedOut}>
        <SignIn display="modal" providers={['bitbucket']} />
      </AuthProvider>
    </StrictMode>,
  )
  const dialog = await screen.findByRole('dialog')
  expect(within(dialog).getByRole('alert').dataset.code).toBe('access_denied')
  expect(
    within(dialog).getByRole('link', { name: 'Continue with Bitbucket' }).getAttribute('href'),
  ).toBe('/auth/bitbucket/start?return_to=%2Finbox')
  await waitFor(() => expect(address()).toBe('/?return_to=%2Finbox'))

  await userEvent.click(screen.getByRole('button', { name: 'Close' }))
  expect(screen.queryByRole('dialog')).toBeNull()
})

test('dialog: shows the error even if the address bar has lost it', async () => {
  history.replaceState(null, '', '/?auth_error=access_denied')
  const hurry = vi.spyOn(globalThis, 'setTimeout').mockImplementation((task: () => void) => {
    task()
    return 0 as unknown as ReturnType<typeof setTimeout>
  })
  render(<SignIn display="modal" providers={['bitbucket']} />)
  hurry.mockRestore()
  expect(address()).toBe('/')
  expect(within(screen.getByRole('dialog')).getByRole('alert').dataset.code).toBe('access_denied')
})

test.each([0, 1, 2, 3, 5, 8])(
  'dialog: closes if the user turns out to be signed in %i event-loop turns later',
  async (turns) => {
    server.session = signedIn()
    server.answerNext('GET /auth/session', async () => {
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
      return Response.json(server.session)
    })
    history.replaceState(null, '', '/?auth_error=access_denied')
    // As in a browser, React renders asynchronously.
    vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', false)
    const root = createRoot(document.body.appendChild(document.createElement('div')))
    root.render(
      <AuthProvider>
        <SignIn display="modal" providers={['bitbucket']} />
        <SignedIn>Hello</SignedIn>
      </AuthProvider>,
    )
    try {
      await vi.waitFor(() => expect(document.body.textContent).toContain('Hello'))
      // Lets React finish.
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      expect(document.querySelector('dialog')?.open).toBe(false)
    } finally {
      root.unmount()
      vi.unstubAllGlobals()
    }
  },
)

test('dialog: is closed when a hidden page is shown again', async () => {
  const page = (mode: 'visible' | 'hidden') => (
    <Activity mode={mode}>
      <SignIn display="modal" providers={['bitbucket']} />
    </Activity>
  )
  const { rerender } = render(page('visible'))
  await userEvent.click(trigger())
  await userEvent.click(screen.getByRole('button', { name: 'Close' }))
  rerender(page('hidden'))
  rerender(page('visible'))
  expect(screen.queryByRole('dialog')).toBeNull()
  await userEvent.click(trigger())
  rerender(page('hidden'))
  await waitFor(() => expect(document.querySelector('dialog')?.open).toBe(false))
  rerender(page('visible'))
  expect(screen.queryByRole('dialog')).toBeNull()
})

test('dialog: returns to the current path, not to the first one', async () => {
  history.replaceState(null, '', '/login?return_to=%2Fadmin')
  render(<SignIn display="modal" providers={['bitbucket']} />)
  const target = () => screen.getByRole('link', { name: /Bitbucket/ }).getAttribute('href')
  await userEvent.click(trigger())
  expect(target()).toBe('/auth/bitbucket/start?return_to=%2Fadmin')
  await userEvent.click(screen.getByRole('button', { name: 'Close' }))
  history.pushState(null, '', '/pricing?return_to=')
  await userEvent.click(trigger())
  expect(target()).toBe('/auth/bitbucket/start?return_to=%2Fpricing%3Freturn_to%3D')
})

test('dialog: closes after signing in, and stays closed after signing out', async () => {
  history.replaceState(null, '', '/?auth_error=access_denied')
  render(
    <AuthProvider initialSession={signedOut}>
      <SignIn display="modal" providers={['bitbucket']} />
      <SignedIn>
        <SignOutButton>Leave</SignOutButton>
      </SignedIn>
    </AuthProvider>,
  )
  await screen.findByRole('dialog')
  server.session = signedIn()
  act(() => {
    window.dispatchEvent(new Event('focus'))
  })
  const leave = await screen.findByRole('button', { name: 'Leave' })
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  await userEvent.click(leave)
  await waitFor(() => expect(screen.queryByRole('button', { name: 'Leave' })).toBeNull())
  expect(screen.queryByRole('dialog')).toBeNull()
})

test('dialog: does not open for an error that a card on the page shows', async () => {
  history.replaceState(null, '', '/?auth_error=access_denied')
  render(
    <>
      <SignIn display="modal" providers={['bitbucket']} />
      <SignIn providers={['bitbucket']} />
    </>,
  )
  expect((await screen.findByRole('alert')).closest('dialog')).toBeNull()
  expect(screen.queryByRole('dialog')).toBeNull()
})

test('dialog: does not remove the error of a server-rendered card before hydration', async () => {
  history.replaceState(null, '', '/?auth_error=access_denied')
  const sent = document.body.appendChild(document.createElement('section'))
  sent.className = 'latchkey-card'
  render(<SignIn display="modal" providers={['bitbucket']} />)
  // Wait for a turn in which the error could be removed.
  await new Promise((resolve) => setTimeout(resolve))
  expect(screen.queryByRole('dialog')).toBeNull()
  sent.remove()
  render(<SignIn providers={['bitbucket']} />)
  expect((await screen.findByRole('alert')).dataset.code).toBe('access_denied')
  await waitFor(() => expect(address()).toBe('/'))
})

test('dialog: does not open automatically in a hidden part of the page, and shows the error when the user opens it', async () => {
  history.replaceState(null, '', '/?auth_error=access_denied')
  const width = vi.spyOn(HTMLDialogElement.prototype, 'offsetWidth', 'get').mockReturnValue(0)
  render(<SignIn display="modal" providers={['bitbucket']} />)
  await waitFor(() => expect(address()).toBe('/'))
  expect(document.querySelector('dialog')?.open).toBe(false)
  width.mockRestore()
  await userEvent.click(trigger())
  expect(within(screen.getByRole('dialog')).getByRole('alert').dataset.code).toBe('access_denied')
})

test('dialog: stays open when a dialog inside it closes', async () => {
  const footer = <dialog aria-label="Terms">All of them</dialog>
  render(<SignIn display="modal" providers={['bitbucket']} footer={footer} />)
  await userEvent.click(trigger())
  const terms = document.querySelector<HTMLDialogElement>('dialog dialog')
  fireEvent(terms as HTMLDialogElement, new Event('close'))
  expect(screen.queryByRole('dialog', { name: 'Sign in' })).not.toBeNull()
})

test('shows an error and a retry button if the session cannot be loaded', async () => {
  server.answerNext('GET /auth/session', failure(503, 'unavailable'))
  render(
    <AuthProvider>
      <SignIn />
    </AuthProvider>,
  )
  expect((await screen.findByRole('alert')).dataset.code).toBe('unavailable')
  expect(screen.queryByRole('link')).toBeNull()
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }))
  await screen.findByRole('link', { name: 'Continue with Bitbucket' })
  expect(screen.queryByRole('alert')).toBeNull()
})

test('dialog: does not open for an old error when signed in', async () => {
  history.replaceState(null, '', '/?auth_error=access_denied')
  render(
    <AuthProvider initialSession={signedIn()}>
      <SignIn display="modal" providers={['bitbucket']} />
    </AuthProvider>,
  )
  await waitFor(() => expect(address()).toBe('/'))
  expect(screen.queryByRole('dialog')).toBeNull()
})
