/** Whether a write failed because this tablet has no room left; Dexie wraps the browser's own error. */
export function isFull(error: unknown): boolean {
  let one = error
  while (one instanceof Error || one instanceof DOMException) {
    if (one.name === 'QuotaExceededError') return true
    one = (one as { inner?: unknown }).inner
  }
  return false
}
