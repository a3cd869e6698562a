import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  type BitbucketEmulator,
  defaultConsumer,
  startBitbucketEmulator,
} from '@latchkey/bitbucket-emulator'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, afterEach, beforeAll } from 'vitest'
import latchkey, { bitbucket, type LatchkeyOptions } from '../index.ts'
import { sqlite } from '../store/sqlite.ts'

export const SECRET = 'kX2v9QwLr7TzB4mN8sYcJ1hGfD6pEaUo'

/** The consumer of `https://app.example.com`. */
export const EXAMPLE_CONSUMER = { clientId: 'app-example', clientSecret: 'app-example-secret' }

/** Where the application is in production. */
export const HTTPS_ORIGIN = 'https://app.example.com'

/** The options that put the application there. */
export function onHttps(emulator: { readonly url: string }): LatchkeyOptions {
  const consumer = { emulatorUrl: emulator.url, ...EXAMPLE_CONSUMER }
  return { origin: HTTPS_ORIGIN, providers: [bitbucket(consumer)] }
}

/** One emulator for a test file, as new for every test. */
export function setUpEmulator(): () => BitbucketEmulator {
  let emulator: BitbucketEmulator
  beforeAll(async () => {
    const example = { ...EXAMPLE_CONSUMER, callbackUrl: 'https://app.example.com/auth' }
    emulator = await startBitbucketEmulator({ seed: { consumers: [defaultConsumer, example] } })
  })
  afterEach(() => emulator.reset())
  afterAll(() => emulator.close())
  return () => emulator
}

const open: FastifyInstance[] = []

/** An application with a public page, a guarded route, and a store of its own, closed after the test. */
export async function buildApp(
  emulator: { readonly url: string },
  options: LatchkeyOptions = {},
  logTo?: { write(line: string): void },
): Promise<FastifyInstance> {
  const app = Fastify(logTo === undefined ? {} : { logger: { level: 'trace', stream: logTo } })
  open.push(app)
  await app.register(latchkey, {
    origin: 'http://localhost:3000',
    secret: SECRET,
    providers: [bitbucket({ emulatorUrl: emulator.url })],
    store: sqlite(':memory:'),
    ...options,
  })
  app.get('/', async (request) => ({ user: (await request.getAuth())?.user ?? null }))
  app.get('/api/me', { onRequest: app.latchkey.guard() }, async (request) => request.auth)
  return app
}

/** Closes what `buildApp` has built. */
export async function closeApps(): Promise<void> {
  await Promise.all(open.splice(0).map((app) => app.close()))
}

/** How many rows a table of a SQLite file has. */
export function countRows(
  file: string,
  table: 'users' | 'identities' | 'sessions' | 'used_flows',
): number {
  const database = new DatabaseSync(file, { readOnly: true })
  const row = database.prepare(`select count(*) as count from latchkey_${table}`).get()
  database.close()
  return Number(row?.count)
}

/** When some session of a SQLite file was last used, as it is stored. */
export function lastUse(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true })
  const row = database.prepare('select max(last_used_at) as time from latchkey_sessions').get()
  database.close()
  return Number(row?.time)
}

/** A path for a SQLite file in a folder of its own, which goes with the tests of the file. */
export function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-'))
  folders.push(folder)
  return join(folder, 'latchkey.db')
}

const folders: string[] = []

/** Removes the folders of `temporaryFile`. */
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}
