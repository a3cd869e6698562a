import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    reporters: ['default', './closing-line.ts'],
    projects: [
      {
        test: {
          name: 'node',
          include: ['{apps,packages}/*/src/**/*.test.ts', '*.test.ts'],
          globalSetup: ['packages/fastify/src/testing/postgres-server.ts'],
          env: { NODE_ENV: 'test' },
          // A machine may be busy with something else. No test measures time.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'dom',
          environment: 'jsdom',
          include: ['packages/*/src/**/*.test.tsx'],
        },
      },
      {
        test: {
          name: 'browser',
          include: ['apps/demo/e2e/**/*.test.ts'],
          globalSetup: [
            'apps/demo/e2e/build.ts',
            'apps/demo/e2e/browser.ts',
            'packages/fastify/src/testing/postgres-server.ts',
          ],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // One to a core. More of them only wait for each other.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'packages',
          include: ['published/**/*.test.ts'],
          globalSetup: ['published/publish.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})
