import { randomBytes } from 'node:crypto'
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { ListenOptions, Server } from 'node:net'
import { join, resolve } from 'node:path'
import { Server as TlsServer } from 'node:tls'
import { pathToFileURL } from 'node:url'
import type { FastifyInstance } from 'fastify'
import { withReference } from './http/codes.ts'
import { LatchkeyError } from './http/errors.ts'
import { isLoopback } from './http/request-origin.ts'
import { bitbucket } from './providers/bitbucket.ts'
import type { Provider } from './providers/provider.ts'
import type { Settings } from './settings.ts'
import type { Store } from './store/store.ts'

/** What a sign-in cannot do without. */
interface Necessities {
  readonly secrets: readonly [string, ...string[]]
  readonly providers: readonly Provider[]
  readonly store: Store
}

interface Filled extends Necessities {
  /** What was not given, in words. */
  readonly filledIn: readonly string[]
  close(): Promise<void>
}

/** Everything that development keeps, in the working directory. */
const FOLDER = '.latchkey'

/**
 * `NODE_ENV` is `development` or `test`, or is not set and `origin` is this machine (or not given).
 * Anything else is production, so that a forgotten variable is on the safe side; and without any sign of
 * development but what was left out, the server is kept to loopback.
 */
export function isDevelopment(origin: string | undefined): boolean {
  const { NODE_ENV } = process.env
  if (NODE_ENV === 'development' || NODE_ENV === 'test') return true
  if (NODE_ENV !== undefined && NODE_ENV !== '') return false
  return origin === undefined || (URL.canParse(origin) && isLoopback(new URL(origin).hostname))
}

/** Makes what was not given, so that the first sign-in works with nothing set up. */
export async function fillIn(
  given: {
    readonly [Key in keyof Necessities]: Necessities[Key] | undefined
  },
): Promise<Filled> {
  const filledIn: string[] = []
  if (given.secrets === undefined || given.store === undefined) await makeFolder()
  const secrets = given.secrets ?? [await keptSecret()]
  if (given.secrets === undefined) filledIn.push(`a key kept in ${FOLDER}`)
  const store = given.store ?? (await keptStore())
  if (given.store === undefined) filledIn.push(`SQLite in ${FOLDER}`)
  if (given.providers !== undefined) {
    return { secrets, store, providers: given.providers, filledIn, close: async () => {} }
  }
  const emulator = await startEmulator()
  filledIn.push(`an emulated Bitbucket at ${emulator.url}`)
  const providers = [bitbucket({ emulatorUrl: emulator.url })]
  return { secrets, store, providers, filledIn, close: emulator.close }
}

async function makeFolder(): Promise<void> {
  try {
    await mkdir(FOLDER, { recursive: true })
    await chmod(FOLDER, 0o700)
    await writeFile(join(FOLDER, '.gitignore'), '*\n', { mode: 0o600 })
  } catch (error) {
    throw new LatchkeyError(
      'LATCHKEY_STORE_UNUSABLE',
      `Development keeps its key and database in ${resolve(FOLDER)}, which cannot be made (${reasonOf(error)}). Make it writable, or give \`secret\` and \`store\`.`,
    )
  }
}

/**
 * Made once and read ever after, so that sessions outlive a restart. Its name is of a kind that front
 * ends' development servers, such as Vite's, refuse to serve.
 */
async function keptSecret(): Promise<string> {
  const file = join(FOLDER, '.env.secret')
  const written = join(FOLDER, `.env.secret-${process.pid}`)
  await writeFile(written, randomBytes(48).toString('base64'), { mode: 0o600 })
  try {
    // Whole or not at all, and of several servers that start at once one wins.
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
    `The key in ${resolve(file)} is too short to be one. Delete the file, and another is made.`,
  )
}

async function keptStore(): Promise<Store> {
  const { sqlite } = await import('./store/sqlite.ts')
  return sqlite(join(FOLDER, 'latchkey.db'))
}

