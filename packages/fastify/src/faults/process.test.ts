import { once } from 'node:events'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import latchkey from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, countRows, SECRET, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { startChild } from '../testing/child.ts'
import { agree, bitbucketAt, comeBack, serve } from '../testing/unruly.ts'

const emulator = setUpEmulator()
const UNAVAILABLE = '/auth/sign-in?auth_error=provider_unavailable'
const MONTH = 30 * 24 * 60 * 60 * 1000

/**
 * A provider that holds back its responses after people have come back with a code, until it is released.
 */
async function serveSlowly(): Promise<{ url: string; asked: Promise<void>; letGo(): void }> {
  const [asked, free] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const url = await serve(async (incoming, response) => {
    asked.resolve()
    await free.promise
    agree(incoming, response)
  })
  return { url, asked: asked.promise, letGo: free.resolve }
}

describe('a server that is told to stop during a callback', { timeout: 30_000 }, () => {
  it('responds before it stops, accepts no new connections, and leaves nothing running', async () => {
    const provider = await serveSlowly()
    const file = temporaryFile()
    const server = await startChild({ file, emulatorUrl: provider.url })
    const callback = comeBack(server.app)
    await provider.asked
    server.process.kill('SIGTERM')
    await untilRefused(server.app)
    provider.letGo()
    const { headers } = await callback
    expect(headers.location).toBe('/')
    expect(await server.ended).toBeNull()
    expect(server.process.exitCode).toBe(0)

    const [cookie] = String(headers['set-cookie']).match(/latchkey-3000=[^;]+/) ?? []
    const next = await startChild({ file, emulatorUrl: provider.url })
    const known = await next.app.inject({ url: '/auth/session', headers: { cookie } })
    expect(known.json().user).not.toBeNull()
  })

  it('responds with an error page if the provider does not respond in time', async () => {
    const provider = await serveSlowly()
    const file = temporaryFile()
    const orders = { file, emulatorUrl: provider.url, providerTimeout: 500 }
    const server = await startChild(orders)
    const callback = comeBack(server.app)
    await provider.asked
    server.process.kill('SIGTERM')
    expect((await callback).headers.location).toBe(UNAVAILABLE)
    expect(await server.ended).toBeNull()
    expect(server.process.exitCode).toBe(0)
    expect(countRows(file, 'sessions')).toBe(0)
  })
})

describe('a server whose files cannot grow, not even the journal', { timeout: 30_000 }, () => {
  it('acknowledges no more writes, keeps everyone signed in, and has lost nothing once files can grow again', async () => {
    const file = temporaryFile()
    const orders = { file, emulatorUrl: emulator().url }
    // 400 kB. The signal that is sent when a file exceeds the limit would end a process that does not ignore it.
    const limits = `trap '' XFSZ; ulimit -f 800; exec '${process.execPath}' "$0" "$@"`
    const server = await startChild(orders, { execPath: '/bin/sh', execArgv: ['-c', limits] })
    const inside: Browser[] = []
    let last: unknown = '/'
    while (last === '/' && inside.length < 100) {
      const browser = createBrowser(server.app)
      last = (await browser.signIn('ada')).headers.location
      if (last === '/') inside.push(browser)
    }
    expect(last).toBe('/auth/sign-in?auth_error=unavailable')
    // A small write may still succeed.
    const outside: string[] = []
    for (;;) {
      const somebody = inside.at(-1) as Browser
      const cookie = somebody.cookies()
      const signOut = await somebody.post('/auth/sign-out')
      if (signOut.statusCode !== 204) {
        expect(signOut.statusCode).toBe(503)
        expect(signOut.headers['set-cookie']).toBeUndefined()
        break
      }
      inside.pop()
      outside.push(cookie)
    }
    for (const browser of inside) {
      expect((await browser.get('/auth/session')).json().user.name).toBe('Ada Test')
    }
    server.process.kill('SIGTERM')
    await server.ended
    const next = await startChild(orders)
    for (const browser of inside) {
      const headers = { cookie: browser.cookies() }
      const known = await next.app.inject({ url: '/auth/session', headers })
      expect(known.json().user.name).toBe('Ada Test')
    }
    for (const cookie of outside) {
      const known = await next.app.inject({ url: '/auth/session', headers: { cookie } })
      expect(known.json().user).toBeNull()
    }
    expect((await createBrowser(next.app).signIn('ada')).headers.location).toBe('/')
  })
})

