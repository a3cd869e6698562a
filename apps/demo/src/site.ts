import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { PageData } from '../site/page-data.ts'

// What pages are made of, and where it comes from: the build, or Vite, which compiles it as it goes.

type Render = (data: PageData) => { title: string; html: string }

export interface Site {
  /** The page's frame, what fills it, and the policy under which a browser shows it. */
  load(url: string): Promise<{ template: string; render: Render; policy: string }>
  /** Answers requests for what pages are made of; whether it did. */
  serve(request: FastifyRequest, reply: FastifyReply): Promise<boolean>
}

const FOLDER = join(import.meta.dirname, '..')
/** Where Vite is to put the nonce of a page. */
const NONCE = '%nonce%'

export async function serveBuilt(app: FastifyInstance): Promise<Site> {
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

export async function serveWithVite(app: FastifyInstance): Promise<Site> {
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
