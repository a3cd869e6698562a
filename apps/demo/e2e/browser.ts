import { type Browser, chromium } from 'playwright-core'
import { inject } from 'vitest'
import type { TestProject } from 'vitest/node'
import { serveChromium } from './chromium.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The WebSocket endpoint of the test run's browser. */
    browser: string
  }
}

/** Launches one browser for all browser tests. */
export default async function serveBrowser(project: TestProject): Promise<() => Promise<void>> {
  const server = await serveChromium()
  project.provide('browser', server.wsEndpoint())
  return () => server.close()
}

/**
 * Connects to the test run's browser. Each connection has its own contexts, and closing a connection closes only its
 * own.
 */
export function connectToBrowser(): Promise<Browser> {
  return chromium.connect(inject('browser'))
}
