import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest'
import { launchChromium } from '../apps/demo/e2e/chromium.ts'
import { buildApp } from '../packages/fastify/src/testing/app.ts'
import { freePort, type Machine, newest, setUpMachine } from './machine.ts'
import type { Project } from './project.ts'

describe('a Next.js application whose pages are server components', () => {
  let machine: Machine
  let built: Awaited<ReturnType<Project['run']>>
  let origin: string
  let browser: Browser
  let fastifyPort: number
  beforeAll(async () => {
    fastifyPort = await freePort()
    const env = { ...QUIET, FASTIFY: `http://localhost:${fastifyPort}` }
    machine = await setUpMachine(newest.node, newest.npm)
    const project = await machine.createProject('next')
    await project.install('npm install next@16 react@19 react-dom@19 @latchkey/react')
    await project.write(APPLICATION)
    built = await project.run('next build', env)
    if (built.code !== 0) throw new Error(`next build failed:\n${built.said}`)
    const server = 'next start --hostname 127.0.0.1 --port 0'
    ;[origin = ''] = await project.start(server, /http:\/\/127\.0\.0\.1:\d+/, env)
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await machine?.remove()
  })

  let complaints: string[]
  let requests: string[]
  beforeEach(() => {
    complaints = []
    requests = []
  })
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()))
    expect(complaints).toEqual([])
  })

  function requestsOf(path: string): string[] {
    return requests.filter((request) => request.endsWith(path))
  }

  async function open(path: string, options: Options = {}): Promise<Page> {
    const { signedIn = false, cookie, ...contextOptions } = options
    const context = await browser.newContext(contextOptions)
    if (signedIn) await context.addCookies([{ name: 'person', value: 'ada', url: origin }])
    if (cookie) await context.addCookies([{ ...cookie, url: origin }])
    context.on('weberror', (error) => complaints.push(String(error.error())))
    context.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
    context.on('request', (request) => {
      const url = new URL(request.url())
      if (url.origin !== origin) complaints.push(`requested ${url.origin}`)
      if (/^(\/real)?\/auth\//.test(url.pathname))
        requests.push(`${request.method()} ${url.pathname}`)
    })
    const page = await context.newPage()
    await page.goto(origin + path)
    return page
  }

  it('is built without a warning', () => {
    expect(built.said).toContain('Compiled successfully')
    const warnings = built.said.match(/^.*(⚠|⨯|warn|error|deprecat).*$/gim) ?? []
    // Next.js prints this on CI, where there is no earlier build.
    expect(warnings.filter((line) => !line.includes('No build cache found'))).toEqual([])
  })

  it.each([
    ['light', 'rgb(255, 255, 255)'],
    ['dark', 'rgb(25, 27, 32)'],
  ] as const)('has the colours for a %s system', async (colorScheme, surface) => {
    const page = await open('/', { colorScheme })
    const found = "getComputedStyle(document.querySelector('.latchkey-card')).backgroundColor"
    expect(await page.evaluate(found)).toBe(surface)
  })

  describe('without JavaScript', () => {
    const javaScriptEnabled = false

    it('has a link for every way to sign in', async () => {
      const page = await open('/', { javaScriptEnabled })
      expect(await links(page)).toEqual([
        'Continue with Bitbucket: /auth/bitbucket/start',
        'Continue with Bitbucket: /auth/bitbucket/start?return_to=%2Fbutton',
        'An address alone: /auth/bitbucket/start?return_to=%2Faddress',
      ])
      expect(await page.getByRole('heading').allTextContents()).toEqual(['Sign in to Example'])
      expect(await page.getByText('Hello').count()).toBe(0)
    })

    it('shows who is signed in, and signs out with a form', async () => {
      const page = await open('/', { javaScriptEnabled, signedIn: true })
      expect(await page.getByText('Hello').textContent()).toBe('Hello, Ada of ada@example.com.')
      expect(await page.getByRole('heading').allTextContents()).toEqual([
        "You're signed in",
        'Your account',
      ])
      expect(await links(page)).toEqual([])
      await page.getByLabel("Ada's account").click()
      expect(await links(page)).toEqual(['Your account: /static'])
      await page.getByRole('button', { name: 'Leave' }).click()
      await page.waitForURL(`${origin}/static`)
      expect(requests).toEqual(['POST /auth/sign-out'])
    })

    it('shows a link instead of a page that requires signing in', async () => {
      const page = await open('/private', { javaScriptEnabled })
      expect(await links(page)).toEqual(['Sign in: /'])
      expect(await page.getByText('Secret').count()).toBe(0)
    })

    it('has its links on a static page', async () => {
      const page = await open('/static', { javaScriptEnabled })
      expect(await links(page)).toEqual(['Continue with Bitbucket: /auth/bitbucket/start'])
    })

    it('has the styles', async () => {
      const page = await open('/', { javaScriptEnabled })
      const radius = 'getComputedStyle(document.querySelector("section")).borderRadius'
      expect(await page.evaluate(radius)).toBe('12px')
    })
  })

  describe('with JavaScript', () => {
    it('reads the URL after hydration, without a request', async () => {
      const page = await open('/?auth_error=access_denied&return_to=%2Finbox')
      await page.getByText('You cancelled the sign-in.').waitFor()
      expect((await links(page))[0]).toMatch(/return_to=%2Finbox$/)
      await page.waitForURL(`${origin}/?return_to=%2Finbox`)
      expect(requests).toEqual([])
    })

    it('keeps the URL without the error when Next.js renders the page again', async () => {
      const page = await open('/?auth_error=access_denied&return_to=%2Finbox')
      await page.waitForURL(`${origin}/?return_to=%2Finbox`)
      const [before] = await page.getByText('Rendering ').allTextContents()
      await page.getByRole('button', { name: 'Refresh' }).click()
      const rendering = async () => (await page.getByText('Rendering ').allTextContents())[0]
      await expect.poll(rendering, { timeout: 20_000 }).not.toBe(before)
      expect(page.url()).toBe(`${origin}/?return_to=%2Finbox`)
      expect(await page.getByText('You cancelled the sign-in.').count()).toBe(1)
    })

    it('shows the account, and only requests the data for it', async () => {
      const page = await open('/', { signedIn: true })
      await page.getByText('Tablet').waitFor()
      expect(await page.getByText('This device').count()).toBe(1)
      expect(requests).toEqual(['GET /auth/providers', 'GET /auth/sessions'])
      await page.getByLabel("Ada's account").click()
      await page.getByRole('link', { name: 'Your account' }).click()
      await page.waitForURL(`${origin}/static`)
    })

    it('sends signed-out people to the sign-in page, which leads back', async () => {
      const page = await open('/private')
      await page.waitForURL(`${origin}/?return_to=%2Fprivate`)
      await expect
        .poll(() => links(page), { timeout: 20_000 })
        .toContain('Continue with Bitbucket: /auth/bitbucket/start?return_to=%2Fprivate')
    })

    it('shows a signed-in person a page that requires signing in, without a request', async () => {
      const page = await open('/private', { signedIn: true })
      await page.getByText('Secret of Ada, taken over.').waitFor()
      expect(page.url()).toBe(`${origin}/private`)
      expect(requests).toEqual([])
    })

    it('signs out without leaving the page', async () => {
      const page = await open('/', { signedIn: true })
      await page.getByText('Tablet').waitFor()
      requests = []
      await page.evaluate('window.stayed = true')
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByText('An address alone').waitFor()
      expect(await page.evaluate('window.stayed')).toBe(true)
      expect(await page.getByText('Hello').count()).toBe(0)
      expect(await page.getByText('Your account').count()).toBe(0)
      expect(requests).toEqual(['POST /auth/sign-out'])
    })

    it('signs no one out while Fastify is stopped, and requests the session again on a click', async () => {
      const fastify = await buildApp({ url: 'http://127.0.0.1:4020' })
      onTestFinished(() => fastify.close())
      await fastify.listen({ port: fastifyPort, host: 'localhost' })
      const { id } = await fastify.latchkey.users.create({ name: 'Grace' })
      const { cookie } = await fastify.latchkey.sessions.create(id)
      const [name = '', value = ''] = cookie.split('=')
      const withoutScript = await open('/recipe', {
        javaScriptEnabled: false,
        cookie: { name, value },
      })
      expect(await withoutScript.getByText('Hello').textContent()).toBe('Hello, Grace.')
      const page = await open('/recipe', { cookie: { name, value } })
      await page.getByText('Hello, Grace.').waitFor()

      fastify.server.closeAllConnections()
      await fastify.close()
      await page.reload()
      await page.getByText("We couldn't check").waitFor()
      expect(await page.getByText('Nobody').count()).toBe(0)
      const [before] = requestsOf('/real/auth/session')
      expect(before).toBeDefined()
      await page.getByRole('button', { name: 'Try again' }).click()
      await expect.poll(() => requestsOf('/real/auth/session').length).toBeGreaterThan(1)
      // The last request may still get a response.
      await page.context().close()
      expect(complaints.filter((complaint) => !complaint.includes('Failed to load'))).toEqual([])
      complaints.length = 0
    })

    it('requests the session on a static page', async () => {
      const page = await open('/static', { signedIn: true })
      await page.getByText('ada@example.com').waitFor()
      expect(requests).toEqual(['GET /auth/session'])
    })
  })
})

