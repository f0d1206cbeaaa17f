/** What moves: jobs, outages, crews. */
import type { ExpressionSpecification, LayerSpecification } from 'maplibre-gl'
import { byZoom, FONT, HALO, kind } from './parts'

/** Booked visits are drawn smaller than what needs somebody now. */
const ofStage = (booked: number, other: number): ExpressionSpecification => [
  'match',
  ['get', 'stage'],
  'planned',
  booked,
  other,
]
export function live(): LayerSpecification[] {
  return [
    {
      id: 'jobs',
      type: 'symbol',
      source: 'jobs',
      layout: {
        'icon-image': ['concat', 'job-', ['get', 'stage'], '-', kind],
        'icon-size': byZoom(10, ofStage(0.32, 0.5), 12, ofStage(0.5, 0.7), 14, ofStage(0.8, 0.95)),
        'icon-allow-overlap': true,
        'symbol-sort-key': ['get', 'order'],
      },
    },
    {
      id: 'outages',
      type: 'symbol',
      source: 'outages',
      layout: {
        'icon-image': 'outage',
        'icon-size': byZoom(10, 0.75, 14, 1),
        'icon-allow-overlap': true,
        'icon-offset': [0, -14],
        'text-field': ['step', ['zoom'], '', 12, ['get', 'number']],
        'text-font': FONT,
        'text-size': 11.5,
        'text-anchor': 'bottom',
        'text-offset': [0, -2.6],
        'text-optional': true,
      },
      paint: { 'text-color': '#4b2390', 'text-halo-color': HALO, 'text-halo-width': 1.6 },
    },
    {
      id: 'crews',
      type: 'symbol',
      source: 'crews',
      layout: {
        'icon-image': ['concat', 'crew-', ['get', 'duty'], ['case', ['get', 'stale'], '-stale', '']],
        'icon-size': byZoom(10, 0.8, 14, 1.05),
        'icon-allow-overlap': true,
        'text-field': ['get', 'code'],
        'text-font': FONT,
        'text-size': 12,
        'text-anchor': 'top',
        'text-offset': [0, 0.85],
        'text-optional': true,
        'symbol-sort-key': ['match', ['get', 'duty'], 'free', 2, 'busy', 1, 0],
      },
      paint: {
        'text-color': '#14324a',
        'text-halo-color': HALO,
        'text-halo-width': 1.8,
      },
    },
  ]
}
