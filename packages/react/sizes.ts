/// <reference types="node" />

import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { transform } from 'lightningcss'
import { rolldown } from 'rolldown'

// Measures what the kit adds to a page, minified and compressed, without React. Every build runs it and fails
// above a limit: `node sizes.ts [FOLDER]`, default `dist`.

const dist = resolve(process.argv[2] ?? join(import.meta.dirname, 'dist'))
const kit = JSON.stringify(join(dist, 'index.js'))

const limits: Readonly<Record<string, number>> = { SignInButton: 2_000 }
const userMenu = ['AuthProvider', 'UserButton']
const guards = ['SignedIn', 'SignedOut', 'AuthLoading', 'RequireAuth', 'RedirectToSignIn']

const { exports: names } = await bundle(`export * from ${kit}`)
for (const name of names.filter((name) => /^[A-Z]/.test(name) && name !== 'AuthError')) {
  report(`<${name}> alone`, await weigh([name]), limits[name])
}
report('a button and the user menu', await weigh(['SignInButton', ...userMenu]), 7_000)
const styles = zipped(minified(readFileSync(join(dist, 'looks/styles.css'))))
report('the styles', styles)
const signIn = await weigh(['SignIn', ...userMenu, ...guards])
report('sign-in, user menu and guards, with styles', signIn + styles, 18_000)
const marks = names.filter((name) => /Mark$/.test(name))
const heaviest = await Promise.all(marks.map((name) => weigh(['SignInButton', name])))
report("a button with another company's mark", Math.max(...heaviest))
// Almost every component includes the notices that keep a page from being blank.
const whole = names.filter((name) => !marks.includes(name))
report('the whole kit, with styles', (await weigh(whole)) + styles, 14_500)

/** Returns the size in bytes of a script that uses these exports, without unused code. */
async function weigh(names: readonly string[]): Promise<number> {
  return zipped((await bundle(`import { ${names} } from ${kit}; window.used = [${names}]`)).code)
}

/** Bundles and minifies a page's script. */
async function bundle(code: string): Promise<{ code: string; exports: readonly string[] }> {
  const page = 'page.js'
  const bundler = await rolldown({
    input: page,
    external: /^react(-dom)?(\/|$)/,
    // Anything else that is missing from the bundle would count as zero bytes.
    onLog: (_level, log) => {
      if (log.code !== 'MODULE_LEVEL_DIRECTIVE') throw new Error(log.message)
    },
    plugins: [
      {
        name: 'page',
        resolveId: (id) => (id === page ? id : null),
        load: (id) => (id === page ? code : null),
      },
    ],
  })
  const { output } = await bundler.generate({ minify: true })
  await bundler.close()
  const [script] = output
  return script
}

function zipped(content: string | Uint8Array): number {
  return gzipSync(content).length
}

function minified(styles: Uint8Array): Uint8Array {
  return transform({ filename: 'styles.css', code: styles, minify: true }).code
}

function report(what: string, bytes: number, limit = Number.POSITIVE_INFINITY): void {
  const line = `${what}: ${bytes} bytes${limit < 1e9 ? `, of at most ${limit}` : ''}`
  if (bytes <= limit) {
    console.log(line)
  } else {
    console.error(`${line}. Make it smaller, or decide on another limit in sizes.ts.`)
    process.exitCode = 1
  }
}
