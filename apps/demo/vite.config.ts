import react from '@vitejs/plugin-react'
import { defineConfig, type UserConfig } from 'vite'

const config: UserConfig = defineConfig(({ isSsrBuild }) => ({
  root: import.meta.dirname,
  plugins: [react()],
  resolve: { dedupe: ['react', 'react-dom'] },
  // Prebundle these, because discovering them later would reload the page on the first visit.
  optimizeDeps: { include: ['react', 'react-dom/client', 'react/jsx-dev-runtime'] },
  server: {
    fs: {
      // Only the sources of the pages, not the whole repository.
      allow: [
        'site',
        'node_modules',
        '../../node_modules',
        '../../packages/contract/src',
        '../../packages/react/src',
      ],
      deny: [
        // Vite's defaults, which this list replaces: https://vite.dev/config/server-options#server-fs-deny
        '.env',
        '.env.*',
        '*.{crt,pem,key,p12,pfx,cer,der}',
        '.npmrc',
        '.yarnrc.yml',
        '**/.git/**',
        // The signing key and the database.
        '**/.latchkey/**',
      ],
    },
  },
  build: {
    outDir: isSsrBuild ? 'dist/server' : 'dist/browser',
    emptyOutDir: true,
    copyPublicDir: !isSsrBuild,
  },
})) as UserConfig

export default config
