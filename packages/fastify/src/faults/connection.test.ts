import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { LatchkeyOptions } from '../options.ts'
import { bitbucket } from '../providers/bitbucket.ts'
import type { Provider, Step } from '../providers/provider.ts'
import { buildApp } from '../testing/app.ts'
import {
  agree,
  answers,
  bitbucketAt,
  comeBack,
  type Route,
  routes,
  serve,
} from '../testing/unruly.ts'

const UNAVAILABLE = '/auth/sign-in?auth_error=provider_unavailable'
const BAD_ANSWER = '/auth/sign-in?auth_error=provider_bad_answer'
const NOBODY = { url: 'http://127.0.0.1:9' }

/** Signs in with one of the provider's routes at a different URL, and returns the outcome. The other routes work. */
async function comeBackWith(
  route: Route,
  url: string,
  options: LatchkeyOptions = {},
): Promise<{ location: unknown; log: string }> {
  const lines: string[] = []
  const app = await buildApp(
    NOBODY,
    { providers: [bitbucketAt(await serve(agree), { [route]: url })], ...options },
    { write: (line) => void lines.push(line) },
  )
  const { statusCode, headers } = await comeBack(app)
  expect(statusCode).toBe(303)
  const cookies = String(headers['set-cookie'])
  expect(/latchkey-3000=/.test(cookies)).toBe(headers.location === '/')
  return { location: headers.location, log: lines.join('') }
}

/** Signs in while one of the provider's routes sends this response, and returns the outcome. */
async function comeBackTo(
  route: Route,
  answer: RequestListener,
  options?: LatchkeyOptions,
): Promise<{ location: unknown; log: string }> {
  return comeBackWith(route, await serve(answer), options)
}

function answerOf(route: Route): string {
  return JSON.stringify(answers[route])
}

describe.each(routes)('%s', (route) => {
  // People can sign in without an e-mail address, so an unreadable list of addresses does not make the sign-in fail.
  const needed = route !== '/2.0/user/emails'
  const whenUnavailable = needed ? UNAVAILABLE : '/'
  const whenBadAnswer = needed ? BAD_ANSWER : '/'

  it('at an address where nothing listens counts as unavailable, and the log says why', async () => {
    const { location, log } = await comeBackWith(route, NOBODY.url)
    expect(location).toBe(whenUnavailable)
    expect(log).toContain('could not be reached: ECONNREFUSED')
  })

  it('whose host name is unknown counts as unavailable, and the log says why', async () => {
    const { location, log } = await comeBackWith(route, 'http://nobody.invalid')
    expect(location).toBe(whenUnavailable)
    expect(log).toMatch(/could not be reached: (ENOTFOUND|EAI_AGAIN)/)
  })

  it('that accepts no connection times out at the deadline', { timeout: 30_000 }, async () => {
    const deaf = await listenAndFreeze()
    onTestFinished(deaf.end)
    const { location } = await comeBackWith(route, deaf.url, { providerTimeout: 300 })
    expect(location).toBe(whenUnavailable)
  })

  it('that never responds times out at the deadline, and its connection is closed', async () => {
    const ended = Promise.withResolvers<void>()
    const { location } = await comeBackTo(
      route,
      (_request, response) => void response.on('close', ended.resolve),
      { providerTimeout: 300 },
    )
    expect(location).toBe(whenUnavailable)
    await ended.promise
  })

  it('that sends its response too slowly times out at the deadline, and its connection is closed', async () => {
    const ended = Promise.withResolvers<void>()
    const { location } = await comeBackTo(
      route,
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        const timer = setInterval(() => response.write(' '), 20)
        response.on('close', () => {
          clearInterval(timer)
          ended.resolve()
        })
      },
      { providerTimeout: 300 },
    )
    expect(location).toBe(whenUnavailable)
    await ended.promise
  })

  it('that resets the connection before it responds counts as unavailable', async () => {
    const { location, log } = await comeBackTo(route, (request) => {
      request.socket.resetAndDestroy()
    })
    expect(location).toBe(whenUnavailable)
    expect(log).toContain('could not be reached: ECONNRESET')
  })

  it('that resets the connection in the middle of its response counts as a bad response', async () => {
    const { location } = await comeBackTo(route, (request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write(answerOf(route).slice(0, -1), () => request.socket.resetAndDestroy())
    })
    expect(location).toBe(whenBadAnswer)
  })

  it('that sends less than its Content-Length counts as a bad response', async () => {
    const { location } = await comeBackTo(route, (request, response) => {
      const text = answerOf(route)
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': text.length + 1,
      })
      response.write(text, () => request.socket.end())
    })
    expect(location).toBe(whenBadAnswer)
  })

  it('that sends more than its Content-Length is not treated as two responses', async () => {
    const connections = new Set<Socket>()
    const head = (body: string): string =>
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
    const url = await serve(({ socket }) => {
      connections.add(socket)
      const [text, planted] = [answerOf(route), '{"error":"planted"}']
      socket.write(head(text) + text + head(planted) + planted)
    })
    const provider = bitbucketAt(await serve(agree), { [route]: url })
    const app = await buildApp(NOBODY, { providers: [provider] })
    for (let attempt = 1; attempt <= 3; attempt++) {
      expect((await comeBack(app)).headers.location).toBe('/')
      expect(connections.size).toBe(attempt)
    }
  })

  it('that closes a keep-alive connection while we write counts as unavailable, and gets a new connection next time', async () => {
    const requests = new Map<Socket, number>()
    const provider = bitbucketAt(await serve(agree), {
      [route]: await serve((request, response) => {
        const count = (requests.get(request.socket) ?? 0) + 1
        requests.set(request.socket, count)
        if (count === 1) agree(request, response)
        else request.socket.destroy()
      }),
    })
    const app = await buildApp(NOBODY, { providers: [provider] })
    const locations: unknown[] = []
    for (let attempt = 1; attempt <= 3; attempt++) {
      locations.push((await comeBack(app)).headers.location)
    }
    expect(locations).toEqual(['/', whenUnavailable, '/'])
    // Nothing was sent a second time automatically, because the code works only once.
    expect([...requests.values()]).toEqual([2, 1])
  })

  it('with an encoding other than UTF-8 counts as a bad response', async () => {
    const { location } = await comeBackTo(route, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-16le' })
      response.end(Buffer.from(answerOf(route), 'utf16le'))
    })
    expect(location).toBe(whenBadAnswer)
  })

  it('that sends 200 MB is cut off', async () => {
    const total = 200 * 1024 * 1024
    let taken = 0
    function* flood(): Generator<Buffer> {
      const chunk = Buffer.alloc(64 * 1024, ' ')
      for (; taken < total; taken += chunk.length) yield chunk
    }
    const { location } = await comeBackTo(route, async (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      await pipeline(Readable.from(flood()), response).catch(() => undefined)
    })
    expect(location).toBe(whenBadAnswer)
    // The buffers at both ends of a connection may contain a few megabytes, and we cannot limit those.
    expect(taken).toBeLessThan(total / 10)
  })

  it('that sends 50 MB in a small compressed response is not decompressed', async () => {
    const bomb = gzipSync(
      Buffer.concat([Buffer.alloc(50 * 1024 * 1024, ' '), Buffer.from(answerOf(route))]),
    )
    expect(bomb.length).toBeLessThan(256 * 1024)
    const { location } = await comeBackTo(route, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      response.end(bomb)
    })
    expect(location).toBe(whenBadAnswer)
  })

  it.each([
    ['100,000 names', `{${Array.from({ length: 100_000 }, (_, n) => `"${n}":0`).join()},"":0}`],
    ['an array nested 100,000 deep', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['an object nested 40,000 deep', `${'{"a":'.repeat(40_000)}0${'}'.repeat(40_000)}`],
  ])('that sends %s is rejected', async (_what, text) => {
    const { location } = await comeBackTo(route, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(text)
    })
    expect(location).toBe(whenBadAnswer)
  })

  it('that sends a good response with a field nested 40,000 deep is read', async () => {
    const { location } = await comeBackTo(route, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const deep = `${'['.repeat(40_000)}${']'.repeat(40_000)}`
      response.end(`{"deep":${deep},${answerOf(route).slice(1)}`)
    })
    expect(location).toBe('/')
  })
})

