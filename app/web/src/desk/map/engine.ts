/** MapLibre behind a small door: the rest of the desk knows points, switches and clicks, not the library. */
import type { Point } from 'geojson'
import type { GeoJSONSource, IControl, MapGeoJSONFeature, MapMouseEvent } from 'maplibre-gl'
import { SourceMemory, type LivePoint } from './diff'
import { KeptGround } from './kept'
import { AsideMap, makeMap, NavigationControl, ScaleControl, type MapLibreMap } from './library'
import { drawBetweenWork } from './paced'
import { draw, PICTURE_RATIO } from './pictures'
import { Spot } from './spot'
import type { Lit } from '../ui/shown'
import { LAYERS_OF, LIVE, makeStyle, placeName, SWITCHES, type Live, type Switch } from './style'

export interface View {
  readonly lon: number
  readonly lat: number
  readonly zoom: number
}

/** What lies under the pointer. */
export interface Hit {
  readonly layer: Switch
  readonly properties: Readonly<Record<string, unknown>>
  readonly x: number
  readonly y: number
}

export interface EngineOptions {
  readonly container: HTMLElement
  readonly locale: string
  readonly words: Readonly<Record<string, string>>
  readonly start: View | readonly number[]
  readonly picked: (layer: Switch, properties: Readonly<Record<string, unknown>>) => void
  readonly clicked: (location: Point) => boolean
  readonly hovered: (hit: Hit | null) => void
  readonly moved: (view: View) => void
  readonly failed: (message: string) => void
}

const HIT_PX = 5
const NETWORKS = ['power', 'gas'] as const
const isAsset = ({ layer }: MapGeoJSONFeature): boolean => NETWORKS.some((one) => SWITCH_OF.get(layer.id) === one)
const SWITCH_OF = new Map(SWITCHES.flatMap((key) => LAYERS_OF[key].map((layer) => [layer, key] as const)))

export class Engine {
  private readonly map: MapLibreMap
  private readonly memories: Readonly<Record<Live, SourceMemory>>
  private readonly spots: Readonly<Record<'chosen' | 'pin', Spot>>
  private readonly ready: Promise<void>
  private controls: readonly IControl[] = []

  constructor(private readonly options: EngineOptions) {
    const { start } = options
    this.map = makeMap({
      container: options.container,
      style: makeStyle(options.locale),
      ...('lon' in start
        ? { center: [start.lon, start.lat], zoom: start.zoom }
        : { bounds: start as [number, number, number, number], fitBoundsOptions: { padding: 24 } }),
      minZoom: 7,
      maxZoom: 19,
      attributionControl: false,
      trackResize: false,
      dragRotate: false,
      pitchWithRotate: false,
      // With 0 MapLibre places every sign anew in every frame: with thousands of them more work than all the drawing.
      fadeDuration: 100,
      localIdeographFontFamily: '"Noto Sans CJK SC","Microsoft YaHei","PingFang SC",sans-serif',
      locale: options.words,
    })
    if (this.map instanceof AsideMap) {
      drawBetweenWork(this.map)
      new KeptGround(this.map)
    }
    this.map.touchZoomRotate.disableRotation()
    this.map.keyboard.disableRotation()
    this.memories = { jobs: new SourceMemory(), crews: new SourceMemory(), outages: new SourceMemory() }
    this.spots = { chosen: new Spot(this.map, 'chosen'), pin: new Spot(this.map, 'pin') }
    this.addControls()
    this.ready = new Promise((resolve) => this.map.once('style.load', () => resolve()))
    this.listen()
  }

  /** The live layer becomes exactly these points; only differences reach the worker. */
  async put(layer: Live, points: Iterable<LivePoint>): Promise<void> {
    await this.ready
    const diff = this.memories[layer].diff(points)
    if (diff) await this.source(layer).updateData(diff)
  }

  putOne(spot: 'chosen' | 'pin', location: Point | null): void {
    this.spots[spot].put(location)
  }

  /** Lights up a part of a network, or nothing. */
  async light(part: Lit | null): Promise<void> {
    await this.ready
    await this.source('lit').setData(part ?? { type: 'FeatureCollection', features: [] })
  }

  /** A switch or valve was operated: its tiles are asked for again. */
  async networkChanged(): Promise<void> {
    await this.ready
    for (const network of NETWORKS) this.map.refreshTiles(network)
  }

  async switch(off: readonly string[]): Promise<void> {
    await this.ready
    for (const key of SWITCHES) {
      const visibility = off.includes(key) ? 'none' : 'visible'
      for (const layer of LAYERS_OF[key]) this.map.setLayoutProperty(layer, 'visibility', visibility)
    }
  }

