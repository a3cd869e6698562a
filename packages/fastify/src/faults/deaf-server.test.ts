import { expect, it } from 'vitest'
import { type PostgresOptions, postgres } from '../postgres.ts'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { emptyDatabase } from '../testing/postgres.ts'

const emulator = setUpEmulator()

const deafServers: [what: string, options: () => Promise<PostgresOptions>][] = [
  ['does not listen for changes', async () => ({ maxStaleness: 0 })],
  // As behind a pooler: the connection works, and notifications do not arrive.
  ['never gets a notification', async () => ({ listenUrl: await emptyDatabase() })],
]

it.each(deafServers)(
  'a server that %s fires the signal of a session when another server bans the user',
  async (_what, options) => {
    const url = await emptyDatabase()
    const app = await buildApp(emulator(), { store: postgres(url, await options()) })
    const other = await buildApp(emulator(), { store: postgres(url) })
    const user = await app.latchkey.users.create({ name: 'Ada Test' })
    const { cookie } = await app.latchkey.sessions.create(user.id)
    const started = Promise.withResolvers<void>()
    app.get('/long', { onRequest: app.latchkey.guard() }, async ({ auth: { signal } }) => {
      const ended = Promise.withResolvers<string>()
      signal.addEventListener('abort', () => ended.resolve(signal.reason.reason))
      started.resolve()
      return ended.promise
    })
    const response = app.inject({ url: '/long', headers: { cookie } })
    await started.promise
    await other.latchkey.users.ban(user.id)
    // It asks about the session again and again, and then the record why it ended.
    expect((await response).body).toBe('banned')
  },
)
