import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'
import { alias } from './vite.shared.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: here('../..'),
  cacheDir: here('./node_modules/.vite'),
  plugins: [vue()],
  resolve: {
    alias: {
      ...alias,
      // The sync client's tests live outside this package and find the tools here.
      vitest: here('./node_modules/vitest'),
      'fake-indexeddb': here('./node_modules/fake-indexeddb'),
    },
  },
  test: {
    include: ['app/web/src/**/*.test.ts', 'mobile_sync/client/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    environment: 'node',
    maxWorkers: 2,
  },
})
