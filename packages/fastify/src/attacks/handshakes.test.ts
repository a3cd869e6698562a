import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, request as requestOf } from 'node:http'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { InjectOptions } from 'fastify'
import { describe, expect, it } from 'vitest'
import { hasEffect } from '../http/request-origin.ts'
import { buildApp, HTTPS_ORIGIN, onHttps, setUpEmulator } from '../testing/app.ts'

const emulator = setUpEmulator()
const security = readFileSync(new URL('../../../../docs/security.md', import.meta.url), 'utf8')
const section = security.split('### Cross-site requests\n')[1]?.split(/^#/m)[0] ?? ''

/** Values of `Sec-Fetch-Site`. `null` means that the header is missing. */
const SITES = [
  ...['same-origin', 'same-site', 'cross-site', 'none'],
  ...['', 'Same-Origin', 'same-origin, cross-site', null],
]
/** Values of `Origin`. */
const ORIGINS = [
  ...[HTTPS_ORIGIN, 'null', '', 'https://sibling.example.com', 'https://sub.app.example.com'],
  ...['https://example.com', 'http://app.example.com', 'https://app.example.com:444'],
  ...['https://app.example.com.evil.example', 'https://app.example.com@evil.example'],
  ...['https://app.example.com, https://evil.example', 'HTTPS://APP.EXAMPLE.COM', null],
]

type Header = string | null

interface Row {
  readonly sites: string
  readonly origins: string
  /** Whether the request passes, according to the column with this heading. */
  readonly verdicts: Readonly<Record<string, boolean>>
}

function readTable(): Row[] {
  const [head = [], , ...rows] = [...section.matchAll(/^\|(.*)\|$/gm)].map(([, line = '']) =>
    line.split('|').map((cell) => cell.trim()),
  )
  return rows.map(([sites = '', origins = '', ...cells]) => {
    const verdicts = cells.map((cell, index) => {
      expect(cell).toMatch(/^(yes|no)$/)
      return [head[index + 2], cell === 'yes']
    })
    return { sites, origins, verdicts: Object.fromEntries(verdicts) }
  })
}

/**
 * Whether a cell such as "`same-site`, any other" matches a header's value. `values` are those that other rows name.
 */
function matches(cell: string, value: Header, named: readonly string[]): boolean {
  return cell.split(', ').some((part) => {
    if (part === 'any') return true
    if (part === 'any other') return value !== null && !named.includes(value)
    if (part.startsWith('missing')) return value === null
    return value !== null && part === `\`${value.replace(HTTPS_ORIGIN, 'origin')}\``
  })
}

const rows = readTable()
const SITES_NAMED = ['same-origin', 'same-site', 'cross-site', 'none']
const ORIGINS_NAMED = [HTTPS_ORIGIN, 'null']
const cases = SITES.flatMap((site) =>
  ORIGINS.map((origin) => {
    const found = rows.filter(({ sites, origins }) => {
      return matches(sites, site, SITES_NAMED) && matches(origins, origin, ORIGINS_NAMED)
    })
    return { site, origin, found }
  }),
)

function headersOf(site: Header, origin: Header): Record<string, string> {
  return {
    ...(site === null ? {} : { 'sec-fetch-site': site }),
    ...(origin === null ? {} : { origin }),
  }
}

async function build() {
  const app = await buildApp(emulator(), onHttps(emulator()))
  app.all('/guarded', { onRequest: app.latchkey.guard() }, async ({ auth }) => auth.user.name)
  app.all('/open', async (request) => (await request.getAuth())?.user.name ?? 'nobody')
  const user = await app.latchkey.users.create({ name: 'Ada Test' })
  const signIn = async (): Promise<string> => (await app.latchkey.sessions.create(user.id)).cookie
  return { app, signIn }
}

const HANDSHAKE = { connection: 'Upgrade', upgrade: 'websocket' }

describe('the table in docs/security.md', () => {
  it('has exactly one row for every pair of headers', () => {
    expect(rows.length).toBeGreaterThan(7)
    for (const { site, origin, found } of cases) {
      expect([site, origin, found.length]).toEqual([site, origin, 1])
    }
  })

  it("matches the requests that Latchkey's own routes accept", async () => {
    const { app, signIn } = await build()
    for (const { site, origin, found } of cases) {
      const response = await app.inject({
        method: 'POST',
        url: '/auth/sign-out',
        headers: { cookie: await signIn(), ...headersOf(site, origin) },
      })
      const passes = found[0]?.verdicts["unsafe method, Latchkey's own routes"]
      expect([site, origin, response.statusCode]).toEqual([site, origin, passes ? 204 : 403])
    }
  })

  const kinds: [what: string, column: string, request: InjectOptions][] = [
    ['a POST', 'unsafe method, guard and `getAuth()`', { method: 'POST' }],
    ['a DELETE', 'unsafe method, guard and `getAuth()`', { method: 'DELETE' }],
    ['a handshake', 'handshake, guard and `getAuth()`', { method: 'GET', headers: HANDSHAKE }],
    [
      'a POST with the headers of a handshake',
      'handshake, guard and `getAuth()`',
      { method: 'POST', headers: HANDSHAKE },
    ],
    [
      'an upgrade to another protocol',
      'handshake, guard and `getAuth()`',
      { method: 'GET', headers: { connection: 'Upgrade', upgrade: 'h2c' } },
    ],
  ]

  it.each(kinds)(
    'states for %s which requests a guard and getAuth() treat as signed in',
    async (_, column, kind) => {
      const { app, signIn } = await build()
      const cookie = await signIn()
      for (const { site, origin, found } of cases) {
        const headers = { ...kind.headers, cookie, ...headersOf(site, origin) }
        const guarded = await app.inject({ ...kind, url: '/guarded', headers })
        const open = await app.inject({ ...kind, url: '/open', headers })
        const passes = found[0]?.verdicts[column]
        expect([site, origin, guarded.statusCode, open.body]).toEqual(
          passes ? [site, origin, 200, 'Ada Test'] : [site, origin, 403, 'nobody'],
        )
        if (!passes) expect(guarded.json().error.code).toBe('cross_site')
      }
    },
  )

  it('covers every method except those that it names', async () => {
    const [bullet = ''] = /^- .*$/m.exec(section) ?? []
    const safe = [...bullet.matchAll(/`([A-Z]+)`/g)].map(([, method = '']) => method)
    expect(safe).toHaveLength(5)
    for (const method of safe)
      expect([method, hasEffect({ method, headers: {} })]).toEqual([method, false])
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'get', 'CONNECT', '']) {
      expect([method, hasEffect({ method, headers: {} })]).toEqual([method, true])
    }
    const { app, signIn } = await build()
    const headers = { cookie: await signIn(), ...headersOf('cross-site', 'https://evil.example') }
    for (const method of ['GET', 'HEAD', 'OPTIONS'] as const) {
      expect((await app.inject({ method, url: '/guarded', headers })).statusCode).toBe(200)
    }
  })
})

describe('an upgrade that the server does not offer', () => {
  it('gets a response, and leaves nothing behind on a connection that is kept alive', async () => {
    const app = await buildApp(emulator())
    const listeners: number[] = []
    const sockets = new Set<Socket>()
    app.get('/guarded', { onRequest: app.latchkey.guard() }, async ({ auth, raw: { socket } }) => {
      sockets.add(socket)
      listeners.push(socket.listenerCount('close'))
      return auth.user.name
    })
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const user = await app.latchkey.users.create({ name: 'Ada Test' })
    const { cookie } = await app.latchkey.sessions.create(user.id)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    // Java's HTTP client sends this with every unencrypted request.
    const headers = { cookie, connection: 'keep-alive, Upgrade', upgrade: 'h2c' }
    for (let count = 0; count < 5; count++) {
      const request = requestOf(`${url}/guarded`, { agent, headers }).end()
      const [response] = await once(request, 'response')
      expect(await text(response)).toBe('Ada Test')
    }
    agent.destroy()
    expect(sockets.size).toBe(1)
    expect(new Set(listeners).size).toBe(1)
  })
})
