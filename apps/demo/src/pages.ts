import type { Provider } from '@latchkey/fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { PageData } from '../site/page-data.ts'
import { type DecisionBook, type NewDecision, newDecision } from './decisions.ts'
import { gallery, galleryData } from './gallery.ts'
import type { SignInRecords } from './sign-in-record.ts'
import { type Site, serveBuilt, serveWithVite } from './site.ts'

interface PagesOptions {
  readonly built: boolean
  readonly records: SignInRecords
  readonly book: DecisionBook
  readonly providers: readonly Provider[]
}

type Show = (request: FastifyRequest, reply: FastifyReply, data: PageData) => Promise<string>

/** The pages, rendered on the server with the session, so that nothing flickers. */
export async function pages(app: FastifyInstance, options: PagesOptions): Promise<void> {
  const { built, records, book, providers } = options
  const site = built ? await serveBuilt(app) : await serveWithVite(app)
  const show = showFrom(site)

  app.get('/', async (request, reply) => {
    const { auth_error: authError } = request.query as { auth_error?: unknown }
    const session = await request.getAuth()
    const code = typeof authError === 'string' ? authError : undefined
    const names = providers.map(({ name }) => name)
    return show(request, reply, { page: 'home', session, authError: code, providers: names })
  })

  decisionPages(app, show, book)

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

function showFrom(site: Site): Show {
  return async (request, reply, data) => {
    const { template, render, policy } = await site.load(request.url)
    const { title, html } = render(data)
    const json = JSON.stringify(data).replaceAll('<', '\\u003c')
    reply.type('text/html; charset=utf-8').headers({
      // The page contains the session.
      'cache-control': 'no-store',
      'content-security-policy': policy,
    })
    return template
      .replace('<!--title-->', () => title)
      .replace('<!--page-->', () => html)
      .replace('<!--data-->', () => json)
  }
}

/** The list of decisions, and the form that adds one without JavaScript. */
function decisionPages(app: FastifyInstance, show: Show, book: DecisionBook): void {
  app.get('/decisions', async (request, reply) => {
    const session = await request.getAuth()
    if (session === null) return reply.redirect('/auth/sign-in?return_to=/decisions', 303)
    return show(request, reply, { page: 'decisions', session, decisions: book.of(session.user.id) })
  })

  // Used by the form without JavaScript, or before it has loaded.
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
}
