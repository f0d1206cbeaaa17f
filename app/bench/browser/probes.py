"""Scripts that run in the page before its own, and note times there: `window.probe`.

Times are `performance.now()`: milliseconds since the navigation began.
"""

from __future__ import annotations

# A map frame counts when the page has its pixels. A map that software draws fetches them from a canvas nobody sees and
# puts them on the page; any other clears the page's own canvas in one callback, whose end the microtask waits for.
# While the next is drawn the page moves the picture it has with the camera: `probe.moved` counts those frames.
# `probe.after(n, ms)` resolves with how many of either kind there are, once they are more than n or the time is over.
MAP_FRAMES = """
(() => {
  const waiting = new Set()
  const count = () => probe.frames + probe.moved
  const after = (n, ms) => new Promise((resolve) => {
    if (count() > n) return resolve(count())
    waiting.add(resolve)
    setTimeout(() => (waiting.delete(resolve), resolve(count())), ms)
  })
  const probe = (window.probe = { frames: 0, moved: 0, first: null, last: null, after })
  const tell = () => {
    for (const resolve of waiting) resolve(count())
    waiting.clear()
  }
  const shown = () => {
    probe.frames += 1
    probe.last = performance.now()
    probe.first ??= probe.last
    tell()
  }
  let at = ''
  new MutationObserver(([{ target }]) => {
    if (!target.matches('.maplibregl-canvas') || target.style.transform === at) return
    at = target.style.transform
    probe.moved += 1
    tell()
  }).observe(document, { subtree: true, attributeFilter: ['style'] })
  const { clear } = WebGL2RenderingContext.prototype
  const { putImageData } = CanvasRenderingContext2D.prototype
  let drawing = false
  WebGL2RenderingContext.prototype.clear = function (mask) {
    if (!drawing && this.canvas instanceof HTMLCanvasElement) {
      drawing = true
      queueMicrotask(() => {
        drawing = false
        shown()
      })
    }
    return clear.call(this, mask)
  }
  CanvasRenderingContext2D.prototype.putImageData = function (...told) {
    putImageData.apply(this, told)
    if (this.canvas.isConnected) shown()
  }
})()
"""

# `probe.seen` resolves with the time at which something first matched the selector, after the frame that shows it.
FIRST_SEEN = """
(() => {
  const seen = new Promise((resolve) => {
    const watcher = new MutationObserver(() => {
      if (!document.querySelector(SELECTOR)) return
      watcher.disconnect()
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now())))
    })
    watcher.observe(document, { childList: true, subtree: true })
  })
  window.probe = { seen }
})()
"""

# Resolves with the milliseconds from the next pointer's touch to the frame that shows the selector.
TOUCH_TO_SEEN = """
(selector) => {
  window.touched = new Promise((resolve) => {
    let at = null
    addEventListener('pointerdown', (event) => { at ??= event.timeStamp }, { capture: true, once: true })
    const watcher = new MutationObserver(() => {
      if (at === null || !document.querySelector(selector)) return
      watcher.disconnect()
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - at)))
    })
    watcher.observe(document, { childList: true, subtree: true, attributes: true })
  })
}
"""

# Resolves with the milliseconds from the browser's `online` event until the text no longer is what it was.
ONLINE_TO_TEXT = """
([selector, wanted]) => {
  window.drained = new Promise((resolve) => {
    addEventListener('online', () => {
      const at = performance.now()
      const look = () => {
        if (document.querySelector(selector)?.textContent.trim() !== wanted) return
        watcher.disconnect()
        resolve(performance.now() - at)
      }
      const watcher = new MutationObserver(look)
      watcher.observe(document, { childList: true, subtree: true, characterData: true })
    }, { once: true })
  })
}
"""

# Every interaction (Event Timing): its longest event from the input to the next paint, and what it was.
INTERACTIONS = """
(() => {
  const probe = (window.probe = { interactions: {} })
  const note = ({ interactionId, duration, name, target }) => {
    if (!interactionId || (probe.interactions[interactionId]?.ms ?? 0) >= duration) return
    const on = target instanceof Element ? `${target.localName}.${target.classList[0] ?? ''}` : ''
    probe.interactions[interactionId] = { ms: duration, name, on }
  }
  new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({
    type: 'event', durationThreshold: 16, buffered: true,
  })
})()
"""


# `probe.moves`: milliseconds from each pointer move or wheel turn to the end of the frame that answers it.
MOVES_TO_FRAME = """
() => {
  window.probe = { moves: [] }
  const note = ({ timeStamp }) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => probe.moves.push(performance.now() - timeStamp)
    port2.postMessage(null)
  })
  for (const name of ['pointermove', 'wheel']) addEventListener(name, note, { capture: true, passive: true })
}
"""


def first_seen(selector: str) -> str:
    """The script that notes when a selector first matches, as `probe.seen`."""
    return FIRST_SEEN.replace("SELECTOR", repr(selector))
