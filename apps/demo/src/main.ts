import { createServer } from 'node:net'
import { parseArgs } from 'node:util'
import { startBitbucketEmulator } from '@latchkey/bitbucket-emulator'
import { bitbucket } from '@latchkey/fastify'
import { sqlite } from '@latchkey/fastify/sqlite'
import { buildApp } from './app.ts'

const DEFAULTS = { PORT: 3000, EMULATOR_PORT: 4020 } as const

try {
  await start()
} catch (error) {
  console.error(`\n  The demo did not start. ${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}

async function start(): Promise<void> {
  const { values } = parseArgs({ options: { built: { type: 'boolean', default: false } } })
  const credentials = readCredentials()
  const ports = { PORT: readPort('PORT'), EMULATOR_PORT: readPort('EMULATOR_PORT') }
  await refuseTakenPorts(credentials === null ? ports : { PORT: ports.PORT })

  const origin = `http://localhost:${ports.PORT}`
  const emulator =
    credentials === null ? await startBitbucketEmulator({ port: ports.EMULATOR_PORT }) : undefined
  const app = await buildApp({
    origin,
    providers: [bitbucket(credentials ?? { emulatorUrl: emulator?.url })],
    // Real people and emulated ones do not mix.
    store: sqlite(`.latchkey/demo-${credentials === null ? 'emulator' : 'bitbucket'}.db`),
    emulator,
    built: values.built,
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, async () => {
      await app.close()
      await emulator?.close()
    })
  }
  await app.listen({ port: ports.PORT, host: 'localhost' })
  if (credentials !== null) {
    console.log(`\n  Callback URL to register at Bitbucket: ${origin}/auth/bitbucket/callback`)
  }
  console.log(`\n  The demo is ready: ${origin}\n`)
}

/** The real Bitbucket's, if both are given. */
function readCredentials(): { clientId: string; clientSecret: string } | null {
  const { BITBUCKET_CLIENT_ID: clientId, BITBUCKET_CLIENT_SECRET: clientSecret } = process.env
  if (clientId && clientSecret) return { clientId, clientSecret }
  if (!clientId && !clientSecret) return null
  const missing = clientId ? 'BITBUCKET_CLIENT_SECRET' : 'BITBUCKET_CLIENT_ID'
  throw new Error(`${missing} is missing beside the other. Set both, or neither for the emulator.`)
}

function readPort(variable: keyof typeof DEFAULTS): number {
  const value = process.env[variable]
  if (value === undefined || value === '') return DEFAULTS[variable]
  if (/^\d{1,5}$/.test(value) && Number(value) > 0 && Number(value) < 65_536) return Number(value)
  throw new Error(`${variable} must be a port from 1 to 65535.`)
}

/** Names every port that is taken, and one command that works. */
async function refuseTakenPorts(ports: Record<string, number>): Promise<void> {
  const taken: string[] = []
  const command: string[] = []
  for (const [variable, port] of Object.entries(ports)) {
    if (!(await isFree(port))) taken.push(String(port))
    let free = port
    while (!(await isFree(free))) free = free === 65_535 ? 1024 : free + 1
    command.push(`${variable}=${free}`)
  }
  if (taken.length === 0) return
  const subject = taken.length === 1 ? 'Port' : 'Ports'
  const verb = taken.length === 1 ? 'is' : 'are'
  throw new Error(
    `${subject} ${taken.join(' and ')} ${verb} in use. Try: ${command.join(' ')} npx pnpm@12 demo`,
  )
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
