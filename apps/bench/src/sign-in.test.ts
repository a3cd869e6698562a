import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { askRun } from '../../../packages/fastify/src/testing/postgres-server.ts'
import type { Browsers } from './browsers.ts'
import { signInContenders } from './contenders.ts'
import { createDatabase } from './database.ts'
import { type Program, start } from './processes.ts'
import type { Provider } from './provider.ts'
import type { Server } from './server.ts'

const folders = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
let server: Program<Server>
let provider: Program<Provider>
let providerPort: number
let browsers: Program<Browsers>
beforeAll(async () => {
  server = await start<Server>('server.ts', { measured: false })
  provider = await start<Provider>('provider.ts', { measured: false })
  providerPort = await provider.serve()
  browsers = await start<Browsers>('browsers.ts', { measured: false })
})
afterAll(async () => {
  for (const program of [server, provider, browsers]) await program.end()
  rmSync(folders, { recursive: true })
})

it.each(Object.entries(signInContenders))(
  '%s identifies the person who signed in',
  async (name, contender) => {
    const folder = join(folders, name)
    mkdirSync(folder)
    const postgresUrl = await createDatabase(await askRun(inject('postgres'), 'url'))
    const port = await server.serveSignIn(name, providerPort, { folder, postgresUrl })
    const order = { server: port, provider: providerPort, start: contender.start }
    const { signIns } = await browsers.signIn({ ...order, browsers: 2, seconds: 0 })
    expect(signIns).toBeGreaterThanOrEqual(2)
  },
)
