import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { startBitbucketEmulator } from './emulator.ts'
import { askConsent, getTokens, ordinary, postToken, refresh } from './testing/client.ts'

const bin = fileURLToPath(new URL('bin.ts', import.meta.url))
const running = new Set<ChildProcess>()

afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
  running.clear()
})

function start(...flags: string[]) {
  const child = spawn(process.execPath, [bin, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk
  })
  const closed = once(child, 'close')
  return { child, output, closed }
}

async function run(...flags: string[]) {
  const { output, closed } = start(...flags)
  const [code] = await closed
  return { code, ...output }
}

async function seedFile(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bitbucket-emulator-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'seed.json')
  await writeFile(file, text)
  return file
}

describe('the command line', () => {
  it('prints its flags with --help', async () => {
    const { code, stdout } = await run('--help')
    expect(code).toBe(0)
    expect(stdout).toContain('--port NUMBER')
    expect(stdout).toContain('--profile NAME')
    expect(stdout).toContain('--seed FILE')
  })

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'serves, prints its URLs, and exits cleanly on %s',
    async (signal) => {
      const { child, output, closed } = start('--port', '0')
      await once(child.stdout ?? child, 'data')
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output.stdout)?.[0] ?? ''
      expect(output.stdout).toContain(`authorize URL  ${url}/site/oauth2/authorize\n`)
      expect(output.stdout).toContain(`token URL      ${url}/site/oauth2/access_token\n`)
      expect(output.stdout).toContain(`API base       ${url}/2.0\n`)
      expect(output.stdout).toContain('latchkey-dev-secret')
      expect(output.stdout).toContain('no-email     Cleo Test  no e-mail\n')
      expect((await fetch(`${url}/2.0/user`)).status).toBe(401)
      child.kill(signal)
      expect(await closed).toEqual([0, null])
      expect(output.stderr).toBe('')
    },
  )

  it('reads people and consumers from a file', async () => {
    const seed = {
      people: [{ nickname: 'sam', displayName: 'Sam Test' }],
      consumers: [{ clientId: 'mine', clientSecret: 'mine-secret' }],
    }
    const { child, output } = start('--port', '0', '--seed', await seedFile(JSON.stringify(seed)))
    await once(child.stdout ?? child, 'data')
    expect(output.stdout).toContain('sam  Sam Test\n')
    expect(output.stdout).toContain('client id      mine\n')
    expect(output.stdout).toContain('callback       none\n')
    expect(output.stdout).not.toContain('latchkey-dev')
  })

  it('uses the profile passed with --profile', async () => {
    const seed = await seedFile(JSON.stringify({ consumers: [{ name: 'Mine' }] }))
    const { child, output } = start('--port', '0', '--profile', 'legacy', '--seed', seed)
    await once(child.stdout ?? child, 'data')
    expect(output.stdout).toMatch(/client id {6}[0-9a-f]{18}\n/)
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output.stdout)?.[0]
    const answer = await fetch(`${url}/2.0/user`)
    expect(await answer.text()).toContain('Token is invalid or not supported for this endpoint.')
  })

  it('has a flag for every unknown rule', async () => {
    const { child, output } = start(
      ...['--port', '0', '--pkce', 'enforce', '--client-auth', 'basic'],
      ...['--scope-parameter', 'narrow', '--refresh-lockout-ms', '60000'],
    )
    await once(child.stdout ?? child, 'data')
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output.stdout)?.[0] ?? ''
    const unverified = { ...ordinary, code_challenge: 'x', code_challenge_method: 'plain' }
    const errorOf = async (parameters: Record<string, string>) => {
      const answer = await askConsent(url, parameters)
      return new URL(answer.headers.get('location') ?? '').searchParams.get('error')
    }
    expect(await errorOf(unverified)).toBe('invalid_request')
    expect(await errorOf({ ...ordinary, scope: 'repository' })).toBe('invalid_scope')
    const inForm = { client_id: 'latchkey-dev', client_secret: 'latchkey-dev-secret' }
    const { refresh_token } = await getTokens(url, 'ada')
    const form = { grant_type: 'refresh_token', refresh_token }
    expect((await postToken(url, { ...form, ...inForm }, {})).status).toBe(400)
    expect((await refresh(url, 'made-up')).status).toBe(400)
    expect((await postToken(url, form)).status).toBe(400)
  })

  it.each([
    [['--prot', '1'], `Unknown option '--prot'`],
    [['--port', 'http'], '--port must be a whole number, 0 or more.'],
    [['--port', '65536'], '--port must be a whole number from 0 to 65535.'],
    [['--port', ''], '--port must be a whole number, 0 or more.'],
    [['--pkce', 'on'], '--pkce must be ignore or enforce.'],
    [['--client-auth', 'body'], '--client-auth must be basic+body or basic.'],
    [['--scope-parameter', 'no'], '--scope-parameter must be ignore or narrow.'],
    [['--refresh-lockout-ms', '1s'], '--refresh-lockout-ms must be a whole number, 0 or more.'],
    [['--seed', '/nowhere/seed.json'], '--seed: Cannot read /nowhere/seed.json (ENOENT).'],
    [['--profile', 'old'], '--profile must be 2026 or legacy.'],
    [['stray'], `Unexpected argument 'stray'`],
  ])('rejects %j with a one-line error', async (flags, problem) => {
    const { code, stdout, stderr } = await run(...flags)
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain(problem)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  it.each([
    ['{', 'JSON'],
    ['{"people":[{"nickname":7}]}', 'people[0].nickname must be a non-empty string.'],
  ])('names the file and the field of an invalid seed: %s', async (text, problem) => {
    const file = await seedFile(text)
    const { code, stderr } = await run('--port', '0', '--seed', file)
    expect(code).toBe(1)
    expect(stderr).toContain(`--seed: ${file}: `)
    expect(stderr).toContain(problem)
  })

  it('explains how to choose another port if one is in use', async () => {
    const other = await startBitbucketEmulator()
    const port = new URL(other.url).port
    const { code, stderr } = await run('--port', port)
    await other.close()
    expect(code).toBe(1)
    expect(stderr).toContain(`Port ${port} is already in use.`)
    expect(stderr).toContain('--port')
  })
})
