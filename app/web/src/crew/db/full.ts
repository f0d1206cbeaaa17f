import { Fault } from '@sync/world'

/** Whether a write failed because this tablet has no room left; Dexie wraps the browser's own error. */
export function isFull(error: unknown): boolean {
  let one = error
  while (one instanceof Error || one instanceof DOMException) {
    if (one.name === 'QuotaExceededError' || (one instanceof Fault && one.kind === 'full')) return true
    one = (one as { inner?: unknown }).inner
  }
  return false
}

/** For work whose want of room the screen tells already: anything else is thrown on. */
export function unlessFull(error: unknown): void {
  if (!isFull(error)) throw error
}
