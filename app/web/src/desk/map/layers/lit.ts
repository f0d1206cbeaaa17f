/** Parts of a network that somebody asked about: a broad pale band under the lines, rings around what can be turned. */
import type { ExpressionSpecification, LayerSpecification } from 'maplibre-gl'
import { byZoom, HALO } from './parts'

/** What is lit and why; the panel's legend shows the same colours. */
export const TONES = {
  down: '#d9480f',
  up: '#1864ab',
  section: '#c2255c',
  beyond: '#e67700',
} as const
export type Tone = keyof typeof TONES

const colour: ExpressionSpecification = [
  'match',
  ['get', 'tone'],
  ...Object.entries(TONES).flat(),
  TONES.down,
] as unknown as ExpressionSpecification

export function lit(): LayerSpecification[] {
  return [
    {
      id: 'lit-lines',
      type: 'line',
      source: 'lit',
      filter: ['==', ['geometry-type'], 'LineString'],
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': colour, 'line-opacity': 0.45, 'line-width': byZoom(9, 4, 16, 13) },
    },
    {
      id: 'lit-devices',
      type: 'circle',
      source: 'lit',
      filter: ['==', ['geometry-type'], 'Point'],
      paint: {
        'circle-color': HALO,
        'circle-opacity': 0.6,
        'circle-radius': byZoom(9, 2.5, 16, 10),
        'circle-stroke-color': colour,
        'circle-stroke-width': byZoom(9, 1, 16, 3),
      },
    },
  ]
}
