import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import type { FastifyInstance } from 'fastify'
import { build, type Rolldown } from 'vite'

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  // Applications that show avatars need this.
  'img-src https:',
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

/** Enforces Trusted Types without any policy. */
const TRUSTED_TYPES = "require-trusted-types-for 'script'; trusted-types 'none'"

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Test page</title>
<link rel="stylesheet" href="/test.css">
</head>
<body><script type="module" src="/test.js"></script></body>
</html>
`

/**
 * Adds the pages of another application to the demo. Unlike the demo's pages, they request the session in the browser,
 * and browsers can cache them.
 *
 * - `/test/button` and `/test/card` sign in with a popup, and have state that must not be lost.
 * - `/test/alone` does the same without an `<AuthProvider>`.
 * - `/test/features` signs in from a dialog or in a popup. With `?trusted-types`, it enforces Trusted Types.
 * - `/test/hidden` has hidden components before visible ones.
 * - `/test/own-colours` has components with a class that sets other colours.
 * - `/test/account` shows a person with an avatar in every component that can display one.
 */
export async function testPages(app: FastifyInstance): Promise<void> {
  const { script, styles } = await bundle()
  app.get('/test.js', async (_request, reply) => reply.type('text/javascript').send(script))
  app.get('/test.css', async (_request, reply) => reply.type('text/css').send(styles))
  app.get('/test/:page', async (request, reply) => {
    const enforcesTypes = request.url.includes('trusted-types')
    reply.type('text/html; charset=utf-8').headers({
      'cache-control': 'max-age=60',
      'content-security-policy': enforcesTypes ? `${POLICY}; ${TRUSTED_TYPES}` : POLICY,
      'referrer-policy': 'same-origin',
    })
    return PAGE
  })
}

async function bundle(): Promise<{ script: string; styles: string }> {
  const { output } = (await build({
    configFile: false,
    root: import.meta.dirname,
    plugins: [react()],
    resolve: { dedupe: ['react', 'react-dom'] },
    logLevel: 'warn',
    build: {
      write: false,
      rolldownOptions: { input: join(import.meta.dirname, 'test-page.tsx') },
    },
  })) as Rolldown.RolldownOutput
  const files = output.map((file) => ({
    name: file.fileName,
    text: file.type === 'chunk' ? file.code : String(file.source),
  }))
  const find = (ending: string): string => {
    const found = files.find(({ name }) => name.endsWith(ending))
    if (found === undefined) throw new Error(`The build of the test pages has no ${ending} file`)
    return found.text
  }
  return { script: find('.js'), styles: find('.css') }
}
