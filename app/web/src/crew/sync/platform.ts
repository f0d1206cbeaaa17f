import type { Clock, Locks } from '@sync/world'

export const browserClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, wake) {
    const timer = setTimeout(wake, ms)
    return () => clearTimeout(timer)
  },
}

/** One sender for all tabs. Without Web Locks (plain http) each tab sends for itself; the server counts once anyway. */
export function browserLocks(): Locks {
  if (!('locks' in navigator)) return { only: (_name, work) => work(), freed: () => Promise.resolve() }
  return {
    only: <T>(name: string, work: () => Promise<T>) =>
      navigator.locks.request(name, { ifAvailable: true }, (lock) =>
        lock === null ? null : work(),
      ) as Promise<T | null>,
    freed: (name) => navigator.locks.request(name, () => undefined) as Promise<void>,
  }
}

/** Service worker, camera, keys and locks all need https (or this machine itself). */
export const isSecure = (): boolean => window.isSecureContext
