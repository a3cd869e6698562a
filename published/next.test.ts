import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { launchChromium } from '../apps/demo/e2e/chromium.ts'
import { type Machine, newest, type Project, setUpMachine } from './machine.ts'

describe('a Next.js application whose pages are server components', () => {
  let machine: Machine
  let built: Awaited<ReturnType<Project['run']>>
  let origin: string
  let browser: Browser
  beforeAll(async () => {
    machine = await setUpMachine(newest.node, newest.npm)
    const project = await machine.createProject('next')
    await project.install('npm install next@16 react@19 react-dom@19 @latchkey/react')
    await project.write(APPLICATION)
    built = await project.run('next build', QUIET)
    if (built.code !== 0) throw new Error(`next build failed:\n${built.said}`)
    const server = 'next start --hostname 127.0.0.1 --port 0'
    ;[origin = ''] = await project.start(server, /http:\/\/127\.0\.0\.1:\d+/, QUIET)
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

  async function open(path: string, options: Options = {}): Promise<Page> {
    const { signedIn = false, ...contextOptions } = options
    const context = await browser.newContext(contextOptions)
    if (signedIn) await context.addCookies([{ name: 'person', value: 'ada', url: origin }])
    context.on('weberror', (error) => complaints.push(String(error.error())))
    context.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
    context.on('request', (request) => {
      const url = new URL(request.url())
      if (url.origin !== origin) complaints.push(`asked ${url.origin}`)
      if (url.pathname.startsWith('/auth/')) requests.push(`${request.method()} ${url.pathname}`)
    })
    const page = await context.newPage()
    await page.goto(origin + path)
    return page
  }

  it('is built without a warning', () => {
    expect(built.said).toContain('Compiled successfully')
    const warnings = built.said.match(/^.*(⚠|⨯|warn|error|deprecat).*$/gim) ?? []
    // Said on CI, where nothing is left of an earlier build.
    expect(warnings.filter((line) => !line.includes('No build cache found'))).toEqual([])
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

    it('knows who is signed in, and signs out by a form', async () => {
      const page = await open('/', { javaScriptEnabled, signedIn: true })
      expect(await page.getByText('Hello').textContent()).toBe('Hello, Ada of ada@example.com.')
      expect(await links(page)).toEqual([])
      await page.getByRole('button', { name: 'Leave' }).click()
      await page.waitForURL(`${origin}/static`)
      expect(requests).toEqual(['POST /auth/sign-out'])
    })

    it('has its links on a page that was rendered once for everybody', async () => {
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
    it('reads the address once React has taken over, and asks nobody', async () => {
      const page = await open('/?auth_error=access_denied&return_to=%2Finbox')
      await page.getByText('You cancelled the sign-in.').waitFor()
      expect((await links(page))[0]).toMatch(/return_to=%2Finbox$/)
      await page.waitForURL(`${origin}/?return_to=%2Finbox`)
      expect(requests).toEqual([])
    })

    it('signs out without leaving the page', async () => {
      const page = await open('/', { signedIn: true })
      await page.evaluate('window.stayed = true')
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByText('An address alone').waitFor()
      expect(await page.evaluate('window.stayed')).toBe(true)
      expect(await page.getByText('Hello').count()).toBe(0)
      expect(requests).toEqual(['POST /auth/sign-out'])
    })

    it('asks who is signed in on a page that was rendered once for everybody', async () => {
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
  readonly javaScriptEnabled?: boolean
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
} from '@latchkey/react'
import { cookies } from 'next/headers'
import { Greeting } from '../greeting.jsx'
import { sessionOf } from '../session.js'

export default async function Page() {
  return (
    <AuthProvider initialSession={sessionOf(await cookies())}>
      <SignIn title="Sign in to Example" providers={['bitbucket']} />
      <SignedOut>
        <SignInButton provider="bitbucket" returnTo="/button" />
        <a href={signInUrl('bitbucket', { returnTo: '/address' })}>An address alone</a>
      </SignedOut>
      <SignedIn>
        <Greeting />
        <SignOutButton returnTo="/static">Leave</SignOutButton>
      </SignedIn>
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

  'greeting.jsx': `'use client'

import { SignedIn, useUser } from '@latchkey/react'

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

/** As \`request.getAuth()\` answers. */
export function sessionOf(cookies) {
  return cookies.has('person') ? ada : null
}
`,

  'app/auth/session/route.js': `import { sessionOf } from '../../../session.js'

export function GET({ cookies }) {
  return Response.json(sessionOf(cookies) ?? { user: null, session: null })
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

/** The text of each link, and where it leads. */
async function links(page: Page): Promise<string[]> {
  const found = await page.getByRole('link').all()
  return Promise.all(
    found.map(async (link) => `${await link.textContent()}: ${await link.getAttribute('href')}`),
  )
}
