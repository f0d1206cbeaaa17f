import type { SyncClient } from '@sync/client'
import type { Problem } from '@sync/protocol'
import { Fault } from '@sync/world'

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

/** What follows a round: carried files go along; what the centre asked for is done. Loaded when it is needed. */
export function followRounds(sync: SyncClient, then: { done: () => Promise<void>; erase: () => Promise<void> }): void {
  let seen = sync.last
  sync.onChange(() => {
    const last = sync.last
    if (last === seen || last === null) return
    seen = last
    if (last.kind === 'done') void then.done().catch(unlessFault)
    else if (last.kind === 'fault' && eraseAsked(last.problem)) void then.erase().catch(unlessFault)
  })
}

/** SPEC E1. */
export function eraseAsked({ code, params }: Problem): boolean {
  return (code === 'device_revoked' || code === 'device-revoked') && params?.['wipe'] === true
}

/** What the link or the centre did is tried again after the next round. */
function unlessFault(error: unknown): void {
  if (!(error instanceof Fault)) throw error
}
