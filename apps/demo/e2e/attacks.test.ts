import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContext, Request } from 'playwright-core'
import { afterEach, describe, expect, it } from 'vitest'
import { setUpDemo } from './demo.ts'

const demo = setUpDemo()

const flows = async (context: BrowserContext): Promise<string[]> =>
  (await context.cookies()).map(({ name }) => name).filter((name) => name.includes('-flow-'))

describe('a link to the sign-in page that somebody has prepared', () => {
  it.each([
    '/\t/evil.example',
    '/\n/evil.example',
    '/\\evil.example',
    '//evil.example',
    'javascript:document.title="evil"',
  ])('leads to the front page, not to %j', async (target) => {
    const { page } = await demo.visit()
    await page.goto(`${demo.origin}/auth/sign-in?return_to=${encodeURIComponent(target)}`)
    await page.getByRole('link', { name: 'Continue with Bitbucket' }).click()
    await page.getByRole('button', { name: 'Ada Test' }).click()
    await page.waitForURL(`${demo.origin}/`)
    await page.getByRole('heading', { name: 'Welcome, Ada Test.' }).waitFor()
  })
})

describe('a page of somebody else', () => {
  const open: Server[] = []
  afterEach(() => {
    for (const server of open.splice(0)) server.close()
  })

  /** Serves a page that has something to do with our start route. */
  async function serve(host: string, markup: (start: string) => string): Promise<string> {
    const body = markup(`${demo.origin}/auth/bitbucket/start`)
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end(`<!doctype html><link rel="icon" href="data:,">${body}`)
    }).listen(0, host)
    open.push(server)
    await once(server, 'listening')
    return `http://${host}:${(server.address() as AddressInfo).port}/`
  }

  it.each([
    ['a picture', (start: string) => `<img src="${start}">`],
    ['a frame', (start: string) => `<iframe src="${start}"></iframe>`],
    ['a script', (start: string) => `<script src="${start}"></script>`],
    ['a prefetch', (start: string) => `<link rel="prefetch" href="${start}">`],
    [
      'a request',
      (start: string) =>
        `<script>fetch('${start}', { mode: 'no-cors', credentials: 'include' }).catch(() => {})</script>`,
    ],
  ])('starts nothing by %s', async (_what, markup) => {
    const { page, context } = await demo.visit({}, 'Failed to load resource', 'Framing')
    const answered = new Promise<void>((resolve) => {
      const look = (request: Request): void => {
        if (request.url().endsWith('/auth/bitbucket/start')) resolve()
      }
      context.on('requestfinished', look)
      context.on('requestfailed', look)
    })
    // Another port of the same host is the same site to browsers: our cookies go along.
    await page.goto(await serve('localhost', markup))
    await answered
    expect(await flows(context)).toEqual([])
    expect(demo.emulator.requests).toEqual([])
  })

  it.each([
    ['a link of another site', '127.0.0.1', (start: string) => `<a href="${start}">Prize</a>`],
    ['a link of another port', 'localhost', (start: string) => `<a href="${start}">Prize</a>`],
    [
      'a form of another site',
      '127.0.0.1',
      (start: string) => `<form action="${start}"><button>Prize</button></form>`,
    ],
  ])('leads by %s to our page, which asks first', async (_what, host, markup) => {
    const { page, context } = await demo.visit()
    await page.goto(await serve(host, markup))
    await page.getByText('Prize').click()
    await page.waitForURL(`${demo.origin}/auth/sign-in`)
    expect(await flows(context)).toEqual([])
    await page.getByRole('link', { name: 'Continue with Bitbucket' }).click()
    await page.getByRole('button', { name: 'Ada Test' }).waitFor()
    expect(await flows(context)).toHaveLength(1)
  })
})
