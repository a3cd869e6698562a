import type { RolldownOptions } from 'rolldown'

// A server starts sooner with a few files to find and read than with one for each module.

const config: RolldownOptions = {
  input: { index: 'src/index.ts', postgres: 'src/postgres.ts', sqlite: 'src/sqlite.ts' },
  platform: 'node',
  // Other packages stay what npm installs.
  external: /^[^./]/,
  output: { dir: 'dist', chunkFileNames: '[name].js' },
}
export default config
