import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { bitbucket } from '../providers/bitbucket.ts'
import { sqlite } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { buildApp, countRows, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { startChild } from '../testing/child.ts'
import { setCookies } from '../testing/refusal.ts'
import {
  agree,
  bitbucketAt,
  comeBack,
  type HeldProvider,
  serve,
  serveHeld,
} from '../testing/unruly.ts'

const emulator = setUpEmulator()
const MEGABYTE = 1024 * 1024

/** A browser after consent at the provider, and its callback URL. */
interface Arrival {
  readonly browser: Browser
  readonly callback: string
}

async function arrive(app: FastifyInstance, code: string, query = ''): Promise<Arrival> {
  const browser = createBrowser(app)
  const referer = 'http://localhost:3000/pricing'
  const url = new URL(await browser.start(query, { referer }))
  const state = url.searchParams.get('state')
  return { browser, callback: `/auth/bitbucket/callback?code=${code}&state=${state}` }
}

/**
 * Sends a callback over a socket that the test may close. Resolves once the server has received it.
 */
async function send(app: FastifyInstance, { browser, callback }: Arrival): Promise<Sent> {
  if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const received = once(app.server, 'request')
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    `GET ${callback} HTTP/1.1\r\nHost: localhost\r\nCookie: ${browser.cookies()}\r\n\r\n`,
  )
  const [, response] = await received
  return {
    async disconnect() {
      const closed = once(response, 'close')
      socket.destroy()
      await closed
    },
  }
}

interface Sent {
  /** Closes the connection, and waits until the server has noticed. */
  disconnect(): Promise<void>
}

async function hold(
  providerConcurrency: number,
  options: { store?: Store; providerTimeout?: number } = {},
): Promise<{ app: FastifyInstance; provider: HeldProvider }> {
  const provider = await serveHeld()
  onTestFinished(provider.letGo)
  const providers = [bitbucketAt(provider.url)]
  return {
    app: await buildApp(emulator(), { providers, providerConcurrency, ...options }),
    provider,
  }
}

describe('a callback beyond the cap and its queue', () => {
  it('redirects back without using up its flow, and works when it is reloaded', async () => {
    const file = temporaryFile()
    const { app, provider } = await hold(1, { store: sqlite(file) })
    const heard: unknown[] = []
    app.latchkey.on('sign-in-failed', (event) => void heard.push(event))
    const [first, second, third] = [
      await arrive(app, 'first'),
      await arrive(app, 'second'),
      await arrive(app, 'third', '?return_to=/work'),
    ]
    const going = first.browser.get(first.callback)
    await provider.asked
    const waiting = second.browser.get(second.callback)

    const before = third.browser.cookies()
    const rejected = await third.browser.get(third.callback)
    expect(rejected.statusCode).toBe(303)
    expect(rejected.headers.location).toBe('/pricing?auth_error=unavailable')
    expect(rejected.headers['retry-after']).toBe('5')
    expect(setCookies(rejected)).toEqual([])
    expect(third.browser.cookies()).toBe(before)
    expect(heard).toEqual([{ provider: 'bitbucket', code: 'unavailable' }])
    // The callback in the queue has not used up its flow yet either.
    expect(countRows(file, 'used_flows')).toBe(1)

    provider.letGo()
    expect((await going).headers.location).toBe('/')
    expect((await waiting).headers.location).toBe('/')
    expect((await third.browser.get(third.callback)).headers.location).toBe('/work')
    expect(provider.codes).toEqual(['first', 'second', 'third'])
  })

  it('displaces a callback from the busiest address, which then works when it is reloaded', async () => {
    const { app, provider } = await hold(2)
    const from = (remoteAddress: string, { browser, callback }: Arrival) =>
      app.inject({ url: callback, headers: { cookie: browser.cookies() }, remoteAddress })
    for (const code of ['a', 'b', 'c']) void from('192.0.2.1', await arrive(app, code))
    const newest = await arrive(app, 'newest')
    const displaced = from('192.0.2.1', newest)
    await provider.asked
    const other = from('192.0.2.2', await arrive(app, 'other'))
    const { headers } = await displaced
    expect(headers.location).toBe('/pricing?auth_error=unavailable')
    expect(headers['set-cookie']).toBeUndefined()

    provider.letGo()
    expect((await other).headers.location).toBe('/')
    const { browser, callback } = newest
    expect((await browser.get(callback)).headers.location).toBe('/')
  })

  it('is accepted if it needs no exchange, such as after a click on Cancel', async () => {
    const { app, provider } = await hold(1)
    for (const code of ['first', 'second']) {
      const { browser, callback } = await arrive(app, code)
      void browser.get(callback)
    }
    await provider.asked
    const { browser, callback } = await arrive(app, 'x')
    const answer = await browser.get(callback.replace('code=x', 'error=access_denied'))
    expect(answer.headers.location).toBe('/pricing?auth_error=access_denied')
    expect(browser.cookies()).toBe('')
  })
})

