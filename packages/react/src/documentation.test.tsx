import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { act, cleanup, render, screen, waitFor } from '@testing-library/react'
import { type ComponentType, createElement } from 'react'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { AuthProvider } from './session/auth-provider.tsx'
import { signedIn, signedOut, startFakeServer } from './testing/fake-server.ts'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'node_modules/.documentation')
mkdirSync(folder, { recursive: true })

const complaints = vi.spyOn(console, 'error')

afterEach(() => {
  cleanup()
  expect(complaints).not.toHaveBeenCalled()
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Returns the components that a README's code exports, as if the code had been pasted into an app. */
async function pasted(readme: string): Promise<ComponentType[]> {
  const text = readFileSync(join(root, readme), 'utf8')
  const components: ComponentType[] = []
  for (const [index, [, code = '']] of [...text.matchAll(/^```tsx\n(.*?)^```$/gms)].entries()) {
    const file = join(folder, `${readme.replaceAll(/\W/g, '-')}-${index}.tsx`)
    const own = (_: string, subpath = '/index') => `'${join(root, 'src', `${subpath}.ts`)}'`
    writeFileSync(
      file,
      code
        .replace(/^import '.*styles.css'$/m, '')
        .replaceAll(/'@latchkey\/react(\/locales\/\w+)?'/g, own),
    )
    const exported: Record<string, unknown> = await import(file)
    for (const value of Object.values(exported)) {
      if (typeof value === 'function') components.push(value as ComponentType)
    }
  }
  return components
}

test.each(['README.md', '../../README.md'])(
  'runs the components of %s signed out and signed in, without a React warning',
  async (readme) => {
    const components = await pasted(readme)
    expect(components.length).toBeGreaterThan(0)
    for (const component of components) {
      for (const session of [signedOut, signedIn('session-1', 'Pasted Person')]) {
        const server = startFakeServer()
        server.session = session
        const snippet = createElement(component)
        const page = component.name === 'App' ? snippet : <AuthProvider>{snippet}</AuthProvider>
        const { container } = render(page)
        await waitFor(() => expect(server.count('GET /auth/session')).toBeGreaterThan(0))
        await act(async () => {})
        if (component.name === 'App') {
          const shown = session === signedOut ? / (with|mit) Bitbucket$/ : /Pasted Person/
          expect((await screen.findAllByText(shown)).length).toBe(1)
        }
        expect(container.querySelectorAll('.latchkey-sign-out').length).toBeLessThan(2)
        cleanup()
        server.close()
      }
    }
  },
)
