import { afterAll, afterEach } from 'vitest'
import { closeApps, removeFolders } from './app.ts'
import { endChildren } from './child.ts'
import { closeProviders } from './unruly.ts'

// Vitest runs this before each test file. If several files in one process share a module, a hook in that
// module would apply only to the first file.

afterEach(async () => {
  await closeApps()
  await endChildren()
  closeProviders()
})

afterAll(removeFolders)
