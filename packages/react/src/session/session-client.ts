// The session and the requests that depend on it. This room promises: the state is always the newest known one, all
// tabs agree on it, and an unreachable server does not sign anyone out.

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

/** In milliseconds. Returning to a tab fires several events, and some users switch tabs all day. */
const SHORTEST_PAUSE = 5_000
/** In milliseconds. Early enough to receive a later expiry before the page shows an expired session. */
const BEFORE_EXPIRY = 60_000
/** In milliseconds. At the exact moment of expiry, the server might still accept the session. */
const AFTER_EXPIRY = 1_000
/** In milliseconds. Longer timeouts fire immediately: https://html.spec.whatwg.org/#timers */
const LONGEST_TIMEOUT = 2 ** 31 - 1

/** Keeps one `AuthState` up to date. Once started, it asks the server whenever the state may have changed. */
export class SessionClient {
  /** The state that the server rendered, for hydration. */
  readonly initialState: AuthState
  readonly notices: Notices = new Notices()
  readonly #basePath: string
  readonly #url: Paths
  readonly #tabs: Tabs
  readonly #listeners = new Set<() => void>()
  #state: AuthState
  #isStarted = false
  #expiryTimer: ReturnType<typeof setTimeout> | undefined
  /** Identifies the newest request. Responses to older ones may be outdated. */
  #newestRequest: symbol | undefined
  #askedAt = 0
  /** Responses that were requested before a component needed them, keyed by URL. */
  readonly #early = new Map<string, Promise<unknown>>()

  /** @param initialSession the session from server rendering. Other values mean that the session is unknown. */
  constructor(basePath: string, initialSession: unknown) {
    this.#basePath = basePath
    this.#url = paths(basePath)
    this.#tabs = createTabs(basePath)
    const isKnown = initialSession === null || isSessionBody(initialSession)
    this.initialState = isKnown ? this.#stateOf(initialSession) : { status: 'loading' }
    this.#state = this.initialState
  }

  readonly getState = (): AuthState => this.#state

  /** Calls `listener` on every change. Returns an unsubscribe function. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Starts listening to the window and to other tabs. Returns a function that stops it. Can be started again. */
  start(): () => void {
    const stopTabs = this.#tabs.listen(
      (sessionId) => sessionId !== sessionIdOf(this.#state),
      // Do not announce the result. Two tabs with different results would keep each other busy.
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

  /** Asks the server immediately, and notifies the other tabs if the session has changed. */
  readonly refresh = async (): Promise<void> => {
    const hasChanged = await this.#ask()
    if (hasChanged) this.#announce()
  }

  /**
   * Requests data that components need when signed out, in parallel with the session. They also receive a failure,
   * because a second request would double the time until they show it.
   */
  readonly askEarly = (url: string): void => {
    if (this.#early.has(url)) return
    const answer = request('GET', url, isObject)
    this.#early.set(url, answer)
    // It is possible that no component will request it.
    answer.catch(() => {})
  }

  /** Sends a request like `request()`. Refreshes the state if the server responds with `unauthenticated`. */
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

  /** Marks this session as signed out in every tab. Call it when the server has ended the session. */
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

  /** Requests the session. Returns whether it differs from the previous one. */
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

  /** An unreachable server does not sign the user out. The session's expiry does. */
  #stateAfter(error: unknown): AuthState {
    if (!(error instanceof AuthError)) throw error
    const state = this.#state
    const isExpired = state.status === 'signed-in' && state.session.expiresAt <= Date.now()
    const isUnknown = sessionIdOf(state) === undefined
    return isUnknown || isExpired ? { status: 'error', error, retry: this.#retry } : state
  }

  #become(next: AuthState): void {
    // Keep the same object for an equal state, so that nothing renders again.
    if (JSON.stringify(next) !== JSON.stringify(this.#state)) this.#state = next
    this.#followState()
    // Styles that hide parts of the page may have loaded in the meantime.
    this.notices.update()
    for (const listener of this.#listeners) listener()
    // By then, components have sent their requests. After that, these responses would be outdated.
    if (next.status !== 'loading') setTimeout(() => this.#early.clear())
  }

  /** When signed in: removes an outdated error, and schedules a request shortly before the session expires. */
  #followState(): void {
    clearTimeout(this.#expiryTimer)
    if (!this.#isStarted || this.#state.status !== 'signed-in') return
    // The user may have signed in in another tab, and no card on this page shows the error anymore.
    removeErrorFromAddressBar()
    const remaining = this.#state.session.expiresAt - Date.now()
    const pause = remaining > BEFORE_EXPIRY ? remaining - BEFORE_EXPIRY : remaining + AFTER_EXPIRY
    // If the session seems to have expired long ago, this device's clock is ahead: the server just accepted it.
    if (pause <= 0) return
    this.#expiryTimer = setTimeout(this.refresh, Math.min(pause, LONGEST_TIMEOUT))
  }

  /** Sends the session's id to other tabs. They ask the server themselves. */
  #announce(): void {
    const sessionId = sessionIdOf(this.#state)
    if (sessionId !== undefined) this.#tabs.announce(sessionId)
  }
}
