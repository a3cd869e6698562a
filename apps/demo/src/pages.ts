import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { PageData } from '../site/page-data.ts'
import { type DecisionBook, type NewDecision, newDecision } from './decisions.ts'
import type { SignInRecords } from './sign-in-record.ts'

type Render = (data: PageData) => { title: string; html: string }

interface Site {
  /** The page's frame, and what fills it. */
  load(url: string): Promise<{ template: string; render: Render }>
  /** Answers requests for what pages are made of; whether it did. */
  serve(request: FastifyRequest, reply: FastifyReply): Promise<boolean>
}

const FOLDER = join(import.meta.dirname, '..')

interface PagesOptions {
  readonly built: boolean
  readonly records: SignInRecords
  readonly book: DecisionBook
}

/** The pages, rendered on the server with who is signed in, so that nothing flickers. */
export async function pages(app: FastifyInstance, options: PagesOptions): Promise<void> {
  const { built, records, book } = options
  const site = built ? await serveBuilt(app) : await serveWithVite(app)

  async function show(request: FastifyRequest, data: PageData): Promise<string> {
    const { template, render } = await site.load(request.url)
    const { title, html } = render(data)
    const json = JSON.stringify(data).replaceAll('<', '\\u003c')
    return template
      .replace('<!--title-->', () => title)
      .replace('<!--page-->', () => html)
      .replace('<!--data-->', () => json)
  }

  app.addHook('onSend', async (_request, reply) => {
    if (String(reply.getHeader('content-type')).startsWith('text/html')) {
      // Who is signed in is part of the page.
      reply.header('cache-control', 'no-store')
    }
  })

  app.get('/', async (request, reply) => {
    const { auth_error: authError } = request.query as { auth_error?: unknown }
    const session = await request.getAuth()
    const code = typeof authError === 'string' ? authError : undefined
    reply.type('text/html; charset=utf-8')
    return show(request, { page: 'home', session, authError: code })
  })

  app.get('/decisions', async (request, reply) => {
    const session = await request.getAuth()
    if (session === null) return reply.redirect('/auth/sign-in?return_to=/decisions', 303)
    reply.type('text/html; charset=utf-8')
    return show(request, { page: 'decisions', session, decisions: book.of(session.user.id) })
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
      reply.code(400).type('text/html; charset=utf-8')
      const refused = request.body ?? {}
      return show(request, { page: 'decisions', session, decisions: book.of(id), refused })
    },
  )

  app.get('/what-happened', async (request, reply) => {
    const session = await request.getAuth()
    if (session === null) return reply.redirect('/auth/sign-in?return_to=/what-happened', 303)
    reply.type('text/html; charset=utf-8')
    return show(request, { page: 'what-happened', session, record: records.of(session.session.id) })
  })

  app.setNotFoundHandler(async (request, reply) => {
    if (await site.serve(request, reply)) return reply.hijack()
    reply.code(404).type('text/html; charset=utf-8')
    return show(request, { page: 'not-found', session: await request.getAuth() })
  })
}

async function serveBuilt(app: FastifyInstance): Promise<Site> {
  const template = await readFile(join(FOLDER, 'dist/browser/index.html'), 'utf8').catch(() => {
    throw new Error('Nothing is built yet. Run: npx pnpm@12 build')
  })
  const { render } = (await import(join(FOLDER, 'dist/server/render.js'))) as { render: Render }
  await app.register(fastifyStatic, { root: join(FOLDER, 'dist/browser'), index: false })
  return { load: async () => ({ template, render }), serve: async () => false }
}

async function serveWithVite(app: FastifyInstance): Promise<Site> {
  const { createServer } = await import('vite')
  const vite = await createServer({
    configFile: join(FOLDER, 'vite.config.ts'),
    server: { middlewareMode: true, ws: { server: app.server } },
    appType: 'custom',
    logLevel: 'warn',
  })
  // Before the server waits for its connections: Vite holds one to every open page.
  app.addHook('preClose', () => vite.close())
  return {
    async load(url) {
      const source = await readFile(join(FOLDER, 'index.html'), 'utf8')
      const { render } = (await vite.ssrLoadModule('/site/render.tsx')) as { render: Render }
      return { template: await vite.transformIndexHtml(url, source), render }
    },
    serve: ({ raw: request }, { raw: response }) =>
      new Promise((resolve) => {
        response.once('close', () => resolve(true))
        vite.middlewares(request, response, () => resolve(false))
      }),
  }
}
