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

/** The OAuth consumer for `https://app.example.com`. */
export const EXAMPLE_CONSUMER = { clientId: 'app-example', clientSecret: 'app-example-secret' }

/** The origin of the application in production. */
export const HTTPS_ORIGIN = 'https://app.example.com'

/** Returns the options for an application on that origin. */
export function onHttps(emulator: { readonly url: string }): LatchkeyOptions {
  const consumer = { emulatorUrl: emulator.url, ...EXAMPLE_CONSUMER }
  return { origin: HTTPS_ORIGIN, providers: [bitbucket(consumer)] }
}

/** Starts one emulator for a test file, and resets it after every test. */
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

/**
 * Builds an application with a public page, a guarded route and its own store. It is closed after
 * the test.
 */
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

/** Closes the applications of `buildApp`. */
export async function closeApps(): Promise<void> {
  await Promise.all(open.splice(0).map((app) => app.close()))
}

/** Returns the number of rows in a table of a SQLite file. */
export function countRows(
  file: string,
  table: 'users' | 'identities' | 'sessions' | 'used_flows',
): number {
  const database = new DatabaseSync(file, { readOnly: true })
  const row = database.prepare(`select count(*) as count from latchkey_${table}`).get()
  database.close()
  return Number(row?.count)
}

/** Returns the time of the latest stored use of any session in a SQLite file. */
export function lastUse(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true })
  const row = database.prepare('select max(last_used_at) as time from latchkey_sessions').get()
  database.close()
  return Number(row?.time)
}

/**
 * Returns a path for a SQLite file in its own folder. The folder is removed after the tests of the file that
 * calls this.
 */
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