describe('a callback in the queue', () => {
  it('leaves the queue when its browser disconnects, and its flow can still be used', async () => {
    const file = temporaryFile()
    const { app, provider } = await hold(1, { store: sqlite(file) })
    const [first, gone, next] = [
      await arrive(app, 'first'),
      await arrive(app, 'gone'),
      await arrive(app, 'next'),
    ]
    const going = first.browser.get(first.callback)
    await provider.asked
    await (await send(app, gone)).disconnect()
    // The queue has room for one callback.
    const waiting = next.browser.get(next.callback)
    await new Promise(setImmediate)
    expect(countRows(file, 'used_flows')).toBe(1)
    provider.letGo()
    expect((await going).headers.location).toBe('/')
    expect((await waiting).headers.location).toBe('/')
    expect(provider.codes).toEqual(['first', 'next'])
    expect(countRows(file, 'used_flows')).toBe(2)
    expect((await gone.browser.get(gone.callback)).headers.location).toBe('/')
  })

  it('is dropped when its browser disconnects while the flow is being used up', async () => {
    const store = sqlite(':memory:')
    const [using, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const slow: Store = {
      ...store,
      async useFlow(id, expiresAt) {
        using.resolve()
        await go.promise
        return store.useFlow(id, expiresAt)
      },
    }
    const { app, provider } = await hold(1, { store: slow })
    provider.letGo()
    const gone = await arrive(app, 'gone')
    const sent = await send(app, gone)
    await using.promise
    await sent.disconnect()
    go.resolve()
    // Once this callback has had its turn, the other has released its place.
    const next = await arrive(app, 'next')
    expect((await next.browser.get(next.callback)).headers.location).toBe('/')
    expect(provider.codes).toEqual(['next'])
  })

  describe('while the test controls the timers', () => {
    afterEach(() => void vi.useRealTimers())

    it('takes no longer than providerTimeout in total, including its exchange', async () => {
      const { app, provider } = await hold(1, { providerTimeout: 1000 })
      const [first, second] = [await arrive(app, 'first'), await arrive(app, 'second')]
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
      const going = first.browser.get(first.callback)
      await provider.asked
      const waiting = second.browser.get(second.callback)
      await new Promise(setImmediate)
      await vi.advanceTimersByTimeAsync(1000)
      expect((await going).headers.location).toBe('/pricing?auth_error=provider_unavailable')
      expect((await waiting).headers.location).toBe('/pricing?auth_error=provider_unavailable')
    })
  })
})

describe('a cap of one', () => {
  it('means one connection, even for concurrent requests', async () => {
    const { app, provider } = await hold(1)
    provider.letGo()
    expect((await comeBack(app)).headers.location).toBe('/')
    expect((await comeBack(app)).headers.location).toBe('/')
    expect(provider.connections.most).toBe(1)
  })
})

const CALLBACKS = 3000
/**
 * How many of the flood's connections are open at a time. The oldest one is closed before the next one is opened.
 */
const WINDOW = 300

/** The parts of a server that a flood needs. */
interface Flooded {
  readonly port: number
  readonly cookie: string
  inject: FastifyInstance['inject']
  /** Resolves when the provider has received as many requests as the cap allows. */
  whenFull(): Promise<void>
  /** Resolves when the server has received every callback. */
  whenReceived?(): Promise<void>
}

/**
 * Sends 3,000 callbacks with their own flows and invented codes, whose clients do not wait for the
 * response. At the same time, a signed-in person sends 300 requests, and another person signs in
 * with `other`.
 */
async function flood({ port, cookie, inject, whenFull, whenReceived }: Flooded): Promise<{
  statuses: Set<number>
  other: unknown
}> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const open: Socket[] = []
  const statuses = new Set<number>()
  let started = 0

  const sendJunk = async (): Promise<void> => {
    const headers = { host: 'localhost:3000' }
    const path = '/auth/bitbucket/start'
    const start = request({ host: '127.0.0.1', port, agent, path, headers }).end()
    const [response] = await once(start, 'response')
    response.resume()
    const state = new URL(String(response.headers.location)).searchParams.get('state')
    if (state === null) throw new Error('The start did not redirect to the provider.')
    const flow = String(response.headers['set-cookie']).split(';', 1)[0]
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {}).resume()
    await once(socket, 'connect')
    const callback = `/auth/bitbucket/callback?code=junk&state=${state}`
    const lines = [`GET ${callback} HTTP/1.1`, 'Host: localhost:3000', `Cookie: ${flow}`, '', '']
    await new Promise((resolve) => socket.write(lines.join('\r\n'), resolve))
    open.push(socket)
    if (open.length > WINDOW) open.shift()?.destroy()
  }

  const work = async (): Promise<void> => {
    while (started < CALLBACKS) {
      const number = started++
      await sendJunk()
      if (number % 10 !== 0) continue
      const answer = await inject({ method: 'GET', url: '/api/me', headers: { cookie } })
      statuses.add(answer.statusCode)
    }
  }

  const [other] = await Promise.all([
    whenFull().then(() => comeBack({ inject }, 'other')),
    ...Array.from({ length: 8 }, work),
  ])
  await whenReceived?.()
  for (const socket of open) socket.destroy()
  agent.destroy()
  return { statuses, other: other.headers.location }
}

