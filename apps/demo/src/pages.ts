import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { PageData } from '../site/page-data.ts'
import { type DecisionBook, type NewDecision, newDecision } from './decisions.ts'
import { gallery, galleryData } from './gallery.ts'
import type { SignInRecords } from './sign-in-record.ts'

type Render = (data: PageData) => { title: string; html: string }

interface Site {
  /** The page's frame, what fills it, and the policy under which a browser shows it. */
  load(url: string): Promise<{ template: string; render: Render; policy: string }>
  /** Answers requests for what pages are made of; whether it did. */
  serve(request: FastifyRequest, reply: FastifyReply): Promise<boolean>
}

const FOLDER = join(import.meta.dirname, '..')
/** Where Vite is to put the nonce of a page. */
const NONCE = '%nonce%'

interface PagesOptions {
  readonly built: boolean
  readonly records: SignInRecords
  readonly book: DecisionBook
}

/** The pages, rendered on the server with who is signed in, so that nothing flickers. */
export async function pages(app: FastifyInstance, options: PagesOptions): Promise<void> {
  const { built, records, book } = options
  const site = built ? await serveBuilt(app) : await serveWithVite(app)

  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    data: PageData,
  ): Promise<string> {
    const { template, render, policy } = await site.load(request.url)
    const { title, html } = render(data)
    const json = JSON.stringify(data).replaceAll('<', '\\u003c')
    reply.type('text/html; charset=utf-8').headers({
      // Who is signed in is part of the page.
      'cache-control': 'no-store',
      'content-security-policy': policy,
    })
    return template
      .replace('<!--title-->', () => title)
      .replace('<!--page-->', () => html)
      .replace('<!--data-->', () => json)
  }

  app.get('/', async (request, reply) => {
    const { auth_error: authError } = request.query as { auth_error?: unknown }
    const session = await request.getAuth()
    const code = typeof authError === 'string' ? authError : undefined
    return show(request, reply, { page: 'home', session, authError: code })
  })

  app.get('/decisions', async (request, reply) => {
    const session = await request.getAuth()
    if (session === null) return reply.redirect('/auth/sign-in?return_to=/decisions', 303)
    return show(request, reply, { page: 'decisions', session, decisions: book.of(session.user.id) })
  })

  // The same form without JavaScript, or before it has loaded.
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 8 * 1024 },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )
  app.post<{ Body: NewDecision }>(
    '/decisions',
    { schema: { body: newDecision }, attachValidation: true },
    async (request, reply) => {
      const session = await request.getAuth()
      if (session === null) return reply.redirect('/auth/sign-in?return_to=/decisions', 303)
      const { id } = session.user
      if (request.validationError === undefined) {
        book.add(id, request.body)
        return reply.redirect('/decisions', 303)
      }
      reply.code(400)
      const refused = request.body ?? {}
      return show(request, reply, { page: 'decisions', session, decisions: book.of(id), refused })
    },
  )

  app.get('/what-happened', async (request, reply) => {
    const session = await request.getAuth()
    if (session === null) return reply.redirect('/auth/sign-in?return_to=/what-happened', 303)
    return show(request, reply, {
      page: 'what-happened',
      session,
      record: records.of(session.session.id),
    })
  })

  app.get('/account', async (request, reply) => {
    const session = await request.getAuth()
    if (session === null) return reply.redirect('/auth/sign-in?return_to=/account', 303)
    return show(request, reply, { page: 'account', session })
  })

  await app.register(gallery, { prefix: '/gallery/server' })
  app.get('/gallery', async (request, reply) => show(request, reply, galleryData(request.query)))

  app.setNotFoundHandler(async (request, reply) => {
    if (await site.serve(request, reply)) return reply.hijack()
    reply.code(404)
    return show(request, reply, { page: 'not-found', session: await request.getAuth() })
  })
}

/**
 * Nothing inline, nothing from elsewhere, no frame around it. With a `nonce` for Vite, which writes
 * scripts and styles into the page, and runs a worker of its own while its server restarts.
 */
function contentSecurityPolicy(nonce?: string): string {
  const own = nonce === undefined ? "'self'" : `'self' 'nonce-${nonce}'`
  return [
    "default-src 'none'",
    `script-src ${own}`,
    `style-src ${own}`,
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    ...(nonce === undefined ? [] : ['worker-src blob:']),
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}

async function serveBuilt(app: FastifyInstance): Promise<Site> {
  const template = await readFile(join(FOLDER, 'dist/browser/index.html'), 'utf8').catch(() => {
    throw new Error('Nothing is built yet. Run: npx pnpm@12 build')
  })
  const { render } = (await import(join(FOLDER, 'dist/server/render.js'))) as { render: Render }
  const policy = contentSecurityPolicy()
  await app.register(fastifyStatic, {
    root: join(FOLDER, 'dist/browser'),
    index: false,
    // The frame without a page in it is for us alone.
    allowedPath: (path) => path !== '/index.html',
  })
  return { load: async () => ({ template, render, policy }), serve: async () => false }
}

async function serveWithVite(app: FastifyInstance): Promise<Site> {
  const { createServer } = await import('vite')
  const vite = await createServer({
    configFile: join(FOLDER, 'vite.config.ts'),
    server: { middlewareMode: true, ws: { server: app.server } },
    html: { cspNonce: NONCE },
    appType: 'custom',
    logLevel: 'warn',
  })
  // Before the server waits for its connections: Vite holds one to every open page.
  app.addHook('preClose', () => vite.close())
  return {
    async load(url) {
      const source = await readFile(join(FOLDER, 'index.html'), 'utf8')
      const { render } = (await vite.ssrLoadModule('/site/render.tsx')) as { render: Render }
      const template = await vite.transformIndexHtml(url, source)
      const nonce = randomBytes(16).toString('base64url')
      return {
        template: template.replaceAll(NONCE, nonce),
        render,
        policy: contentSecurityPolicy(nonce),
      }
    },
    serve: ({ raw: request }, { raw: response }) =>
      new Promise((resolve) => {
        response.once('close', () => resolve(true))
        vite.middlewares(request, response, () => resolve(false))
      }),
  }
}
