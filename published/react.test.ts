import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium } from '../apps/demo/e2e/chromium.ts'
import { type Machine, newest, setUpMachine } from './machine.ts'

describe.each([
  // The oldest Node that Vite 8 runs on.
  { node: '20.19.0', npm: '10', react: '18' },
  { ...newest, react: '19' },
])('a page rendered on Node $node by React $react', ({ node, npm, react }) => {
  let machine: Machine
  let origin: string
  let browser: Browser
  beforeAll(async () => {
    machine = await setUpMachine(node, npm)
    const project = await machine.createProject('rendered')
    await project.install(`npm install react@${react} react-dom@${react} @latchkey/react vite@8`)
    await project.write(APPLICATION)
    for (const command of ['vite build', 'vite build --ssr server.jsx --outDir server']) {
      const built = await project.run(`${command} --mode development`, DEVELOPMENT)
      if (built.code !== 0) throw new Error(`${command} failed:\n${built.said}`)
    }
    const server = 'node server/server.js'
    ;[origin = ''] = await project.start(server, /http:\/\/127\.0\.0\.1:\d+/, DEVELOPMENT)
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await machine?.remove()
  })

  let page: Page
  let complaints: string[]
  let requests: string[]
  afterEach(async () => {
    await page.context().close()
    const ofServer = await fetch(`${origin}/complaints`)
    complaints.push(...((await ofServer.json()) as string[]))
    expect(complaints.filter((line) => !line.includes('Download the React DevTools'))).toEqual([])
  })

  async function openTab(person: string, javaScriptEnabled = true): Promise<void> {
    complaints = []
    requests = []
    const context = await browser.newContext({ timezoneId: 'UTC', javaScriptEnabled })
    await context.addCookies([{ name: 'person', value: person, url: origin }])
    context.on('weberror', (error) => complaints.push(String(error.error())))
    context.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
    context.on('request', (request) =>
      requests.push(`${request.method()} ${request.url().replace(origin, '')}`),
    )
    page = await context.newPage()
  }

  /** Opens a page, but holds back each of the files until the function that is returned for it is called. */
  async function goWithout(files: readonly string[], path: string): Promise<(() => void)[]> {
    const held = files.map((file) => ({ file, ...Promise.withResolvers<void>() }))
    for (const { file, promise } of held) {
      await page.route(origin + file, (route) => promise.then(() => route.continue()))
    }
    await page.goto(origin + path, { waitUntil: 'commit' })
    return held.map(({ resolve }) => resolve)
  }

  async function see(part: Part, text: string): Promise<void> {
    const seen = async () => (await page.locator(part).allInnerTexts()).join().split(/\s+/)
    await expect.poll(seen, PATIENTLY).toEqual(text.split(' '))
  }

  /** Marks the cards and the dialog that the server sent. */
  async function mark(part: Part): Promise<void> {
    await page.evaluate(`${boxes(part)}.forEach((card) => { card.ofServer = true })`)
  }

  async function marks(part: Part): Promise<unknown> {
    return page.evaluate(`${boxes(part)}.map((card) => card.ofServer ?? false)`)
  }

  describe.each([
    ['a signed-in person', 'known', 'ada', ada('Loading…'), ada(DEVICES)],
    ['a signed-out person', 'known', '', nobody('Loading…'), nobody(BUTTON)],
    ['a signed-in person whom the server does not know yet', 'asked', 'ada', UNKNOWN, ada(DEVICES)],
    ['a signed-out person whom the server does not know yet', 'asked', '', UNKNOWN, nobody(BUTTON)],
  ])('for %s', (_, path, person, before, after) => {
    it.each(['string', 'stream'])('is hydrated without changes (sent as a %s)', async (way) => {
      await openTab(person)
      const files = ['/client.js', '/late.js']
      const [release, releaseLate] = await goWithout(files, `/${way}/${path}`)
      await see('#early', before)
      await mark('#early')
      release?.()
      await see('#early', after)
      // The code of this part arrives only after the session is known. In a stream, even its elements arrive late.
      await see('#late', before)
      await mark('#late')
      releaseLate?.()
      await see('#late', after)
      expect(await marks('#early')).toEqual([true, true, true])
      expect(await marks('#late')).toEqual([true, true, true])

      const asked = requests.filter((request) => request === 'GET /auth/session')
      expect(asked).toHaveLength(path === 'asked' ? 1 : 0)
      const there = `GET /auth/sign-in?return_to=%2F${way}%2F${path}`
      const sent = () => requests.findLast((request) => request.includes('sign-in'))
      await expect.poll(sent, PATIENTLY).toBe(person ? undefined : there)
    })
  })

  it('responds to clicks after hydration', async () => {
    await openTab('ada')
    await page.goto(`${origin}/stream/known`)
    await see('#late', ada(DEVICES))
    await page.locator('#late summary').click()
    await page.locator('#late a', { hasText: 'Your account' }).waitFor()
    await page.keyboard.press('Escape')
    await see('#late', ada(DEVICES))
    await page.locator('#early section button').first().click()
    await see('#late', nobody(BUTTON))
    await page.locator('#late a', { hasText: 'In a dialog' }).click()
    await page.getByRole('dialog').getByRole('link', { name: BUTTON }).waitFor()
    expect(requests.filter((request) => request.startsWith('POST'))).toEqual([SIGN_OUT])
  })

  it('reports a hydration error if the server sends something else', async () => {
    await openTab('')
    await page.route(`${origin}/string/known`, async (route) => {
      const response = await route.fetch()
      const body = (await response.text()).replace('It is nobody', 'It is somebody')
      await route.fulfill({ response, body })
    })
    const [release] = await goWithout(['/client.js'], '/string/known')
    await see('#early', nobody('Loading…').replace('nobody', 'somebody'))
    await mark('#early')
    release?.()
    await see('#early', nobody(BUTTON))
    expect(await marks('#early')).toEqual([false, false, false])
    // Only React's development build has this message.
    expect(complaints.join()).toContain('recovered from Error: Hydration failed because the')
    complaints = []
  })

  describe('without JavaScript', () => {
    const ways = ['In a dialog: /auth/sign-in', `Alone: ${START}`]
    const unknown = nobody('Sign in').replace('It is nobody.', 'Who is it?')
    const all = ['Sign in: /auth/sign-in', `${BUTTON}: ${START}`, 'Sign in: /auth/sign-in', ...ways]

    it.each([
      ['a signed-in person', 'known', 'ada', ada(''), ways],
      ['a signed-out person', 'known', '', nobody('Sign in'), all],
      ['a person whom the server does not know yet', 'asked', '', unknown, all],
    ])('shows %s the right content and links', async (_, path, person, text, links) => {
      await openTab(person, false)
      await page.goto(`${origin}/string/${path}`)
      await see('#early', text)
      const shown = `[...document.querySelectorAll('#late a')].filter((link) => link.checkVisibility())`
      const found = `${shown}.map((link) => link.innerText + ': ' + link.getAttribute('href'))`
      expect(await page.evaluate(found)).toEqual(links)
    })
  })
})

