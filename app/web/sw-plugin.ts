import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { build, type Plugin, type ResolvedConfig } from 'vite'

interface Options {
  /** The worker's source, relative to the Vite root. */
  readonly source: string
  /** The address that answers with the page itself; it has no hash in its name, so it gets a revision. */
  readonly shell: string
}

interface PrecacheEntry {
  readonly url: string
  readonly revision: string | null
}

const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16)

/** Everything the crew page needs to start without a link, as workbox-precaching expects it. */
function precacheList(config: ResolvedConfig, shell: string): PrecacheEntry[] {
  const { outDir } = config.build
  const entries: PrecacheEntry[] = [{ url: shell, revision: digest(join(outDir, 'crew.html')) }]
  for (const file of readdirSync(outDir, { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath, file.name)
    const name = path.slice(outDir.length + 1).replaceAll('\\', '/')
    if (!file.isFile() || name.startsWith('.vite/') || name === 'crew.html' || /\.(map|br|gz)$/.test(name)) continue
    const hashed = name.startsWith('assets/')
    entries.push({ url: config.base + name, revision: hashed ? null : digest(path) })
  }
  return entries.sort((a, b) => a.url.localeCompare(b.url))
}

/**
 * Builds the service worker after the page, with the list of the page's files as `self.__PRECACHE__`.
 * Replaces vite-plugin-pwa, whose workbox-build pulls a bundler that does not install from every registry copy.
 */
export function serviceWorker({ source, shell }: Options): Plugin {
  let config: ResolvedConfig
  return {
    name: 'lamplighter:service-worker',
    apply: 'build',
    configResolved(resolved) {
      config = resolved
    },
    async closeBundle() {
      await build({
        configFile: false,
        root: config.root,
        publicDir: false,
        logLevel: 'warn',
        resolve: { alias: config.resolve.alias },
        define: {
          'self.__PRECACHE__': JSON.stringify(precacheList(config, shell)),
          'process.env.NODE_ENV': '"production"',
        },
        build: {
          outDir: config.build.outDir,
          emptyOutDir: false,
          target: 'chrome114',
          reportCompressedSize: false,
          lib: { entry: join(config.root, source), formats: ['iife'], name: 'lamplighter', fileName: () => 'sw.js' },
        },
      })
    },
  }
}
