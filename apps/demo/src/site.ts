import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { PageData } from '../site/page-data.ts'

// The code and assets of the pages come from the build, or from Vite, which compiles them on request.

type Render = (data: PageData) => { title: string; html: string }

export interface Site {
  /** Loads the HTML template, the render function, and the Content-Security-Policy of a page. */
  load(url: string): Promise<{ template: string; render: Render; policy: string }>
  /** Serves an asset. Returns whether the request was for one. */
  serve(request: FastifyRequest, reply: FastifyReply): Promise<boolean>
}

const FOLDER = join(import.meta.dirname, '..')
/** The placeholder that Vite writes as a nonce. */
const NONCE = '%nonce%'

export async function serveBuilt(app: FastifyInstance): Promise<Site> {
  const template = await readFile(join(FOLDER, 'dist/browser/index.html'), 'utf8').catch(() => {
    throw new Error('Its pages are not built yet. Run npx pnpm@12 build first.')
  })
  const { render } = (await import(join(FOLDER, 'dist/server/render.js'))) as { render: Render }
  const policy = contentSecurityPolicy()
  await app.register(fastifyStatic, {
    root: join(FOLDER, 'dist/browser'),
    index: false,
    // Never serve the template without a page in it.
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
  // Close Vite before the server waits for its connections: Vite has a connection to every open page.
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
 * Returns a policy that forbids inline code, other origins and framing. The `nonce` is for Vite, which writes
 * scripts and styles into the page, and runs a worker while its server restarts.
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
