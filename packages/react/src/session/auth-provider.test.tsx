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
  signedIn,
  signedOut,
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

/** Renders the results of the hooks as text. */
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

/** Waits until everything pending has finished. */
async function settle(): Promise<void> {
  await act(() => new Promise((resolve) => setTimeout(resolve)))
}

test('shows the user when the server returns a session', async () => {
  server.session = signedIn()
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
])('requests the session if initialSession is %s', async (_, body) => {
  server.session = signedIn()
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
  'a page at %s with base path %s logs %i warnings about a server path',
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

test('becomes signed out when the server returns no session', async () => {
  render(
    <AuthProvider basePath="/api">
      <Page />
    </AuthProvider>,
  )
  await comesTo('signed-out')
  expect(server.count('GET /api/session')).toBe(1)
})

test('requests the session once in strict mode', async () => {
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
  ['a session', signedIn(), 'signed-in Test Person'],
  ['a signed-out session', signedOut, 'signed-out '],
  ['nothing', null, 'signed-out '],
])('sends no request if initialSession is %s', async (_, initialSession, text) => {
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
  ['responds with 503', failure(503, 'unavailable'), 'unavailable'],
  ['sends an HTML page', indexHtml, 'bad_answer'],
  ['responds with half a session', () => Response.json({ user: { id: 1 } }), 'bad_answer'],
  [
    'responds with a known code and no message',
    () =>
      Response.json({ error: { code: 'unavailable', message: { toString: 1 } } }, { status: 503 }),
    'unavailable',
  ],
  ['responds with an unknown error', () => Response.json({}, { status: 500 }), 'bad_answer'],
])('shows an error and lets the user try again if the server %s', async (_, answer, code) => {
  server.session = signedIn()
  server.answerNext('GET /auth/session', answer)
  render(
    <AuthProvider>
      <Page />
      <SignedOut>signed out</SignedOut>
    </AuthProvider>,
  )
  await comesTo(`error ${code}`)
  expect(screen.queryByText('signed out')).toBeNull()
  fireEvent.click(screen.getByRole('button', { name: 'Retry' }))
  expect(seen()).toBe('loading ')
  await comesTo('signed-in Test Person')
})

test('logs a hint if the proxy does not forward the routes', async () => {
  server.answerNext('GET /auth/session', indexHtml)
  render(
    <AuthProvider>
      <Page />
    </AuthProvider>,
  )
  await comesTo('error bad_answer')
  expect(screen.getByRole('region').title).toMatch(
    /The response to GET \/auth\/session is not from Latchkey.*Check basePath and your proxy/,
  )
})

test('notices that the session has ended when the user returns to the tab', async () => {
  render(
    <AuthProvider initialSession={signedIn()}>
      <Page />
    </AuthProvider>,
  )
  comeBack()
  await comesTo('signed-out')
  expect(server.count('GET /auth/session')).toBe(1)
})

test('sends no request from a background tab', async () => {
  const visibility = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true)
  render(
    <AuthProvider initialSession={signedIn()}>
      <Page />
    </AuthProvider>,
  )
  comeBack()
  await settle()
  visibility.mockRestore()
  expect(server.requests).toEqual([])
})

test('limits the number of requests for a user who keeps switching tabs', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  server.session = signedIn()
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

test('changes nothing if a background request fails', async () => {
  render(
    <AuthProvider initialSession={signedIn()}>
      <Page />
    </AuthProvider>,
  )
  server.answerNext('GET /auth/session', unreachable)
  comeBack()
  await settle()
  expect(server.count('GET /auth/session')).toBe(1)
  expect(seen()).toBe('signed-in Test Person')
})

test('does not render again if a background request returns the same session', async () => {
  const session = signedIn()
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

test('requests the session again when Back restores a page from before the sign-out', async () => {
  render(
    <AuthProvider initialSession={signedIn()}>
      <Page />
    </AuthProvider>,
  )
  act(() => {
    window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))
  })
  await comesTo('signed-out')
})

test('does not request the session twice when a page is first shown', async () => {
  render(
    <AuthProvider initialSession={signedIn()}>
      <Page />
    </AuthProvider>,
  )
  act(() => {
    window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: false }))
  })
  await settle()
  expect(server.requests).toEqual([])
})

test('requests the session before it expires, and keeps one with a later expiry', async () => {
  vi.useFakeTimers()
  render(
    <AuthProvider initialSession={signedIn()}>
      <Page />
    </AuthProvider>,
  )
  server.session = signedIn()
  await act(() => vi.advanceTimersByTimeAsync(3_540_000 - 1))
  expect(server.requests).toEqual([])
  // One request before the expiry, and another after it.
  await act(() => vi.advanceTimersByTimeAsync(1))
  expect(server.count('GET /auth/session')).toBe(1)
  expect(seen()).toBe('signed-in Test Person')
})