type Part = '#early' | '#late'
type Browser = Awaited<ReturnType<typeof launchChromium>>
type Page = Awaited<ReturnType<Browser['newPage']>>

const PATIENTLY = { timeout: 20_000 }
const BUTTON = 'Continue with Bitbucket'
const START = '/auth/bitbucket/start'
const SIGN_OUT = 'POST /auth/sign-out'
const DEVICES = "Where you're signed in Tablet Since Jan 1, 1970, 12:00 AM This device"
const UNKNOWN = 'Who is it? Loading… Loading… In a dialog Alone Leave'

function nobody(offer: string): string {
  return `It is nobody. Named ${BUTTON} Asked ${offer} In a dialog Alone Leave`
}

function ada(account: string): string {
  const person = 'A Ada ada@example.com'
  const card = `You're signed in ${person} Sign out`
  const profile = `Your account ${person} ${account}`.trim()
  return `It is Ada. A Ada ${card} ${card} In a dialog Alone ${profile} Leave`
}

function boxes(part: Part): string {
  return `[...document.querySelectorAll('${part} :is(.latchkey-card, dialog)')]`
}

/** The mode in which React reports every problem. */
const DEVELOPMENT = { NODE_ENV: 'development' }

const APPLICATION = {
  'vite.config.js': `const scripts = { entryFileNames: '[name].js', chunkFileNames: '[name].js' }
const output = { ...scripts, assetFileNames: '[name][extname]' }

export default { build: { minify: false, rolldownOptions: { input: 'client.jsx', output } } }
`,

  'page.jsx': `import { AuthLoading, AuthProvider, RequireAuth, SignedIn, SignedOut } from '@latchkey/react'
import { SignIn, SignInButton, SignOutButton, UserButton, UserProfile } from '@latchkey/react'
import { StrictMode, Suspense } from 'react'

export function Page({ session, Late }) {
  return (
    <StrictMode>
      <AuthProvider initialSession={session}>
        <main>
          <Parts id="early" />
          <Suspense fallback={<p>Not yet</p>}>
            <Late />
          </Suspense>
        </main>
      </AuthProvider>
    </StrictMode>
  )
}

export function Late() {
  return <Parts id="late" Guard={RequireAuth} />
}

function Parts({ id, Guard = SignedIn }) {
  return (
    <div id={id}>
      <AuthLoading>Who is it?</AuthLoading>
      <Guard fallback={null}>{({ name }) => \`It is \${name}.\`}</Guard>
      <SignedOut>It is nobody.</SignedOut>
      <UserButton profileUrl="/account" showName />
      <SignIn title="Named" providers={['bitbucket']} />
      <SignIn title="Asked" />
      <SignIn display="modal" trigger="In a dialog" />
      <SignInButton provider="bitbucket">Alone</SignInButton>
      <UserProfile />
      <SignOutButton>Leave</SignOutButton>
    </div>
  )
}
`,

  'late.jsx': `export { Late as default } from './page.jsx'
`,

  'client.jsx': `import '@latchkey/react/styles.css'
import { lazy } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { Page } from './page.jsx'

const Late = lazy(() => import('./late.jsx'))
hydrateRoot(document.getElementById('root'), <Page session={window.session} Late={Late} />, {
  onRecoverableError: (error) => console.error('recovered from', error),
})
`,

  'server.jsx': `import { EventEmitter, once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { PassThrough } from 'node:stream'
import { format } from 'node:util'
import { lazy } from 'react'
import { renderToPipeableStream, renderToString } from 'react-dom/server'
import { Late, Page } from './page.jsx'

const complaints = []
console.warn = console.error = (...words) => complaints.push(format(...words))

const times = { createdAt: 0, authenticatedAt: 0, lastUsedAt: 0, expiresAt: Date.parse('2100-01-01') }
const session = { id: 'session', provider: 'bitbucket', ...times }
const names = { id: 'ada', name: 'Ada', email: 'ada@example.com' }
const ada = { user: { ...names, emailVerified: true, avatarUrl: null, createdAt: 0 }, session }
const mark = { viewBox: '0 0 8 8', paths: [{ d: 'M0 0h8v8z' }] }
const bitbucket = { id: 'bitbucket', name: 'Bitbucket', mark, signIn: true, signUp: true, link: true }
const browser = new EventEmitter()

const answers = {
  '/complaints': () => complaints.splice(0),
  '/auth/session': (auth) => auth ?? { user: null, session: null },
  '/auth/sessions': () => ({ sessions: [{ ...session, device: 'Tablet', current: true }] }),
  '/auth/providers'() {
    browser.emit('hydrated')
    return { providers: [bitbucket], lastUsed: null, account: ['sessions'] }
  },
}
const head = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Page</title>' +
  '<link rel="icon" href="data:,"><link rel="stylesheet" href="/client.css"></head><body>'

const server = createServer(async ({ url, headers }, response) => {
  const { pathname } = new URL(url, 'http://localhost')
  const auth = headers.cookie === 'person=ada' ? ada : null
  if (pathname in answers) return response.end(JSON.stringify(answers[pathname](auth)))
  // A browser that is redirected to the sign-in page stays on its page.
  if (pathname.startsWith('/auth/')) return response.writeHead(204).end()
  if (pathname.includes('.')) {
    const type = pathname.endsWith('.js') ? 'text/javascript' : 'text/css'
    return response.writeHead(200, { 'content-type': type }).end(await readFile('dist' + pathname))
  }
  const known = pathname.endsWith('/known') ? auth : undefined
  response.write(head + '<script>session = ' + JSON.stringify(known) + '</script><div id="root">')
  if (pathname.startsWith('/string/')) {
    response.write(renderToString(<Page session={known} Late={Late} />))
    return response.end('</div><script type="module" src="/client.js"></script>')
  }
  // The late part is not sent until React has hydrated the rest.
  const Later = lazy(() => once(browser, 'hydrated').then(() => ({ default: Late })))
  const page = <Page session={known} Late={Later} />
  const options = { bootstrapModules: ['/client.js'], onError: console.error }
  for await (const chunk of renderToPipeableStream(page, options).pipe(new PassThrough())) {
    response.write(chunk)
  }
  response.end('</div>')
})
server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port))
`,
}
