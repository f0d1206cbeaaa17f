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
/** Signs fade while the map moves: without, the library places every sign anew in every frame. */
const FADE_MS = 100

/**
 * Software draws a frame with the processors that everybody else needs too: frames keep apart, wait for tiles on their
 * way, and until hands rest that are busy elsewhere on the page. At rest a frame is whole at once: signs that fade are
 * five more of them. A map in motion draws as fast as it can.
 */
export function drawBetweenWork(map: MapLibreMap): void {
  const draw = map.triggerRepaint.bind(map)
  const over = new AbortController()
  let handsRest = 0
  let drawnAt = 0
  let askedAt: number | null = null
  let unfinished = false
  let asksForTiles = true
  const known = new Set<string>()
  let timer: ReturnType<typeof setTimeout> | undefined
  const until = (now: number): number => {
    if (map.isMoving()) return now
    const latest = (askedAt ?? now) + LONGEST_MS
    if (!asksForTiles && !map._styleDirty && !map.areTilesLoaded()) return latest
    // What a frame itself asks for ends what it began: colours that pass into one another.
    return Math.min(Math.max(handsRest, unfinished ? 0 : drawnAt + NEWS_MS), latest)
  }
  const decide = (): void => {
    const now = performance.now()
    clearTimeout(timer)
    if (askedAt === null) return
    const wait = until(now) - now
    map._fadeDuration = map.isMoving() ? FADE_MS : 0
    if (wait > 0) timer = setTimeout(decide, wait)
    else draw()
  }
  // What asks for a frame may be about to ask for tiles too.
  const ask = (): void => {
    askedAt ??= performance.now()
    queueMicrotask(decide)
  }
  const rest = ({ target }: Event): void => {
    if (!map.getCanvasContainer().contains(target as Node)) handsRest = performance.now() + HANDS_MS
  }
  map.triggerRepaint = ask
  map.on('move', () => (asksForTiles = true))
  map.on('data', (event) => {
    // Tiles of a source are first asked for by the frame after it is there.
    if (event.dataType === 'source' && (event.sourceDataType !== 'metadata' || known.has(event.sourceId))) return
    if (event.dataType === 'source') known.add(event.sourceId)
    asksForTiles = true
  })
  map.on('render', () => {
    // Without fading every sign has just found its place; the library places them again after new tiles all the same.
    if (map._fadeDuration === 0) map._placementDirty = false
    drawnAt = performance.now()
    askedAt = null
    asksForTiles = false
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