type Browser = Awaited<ReturnType<typeof launchChromium>>
type Page = Awaited<ReturnType<Browser['newPage']>>

interface Options {
  readonly signedIn?: boolean
  /** The cookie of a session that the real server has created. */
  readonly cookie?: { readonly name: string; readonly value: string }
  readonly javaScriptEnabled?: boolean
  readonly colorScheme?: 'light' | 'dark'
}

const QUIET = { NEXT_TELEMETRY_DISABLED: '1' }

const APPLICATION = {
  'app/layout.jsx': `import '@latchkey/react/styles.css'

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  )
}
`,

  'app/page.jsx': `import {
  AuthProvider,
  SignedIn,
  SignedOut,
  SignIn,
  SignInButton,
  SignOutButton,
  signInUrl,
  UserButton,
  UserProfile,
} from '@latchkey/react'
import { cookies } from 'next/headers'
import { Greeting } from '../greeting.jsx'
import { Refresh } from '../refresh.jsx'
import { sessionOf } from '../session.js'

let renderings = 0

export default async function Page() {
  return (
    <AuthProvider initialSession={sessionOf(await cookies())}>
      <UserButton profileUrl="/static" />
      <SignIn title="Sign in to Example" providers={['bitbucket']} />
      <SignedOut>
        <SignInButton provider="bitbucket" returnTo="/button" />
        <a href={signInUrl('bitbucket', { returnTo: '/address' })}>An address alone</a>
      </SignedOut>
      <SignedIn>
        <Greeting />
        <SignOutButton returnTo="/static">Leave</SignOutButton>
      </SignedIn>
      <UserProfile />
      <p>Rendering {++renderings}</p>
      <Refresh />
    </AuthProvider>
  )
}
`,

  'app/static/page.jsx': `import { AuthProvider, SignIn } from '@latchkey/react'

export default function Page() {
  return (
    <AuthProvider>
      <SignIn providers={['bitbucket']} />
    </AuthProvider>
  )
}
`,

  'app/private/page.jsx': `import { AuthProvider, RequireAuth } from '@latchkey/react'
import { cookies } from 'next/headers'
import { Name } from '../../greeting.jsx'
import { sessionOf } from '../../session.js'

export default async function Page() {
  return (
    <AuthProvider initialSession={sessionOf(await cookies())}>
      <RequireAuth signInPath="/">
        <Name />
      </RequireAuth>
    </AuthProvider>
  )
}
`,

  'next.config.js': `export default {
  rewrites: () => [{ source: '/real/:path*', destination: process.env.FASTIFY + '/:path*' }],
}
`,

  'app/recipe/page.jsx': `import { AuthProvider, SignedIn, SignedOut } from '@latchkey/react'
import { headers } from 'next/headers'
import { Greeting } from './greeting.jsx'

async function readSession() {
  const cookie = (await headers()).get('cookie') ?? ''
  try {
    const response = await fetch(\`\${process.env.FASTIFY}/auth/session\`, {
      headers: { cookie },
      cache: 'no-store',
      signal: AbortSignal.timeout(2_000),
    })
    return response.ok ? await response.json() : undefined
  } catch {
    return undefined
  }
}

export default async function Page() {
  return (
    <AuthProvider basePath="/real/auth" initialSession={await readSession()}>
      <SignedIn>
        <Greeting />
      </SignedIn>
      <SignedOut>Nobody is signed in.</SignedOut>
    </AuthProvider>
  )
}
`,

  'app/recipe/greeting.jsx': `'use client'

import { useUser } from '@latchkey/react'

export function Greeting() {
  return <p>Hello, {useUser().name}.</p>
}
`,

  'refresh.jsx': `'use client'

import { useRouter } from 'next/navigation'

export function Refresh() {
  const { refresh } = useRouter()
  return <button onClick={refresh}>Refresh</button>
}
`,

  'greeting.jsx': `'use client'

import { SignedIn, useUser } from '@latchkey/react'
import { useEffect, useState } from 'react'

export function Name() {
  const { name } = useUser()
  const [takenOver, setTakenOver] = useState(false)
  useEffect(() => setTakenOver(true), [])
  return <p>{\`Secret of \${name}\${takenOver ? ', taken over' : ''}.\`}</p>
}

export function Greeting() {
  const { name } = useUser()
  return (
    <p>
      Hello, {name} of <SignedIn>{({ email }) => email}</SignedIn>.
    </p>
  )
}
`,

  'session.js': `const times = { createdAt: 0, authenticatedAt: 0, expiresAt: Date.parse('2100-01-01') }
const ada = {
  user: {
    id: 'ada',
    name: 'Ada',
    email: 'ada@example.com',
    emailVerified: true,
    avatarUrl: null,
    createdAt: 0,
  },
  session: { id: 'session', provider: 'bitbucket', ...times },
}

/** Returns the same as \`request.getAuth()\`. */
export function sessionOf(cookies) {
  return cookies.has('person') ? ada : null
}
`,

  'app/auth/session/route.js': `import { sessionOf } from '../../../session.js'

export function GET({ cookies }) {
  return Response.json(sessionOf(cookies) ?? { user: null, session: null })
}
`,

  'app/auth/providers/route.js': `const mark = { viewBox: '0 0 8 8', paths: [{ d: 'M0 0h8v8z' }] }
const bitbucket = { id: 'bitbucket', name: 'Bitbucket', mark, signIn: true, signUp: true, link: true }

export function GET() {
  return Response.json({ providers: [bitbucket], lastUsed: null, account: ['sessions'] })
}
`,

  'app/auth/sessions/route.js': `import { sessionOf } from '../../../session.js'

export function GET({ cookies }) {
  const { session } = sessionOf(cookies)
  const device = { ...session, device: 'Tablet', lastUsedAt: 0, current: true }
  return Response.json({ sessions: [device] })
}
`,

  'app/auth/sign-out/route.js': `export async function POST(request) {
  const headers = { 'set-cookie': 'person=; Path=/; Max-Age=0' }
  if (request.headers.get('content-type') === 'application/json')
    return new Response(null, { status: 204, headers })
  const location = (await request.formData()).get('return_to')
  return new Response(null, { status: 303, headers: { ...headers, location } })
}
`,
}

/** Returns the text of each link, and where it leads. */
async function links(page: Page): Promise<string[]> {
  const found = await page.getByRole('link').all()
  return Promise.all(
    found.map(async (link) => `${await link.textContent()}: ${await link.getAttribute('href')}`),
  )
}
