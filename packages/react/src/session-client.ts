import { paths, type Session, type SessionBody, type User } from '@latchkey/contract'
import { AuthError } from './auth-error.ts'
import { badAnswer, isObject, request } from './request.ts'

/** Who is using this browser, as far as it is known. */
export type AuthState =
  | { readonly status: 'loading' }
  | { readonly status: 'signed-out' }
  | {
      readonly status: 'signed-in'
      readonly user: User
      readonly session: Session
      /**
       * Ends this session, in every tab of this browser.
       *
       * @throws AuthError if the server did not end it; the person is still signed in then.
       */
      readonly signOut: () => Promise<void>
    }
  | {
      readonly status: 'error'
      readonly error: AuthError
      /** Asks again. */
      readonly retry: () => void
    }

/** Keeps one `AuthState` true: for as long as it is started, it asks the server when it may have changed. */
export interface SessionClient {
  /** What the server rendered with, so that hydration sees the same. */
  readonly initialState: AuthState
  readonly getState: () => AuthState
  readonly subscribe: (listener: () => void) => () => void
  /** Begins to listen to the window and to other tabs. Returns what ends it; may be started again. */
  readonly start: () => () => void
}

/** What tabs tell each other. An id names a session, it does not open it. */
interface SessionMessage {
  readonly type: 'session'
  readonly basePath: string
  readonly sessionId: string | null
}

const CHANNEL = 'latchkey'
/** In milliseconds. Coming back to a tab fires several events, and some people switch tabs all day. */
const SHORTEST_PAUSE = 5_000
/** In milliseconds. Asked on the dot, the server might still say yes. */
const EXPIRY_MARGIN = 1_000
/** In milliseconds. Longer ones fire at once: https://html.spec.whatwg.org/#timers */
const LONGEST_TIMEOUT = 2 ** 31 - 1

export function createSessionClient(
  basePath: string,
  initialSession: SessionBody | null | undefined,
): SessionClient {
  const url = paths(basePath)
  const listeners = new Set<() => void>()
  const initialState: AuthState =
    initialSession === undefined ? { status: 'loading' } : stateOf(initialSession)
  let state = initialState
  let channel: BroadcastChannel | undefined
  let expiry: ReturnType<typeof setTimeout> | undefined
  /** The request that counts. Answers to earlier ones may be older than what is known by now. */
  let latest: symbol | undefined
  let askedAt = Number.NEGATIVE_INFINITY

  function stateOf(body: SessionBody | null): AuthState {
    if (body === null || body.user === null) return { status: 'signed-out' }
    return { status: 'signed-in', user: body.user, session: body.session, signOut }
  }

  function become(next: AuthState): void {
    // Kept if it says the same, so that nothing renders anew.
    if (JSON.stringify(next) !== JSON.stringify(state)) state = next
    watchExpiry()
    for (const listener of listeners) listener()
  }

  /** Tells other tabs who this browser is now. They ask the server themselves. */
  function announce(): void {
    const sessionId = sessionIdOf(state)
    if (sessionId === undefined) return
    channel?.postMessage({ type: 'session', basePath, sessionId } satisfies SessionMessage)
  }

  async function refresh(): Promise<void> {
    const mine = Symbol()
    latest = mine
    askedAt = Date.now()
    const next = await ask()
    if (latest !== mine) return
    latest = undefined
    become(next)
  }

  async function refreshAndAnnounce(): Promise<void> {
    const before = sessionIdOf(state)
    await refresh()
    if (sessionIdOf(state) !== before) announce()
  }

  async function ask(): Promise<AuthState> {
    try {
      const body = await request('GET', url.session)
      if (isSessionBody(body)) return stateOf(body)
      throw badAnswer('GET', url.session, 'no session in it')
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      // A server that does not answer has not signed anybody out; only time may have.
      const expired = state.status === 'signed-in' && state.session.expiresAt <= Date.now()
      return sessionIdOf(state) === undefined || expired ? { status: 'error', error, retry } : state
    }
  }

  function retry(): void {
    become({ status: 'loading' })
    void refreshAndAnnounce()
  }

  async function signOut(): Promise<void> {
    const body = await request('POST', url.signOut)
    if (body !== undefined) throw badAnswer('POST', url.signOut, 'not 204')
    latest = undefined
    become({ status: 'signed-out' })
    announce()
  }

  function watchExpiry(): void {
    clearTimeout(expiry)
    if (channel === undefined || state.status !== 'signed-in') return
    const rest = state.session.expiresAt - Date.now() + EXPIRY_MARGIN
    // None left: this machine's clock is ahead of the server's, which said a moment ago that all is well.
    if (rest > 0) expiry = setTimeout(refreshAndAnnounce, Math.min(rest, LONGEST_TIMEOUT))
  }

  function onReturn(): void {
    const justAsked = Date.now() - askedAt < SHORTEST_PAUSE
    if (document.visibilityState === 'visible' && !justAsked) void refreshAndAnnounce()
  }

  /** A page out of the back/forward cache shows what was true when it was left. */
  function onPageShow(event: PageTransitionEvent): void {
    if (event.persisted) void refreshAndAnnounce()
  }

  function onMessage({ data }: MessageEvent<unknown>): void {
    if (!isSessionMessage(data) || data.basePath !== basePath) return
    // Not announced again, so that tabs which are answered differently do not keep each other busy.
    if (data.sessionId !== sessionIdOf(state)) void refresh()
  }

  function start(): () => void {
    const listening = new BroadcastChannel(CHANNEL)
    channel = listening
    listening.onmessage = onMessage
    window.addEventListener('focus', onReturn)
    window.addEventListener('pageshow', onPageShow)
    document.addEventListener('visibilitychange', onReturn)
    watchExpiry()
    if (sessionIdOf(state) !== undefined) announce()
    else if (latest === undefined) void refreshAndAnnounce()

    return () => {
      listening.close()
      channel = undefined
      clearTimeout(expiry)
      window.removeEventListener('focus', onReturn)
      window.removeEventListener('pageshow', onPageShow)
      document.removeEventListener('visibilitychange', onReturn)
    }
  }

  return {
    initialState,
    getState: () => state,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    start,
  }
}

/** The session's id, `null` for nobody, `undefined` if it is not known. */
function sessionIdOf(state: AuthState): string | null | undefined {
  if (state.status === 'signed-in') return state.session.id
  return state.status === 'signed-out' ? null : undefined
}

function isSessionMessage(value: unknown): value is SessionMessage {
  return isObject(value) && value.type === 'session'
}

function isSessionBody(value: unknown): value is SessionBody {
  if (!isObject(value)) return false
  const { user, session } = value
  return (user === null && session === null) || (isUser(user) && isSession(session))
}

function isUser(value: unknown): value is User {
  return (
    isObject(value) &&
    typeof value.id === 'string' &&
    isTextOrNull(value.name) &&
    isTextOrNull(value.email) &&
    typeof value.emailVerified === 'boolean' &&
    isTextOrNull(value.avatarUrl) &&
    typeof value.createdAt === 'number'
  )
}

function isSession(value: unknown): value is Session {
  return (
    isObject(value) &&
    typeof value.id === 'string' &&
    isTextOrNull(value.provider) &&
    typeof value.createdAt === 'number' &&
    typeof value.authenticatedAt === 'number' &&
    typeof value.expiresAt === 'number'
  )
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}
