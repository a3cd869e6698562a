import type { AddressInfo } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import Fastify from 'fastify'
import latchkey, { bitbucket } from '../index.ts'
import { sqlite } from '../sqlite.ts'
import type { Death } from './death.ts'

export interface Orders {
  readonly file: string
  readonly emulatorUrl: string
  readonly death?: Death
}

// A server as a process of its own, for tests to end. It is told its orders in its one argument, and
// tells its port.

const { file, emulatorUrl, death } = JSON.parse(String(process.argv[2])) as Orders
let times = 0
let armed = false

function at(place: string): void {
  if (!armed || death === undefined || !place.startsWith(death.place)) return
  if (++times === death.times) process.kill(process.pid, 'SIGKILL')
}

const { prepare } = DatabaseSync.prototype
DatabaseSync.prototype.prepare = function prepareOrDie(sql) {
  at(sql)
  return prepare.call(this, sql)
}

const real = bitbucket({ emulatorUrl })
const app = Fastify()
app.addHook('onRequest', async () => at('asked'))
app.addHook('onResponse', async () => at('answered'))
await app.register(latchkey, {
  origin: 'http://localhost:3000',
  secret: 'kX2v9QwLr7TzB4mN8sYcJ1hGfD6pEaUo',
  store: sqlite(file),
  providers: [
    {
      ...real,
      readProfile(api) {
        at('redeemed')
        return real.readProfile(api)
      },
    },
  ],
})
app.latchkey.on('sign-in', () => at('told'))
app.latchkey.on('sign-out', () => at('told'))

process.on('SIGTERM', () => void app.close().then(() => process.exit()))
process.on('message', () => {
  armed = true
})
process.on('disconnect', () => process.exit())
await app.listen({ host: '127.0.0.1', port: 0 })
process.send?.((app.server.address() as AddressInfo).port)
