/// <reference lib="webworker" />
import {
  cleanupOutdatedCaches,
  createHandlerBoundToURL,
  precacheAndRoute,
  type PrecacheEntry,
} from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'

declare const self: ServiceWorkerGlobalScope & { __PRECACHE__: PrecacheEntry[] }

/** Everything the app needs to start is stored at install; every address below /crew/ is answered with its page. */
precacheAndRoute(self.__PRECACHE__)
cleanupOutdatedCaches()
registerRoute(new NavigationRoute(createHandlerBoundToURL('/crew/'), { allowlist: [/^\/crew\//] }))

// A new version waits until the page says that nothing is queued and no form is open.
self.addEventListener('message', (event) => {
  if (event.data === 'activate') void self.skipWaiting()
})

self.addEventListener('activate', (event) => {
  event.waitUntil(self.clients.claim())
})

// Chromium's Background Sync, where it exists: wake an open page; the page does the work.
self.addEventListener('sync', (event) => {
  const extendable = event as ExtendableEvent
  extendable.waitUntil(
    self.clients.matchAll({ type: 'window' }).then((pages) => {
      for (const page of pages) page.postMessage('flush')
    }),
  )
})
