import { randomBytes } from 'node:crypto'
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { ListenOptions, Server } from 'node:net'
import { join, resolve } from 'node:path'
import { Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { emulate } from './emulators.ts'
import { withReference } from './http/codes.ts'
import { LatchkeyError } from './http/errors.ts'
import { isLoopback } from './http/request-origin.ts'
import { bitbucket } from './providers/bitbucket.ts'
import type { Provider } from './providers/provider.ts'
import type { Settings } from './settings.ts'
import type { Store } from './store/store.ts'

/** The options that every sign-in needs. */
interface Necessities {
  readonly secrets: readonly [string, ...string[]]
  readonly providers: readonly Provider[]
  readonly store: Store
}

interface Filled extends Necessities {
  /** Descriptions of the options that were missing, for the log. */
  readonly filledIn: readonly string[]
  close(): Promise<void>
}

/** The folder for the generated secret and the database, in the working directory. */
const FOLDER = '.latchkey'

/**
 * Returns whether `NODE_ENV` is `development` or `test`, or is not set and `origin` is a loopback URL or
 * missing. Everything else is production, so that forgetting a variable is safe. If only missing settings
 * suggest development, the server listens on loopback only.
 */
export function isDevelopment(origin: string | undefined): boolean {
  const { NODE_ENV } = process.env
  if (NODE_ENV === 'development' || NODE_ENV === 'test') return true
  if (NODE_ENV !== undefined && NODE_ENV !== '') return false
  return origin === undefined || (URL.canParse(origin) && isLoopback(new URL(origin).hostname))
}

/** Creates the missing options, so that a first sign-in works without any setup. */
export async function fillIn(
  given: {
    readonly [Key in keyof Necessities]: Necessities[Key] | undefined
  },
): Promise<Filled> {
  const filledIn: string[] = []
  if (given.secrets === undefined || given.store === undefined) await makeFolder()
  const secrets = given.secrets ?? [await keptSecret()]
  if (given.secrets === undefined) filledIn.push(`a generated secret in ${FOLDER}`)
  const store = given.store ?? (await keptStore())
  if (given.store === undefined) filledIn.push(`SQLite in ${FOLDER}`)
  const emulated = await emulate(given.providers ?? [bitbucket()], () =>
    readPort('EMULATOR_PORT', 0),
  )
  return { ...emulated, secrets, store, filledIn: [...filledIn, ...emulated.filledIn] }
}

async function makeFolder(): Promise<void> {
  try {
    await mkdir(FOLDER, { recursive: true })
    await chmod(FOLDER, 0o700)
    await writeFile(join(FOLDER, '.gitignore'), '*\n', { mode: 0o600 })
  } catch (error) {
    throw new LatchkeyError(
      'LATCHKEY_STORE_UNUSABLE',
      `In development, the secret and the database are stored in ${resolve(FOLDER)}, but this folder cannot be created (${reasonOf(error)}). Make it writable, or pass \`secret\` and \`store\`.`,
    )
  }
}

/**
 * Returns the secret in `.latchkey/`, which is generated once, so that sessions survive a restart. Development
 * servers of front ends, such as Vite, refuse to serve files with such a name.
 */
async function keptSecret(): Promise<string> {
  const file = join(FOLDER, '.env.secret')
  const written = join(FOLDER, `.env.secret-${process.pid}`)
  await writeFile(written, randomBytes(48).toString('base64'), { mode: 0o600 })
  try {
    // Linking is atomic. If several servers start at the same time, the first one wins.
    await link(written, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(written)
  }
  const secret = await readFile(file, 'utf8')
  if (secret.length >= 32) return secret
  throw new LatchkeyError(
    'LATCHKEY_OPTION_INVALID',
    `The secret in ${resolve(file)} is shorter than 32 characters. Delete the file, and Latchkey generates a new one.`,
  )
}

async function keptStore(): Promise<Store> {
  const { sqlite } = await import('./store/sqlite.ts')
  return sqlite(join(FOLDER, 'latchkey.db'))
}

/** Returns the default `origin`: localhost, with https if the server uses TLS. */
export function ownOrigin(server: Server): string {
  const scheme = server instanceof TlsServer ? 'https' : 'http'
  return `${scheme}://localhost:${readPort('PORT', 3000)}`
}

/** Returns the port in an environment variable, or `otherwise` if it is not set. */
function readPort(variable: 'PORT' | 'EMULATOR_PORT', otherwise: number): number {
  const value = process.env[variable]
  if (value === undefined || value === '') return otherwise
  if (/^\d{1,5}$/.test(value) && Number(value) < 65_536) return Number(value)
  throw new LatchkeyError(
    'LATCHKEY_OPTION_INVALID',
    `The environment variable ${variable} must be a port, from 0 to 65535.`,
  )
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error)
}

/**
 * Prepares a development server. It refuses to listen beyond loopback if other machines must not reach it.
 * Once it listens, `origin` gets its port, and one log line lists what was filled in and the callback URL
 * to register.
 */
export function prepareToListen(app: FastifyInstance, settings: Settings): void {
  const { filledIn, providers, site } = settings
  if (settings.loopbackOnly) listenOnLoopbackOnly(app.server)
  if (settings.followsPort) {
    app.server.once('listening', () => {
      const address = app.server.address()
      if (address !== null && typeof address === 'object') site.movedToPort(address.port)
    })
  }
  app.addHook('onListen', async () => {
    const callbacks = providers.map(({ id }) => settings.callbackUrl(id)).join(', ')
    if (filledIn.length === 0 && !settings.followsPort) {
      app.log.info(`Latchkey: register this callback URL with the provider: ${callbacks}`)
      return
    }
    const defaults = filledIn.length === 0 ? "the server's own origin" : filledIn.join(', ')
    app.log.warn(
      withReference(
        `Latchkey runs in development with ${defaults}. Sign in at ${site.origin}${settings.signInPath}. The callback URL is ${callbacks}. Production requires origin, secret, providers and store.`,
        'development_defaults',
      ),
    )
  })
}

/**
 * Makes the server refuse to listen on any address that another machine can reach. Replaces `listen`, because
 * Fastify has no hook that runs before the port is open.
 */
function listenOnLoopbackOnly(server: Server): void {
  const listen = server.listen as (...parameters: unknown[]) => Server
  server.listen = function listenOnLoopback(this: Server, ...parameters: unknown[]): Server {
    const [first, second] = parameters
    const { host, path } = typeof first === 'object' ? (first as ListenOptions) : { host: second }
    if (path === undefined && !(typeof host === 'string' && isLoopback(host))) {
      throw new LatchkeyError(
        'LATCHKEY_NOT_LOOPBACK',
        'Other machines could reach this server, and in development anyone could sign in. Listen on localhost, or pass `origin`, `secret` and real `providers`.',
      )
    }
    return listen.apply(this, parameters)
  }
}
