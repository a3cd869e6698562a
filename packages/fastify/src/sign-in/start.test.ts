import { describe, expect, it } from 'vitest'
import { buildApp, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'

const emulator = setUpEmulator()

describe('in development, a request for another host or port', () => {
  it('causes a warning with the fix if it comes from a page on another loopback port', async () => {
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
    const warning = expect.stringContaining("set `origin: 'http://localhost:5173'`")
    expect(warnings.map(({ msg }) => msg)).toEqual([warning, warning])
  })

  it('redirects the start route from another loopback name to origin', async () => {
    const app = await buildApp(emulator())
    const url = '/auth/bitbucket/start?return_to=%2Fwork'
    const answer = await app.inject({ url, headers: { host: '127.0.0.1:3000' } })
    expect(answer.statusCode).toBe(303)
    expect(answer.headers.location).toBe(`http://localhost:3000${url}&at_origin=1`)
    expect(answer.headers['set-cookie']).toBeUndefined()
    const headers = { host: '127.0.0.1:3000', referer: 'http://localhost:3000/' }
    const behindProxy = await app.inject({ url, headers })
    expect(behindProxy.headers.location).toContain(emulator().url)
    const foreign = await app.inject({ url, headers: { host: 'evil.example' } })
    expect(foreign.headers.location).toContain(emulator().url)
  })

  it('redirects the sign-in page from another loopback name to origin', async () => {
    const app = await buildApp(emulator())
    const url = '/auth/sign-in?return_to=%2Fwork&auth_error=access_denied'
    const answer = await app.inject({ url, headers: { host: '127.0.0.1:3000' } })
    expect(answer.statusCode).toBe(303)
    expect(answer.headers.location).toBe(`http://localhost:3000${url}&at_origin=1`)
    const again = await app.inject({
      url: `${url}&at_origin=1`,
      headers: { host: '127.0.0.1:3000' },
    })
    expect(again.statusCode).toBe(200)
  })

  it('keeps the popup’s id in the redirect to origin', async () => {
    const app = await buildApp(emulator())
    const url = `/auth/bitbucket/start?popup=${'p'.repeat(22)}`
    const answer = await app.inject({ url, headers: { host: '127.0.0.1:3000' } })
    expect(answer.headers.location).toBe(`http://localhost:3000${url}&at_origin=1`)
  })

  it('continues after one redirect behind a proxy that changes Host, and warns once', async () => {
    const lines: string[] = []
    const app = await buildApp(emulator(), {}, { write: (line) => void lines.push(line) })
    const browser = createBrowser(app)
    const throughProxy = { host: '127.0.0.1:3000' }
    const first = await browser.get('/auth/bitbucket/start?return_to=%2Fwork', throughProxy)
    const again = String(first.headers.location).replace('http://localhost:3000', '')
    const second = await browser.get(again, throughProxy)
    const callback = await browser.consent(String(second.headers.location), { user: 'ada' })
    expect((await browser.get(callback, throughProxy)).headers.location).toBe('/work')
    const warnings = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 40)
    const warning = expect.stringContaining('`proxy_set_header Host $http_host;` in nginx')
    expect(warnings.map(({ msg }) => msg)).toEqual([warning])
  })
})
