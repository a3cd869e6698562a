// Who is signed in, and what the server answers that person. This room promises: the state is the newest
// that is known, all tabs agree on it, and a server that does not answer signs nobody out.

import { type Paths, paths, type SessionBody } from '@latchkey/contract'
import { removeErrorFromAddressBar, warnIfServerPath } from '../browser/address.ts'
import { watchForReturn } from '../browser/page-return.ts'
import { isEmpty, isObject } from '../requests/answer.ts'
import { AuthError } from '../requests/auth-error.ts'
import { request } from '../requests/request.ts'
import { type AuthState, type SignOutOptions, sessionIdOf } from './auth-state.ts'
import { Notices } from './notices.ts'
import { isSessionBody } from './session-body.ts'
import { createTabs, type Tabs } from './tabs.ts'

/** In milliseconds. Coming back to a tab fires several events, and some people switch tabs all day. */
const SHORTEST_PAUSE = 5_000
/** In milliseconds. If the server has prolonged the session, it says so before the page shows an end. */
const BEFORE_EXPIRY = 60_000
/** In milliseconds. At the very moment of expiry, the server might still accept the session. */
const AFTER_EXPIRY = 1_000
/** In milliseconds. Longer timeouts fire immediately: https://html.spec.whatwg.org/#timers */
const LONGEST_TIMEOUT = 2 ** 31 - 1

/** Keeps one `AuthState` up to date: while it is started, it asks the server when the state may have changed. */
export class SessionClient {
  /** The state that the server rendered with, so that hydration sees the same. */
  readonly initialState: AuthState
  readonly notices: Notices = new Notices()
  readonly #basePath: string
  readonly #url: Paths
  readonly #tabs: Tabs
  readonly #listeners = new Set<() => void>()
  #state: AuthState
  #isStarted = false
  #expiryTimer: ReturnType<typeof setTimeout> | undefined
  /** Names the newest request. The answers to older ones may be outdated. */
  #newestRequest: symbol | undefined
  #askedAt = 0
  /** Answers that were requested before they were needed, by their URL. */
  readonly #early = new Map<string, Promise<unknown>>()

  /** @param initialSession what the server rendered with. Anything but `null` or a session means "not known". */
  constructor(basePath: string, initialSession: unknown) {
    this.#basePath = basePath
    this.#url = paths(basePath)
    this.#tabs = createTabs(basePath)
    const isKnown = initialSession === null || isSessionBody(initialSession)
    this.initialState = isKnown ? this.#stateOf(initialSession) : { status: 'loading' }
    this.#state = this.initialState
  }

  readonly getState = (): AuthState => this.#state

