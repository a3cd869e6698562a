import type { SessionBody } from '@latchkey/contract'
import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { Profiler, type ReactElement, StrictMode } from 'react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SignedIn, SignedOut } from '../guards/signed-in.tsx'
import {
  type FakeServer,
  failure,
  gate,
  indexHtml,
  nobody,
  somebody,
  startFakeServer,
  unreachable,
} from '../testing/fake-server.ts'
import { useAuth, useUser } from './auth-context.ts'
import { AuthProvider } from './auth-provider.tsx'

const complaints = vi.spyOn(console, 'error')
let server: FakeServer

beforeEach(() => {
  server = startFakeServer()
})

afterEach(() => {
  cleanup()
  vi.useRealTimers()
  server.close()
  expect(complaints).not.toHaveBeenCalled()
})

/** Says in words what the hooks say. */
function Page({ label = 'page' }: { label?: string }): ReactElement {
  const auth = useAuth()
  const user = useUser()
  return (
    <section aria-label={label} title={auth.status === 'error' ? auth.error.message : undefined}>
      <output>
        {auth.status} {user?.name}
        {auth.status === 'error' && auth.error.code}
      </output>
      {auth.status === 'error' && (
        <button type="button" onClick={auth.retry}>
          Retry
        </button>
      )}
      {auth.status === 'signed-in' && (
        <button
          type="button"
          onClick={() => void auth.signOut().catch((error) => alert(error.code))}
        >
          Leave
        </button>
      )}
    </section>
  )
}

function seen(label = 'page'): string {
  return screen.getByRole('region', { name: label }).querySelector('output')?.textContent ?? ''
}

async function comesTo(text: string, label = 'page'): Promise<void> {
  await waitFor(() => expect(seen(label).trim()).toBe(text))
}

function comeBack(): void {
  act(() => {
    document.dispatchEvent(new Event('visibilitychange'))
    window.dispatchEvent(new Event('focus'))
  })
}

/** Lets everything happen that is under way. */
async function settle(): Promise<void> {
  await act(() => new Promise((resolve) => setTimeout(resolve)))
}

test('a page learns from the server that somebody is signed in', async () => {
  server.session = somebody()
  render(
    <AuthProvider>
      <Page />
    </AuthProvider>,
  )
  expect(seen()).toBe('loading ')
  await comesTo('signed-in Test Person')
  expect(server.requests[0]?.init).toMatchObject({
    cache: 'no-store',
    signal: expect.any(AbortSignal),
  })
})

test.each([
  ['an error', { error: { code: 'unavailable', message: 'A sentence.' } }],
  ['an empty object', {}],
  ['half a session', { user: { id: 'user-1' }, session: null }],
  ['text', '<!doctype html>'],
])('a page that was rendered with %s does not know who is signed in, and asks', async (_, body) => {
  server.session = somebody()
  render(
    <AuthProvider initialSession={body as SessionBody}>
      <Page />
    </AuthProvider>,
  )
  expect(seen()).toBe('loading ')
  await comesTo('signed-in Test Person')
})

test.each([
  ['/auth/bitbucket/start', '/auth', 1],
  ['/auth/bitbucket/start', '/auth/', 1],
  ['/authors/1', '/auth', 0],
  ['/anything', '/', 0],
])(
  'a page at %s below %s warns that it is where the server should be: %i',
  async (path, basePath, times) => {
    const warnings = vi.spyOn(console, 'warn').mockImplementation(() => {})
    history.replaceState(null, '', path)
    render(
      <AuthProvider basePath={basePath} initialSession={null}>
        <Page />
      </AuthProvider>,
    )
    expect(warnings.mock.calls.flat().join()).toEqual(
      times === 0 ? '' : expect.stringContaining('navigateFallbackDenylist'),
    )
    warnings.mockRestore()
    history.replaceState(null, '', '/')
  },
)

test('a page learns that nobody is signed in', async () => {
  render(
    <AuthProvider basePath="/api">
      <Page />
    </AuthProvider>,
  )
  await comesTo('signed-out')
  expect(server.count('GET /api/session')).toBe(1)
})

test('strict mode starts everything twice and still asks once', async () => {
  render(
    <StrictMode>
      <AuthProvider>
        <Page />
      </AuthProvider>
    </StrictMode>,
  )
  await comesTo('signed-out')
  expect(server.count('GET /auth/session')).toBe(1)
})