async function startEmulator(): Promise<{ url: string; close(): Promise<void> }> {
  await refuseClusters()
  const port = readPort('EMULATOR_PORT', 0)
  const emulator = await importEmulator()
  return emulator.startBitbucketEmulator({ port }).catch(() => {
    throw new LatchkeyError(
      'LATCHKEY_OPTION_INVALID',
      `The emulator cannot listen on port ${port}, which the environment variable EMULATOR_PORT names. Set EMULATOR_PORT to a free port, or unset it.`,
    )
  })
}

/** Refuses a worker of `node:cluster`. Workers share ports, so a code would reach another worker's emulator. */
async function refuseClusters(): Promise<void> {
  const { default: cluster } = await import('node:cluster')
  if (!cluster.isWorker) return
  throw new LatchkeyError(
    'LATCHKEY_OPTION_MISSING',
    `Option \`providers\` is missing, and each worker of this cluster would start an emulator of its own. Start one for all of them: npx ${EMULATOR}. Then give each worker providers: [bitbucket({ emulatorUrl: 'http://127.0.0.1:4020' })].`,
  )
}

const EMULATOR = '@latchkey/bitbucket-emulator'

/**
 * The application's own dependency in development, and on purpose none of ours: not even an optional
 * peer, which npm and pnpm would install in production too.
 */
async function importEmulator(): Promise<typeof import('@latchkey/bitbucket-emulator')> {
  try {
    return await import(/* webpackIgnore: true */ EMULATOR)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  try {
    // Strict package managers show it to the application alone.
    const { createRequire } = process.getBuiltinModule('node:module')
    const file = createRequire(resolve('package.json')).resolve(EMULATOR)
    return await import(/* webpackIgnore: true */ pathToFileURL(file).href)
  } catch (error) {
    if (!isMissing(error)) throw error
    throw new LatchkeyError(
      'LATCHKEY_EMULATOR_MISSING',
      `No provider is given, and the emulator that stands in for one in development is not installed. Either: npm i -D ${EMULATOR}. Or give \`providers\`, such as [bitbucket({ clientId, clientSecret })].`,
    )
  }
}

function isMissing(error: unknown): boolean {
  const { code = '', message } = error as NodeJS.ErrnoException
  return /MODULE_NOT_FOUND$/.test(code) && message.includes(EMULATOR)
}

/** Returns the origin of a server without an `origin`: this machine, with TLS if the server has it. */
export function ownOrigin(server: Server): string {
  const scheme = server instanceof TlsServer ? 'https' : 'http'
  return `${scheme}://localhost:${readPort('PORT', 3000)}`
}

/** A port from an environment variable, or `otherwise`. */
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
 * Before the server listens: others are kept out if they could get in. Once it listens: `origin` gets
 * its port, and one line of the log says what was filled in, and which callback URL to register.
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
      app.log.info(`Latchkey: callback URL to register: ${callbacks}`)
      return
    }
    const filler = filledIn.length === 0 ? "the server's own origin" : filledIn.join(', ')
    app.log.warn(
      withReference(
        `Latchkey runs in development with ${filler}. Sign in at ${site.origin}${settings.signInPath}. The callback URL is ${callbacks}. Production needs origin, secret, providers and store.`,
        'development_defaults',
      ),
    )
  })
}

/**
 * Makes the server refuse to listen on any address that another machine could reach. Fastify has no
 * hook that comes before the port is open.
 */
function listenOnLoopbackOnly(server: Server): void {
  const listen = server.listen as (...parameters: unknown[]) => Server
  server.listen = function listenOnLoopback(this: Server, ...parameters: unknown[]): Server {
    const [first, second] = parameters
    const { host, path } = typeof first === 'object' ? (first as ListenOptions) : { host: second }
    if (path === undefined && !(typeof host === 'string' && isLoopback(host))) {
      throw new LatchkeyError(
        'LATCHKEY_NOT_LOOPBACK',
        'Other machines could reach this server, and development would let anybody in. Listen on localhost, or give `origin`, `secret` and real `providers`.',
      )
    }
    return listen.apply(this, parameters)
  }
}