describe('a browser that disconnects while it waits', () => {
  it('is signed in anyway, and its unused session expires', async () => {
    const provider = await serveSlowly()
    const file = temporaryFile()
    let now = Date.now()
    const app = await buildApp(emulator(), {
      providers: [bitbucketAt(provider.url)],
      store: sqlite(file),
      clock: () => now,
    })
    const signedIn = new Promise((resolve) => app.latchkey.on('sign-in', resolve))
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const browser = createBrowser(app)
    const state = new URL(await browser.start()).searchParams.get('state')
    const callback = request({
      host: '127.0.0.1',
      port,
      path: `/auth/bitbucket/callback?code=x&state=${state}`,
      headers: { cookie: browser.cookies() },
    })
    callback.on('error', () => {})
    callback.end()
    const [, answer] = await once(app.server, 'request')
    await provider.asked
    callback.destroy()
    await once(answer, 'close')
    provider.letGo()
    await signedIn
    expect(countRows(file, 'sessions')).toBe(1)

    now += MONTH + 1
    expect((await comeBack(app)).headers.location).toBe('/')
    expect(countRows(file, 'sessions')).toBe(1)
    expect(countRows(file, 'users')).toBe(1)
  })
})

describe('an application whose listeners throw, reject or never settle', {
  timeout: 30_000,
}, () => {
  it('signs people in and out as usual, even though an unhandled rejection would end the process', async () => {
    const server = await startChild(
      { file: temporaryFile(), emulatorUrl: emulator().url, badListeners: true },
      { execArgv: ['--unhandled-rejections=strict'] },
    )
    const browser = createBrowser(server.app)
    emulator().answerNext('GET /2.0/user', { status: 500 })
    expect((await browser.signIn('ada')).headers.location).toBe(UNAVAILABLE)
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect((await browser.get('/auth/session')).json().user.name).toBe('Ada Test')
    expect((await browser.post('/auth/sign-out')).statusCode).toBe(204)
    server.process.kill('SIGTERM')
    expect(await server.ended).toBeNull()
    expect(server.process.exitCode).toBe(0)
  })
})

describe('an application whose hooks throw', () => {
  it.each([
    ['onRequest', [500, 500, 500]],
    ['preParsing', [500, 500, 500]],
    ['preValidation', [500, 500, 500]],
    ['preHandler', [500, 500, 500]],
    ['onSend', [500, 500, 500]],
    ['onResponse', [200, 303, 204]],
    ['onError', [200, 303, 204]],
  ] as const)('in %s sends a response, and continues to run', async (hook, statuses) => {
    const app = Fastify()
    let failing = false
    app.addHook(hook as 'onRequest', async () => {
      if (failing) throw new Error('a mistake in the application')
    })
    await app.register(latchkey, {
      origin: 'http://localhost:3000',
      secret: SECRET,
      providers: [bitbucketAt(await serve(agree))],
      store: sqlite(':memory:'),
    })
    const browser = createBrowser(app)
    const state = new URL(await browser.start()).searchParams.get('state')
    failing = true
    const answers = [
      await browser.get('/auth/session'),
      await browser.get(`/auth/bitbucket/callback?code=x&state=${state}`),
      await browser.post('/auth/sign-out'),
    ]
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(statuses)
    failing = false
    expect((await comeBack(app)).headers.location).toBe('/')
    await app.close()
  })
})

/** Waits until a server stops accepting new connections. */
async function untilRefused(app: Parameters<typeof createBrowser>[0]): Promise<void> {
  for (;;) {
    const answer = await app
      .inject({ url: '/auth/session', headers: { connection: 'close' } })
      .catch(() => null)
    if (answer === null) return
    expect([200, 503]).toContain(answer.statusCode)
  }
}
