import { act, cleanup, render, screen, waitFor } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { createRef, StrictMode } from 'react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { AuthProvider } from './auth-provider.tsx'
import { SignIn } from './sign-in.tsx'
import { SignedOut } from './signed-in.tsx'
import {
  type FakeServer,
  failure,
  gate,
  indexHtml,
  nobody,
  provider,
  somebody,
  startFakeServer,
} from './testing/fake-server.ts'
import { english } from './texts.ts'

const complaints = vi.spyOn(console, 'error')
let server: FakeServer

beforeEach(() => {
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

test('the card shows a button for each provider that the server offers', async () => {
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

test('while the server thinks, the card says so to those who cannot see it', async () => {
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

test('the provider used last is marked, for eyes and for ears', async () => {
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

test('an app that names its providers needs no answer from the server', () => {
  render(<SignIn providers={['forge', 'bitbucket']} returnTo="/inbox" />)
  expect(links()).toEqual([
    ['Continue with forge', '/auth/forge/start?return_to=%2Finbox'],
    ['Continue with Bitbucket', '/auth/bitbucket/start?return_to=%2Finbox'],
  ])
  expect(server.requests).toEqual([])
})

test('a server that offers nothing is said in words', async () => {
  server.providers = { providers: [], lastUsed: null, account: [] }
  render(<SignIn />)
  await screen.findByText('Nobody can sign in at the moment.')
})

test.each([
  ['is in trouble', failure(503, 'unavailable'), 'unavailable'],
  ['sends its front page', indexHtml, 'bad_answer'],
  [
    'knows no marks',
    () => Response.json({ providers: [{ id: 'a' }], lastUsed: null, account: [] }),
    'bad_answer',
  ],
])(
  'a server that %s is said in words, with a way on for the keyboard too',
  async (_, answer, code) => {
    complaints.mockImplementation(() => {})
    const user = userEvent.setup()
    server.answerNext('GET /auth/providers', answer)
    render(<SignIn />)
    const alert = await screen.findByRole('alert')
    expect(alert.textContent).toBe('This could not be loaded. Please try again.')
    expect(alert.dataset.code).toBe(code)
    expect(complaints).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code }))
    complaints.mockReset()

    await user.tab()
    await user.keyboard('{Enter}')
    await screen.findByRole('link', { name: 'Continue with Bitbucket' })
    expect(screen.queryByRole('alert')).toBeNull()
    expect(document.activeElement?.className).toBe('latchkey-part')
    await user.tab()
    expect(document.activeElement).toBe(screen.getByRole('link'))
  },
)

test('a person who cancelled reads so, and a reload does not repeat it', async () => {
  const state = { router: 'its own' }
  history.replaceState(state, '', '/sign-in?q=a%20b&auth_error=access_denied&flag#part')
  render(<SignIn providers={['bitbucket']} />)
  expect((await screen.findByRole('alert')).textContent).toBe(
    'You cancelled the sign-in. Nothing was changed.',
  )
  expect(address()).toBe('/sign-in?q=a%20b&flag#part')
  expect(history.state).toEqual(state)
  expect(screen.getByRole('link', { name: 'Continue with Bitbucket' })).not.toBeNull()
})

test('an address with nothing but the error ends without a question mark', async () => {
  history.replaceState(null, '', '/sign-in?auth_error=flow_expired')
  render(
    <StrictMode>
      <SignIn providers={['bitbucket']} />
    </StrictMode>,
  )
  expect((await screen.findByRole('alert')).textContent).toBe(
    'The sign-in took too long. Please try again.',
  )
  expect(address()).toBe('/sign-in')
})

test.each(['made_up', 'constructor', '<img src=x onerror=alert(1)>'])(
  'a code that no server sends, %s, becomes a general sentence',
  async (code) => {
    history.replaceState(null, '', `/sign-in?auth_error=${encodeURIComponent(code)}`)
    render(<SignIn providers={['bitbucket']} />)
    expect((await screen.findByRole('alert')).textContent).toBe(
      'The sign-in did not work. Please try again.',
    )
    expect(document.querySelector('img')).toBeNull()
  },
)

test('a page that renders on a server passes the code itself', async () => {
  history.replaceState(null, '', '/sign-in?auth_error=flow_used')
  render(<SignIn providers={['bitbucket']} authError="flow_used" />)
  expect(screen.getByRole('alert').textContent).toBe(
    'This sign-in was already completed. Please start again.',
  )
  await waitFor(() => expect(address()).toBe('/sign-in'))
  expect(screen.getAllByRole('alert')).toHaveLength(1)
})

test('where the person was going is handed on, unless the app says otherwise', async () => {
  history.replaceState(null, '', '/sign-in?return_to=%2Finbox%3Fa%3D1')
  const { rerender } = render(<SignIn providers={['bitbucket']} />)
  expect(links()).toEqual([
    ['Continue with Bitbucket', '/auth/bitbucket/start?return_to=%2Finbox%3Fa%3D1'],
  ])
  expect(address()).toBe('/sign-in?return_to=%2Finbox%3Fa%3D1')
  rerender(<SignIn providers={['bitbucket']} returnTo="/home" />)
  expect(links()).toEqual([['Continue with Bitbucket', '/auth/bitbucket/start?return_to=%2Fhome']])
})

test('an attacker who wrote the return address reaches the server with it, and nothing else', () => {
  history.replaceState(null, '', '/sign-in?return_to=javascript%3Aalert(1)')
  render(<SignIn providers={['bitbucket']} />)
  expect(links()).toEqual([
    ['Continue with Bitbucket', '/auth/bitbucket/start?return_to=javascript%3Aalert%281%29'],
  ])
})

test('somebody who is signed in already sees who, and can sign out', async () => {
  const user = userEvent.setup()
  render(
    <AuthProvider initialSession={somebody()}>
      <SignIn providers={['bitbucket']} title="Sign in to Example" />
    </AuthProvider>,
  )
  expect(screen.getByRole('region', { name: 'You are signed in' }).textContent).toContain(
    'Test Persontest.person@example.com',
  )
  expect(screen.queryByRole('link')).toBeNull()
  await user.click(screen.getByRole('button', { name: 'Sign out' }))
  await screen.findByRole('link', { name: 'Continue with Bitbucket' })
  expect(screen.getByRole('heading', { name: 'Sign in to Example' })).not.toBeNull()
})

test('a person without a name and an address can still sign out', () => {
  const { user, session } = somebody()
  if (user === null) throw new Error('nobody')
  render(
    <AuthProvider initialSession={{ user: { ...user, name: null, email: null }, session }}>
      <SignIn providers={['bitbucket']} />
    </AuthProvider>,
  )
  expect(screen.getByRole('region', { name: 'You are signed in' }).textContent).toBe(
    'You are signed inSign out',
  )
})

test('its base path comes from the provider above', async () => {
  render(
    <AuthProvider basePath="/api" initialSession={nobody}>
      <SignIn />
    </AuthProvider>,
  )
  await screen.findByRole('link')
  expect(links()).toEqual([['Continue with Bitbucket', '/api/bitbucket/start']])
})

test('an app says it in its own words, for all or for one card', () => {
  const card = { errors: { access_denied: 'Maybe later.' }, continueWith: 'Use {provider}' }
  render(
    <AuthProvider initialSession={nobody} texts={{ signIn: 'Welcome', unknownError: 'Hm.' }}>
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

test('an app may give the card a class, attributes and a ref', () => {
  const ref = createRef<HTMLElement>()
  render(<SignIn ref={ref} providers={['bitbucket']} className="wide" id="card" />)
  expect(ref.current).toBe(screen.getByRole('region'))
  expect(ref.current?.className).toBe('latchkey-card wide')
  expect(ref.current?.id).toBe('card')
})

test('a late answer of a server that the card has left does not count', async () => {
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

test('an error names the company if the card shows one, and else begins with the provider', () => {
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
  ['one company', [provider('bitbucket', 'Bitbucket')], 'Bitbucket is asleep.'],
  [
    'two',
    [provider('bitbucket', 'Bitbucket'), provider('forge', 'Example Forge')],
    'The provider is asleep.',
  ],
])(
  'an error on a card whose server offers %s is said once, when that is known',
  async (_, providers, sentence) => {
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
  },
)

test('a sentence of an app may speak of the provider, in the words of the app', () => {
  const texts = {
    unknownProvider: 'Unser Anbieter',
    errors: { provider_refused: 'Nein. {provider} will nicht.' },
  }
  render(<SignIn providers={['a', 'b']} authError="provider_refused" texts={texts} />)
  expect(screen.getByRole('alert').textContent).toBe('Nein. Unser Anbieter will nicht.')
})

test('a card that appears when nobody turns out to be signed in still says what failed', async () => {
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

test('the card asks for its buttons while it waits to hear who is signed in', async () => {
  const slow = gate()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(nobody)),
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

test('no sentence of the table is shown with a gap in it', () => {
  for (const code of Object.keys(english.errors)) {
    const { unmount } = render(<SignIn providers={['bitbucket']} authError={code} />)
    expect(screen.getByRole('alert').textContent).not.toMatch(/[{}]/)
    unmount()
  }
})

test('while it is not known who is signed in, the card shows no button to a signed-in person', async () => {
  const slow = gate()
  server.session = somebody()
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
  await screen.findByRole('heading', { name: 'You are signed in' })
  expect(screen.queryByRole('link')).toBeNull()
})

test('an error leaves the address bar too if the person is signed in by then', async () => {
  server.session = somebody()
  history.replaceState({ kept: true }, '', '/?a=b&auth_error=access_denied#top')
  render(<AuthProvider>A page without a card</AuthProvider>)
  await waitFor(() => expect(address()).toBe('/?a=b#top'))
  expect(history.state).toEqual({ kept: true })
})

test('an error stays in the address bar of a signed-out page without a card, for whoever reads it', async () => {
  history.replaceState(null, '', '/?auth_error=access_denied')
  render(<AuthProvider>A page without a card</AuthProvider>)
  await waitFor(() => expect(server.count('GET /auth/session')).toBe(1))
  expect(address()).toBe('/?auth_error=access_denied')
})
