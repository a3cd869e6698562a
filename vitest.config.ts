import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { Interleaving } from './sequence.ts'

/** Files whose tests need PostgreSQL, or start their own processes. */
const processes = [
  'packages/fastify/src/faults/**/*.test.ts',
  'packages/fastify/src/store/postgres*.test.ts',
  'packages/fastify/src/administration/administration.test.ts',
  'packages/fastify/src/attacks/{two-servers,hanging-provider,log-canaries}.test.ts',
  'packages/fastify/src/guard/long-lived.test.ts',
  'packages/fastify/src/sign-in/own-provider.test.ts',
  'packages/fastify/src/bin.test.ts',
  'packages/fastify/src/accounts/on-*.test.ts',
  'packages/bitbucket-emulator/src/bin.test.ts',
  'apps/bench/src/**/*.test.ts',
  'deploy.test.ts',
]

const freshModules = 'packages/react/src/testing/fresh-modules.ts'
const postgres = 'packages/fastify/src/testing/postgres-server.ts'
const cleanUp = 'packages/fastify/src/testing/clean-up.ts'
const cleanUpPostgres = 'packages/fastify/src/testing/clean-up-postgres.ts'

// Hundreds of processes load the same modules. Node caches them compiled, which halves the time that a
// process takes to start. https://nodejs.org/api/module.html#module-compile-cache
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/compiled')

// The timeout is long, because the machine may be busy with something else. No test measures time.
const patience = { testTimeout: 60_000, hookTimeout: 60_000 }

// On two cores, two workers left a third of the time unused, because many tests wait for a database, a
// process or the registry.
const maxWorkers = 3

/** How often properties are tried, in percent, unless the caller sets it. `soak` is for large numbers of runs. */
function fuzzRunsIn(mode: string): string {
  return process.env.LATCHKEY_FUZZ_RUNS ?? (mode === 'soak' ? '100' : '10')
}

export default defineConfig(({ mode }) => ({
  test: {
    reporters: ['default', './closing-line.ts'],
    maxWorkers,
    sequence: { sequencer: Interleaving },
    projects: [
      {
        test: {
          name: 'node',
          include: ['{apps,packages}/*/src/**/*.test.ts', '*.test.ts'],
          exclude: processes,
          setupFiles: [cleanUp],
          // With a process for each file, every process would load the same modules again, which took a third
          // of the time.
          isolate: false,
          env: { NODE_ENV: 'test', LATCHKEY_FUZZ_RUNS: fuzzRunsIn(mode) },
          ...patience,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'dom',
          environment: 'jsdom',
          include: ['packages/*/src/**/*.test.tsx'],
          setupFiles: [freshModules],
          // A jsdom and a React for each file took half of their time.
          isolate: false,
          env: { LATCHKEY_FUZZ_RUNS: fuzzRunsIn(mode) },
          maxWorkers,
        },
      },
      {
        test: {
          name: 'processes',
          include: processes,
          setupFiles: [cleanUp, cleanUpPostgres],
          globalSetup: [postgres],
          isolate: false,
          env: { NODE_ENV: 'test' },
          ...patience,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['apps/demo/e2e/**/*.test.ts'],
          setupFiles: [cleanUpPostgres],
          globalSetup: ['apps/demo/e2e/build.ts', 'apps/demo/e2e/browser.ts', postgres],
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'packages',
          include: ['published/**/*.test.ts'],
          globalSetup: ['published/publish.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          maxWorkers,
        },
      },
    ],
  },
}))
