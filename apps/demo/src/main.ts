import { createServer } from 'node:net'
import { parseArgs } from 'node:util'
import { startBitbucketEmulator } from '@latchkey/bitbucket-emulator'
import { bitbucket, github, google, microsoft, type Store } from '@latchkey/fastify'
import { postgres } from '@latchkey/fastify/postgres'
import { sqlite } from '@latchkey/fastify/sqlite'
import { startProviderEmulator } from '@latchkey/provider-emulator'
import { buildApp } from './app.ts'

const DEFAULTS = { PORT: 3000, EMULATOR_PORT: 4020 } as const

try {
  await start()
} catch (error) {
  console.error(`\n  The demo did not start. ${error instanceof Error ? error.message : error}\n`)
  // The emulator or Vite may already be running and would keep the process alive.
  process.exit(1)
}

async function start(): Promise<void> {
  refuseProduction()
  const flags = readFlags()
  const credentials = readCredentials()
  const ports = { PORT: readPort('PORT'), EMULATOR_PORT: readPort('EMULATOR_PORT') }
  await refuseTakenPorts(credentials === null ? ports : { PORT: ports.PORT }, flags)

  const origin = `http://localhost:${ports.PORT}`
  const emulator =
    credentials === null ? await startBitbucketEmulator({ port: ports.EMULATOR_PORT }) : undefined
  const others = flags.providers ? await startProviderEmulator() : undefined
  const app = await buildApp({
    origin,
    providers: [
      bitbucket(credentials ?? { emulatorUrl: emulator?.url }),
      ...(others ? [github(), google(), microsoft()].map((one) => others.emulate(one)) : []),
    ],
    store: chooseStore(credentials === null ? 'emulator' : 'bitbucket'),
    emulators: { bitbucket: emulator, others },
    built: flags.built,
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, async () => {
      await app.close()
      await emulator?.close()
      await others?.close()
    })
  }
  await app.listen({ port: ports.PORT, host: 'localhost' })
  if (credentials !== null) {
    console.log(`\n  Register this callback URL with Bitbucket: ${origin}/auth/bitbucket/callback`)
  }
  if (process.env.DATABASE_URL) {
    console.log('\n  The demo stores its users in the database at DATABASE_URL.')
  }
  console.log(`\n  The demo is ready: ${origin}\n`)
}

function refuseProduction(): void {
  const { NODE_ENV } = process.env
  if (NODE_ENV && NODE_ENV !== 'development' && NODE_ENV !== 'test') {
    throw new Error('It is for development only. Unset NODE_ENV, or set it to development.')
  }
}

/** Reads the flags: `--built` serves the output of `build`, and `--providers` shows four providers. */
function readFlags(): { built: boolean; providers: boolean } {
  const options = {
    built: { type: 'boolean', default: false },
    providers: { type: 'boolean', default: false },
  } as const
  try {
    return parseArgs({ options }).values
  } catch {
    throw new Error('Its only flags are --built and --providers. Remove the other arguments.')
  }
}

/** Returns the credentials for the real Bitbucket, or `null` if neither variable is set. */
function readCredentials(): { clientId: string; clientSecret: string } | null {
  const { BITBUCKET_CLIENT_ID: clientId, BITBUCKET_CLIENT_SECRET: clientSecret } = process.env
  if (clientId && clientSecret) return { clientId, clientSecret }
  if (!clientId && !clientSecret) return null
  const missing = clientId ? 'BITBUCKET_CLIENT_SECRET' : 'BITBUCKET_CLIENT_ID'
  throw new Error(`${missing} is missing. Set both variables, or neither to use the emulator.`)
}

function chooseStore(people: 'emulator' | 'bitbucket'): Store {
  const { DATABASE_URL } = process.env
  // Keep real and emulated users in separate files. If DATABASE_URL is set, the caller must keep them apart.
  return DATABASE_URL ? postgres(DATABASE_URL) : sqlite(`.latchkey/demo-${people}.db`)
}

function readPort(variable: keyof typeof DEFAULTS): number {
  const value = process.env[variable]
  if (value === undefined || value === '') return DEFAULTS[variable]
  if (/^\d{1,5}$/.test(value) && Number(value) > 0 && Number(value) < 65_536) return Number(value)
  throw new Error(`${variable} must be a port from 1 to 65535.`)
}

/** @throws Error that names every port in use, and a command that works */
async function refuseTakenPorts(
  ports: Record<string, number>,
  flags: Readonly<Record<string, boolean>>,
): Promise<void> {
  const wanted = Object.values(ports)
  const taken: number[] = []
  const chosen: number[] = []
  for (const port of wanted) {
    if (!chosen.includes(port) && (await isFree(port))) {
      chosen.push(port)
      continue
    }
    taken.push(port)
    let free = port
    while ([...wanted, ...chosen].includes(free) || !(await isFree(free))) {
      free = free === 65_535 ? 1024 : free + 1
    }
    chosen.push(free)
  }
  if (taken.length === 0) return
  const subject = taken.length === 1 ? 'Port' : 'Ports'
  const verb = taken.length === 1 ? 'is' : 'are'
  const variables = Object.keys(ports).map((variable, index) => `${variable}=${chosen[index]}`)
  const given = Object.keys(flags).filter((flag) => flags[flag])
  const command = [...variables, 'npx pnpm@12 demo', ...given.map((flag) => `--${flag}`)].join(' ')
  throw new Error(`${subject} ${taken.join(' and ')} ${verb} already in use. Try: ${command}`)
}

async function isFree(port: number): Promise<boolean> {
  for (const host of ['127.0.0.1', '::1']) {
    const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      const probe = createServer().once('error', resolve)
      probe.listen(port, host, () => probe.close(() => resolve(null)))
    })
    if (error?.code === 'EADDRINUSE' || error?.code === 'EACCES') return false
  }
  return true
}
