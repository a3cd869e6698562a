#!/usr/bin/env node
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type BitbucketEmulator, startBitbucketEmulator } from './emulator.ts'
import { noteOn } from './people.ts'
import { anyLoopback } from './redirect-uri.ts'
import { readSeed } from './seed.ts'

const help = `Bitbucket Cloud's OAuth 2.0 and user API on your own machine, for development and tests.

Usage: bitbucket-emulator [--port NUMBER] [--seed FILE]

  --port NUMBER  where to listen on 127.0.0.1; 0 takes any free port (default 4020)
  --seed FILE    people and consumers as JSON, instead of the built-in ones
  --help         this text
`

try {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '4020' },
      seed: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) process.stdout.write(help)
  else await run(values.port, values.seed)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}

async function run(portText: string, seedFile: string | undefined): Promise<void> {
  const port = /^\d+$/.test(portText) ? Number(portText) : Number.NaN
  if (!(port <= 65535)) throw new Error('--port must be a whole number from 0 to 65535.')
  const seed = seedFile === undefined ? undefined : await readSeedFile(seedFile)
  const emulator = await startBitbucketEmulator({ port, ...(seed && { seed }) })
  process.stdout.write(describe(emulator, readSeed(seed)))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, emulator.close)
}

async function readSeedFile(file: string): Promise<ReturnType<typeof readSeed>> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`--seed: ${file} cannot be read (${cause.code}).`, { cause })
  })
  try {
    return readSeed(JSON.parse(text))
  } catch (cause) {
    throw new Error(`--seed: ${file}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

function describe(
  { url }: BitbucketEmulator,
  { people, consumers }: ReturnType<typeof readSeed>,
): string {
  const width = Math.max(...people.map(({ nickname }) => nickname.length))
  const lines = [
    `Bitbucket emulator: ${url}`,
    '',
    'Point a client here:',
    `  authorize URL  ${url}/site/oauth2/authorize`,
    `  token URL      ${url}/site/oauth2/access_token`,
    `  API base       ${url}/2.0`,
    ...consumers.flatMap(({ clientId, clientSecret, callbackUrl }) => [
      '',
      `  client id      ${clientId}`,
      `  client secret  ${clientSecret}`,
      `  callback       ${callbackUrl === anyLoopback ? 'any http address of this machine' : (callbackUrl ?? 'none')}`,
    ]),
    '',
    'Sign in as:',
    ...people.map((person) =>
      `  ${person.nickname.padEnd(width)}  ${person.displayName}  ${noteOn(person)}`.trimEnd(),
    ),
  ]
  return `${lines.join('\n')}\n`
}
