/** What a map drawn by software, as on a thin client, spares the people before it. */
import type { Map as MapLibreMap } from 'maplibre-gl'

/** What software that stands in for a graphics card calls itself: Chromium, Mesa, Windows. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|basic render/i

export function isDrawnBySoftware(): boolean {
  const gl = document.createElement('canvas').getContext('webgl2')
  const names = gl?.getExtension('WEBGL_debug_renderer_info')
  const name: unknown = gl && names ? gl.getParameter(names.UNMASKED_RENDERER_WEBGL) : ''
  gl?.getExtension('WEBGL_lose_context')?.loseContext()
  return SOFTWARE.test(String(name))
}

/** From a key or a touch on until the map draws again: who walks through a list presses the next key sooner. */
const HANDS_MS = 300
/** From one frame on to the next that news asks for: tiles come one by one. */
const NEWS_MS = 150
/** So long the map waits at most. */
const LONGEST_MS = 1000

/**
 * While software draws a frame, 50 to 100 ms, the page answers nobody: frames keep apart, and wait until hands rest that
 * are busy elsewhere on the page. A map in motion draws as fast as it can.
 */
export function drawBetweenWork(map: MapLibreMap): void {
  const draw = map.triggerRepaint.bind(map)
  const over = new AbortController()
  let handsRest = 0
  let drawnAt = 0
  let askedAt: number | null = null
  let unfinished = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const until = (now: number): number => {
    if (map.isMoving()) return now
    // What a frame itself asks for ends what it began: signs that are placed by and by, or fade.
    return Math.min(Math.max(handsRest, unfinished ? 0 : drawnAt + NEWS_MS), (askedAt ?? now) + LONGEST_MS)
  }
  const ask = (): void => {
    const now = performance.now()
    askedAt ??= now
    clearTimeout(timer)
    const wait = until(now) - now
    if (wait > 0) timer = setTimeout(ask, wait)
    else draw()
  }
  const rest = ({ target }: Event): void => {
    if (!map.getCanvasContainer().contains(target as Node)) handsRest = performance.now() + HANDS_MS
  }
  map.triggerRepaint = ask
  map.on('render', () => {
    drawnAt = performance.now()
    askedAt = null
    unfinished = true
    queueMicrotask(() => (unfinished = askedAt !== null))
  })
  for (const hand of ['keydown', 'keyup', 'pointerdown', 'pointerup']) {
    document.addEventListener(hand, rest, { capture: true, signal: over.signal })
  }
  map.once('remove', () => {
    clearTimeout(timer)
    over.abort()
  })
}
