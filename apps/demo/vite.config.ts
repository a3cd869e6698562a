import react from '@vitejs/plugin-react'
import { defineConfig, type UserConfig } from 'vite'

const config: UserConfig = defineConfig(({ isSsrBuild }) => ({
  root: import.meta.dirname,
  plugins: [react()],
  resolve: { dedupe: ['react', 'react-dom'] },
  // Named beforehand, so that the first visit does not find them and reload.
  optimizeDeps: { include: ['react', 'react-dom/client', 'react/jsx-dev-runtime'] },
  // Vite's own list, and the server's: its key, its database, its source.
  server: {
    fs: {
      deny: ['.env', '.env.*', '*.{crt,pem}', '**/.git/**', '**/.latchkey/**', '**/demo/src/**'],
    },
  },
  build: { outDir: isSsrBuild ? 'dist/server' : 'dist/browser', emptyOutDir: true },
})) as UserConfig

export default config
