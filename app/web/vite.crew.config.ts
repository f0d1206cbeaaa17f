import { defineConfig, mergeConfig } from 'vite'
import { serviceWorker } from './sw-plugin.ts'
import { sharedConfig } from './vite.shared.ts'

export default defineConfig(
  mergeConfig(sharedConfig('crew'), {
    plugins: [serviceWorker({ source: 'src/crew/sw.ts', shell: '/crew/' })],
    server: {
      port: 5174,
      proxy: {
        '/api': process.env['LAMPLIGHTER_URL'] ?? 'http://127.0.0.1:8000',
        '/sync': process.env['LAMPLIGHTER_URL'] ?? 'http://127.0.0.1:8000',
      },
    },
  }),
)
