/**
 * A map drawn aside. Software draws a frame in 50 to 500 ms, and a page that shows its canvas stands still so long with
 * every frame, because the browser reads the pixels back before it goes on. So the library draws on a canvas nobody
 * sees, the pixels are fetched when they are ready, and the canvas on the page only ever shows the last picture.
 */
import { Map as MapLibreMap, type MapOptions } from 'maplibre-gl'

/** How often to ask whether a picture is ready. */
const LOOK_MS = 16

export class AsideMap extends MapLibreMap {
  // The library's constructor already asks for them: they have no values of their own here.
  declare private picture: Picture | undefined
  declare private asked: boolean | undefined

  constructor(options: MapOptions) {
    super(options)
    this.on('render', () => this.picture?.take())
    this.once('remove', () => this.picture?.drop())
  }

  /** Calls back whenever the page shows what the map drew. */
  onShown(shown: () => void): void {
    this.picture?.listeners.push(shown)
  }

  /** One frame is under way at a time: the next is drawn when the page shows this one. */
  override triggerRepaint(): void {
    if (this.picture?.isUnderWay) this.asked = true
    else super.triggerRepaint()
  }

  /** Where the library asks its canvas for a context; once more when a lost context has come back. */
  override _setupPainter(): void {
    this.picture ??= new Picture(this._canvas, () => {
      if (this.asked) queueMicrotask(() => this.triggerRepaint())
      this.asked = false
    })
    super._setupPainter()
  }

  override _resizeCanvas(width: number, height: number, pixelRatio: number): void {
    super._resizeCanvas(width, height, pixelRatio)
    this.picture?.fit()
  }
}

/** The canvas drawn on, and its last pixels on the canvas of the page. */
class Picture {
  readonly listeners: (() => void)[]
  private readonly drawn: OffscreenCanvas
  private readonly page: CanvasRenderingContext2D | null
  private gl: WebGL2RenderingContext | null = null
  private buffer: WebGLBuffer | null = null
  private underWay: { readonly fence: WebGLSync; readonly width: number; readonly height: number } | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  private newer = false
  private last: ImageData | null = null

  constructor(
    private readonly canvas: HTMLCanvasElement,
    shown: () => void,
  ) {
    this.listeners = [shown]
    this.drawn = new OffscreenCanvas(canvas.width, canvas.height)
    this.page = canvas.getContext('2d', { alpha: false })
    const getContext = (kind: 'webgl2', attributes?: WebGLContextAttributes): WebGL2RenderingContext | null =>
      (this.gl = this.drawn.getContext(kind, attributes))
    Object.assign(canvas, { getContext })
    for (const name of ['webglcontextlost', 'webglcontextrestored']) {
      this.drawn.addEventListener(name, (event) => {
        this.buffer = null
        if (!canvas.dispatchEvent(new Event(name, { cancelable: true }))) event.preventDefault()
      })
    }
  }

  get isUnderWay(): boolean {
    return this.underWay !== null
  }

  /** The size of the page's canvas, which a new size has emptied. */
  fit(): void {
    this.drawn.width = this.canvas.width
    this.drawn.height = this.canvas.height
    this.show()
  }

  /** Fetch what has just been drawn. */
  take(): void {
    const { gl, drawn } = this
    this.newer = this.underWay !== null
    if (!gl || this.newer) return
    const { width, height } = drawn
    this.buffer ??= gl.createBuffer()
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, null)
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, this.buffer)
    gl.bufferData(gl.PIXEL_PACK_BUFFER, width * height * 4, gl.STREAM_READ)
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, 0)
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null)
    const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0)
    gl.flush()
    if (!fence) return
    this.underWay = { fence, width, height }
    this.timer = setTimeout(() => this.look(), LOOK_MS)
  }

  drop(): void {
    clearTimeout(this.timer)
  }

  private look(): void {
    const { gl, underWay } = this
    if (!gl || !underWay) return
    const state = gl.clientWaitSync(underWay.fence, 0, 0)
    if (state === gl.TIMEOUT_EXPIRED) {
      this.timer = setTimeout(() => this.look(), LOOK_MS)
      return
    }
    if (state !== gl.WAIT_FAILED) this.fetch(gl, underWay)
    gl.deleteSync(underWay.fence)
    this.underWay = null
    for (const shown of this.listeners) shown()
    if (this.newer) this.take()
  }

  /** The pixels come with the lowest row first. */
  private fetch(
    gl: WebGL2RenderingContext,
    { width, height }: { readonly width: number; readonly height: number },
  ): void {
    const row = width * 4
    const pixels = new Uint8Array(row * height)
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, this.buffer)
    gl.getBufferSubData(gl.PIXEL_PACK_BUFFER, 0, pixels)
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null)
    if (this.last?.width !== width || this.last.height !== height) this.last = new ImageData(width, height)
    for (let y = 0; y < height; y++) this.last.data.set(pixels.subarray(y * row, (y + 1) * row), (height - 1 - y) * row)
    this.show()
  }

  /** In the middle: that is the place a map keeps when its size changes. */
  private show(): void {
    const { last, canvas } = this
    if (last) this.page?.putImageData(last, (canvas.width - last.width) >> 1, (canvas.height - last.height) >> 1)
  }
}