test.each([
  ['a session', somebody(), 'signed-in Test Person'],
  ['nobody', nobody, 'signed-out '],
  ['nothing', null, 'signed-out '],
])('a page that was rendered with %s asks nothing', async (_, initialSession, text) => {
  render(
    <AuthProvider initialSession={initialSession}>
      <Page />
    </AuthProvider>,
  )
  expect(seen()).toBe(text)
  await settle()
  expect(server.requests).toEqual([])
})

test.each([
  ['cannot be reached', unreachable, 'unreachable'],
  ['is in trouble', failure(503, 'unavailable'), 'unavailable'],
  ['sends its front page instead', indexHtml, 'bad_answer'],
  ['answers with half a session', () => Response.json({ user: { id: 1 } }), 'bad_answer'],
  [
    'knows the error and has no words for it',
    () =>
      Response.json({ error: { code: 'unavailable', message: { toString: 1 } } }, { status: 503 }),
    'unavailable',
  ],
  ['answers with a word of its own', () => Response.json({}, { status: 500 }), 'bad_answer'],
])(
  'a server that %s has not signed anybody out, and may be asked again',
  async (_, answer, code) => {
    server.session = somebody()
    server.answerNext('GET /auth/session', answer)
    render(
      <AuthProvider>
        <Page />
        <SignedOut>nobody</SignedOut>
      </AuthProvider>,
    )
    await comesTo(`error ${code}`)
    expect(screen.queryByText('nobody')).toBeNull()
    fireEvent.click(screen.getByRole('button', { name: 'Retry' }))
    expect(seen()).toBe('loading ')
    await comesTo('signed-in Test Person')
  },
)

test('a developer whose proxy forgets the routes is told so', async () => {
  server.answerNext('GET /auth/session', indexHtml)
  render(
    <AuthProvider>
      <Page />
    </AuthProvider>,
  )
  await comesTo('error bad_answer')
  expect(screen.getByRole('region').title).toMatch(
    /GET \/auth\/session was not answered by Latchkey.*Check basePath and your proxy/,
  )
})

test('coming back to the tab shows that the session was ended elsewhere', async () => {
  render(
    <AuthProvider initialSession={somebody()}>
      <Page />
    </AuthProvider>,
  )
  comeBack()
  await comesTo('signed-out')
  expect(server.count('GET /auth/session')).toBe(1)
})

test('a tab in the background asks nothing', async () => {
  const visibility = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true)
  render(
    <AuthProvider initialSession={somebody()}>
      <Page />
    </AuthProvider>,
  )
  comeBack()
  await settle()
  visibility.mockRestore()
  expect(server.requests).toEqual([])
})

test('a person who switches tabs all the time causes no storm', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  server.session = somebody()
  render(
    <AuthProvider>
      <Page />
    </AuthProvider>,
  )
  await comesTo('signed-in Test Person')
  for (let i = 0; i < 20; i++) comeBack()
  await settle()
  expect(server.count('GET /auth/session')).toBe(1)
  vi.setSystemTime(Date.now() + 5_000)
  for (let i = 0; i < 20; i++) comeBack()
  await settle()
  expect(server.count('GET /auth/session')).toBe(2)
})

test('a check in the background that fails changes nothing', async () => {
  render(
    <AuthProvider initialSession={somebody()}>
      <Page />
    </AuthProvider>,
  )
  server.answerNext('GET /auth/session', unreachable)
  comeBack()
  await settle()
  expect(server.count('GET /auth/session')).toBe(1)
  expect(seen()).toBe('signed-in Test Person')
})

test('a check in the background that finds the same person renders nothing anew', async () => {
  const session = somebody()
  server.session = session
  const rendered = vi.fn()
  render(
    <AuthProvider initialSession={session}>
      <Profiler id="page" onRender={rendered}>
        <Page />
      </Profiler>
    </AuthProvider>,
  )
  comeBack()
  await settle()
  expect(server.count('GET /auth/session')).toBe(1)
  expect(rendered).toHaveBeenCalledOnce()
})

test('Back to a page from before the sign-out shows nothing private for long', async () => {
  render(
    <AuthProvider initialSession={somebody()}>
      <Page />
    </AuthProvider>,
  )
  act(() => {
    window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))
  })
  await comesTo('signed-out')
})

test('the first showing of a page asks nothing that it has not asked', async () => {
  render(
    <AuthProvider initialSession={somebody()}>
      <Page />
    </AuthProvider>,
  )
  act(() => {
    window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: false }))
  })
  await settle()
  expect(server.requests).toEqual([])
})

