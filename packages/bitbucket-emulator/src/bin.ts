#!/usr/bin/env node
import './node-version.ts'

import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type BitbucketEmulator, startBitbucketEmulator } from './emulator.ts'
import { profiles } from './rules/profiles.ts'
import { anyLoopback } from './seed/callback-url.ts'
import { noteOn } from './seed/people.ts'
import { readSeed } from './seed/seed.ts'
import type { Seed } from './seed/seed-format.ts'

const help = `Bitbucket Cloud's OAuth 2.0 and user API on your own machine, for development and tests.

Usage: bitbucket-emulator [flags]

  --port NUMBER           port on 127.0.0.1; 0 selects a free port (default 4020)
  --seed FILE             JSON file with people, workspaces and clients (default: built-in ones)
  --profile NAME          2026, or legacy for Bitbucket before May 2026 (default 2026)
  --pkce MODE             ignore or enforce PKCE (default ignore)
  --client-auth WHERE     accept client credentials in basic+body or basic only (default basic+body)
  --scope-parameter MODE  ignore the scope parameter, or narrow tokens to it (default ignore)
  --refresh-lockout-ms N  how long a dead refresh token locks out its client (default 0)
  --help                  print this help
`

const flags = {
  port: { type: 'string', default: '4020' },
  seed: { type: 'string' },
  profile: { type: 'string', default: '2026' },
  pkce: { type: 'string', default: 'ignore' },
  'client-auth': { type: 'string', default: 'basic+body' },
  'scope-parameter': { type: 'string', default: 'ignore' },
  'refresh-lockout-ms': { type: 'string', default: '0' },
  help: { type: 'boolean', default: false },
} as const

try {
  const { values } = parseArgs({ options: flags })
  if (values.help) process.stdout.write(help)
  else await run(values)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}

type Flags = ReturnType<typeof parseArgs<{ options: typeof flags }>>['values']

async function run(values: Flags): Promise<void> {
  const port = readNumber('port', values.port)
  if (port > 65535) throw new Error('--port must be a whole number from 0 to 65535.')
  const profile = readChoice('profile', values.profile, ['2026', 'legacy'])
  const seed = values.seed === undefined ? {} : await readSeedFile(values.seed)
  const emulator = await startBitbucketEmulator({
    port,
    profile,
    seed,
    pkce: readChoice('pkce', values.pkce, ['ignore', 'enforce']),
    clientAuth: readChoice('client-auth', values['client-auth'], ['basic+body', 'basic']),
    scopeParameter: readChoice('scope-parameter', values['scope-parameter'], ['ignore', 'narrow']),
    refreshLockoutMs: readNumber('refresh-lockout-ms', values['refresh-lockout-ms']),
  })
  process.stdout.write(describe(emulator, readSeed(seed, profiles[profile])))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, emulator.close)
}

function readNumber(flag: keyof typeof flags, text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  throw new Error(`--${flag} must be a whole number, 0 or more.`)
}

function readChoice<Choice extends string>(
  flag: keyof typeof flags,
  text: string,
  choices: readonly Choice[],
): Choice {
  const chosen = choices.find((choice) => choice === text)
  if (chosen !== undefined) return chosen
  throw new Error(`--${flag} must be ${choices.join(' or ')}.`)
}

async function readSeedFile(file: string): Promise<Seed> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`--seed: Cannot read ${file} (${cause.code}).`, { cause })
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
    'Configure your client with:',
    `  authorize URL  ${url}/site/oauth2/authorize`,
    `  token URL      ${url}/site/oauth2/access_token`,
    `  API base       ${url}/2.0`,
    ...consumers.flatMap(({ clientId, clientSecret, callbackUrl }) => [
      '',
      `  client id      ${clientId}`,
      `  client secret  ${clientSecret}`,
      `  callback       ${callbackUrl === anyLoopback ? 'any loopback URL' : (callbackUrl ?? 'none')}`,
    ]),
    '',
    'Sign in as:',
    ...people.map((person) =>
      `  ${person.nickname.padEnd(width)}  ${person.displayName}  ${noteOn(person)}`.trimEnd(),
    ),
  ]
  return `${lines.join('\n')}\n`
}
