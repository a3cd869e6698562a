import latchkey from '@latchkey/fastify'
import { sqlite } from '@latchkey/fastify/sqlite'
import Fastify from 'fastify'

// Another process of an application, on the same SQLite file. It bans the users whose ids it receives.

const [file, origin, secret] = process.argv.slice(2)

const app = Fastify()
await app.register(latchkey, { origin, secret, store: sqlite(file) })
await app.ready()

process.on('message', async (userId) => {
  await app.latchkey.users.ban(String(userId))
  process.send?.('banned')
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
