import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import type { UserConfig } from 'vite'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export const alias = {
  '@shared': here('./src/shared'),
  '@desk': here('./src/desk'),
  '@crew': here('./src/crew'),
  '@sync': here('../../mobile_sync/client/src'),
}

/** What both builds share. Chromium 114 is the floor: ArkWeb of HarmonyOS 4.1 and the tablets in the field. */
export function sharedConfig(name: 'desk' | 'crew'): UserConfig {
  return {
    root: here('.'),
    base: `/ui/${name}/`,
    plugins: [vue()],
    resolve: { alias },
    define: {
      __VUE_OPTIONS_API__: 'true',
      __VUE_PROD_DEVTOOLS__: 'false',
      __VUE_I18N_FULL_INSTALL__: 'false',
      __VUE_I18N_LEGACY_API__: 'false',
      __INTLIFY_PROD_DEVTOOLS__: 'false',
    },
    build: {
      outDir: here(`../static/ui/${name}`),
      emptyOutDir: true,
      target: 'chrome114',
      // The content policy has no `data:` for scripts or fonts, and a hashed file is cached for a year anyway.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      manifest: true,
      reportCompressedSize: false,
      chunkSizeWarningLimit: 1200,
      rollupOptions: { input: here(`./${name}.html`) },
    },
  }
}
