import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type BitbucketEmulator, startBitbucketEmulator } from './emulator.ts'
import { rateLimitExceeded } from './server/faults.ts'
import { approve, basic, callback, getApi, ordinary, postToken, signIn } from './testing/client.ts'

let emulator: BitbucketEmulator
let url: string

beforeEach(async () => {
  emulator = await startBitbucketEmulator()
  url = emulator.url
})
afterEach(() => emulator.close())

const grant = { grant_type: 'authorization_code', redirect_uri: callback }

describe('starting', () => {
  it('listens on any free port of 127.0.0.1', () => {
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  })

  it('does not listen on any other address of the machine', async () => {
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ address }) => address !== '127.0.0.1')
    const { port } = new URL(url)
    for (const { address, family, scopeid } of others) {
      const host = scopeid ? `${address}%${scopeid}` : address
      const socket = connect({ host, port: Number(port), family: family === 'IPv6' ? 6 : 4 })
      await expect(once(socket, 'connect')).rejects.toThrow('ECONNREFUSED')
    }
  })

  it('explains how to choose another port if one is in use', async () => {
    const port = Number(new URL(url).port)
    await expect(startBitbucketEmulator({ port })).rejects.toThrow(
      `Port ${port} is already in use. Choose another with the option \`port\` or the flag --port`,
    )
  })

  it.each([
    [{ port: 70_000 }, 'port must be a whole number from 0 to 65535'],
    [{ port: '4020' }, 'port must be a whole number from 0 to 65535'],
    [{ pkce: 'required' }, 'pkce must be ignore or enforce'],
    [{ clientAuth: 'body' }, 'clientAuth must be basic+body or basic'],
    [{ profile: '2025' }, 'profile must be 2026 or legacy'],
    [{ scopeParameter: 'widen' }, 'scopeParameter must be ignore or narrow'],
    [{ refreshLockoutMs: '5' }, 'refreshLockoutMs must be a number of milliseconds, 0 or more'],
    [{ refreshLockoutMs: -1 }, 'refreshLockoutMs must be a number of milliseconds, 0 or more'],
    [{ clock: 0 }, 'clock must be a function'],
    [{ people: [] }, 'There is no option `people`. The options are port, seed, '],
    [{ seed: { people: [] } }, 'people is empty'],
  ])('rejects %j', async (options, problem) => {
    await expect(startBitbucketEmulator(options as never)).rejects.toThrow(problem)
  })

  it('reads the time from the `clock` option', async () => {
    let time = 1_000_000
    const clocked = await startBitbucketEmulator({ clock: () => time })
    const token = await signIn(clocked.url, 'ada')
    expect(clocked.requests[0]?.at).toBe(1_000_000)
    time += 7200 * 1000
    expect((await getApi(clocked.url, '/2.0/user', token)).status).toBe(401)
    await clocked.close()
  })
})

describe('the request log', () => {
  it('contains every request, in order', async () => {
    const before = Date.now()
    const token = await signIn(url, 'ada')
    await getApi(url, '/2.0/user/emails?pagelen=5', token)
    await fetch(`${url}/nowhere`, { method: 'PUT', body: 'plain text' })
    expect(emulator.requests.map(({ method, path, status }) => [method, path, status])).toEqual([
      ['POST', '/site/oauth2/authorize', 303],
      ['POST', '/site/oauth2/access_token', 200],
      ['GET', '/2.0/user/emails', 200],
      ['PUT', '/nowhere', 404],
    ])
    const [consent, exchange, emails, stray] = emulator.requests
    expect(consent?.body).toEqual({ ...ordinary, user: 'ada' })
    expect(exchange?.body).toMatchObject({ ...grant, code: expect.any(String) })
    expect(exchange?.headers.authorization).toBe(basic)
    expect(emails?.query).toEqual({ pagelen: '5' })
    expect(emails?.body).toBe('')
    expect(stray?.body).toBe('plain text')
    expect(stray?.at).toBeGreaterThanOrEqual(before)
  })

  it('keeps the newest 10,000 requests', async () => {
    emulator.answerNext('GET /2.0/user', { status: 204, times: 10_000 })
    for (let batch = 0; batch < 100; batch++) {
      await Promise.all(Array.from({ length: 100 }, () => fetch(`${url}/2.0/user`)))
    }
    await fetch(`${url}/2.0/user?last`)
    expect(emulator.requests).toHaveLength(10_000)
    expect(emulator.requests.at(-1)?.query).toEqual({ last: '' })
  })
})

