import { execFile } from 'node:child_process'
import { type AddressInfo, connect } from 'node:net'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { bitbucket } from '../providers/bitbucket.ts'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'

const emulator = setUpEmulator()
const TOKEN = 'POST /site/oauth2/access_token'
const REFUSED = '/auth/sign-in?auth_error=provider_refused'

describe('the log at level trace', () => {
  it('holds no secret, code, state or token, whatever goes wrong', async () => {
    const lines: string[] = []
    const clientSecret = 'canary-client-secret-4f8b1c'
    const app = await buildApp(
      emulator(),
      {
        providers: [
          bitbucket({ emulatorUrl: emulator().url, clientId: 'latchkey-dev', clientSecret }),
        ],
      },
      { write: (line) => void lines.push(line) },
    )
    const canaries = [
      clientSecret,
      Buffer.from(`latchkey-dev:${clientSecret}`).toString('base64'),
      Buffer.from(clientSecret).toString('base64'),
    ]
    const browser = createBrowser(app)
    const note = (text: string): void => {
      for (const [, value] of text.matchAll(/[?&](?:code|state)=([^&]{8,})/g))
        canaries.push(value ?? '')
    }

    // A wrong secret, with GET, HEAD and POST of the callback.
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    note(callback)
    for (const method of ['HEAD', 'POST', 'PUT'] as const)
      await app.inject({ method, url: callback })
    expect((await browser.get(callback)).headers.location).toBe(REFUSED)

    // A right one, and a token answer that goes wrong in every way.
    const right = await buildApp(emulator(), {}, { write: (line) => void lines.push(line) })
    for (const plan of [
      { status: 400, body: { error: 'x', access_token: 'canary-token-in-an-error' } },
      { body: { error: 'canary-error-word-Z' } },
      { headers: { 'content-type': 'text/html' }, body: 'canary-html' },
      { body: '{"access_token":"canary-broken-json' },
      { fault: 'truncate' as const },
      { fault: 'redirect' as const },
    ]) {
      emulator().answerNext(TOKEN, plan)
      const path = await browser.consent(await createBrowser(right).start(), { user: 'ada' })
      note(path)
      await right.inject(path)
      const person = createBrowser(right)
      const own = await person.consent(await person.start(), { user: 'ada' })
      note(own)
      await person.get(own)
    }
    const person = createBrowser(right)
    await person.signIn('ada')
    canaries.push(/latchkey-3000=[\w-]+\.([\w-]+)/.exec(person.cookies())?.[1] ?? '')
    for (const { headers } of emulator().requests) {
      const token = headers.authorization?.split(' ')[1]
      if (token !== undefined) canaries.push(token)
    }
    canaries.push('canary-', 'code_verifier', 'Authorization', 'Basic ')

    expect(canaries.length).toBeGreaterThan(20)
    const log = lines.join('')
    expect(lines.length).toBeGreaterThan(30)
    expect(log).toContain('sign-in-failed')
    for (const canary of canaries) {
      expect(canary.length).toBeGreaterThan(5)
      expect(log).not.toContain(canary)
    }
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow()
  })

  it('holds no code or state of a method that Fastify has no routes for, nor does the answer', async () => {
    const lines: string[] = []
    const app = await buildApp(emulator(), {}, { write: (line) => void lines.push(line) })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    for (const method of ['PROPFIND', 'SEARCH', 'LOCK']) {
      const socket = connect(port, '127.0.0.1')
      socket.end(
        `${method} /auth/bitbucket/callback?code=canary-code&state=canary-state HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      )
      let answer = ''
      for await (const chunk of socket) answer += chunk
      expect(answer).toMatch(/^HTTP\/1\.1 404 /)
      expect(answer).toMatch(/^cache-control: no-store\r$/m)
      expect(answer).not.toContain('canary')
    }
    expect(lines.length).toBeGreaterThan(5)
    expect(lines.join('')).not.toContain('canary')
  })

  it('and stderr under DEBUG=* hold no secret either', async () => {
    const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
    const script = `
      const { default: Fastify } = await import(${JSON.stringify(import.meta.resolve('fastify'))})
      const { default: latchkey, bitbucket } = await import(${url('../index.ts')})
      const { sqlite } = await import(${url('../sqlite.ts')})
      const app = Fastify()
      await app.register(latchkey, {
        origin: 'http://localhost:3000',
        secret: 'kX2v9QwLr7TzB4mN8sYcJ1hGfD6pEaUo',
        providers: [bitbucket({ emulatorUrl: ${JSON.stringify(emulator().url)}, clientSecret: 'canary-secret' })],
        store: sqlite(':memory:'),
      })
      const start = await app.inject('/auth/bitbucket/start')
      const state = new URL(start.headers.location).searchParams.get('state')
      const cookie = String(start.headers['set-cookie']).split(';')[0]
      const url = '/auth/bitbucket/callback?code=canary-code&state=' + state
      const answer = await app.inject({ url, headers: { cookie } })
      console.log(answer.headers.location)
      await app.close()`
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', script],
      { env: { ...process.env, DEBUG: '*', NODE_ENV: 'test' } },
    )
    expect(stdout.trim()).toBe(REFUSED)
    expect(stderr).not.toMatch(/canary|Basic |code_verifier/)
    expect(stderr).not.toContain(Buffer.from('latchkey-dev:canary-secret').toString('base64'))
  })
})
