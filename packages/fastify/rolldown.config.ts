import type { RolldownOptions } from 'rolldown'

// A server starts sooner with a few files to find and read than with one for each module.

const config: RolldownOptions = {
  input: {
    bin: 'src/bin.ts',
    index: 'src/index.ts',
    postgres: 'src/store/postgres.ts',
    sqlite: 'src/store/sqlite.ts',
    testing: 'src/providers/provider-contract.ts',
  },
  platform: 'node',
  // It exports nothing, and package.json says that nothing here has side effects.
  treeshake: { moduleSideEffects: [{ test: /node-version\.ts$/, sideEffects: true }] },
  // Other packages stay what npm installs.
  external: /^[^./]/,
  // Not beside the types of modules that happen to be called the same.
  output: { dir: 'dist', chunkFileNames: 'chunks/[name].js' },
}
export default config
