import { defineConfig, mergeConfig } from 'vite'
import packageInfo from './package.json' with { type: 'json' }
import { serviceWorker } from './sw-plugin.ts'
import { sharedConfig } from './vite.shared.ts'

export default defineConfig(
  mergeConfig(sharedConfig('crew'), {
    // The tablet's components are all of the composition kind; leaving the other kind out is 3 KB at every start.
    define: { __APP_VERSION__: JSON.stringify(packageInfo.version), __VUE_OPTIONS_API__: 'false' },
    build: {
      rollupOptions: {
        // What the start needs lies in one file: many small ones compress worse, and each costs the start its imports.
        // So does the list of jobs with what its cards are made of.
        output: {
          codeSplitting: {
            groups: [
              { name: 'start', tags: ['$initial'] },
              { name: 'list', test: /JobsScreen|JobCard|Choices|LowSpace|FilesHere|PriorityChip|SyncBadge/ },
            ],
          },
        },
      },
    },
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
