import { ref } from 'vue'
import type { Router } from 'vue-router'
import { outstanding } from '@sync/status'
import { storage, sync } from './services'
import { QUIET, totalFiles } from './status'

/** A new version is here and waits until it can do no harm. */
export const updateWaiting = ref(false)
/** Without a service worker the app does not start offline. */
export const offlineReady = ref(false)

let waiting: ServiceWorker | null = null
let reloading = false

/** Register the worker and let a new version in when the queue is empty and nothing is being filled in. */
export function watchForUpdates(router: Router): void {
  if (!('serviceWorker' in navigator) || import.meta.env.DEV) return
  // The first worker takes control without a reload; behind a newer one the files of this page are gone.
  const takenOver = navigator.serviceWorker.controller !== null
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    if (takenOver) location.reload()
  })
  void navigator.serviceWorker.ready.then(() => {
    offlineReady.value = true
  })
  void navigator.serviceWorker.register('/crew/sw.js', { scope: '/crew/' }).then((registration) => {
    const look = (): void => {
      if (registration.waiting === null || navigator.serviceWorker.controller === null) return
      waiting = registration.waiting
      updateWaiting.value = true
      void updateWhenSafe(router)
    }
    look()
    registration.addEventListener('updatefound', () => {
      registration.installing?.addEventListener('statechange', look)
    })
    sync.onChange(() => void updateWhenSafe(router))
    router.afterEach(() => void updateWhenSafe(router))
  })
}

async function updateWhenSafe(router: Router): Promise<void> {
  if (waiting === null || router.currentRoute.value.meta.busy || sync.phase !== 'idle') return
  const left = await outstanding(storage, QUIET)
  if (left.ops + totalFiles(left) === 0) applyUpdate()
}

/** The person may ask for it at any time: everything is on the disk. */
export function applyUpdate(): void {
  if (waiting === null || reloading) return
  reloading = true
  waiting.postMessage('activate')
}
