import { parseArgs } from 'node:util'
import { startBitbucketEmulator } from '@latchkey/bitbucket-emulator'
import { bitbucket } from '@latchkey/fastify'
import { sqlite } from '@latchkey/fastify/sqlite'
import { buildApp } from './app.ts'

const { values } = parseArgs({ options: { built: { type: 'boolean', default: false } } })
const { BITBUCKET_CLIENT_ID: clientId, BITBUCKET_CLIENT_SECRET: clientSecret } = process.env
const port = readPort('PORT', 3000)
const origin = `http://localhost:${port}`

try {
  const emulator =
    clientId === undefined
      ? await startBitbucketEmulator({ port: readPort('EMULATOR_PORT', 4020) })
      : undefined
  const app = await buildApp({
    origin,
    providers: [
      emulator === undefined
        ? bitbucket({ clientId, clientSecret })
        : bitbucket({ emulatorUrl: emulator.url }),
    ],
    store: sqlite('.latchkey/demo.db'),
    emulator,
    built: values.built,
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, async () => {
      await app.close()
      await emulator?.close()
    })
  }
  await app.listen({ port, host: 'localhost' })
  if (emulator === undefined) {
    console.log(`\n  Callback URL to register at Bitbucket: ${origin}/auth/bitbucket/callback`)
  }
  console.log(`\n  The demo is ready: ${origin}\n`)
} catch (error) {
  console.error(`\n  The demo did not start. ${cureOf(error)}\n`)
  process.exit(1)
}

function readPort(variable: string, otherwise: number): number {
  const value = process.env[variable]
  if (value === undefined || value === '') return otherwise
  if (/^\d{1,5}$/.test(value) && Number(value) > 0 && Number(value) < 65536) return Number(value)
  console.error(`\n  ${variable} must be a port from 1 to 65535.\n`)
  process.exit(1)
}

function cureOf(error: unknown): string {
  const { code, message, port: taken } = error as NodeJS.ErrnoException & { port?: number }
  if (code === 'EADDRINUSE' && taken === port) {
    return `Port ${port} is in use. Choose another: PORT=${port + 1} npx pnpm@12 demo`
  }
  if (message.includes('--port')) {
    return `The emulator's port is in use. Choose another: EMULATOR_PORT=4021 npx pnpm@12 demo`
  }
  return message
}