  /** The library's controls ask for their words once, when they are added. */
  private addControls(): void {
    for (const control of this.controls) this.map.removeControl(control)
    const [zoom, scale] = [new NavigationControl({ showCompass: false }), new ScaleControl({ maxWidth: 120 })]
    this.map.addControl(zoom, 'bottom-right').addControl(scale, 'bottom-left')
    this.controls = [zoom, scale]
  }

  async speak(locale: string, words: Readonly<Record<string, string>>): Promise<void> {
    Object.assign(this.map._locale, words)
    this.map.getCanvas().setAttribute('aria-label', this.map._getUIString('Map.Title'))
    this.addControls()
    await this.ready
    this.map.setLayoutProperty('place-names', 'text-field', placeName(locale))
  }

  /** Brings a place into sight; a place that is well in sight already does not move the map. */
  show(location: Point, zoom?: number): void {
    const centre: [number, number] = [location.coordinates[0] ?? 0, location.coordinates[1] ?? 0]
    if (this.isWellInSight(centre) && this.map.getZoom() >= (zoom ?? 0)) return
    const still = this.map instanceof AsideMap || matchMedia('(prefers-reduced-motion: reduce)').matches
    this.map.easeTo({
      center: centre,
      zoom: Math.max(zoom ?? 0, this.map.getZoom()),
      duration: still ? 0 : 400,
    })
  }

  private isWellInSight(place: [number, number]): boolean {
    const { clientWidth, clientHeight } = this.map.getCanvas()
    const { x, y } = this.map.project(place)
    return Math.min(x, y, clientWidth - x, clientHeight - y) > 60
  }

  /** Brings a whole area into sight: west, south, east, north. */
  showAll(box: readonly number[]): void {
    this.map.fitBounds(box as [number, number, number, number], { padding: 24, animate: false })
  }

  pointer(kind: 'cross' | 'hand'): void {
    this.map.getCanvas().style.cursor = kind === 'cross' ? 'crosshair' : ''
  }

  /** The container's size, once it is another: a map that was hidden for a while has all it shows. */
  resize(): void {
    const { clientWidth, clientHeight } = this.options.container
    const canvas = this.map.getCanvas()
    if (!clientWidth || (clientWidth === canvas.clientWidth && clientHeight === canvas.clientHeight)) return
    this.map.resize()
    this.map.redraw()
  }

  remove(): void {
    this.map.remove()
  }

  private source(name: string): GeoJSONSource {
    return this.map.getSource(name) as GeoJSONSource
  }

  private listen(): void {
    const { map, options } = this
    map.setMissingStyleImageResolver((id) => {
      const image = draw(id)
      if (image && !map.hasImage(id)) map.addImage(id, image, { pixelRatio: PICTURE_RATIO })
    })
    map.on('error', ({ error }) => options.failed(error.message))
    map.on('moveend', () => {
      const { lng, lat } = map.getCenter()
      options.moved({ lon: lng, lat, zoom: map.getZoom() })
    })
    map.on('click', (event) => {
      const location: Point = { type: 'Point', coordinates: [event.lngLat.lng, event.lngLat.lat] }
      if (options.clicked(location)) return
      const hits = this.under(event)
      const hit = hits.find(({ layer }) => LIVE.some((one) => one === layer.id)) ?? hits.find(isAsset)
      const layer = hit && SWITCH_OF.get(hit.layer.id)
      if (hit && layer) options.picked(layer, hit.properties)
    })
    map.on('mousemove', (event) => {
      if (map.isMoving()) return
      const hit = this.under(event)[0]
      const layer = hit && SWITCH_OF.get(hit.layer.id)
      const opens = hit && (LIVE.some((one) => one === layer) || isAsset(hit))
      if (map.getCanvas().style.cursor !== 'crosshair') map.getCanvas().style.cursor = opens ? 'pointer' : ''
      options.hovered(hit && layer ? { layer, properties: hit.properties, ...event.point } : null)
    })
    map.on('mouseout', () => options.hovered(null))
  }

  /** Features within reach of the pointer, topmost first. */
  private under({ point: { x, y } }: MapMouseEvent): MapGeoJSONFeature[] {
    if (!this.map.isStyleLoaded()) return []
    const box: [[number, number], [number, number]] = [
      [x - HIT_PX, y - HIT_PX],
      [x + HIT_PX, y + HIT_PX],
    ]
    return this.map.queryRenderedFeatures(box, { layers: [...SWITCH_OF.keys()] })
  }
}
