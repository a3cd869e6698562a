import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { LatchkeyError } from './http/errors.ts'
import { isEmulatable } from './providers/check-providers.ts'
import type { Provider } from './providers/provider.ts'

/** The providers, where those without credentials are emulated. */
interface Emulated {
  readonly providers: readonly Provider[]
  /** What was emulated, for the log. */
  readonly filledIn: readonly string[]
  /** Stops the emulators. */
  close(): Promise<void>
}

const BITBUCKET = '@latchkey/bitbucket-emulator'
const OTHERS = '@latchkey/provider-emulator'

/**
 * Starts an emulator for the providers that have no credentials, and replaces these providers.
 * @param bitbucketPort Returns the port of the Bitbucket emulator. 0 selects a free port.
 * @throws LatchkeyError
 */
export async function emulate(
  given: readonly Provider[],
  bitbucketPort: () => number,
): Promise<Emulated> {
  const wanted = given.filter(isEmulatable)
  const bitbuckets = wanted.filter(({ emulated }) => typeof emulated === 'function')
  const others = wanted.filter((provider) => !bitbuckets.includes(provider))
  await refuseClusters(wanted)
  const bitbucketEmulator = bitbuckets[0] && (await startBitbucket(bitbuckets[0], bitbucketPort()))
  const otherEmulator = others[0] && (await startOthers(others[0]))

  const filledIn: string[] = []
  if (bitbucketEmulator) filledIn.push(`an emulated Bitbucket at ${bitbucketEmulator.url}`)
  for (const { name } of others) {
    filledIn.push(`an emulated ${name} at ${otherEmulator?.url}`)
  }
  return {
    filledIn,
    providers: given.map((provider) => {
      const { emulated } = provider
      if (!wanted.includes(provider)) return provider
      if (typeof emulated === 'function' && bitbucketEmulator) {
        return emulated(bitbucketEmulator.url)
      }
      return otherEmulator?.emulate(provider) ?? provider
    }),
    async close() {
      await Promise.all([bitbucketEmulator?.close(), otherEmulator?.close()])
    },
  }
}

/** Rejects a worker of `node:cluster`. Workers share ports, so a code could reach another worker's emulator. */
async function refuseClusters([provider]: readonly Provider[]): Promise<void> {
  const { default: cluster } = await import('node:cluster')
  if (provider === undefined || !cluster.isWorker) return
  const cure =
    typeof provider.emulated === 'function'
      ? `Start one emulator for all workers: npx ${BITBUCKET}. Then pass providers: [bitbucket({ emulatorUrl: 'http://127.0.0.1:4020' })] in each worker.`
      : 'Pass credentials, or use a single process in development.'
  throw new LatchkeyError(
    'LATCHKEY_OPTION_MISSING',
    `There are no credentials for ${provider.name}, and each worker of this cluster would start its own emulator. ${cure}`,
  )
}

async function startBitbucket(
  provider: Provider,
  port: number,
): Promise<import('@latchkey/bitbucket-emulator').BitbucketEmulator> {
  const { startBitbucketEmulator } = await importEmulator<
    typeof import('@latchkey/bitbucket-emulator')
  >(BITBUCKET, provider)
  return startBitbucketEmulator({ port }).catch(() => {
    throw new LatchkeyError(
      'LATCHKEY_OPTION_INVALID',
      `The emulator cannot listen on port ${port}, which is set in the environment variable EMULATOR_PORT. Set EMULATOR_PORT to a free port, or unset it.`,
    )
  })
}

async function startOthers(
  provider: Provider,
): Promise<import('@latchkey/provider-emulator').ProviderEmulator> {
  const { startProviderEmulator } = await importEmulator<
    typeof import('@latchkey/provider-emulator')
  >(OTHERS, provider)
  return startProviderEmulator()
}

/**
 * Imports an emulator from the application's own development dependencies. Emulators are deliberately not
 * dependencies of Latchkey, not even optional peers: npm and pnpm would install those in production too.
 */
async function importEmulator<Emulator>(
  emulator: string,
  { name, setup }: Provider,
): Promise<Emulator> {
  try {
    return await import(/* webpackIgnore: true */ emulator)
  } catch (error) {
    if (!isMissing(error, emulator)) throw error
  }
  try {
    // With strict package managers, only the application can resolve its dependencies.
    const { createRequire } = process.getBuiltinModule('node:module')
    const file = createRequire(resolve('package.json')).resolve(emulator)
    return await import(/* webpackIgnore: true */ pathToFileURL(file).href)
  } catch (error) {
    if (!isMissing(error, emulator)) throw error
    throw new LatchkeyError(
      'LATCHKEY_EMULATOR_MISSING',
      `There are no credentials for ${name}, and the emulator that replaces it in development is not installed. Install it with: npm i -D ${emulator}. Or use ${name} itself. ${setup ?? ''}`.trimEnd(),
    )
  }
}

function isMissing(error: unknown, emulator: string): boolean {
  const { code = '', message } = error as NodeJS.ErrnoException
  return /MODULE_NOT_FOUND$/.test(code) && message.includes(emulator)
}
