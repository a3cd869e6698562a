#!/usr/bin/env node
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type BitbucketEmulator, startBitbucketEmulator } from './emulator.ts'
import { noteOn } from './people.ts'
import { isProfile, profiles } from './profiles.ts'
import { anyLoopback } from './redirect-uri.ts'
import { readSeed, type Seed } from './seed.ts'

const help = `Bitbucket Cloud's OAuth 2.0 and user API on your own machine, for development and tests.

Usage: bitbucket-emulator [--port NUMBER] [--profile NAME] [--seed FILE]

  --port NUMBER  where to listen on 127.0.0.1; 0 takes any free port (default 4020)
  --profile NAME 2026, or legacy for Bitbucket before the changes of May 2026 (default 2026)
  --seed FILE    people, workspaces and clients as JSON, instead of the built-in ones
  --help         this text
`

try {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '4020' },
      profile: { type: 'string', default: '2026' },
      seed: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) process.stdout.write(help)
  else await run(values)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}

async function run(flags: { port: string; profile: string; seed?: string }): Promise<void> {
  const port = /^\d+$/.test(flags.port) ? Number(flags.port) : Number.NaN
  if (!(port <= 65535)) throw new Error('--port must be a whole number from 0 to 65535.')
  const { profile } = flags
  if (!isProfile(profile)) throw new Error(`--profile must be 2026 or legacy, not ${profile}.`)
  const seed = flags.seed === undefined ? {} : await readSeedFile(flags.seed)
  const emulator = await startBitbucketEmulator({ port, profile, seed })
  process.stdout.write(describe(emulator, readSeed(seed, profiles[profile])))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, emulator.close)
}

async function readSeedFile(file: string): Promise<Seed> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`--seed: ${file} cannot be read (${cause.code}).`, { cause })
  })
  try {
    const seed = JSON.parse(text)
    readSeed(seed)
    return seed
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
