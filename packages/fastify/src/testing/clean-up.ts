import { afterAll, afterEach } from 'vitest'
import { closeApps, removeFolders } from './app.ts'
import { endChildren } from './child.ts'
import { closeProviders } from './unruly.ts'

// Vitest runs this before each test file. A hook in a module that several files share in one
// process would apply only to the first of them.

afterEach(async () => {
  await closeApps()
  await endChildren()
  closeProviders()
})

afterAll(removeFolders)
