/** The map's own cartography: pale ground, so that networks, jobs and crews stand out. No glyphs, no sprite, no CDN. */
import type { SourceSpecification, StyleSpecification, VectorSourceSpecification } from 'maplibre-gl'
import { ground, premises } from './layers/ground'
import { lit } from './layers/lit'
import { live } from './layers/live'
import { gas, power } from './layers/network'

export { placeName } from './layers/ground'

/** What a person switches on and off, each a set of style layers. */
export const SWITCHES = ['jobs', 'crews', 'outages', 'power', 'gas', 'premises'] as const
export type Switch = (typeof SWITCHES)[number]

export const LIVE = ['jobs', 'crews', 'outages'] as const
export type Live = (typeof LIVE)[number]
function tiles(layer: string, minzoom: number, maxzoom: number): VectorSourceSpecification {
  return { type: 'vector', tiles: [`${location.origin}/api/v1/tiles/${layer}/{z}/{x}/{y}.mvt`], minzoom, maxzoom }
}

const points = (): SourceSpecification => ({ type: 'geojson', data: { type: 'FeatureCollection', features: [] } })
/** Which style layers belong to a switch. */
export const LAYERS_OF: Readonly<Record<Switch, readonly string[]>> = {
  jobs: ['jobs'],
  crews: ['crews'],
  outages: ['outages'],
  power: ['power-lv', 'power-cable', 'power-lines', 'power-dots', 'power-points', 'power-stations'],
  gas: ['gas-lines', 'gas-dots', 'gas-points', 'gas-stations'],
  premises: ['premises', 'premises-names'],
}

export function makeStyle(locale: string): StyleSpecification {
  const layers = [...ground(locale), ...premises(), ...lit(), ...gas(), ...power(), ...live()]
  // Names and signs lie above every line: none is crossed out, and all below them can be kept as one picture.
  const signs = layers.filter(({ type }) => type === 'symbol')
  return {
    version: 8,
    sources: {
      places: tiles('places', 0, 15),
      streets: tiles('streets', 0, 16),
      power: tiles('power', 8, 16),
      gas: tiles('gas', 8, 16),
      premises: tiles('premises', 15, 17),
      lit: points(),
      jobs: points(),
      crews: points(),
      outages: points(),
    },
    layers: [...layers.filter(({ type }) => type !== 'symbol'), ...signs],
  }
}