test('notices an expired session without a click', async () => {
  vi.useFakeTimers()
  const session = signedIn()
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

test('shows an error after the session expires if the server does not respond', async () => {
  vi.useFakeTimers()
  render(
    <AuthProvider initialSession={signedIn()}>
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

test("does not request in a loop if the clock is an hour ahead of the server's", async () => {
  vi.useFakeTimers()
  server.session = signedIn()
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

test('does not immediately request a session again that lasts a year', async () => {
  vi.useFakeTimers()
  const { user, session } = signedIn()
  if (user === null) throw new Error('The user is signed out.')
  const year = { user, session: { ...session, expiresAt: Date.now() + 31_536_000_000 } }
  render(
    <AuthProvider initialSession={year}>
      <Page />
    </AuthProvider>,
  )
  await act(() => vi.advanceTimersByTimeAsync(60_000))
  expect(server.requests).toEqual([])
})

test('signs out on the server first, then on the page', async () => {
  render(
    <AuthProvider initialSession={signedIn()}>
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
  ['refuses the request', failure(403, 'cross_site'), 'cross_site'],
  ['is unreachable', unreachable, 'unreachable'],
  ['is not a Latchkey server', indexHtml, 'bad_answer'],
])('stays signed in after a sign-out if the server %s', async (_, answer, code) => {
  const alerted = vi.spyOn(window, 'alert').mockImplementation(() => {})
  server.answerNext('POST /auth/sign-out', answer)
  render(
    <AuthProvider initialSession={signedIn()}>
      <Page />
    </AuthProvider>,
  )
  fireEvent.click(screen.getByRole('button', { name: 'Leave' }))
  await waitFor(() => expect(alerted).toHaveBeenCalledWith(code))
  expect(seen()).toBe('signed-in Test Person')
  alerted.mockRestore()
})

test('ignores a response from before the sign-out', async () => {
  const slow = gate()
  const before = signedIn()
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

test('signs out the other tab after a sign-out', async () => {
  server.session = signedIn()
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

test('signs in the other tab after a sign-in, without further requests', async () => {
  render(
    <AuthProvider initialSession={signedOut}>
      <Page label="old" />
    </AuthProvider>,
  )
  server.session = signedIn()
  render(
    <AuthProvider initialSession={server.session}>
      <Page label="back from the provider" />
    </AuthProvider>,
  )
  await comesTo('signed-in Test Person', 'old')
  for (let i = 0; i < 10; i++) await settle()
  expect(server.count('GET /auth/session')).toBe(1)
})

test('does not let two tabs with different responses keep each other busy', async () => {
  for (let i = 3; i < 30; i++) {
    server.answerNext('GET /auth/session', () => Response.json(signedIn(`session-${i}`)))
  }
  render(
    <>
      <AuthProvider initialSession={signedIn('session-1')}>
        <Page label="one" />
      </AuthProvider>
      <AuthProvider initialSession={signedIn('session-2')}>
        <Page label="two" />
      </AuthProvider>
    </>,
  )
  for (let i = 0; i < 30; i++) await settle()
  expect(server.count('GET /auth/session')).toBe(1)
})

test('ignores messages from another library or for another base path', async () => {
  server.session = signedIn()
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

test('stops listening when it is unmounted', async () => {
  const { unmount } = render(
    <AuthProvider initialSession={signedIn()}>
      <Page />
    </AuthProvider>,
  )
  unmount()
  comeBack()
  const witness = new BroadcastChannel('latchkey')
  const received = new Promise((resolve) => {
    witness.onmessage = resolve
  })
  const channel = new BroadcastChannel('latchkey')
  channel.postMessage({ type: 'session', basePath: '/auth', sessionId: null })
  await received
  channel.close()
  witness.close()
  expect(server.requests).toEqual([])
})

test('throws a helpful error without an <AuthProvider>', () => {
  complaints.mockImplementation(() => {})
  expect(() => render(<Page />)).toThrow('useAuth needs an <AuthProvider> above it.')
  complaints.mockReset()
})

test('shows <SignedIn> or <SignedOut>, and neither while the session is unknown', async () => {
  const slow = gate()
  server.answerNext(
    'GET /auth/session',
    slow.before(() => Response.json(signedIn())),
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

test('keeps all other parameters in the query, signed in or out', async () => {
  for (const query of ['?q=why?', '?a=1&', '?']) {
    history.replaceState(null, '', `/search${query}`)
    render(<AuthProvider initialSession={signedIn()} />)
    await settle()
    expect(location.href.endsWith(query)).toBe(true)
    cleanup()
  }
  history.replaceState(null, '', '/')
})
