import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { transform } from 'lightningcss'
import { rolldown } from 'rolldown'
import type { Run } from './run.ts'

export interface BrowserResult {
  readonly sizes: Readonly<Record<string, PageSize>>
}

/** Sizes in bytes, minified and compressed, without React. */
export interface PageSize {
  readonly script: number
  readonly styles: number
}

export function total(size: PageSize | undefined): number {
  return size ? size.script + size.styles : Number.NaN
}

export interface Page {
  readonly title: string
  /** The visible components of the library, apart from the page's own markup. */
  readonly brings: string
}

/** The measured pages. Each is a file in `pages`, written as the library's documentation shows. */
export const pages: Readonly<Record<string, Page>> = {
  'by-hand': { title: 'by hand, the minimum', brings: '–' },
  'latchkey-button': { title: 'Latchkey, only the button', brings: 'the button, without a name' },
  latchkey: { title: 'Latchkey', brings: 'the button' },
  'latchkey-everything': {
    title: 'Latchkey, the whole kit with styles',
    brings: 'every component, styled',
  },
  'next-auth': { title: 'next-auth/react', brings: '–' },
  kinde: { title: '@kinde-oss/kinde-auth-react', brings: '–' },
  'better-auth': { title: 'better-auth/react', brings: '–' },
  'supertokens-web-js': { title: 'supertokens-web-js', brings: '–' },
  clerk: { title: '@clerk/react', brings: 'the button' },
  supabase: { title: '@supabase/supabase-js', brings: '–' },
  auth0: { title: '@auth0/auth0-react', brings: '–' },
  'supertokens-auth-react': { title: 'supertokens-auth-react', brings: '–' },
  'supertokens-auth-react-ui': {
    title: 'supertokens-auth-react, its UI',
    brings: 'a sign-in page, styled',
  },
  hanko: { title: '@teamhanko/hanko-elements', brings: 'a sign-in form, styled' },
}

/** Measures how much each library adds to a page. */
export async function measureBrowser({ say }: Run): Promise<BrowserResult> {
  const sizes: Record<string, PageSize> = {}
  for (const [name, { title }] of Object.entries(pages)) {
    const { scripts, styles } = await bundle(name)
    sizes[name] = { script: zipped(scripts), styles: zipped(styles) }
    say(`${title}: ${sizes[name].script + sizes[name].styles} bytes`)
  }
  return { sizes }
}

export interface Bundle {
  readonly scripts: readonly string[]
  readonly styles: readonly string[]
  /** The modules that are not bundled, because the page already has them. */
  readonly outside: readonly string[]
}

export async function bundle(name: string): Promise<Bundle> {
  const styles: string[] = []
  const bundler = await rolldown({
    input: join(import.meta.dirname, 'pages', `${name}.tsx`),
    platform: 'browser',
    external: /^react(-dom)?(\/|$)/,
    // next-auth reads more of a server's environment variables, which a browser does not have.
    transform: { define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}' } },
    // A module that is left out of the bundle would count as zero bytes.
    onLog: (_level, log) => {
      if (log.code !== 'MODULE_LEVEL_DIRECTIVE') throw new Error(log.message)
    },
    plugins: [
      {
        name: 'styles',
        load(id) {
          if (!id.endsWith('.css')) return null
          const { code } = transform({ filename: id, code: readFileSync(id), minify: true })
          styles.push(code.toString())
          return { code: '', moduleType: 'js' }
        },
      },
    ],
  })
  // The comments are only for other bundlers.
  const { output } = await bundler.generate({ minify: true, comments: false })
  await bundler.close()
  const chunks = output.filter((file) => file.type === 'chunk')
  return {
    scripts: chunks.map(({ code }) => code),
    styles,
    outside: chunks.flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports]),
  }
}

function zipped(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + gzipSync(file).length, 0)
}
