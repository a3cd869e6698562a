import { DatabaseSync } from 'node:sqlite'
import type { BitbucketEmulator } from '@latchkey/bitbucket-emulator'
import type { ErrorCode } from '@latchkey/contract'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { expect } from 'vitest'
import type { LatchkeyOptions } from '../index.ts'
import { sqlite } from '../store/sqlite.ts'
import { buildApp, temporaryFile } from './app.ts'

type Attempt = () => Promise<LightMyRequestResponse>

/** An application, and checks that an attempt against it had no effect. */
export interface WatchedApp {
  readonly app: FastifyInstance
  /** The SQLite file of its store. */
  readonly file: string
  /** Every line of its log so far, at level trace. */
  readonly log: readonly string[]
  /** Checks that no one was signed in or out, nothing was stored, and no secret was revealed. */
  expectNoEffect(attempt: Attempt, exchanges?: number): Promise<LightMyRequestResponse>
  /**
   * Checks a rejected callback completely: no effect, a redirect to one of our pages with only the error's
   * code, one log line, one event, and a flow that is marked as used.
   * @param exchanges How many times the code may have been sent to Bitbucket before.
   */
  expectRefused(
    code: ErrorCode,
    attempt: Attempt,
    exchanges?: number,
  ): Promise<LightMyRequestResponse>
}

export async function buildWatchedApp(
  emulator: BitbucketEmulator,
  options: LatchkeyOptions = {},
): Promise<WatchedApp> {
  const file = temporaryFile()
  const log: string[] = []
  const heard: unknown[] = []
  const app = await buildApp(
    emulator,
    { store: sqlite(file), ...options },
    { write: (line) => void log.push(line) },
  )
  app.latchkey.on('sign-in', () => void heard.push('someone signed in'))
  app.latchkey.on('sign-in-failed', (event) => void heard.push(event))

  const watched: WatchedApp = {
    app,
    file,
    log,

    async expectNoEffect(attempt, exchanges = 0) {
      const rows = readPeople(file)
      const asked = countExchanges(emulator)
      const logged = log.length
      const answer = await attempt()
      expect(setCookies(answer).filter((cookie) => SESSION_COOKIE.test(cookie))).toEqual([])
      expect(readPeople(file)).toEqual(rows)
      expect(countExchanges(emulator) - asked).toBe(exchanges)
      expectSafeHeaders(answer)
      const told = log.slice(logged).join('') + answer.body + (answer.headers.location ?? '')
      for (const secret of secretsOf(answer)) expect(told).not.toContain(secret)
      return answer
    },

    async expectRefused(code, attempt, exchanges) {
      const logged = log.length
      heard.length = 0
      const answer = await watched.expectNoEffect(attempt, exchanges)
      expect(answer.statusCode).toBe(303)
      expect(answer.body).toBe('')
      const { origin = 'http://localhost:3000' } = options
      const back = new URL(String(answer.headers.location), origin)
      expect(back.origin).toBe(origin)
      expect(back.searchParams.getAll('auth_error')).toEqual([code])
      expect(heard).toEqual([{ provider: expect.any(String), code }])
      const lines = log.slice(logged).map((line) => JSON.parse(line))
      expect(lines.filter(({ event }) => event === 'sign-in-failed')).toEqual([
        expect.objectContaining({ code }),
      ])

      // Repeat the same request, even though its cookies were cleared.
      const again = await watched.expectNoEffect(() => repeat(app, answer))
      expect(again.headers.location).toMatch(/[?&]auth_error=flow_(missing|used|expired)$/)
      return answer
    },
  }
  return watched
}

const SESSION_COOKIE = /^(__Host-latchkey|latchkey-\d+)=/

/** Returns every `Set-Cookie` header of a response. */
export function setCookies({ headers }: LightMyRequestResponse): string[] {
  return [headers['set-cookie'] ?? []].flat()
}

/** Returns how many times Bitbucket was asked to redeem a code. */
export function countExchanges({ requests }: BitbucketEmulator): number {
  return requests.filter(({ path }) => path === '/site/oauth2/access_token').length
}

/** Checks the headers for browsers and caches that each of our responses must have. */
export function expectSafeHeaders({ headers }: LightMyRequestResponse): void {
  expect(headers['cache-control']).toBe('no-store')
  expect(headers['referrer-policy']).toBe('same-origin')
  expect(headers['x-content-type-options']).toBe('nosniff')
  expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
  expect(headers['cross-origin-resource-policy']).toBe('same-origin')
  expect(headers['cross-origin-opener-policy']).toBe('same-origin')
  expect(headers['access-control-allow-origin']).toBeUndefined()
  expect(headers.etag).toBeUndefined()
}

/** Returns everything about people in a SQLite file. */
function readPeople(file: string): unknown {
  const database = new DatabaseSync(file, { readOnly: true })
  const tables = ['users', 'identities', 'sessions'].map((table) =>
    database.prepare(`select * from latchkey_${table} order by id`).all(),
  )
  database.close()
  return tables
}

/** Returns the secrets of a request: its code and state, and its cookies. */
function secretsOf({ raw: { req } }: LightMyRequestResponse): string[] {
  const query = new URLSearchParams(req.url?.split('?')[1])
  const cookies = (req.headers.cookie ?? '').split('; ').map((cookie) => cookie.split('=')[1] ?? '')
  const secrets = [...query.getAll('code'), ...query.getAll('state'), ...cookies]
  return secrets.filter((secret) => secret.length > 15)
}

function repeat(
  app: FastifyInstance,
  { raw: { req } }: LightMyRequestResponse,
): Promise<LightMyRequestResponse> {
  const headers = req.headers as Record<string, string>
  return app.inject({ method: 'GET', url: String(req.url), headers })
}
