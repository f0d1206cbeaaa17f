/**
 * The ground of a map that software draws: streets and networks, thousands of lines, cost five times what moves on them
 * does. While they stand still, a frame begins with a picture of them.
 */
import type { CustomLayerInterface, Map as MapLibreMap } from 'maplibre-gl'
import { LIVE } from './style'

const KEPT = 'kept-ground'

interface Picture {
  readonly frame: WebGLFramebuffer
  readonly store: WebGLRenderbuffer
  readonly width: number
  readonly height: number
}

export class KeptGround implements CustomLayerInterface {
  readonly id = KEPT
  readonly type = 'custom'
  private picture: Picture | null = null
  private current = false

  constructor(private readonly map: MapLibreMap) {
    for (const event of ['move', 'resize', 'webglcontextlost'] as const) map.on(event, () => (this.current = false))
    map.on('webglcontextlost', () => (this.picture = null))
    map.on('webglcontextrestored', () => this.leadPainter())
    map.on('data', (event) => {
      const isLive = event.dataType === 'source' && LIVE.some((one) => one === event.sourceId)
      if (!isLive) this.current = false
    })
    // Signs are not of the ground: they give way to each other, and to what moves. A style that comes back after its
    // context was lost comes without this layer.
    map.on('style.load', () => map.addLayer(this, map.getStyle().layers.find(({ type }) => type === 'symbol')?.id))
    this.leadPainter()
  }

  /** Called where the ground is drawn and the signs are not. */
  render(gl: WebGL2RenderingContext | WebGLRenderingContext): void {
    if (!('blitFramebuffer' in gl)) return
    if (this.current) this.copy(gl, { from: this.picture?.frame ?? null, to: null })
    else if (this.isAtRest()) {
      this.fit(gl)
      this.copy(gl, { from: null, to: this.picture?.frame ?? null })
      this.current = true
    }
  }

  /** The painter leaves out what the picture shows. */
  private leadPainter(): void {
    const { painter } = this.map
    const render = painter.render.bind(painter)
    painter.render = (style, transform, data) => {
      const above = style._order.slice(style._order.indexOf(KEPT))
      render(
        this.current ? (Object.create(style, { _order: { value: above } }) as typeof style) : style,
        transform,
        data,
      )
    }
  }

  private isAtRest(): boolean {
    return !this.map.isMoving() && !this.map.style.hasTransitions() && this.map._crossFadingFactor === 1
  }

  private fit(gl: WebGL2RenderingContext): void {
    const { drawingBufferWidth: width, drawingBufferHeight: height } = gl
    if (this.picture?.width === width && this.picture.height === height) return
    this.drop(gl)
    const frame = gl.createFramebuffer()
    const store = gl.createRenderbuffer()
    gl.bindRenderbuffer(gl.RENDERBUFFER, store)
    gl.renderbufferStorage(gl.RENDERBUFFER, gl.RGBA8, width, height)
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame)
    gl.framebufferRenderbuffer(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.RENDERBUFFER, store)
    this.picture = { frame, store, width, height }
  }

  private drop(gl: WebGL2RenderingContext): void {
    if (!this.picture) return
    gl.deleteFramebuffer(this.picture.frame)
    gl.deleteRenderbuffer(this.picture.store)
  }

  private copy(gl: WebGL2RenderingContext, way: { from: WebGLFramebuffer | null; to: WebGLFramebuffer | null }): void {
    const { drawingBufferWidth: width, drawingBufferHeight: height } = gl
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, way.from)
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, way.to)
    gl.blitFramebuffer(0, 0, width, height, 0, 0, width, height, gl.COLOR_BUFFER_BIT, gl.NEAREST)
    gl.bindFramebuffer(gl.FRAMEBUFFER, null)
  }
}
