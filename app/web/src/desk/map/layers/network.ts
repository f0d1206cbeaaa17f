/** Power and gas: lines, switchgear, stations. */
import type { CircleLayerSpecification, ExpressionSpecification, LayerSpecification } from 'maplibre-gl'
import { byZoom, FONT, HALO, kind, SIGNS } from './parts'

/** As the legend shows them too. */
export const COLOURS = {
  power: '#6a3fb5',
  gas: '#a06a00',
  powerDark: '#5b2ea6',
  gasDark: '#8a5a00',
  stuck: '#b3201f',
} as const
const { power: POWER, gas: GAS, powerDark: POWER_DARK, gasDark: GAS_DARK, stuck: STUCK } = COLOURS
const DOTS = 12.5
const SWITCHGEAR = ['switch', 'tie_switch', 'breaker']

const not = (...kinds: string[]): ExpressionSpecification => ['!', ['in', kind, ['literal', kinds]]]
/** What of each network is drawn as points; stations have a layer of their own. */
const SHOWN = { power: not('service_point', 'substation'), gas: not('riser', 'gate_station') }

/** Switchgear, transformers, regulators, where signs could not be told apart: white is open, filled is closed. */
function dots(
  id: string,
  source: 'power' | 'gas',
  filter: ExpressionSpecification,
  paint: CircleLayerSpecification['paint'],
): LayerSpecification {
  const layer = { id, source, 'source-layer': `${source}_points`, filter, minzoom: DOTS, maxzoom: SIGNS }
  return { ...layer, type: 'circle', paint: { 'circle-stroke-width': 1, ...paint } }
}

export function power(): LayerSpecification[] {
  const line = (id: string, filter: ExpressionSpecification, paint: Record<string, unknown>): LayerSpecification =>
    ({
      id,
      type: 'line',
      source: 'power',
      'source-layer': 'power_lines',
      filter,
      layout: { 'line-cap': ['step', ['zoom'], 'butt', SIGNS, 'round'] },
      paint: { 'line-color': POWER, ...paint },
    }) as LayerSpecification
  return [
    line('power-lv', ['==', kind, 'lv_line'], { 'line-width': 1, 'line-opacity': 0.55 }),
    line('power-cable', ['==', kind, 'cable'], { 'line-width': byZoom(9, 1, 16, 2.6), 'line-dasharray': [5, 2] }),
    line('power-lines', ['==', kind, 'overhead_line'], { 'line-width': byZoom(9, 1.1, 16, 2.8) }),
    dots('power-dots', 'power', SHOWN.power, {
      'circle-radius': byZoom(DOTS, ['match', kind, 'transformer', 1.3, 1.8], SIGNS, [
        'match',
        kind,
        'transformer',
        2,
        3,
      ]),
      'circle-color': ['match', ['get', 'state'], 'closed', POWER_DARK, HALO],
      'circle-stroke-color': POWER_DARK,
    }),
    {
      id: 'power-points',
      type: 'symbol',
      source: 'power',
      'source-layer': 'power_points',
      minzoom: SIGNS,
      filter: SHOWN.power,
      layout: {
        'icon-image': [
          'case',
          ['in', kind, ['literal', SWITCHGEAR]],
          ['concat', 'switch-', ['get', 'state']],
          'transformer',
        ],
        'icon-size': byZoom(SIGNS, 0.85, 16, 1.15),
        'icon-overlap': 'cooperative',
        'icon-rotate': ['coalesce', ['get', 'angle'], 0],
        'icon-rotation-alignment': 'map',
        'text-field': ['step', ['zoom'], '', 15, ['get', 'code']],
        ...SMALL_LABEL,
      },
      paint: { 'text-color': '#4b2390', 'text-halo-color': HALO, 'text-halo-width': 1.3 },
    },
    station('power-stations', 'power', 'substation', '#4b2390'),
  ]
}

const SMALL_LABEL = {
  'text-font': FONT,
  'text-size': 10.5,
  'text-anchor': 'top' as const,
  'text-offset': [0, 0.9] as [number, number],
  'text-optional': true,
}

/** The few places everything is fed from: in sight at every zoom. */
function station(id: string, source: 'power' | 'gas', of: string, colour: string): LayerSpecification {
  return {
    id,
    type: 'symbol',
    source,
    'source-layer': `${source}_points`,
    filter: ['==', kind, of],
    layout: {
      'icon-image': of,
      'icon-size': byZoom(10, 0.75, 16, 1.15),
      'icon-allow-overlap': true,
      'text-field': ['step', ['zoom'], '', 11, ['get', 'name']],
      ...SMALL_LABEL,
      'text-offset': [0, 1.3],
    },
    paint: { 'text-color': colour, 'text-halo-color': HALO, 'text-halo-width': 1.4 },
  }
}

export function gas(): LayerSpecification[] {
  return [
    {
      id: 'gas-lines',
      type: 'line',
      source: 'gas',
      'source-layer': 'gas_lines',
      paint: {
        'line-color': GAS,
        'line-width': [
          'interpolate',
          ['linear'],
          ['zoom'],
          9,
          ['match', kind, 'main', 1.1, 0.6],
          16,
          ['match', kind, 'main', 3, 1.4],
        ],
        'line-dasharray': [2.5, 1.5],
      },
    },
    dots('gas-dots', 'gas', SHOWN.gas, {
      'circle-radius': byZoom(DOTS, ['match', kind, 'regulator', 2.4, 1.5], SIGNS, [
        'match',
        kind,
        'regulator',
        4,
        2.4,
      ]),
      'circle-color': [
        'case',
        ['==', ['get', 'usable'], false],
        STUCK,
        ['==', ['get', 'state'], 'closed'],
        GAS_DARK,
        HALO,
      ],
      'circle-stroke-color': GAS_DARK,
    }),
    {
      id: 'gas-points',
      type: 'symbol',
      source: 'gas',
      'source-layer': 'gas_points',
      minzoom: SIGNS,
      filter: SHOWN.gas,
      layout: {
        'icon-image': [
          'match',
          kind,
          'valve',
          ['concat', 'valve-', ['get', 'state'], ['case', ['==', ['get', 'usable'], false], '-stuck', '-usable']],
          'regulator',
        ],
        'icon-size': byZoom(SIGNS, 0.8, 16, 1.1),
        'icon-overlap': 'cooperative',
        'icon-rotate': ['case', ['==', kind, 'valve'], ['coalesce', ['get', 'angle'], 0], 0],
        'icon-rotation-alignment': 'map',
        'symbol-sort-key': ['match', kind, 'regulator', 0, 1],
        'text-field': ['step', ['zoom'], '', 15.5, ['get', 'code']],
        ...SMALL_LABEL,
      },
      paint: { 'text-color': '#6b4600', 'text-halo-color': HALO, 'text-halo-width': 1.3 },
    },
    station('gas-stations', 'gas', 'gate_station', '#6b4600'),
  ]
}
