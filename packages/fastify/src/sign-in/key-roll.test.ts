import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { describe, expect, it } from 'vitest'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, SECRET as OLD, setUpEmulator, temporaryFile } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'

const emulator = setUpEmulator()
const NEW = 'Zq8w3ErTy6uIoP1aSdFg4hJkLzXcVb9n'
const FOREIGN = 'mN5bV2cX9zL1kJ7hG4fD8sA3pO6iU0yT'

type Secrets = readonly string[]

/** Starts two servers on one file, each with its own secrets. */
async function serve(
  file: string,
  secrets: readonly [Secrets, Secrets],
): Promise<[FastifyInstance, FastifyInstance]> {
  const build = (secret: Secrets): Promise<FastifyInstance> =>
    buildApp(emulator(), { store: sqlite(file), secret })
  return [await build(secrets[0]), await build(secrets[1])]
}

/** A sign-in at the provider. The load balancer chooses which server gets its callback. */
interface Started {
  readonly callback: string
  readonly headers: { readonly cookie: string }
}

async function start(app: FastifyInstance): Promise<Started> {
  const browser = createBrowser(app)
  const callback = await browser.consent(await browser.start(), { user: 'ada' })
  return { callback, headers: { cookie: browser.cookies() } }
}

function finish(app: FastifyInstance, started: Started): Promise<LightMyRequestResponse> {
  return app.inject({ url: started.callback, headers: started.headers })
}

async function isInAt(app: FastifyInstance, browser: Browser): Promise<boolean> {
  const headers = { cookie: browser.cookies() }
  return (await app.inject({ url: '/api/me', headers })).statusCode === 200
}

describe('rotating the secret, one server after the other', () => {
  it('in two steps interrupts no session and no sign-in', async () => {
    const file = temporaryFile()
    const steps: [Secrets, Secrets][] = [
      [[OLD], [OLD]],
      // First, all servers accept the new secret.
      [[OLD, NEW], [OLD]],
      [
        [OLD, NEW],
        [OLD, NEW],
      ],
      // Then they encrypt with it.
      [
        [NEW, OLD],
        [OLD, NEW],
      ],
      [
        [NEW, OLD],
        [NEW, OLD],
      ],
      // When no flow with the old secret is left, remove it.
      [[NEW], [NEW, OLD]],
      [[NEW], [NEW]],
    ]
    const browsers: Browser[] = []
    let underWay: Started[] = []
    for (const step of steps) {
      const apps = await serve(file, step)
      for (const app of apps) {
        for (const browser of browsers) expect(await isInAt(app, browser)).toBe(true)
      }
      // Flows that started before this step, on either server, complete after it on either.
      for (const [index, started] of underWay.entries()) {
        const app = apps[index % 2] as FastifyInstance
        expect((await finish(app, started)).headers.location).toBe('/')
      }
      // So do flows that start now, on the same server and on the other.
      for (const begun of apps) {
        for (const ended of apps) {
          expect((await finish(ended, await start(begun))).headers.location).toBe('/')
        }
        const browser = createBrowser(begun)
        await browser.signIn('ben')
        browsers.push(browser)
      }
      const [first, second] = apps
      underWay = [await start(first), await start(first), await start(second), await start(second)]
      await Promise.all(apps.map((app) => app.close()))
    }
    expect(browsers).toHaveLength(14)
  })

  it('fails some sign-ins, but breaks nothing, if one server encrypts with a secret that the other lacks', async () => {
    const [ahead, behind] = await serve(temporaryFile(), [[NEW, OLD], [OLD]])
    const browser = createBrowser(behind)
    await browser.signIn('ben')
    expect([await isInAt(ahead, browser), await isInAt(behind, browser)]).toEqual([true, true])

    expect((await finish(ahead, await start(behind))).headers.location).toBe('/')
    const started = await start(ahead)
    const refused = await finish(behind, started)
    expect(refused.statusCode).toBe(303)
    expect(refused.headers.location).toBe('/auth/sign-in?auth_error=flow_missing')
    const page = await behind.inject({ url: String(refused.headers.location) })
    expect(page.body).toContain('Start again here.')
    // The failed callback did not use the code.
    expect((await finish(ahead, started)).headers.location).toBe('/')
  })

  it('in one step, without the old secret, interrupts no session either', async () => {
    const file = temporaryFile()
    const [before] = await serve(file, [[OLD], [OLD]])
    const browser = createBrowser(before)
    await browser.signIn('ada')
    const started = await start(before)
    const [after] = await serve(file, [[NEW], [NEW]])
    expect(await isInAt(after, browser)).toBe(true)
    const refused = await finish(after, started)
    expect(refused.headers.location).toBe('/auth/sign-in?auth_error=flow_missing')
  })
})

describe('a flow that was encrypted with an unknown secret', () => {
  it('fails with flow_missing, and its cookie is left alone like another application’s', async () => {
    const file = temporaryFile()
    const [foreign] = await serve(file, [[FOREIGN], [FOREIGN]])
    const [app] = await serve(file, [[NEW, OLD], [OLD]])
    const elsewhere = createBrowser(foreign)
    await elsewhere.start()
    const callback = await elsewhere.consent(await elsewhere.start(), { user: 'ada' })
    const browser = createBrowser(app)
    for (const cookie of await elsewhere.jar.getCookies(elsewhere.origin)) {
      await browser.jar.setCookie(cookie, browser.origin)
    }
    const refused = await browser.get(callback)
    expect(refused.headers.location).toBe('/auth/sign-in?auth_error=flow_missing')
    expect(browser.cookies()).toMatch(/^latchkey-3000-flow-[\w-]{10}=[\w-]+$/)
    expect((await browser.signIn('ada')).headers.location).toBe('/')
    expect(browser.cookies().match(/-flow-/g)).toHaveLength(1)
    expect(await isInAt(app, browser)).toBe(true)
  })
})
