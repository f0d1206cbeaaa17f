import { defineConfig } from 'vite'
import { sharedConfig } from './vite.shared.ts'

export default defineConfig({
  ...sharedConfig('desk'),
  publicDir: false,
  server: {
    port: 5173,
    proxy: { '/api': process.env['LAMPLIGHTER_URL'] ?? 'http://127.0.0.1:8000' },
  },
})
