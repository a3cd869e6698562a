import {
  channelName,
  paths,
  type Session,
  type SessionBody,
  type SignOutScope,
  type User,
} from '@latchkey/contract'
import { removeErrorFromAddressBar } from '../browser/address.ts'
import { AuthError } from '../requests/auth-error.ts'
import { type Guard, isNothing, isObject, like, request } from '../requests/request.ts'

export interface SignOutOptions {
  /** Which of the person's sessions to end: this one, all but this one, or all. Default `local`. */
  readonly scope?: SignOutScope | undefined
}

/** Who is using this browser, as far as it is known. */
export type AuthState =
  | { readonly status: 'loading' }
  | { readonly status: 'signed-out' }
  | {
      readonly status: 'signed-in'
      /** Who it is. */
      readonly user: User
      /** Since when, through which provider, and until when. */
      readonly session: Session
      /**
       * Ends this session, in every tab of this browser, or those that `scope` says.
       *
       * @throws AuthError if the server did not end it; the person is still signed in then.
       */
      readonly signOut: (options?: SignOutOptions) => Promise<void>
      /**
       * Asks the server again, for a page that has reason to doubt: its own request was answered with
       * 401, say. Never rejects; the state has the outcome.
       */
      readonly refresh: () => Promise<void>
    }
  | {
      readonly status: 'error'
      /** Why it is not known: switch on its `code`. */
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
  /** Asks the server now, and tells the other tabs if the answer is news. */
  readonly refresh: () => Promise<void>
  /** As `request`; a person who turns out to be signed out is shown as such everywhere. */
  readonly request: typeof request
  /** Begins to listen to the window and to other tabs. Returns what ends it; may be started again. */
  readonly start: () => () => void
}

/** What tabs tell each other. An id names a session, it does not open it. */
interface SessionMessage {
  readonly type: 'session'
  readonly basePath: string
  readonly sessionId: string | null
}

/** In milliseconds. Coming back to a tab fires several events, and some people switch tabs all day. */
const SHORTEST_PAUSE = 5_000
/** In milliseconds. A server that has prolonged the session by then says so before anything flickers. */
const BEFORE_EXPIRY = 60_000
/** In milliseconds. Asked on the dot, the server might still say yes. */
const AFTER_EXPIRY = 1_000
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
  let askedAt = 0

  function stateOf(body: SessionBody | null): AuthState {
    if (!body?.user) return { status: 'signed-out' }
    return { status: 'signed-in', user: body.user, session: body.session, signOut, refresh }
  }

  function become(next: AuthState): void {
    // Kept if it says the same, so that nothing renders anew.
    if (JSON.stringify(next) !== JSON.stringify(state)) state = next
    followState()
    for (const listener of listeners) listener()
  }

  /** Tells other tabs who this browser is now. They ask the server themselves. */
  function announce(): void {
    const sessionId = sessionIdOf(state)
    if (sessionId === undefined) return
    channel?.postMessage({ type: 'session', basePath, sessionId } satisfies SessionMessage)
  }

  /** @param quietly tells no other tab: those which are answered differently would keep each other busy */
  async function refresh(quietly?: 'quietly'): Promise<void> {
    const before = sessionIdOf(state)
    const mine = Symbol()
    latest = mine
    askedAt = Date.now()
    const next = await request('GET', url.session, isSessionBody).then(stateOf, stateAfter)
    if (latest !== mine) return
    latest = undefined
    become(next)
    if (quietly !== 'quietly' && sessionIdOf(state) !== before) announce()
  }

  /** A server that does not answer has not signed anybody out; only time may have. */
  function stateAfter(error: unknown): AuthState {
    if (!(error instanceof AuthError)) throw error
    const expired = state.status === 'signed-in' && state.session.expiresAt <= Date.now()
    return sessionIdOf(state) === undefined || expired ? { status: 'error', error, retry } : state
  }

  function retry(): void {
    become({ status: 'loading' })
    void refresh()
  }

  const requestOfPerson: typeof request = (...parameters) =>
    request(...parameters).catch((error) => {
      if (error.code === 'unauthenticated') void refresh()
      throw error
    })

  async function signOut({ scope = 'local' }: SignOutOptions = {}): Promise<void> {
    await requestOfPerson('POST', url.signOut, isNothing, { scope })
    if (scope === 'others') return
    latest = undefined
    become({ status: 'signed-out' })
    announce()
  }

  /** For as long as this is started and somebody is signed in: no old error, and a look before the end. */
  function followState(): void {
    clearTimeout(expiry)
    if (channel === undefined || state.status !== 'signed-in') return
    // By now, as through another tab: no card will say what failed, and nobody needs to know.
    removeErrorFromAddressBar()
    const rest = state.session.expiresAt - Date.now()
    const pause = rest > BEFORE_EXPIRY ? rest - BEFORE_EXPIRY : rest + AFTER_EXPIRY
    // None left: this machine's clock is ahead of the server's, which said a moment ago that all is well.
    if (pause > 0) expiry = setTimeout(refresh, Math.min(pause, LONGEST_TIMEOUT))
  }

  function onReturn(): void {
    const justAsked = Date.now() - askedAt < SHORTEST_PAUSE
    if (!document.hidden && !justAsked) void refresh()
  }

  function onMessage({ data }: MessageEvent<unknown>): void {
    if (!isObject(data)) return
    // A sign-in has ended in a popup. Whether it worked is for the server to say.
    const popup = data.type === 'popup'
    const news = data.basePath === basePath && data.sessionId !== sessionIdOf(state)
    if (popup || (news && data.type === 'session')) void refresh('quietly')
  }

  function start(): () => void {
    const stop = new AbortController()
    const listening = new BroadcastChannel(channelName)
    channel = listening
    listening.onmessage = onMessage
    addEventListener('focus', onReturn, stop)
    // A page out of the back/forward cache shows what was true when it was left.
    addEventListener('pageshow', ({ persisted }) => persisted && refresh(), stop)
    document.addEventListener('visibilitychange', onReturn, stop)
    followState()
    if (sessionIdOf(state) !== undefined) announce()
    else if (latest === undefined) void refresh()

    return () => {
      listening.close()
      channel = undefined
      clearTimeout(expiry)
      stop.abort()
    }
  }

  return {
    initialState,
    getState: () => state,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    refresh,
    request: requestOfPerson,
    start,
  }
}

/** The session's id, `null` for nobody, `undefined` if it is not known. */
function sessionIdOf(state: AuthState): string | null | undefined {
  if (state.status === 'signed-in') return state.session.id
  return state.status === 'signed-out' ? null : undefined
}

export const isUser: Guard<User> = /* @__PURE__ */ like({
  id: '',
  name: null,
  email: null,
  emailVerified: true,
  avatarUrl: null,
  createdAt: 0,
})
const isSession = /* @__PURE__ */ like<Session>({
  id: '',
  provider: null,
  createdAt: 0,
  authenticatedAt: 0,
  expiresAt: 0,
})

function isSessionBody(body: unknown): body is SessionBody {
  if (!isObject(body)) return false
  const { user, session } = body
  return user === null ? session === null : isUser(user) && isSession(session)
}
