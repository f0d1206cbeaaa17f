/**
 * A map drawn aside. Software draws a frame in 50 to 500 ms, and a page that shows its canvas stands still so long with
 * every frame, because the browser reads the pixels back before it goes on. So the library draws on a canvas nobody
 * sees, the pixels are fetched when they are ready, and the canvas on the page only ever shows the last picture,
 * which moves with the camera while the next is drawn.
 */
import { Map as MapLibreMap, type LngLat, type MapOptions } from 'maplibre-gl'

/** How soon to ask whether a picture is ready, and how soon again as a share of the time it has taken so far. */
const LOOK_MS = 16
const LOOK_AGAIN = 0.25

/** Where a picture was taken from. */
interface Camera {
  readonly centre: LngLat
  readonly zoom: number
}

export class AsideMap extends MapLibreMap {
  // The library's constructor already asks for them: they have no values of their own here.
  declare private picture: Picture | undefined
  declare private asked: boolean | undefined
  declare private gliding: number | undefined

  constructor(options: MapOptions) {
    super(options)
    this.on('render', () => this.picture?.take({ centre: this.getCenter(), zoom: this.getZoom() }))
    for (const event of ['move', 'resize'] as const) this.on(event, () => this.follow())
    this.once('remove', () => {
      cancelAnimationFrame(this.gliding ?? 0)
      this.picture?.drop()
    })
  }

  /** One frame is under way at a time: the next is drawn when the page shows this one. */
  override triggerRepaint(): void {
    if (!this.picture?.isUnderWay) super.triggerRepaint()
    else {
      this.asked = true
      this.gliding ??= requestAnimationFrame((now) => this.glide(now))
    }
  }

  /** What moves the camera, a hand or an animation, waits for no picture. */
  private glide(now: number): void {
    this.gliding = undefined
    this._renderTaskQueue.run(now)
  }

  /** The last picture stands where the camera sees what is on it. */
  private follow(): void {
    const from = this.picture?.from
    if (!from) return
    const { style, clientWidth, clientHeight } = this._canvas
    const scale = 2 ** (this.getZoom() - from.zoom)
    const { x, y } = this.project(from.centre)
    const [dx, dy] = [Math.round(x - clientWidth / 2), Math.round(y - clientHeight / 2)]
    style.transform = dx || dy || scale !== 1 ? `translate(${dx}px, ${dy}px) scale(${scale})` : ''
  }

  /** Where the library asks its canvas for a context; once more when a lost context has come back. */
  override _setupPainter(): void {
    this.picture ??= new Picture(this._canvas, () => {
      this.follow()
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

/** What was drawn and is not on the page yet. */
interface UnderWay {
  readonly fence: WebGLSync
  readonly width: number
  readonly height: number
  readonly camera: Camera
  readonly since: number
}

/** The canvas drawn on, and its last pixels on the canvas of the page. */
class Picture {
  /** Where the picture on the page was taken from. */
  from: Camera | null = null
  private readonly drawn: OffscreenCanvas
  private readonly page: CanvasRenderingContext2D | null
  private gl: WebGL2RenderingContext | null = null
  private buffer: WebGLBuffer | null = null
  private underWay: UnderWay | null = null
  private camera: Camera | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  private newer = false
  private pixels = new Uint8Array()
  private last: ImageData | null = null

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly shown: () => void,
  ) {
    canvas.style.willChange = 'transform' // a layer of its own: to move it paints nothing anew
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
  take(camera: Camera): void {
    this.camera = camera
    this.newer = this.underWay !== null
    if (this.gl && !this.newer) this.ask(this.gl, camera)
  }

  private ask(gl: WebGL2RenderingContext, camera: Camera): void {
    const { drawn } = this
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
    this.underWay = { fence, width, height, camera, since: performance.now() }
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
      const waited = performance.now() - underWay.since
      this.timer = setTimeout(() => this.look(), Math.max(LOOK_MS, waited * LOOK_AGAIN))
      return
    }
    if (state !== gl.WAIT_FAILED) this.fetch(gl, underWay)
    gl.deleteSync(underWay.fence)
    this.underWay = null
    this.shown()
    if (this.newer && this.camera) this.take(this.camera)
  }

  /** The pixels come with the lowest row first. */
  private fetch(gl: WebGL2RenderingContext, { width, height, camera }: UnderWay): void {
    const row = width * 4
    if (this.pixels.length !== row * height) this.pixels = new Uint8Array(row * height)
    const { pixels } = this
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, this.buffer)
    gl.getBufferSubData(gl.PIXEL_PACK_BUFFER, 0, pixels)
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null)
    if (this.last?.width !== width || this.last.height !== height) this.last = new ImageData(width, height)
    for (let y = 0; y < height; y++) this.last.data.set(pixels.subarray(y * row, (y + 1) * row), (height - 1 - y) * row)
    this.from = camera
    this.show()
  }

  /** In the middle: that is the place a map keeps when its size changes. */
  private show(): void {
    const { last, canvas } = this
    if (last) this.page?.putImageData(last, (canvas.width - last.width) >> 1, (canvas.height - last.height) >> 1)
  }
}
