import { createServer, globalAgent, setGlobalProxyFromEnv } from 'node:http'
import { connect, type Socket } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { generate } from 'selfsigned'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { buildApp } from '../testing/app.ts'
import { agree, bitbucketAt, comeBack, listen, routes, serve } from '../testing/unruly.ts'

const HOST = 'bitbucket.example'
const UNAVAILABLE = '/auth/sign-in?auth_error=provider_unavailable'

const usual = getCACertificates('default')
let restore: (() => void) | undefined
afterEach(() => {
  restore?.()
  restore = undefined
  setDefaultCACertificates(usual)
  vi.unstubAllEnvs()
})

interface ProxyOptions {
  readonly answer?: 'connect' | 'refuse' | 'hang'
  /** Hosts that must not be proxied, in `NO_PROXY`. */
  readonly except?: string
}

/** A proxy that Node uses, as if it was started with `NODE_USE_ENV_PROXY=1`. */
async function useProxy({ answer = 'connect', except = '' }: ProxyOptions = {}): Promise<{
  /** The hosts of its CONNECT requests. */
  readonly asked: string[]
  readonly sockets: Set<Socket>
}> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.writeHead(502).end()
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('connect', ({ url = '' }, client) => {
    asked.push(url)
    client.on('error', () => {})
    if (answer === 'hang') {
      client.resume().on('end', () => client.end())
      return
    }
    if (answer === 'refuse') {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n')
      return
    }
    // Only the proxy can resolve this name.
    const upstream = connect(Number(url.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.pipe(client).pipe(upstream)
    })
    upstream.on('error', () => client.destroy())
    client.on('close', () => upstream.destroy())
  })
  const url = `http://canary-user:canary-password@127.0.0.1:${await listen(server)}`
  restore = setGlobalProxyFromEnv({ HTTP_PROXY: url, HTTPS_PROXY: url, NO_PROXY: except })
  return { asked, sockets }
}

/** A provider that only a proxy can reach, because its TLS requests use a name without an address. */
async function serveBehindProxy(): Promise<{ provider: ReturnType<typeof bitbucketAt> }> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: HOST }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: HOST }] }],
  })
  setDefaultCACertificates([cert])
  const { port } = new URL(await serve(agree, { key, cert }))
  const hidden = `https://${HOST}:${port}`
  const elsewhere = Object.fromEntries(routes.map((route) => [route, hidden]))
  return { provider: bitbucketAt('http://127.0.0.1:9', elsewhere) }
}

describe('with a proxy in the environment that Node uses', () => {
  it('every request to a provider goes through it, over keep-alive connections', async () => {
    const { provider } = await serveBehindProxy()
    const { asked, sockets } = await useProxy()
    const app = await buildApp({ url: 'http://127.0.0.1:9' }, { providers: [provider] })
    for (let time = 0; time < 3; time++) {
      expect((await comeBack(app)).headers.location).toBe('/')
    }
    const { host } = new URL(String(provider.token))
    // One for the token and the user, and one for the addresses.
    expect(asked).toEqual([host, host])
    await app.close()
    await vi.waitFor(() => expect(sockets.size).toBe(0))
  })

  it('at most `providerConcurrency` connections to it are opened', async () => {
    const { provider } = await serveBehindProxy()
    const { asked } = await useProxy()
    const options = { providers: [provider], providerConcurrency: 2 }
    const app = await buildApp({ url: 'http://127.0.0.1:9' }, options)
    const answers = await Promise.all(Array.from({ length: 4 }, () => comeBack(app)))
    expect(answers.map(({ headers }) => headers.location)).toEqual(Array(4).fill('/'))
    expect(asked).toHaveLength(2)
  })

  it.each(['', 'other.example'])('loopback is never proxied, with NO_PROXY=%s', async (except) => {
    const { asked } = await useProxy({ except })
    const url = await serve(agree)
    const loopback = [url, url.replace('127.0.0.1', 'localhost')]
    for (const place of loopback) {
      const app = await buildApp({ url }, { providers: [bitbucketAt(place)] })
      expect((await comeBack(app)).headers.location).toBe('/')
    }
    expect(asked).toEqual([])
  })

  it.each(['hang', 'refuse'] as const)(
    'that can only %s, the sign-in fails in time, and the log contains no password',
    async (answer) => {
      const { provider } = await serveBehindProxy()
      const { asked, sockets } = await useProxy({ answer })
      const lines: string[] = []
      const app = await buildApp(
        { url: 'http://127.0.0.1:9' },
        { providers: [provider], providerTimeout: 300 },
        { write: (line) => void lines.push(line) },
      )
      expect((await comeBack(app)).headers.location).toBe(UNAVAILABLE)
      expect(asked).toHaveLength(1)
      expect(lines.join('')).not.toContain('canary-password')
      expect(lines.join('')).not.toContain(
        Buffer.from('canary-user:canary-password').toString('base64'),
      )
      await app.close()
      await vi.waitFor(() => expect(sockets.size).toBe(0))
    },
  )
})

describe('on a Node whose agents have no proxy support', () => {
  const { options } = globalAgent as unknown as { options: { proxyEnv?: unknown } }
  beforeEach(() => {
    delete options.proxyEnv
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy']) {
      vi.stubEnv(name, undefined)
    }
  })
  afterEach(() => {
    options.proxyEnv = undefined
  })

  it.each(['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY'])(
    'a proxy in %s causes one warning at boot, without its URL',
    async (name) => {
      vi.stubEnv(name, 'http://canary-user:canary-password@proxy.example:3128')
      const lines: string[] = []
      const write = (line: string): void => void lines.push(line)
      const app = await buildApp({ url: await serve(agree) }, {}, { write })
      expect((await comeBack(app)).headers.location).toBe('/')
      const warnings = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 40)
      expect(warnings.map(({ msg }) => msg)).toEqual([
        expect.stringMatching(
          new RegExp(`^Latchkey: the environment variable ${name} is ignored, .* Use Node 22\\.21`),
        ),
      ])
      expect(lines.join('')).not.toContain('canary')
    },
  )

  it('nothing is logged without a proxy', async () => {
    const lines: string[] = []
    await buildApp({ url: 'http://127.0.0.1:9' }, {}, { write: (line) => void lines.push(line) })
    expect(lines.filter((line) => JSON.parse(line).level === 40)).toEqual([])
  })
})