describe('a provider', () => {
  it('that is unavailable delays neither the server’s start nor sign-ins with the other provider', async () => {
    const app = await buildApp(NOBODY, {
      providers: [
        bitbucket({ emulatorUrl: NOBODY.url }),
        bitbucket({ id: 'other', emulatorUrl: await serve(agree) }),
      ],
    })
    expect((await comeBack(app, 'bitbucket')).headers.location).toBe(UNAVAILABLE)
    expect((await comeBack(app, 'other')).headers.location).toBe('/')
  })

  it('is called over keep-alive connections, even for tokens', async () => {
    const sockets = new Map<unknown, Set<Socket>>()
    const url = await serve((request, response) => {
      sockets.set(request.url, (sockets.get(request.url) ?? new Set()).add(request.socket))
      agree(request, response)
    })
    const app = await buildApp(NOBODY, { providers: [bitbucketAt(url)] })
    for (let attempt = 1; attempt <= 10; attempt++) {
      expect((await comeBack(app)).headers.location).toBe('/')
    }
    expect([...sockets.keys()].sort()).toEqual([...routes].sort())
    for (const used of sockets.values()) expect(used.size).toBeLessThan(5)
  })
})

/** Starts a process that listens, and then blocks with a full backlog. */
async function listenAndFreeze(): Promise<{ url: string; end(): void }> {
  const program = `
    const server = require('node:net').createServer()
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      require('node:fs').writeSync(1, String(server.address().port))
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    })`
  const child = spawn(process.execPath, ['--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = await once(child.stdout, 'data')
  const callers = Array.from({ length: 4 }, () => connect(Number(port), '127.0.0.1'))
  for (const caller of callers) caller.on('error', () => {})
  await Promise.race(callers.map((caller) => once(caller, 'connect')))
  return {
    url: `http://127.0.0.1:${port}`,
    end() {
      for (const caller of callers) caller.destroy()
      child.kill('SIGKILL')
    },
  }
}

describe('a provider with two requests that both fail', () => {
  it('ends the sign-in, and the server continues to run', async () => {
    const unheard: unknown[] = []
    const note = (reason: unknown): void => void unheard.push(reason)
    process.on('unhandledRejection', note)
    onTestFinished(() => void process.off('unhandledRejection', note))
    const url = await serve((request, response) => {
      if (request.url === '/site/oauth2/access_token') agree(request, response)
    })
    const own = bitbucketAt(url)
    const { optional: _optional, ...emails } = own.steps.emails as Step
    const provider: Provider = { ...own, steps: { ...own.steps, emails } }
    const app = await buildApp(NOBODY, { providers: [provider], providerTimeout: 300 })
    expect((await comeBack(app)).headers.location).toBe(UNAVAILABLE)
    // Node reports an unhandled rejection at the end of the turn in which it occurred.
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
    expect(unheard).toEqual([])
  })
})
