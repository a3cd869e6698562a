import type { FastifyInstance } from 'fastify'
import { expect, it } from 'vitest'
import { type PostgresOptions, postgres } from '../store/postgres.ts'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { emptyDatabase } from '../testing/postgres.ts'
import { startProxy } from '../testing/proxy.ts'

const emulator = setUpEmulator()

const deafServers: [what: string, options: () => Promise<PostgresOptions>][] = [
  ['does not listen for changes', async () => ({ maxStaleness: 0 })],
  // Simulates a pooler: the connection works, but notifications do not arrive.
  ['never gets a notification', async () => ({ listenUrl: await emptyDatabase() })],
]

/** Starts a request that stays open until its session ends, and then responds with the reason. */
async function startLongRequest(
  app: FastifyInstance,
): Promise<{ userId: string; response: Promise<string> }> {
  const { id: userId } = await app.latchkey.users.create({ name: 'Ada Test' })
  const { cookie } = await app.latchkey.sessions.create(userId)
  const started = Promise.withResolvers<void>()
  app.get('/long', { onRequest: app.latchkey.guard() }, async ({ auth: { signal } }) => {
    const ended = Promise.withResolvers<string>()
    signal.addEventListener('abort', () => ended.resolve(signal.reason.reason))
    started.resolve()
    return ended.promise
  })
  const answer = app.inject({ url: '/long', headers: { cookie } })
  await started.promise
  return { userId, response: answer.then(({ body }) => body) }
}

it.each(deafServers)(
  'a server that %s aborts the signal of a session when another server bans the user',
  async (_what, options) => {
    const url = await emptyDatabase()
    const app = await buildApp(emulator(), { store: postgres(url, await options()) })
    const other = await buildApp(emulator(), { store: postgres(url) })
    const { userId, response } = await startLongRequest(app)
    await other.latchkey.users.ban(userId)
    // It reads the session repeatedly. Once the session has ended, it looks up the reason in the record.
    expect(await response).toBe('banned')
  },
)

it('a server aborts the signal of a session even if the session ended before the server could read the record', async () => {
  const url = await emptyDatabase()
  const proxy = await startProxy(url)
  proxy.refuse()
  const app = await buildApp(emulator(), { store: postgres(url, { listenUrl: proxy.url }) })
  const other = await buildApp(emulator(), { store: postgres(url) })
  const { userId, response } = await startLongRequest(app)
  await other.latchkey.users.ban(userId)
  proxy.pass()
  expect(await response).toBe('banned')
})
