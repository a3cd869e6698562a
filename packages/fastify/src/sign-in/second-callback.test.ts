import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { LatchkeyOptions } from '../index.ts'
import { bitbucket } from '../providers/bitbucket.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, countRows, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { countExchanges, setCookies } from '../testing/refusal.ts'
import { bitbucketAt, type HeldProvider, serveHeld } from '../testing/unruly.ts'

const emulator = setUpEmulator()

const tokenOf = (answer: LightMyRequestResponse): string | undefined =>
  setCookies(answer).flatMap((line) => /^latchkey-3000=([^;]+)/.exec(line)?.[1] ?? [])[0]

const nameIn = async (browser: Browser): Promise<unknown> =>
  (await browser.get('/auth/session')).json().user?.name

/** Starts a flow, and returns the cookies of the browser before its first callback. */
async function arrive(
  app: FastifyInstance,
  query = '',
): Promise<{ browser: Browser; state: string; cookie: string }> {
  const browser = createBrowser(app)
  const referer = 'http://localhost:3000/pricing'
  const url = new URL(await browser.start(query, { referer }))
  return { browser, state: url.searchParams.get('state') ?? '', cookie: browser.cookies() }
}

const callbackOf = (state: string, answer = 'code=one'): string =>
  `/auth/bitbucket/callback?${answer}&state=${state}`

async function hold(
  options: LatchkeyOptions = {},
): Promise<{ app: FastifyInstance; provider: HeldProvider; events: string[]; log: string[] }> {
  const provider = await serveHeld()
  onTestFinished(provider.letGo)
  const log: string[] = []
  const app = await buildApp(
    emulator(),
    { providers: [bitbucketAt(provider.url)], ...options },
    { write: (line) => void log.push(line) },
  )
  const events: string[] = []
  app.latchkey.on('sign-in', () => void events.push('sign-in'))
  app.latchkey.on('sign-in-failed', ({ code }) => void events.push(code))
  return { app, provider, events, log }
}

