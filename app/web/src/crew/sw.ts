/// <reference lib="webworker" />
import { cleanupOutdatedCaches, PrecacheController, PrecacheRoute, type PrecacheEntry } from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'

declare const self: ServiceWorkerGlobalScope & { __PRECACHE__: PrecacheEntry[] }

/** Everything the app needs to start is stored at install; every address below /crew/ is answered with its page. */
const files = new PrecacheController()
files.addToCacheList(self.__PRECACHE__)
registerRoute(new PrecacheRoute(files))
registerRoute(new NavigationRoute(files.createHandlerBoundToURL('/crew/'), { allowlist: [/^\/crew\//] }))
cleanupOutdatedCaches()

self.addEventListener('install', (event) => {
  event.waitUntil(files.install(event))
})

self.addEventListener('activate', (event) => {
  event.waitUntil(Promise.all([files.activate(event), self.clients.claim()]))
})

// A new version waits until the page says that nothing is queued and no form is open.
self.addEventListener('message', (event) => {
  if (event.data === 'activate') void self.skipWaiting()
  if (event.data === 'complete?') event.waitUntil(complete().then((whole) => event.ports[0]?.postMessage(whole)))
})

/** A browser short of room may throw files away and keep the worker: fetches what is missing; true where none is. */
async function complete(): Promise<boolean> {
  const cache = await caches.open(files.strategy.cacheName)
  const kept = new Set((await cache.keys()).map((request) => request.url))
  const missing = [...files.getURLsToCacheKeys()].filter(([, key]) => !kept.has(key))
  const fetched = missing.map(async ([url, key]) => {
    const response = await fetch(url, { cache: 'reload' })
    if (!response.ok || response.redirected) throw new TypeError(`${url} is not to be had`)
    await cache.put(key, response)
  })
  return Promise.all(fetched).then(
    () => true,
    () => false,
  )
}

// Chromium's Background Sync, where it exists: wake an open page; the page does the work.
self.addEventListener('sync', (event) => {
  const extendable = event as ExtendableEvent
  extendable.waitUntil(
    self.clients.matchAll({ type: 'window' }).then((pages) => {
      for (const page of pages) page.postMessage('flush')
    }),
  )
})
