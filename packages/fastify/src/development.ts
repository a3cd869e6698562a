import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { ListenOptions, Server } from 'node:net'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { LatchkeyError } from './errors.ts'
import type { Settings } from './options.ts'
import type { Provider } from './provider.ts'
import { bitbucket } from './providers/bitbucket.ts'
import { isLoopback } from './request-origin.ts'
import type { Store } from './store.ts'

/** What development fills in, so that the first sign-in works with nothing set up. */
export interface DevelopmentDefaults {
  readonly secret: string
  readonly providers: readonly Provider[]
  readonly store: Store
  /** What was filled in, in words. Empty if everything was given. */
  readonly filledIn: readonly string[]
  /** Whether people can be signed in, or sessions forged, by anybody who can reach this server. */
  readonly unsafe: boolean
  /** Whether `origin` is to carry the port that the server ends up with. */
  readonly followsPort: boolean
  close(): Promise<void>
}

/** Everything that development keeps, in the working directory. */
const FOLDER = '.latchkey'

/**
 * `NODE_ENV` is `development` or `test`, or is not set and `origin` is this machine (or not given).
 * Anything else is production, so that a forgotten variable is on the safe side.
 */
export function isDevelopment(origin: string | undefined): boolean {
  const { NODE_ENV } = process.env
  if (NODE_ENV === 'development' || NODE_ENV === 'test') return true
  if (NODE_ENV !== undefined && NODE_ENV !== '') return false
  return origin === undefined || (URL.canParse(origin) && isLoopback(new URL(origin).hostname))
}

/** @param missing Which options were not given. */
export async function developmentDefaults(missing: {
  origin: boolean
  secret: boolean
  providers: boolean
  store: boolean
}): Promise<DevelopmentDefaults> {
  const filledIn: string[] = []
  let close = async (): Promise<void> => {}
  if (missing.secret || missing.store) await makeFolder()
  let secret = ''
  if (missing.secret) {
    secret = await keptSecret()
    filledIn.push(`a key kept in ${FOLDER}`)
  }
  let store: Store | undefined
  if (missing.store) {
    const { sqlite } = await import('./sqlite.ts')
    store = sqlite(join(FOLDER, 'latchkey.db'))
    filledIn.push(`SQLite in ${FOLDER}`)
  }
  let providers: readonly Provider[] = []
  if (missing.providers) {
    const emulator = await startEmulator()
    close = emulator.close
    providers = [bitbucket({ emulatorUrl: emulator.url })]
    filledIn.push(`an emulated Bitbucket at ${emulator.url}`)
  }
  return {
    secret,
    providers,
    store: store as Store,
    filledIn,
    unsafe: missing.secret || missing.providers,
    followsPort: missing.origin,
    close,
  }
}

async function makeFolder(): Promise<void> {
  await mkdir(FOLDER, { recursive: true, mode: 0o700 })
  await writeFile(join(FOLDER, '.gitignore'), '*\n', { mode: 0o600 })
}

/** Written once and read ever after, so that sessions outlive a restart. */
async function keptSecret(): Promise<string> {
  const file = join(FOLDER, 'secret')
  try {
    await writeFile(file, randomBytes(48).toString('base64'), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readFile(file, 'utf8')
}

async function startEmulator(): Promise<{ url: string; close(): Promise<void> }> {
  let emulator: typeof import('@latchkey/bitbucket-emulator')
  try {
    emulator = await import('@latchkey/bitbucket-emulator')
  } catch {
    throw new LatchkeyError(
      'LATCHKEY_EMULATOR_MISSING',
      'No provider is given, and the emulator that stands in for one in development is not installed. Either: npm i -D @latchkey/bitbucket-emulator. Or give `providers`, such as [bitbucket({ clientId, clientSecret })].',
    )
  }
  return emulator.startBitbucketEmulator({ port: Number(process.env.EMULATOR_PORT ?? 0) })
}

/**
 * Before the server listens: others are kept out if they could get in. Once it listens: `origin` gets
 * its port, and one line of the log says what was filled in, and which callback URL to register.
 */
export function prepareToListen(app: FastifyInstance, settings: Settings): void {
  const { defaults, providers, site } = settings
  if (defaults.unsafe) listenOnLoopbackOnly(app.server)
  if (defaults.followsPort) {
    app.server.once('listening', () => {
      const address = app.server.address()
      if (address !== null && typeof address === 'object') site.movedToPort(address.port)
    })
  }
  app.addHook('onListen', async () => {
    const callbacks = providers.map(({ id }) => settings.callbackUrl(id)).join(', ')
    if (defaults.filledIn.length === 0) {
      app.log.info(`Latchkey: callback URL to register: ${callbacks}`)
      return
    }
    app.log.warn(
      `Latchkey runs in development with ${defaults.filledIn.join(', ')}. Origin ${site.origin}, callback URL ${callbacks}. Production needs origin, secret, providers and store.`,
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
        'Other machines could reach this server, and development would let anybody in. Listen on localhost, or give `secret` and `providers`.',
      )
    }
    return listen.apply(this, parameters)
  }
}
