import { join } from 'node:path'
import { build } from 'vite'

/** Builds the demo's pages once, for all browser tests. */
export default async function buildPages(): Promise<void> {
  const configFile = join(import.meta.dirname, '../vite.config.ts')
  await build({ configFile, logLevel: 'warn' })
  await build({ configFile, logLevel: 'warn', build: { ssr: 'site/render.tsx' } })
}
