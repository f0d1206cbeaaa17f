import { ref } from 'vue'
import type { Router } from 'vue-router'
import { outstanding } from '@sync/status'
import { storage, sync } from './services'
import { firstShown } from './shown'
import { QUIET, totalFiles } from './status'

/** A new version is here and waits until it can do no harm. */
export const updateWaiting = ref(false)
/** Without a service worker and all of the app's files the app does not start offline. */
export const offlineReady = ref(false)

/** Held, shared, by every page that has something half filled in: a new version reloads all pages at once. */
const FILLING_IN = 'lamplighter.filling-in'

let waiting: ServiceWorker | null = null
let reloading = false
let filledIn: (() => void) | null = null

/** Register the worker and let a new version in when the queue is empty and nothing is being filled in. */
export function watchForUpdates(router: Router): void {
  if (!('serviceWorker' in navigator) || import.meta.env.DEV) return
  // The first worker takes control without a reload; behind a newer one the files of this page are gone.
  let takenOver = navigator.serviceWorker.controller !== null
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    if (takenOver) location.reload()
    takenOver = true
  })
  void firstShown.then(() => navigator.serviceWorker.ready).then(({ active }) => checkFiles(active))
  addEventListener('online', () => checkFiles(navigator.serviceWorker.controller))
  const registered = firstShown.then(() => navigator.serviceWorker.register('/crew/sw.js', { scope: '/crew/' }))
  void registered.then((registration) => {
    const look = (): void => {
      if (registration.waiting === null || navigator.serviceWorker.controller === null) return
      waiting = registration.waiting
      updateWaiting.value = true
      void updateWhenSafe()
    }
    look()
    registration.addEventListener('updatefound', () => {
      registration.installing?.addEventListener('statechange', look)
    })
    sync.onChange(() => void updateWhenSafe())
    router.afterEach(() => void updateWhenSafe())
  })
  router.afterEach((to) => fillIn(to.meta.busy === true))
}

/** What the browser threw away of the app's files is fetched again. */
function checkFiles(worker: ServiceWorker | null): void {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = ({ data }: MessageEvent<boolean>) => {
    offlineReady.value = data
  }
  worker?.postMessage('complete?', [port2])
}

function fillIn(busy: boolean): void {
  filledIn?.()
  filledIn = null
  if (!busy || !('locks' in navigator)) return
  const until = new Promise<void>((resolve) => {
    filledIn = resolve
  })
  void navigator.locks.request(FILLING_IN, { mode: 'shared' }, () => until)
}

async function updateWhenSafe(): Promise<void> {
  if (waiting === null || sync.phase !== 'idle') return
  const left = await outstanding(storage, QUIET)
  if (left.ops + totalFiles(left) > 0) return
  await navigator.locks.request(FILLING_IN, { ifAvailable: true }, (nobody) => {
    if (nobody !== null) applyUpdate()
  })
}

/** The person may ask for it at any time: everything is on the disk. */
export function applyUpdate(): void {
  if (waiting === null || reloading) return
  reloading = true
  waiting.postMessage('activate')
}
