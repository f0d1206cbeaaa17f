/** The first screen comes first: what else a start does waits until it stands there, for one slow processor does it all. */

/** A page that nobody looks at draws no frame; it does not hold up the rest for longer than this, in milliseconds. */
const PATIENCE_MS = 4000

let held = 0
let tell = (): void => undefined

/** The first screen stands there with what it was opened for. */
export const firstShown = new Promise<void>((resolve) => {
  tell = resolve
  setTimeout(resolve, PATIENCE_MS)
})

/** The first screen still misses something until the returned function is called; the frame after the last one shows it. */
export function hold(): () => void {
  held += 1
  return () => {
    held -= 1
    if (held === 0) requestAnimationFrame(() => setTimeout(tell))
  }
}