  /** Calls `listener` on every change, until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Starts listening to the window and to other tabs. Returns a function that stops it. It can start again. */
  start(): () => void {
    const stopTabs = this.#tabs.listen(
      (sessionId) => sessionId !== sessionIdOf(this.#state),
      // Without an announcement: two tabs with different answers would keep each other busy.
      () => void this.#ask(),
    )
    const stopWatching = watchForReturn(this.#refreshOnReturn, this.refresh)
    warnIfServerPath(this.#basePath)
    this.#isStarted = true
    this.#followState()
    if (sessionIdOf(this.#state) !== undefined) this.#announce()
    else if (this.#newestRequest === undefined) void this.refresh()

    return () => {
      stopTabs()
      stopWatching()
      this.#isStarted = false
      clearTimeout(this.#expiryTimer)
    }
  }

  /** Asks the server now, and tells the other tabs if the session has changed. */
  readonly refresh = async (): Promise<void> => {
    const hasChanged = await this.#ask()
    if (hasChanged) this.#announce()
  }

  /**
   * Requests what components need once nobody is known to be signed in, so that they need not wait twice. A
   * failure is passed on to them too. A second request would double the time until they show it.
   */
  readonly askEarly = (url: string): void => {
    if (this.#early.has(url)) return
    const answer = request('GET', url, isObject)
    this.#early.set(url, answer)
    // Maybe no component asks for it.
    answer.catch(() => {})
  }

  /** Sends a request as `request` does. If the server answers `unauthenticated`, the state follows. */
  readonly request: typeof request = (method, url, isExpected, content) => {
    const ask = () =>
      request(method, url, isExpected, content).catch((error) => {
        if (error.code === 'unauthenticated') void this.refresh()
        throw error
      })
    const early = method === 'GET' && this.#early.get(url)
    return early ? early.then((body) => (isExpected(body) ? body : ask())) : ask()
  }

  readonly #signOut = async ({ scope = 'local' }: SignOutOptions = {}): Promise<void> => {
    await this.request('POST', this.#url.signOut, isEmpty, { scope })
    if (scope !== 'others') this.forget()
  }

  /** Shows that nobody is signed in, in every tab, once the server has ended this session. */
  readonly forget = (): void => {
    this.#newestRequest = undefined
    this.#become({ status: 'signed-out' })
    this.#announce()
  }

  readonly #retry = (): void => {
    this.#become({ status: 'loading' })
    void this.refresh()
  }

  readonly #refreshOnReturn = (): void => {
    const hasJustAsked = Date.now() - this.#askedAt < SHORTEST_PAUSE
    if (!document.hidden && !hasJustAsked) void this.refresh()
  }

  /** Asks the server who is signed in. Returns whether that is another session than before. */
  async #ask(): Promise<boolean> {
    const before = sessionIdOf(this.#state)
    const thisRequest = Symbol()
    this.#newestRequest = thisRequest
    this.#askedAt = Date.now()
    const next = await request('GET', this.#url.session, isSessionBody).then(
      (body) => this.#stateOf(body),
      (error) => this.#stateAfter(error),
    )
    if (this.#newestRequest !== thisRequest) return false
    this.#newestRequest = undefined
    this.#become(next)
    return sessionIdOf(this.#state) !== before
  }

  #stateOf(body: SessionBody | null): AuthState {
    if (!body?.user) return { status: 'signed-out' }
    const { user, session } = body
    return { status: 'signed-in', user, session, signOut: this.#signOut, refresh: this.refresh }
  }

  /** A server that does not answer has signed nobody out. Only the session's own end has. */
  #stateAfter(error: unknown): AuthState {
    if (!(error instanceof AuthError)) throw error
    const state = this.#state
    const isExpired = state.status === 'signed-in' && state.session.expiresAt <= Date.now()
    const isUnknown = sessionIdOf(state) === undefined
    return isUnknown || isExpired ? { status: 'error', error, retry: this.#retry } : state
  }

  #become(next: AuthState): void {
    // A state that says the same stays the same object, so that nothing renders again.
    if (JSON.stringify(next) !== JSON.stringify(this.#state)) this.#state = next
    this.#followState()
    // Styles that hide a part of the page may have loaded since.
    this.notices.update()
    for (const listener of this.#listeners) listener()
    // Components have asked by then. Later, the answers would be outdated.
    if (next.status !== 'loading') setTimeout(() => this.#early.clear())
  }

  /** While somebody is signed in: removes an outdated error, and asks again before the session expires. */
  #followState(): void {
    clearTimeout(this.#expiryTimer)
    if (!this.#isStarted || this.#state.status !== 'signed-in') return
    // The sign-in may have worked in another tab since, and no card of this page shows the error now.
    removeErrorFromAddressBar()
    const remaining = this.#state.session.expiresAt - Date.now()
    const pause = remaining > BEFORE_EXPIRY ? remaining - BEFORE_EXPIRY : remaining + AFTER_EXPIRY
    // If the session seems long expired, this device's clock is ahead: the server has just accepted it.
    if (pause <= 0) return
    this.#expiryTimer = setTimeout(this.refresh, Math.min(pause, LONGEST_TIMEOUT))
  }

  /** Tells other tabs which session this browser has. They ask the server themselves. */
  #announce(): void {
    const sessionId = sessionIdOf(this.#state)
    if (sessionId !== undefined) this.#tabs.announce(sessionId)
  }
}
