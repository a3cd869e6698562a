import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import type { FastifyInstance } from 'fastify'
import { build, type Rolldown } from 'vite'

const ROOT = join(import.meta.dirname, '../../..')
const DOCUMENTS = ['README.md', 'packages/react/README.md', 'docs/{react,guides}/*.md']

/** The imports that code for a browser page can have. Code with other imports is for a server or a build. */
const BROWSER_IMPORTS = /^(@latchkey\/react(\/.*)?|react)$/

/** An example that has none of these components renders only its own elements, so it shows no notice. */
const KIT_ELEMENT = /<(Auth(Failed|Loading)|Sign|RequireAuth|Redirect|User)/

/** An example with one of these keeps its placeholder until the sign-in page opens. */
const REDIRECT = /<(RequireAuth|RedirectToSignIn)/

interface Composition {
  readonly name: string
  readonly code: string
}

/**
 * Adds the page `/docs`, which renders every component that an example in the docs exports. Each has its own section
 * and root. An example that is not a complete application gets an `<AuthProvider>`.
 */
export async function docsPages(app: FastifyInstance): Promise<void> {
  const { script, styles } = await bundle(compositions())
  app.get('/docs.js', async (_request, reply) => reply.type('text/javascript').send(script))
  app.get('/docs.css', async (_request, reply) => reply.type('text/css').send(styles))
  app.get('/docs', async (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .send(
        '<!doctype html><html lang="en"><title>Docs</title><link rel="stylesheet" href="/docs.css"><body><script type="module" src="/docs.js"></script></body></html>',
      ),
  )
}

function compositions(): Composition[] {
  return globSync(DOCUMENTS, { cwd: ROOT }).flatMap((name) => {
    const text = readFileSync(join(ROOT, name), 'utf8')
    return [...text.matchAll(/^```tsx\n(.*?)^```$/gms)]
      .map(([, code = '']) => ({ name, code }))
      .filter(({ code }) =>
        [...code.matchAll(/from '([^']+)'/g)].every(([, from = '']) => BROWSER_IMPORTS.test(from)),
      )
  })
}

async function bundle(
  examples: readonly Composition[],
): Promise<{ script: string; styles: string }> {
  const files = new Map(
    examples.map(({ code }, index) => [join(import.meta.dirname, `docs-${index}.tsx`), code]),
  )
  const entry = join(import.meta.dirname, 'docs-entry.tsx')
  files.set(entry, entryOf(examples))
  const { output } = (await build({
    configFile: false,
    root: import.meta.dirname,
    plugins: [
      {
        name: 'docs',
        enforce: 'pre',
        resolveId: (id) => (files.has(id) ? id : null),
        load: (id) => files.get(id) ?? null,
      },
      react(),
    ],
    resolve: { dedupe: ['react', 'react-dom'] },
    logLevel: 'warn',
    build: { write: false, cssCodeSplit: false, rolldownOptions: { input: entry } },
  })) as Rolldown.RolldownOutput
  const script = output.find((file) => file.type === 'chunk')?.code ?? ''
  const styles = output.flatMap((file) =>
    file.type === 'asset' && file.fileName.endsWith('.css') ? String(file.source) : [],
  )
  return { script, styles: styles.join('\n') }
}

function entryOf(examples: readonly Composition[]): string {
  const folder = import.meta.dirname
  const imports = examples.map(
    (_, index) =>
      `import * as example${index} from ${JSON.stringify(join(folder, `docs-${index}.tsx`))}`,
  )
  const list = examples.map(({ name, code }, index) =>
    JSON.stringify({
      name,
      isHeadless: !KIT_ELEMENT.test(code),
      isRedirecting: REDIRECT.test(code),
    }).replace('}', `, exports: example${index} }`),
  )
  return `import '@latchkey/react/styles.css'
import { AuthProvider } from '@latchkey/react'
import { createElement } from 'react'
import { createRoot } from 'react-dom/client'
${imports.join('\n')}

// The router component that examples declare.
window.Link = ({ to, ...props }) => createElement('a', { href: to, ...props })

for (const { name: file, isHeadless, isRedirecting, exports } of [${list}]) {
  for (const [name, Component] of Object.entries(exports)) {
    if (!/^[A-Z]/.test(name) || Component.constructor.name === 'AsyncFunction') continue
    const section = document.createElement('section')
    section.dataset.composition = file + ' ' + name
    section.toggleAttribute('data-headless', isHeadless)
    section.toggleAttribute('data-redirecting', isRedirecting)
    document.body.append(section)
    const element = createElement(Component)
    createRoot(section).render(name === 'App' ? element : createElement(AuthProvider, null, element))
  }
}
`
}