/** A provider that accepts connections and never responds. */
async function serveNothing(full: number): Promise<{
  url: string
  connections: { open: number; most: number }
  whenFull(): Promise<void>
}> {
  const connections = { open: 0, most: 0 }
  const isFull = Promise.withResolvers<void>()
  const url = await serve(({ socket }) => {
    connections.open++
    connections.most = Math.max(connections.most, connections.open)
    if (connections.most >= full) isFull.resolve()
    socket.on('close', () => void connections.open--)
  })
  return { url, connections, whenFull: () => isFull.promise }
}

const sessionOf = ({ headers }: LightMyRequestResponse): string =>
  /latchkey-3000=[^;,]+/.exec(String(headers['set-cookie']))?.[0] ?? 'missing'

describe('3,000 callbacks with invented codes while the provider hangs', {
  timeout: 60_000,
}, () => {
  it('use no more connections than the cap, and do not affect anyone else', async () => {
    const cap = 20
    const hanging = await serveNothing(cap)
    const agreeing = await serve(agree)
    const app = await buildApp(emulator(), {
      providers: [
        bitbucket({ emulatorUrl: hanging.url }),
        bitbucket({ id: 'other', emulatorUrl: agreeing }),
      ],
      providerConcurrency: cap,
    })
    const received = Promise.withResolvers<void>()
    let callbacks = 0
    app.server.on('request', ({ url }) => {
      if (!url?.startsWith('/auth/bitbucket/callback')) return
      if (++callbacks === CALLBACKS) received.resolve()
    })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const cookie = sessionOf(await comeBack(app, 'other'))
    const { statuses, other } = await flood({
      port,
      cookie,
      inject: app.inject.bind(app) as FastifyInstance['inject'],
      whenFull: hanging.whenFull,
      whenReceived: () => received.promise,
    })
    expect(statuses).toEqual(new Set([200]))
    expect(other).toBe('/')
    expect(hanging.connections.most).toBe(cap)
  })

  it('keep a process with 1,024 file descriptors working, with less than 128 MB of memory', async () => {
    const hanging = await serveNothing(100)
    const agreeing = await serve(agree)
    const limits = `ulimit -n 1024; exec '${process.execPath}' --expose-gc "$0" "$@"`
    const server = await startChild(
      { file: temporaryFile(), emulatorUrl: hanging.url, otherUrl: agreeing },
      { execPath: '/bin/sh', execArgv: ['-c', limits] },
    )
    const readMemory = async (): Promise<NodeJS.MemoryUsage> => {
      server.process.send('memory')
      const [memory] = await once(server.process, 'message')
      return memory
    }
    const cookie = sessionOf(await comeBack(server.app, 'other'))
    const before = await readMemory()
    const { statuses, other } = await flood({
      port: server.port,
      cookie,
      inject: server.app.inject,
      whenFull: hanging.whenFull,
    })
    const after = await readMemory()
    expect(statuses).toEqual(new Set([200]))
    expect(other).toBe('/')
    expect(hanging.connections.most).toBe(100)
    expect(after.heapUsed - before.heapUsed).toBeLessThan(16 * MEGABYTE)
    expect(after.rss - before.rss).toBeLessThan(128 * MEGABYTE)
  })
})
