/** A map of one question: which sub-districts a crew serves. */
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl'
import { kind } from './layers/parts'
import { makeMap, NavigationControl, ScaleControl, type MapLibreMap } from './library'
import { makeStyle } from './style'

export interface RegionsOptions {
  readonly container: HTMLElement
  readonly locale: string
  readonly words: Readonly<Record<string, string>>
  /** West, south, east, north. */
  readonly box: readonly number[]
  readonly clicked: (id: string) => void
  readonly drawn: () => void
  readonly failed: (message: string) => void
}

const GROUND = ['places', 'streets']
const FILL = 'regions'
const EDGE = 'region-edges'
const SERVED = '#0f5c78'

export class Regions {
  private readonly map: MapLibreMap
  private readonly ready: Promise<void>

  constructor(options: RegionsOptions) {
    this.map = makeMap({
      container: options.container,
      style: regionsStyle(options.locale),
      bounds: options.box as [number, number, number, number],
      fitBoundsOptions: { padding: 16 },
      minZoom: 7,
      maxZoom: 17,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      fadeDuration: 0,
      localIdeographFontFamily: '"Noto Sans CJK SC","Microsoft YaHei","PingFang SC",sans-serif',
      locale: options.words,
    })
    this.map.touchZoomRotate.disableRotation()
    this.map.keyboard.disableRotation()
    this.map.addControl(new NavigationControl({ showCompass: false }), 'bottom-right')
    this.map.addControl(new ScaleControl({ maxWidth: 120 }), 'bottom-left')
    this.map.on('error', ({ error }) => options.failed(error.message))
    this.map.on('click', FILL, ({ features }) => {
      const id: unknown = features?.[0]?.properties['id']
      if (typeof id === 'string') options.clicked(id)
    })
    this.map.on('mousemove', FILL, () => (this.map.getCanvas().style.cursor = 'pointer'))
    this.map.on('mouseleave', FILL, () => (this.map.getCanvas().style.cursor = ''))
    this.map.once('idle', options.drawn)
    this.ready = new Promise((resolve) => this.map.once('style.load', () => resolve()))
  }

  /** Exactly these sub-districts are the crew's. */
  async show(served: readonly string[]): Promise<void> {
    await this.ready
    const ours: ExpressionSpecification = ['in', ['get', 'id'], ['literal', [...served]]]
    this.map.setPaintProperty(FILL, 'fill-opacity', ['case', ours, 0.3, 0])
    this.map.setPaintProperty(EDGE, 'line-opacity', ['case', ours, 1, 0])
  }

  resize(): void {
    this.map.resize()
  }

  remove(): void {
    this.map.remove()
  }
}

/** The ground alone, the sub-districts upon it; networks and work would only hide what is asked here. */
function regionsStyle(locale: string): StyleSpecification {
  const { sources, layers, ...style } = makeStyle(locale)
  const ground = layers.filter((layer) => !('source' in layer) || GROUND.includes(layer.source))
  const names = ground.findIndex(({ type }) => type === 'symbol')
  ground.splice(names < 0 ? ground.length : names, 0, ...own())
  return {
    ...style,
    sources: Object.fromEntries(Object.entries(sources).filter(([name]) => GROUND.includes(name))),
    layers: ground,
  }
}

function own(): LayerSpecification[] {
  const of = {
    source: 'places',
    'source-layer': 'places',
    filter: ['==', kind, 'sub_district'] as ExpressionSpecification,
  }
  return [
    { id: FILL, type: 'fill', ...of, paint: { 'fill-color': SERVED, 'fill-opacity': 0 } },
    { id: EDGE, type: 'line', ...of, paint: { 'line-color': SERVED, 'line-width': 2.5, 'line-opacity': 0 } },
  ]
}
