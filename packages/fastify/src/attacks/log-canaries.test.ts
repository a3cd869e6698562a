import { fork } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import type { CanaryReport } from '../testing/canary-run.ts'

interface Run {
  readonly report: CanaryReport
  readonly stdout: string
  readonly stderr: string
}

async function run(DEBUG: string): Promise<Run> {
  const child = fork(fileURLToPath(import.meta.resolve('../testing/canary-run.ts')), {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, DEBUG, NODE_ENV: 'test' },
    execArgv: [],
    timeout: 50_000,
  })
  const [[report], stdout, stderr] = await Promise.all([
    Promise.race([once(child, 'message'), once(child, 'exit')]),
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
  ])
  if (typeof report !== 'object') throw new Error(`The run ended early:\n${stderr}`)
  return { report: report as CanaryReport, stdout, stderr }
}

describe.each([
  '*',
  // This value already excludes some of the secrets, but not all of them.
  '*,-simple-oauth2:request-options',
  '*,-simple-oauth2*:debug',
])('every way to sign in and to fail, with all logs on and DEBUG=%s', (debug) => {
  let over: Run
  beforeAll(async () => {
    over = await run(debug)
  }, 60_000)

  it('is covered', () => {
    expect([...new Set(over.report.outcomes)].sort()).toEqual([
      '/',
      'access_denied',
      'account_inactive',
      'flow_expired',
      'flow_missing',
      'flow_used',
      'provider_bad_answer',
      'provider_refused',
      'provider_unavailable',
      'server_error',
      'unavailable',
    ])
    expect(over.report.outcomes.length).toBeGreaterThan(45)
    const levels = over.stdout
      .split('\n')
      .flatMap((line) => /^{"level":(\d+)/.exec(line)?.[1] ?? [])
    expect([...new Set(levels)].sort()).toEqual(['10', '20', '30', '40', '50'])
  })

  it.each([
    'client secret',
    'secret of Latchkey',
    'code',
    'state',
    'verifier',
    'nonce',
    'sealed flow',
    'session secret',
    'access token',
    'refresh token',
    'ID token',
    'e-mail address',
    'words of the provider',
  ])('prints no %s, in any encoding', (kind) => {
    const canaries = over.report.canaries[kind] ?? []
    expect(canaries.length).toBeGreaterThan(0)
    for (const canary of canaries) {
      expect(canary.length).toBeGreaterThan(20)
      expect(findIn(over.stdout, canary)).toBeUndefined()
      expect(findIn(over.stderr, canary)).toBeUndefined()
    }
  })

  it('prints no request to the provider, although the search finds secrets that are printed on purpose', () => {
    const requests = /.*(basic |bearer |authorization|code_verifier).*/i
    expect(requests.exec(over.stdout + over.stderr)?.[0]).toBeUndefined()
    expect(findIn(over.stdout, over.report.decoy)).toBeDefined()
    expect(findIn(over.stderr, over.report.decoy)).toBeDefined()
  })

  it('prints only lines of JSON', () => {
    for (const line of over.stdout.trimEnd().split(/[\n\r\u0085\u2028\u2029]/)) {
      expect(() => JSON.parse(line)).not.toThrow()
    }
  })
})

/**
 * Returns the line that contains a secret, plain or encoded as percent-encoding, hexadecimal,
 * base64 or a list of bytes.
 */
function findIn(output: string, secret: string): string | undefined {
  const bytes = Buffer.from(secret)
  const shapes = [
    secret,
    encodeURIComponent(secret),
    bytes.toString('hex'),
    bytes.join(','),
    ...[0, 1, 2].flatMap((offset) => base64Within(bytes, offset)),
  ]
  const found = shapes.find((shape) => output.includes(shape))
  return found && output.split('\n').find((line) => line.includes(found))
}

/**
 * Returns the base64 form of the bytes as it appears inside a longer text in which they begin `offset` bytes
 * after a multiple of three.
 */
function base64Within(bytes: Buffer, offset: number): string[] {
  const whole = bytes.subarray(0, bytes.length - ((bytes.length + offset) % 3))
  const encoded = Buffer.concat([Buffer.alloc(offset), whole])
  const skipped = Math.ceil((offset * 4) / 3)
  return (['base64', 'base64url'] as const).map((way) => encoded.toString(way).slice(skipped))
}