describe('a second callback while the first is in progress', () => {
  it('waits for the first and gets the same session, whichever code it carries', async () => {
    const file = temporaryFile()
    const { app, provider, events } = await hold({ store: sqlite(file) })
    const { state, cookie } = await arrive(app, '?return_to=/work')
    const send = (answer: string) =>
      app.inject({ url: callbackOf(state, answer), headers: { cookie } })
    const first = send('code=one')
    await provider.asked
    const others = [send('code=two'), send('code=one'), send('error=access_denied')]
    await new Promise(setImmediate)
    provider.letGo()
    const answers = await Promise.all([first, ...others])
    for (const answer of answers) {
      expect(answer.statusCode).toBe(303)
      expect(answer.headers.location).toBe('/work')
      expect(setCookies(answer).filter((line) => line.includes('-flow-'))).toEqual([
        expect.stringContaining('Max-Age=0'),
      ])
    }
    const tokens = new Set(answers.map(tokenOf))
    expect(tokens.size).toBe(1)
    expect(tokens).not.toContain(undefined)
    expect(provider.codes).toEqual(['one'])
    expect(events).toEqual(['sign-in'])
    expect(countRows(file, 'sessions')).toBe(1)

    const known = await app.inject({
      url: '/api/me',
      headers: { cookie: `latchkey-3000=${[...tokens][0]}` },
    })
    expect(known.statusCode).toBe(200)
  })

  it('signs in a browser that has dropped the first response', async () => {
    const { app, provider } = await hold()
    const { browser, state, cookie } = await arrive(app)
    const first = app.inject({ url: callbackOf(state), headers: { cookie } })
    await provider.asked
    const second = browser.get(callbackOf(state, 'code=two'))
    await new Promise(setImmediate)
    provider.letGo()
    await Promise.all([first, second])
    expect((await browser.get('/api/me')).statusCode).toBe(200)
  })

  it('fails like the first, and the failure is logged and emitted once', async () => {
    const { app, provider, events, log } = await hold({ providerTimeout: 300 })
    const { state, cookie } = await arrive(app)
    const send = () => app.inject({ url: callbackOf(state), headers: { cookie } })
    const first = send()
    await provider.asked
    for (const answer of await Promise.all([first, send(), send()])) {
      expect(answer.headers.location).toBe('/pricing?auth_error=provider_unavailable')
      expect(tokenOf(answer)).toBeUndefined()
    }
    expect(events).toEqual(['provider_unavailable'])
    expect(log.filter((line) => line.includes('sign-in-failed'))).toHaveLength(1)
  })

  it('takes over if the browser of the first disconnects before the token request', async () => {
    const file = temporaryFile()
    const { app, provider } = await hold({ store: sqlite(file), providerConcurrency: 1 })
    const other = await arrive(app)
    const going = other.browser.get(callbackOf(other.state, 'code=other'))
    await provider.asked

    const { browser, state, cookie } = await arrive(app, '?return_to=/work')
    await app.listen({ host: '127.0.0.1', port: 0 })
    const received = once(app.server, 'request')
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    const lines = [`GET ${callbackOf(state)} HTTP/1.1`, 'Host: x', `Cookie: ${cookie}`, '', '']
    socket.on('error', () => {}).write(lines.join('\r\n'))
    const [, response] = await received
    const second = browser.get(callbackOf(state, 'code=two'))
    await new Promise(setImmediate)
    socket.destroy()
    await once(response, 'close')
    provider.letGo()
    expect((await going).headers.location).toBe('/')
    expect((await second).headers.location).toBe('/work')
    expect(provider.codes).toEqual(['other', 'two'])
    expect(countRows(file, 'used_flows')).toBe(2)
  })

  it('takes over a flow that the first has already marked as used, without a restart', async () => {
    const store = sqlite(':memory:')
    const [using, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const slow: typeof store = {
      ...store,
      async useFlow(id, expiresAt) {
        using.resolve()
        await go.promise
        return store.useFlow(id, expiresAt)
      },
    }
    const { app, provider } = await hold({ store: slow })
    provider.letGo()
    const { browser, state, cookie } = await arrive(app, '?return_to=/work')
    await app.listen({ host: '127.0.0.1', port: 0 })
    const received = once(app.server, 'request')
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    const lines = [`GET ${callbackOf(state)} HTTP/1.1`, 'Host: x', `Cookie: ${cookie}`, '', '']
    socket.on('error', () => {}).write(lines.join('\r\n'))
    const [, response] = await received
    await using.promise
    const second = browser.get(callbackOf(state, 'code=two'))
    await new Promise(setImmediate)
    socket.destroy()
    await once(response, 'close')
    go.resolve()
    expect((await second).headers.location).toBe('/work')
    expect(provider.codes).toEqual(['two'])
  })

  it('from another browser or provider does not get the session', async () => {
    const provider = await serveHeld()
    onTestFinished(provider.letGo)
    const app = await buildApp(emulator(), {
      providers: [
        bitbucketAt(provider.url),
        bitbucket({ id: 'other', emulatorUrl: emulator().url }),
      ],
    })
    const { state, cookie } = await arrive(app)
    const first = app.inject({ url: callbackOf(state), headers: { cookie } })
    await provider.asked
    const stranger = await createBrowser(app).get(callbackOf(state))
    expect(stranger.headers.location).toBe('/auth/sign-in?auth_error=flow_missing')
    const url = callbackOf(state).replace('/bitbucket/', '/other/')
    const mixed = await app.inject({ url, headers: { cookie } })
    expect(mixed.headers.location).toBe('/pricing?auth_error=flow_used')
    expect([tokenOf(stranger), tokenOf(mixed)]).toEqual([undefined, undefined])
    provider.letGo()
    expect((await first).headers.location).toBe('/')
    expect(countExchanges(emulator())).toBe(0)
  })

  it('beyond the limit fails with Retry-After, and keeps its flow cookie', async () => {
    const { app, provider } = await hold()
    const { state, cookie } = await arrive(app)
    const send = () => app.inject({ url: callbackOf(state), headers: { cookie } })
    const first = send()
    await provider.asked
    const waiting = Array.from({ length: 32 }, send)
    // An injected request starts on the next turn of the event loop, or when it is awaited.
    await new Promise(setImmediate)
    const late = await send()
    expect(late.headers.location).toBe('/pricing?auth_error=unavailable')
    expect(late.headers['retry-after']).toBe('5')
    expect(setCookies(late)).toEqual([])
    provider.letGo()
    for (const answer of await Promise.all([first, ...waiting])) {
      expect(answer.headers.location).toBe('/')
    }
  })
})

/** Returns whether a response redirects to the provider. */
const isRestart = ({ headers }: LightMyRequestResponse): boolean =>
  String(headers.location).startsWith(`${emulator().url}/site/oauth2/authorize?`)

/** Completes a flow without its browser: the browser still has the flow cookie, but never got the session. */
async function lose(
  app: FastifyInstance,
  query = '',
): Promise<{ browser: Browser; callback: string }> {
  const browser = createBrowser(app)
  const url = await browser.start(query, { referer: 'http://localhost:3000/pricing' })
  const callback = await browser.consent(url, { user: 'ada' })
  await app.inject({ url: callback, headers: { cookie: browser.cookies() } })
  return { browser, callback }
}

describe('a callback with a used flow', () => {
  it('restarts the flow automatically, and ends signed in on the target', async () => {
    const log: string[] = []
    const app = await buildApp(emulator(), {}, { write: (line) => void log.push(line) })
    const { browser, callback } = await lose(app, '?return_to=/work')
    const [before] = browser.cookies().split('=', 1)
    const answer = await browser.get(callback)
    expect(answer.statusCode).toBe(303)
    expect(isRestart(answer)).toBe(true)
    expect(tokenOf(answer)).toBeUndefined()
    expect(browser.cookies()).toMatch(/^latchkey-3000-flow-[\w-]{10}=[\w-]+$/)
    expect(browser.cookies().startsWith(`${before}=`)).toBe(false)
    expect(
      log.map((line) => JSON.parse(line)).filter(({ event }) => /^sign-in-/.test(event)),
    ).toEqual([expect.objectContaining({ event: 'sign-in-restarted', provider: 'bitbucket' })])

    const again = await browser.consent(String(answer.headers.location), { user: 'ada' })
    expect((await browser.get(again)).headers.location).toBe('/work')
    expect(await nameIn(browser)).toBe('Ada Test')
  })

  it('returns to the page of the first flow if the restart fails, and reports to its popup', async () => {
    const app = await buildApp(emulator())
    const plain = await lose(app)
    const restarted = await plain.browser.get(plain.callback)
    const press = { decision: 'deny' } as const
    const denied = await plain.browser.consent(String(restarted.headers.location), press)
    expect((await plain.browser.get(denied)).headers.location).toBe(
      '/pricing?auth_error=access_denied',
    )

    const popup = await lose(app, '?popup=0123456789abcdef')
    const inPopup = await popup.browser.get(popup.callback)
    const agreed = await popup.browser.consent(String(inPopup.headers.location), { user: 'ada' })
    expect((await popup.browser.get(agreed)).headers.location).toBe(
      '/auth/popup?popup=0123456789abcdef',
    )
  })

  it('also restarts on another server', async () => {
    const file = temporaryFile()
    const [here, there] = [
      await buildApp(emulator(), { store: sqlite(file) }),
      await buildApp(emulator(), { store: sqlite(file) }),
    ]
    const { browser, callback } = await lose(here)
    const headers = { cookie: browser.cookies() }
    expect(isRestart(await there.inject({ url: callback, headers }))).toBe(true)
  })

  it('restarts only once', async () => {
    const app = await buildApp(emulator())
    const { browser, callback } = await lose(app)
    const { headers } = await browser.get(callback)
    const again = await browser.consent(String(headers.location), { user: 'ada' })
    await app.inject({ url: again, headers: { cookie: browser.cookies() } })
    const answer = await browser.get(again)
    expect(answer.headers.location).toBe('/pricing?auth_error=flow_used')
    expect(browser.cookies()).toBe('')
  })

  it.each([
    ['an error', (callback: string) => callback.replace(/code=[^&]+/, 'error=access_denied')],
    ['an error as well as a code', (callback: string) => `${callback}&error=server_error`],
    ['no code', (callback: string) => callback.replace(/code=[^&]+/, 'x=y')],
    ['two codes', (callback: string) => `${callback}&code=another`],
  ])('does not restart with %s', async (_what, change) => {
    const app = await buildApp(emulator())
    const { browser, callback } = await lose(app)
    const answer = await browser.get(change(callback))
    expect(answer.headers.location).toBe('/pricing?auth_error=flow_used')
    expect(browser.cookies()).toBe('')
  })

  it.each(['prompt=login', 'prompt=select_account', 'login_hint=ada'])(
    'does not restart after a start with %s',
    async (hint) => {
      const app = await buildApp(emulator())
      const { browser, callback } = await lose(app, `?${hint}`)
      const answer = await browser.get(callback)
      expect(answer.headers.location).toBe('/pricing?auth_error=flow_used')
    },
  )

  it('does not restart in a browser without its flow cookie', async () => {
    const app = await buildApp(emulator())
    const { callback } = await lose(app)
    const stranger = createBrowser(app)
    await stranger.start()
    const answer = await stranger.get(callback)
    expect(answer.headers.location).toBe('/auth/sign-in?auth_error=flow_missing')
  })

  it('does not restart an expired flow', async () => {
    let now = Date.now()
    const app = await buildApp(emulator(), { clock: () => now })
    const { browser, callback } = await lose(app)
    const cookie = browser.cookies()
    now += 10 * 60 * 1000
    const answer = await app.inject({ url: callback, headers: { cookie } })
    expect(answer.headers.location).toBe('/pricing?auth_error=flow_used')
  })

  it('redirects to its target in a browser that is signed in', async () => {
    const app = await buildApp(emulator())
    const { browser, callback } = await lose(app, '?return_to=/work')
    const before = browser.cookies()
    await browser.signIn('ben')
    const cookie = `${before}; ${browser.cookies()}`
    const answer = await app.inject({ url: callback, headers: { cookie } })
    expect(answer.headers.location).toBe('/work')
    expect(tokenOf(answer)).toBeUndefined()
  })
})

describe('the Back button after signing out', () => {
  it('does not sign in again, and sends no request to the provider', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    await browser.get(callback)
    await browser.post('/auth/sign-out')
    const back = await browser.get(callback)
    expect(back.headers.location).toBe('/auth/sign-in?auth_error=flow_missing')
    expect(await nameIn(browser)).toBeUndefined()
    expect(countExchanges(emulator())).toBe(1)
  })

  it('does not sign in again after a restarted sign-in, or one with two callbacks', async () => {
    const app = await buildApp(emulator())
    const { browser, callback } = await lose(app)
    const { headers } = await browser.get(callback)
    const again = await browser.consent(String(headers.location), { user: 'ada' })
    await Promise.all([browser.get(again), browser.get(again)])
    expect(await nameIn(browser)).toBe('Ada Test')
    await browser.post('/auth/sign-out')
    for (const url of [callback, again]) {
      const back = await browser.get(url)
      expect(back.headers.location).toBe('/auth/sign-in?auth_error=flow_missing')
      expect(await nameIn(browser)).toBeUndefined()
    }
  })
})
