import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { text } from 'node:stream/consumers'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { bitbucket } from '../providers/bitbucket.ts'
import type { Provider } from '../providers/provider.ts'
import { createBrowser } from './browser.ts'

/** The requests of a sign-in to Bitbucket, in this order. The last two are concurrent. */
export const routes = ['/site/oauth2/access_token', '/2.0/user', '/2.0/user/emails'] as const

export type Route = (typeof routes)[number]

/** The responses of a working provider. */
export const answers: Readonly<Record<Route, Readonly<Record<string, unknown>>>> = {
  '/site/oauth2/access_token': { access_token: 'x', token_type: 'bearer' },
  '/2.0/user': { type: 'user', uuid: '{87bb15eb-47c1-49b3-9f16-ca824a2979a4}' },
  '/2.0/user/emails': { values: [] },
}

/** Accepts any code from anyone. Everyone is the same person. */
export const agree: RequestListener = (request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(answers[request.url as Route]))
}

const closing: (() => void)[] = []

/** Closes the servers of `serve`. */
export function closeProviders(): void {
  for (const close of closing.splice(0)) close()
}

/**
 * Starts a provider on 127.0.0.1, for one test, that can misbehave more than the emulator:
 * `listener` controls the connection.
 * @returns its URL
 */
export async function serve(listener: RequestListener, tls?: ServerOptions): Promise<string> {
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener)
  const port = await listen(server)
  closing.push(() => server.closeAllConnections())
  return tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`
}

/** A provider that signs everyone in, but holds its responses until it is released. */
export interface HeldProvider {
  readonly url: string
  /** The codes that it received, in order. */
  readonly codes: readonly (string | null)[]
  /** Resolves at the first request. */
  readonly asked: Promise<void>
  /** The current and the highest number of connections to it. */
  readonly connections: { readonly open: number; readonly most: number }
  letGo(): void
}

export async function serveHeld(): Promise<HeldProvider> {
  const [asked, free] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const codes: (string | null)[] = []
  const sockets = new Set<unknown>()
  const connections = { open: 0, most: 0 }
  const url = await serve(async (request, response) => {
    const { socket } = request
    if (!sockets.has(socket)) {
      sockets.add(socket)
      connections.open++
      connections.most = Math.max(connections.most, connections.open)
      socket.on('close', () => void connections.open--)
    }
    if (request.method === 'POST') codes.push(new URLSearchParams(await text(request)).get('code'))
    asked.resolve()
    await free.promise
    agree(request, response)
  })
  return { url, codes, asked: asked.promise, connections, letGo: free.resolve }
}

/** @returns the port */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}

/** Returns Bitbucket at one URL, with some of its routes elsewhere. */
export function bitbucketAt(url: string, elsewhere: Partial<Record<Route, string>> = {}): Provider {
  const provider = bitbucket({ emulatorUrl: url })
  const found = (address: string): string => {
    const path = address.slice(url.length)
    return (elsewhere[path as Route] ?? url) + path
  }
  const steps = Object.entries(provider.steps).map(([name, step]) => {
    return [name, { ...step, url: found(String(step.url)) }]
  })
  return {
    ...provider,
    token: found(String(provider.token)),
    steps: Object.fromEntries(steps),
  }
}

/**
 * Sends the callback of a person who comes back from the provider with a code, and returns the
 * response.
 */
export async function comeBack(
  app: Pick<FastifyInstance, 'inject'>,
  provider = 'bitbucket',
): Promise<LightMyRequestResponse> {
  const browser = createBrowser(app)
  const start = await browser.get(`/auth/${provider}/start`)
  const state = new URL(String(start.headers.location)).searchParams.get('state')
  return browser.get(`/auth/${provider}/callback?code=canary-code&state=${state}`)
}
