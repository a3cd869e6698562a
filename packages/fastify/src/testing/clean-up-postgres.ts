import { afterAll, afterEach } from 'vitest'
import { cleanDatabases, dropDatabases } from './postgres.ts'

// Vitest runs this before each test file, for the same reason as `clean-up.ts`.

afterEach(cleanDatabases)
afterAll(dropDatabases)
