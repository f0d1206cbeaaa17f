import type { SyncClient } from '@sync/client'

/**
 * Rounds begin at start, when the link comes back, when the page is looked at again, and by the engine's own timer.
 * Background Sync exists in Chromium only, so nothing here counts on it.
 */
export function flushOnEveryOccasion(sync: SyncClient): void {
  const now = (): void => {
    if (sync.started) void sync.sync()
  }
  if (!navigator.onLine) sync.cut()
  addEventListener('online', now)
  addEventListener('offline', () => sync.cut())
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') now()
  })
  navigator.serviceWorker?.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (event.data === 'flush') now()
  })
}
