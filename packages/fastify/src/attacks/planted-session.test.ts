import { describe, expect, it } from 'vitest'
import { buildApp, HTTPS_ORIGIN, onHttps, setUpEmulator } from '../testing/app.ts'
import { type Browser, createBrowser } from '../testing/browser.ts'
import { sendRaw } from '../testing/raw-request.ts'

const emulator = setUpEmulator()

const tokenIn = (cookies: string): string => {
  const token = /latchkey(?:-3000)?=([\w.-]+)/.exec(cookies)?.[1]
  if (token === undefined) throw new Error('The browser has no session cookie.')
  return token
}

describe('a subdomain that plants a session under a name like ours', () => {
  // Browsers let a subdomain set any cookie whose name does not begin with exactly `__Host-`, and
  // send it.
  it.each([
    ['a no-break space before it', '\u00a0__Host-latchkey'],
    ['a vertical tab before it', '\u000b__Host-latchkey'],
    ['a form feed before it', '\u000c__Host-latchkey'],
    ['a no-break space after it', '__Host-latchkey\u00a0'],
    ['another case', '__host-latchkey'],
    ['no prefix', 'latchkey'],
    ['an escaped prefix', '%5f_Host-latchkey'],
    ['quotes around it', '"__Host-latchkey"'],
  ])('with %s does not sign anyone in', async (_what, name) => {
    const app = await buildApp(emulator(), onHttps(emulator()))
    const attacker = createBrowser(app, HTTPS_ORIGIN)
    await attacker.signIn('ben')
    const cookie = `${name}=${tokenIn(attacker.cookies())}`
    const me = await app.inject({ url: '/api/me', headers: { cookie } })
    expect(me.statusCode).toBe(401)
  })

  it('does not take precedence over the browser’s session, even when sent as raw bytes', async () => {
    const app = await buildApp(emulator(), onHttps(emulator()))
    const [attacker, victim] = [createBrowser(app, HTTPS_ORIGIN), createBrowser(app, HTTPS_ORIGIN)]
    await attacker.signIn('ben')
    await victim.signIn('ada')
    await app.listen({ port: 0, host: '127.0.0.1' })
    const planted = `\u00a0__Host-latchkey=${tokenIn(attacker.cookies())}`
    const answer = await sendRaw(app, [
      'GET /api/me HTTP/1.1',
      'Host: app.example.com',
      `Cookie: ${planted}; ${victim.cookies()}`,
    ])
    expect(answer).toContain('"name":"Ada Test"')
  })

  it('cannot do the same with a flow', async () => {
    const app = await buildApp(emulator(), onHttps(emulator()))
    const attacker = createBrowser(app, HTTPS_ORIGIN)
    const callback = await attacker.consent(await attacker.start(), { user: 'ben' })
    const headers = { cookie: `\u00a0${attacker.cookies()}` }
    const answer = await app.inject({ url: callback, headers })
    expect(answer.headers.location).toBe('/auth/sign-in?auth_error=flow_missing')
    expect((await attacker.get(callback)).headers.location).toBe('/')
  })
})

describe('a session cookie that was set before the sign-in', () => {
  it.each([
    ['an invented one', async () => `${'A'.repeat(22)}.${'B'.repeat(43)}`],
    ['nonsense', async () => 'attacker'],
    [
      'the attacker’s own session',
      async (attacker: Browser) => {
        await attacker.signIn('ben')
        return tokenIn(attacker.cookies())
      },
    ],
    [
      'an ended session',
      async (attacker: Browser) => {
        await attacker.signIn('ben')
        const token = tokenIn(attacker.cookies())
        await attacker.post('/auth/sign-out')
        return token
      },
    ],
  ])('(%s) is replaced, and does not open a session afterwards', async (_what, plant) => {
    const app = await buildApp(emulator())
    const [attacker, victim] = [createBrowser(app), createBrowser(app)]
    const planted = await plant(attacker)
    victim.jar.setCookieSync(`latchkey-3000=${planted}; Path=/`, 'http://localhost:3000/')
    await victim.signIn('ada')
    const issued = tokenIn(victim.cookies())
    // Neither half survives, so an attacker knows neither.
    for (const half of planted.split('.')) expect(issued).not.toContain(half)
    expect((await victim.get('/auth/session')).json()).toMatchObject({ user: { name: 'Ada Test' } })
    const headers = { cookie: `latchkey-3000=${planted}` }
    expect((await app.inject({ url: '/api/me', headers })).statusCode).toBe(401)
  })

  it('does not become valid through a failed sign-in', async () => {
    const app = await buildApp(emulator())
    const victim = createBrowser(app)
    const planted = `latchkey-3000=${'A'.repeat(22)}.${'B'.repeat(43)}`
    victim.jar.setCookieSync(`${planted}; Path=/`, 'http://localhost:3000/')
    const callback = await victim.signIn('inactive')
    expect(callback.headers.location).toBe('/auth/sign-in?auth_error=account_inactive')
    const me = await app.inject({ url: '/api/me', headers: { cookie: planted } })
    expect(me.statusCode).toBe(401)
  })
})
