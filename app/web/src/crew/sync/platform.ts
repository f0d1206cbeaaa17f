import type { Clock, Locks } from '@sync/world'

export const browserClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, wake) {
    const timer = setTimeout(wake, ms)
    return () => clearTimeout(timer)
  },
}

/** One sender for all tabs. Without Web Locks (plain http) only this tab is guarded; the server counts once anyway. */
export function browserLocks(): Locks {
  const held = new Set<string>()
  const here = async <T>(name: string, work: () => Promise<T>): Promise<T | null> => {
    if (held.has(name)) return null
    held.add(name)
    try {
      return await work()
    } finally {
      held.delete(name)
    }
  }
  if (!('locks' in navigator)) return { only: here }
  return {
    only: <T>(name: string, work: () => Promise<T>) =>
      navigator.locks.request(name, { ifAvailable: true }, (lock) =>
        lock === null ? null : work(),
      ) as Promise<T | null>,
  }
}

/** Service worker, camera, keys and locks all need https (or this machine itself). */
export const isSecure = (): boolean => window.isSecureContext
