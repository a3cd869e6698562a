import type { AddressInfo } from 'node:net'
import { StatementSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import Fastify from 'fastify'
import pg from 'pg'
import latchkey, { bitbucket } from '../index.ts'
import { type PostgresOptions, postgres } from '../store/postgres.ts'
import { sqlite } from '../store/sqlite.ts'
import type { Death } from './death.ts'

/** The database of a server: a SQLite file, or a PostgreSQL database. */
export type Kept =
  | { readonly file: string }
  | { readonly url: string; readonly options?: PostgresOptions }

export type Orders = Kept & {
  readonly emulatorUrl: string
  readonly death?: Death
  readonly providerTimeout?: number
  /** The URL of a second provider, with the id `other`. */
  readonly otherUrl?: string
  /** Whether every listener of an event throws, rejects or never settles. */
  readonly badListeners?: boolean
}

// A server in a separate process, which a test can kill. Its only argument contains its orders. It
// sends its port.

const orders = JSON.parse(String(process.argv[2])) as Orders
const { emulatorUrl, death, providerTimeout, otherUrl, badListeners } = orders
let times = 0
let armed = false

function at(place: string): void {
  if (!armed || death === undefined || !place.startsWith(death.place)) return
  if (++times === death.times) process.kill(process.pid, 'SIGKILL')
}

type Method = (this: StatementSync, ...parameters: unknown[]) => unknown
const statements = StatementSync.prototype as unknown as { all: Method }
const { all } = statements
statements.all = function orDie(...parameters) {
  at(this.sourceSQL)
  return all.apply(this, parameters)
}
const clients = pg.Client.prototype as unknown as { query(...parameters: unknown[]): unknown }
const { query } = clients
clients.query = function orDie(...parameters) {
  at(String(parameters[0]))
  return query.apply(this, parameters)
}

const real = bitbucket({ emulatorUrl })
const app = Fastify()
app.addHook('onRequest', async () => at('asked'))
app.addHook('onResponse', async () => at('answered'))
await app.register(latchkey, {
  origin: 'http://localhost:3000',
  secret: 'kX2v9QwLr7TzB4mN8sYcJ1hGfD6pEaUo',
  store: 'file' in orders ? sqlite(orders.file) : postgres(orders.url, orders.options),
  providerTimeout,
  providers: [
    {
      ...real,
      profile(answers) {
        at('redeemed')
        return real.profile(answers)
      },
    },
    ...(otherUrl === undefined ? [] : [bitbucket({ id: 'other', emulatorUrl: otherUrl })]),
  ],
})
app.get('/api/me', { onRequest: app.latchkey.guard() }, async (request) => request.auth)
app.latchkey.on('sign-in', () => at('told'))
app.latchkey.on('sign-out', () => at('told'))

if (badListeners) {
  for (const event of ['sign-in', 'sign-in-failed', 'sign-out'] as const) {
    app.latchkey.on(event, () => {
      throw new Error('at once')
    })
    app.latchkey.on(event, async () => {
      await setImmediate()
      throw new Error('late')
    })
    app.latchkey.on(event, () => Promise.reject(null))
    app.latchkey.on(event, () => new Promise(() => {}))
  }
}

process.on('message', (message) => {
  if (message !== 'memory') {
    armed = true
    return
  }
  // Only defined with `--expose-gc`.
  globalThis.gc?.()
  process.send?.(process.memoryUsage())
})
const leave = (): never => process.exit()
process.on('disconnect', leave)
process.once('SIGTERM', async () => {
  await app.close()
  // Now it exits by itself, unless something is still running.
  process.off('disconnect', leave).disconnect()
})
await app.listen({ host: '127.0.0.1', port: 0 })
process.send?.((app.server.address() as AddressInfo).port)
