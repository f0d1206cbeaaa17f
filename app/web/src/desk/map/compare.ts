/** A small map of one question: the places that were given for the same thing, each with its name. */
import type { Place } from '@shared/fmt/geo'
import type { GeoJSONSource } from 'maplibre-gl'
import { LngLatBounds, makeMap, Marker, ScaleControl, type MapLibreMap } from './library'
import { draw, PICTURE_RATIO } from './pictures'
import { makeStyle } from './style'

export interface Given {
  /** Decides colour and shape; the name says the same in words. */
  readonly side: 'base' | 'theirs' | 'mine'
  readonly name: string
  readonly place: Place
}

export interface CompareOptions {
  readonly container: HTMLElement
  readonly locale: string
  readonly words: Readonly<Record<string, string>>
  readonly failed: (message: string) => void
}

const SOURCE = 'compared'
/** Two answers a few metres apart must not fill the map with a single roof. */
const CLOSEST_ZOOM = 18

const lonLat = ({ coordinates: [lon = 0, lat = 0] }: Place): [number, number] => [lon, lat]

export class Compare {
  private readonly map: MapLibreMap
  private readonly ready: Promise<void>
  private markers: Marker[] = []

  constructor(options: CompareOptions) {
    this.map = makeMap({
      container: options.container,
      style: makeStyle(options.locale),
      minZoom: 7,
      maxZoom: 19,
      attributionControl: false,
      interactive: false,
      fadeDuration: 0,
      localIdeographFontFamily: '"Noto Sans CJK SC","Microsoft YaHei","PingFang SC",sans-serif',
      locale: options.words,
    })
    this.map.addControl(new ScaleControl({ maxWidth: 120 }), 'bottom-left')
    this.map.setMissingStyleImageResolver((id) => {
      const image = draw(id)
      if (image && !this.map.hasImage(id)) this.map.addImage(id, image, { pixelRatio: PICTURE_RATIO })
    })
    this.map.on('error', ({ error }) => options.failed(error.message))
    this.ready = new Promise((resolve) => this.map.once('load', () => resolve()))
  }

  /** Exactly these places, all in sight, and a line from the system's to the tablet's. */
  async show(given: readonly Given[]): Promise<void> {
    for (const marker of this.markers) marker.remove()
    this.markers = given.map((one) =>
      new Marker({ element: label(one), anchor: 'bottom' }).setLngLat(lonLat(one.place)).addTo(this.map),
    )
    const all = given.reduce((box, { place }) => box.extend(lonLat(place)), new LngLatBounds())
    this.map.fitBounds(all, {
      padding: { top: 56, right: 70, bottom: 36, left: 70 },
      maxZoom: CLOSEST_ZOOM,
      animate: false,
    })
    await this.ready
    this.line(given.filter(({ side }) => side !== 'base').map(({ place }) => lonLat(place)))
  }

  private line(coordinates: [number, number][]): void {
    const data = { type: 'Feature' as const, properties: {}, geometry: { type: 'LineString' as const, coordinates } }
    const known = this.map.getSource(SOURCE)
    if (known) {
      void (known as GeoJSONSource).setData(data)
      return
    }
    this.map.addSource(SOURCE, { type: 'geojson', data })
    const paint = { 'line-color': '#101820', 'line-width': 2, 'line-dasharray': [2, 2] }
    this.map.addLayer({ id: SOURCE, type: 'line', source: SOURCE, paint })
  }

  remove(): void {
    this.map.remove()
  }
}

function label({ side, name }: Given): HTMLElement {
  const element = document.createElement('div')
  element.className = 'given-place'
  element.dataset['side'] = side
  element.textContent = name
  return element
}
