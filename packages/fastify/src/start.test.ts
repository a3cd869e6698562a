import { describe, expect, it } from 'vitest'
import { buildApp, setUpEmulator } from './testing/app.ts'
import { createBrowser } from './testing/browser.ts'

const emulator = setUpEmulator()

describe('a start that nobody clicked', () => {
  it('HEAD is not found, sets nothing, and a HEAD of the callback uses nothing up', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    const cookie = browser.cookies()
    for (const url of ['/auth/bitbucket/start', callback, '/auth/session', '/auth/sign-in']) {
      for (const method of ['HEAD', 'PUT', 'OPTIONS', 'DELETE', 'POST'] as const) {
        const answer = await app.inject({ method, url, headers: { cookie } })
        expect(answer.statusCode).toBe(404)
        expect(answer.headers['set-cookie']).toBeUndefined()
      }
    }
    expect((await browser.get(callback)).headers.location).toBe('/')
  })

  it.each([
    [{ 'sec-purpose': 'prefetch' }],
    [{ 'sec-purpose': 'prefetch;prerender' }],
    [{ 'sec-purpose': 'prefetch;anonymous-client-ip' }],
    [{ purpose: 'prefetch' }],
    [{ 'sec-purpose': 'prefetch', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' }],
  ])('a speculative load with %o is put off and clobbers no flow under way', async (headers) => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    const callback = await browser.consent(await browser.start(), { user: 'ada' })
    const answer = await browser.get('/auth/bitbucket/start', headers as Record<string, string>)
    expect(answer.statusCode).toBe(503)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect((await browser.get(callback)).headers.location).toBe('/')
  })

  it.each(['image', 'iframe', 'script', 'empty', 'embed', 'frame'])(
    'as the source of an %s it is forbidden',
    async (destination) => {
      const app = await buildApp(emulator())
      const headers = { 'sec-fetch-dest': destination, 'sec-fetch-site': 'same-origin' }
      const answer = await app.inject({ url: '/auth/bitbucket/start', headers })
      expect(answer.statusCode).toBe(403)
      expect(answer.headers['set-cookie']).toBeUndefined()
    },
  )

  it.each(['cross-site', 'same-site', 'anything-new'])(
    'a %s navigation is shown the sign-in page first, and keeps its destination',
    async (site) => {
      const app = await buildApp(emulator())
      const headers = { 'sec-fetch-dest': 'document', 'sec-fetch-site': site }
      const url = '/auth/bitbucket/start?return_to=%2Fwork'
      const answer = await app.inject({ url, headers })
      expect(answer.statusCode).toBe(303)
      expect(answer.headers.location).toBe('/auth/sign-in?return_to=%2Fwork')
      expect(answer.headers['set-cookie']).toBeUndefined()
    },
  )

  it.each(['same-origin', 'none'])('a %s navigation starts', async (site) => {
    const app = await buildApp(emulator())
    const headers = { 'sec-fetch-dest': 'document', 'sec-fetch-site': site }
    const answer = await app.inject({ url: '/auth/bitbucket/start', headers })
    expect(answer.headers.location).toContain(emulator().url)
  })
})

describe('what a request says of where it is', () => {
  it('in development, a page on another port of this machine is named in a warning, with the cure', async () => {
    const lines: string[] = []
    const app = await buildApp(emulator(), {}, { write: (line) => void lines.push(line) })
    const page = { origin: 'http://localhost:5173', referer: 'http://localhost:5173/' }
    await app.inject({ url: '/auth/bitbucket/start', headers: { referer: page.referer } })
    await app.inject({ method: 'POST', url: '/auth/sign-out', headers: { origin: page.origin } })
    await app.inject({
      url: '/auth/bitbucket/start',
      headers: { referer: 'https://evil.example/' },
    })
    await app.inject({
      url: '/auth/bitbucket/start',
      headers: { referer: 'http://localhost:3000/' },
    })
    const warnings = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 40)
    const warning = expect.stringContaining("give Latchkey `origin: 'http://localhost:5173'`")
    expect(warnings.map(({ msg }) => msg)).toEqual([warning, warning])
  })

  it('in development, another name of this machine is led to the origin first', async () => {
    const app = await buildApp(emulator())
    const url = '/auth/bitbucket/start?return_to=%2Fwork'
    const answer = await app.inject({ url, headers: { host: '127.0.0.1:3000' } })
    expect(answer.statusCode).toBe(303)
    expect(answer.headers.location).toBe(`http://localhost:3000${url}`)
    expect(answer.headers['set-cookie']).toBeUndefined()
    const headers = { host: '127.0.0.1:3000', referer: 'http://localhost:3000/' }
    const behindProxy = await app.inject({ url, headers })
    expect(behindProxy.headers.location).toContain(emulator().url)
    const foreign = await app.inject({ url, headers: { host: 'evil.example' } })
    expect(foreign.headers.location).toContain(emulator().url)
  })
})

describe('every answer', () => {
  it('to a provider that there is not is the same, whatever it is called', async () => {
    const app = await buildApp(emulator())
    const names = [
      '__proto__',
      'constructor',
      'toString',
      'BITBUCKET',
      'bitbucket%00',
      'x'.repeat(101),
    ]
    for (const name of [...names, '..%2fbitbucket', 'session', '']) {
      for (const route of ['start', 'callback?code=c&state=s']) {
        const answer = await app.inject(`/auth/${name}/${route}`)
        expect(answer.statusCode).toBe(404)
        expect(answer.json().error.code).toBe('not_found')
      }
    }
  })
})
