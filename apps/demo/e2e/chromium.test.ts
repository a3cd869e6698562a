import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { launchChromium } from './chromium.ts'
import { unpackChromium } from './unpack-chromium.ts'

const pinnedRunsHere = process.platform === 'linux' && process.arch === 'x64'
const inter = import.meta.resolve('@fontsource-variable/inter/files/inter-latin-wght-normal.woff2')

const page = `<!doctype html>
<link rel="icon" href="data:,">
<style>
  @font-face { font-family: Inter; src: url(/inter.woff2); font-weight: 100 900 }
  span { font-size: 100px; white-space: nowrap }
</style>
<span id="fallback">Sign in with Bitbucket</span><br>
<span id="inter" style="font-family: Inter">Sign in with Bitbucket</span><br>
<span id="bold" style="font-family: Inter; font-weight: 700">Sign in with Bitbucket</span><br>
<span id="narrow" style="font-family: Inter">iiii</span><br>
<span id="wide" style="font-family: Inter">WWWW</span>`

interface Site {
  server: Server
  port: number
  requests: { path: string; headers: IncomingHttpHeaders }[]
}

async function startSite(): Promise<Site> {
  const requests: Site['requests'] = []
  const server = createServer(async (request, response) => {
    const path = request.url ?? ''
    requests.push({ path, headers: request.headers })
    if (path === '/inter.woff2') {
      response.setHeader('content-type', 'font/woff2').end(await readFile(fileURLToPath(inter)))
    } else {
      response.setHeader('content-type', 'text/html; charset=utf-8').end(page)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port, requests }
}

function stopSite({ server }: Site): void {
  server.closeAllConnections()
  server.close()
}

describe('the browser that runs the end-to-end tests', () => {
  let browser: Browser
  let own: Site
  let foreign: Site
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser.close())
  beforeEach(async () => {
    own = await startSite()
    foreign = await startSite()
  })
  afterEach(() => {
    stopSite(own)
    stopSite(foreign)
  })

  test('blocks reading responses from another origin', async () => {
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${own.port}/`)

    const read = (url: string) =>
      page.evaluate((url) => fetch(url).then((response) => response.text(), String), url)
    expect(await read(`http://127.0.0.1:${own.port}/secret`)).toContain('Sign in')
    expect(await read(`http://127.0.0.1:${foreign.port}/secret`)).toContain('TypeError')
    expect(foreign.requests.map(({ path }) => path)).toEqual(['/secret'])
  })

  test('sends Sec-Fetch-Site to loopback', async () => {
    const page = await browser.newPage()
    await page.goto(`http://localhost:${own.port}/typed`)
    await page.evaluate(() => fetch('/fetched'))
    await page.evaluate((url) => {
      location.href = url
    }, `http://127.0.0.1:${foreign.port}/followed`)
    await page.waitForURL('**/followed')

    const site = (path: string) =>
      [...own.requests, ...foreign.requests].find((request) => request.path === path)?.headers[
        'sec-fetch-site'
      ]
    expect(site('/typed')).toBe('none')
    expect(site('/fetched')).toBe('same-origin')
    expect(site('/followed')).toBe('cross-site')
  })

  test("renders text in the page's font", async () => {
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${own.port}/`)
    await page.evaluate(() => document.fonts.ready)

    expect(await widthOf(page, '#fallback')).toBeGreaterThan(500)
    expect(await widthOf(page, '#inter')).not.toBe(await widthOf(page, '#fallback'))
    expect(await widthOf(page, '#bold')).toBeGreaterThan(await widthOf(page, '#inter'))
    expect(await widthOf(page, '#wide')).toBeGreaterThan(3 * (await widthOf(page, '#narrow')))
  })

  test('runs no scripts if JavaScript is disabled', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    const page = await context.newPage()
    await page.goto('data:text/html,<p>off</p><script>document.body.textContent = "on"</script>')
    expect(await page.locator('p').textContent()).toBe('off')
  })
})

describe('a missing Chromium', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  test('fails with instructions to install one', async () => {
    vi.stubEnv('LATCHKEY_TEST_CHROMIUM', '/nowhere/chromium')
    await expect(launchChromium()).rejects.toThrow(
      /playwright-core install[\s\S]*\/nowhere\/chromium/,
    )
  })
})

describe.runIf(pinnedRunsHere)('the pinned browser', () => {
  let temporary: string
  beforeEach(async () => {
    temporary = await mkdtemp(join(tmpdir(), 'latchkey-test-'))
    vi.stubEnv('TMPDIR', temporary)
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await rm(temporary, { recursive: true })
  })

  test('renders text identically, whatever fonts the machine has', async () => {
    vi.unstubAllEnvs()
    const browser = await launchChromium({ pinned: true })
    const page = await browser.newPage()
    await page.setContent('<span style="font: 600 32px system-ui">Sign in with Bitbucket</span>')
    expect(await widthOf(page, 'span')).toBe(350)
    expect(browser.version()).toMatch(/^153\./)
    await browser.close()
  })

  test('can be unpacked by several processes at the same time', async () => {
    const [first, second] = await Promise.all([unpackChromium(), unpackChromium()])

    expect(first).toEqual(second)
    expect(await readdir(temporary)).toHaveLength(1)
    const browser = await launchChromium({ pinned: true })
    expect(browser.isConnected()).toBe(true)
    await browser.close()
  })

  test("is not run from another user's folder", async () => {
    const { executablePath } = await unpackChromium()
    const folder = join(`${executablePath}`, '..')
    await rm(folder, { recursive: true })
    await mkdir(join(temporary, 'planted'))
    await symlink(join(temporary, 'planted'), folder)

    await expect(unpackChromium()).rejects.toThrow('belongs to another user')
  })
})

function widthOf(page: Page, selector: string): Promise<number> {
  return page.locator(selector).evaluate((element) => element.getBoundingClientRect().width)
}