describe('reset', () => {
  it('clears requests, codes, tokens and planned answers, and undoes advance', async () => {
    const stopped = await startBitbucketEmulator({ clock: () => 1000 })
    const token = await signIn(stopped.url, 'ada')
    const code = await approve(stopped.url, 'ada')
    stopped.answerNext('GET /2.0/user', { status: 500, times: 5 })
    stopped.advance(5000)
    stopped.reset()
    expect(stopped.requests).toEqual([])
    expect((await getApi(stopped.url, '/2.0/user', token)).status).toBe(401)
    expect((await postToken(stopped.url, { ...grant, code })).status).toBe(400)
    expect(stopped.requests.map(({ at }) => at)).toEqual([1000, 1000])
    await stopped.close()
  })
})

describe('the clock', () => {
  it('only moves forward', () => {
    for (const ms of [-1, Number.NaN])
      expect(() => emulator.advance(ms)).toThrow('advance requires')
  })
})

describe('a planned answer', () => {
  it('replaces the usual one once', async () => {
    emulator.answerNext('GET /2.0/user', {
      status: 429,
      headers: { 'retry-after': '7' },
      body: { type: 'error' },
    })
    const token = await signIn(url, 'ada')
    const planned = await getApi(url, '/2.0/user', token)
    expect(planned.status).toBe(429)
    expect(planned.headers.get('retry-after')).toBe('7')
    expect(planned.headers.get('content-type')).toMatch(/^application\/json/)
    expect(await planned.json()).toEqual({ type: 'error' })
    expect((await getApi(url, '/2.0/user', token)).status).toBe(200)
  })

  it('only affects its route', async () => {
    emulator.answerNext('GET /2.0/user/emails', { status: 500 })
    const token = await signIn(url, 'ada')
    expect((await getApi(url, '/2.0/user', token)).status).toBe(200)
    expect((await getApi(url, '/2.0/user/emails/ada@example.com', token)).status).toBe(200)
    expect((await getApi(url, '/2.0/user/emails', token)).status).toBe(500)
  })

  it('is sent as many times as planned, before the next one in the queue', async () => {
    emulator.answerNext('GET /2.0/user', { status: 500, times: 2 })
    emulator.answerNext('GET /2.0/user', { status: 503 })
    const statuses = []
    for (let count = 0; count < 4; count++) statuses.push((await fetch(`${url}/2.0/user`)).status)
    expect(statuses).toEqual([500, 500, 503, 401])
  })

  it('does not use up a code', async () => {
    const code = await approve(url, 'ada')
    emulator.answerNext('POST /site/oauth2/access_token', { status: 503 })
    const failed = await postToken(url, { ...grant, code })
    expect(failed.status).toBe(503)
    expect(await failed.text()).toBe('')
    expect((await postToken(url, { ...grant, code })).status).toBe(200)
  })

  it('can be any text with any content type', async () => {
    emulator.answerNext('GET /2.0/user', {
      headers: { 'Content-Type': 'text/html' },
      body: '<p>{"not": "JSON"',
    })
    const response = await fetch(`${url}/2.0/user`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/html')
    expect(await response.text()).toBe('<p>{"not": "JSON"')
  })

  it('delays the usual answer if it has only a delay', async () => {
    const token = await signIn(url, 'ada')
    emulator.answerNext('GET /2.0/user', { delayMs: 1 })
    expect((await getApi(url, '/2.0/user', token)).status).toBe(200)
  })

  it('does not delay other requests, and is cut short by a reset', async () => {
    emulator.answerNext('GET /2.0/user', { delayMs: 600_000 })
    const late = fetch(`${url}/2.0/user`)
    await vi.waitFor(() => expect(emulator.requests).toHaveLength(1))
    expect((await fetch(`${url}/2.0/user`)).status).toBe(401)
    expect(emulator.requests.map(({ status }) => status)).toEqual([null, 401])
    emulator.reset()
    await expect(late).rejects.toThrow()
  })

  it('does not use up a code if the client has disconnected', async () => {
    const code = await approve(url, 'ada')
    emulator.answerNext('POST /site/oauth2/access_token', { delayMs: 300 })
    const gone = new AbortController()
    const asked = fetch(`${url}/site/oauth2/access_token`, {
      method: 'POST',
      headers: { authorization: basic },
      body: new URLSearchParams({ ...grant, code }),
      signal: gone.signal,
    })
    const isThere = ({ path }: { path: string }) => path === '/site/oauth2/access_token'
    await vi.waitFor(() => expect(emulator.requests.some(isThere)).toBe(true))
    gone.abort()
    await expect(asked).rejects.toThrow()
    emulator.answerNext('POST /site/oauth2/access_token', { delayMs: 600 })
    expect((await postToken(url, { ...grant, code })).status).toBe(200)
  })

  it.each([
    [
      'GET /2.0/users',
      { status: 500 },
      'There is no route "GET /2.0/users". The routes are GET /site/',
    ],
    ['GET /2.0/user', { status: 42 }, 'status must be an HTTP status from 200 to 599'],
    ['GET /2.0/user', { fault: 'explode' }, 'fault must be one of hang, truncate, huge, redirect'],
    ['GET /2.0/user', { delayMs: -1 }, 'delayMs must be'],
    ['GET /2.0/user', { delayMs: Number.POSITIVE_INFINITY }, 'delayMs must be'],
    ['GET /2.0/user', { body: [1n] }, 'BigInt'],
    ['GET /2.0/user', { times: 0 }, 'times must be a whole number, 1 or more'],
    ['GET /2.0/user', { times: 1.5 }, 'times must be a whole number, 1 or more'],
    [
      'GET /2.0/user',
      { body: () => 1 },
      'body must be a string or a value that JSON can represent',
    ],
    [
      'GET /2.0/user',
      { status: 200, fault: 'redirect' },
      'With the fault redirect, status must be from 300 to 399',
    ],
    ['GET /2.0/user', null, 'A planned answer must be an object'],
    [
      'GET /2.0/user',
      { code: 500 },
      'A planned answer has no field "code". The fields are status, ',
    ],
    ['GET /2.0/user', { headers: { 'x-a': 'b\r\nx-c: d' } }, 'Invalid character in header'],
  ])('is rejected immediately if it is invalid: %s %o', (route, answer, problem) => {
    expect(() => emulator.answerNext(route as never, answer as never)).toThrow(problem)
  })
})

describe('the rate limit', () => {
  it("returns 429 with Bitbucket's text, or with an empty body", async () => {
    emulator.answerNext('GET /2.0/user', rateLimitExceeded)
    emulator.answerNext('GET /2.0/user', { status: 429 })
    const inWords = await getApi(url, '/2.0/user', 'any')
    expect(inWords.status).toBe(429)
    expect(await inWords.json()).toEqual({
      type: 'error',
      error: { message: 'Rate limit for this resource has been exceeded' },
    })
    const bare = await getApi(url, '/2.0/user', 'any')
    expect(bare.status).toBe(429)
    expect(await bare.text()).toBe('')
  })
})

describe('a fault', () => {
  it('hang: keeps the client waiting until the emulator closes', async () => {
    emulator.answerNext('POST /site/oauth2/access_token', { fault: 'hang' })
    const waiting = postToken(url, grant)
    await vi.waitFor(() => expect(emulator.requests).toHaveLength(1))
    expect(emulator.requests[0]?.status).toBeNull()
    await Promise.all([expect(waiting).rejects.toThrow(), emulator.close()])
  })

  it('truncate: cuts the connection in the middle of the usual answer', async () => {
    emulator.answerNext('GET /2.0/user', { fault: 'truncate' })
    const response = await getApi(url, '/2.0/user', await signIn(url, 'ada'))
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
  })

  it('truncate: cuts a planned answer too, even an empty one', async () => {
    emulator.answerNext('GET /2.0/user', { fault: 'truncate', body: 'x'.repeat(100) })
    const response = await fetch(`${url}/2.0/user`)
    expect(response.headers.get('content-length')).toBe('100')
    await expect(response.text()).rejects.toThrow()
    emulator.answerNext('GET /2.0/user', { fault: 'truncate', status: 502 })
    const empty = await fetch(`${url}/2.0/user`)
    expect(empty.status).toBe(502)
    await expect(empty.text()).rejects.toThrow()
  })

  it('huge: sends 64 MiB of valid JSON to a client without a limit', async () => {
    emulator.answerNext('GET /2.0/user', { fault: 'huge' })
    const response = await getApi(url, '/2.0/user', await signIn(url, 'ada'))
    expect(response.headers.has('content-length')).toBe(false)
    const text = await response.text()
    expect(text.length).toBeGreaterThan(64 * 1024 * 1024)
    expect(JSON.parse(text)).toMatchObject({ nickname: 'ada' })
  })

  it('huge: survives a client that disconnects', async () => {
    emulator.answerNext('GET /2.0/user', { fault: 'huge' })
    const response = await fetch(`${url}/2.0/user`)
    await response.body?.cancel()
    expect((await fetch(`${url}/2.0/user`)).status).toBe(401)
  })

  it('redirect: makes a client that follows it send its secret again', async () => {
    const code = await approve(url, 'ada')
    const form = new URLSearchParams({ ...grant, code })
    const headers = { authorization: basic }
    emulator.answerNext('POST /site/oauth2/access_token', { fault: 'redirect', times: 2 })
    const careful = await postToken(url, { ...grant, code })
    expect(careful.status).toBe(307)
    expect(careful.headers.get('location')).toBe(`${url}/site/oauth2/access_token`)
    const gullible = await fetch(`${url}/site/oauth2/access_token`, {
      method: 'POST',
      headers,
      body: form,
    })
    expect(gullible.status).toBe(200)
    expect(emulator.requests.map(({ status }) => status)).toEqual([303, 307, 307, 200])
  })

  it('redirect: can have another status and destination', async () => {
    emulator.answerNext('GET /2.0/user', {
      fault: 'redirect',
      status: 302,
      headers: { location: 'http://127.0.0.1:9/' },
    })
    const response = await fetch(`${url}/2.0/user`, { redirect: 'manual' })
    expect(response.status).toBe(302)
    expect(response.headers.get('location')).toBe('http://127.0.0.1:9/')
  })
})

describe('closing', () => {
  it('closes idle connections, and can be called again', async () => {
    await fetch(`${url}/2.0/user`)
    await Promise.all([emulator.close(), emulator.close()])
    await expect(fetch(`${url}/2.0/user`)).rejects.toThrow()
  })
})

describe('unusual requests', () => {
  function statusFor(host: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      request(`${url}/2.0/user`, { headers: { host } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
  }

  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:4020', 'x@localhost'])(
    'rejects the host %s, so that DNS rebinding fails',
    async (host) => {
      expect(await statusFor(host)).toBe(421)
    },
  )

  it.each(['localhost', 'LOCALHOST:1', '127.0.0.1', '[::1]:4020'])(
    'accepts the host %s',
    async (host) => {
      expect(await statusFor(host)).toBe(401)
    },
  )

  it.each([
    ['DELETE', '/2.0/user', 'GET, HEAD'],
    ['OPTIONS', '/2.0/user/emails', 'GET, HEAD'],
    ['PUT', '/site/oauth2/authorize', 'GET, HEAD, POST'],
    ['GET', '/site/oauth2/access_token', 'POST'],
  ])('rejects %s %s with 405', async (method, path, allow) => {
    const response = await fetch(`${url}${path}`, { method })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe(allow)
  })

  it('responds to HEAD with the headers of GET and no body', async () => {
    const token = await signIn(url, 'ada')
    const response = await fetch(`${url}/2.0/user`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${token}` },
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect(await response.text()).toBe('')
  })

  it('has no control endpoints', async () => {
    emulator.answerNext('GET /2.0/user', { status: 500 })
    const names = ['reset', 'advance', 'close', 'requests', 'answer-next', 'faults', 'people', '_']
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      for (const name of names) {
        const response = await fetch(`${url}/${name}`, { method })
        expect([method, name, response.status]).toEqual([method, name, 404])
      }
    }
    const headers = { 'x-http-method-override': 'DELETE', 'x-reset': '1' }
    await fetch(`${url}/site/oauth2/authorize?reset=1`, { method: 'POST', headers })
    expect((await getApi(url, '/2.0/user', 'any')).status).toBe(500)
  })

  it("returns 404 and Bitbucket's text for an unknown API path", async () => {
    const response = await fetch(`${url}/2.0/nothing`)
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({
      type: 'error',
      error: {
        message: 'Resource not found',
        detail: expect.stringMatching(/^There is no API hosted at this URL\.\n\nFor information /),
      },
    })
  })

  it('lists its routes on the page for an unknown path', async () => {
    const response = await fetch(`${url}/`)
    expect(response.status).toBe(404)
    expect(await response.text()).toContain('GET /site/oauth2/authorize')
  })

  it('rejects a body of more than 64 kB', async () => {
    const fits = await postToken(url, { padding: 'x'.repeat(60_000) })
    expect(fits.status).toBe(400)
    const response = await postToken(url, { padding: 'x'.repeat(1_000_000) })
    expect(response.status).toBe(413)
  })
})
