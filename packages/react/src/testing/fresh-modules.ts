import { afterAll, beforeAll, vi } from 'vitest'
import { forgetDialogs } from './fake-browser.ts'

// Vitest runs this before each test file. The files share React and jsdom, but each gets its own copy of our
// modules.
vi.resetModules()

// Testing Library declares this only for the first file that imports it.
beforeAll(() => {
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })
})

afterAll(forgetDialogs)