test('a session that has been prolonged is known before its end', async () => {
  vi.useFakeTimers()
  render(
    <AuthProvider initialSession={somebody()}>
      <Page />
    </AuthProvider>,
  )
  server.session = somebody()
  await act(() => vi.advanceTimersByTimeAsync(3_540_000 - 1))
  expect(server.requests).toEqual([])
  // Looked at while it may still be prolonged, and again when it must be over.
  await act(() => vi.advanceTimersByTimeAsync(1))
  expect(server.count('GET /auth/session')).toBe(1)
  expect(seen()).toBe('signed-in Test Person')
})

test('a session that reaches its end is noticed without a click', async () => {
  vi.useFakeTimers()
  const session = somebody()
  render(
    <AuthProvider initialSession={session}>
      <Page />
    </AuthProvider>,
  )
  server.answerNext('GET /auth/session', () => Response.json(session))
  await act(() => vi.advanceTimersByTimeAsync(3_600_000))
  expect(seen()).toBe('signed-in Test Person')
  await act(() => vi.advanceTimersByTimeAsync(1_000))
  expect(server.count('GET /auth/session')).toBe(2)
  expect(seen()).toBe('signed-out ')
})

test('a session that has ended is not believed in because the server is silent', async () => {
  vi.useFakeTimers()
  render(
    <AuthProvider initialSession={somebody()}>
      <Page />
    </AuthProvider>,
  )
  server.answerNext('GET /auth/session', unreachable)
  server.answerNext('GET /auth/session', unreachable)
  await act(() => vi.advanceTimersByTimeAsync(3_600_000))
  expect(seen()).toBe('signed-in Test Person')
  await act(() => vi.advanceTimersByTimeAsync(1_000))
  expect(seen()).toBe('error unreachable')
})

test('a clock that is an hour ahead of the server does not make the page ask for ever', async () => {
  vi.useFakeTimers()
  server.session = somebody()
  vi.setSystemTime(Date.now() + 7_200_000)
  render(
    <AuthProvider>
      <Page />
    </AuthProvider>,
  )
  await act(() => vi.advanceTimersByTimeAsync(60_000))
  expect(seen()).toBe('signed-in Test Person')
  expect(server.count('GET /auth/session')).toBe(1)
})

test('a session of a year is not asked about at once', async () => {
  vi.useFakeTimers()
  const { user, session } = somebody()
  if (user === null) throw new Error('nobody')
  const year = { user, session: { ...session, expiresAt: Date.now() + 31_536_000_000 } }
  render(
    <AuthProvider initialSession={year}>
      <Page />
    </AuthProvider>,
  )
  await act(() => vi.advanceTimersByTimeAsync(60_000))
  expect(server.requests).toEqual([])
})

test('signing out ends the session at the server and then on the page', async () => {
  render(
    <AuthProvider initialSession={somebody()}>
      <Page />
    </AuthProvider>,
  )
  fireEvent.click(screen.getByRole('button', { name: 'Leave' }))
  expect(seen()).toBe('signed-in Test Person')
  await comesTo('signed-out')
  expect(server.requests).toMatchObject([
    {
      method: 'POST',
      url: '/auth/sign-out',
      init: { body: '{"scope":"local"}', headers: { 'content-type': 'application/json' } },
    },
  ])
})

test.each([
  ['refuses', failure(403, 'cross_site'), 'cross_site'],
  ['is not there', unreachable, 'unreachable'],
  ['is not the one that was meant', indexHtml, 'bad_answer'],
])(
  'a person whom the server that %s did not sign out is still signed in',
  async (_, answer, code) => {
    const told = vi.spyOn(window, 'alert').mockImplementation(() => {})
    server.answerNext('POST /auth/sign-out', answer)
    render(
      <AuthProvider initialSession={somebody()}>
        <Page />
      </AuthProvider>,
    )
    fireEvent.click(screen.getByRole('button', { name: 'Leave' }))
    await waitFor(() => expect(told).toHaveBeenCalledWith(code))
    expect(seen()).toBe('signed-in Test Person')
    told.mockRestore()
  },
)

test('an answer from before the sign-out does not sign the person in again', async () => {
  const slow = gate()
  const before = somebody()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(before)),
  )
  render(
    <AuthProvider initialSession={before}>
      <Page />
    </AuthProvider>,
  )
  comeBack()
  fireEvent.click(screen.getByRole('button', { name: 'Leave' }))
  await comesTo('signed-out')
  slow.open()
  await settle()
  expect(seen()).toBe('signed-out ')
})

