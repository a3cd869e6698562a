import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import {
  type BitbucketEmulator,
  type Seed,
  startBitbucketEmulator,
} from '@latchkey/bitbucket-emulator'
import { bitbucket } from '@latchkey/fastify'
import { sqlite } from '@latchkey/fastify/sqlite'
import type { FastifyInstance } from 'fastify'
import type {
  APIResponse,
  Browser,
  BrowserContext,
  BrowserContextOptions,
  Page,
} from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { buildApp } from '../src/app.ts'
import { connectToBrowser } from './browser.ts'
import { certificate } from './certificate.ts'
import { startProxy } from './proxy.ts'

export interface Demo {
  readonly origin: string
  readonly emulator: BitbucketEmulator
  /** The requests to the demo during this test, with their responses. */
  readonly exchanges: readonly Exchange[]
  /**
   * Opens a new browser context without cookies. The context is closed after the test. The test fails if there were
   * problems other than the `expected` ones.
   */
  visit(options?: BrowserContextOptions, expected?: RegExp): Promise<Visit>
  /** Signs in with two clicks, from the landing page to the decisions. The default person is Ada Test. */
  signIn(page: Page, name?: string): Promise<void>
  /**
   * Signs in with the same requests, but without showing the pages, and opens the decisions. For tests that start after
   * a sign-in. The default person is `ada`.
   */
  signInUnseen(page: Page, nickname?: string, path?: string): Promise<void>
  /** Signs out with two clicks, from a page of Quire or from the hosted page. */
  signOut(page: Page): Promise<void>
}

export interface Exchange {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly status: number
  /** The `Location` of the response, if any. */
  readonly location: string | null
}

export interface Visit {
  readonly page: Page
  readonly context: BrowserContext
  readonly problems: Problems
}

/** The problems in a browser, in order. */
export type Problems = string[]

export interface MoreOfDemo {
  /** Adds pages to the application. */
  readonly pages?: (app: FastifyInstance) => Promise<void>
  /** Additional headers for the provider's responses. */
  readonly providerHeaders?: Readonly<Record<string, string>>
}

/** Starts the built demo on its own port, the emulator with `seed`, and a real browser. */
export function setUpDemo(
  seed?: Seed,
  scheme: 'http' | 'https' = 'http',
  more: MoreOfDemo = {},
): Demo {
  let servers: Servers
  let browser: Browser
  const contexts: BrowserContext[] = []
  const unexpected: (() => Problems)[] = []
  const exchanges: Exchange[] = []

  beforeAll(async () => {
    servers = await startServers(seed, scheme, more, (exchange) => exchanges.push(exchange))
    browser = await connectToBrowser()
  })

  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()))
    servers.emulator.reset()
    exchanges.length = 0
    expect(unexpected.splice(0).flatMap((problems) => problems())).toEqual([])
  })

  afterAll(async () => {
    await browser?.close()
    await servers?.close()
  })

  return {
    get origin() {
      return servers.origin
    },
    get emulator() {
      return servers.emulator
    },
    exchanges,
    async visit(options = {}, expected) {
      const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options })
      contexts.push(context)
      const problems = await listenForProblems(context)
      unexpected.push(() => problems.filter((problem) => !expected?.test(problem)))
      return { page: await context.newPage(), context, problems }
    },
    async signIn(page, name = 'Ada Test') {
      await page.goto(servers.origin)
      await page.getByRole('link', { name: 'Continue with Bitbucket' }).click()
      await page.getByRole('button', { name }).click()
      await page.waitForURL(`${servers.origin}/decisions`)
    },
    async signInUnseen(page, nickname = 'ada', path = '/decisions') {
      const start = `${servers.origin}/auth/bitbucket/start?return_to=${path}`
      const consent = await redirectOf(page.request.get(start, { maxRedirects: 0 }))
      const form = { ...Object.fromEntries(consent.searchParams), user: nickname }
      const decided = page.request.post(consent.href, { form, maxRedirects: 0 })
      const callback = await redirectOf(decided)
      await page.goto((await redirectOf(page.request.get(callback.href, { maxRedirects: 0 }))).href)
    },
    signOut,
  }
}

interface Servers {
  readonly origin: string
  readonly emulator: BitbucketEmulator
  close(): Promise<void>
}

async function startServers(
  seed: Seed | undefined,
  scheme: 'http' | 'https',
  { pages, providerHeaders }: MoreOfDemo,
  onExchange: (exchange: Exchange) => void,
): Promise<Servers> {
  const emulator = await startBitbucketEmulator(seed === undefined ? {} : { seed })
  const proxy = providerHeaders && (await startProxy(emulator.url, providerHeaders))
  const port = await freePort()
  const origin = `${scheme}://localhost:${port}`
  const app = await buildApp({
    origin,
    providers: [bitbucket({ emulatorUrl: proxy?.url ?? emulator.url })],
    store: sqlite(':memory:'),
    emulators: { bitbucket: emulator },
    built: true,
  })
  await pages?.(app)
  // Terminates TLS in front of the demo, like a proxy.
  const front = scheme === 'https' ? createHttpsServer(certificate, app.routing) : undefined
  listenForExchanges(front ?? app.server, onExchange)
  if (front === undefined) await app.listen({ port, host: 'localhost' })
  else {
    await app.ready()
    await once(front.listen(port, 'localhost'), 'listening')
  }
  return {
    origin,
    emulator,
    async close() {
      front?.close()
      await app.close()
      proxy?.server.closeAllConnections()
      proxy?.server.close()
      await emulator.close()
    },
  }
}

/** Returns the URL that the response redirects to. */
async function redirectOf(answering: Promise<APIResponse>): Promise<URL> {
  const answer = await answering
  expect(answer.status()).toBe(303)
  return new URL(answer.headers().location ?? '', answer.url())
}

function listenForExchanges(server: Server, onExchange: (exchange: Exchange) => void): void {
  server.on('request', ({ method = '', url = '', headers }, response) => {
    response.once('finish', () => {
      const location = response.getHeader('location')?.toString() ?? null
      onExchange({ method, url, headers, status: response.statusCode, location })
    })
  })
}

/** Signs out. In Quire, the button is in the user menu. */
export async function signOut(page: Page): Promise<void> {
  const menu = page.locator('header summary')
  if ((await menu.count()) > 0) await menu.click()
  await page.getByRole('button', { name: 'Sign out', exact: true }).first().click()
}

/** Records errors, violations of a Content-Security-Policy, and requests that leave this machine. */
export async function listenForProblems(context: BrowserContext): Promise<Problems> {
  const problems: Problems = []
  context.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text())
  })
  context.on('weberror', (error) => void problems.push(String(error.error())))
  context.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url())
    if (protocol === 'data:') return
    if (!['localhost', '127.0.0.1'].includes(hostname))
      problems.push(`sent a request to ${hostname}`)
  })
  await context.exposeFunction('reportViolation', (what: string) => void problems.push(what))
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
      Object(window).reportViolation(`${effectiveDirective} forbids ${blockedURI}`)
    })
  })
  return problems
}

/**
 * Returns a free port for a program that starts later. It is below the range of ephemeral ports, which the
 * system could assign to another program in the meantime.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000)
    const server = createServer().listen(port, 'localhost')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
