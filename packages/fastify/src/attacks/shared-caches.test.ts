import { describe, expect, it } from 'vitest'
import { buildApp, onHttps, setUpEmulator } from '../testing/app.ts'
import { createBrowser } from '../testing/browser.ts'
import { everyAnswer } from '../testing/every-answer.ts'

const emulator = setUpEmulator()

describe('a cache between the browser and the server', () => {
  it('must not store any response, not even to a HEAD, an error or a 404', async () => {
    const answers = await everyAnswer(emulator(), onHttps(emulator()))
    expect(answers.size).toBeGreaterThan(50)
    for (const { headers } of answers.values()) {
      expect(headers['cache-control']).toBe('no-store')
      for (const name of ['etag', 'last-modified', 'expires', 'age', 'accept-ranges']) {
        expect(headers[name]).toBeUndefined()
      }
    }
  })

  it('that revalidates gets the complete response', async () => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    for (const url of ['/auth/session', '/auth/providers', '/auth/sign-in', '/auth/nothing']) {
      const plain = await browser.get(url)
      for (const condition of [
        { 'if-none-match': '*' },
        { 'if-none-match': 'W/"x"' },
        { 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' },
        { 'if-match': '"x"' },
        { range: 'bytes=0-10' },
        { 'cache-control': 'only-if-cached' },
      ]) {
        const answer = await browser.get(url, condition as Record<string, string>)
        expect(answer.statusCode).toBe(plain.statusCode)
        expect(answer.body).toBe(plain.body)
        expect(answer.headers['cache-control']).toBe('no-store')
      }
    }
  })

  // Some caches decide by what a path looks like: https://portswigger.net/web-security/web-cache-deception
  it.each([
    '/auth/session/x.css',
    '/auth/session.css',
    '/auth/session;x.css',
    '/auth/session%2Fx.css',
    '/auth/session%3Fx.css',
    '/auth/session%23x.css',
    '/auth/session%00.css',
    '/auth/session%0Ax.css',
    '/auth/sign-in/logo.png',
    '/auth/sign-in;logo.png',
    '/auth/../auth/session.js',
    '/auth/static/..%2fsession',
  ])('that mistakes %s for a file does not store personal data', async (url) => {
    const app = await buildApp(emulator())
    const browser = createBrowser(app)
    await browser.signIn('ada')
    const answer = await browser.get(url)
    expect(answer.statusCode).toBe(404)
    expect(answer.body).not.toContain('Ada Test')
    expect(answer.headers['cache-control']).toBe('no-store')
  })
})