test('two tabs: signing out in one signs out the other', async () => {
  server.session = somebody()
  render(
    <>
      <AuthProvider>
        <Page label="one" />
      </AuthProvider>
      <AuthProvider>
        <Page label="two" />
      </AuthProvider>
    </>,
  )
  await comesTo('signed-in Test Person', 'one')
  await comesTo('signed-in Test Person', 'two')
  fireEvent.click(screen.getAllByRole('button', { name: 'Leave' })[0] as HTMLElement)
  await comesTo('signed-out', 'two')
})

test('two tabs: signing in through one signs in the other, and then both are quiet', async () => {
  render(
    <AuthProvider initialSession={nobody}>
      <Page label="old" />
    </AuthProvider>,
  )
  server.session = somebody()
  render(
    <AuthProvider initialSession={server.session}>
      <Page label="back from the provider" />
    </AuthProvider>,
  )
  await comesTo('signed-in Test Person', 'old')
  for (let i = 0; i < 10; i++) await settle()
  expect(server.count('GET /auth/session')).toBe(1)
})

test('two tabs that are answered differently each time do not keep each other busy', async () => {
  for (let i = 3; i < 30; i++) {
    server.answerNext('GET /auth/session', () => Response.json(somebody(`session-${i}`)))
  }
  render(
    <>
      <AuthProvider initialSession={somebody('session-1')}>
        <Page label="one" />
      </AuthProvider>
      <AuthProvider initialSession={somebody('session-2')}>
        <Page label="two" />
      </AuthProvider>
    </>,
  )
  for (let i = 0; i < 30; i++) await settle()
  expect(server.count('GET /auth/session')).toBe(1)
})

test('messages of another kit, or for another base path, are not for us', async () => {
  server.session = somebody()
  render(
    <AuthProvider initialSession={server.session}>
      <Page />
    </AuthProvider>,
  )
  const channel = new BroadcastChannel('latchkey')
  channel.postMessage('hello')
  channel.postMessage({ type: 'other', basePath: '/auth', sessionId: null })
  channel.postMessage({ type: 'session', basePath: '/other', sessionId: null })
  channel.postMessage({ type: 'session', basePath: '/auth', sessionId: 'session-2' })
  await waitFor(() => expect(server.requests).not.toEqual([]))
  for (let i = 0; i < 10; i++) await settle()
  channel.close()
  expect(server.count('GET /auth/session')).toBe(1)
})

test('a page that is gone listens to nothing', async () => {
  const { unmount } = render(
    <AuthProvider initialSession={somebody()}>
      <Page />
    </AuthProvider>,
  )
  unmount()
  comeBack()
  const witness = new BroadcastChannel('latchkey')
  const heard = new Promise((resolve) => {
    witness.onmessage = resolve
  })
  const channel = new BroadcastChannel('latchkey')
  channel.postMessage({ type: 'session', basePath: '/auth', sessionId: null })
  await heard
  channel.close()
  witness.close()
  expect(server.requests).toEqual([])
})

test('a hook without a provider above names the cure', () => {
  complaints.mockImplementation(() => {})
  expect(() => render(<Page />)).toThrow('useAuth needs <AuthProvider>.')
  complaints.mockReset()
})

test('signed-in and signed-out parts show one at a time, and neither while it is not known', async () => {
  const slow = gate()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(somebody())),
  )
  const { container } = render(
    <AuthProvider>
      <SignedIn>{({ name }) => <p>Hello {name}</p>}</SignedIn>
      <SignedIn>
        <p>Inside</p>
      </SignedIn>
      <SignedOut>
        <p>Outside</p>
      </SignedOut>
    </AuthProvider>,
  )
  expect(container.textContent).toBe('')
  slow.open()
  await waitFor(() => expect(container.textContent).toBe('Hello Test PersonInside'))
})

test('no query loses what belongs to it, whoever is signed in', async () => {
  for (const query of ['?q=why?', '?a=1&', '?']) {
    history.replaceState(null, '', `/search${query}`)
    render(<AuthProvider initialSession={somebody()} />)
    await settle()
    expect(location.href.endsWith(query)).toBe(true)
    cleanup()
  }
  history.replaceState(null, '', '/')
})
