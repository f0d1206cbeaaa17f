/** The map's own cartography: pale ground, so that networks, jobs and crews stand out. No glyphs, no sprite, no CDN. */
import type {
  ExpressionSpecification,
  LayerSpecification,
  SourceSpecification,
  StyleSpecification,
  VectorSourceSpecification,
} from 'maplibre-gl'

/** What a person switches on and off, each a set of style layers. */
export const SWITCHES = ['jobs', 'crews', 'outages', 'power', 'gas', 'premises'] as const
export type Switch = (typeof SWITCHES)[number]

export const LIVE = ['jobs', 'crews', 'outages'] as const
export type Live = (typeof LIVE)[number]

const FONT = ['Noto Sans CJK SC']
const POWER = '#6a3fb5'
const GAS = '#a06a00'
const HALO = '#ffffff'

function tiles(layer: string, minzoom: number, maxzoom: number): VectorSourceSpecification {
  return { type: 'vector', tiles: [`${location.origin}/api/v1/tiles/${layer}/{z}/{x}/{y}.mvt`], minzoom, maxzoom }
}

const points = (): SourceSpecification => ({ type: 'geojson', data: { type: 'FeatureCollection', features: [] } })

const byZoom = (...stops: (number | ExpressionSpecification)[]): ExpressionSpecification =>
  ['interpolate', ['linear'], ['zoom'], ...stops] as unknown as ExpressionSpecification

/** Booked visits are drawn smaller than what needs somebody now. */
const ofStage = (booked: number, other: number): ExpressionSpecification => [
  'match',
  ['get', 'stage'],
  'planned',
  booked,
  other,
]

const kind: ExpressionSpecification = ['get', 'kind']

/** Place names in the reader's language; streets have only their own. */
export const placeName = (locale: string): ExpressionSpecification =>
  locale === 'en' ? ['coalesce', ['get', 'name_en'], ['get', 'name_zh']] : ['get', 'name_zh']

const PLACE_FILL: ExpressionSpecification = [
  'match',
  kind,
  'water',
  '#c4dbe6',
  'hills',
  '#dbe6d3',
  'industrial_park',
  '#e3e1ea',
  'village',
  '#efe7d8',
  'estate',
  '#ebe7e2',
  'rgba(0,0,0,0)',
]

const STREET_WIDTH = (trunk: number, primary: number, secondary: number, rest: number): ExpressionSpecification => [
  'match',
  ['get', 'class'],
  'trunk',
  trunk,
  'primary',
  primary,
  'secondary',
  secondary,
  rest,
]

function streetWidth(extra: number): ExpressionSpecification {
  return byZoom(
    9,
    STREET_WIDTH(1.6 + extra, 1.2 + extra, 0.6 + extra, 0.4),
    13,
    STREET_WIDTH(5 + extra, 4 + extra, 2.6 + extra, 1.2 + extra),
    17,
    STREET_WIDTH(18 + extra, 14 + extra, 11 + extra, 7 + extra),
  )
}

function ground(locale: string): LayerSpecification[] {
  return [
    { id: 'land', type: 'background', paint: { 'background-color': '#f4f2ee' } },
    {
      id: 'places',
      type: 'fill',
      source: 'places',
      'source-layer': 'places',
      filter: ['!', ['in', kind, ['literal', ['sub_district', 'community']]]],
      paint: { 'fill-color': PLACE_FILL },
    },
    {
      id: 'districts',
      type: 'line',
      source: 'places',
      'source-layer': 'places',
      filter: ['==', kind, 'sub_district'],
      paint: { 'line-color': '#9aa5b1', 'line-width': 1, 'line-dasharray': [4, 3] },
    },
    {
      id: 'street-edges',
      type: 'line',
      source: 'streets',
      'source-layer': 'streets',
      minzoom: 11,
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': '#cfd3d8', 'line-width': streetWidth(1.4) },
    },
    {
      id: 'streets',
      type: 'line',
      source: 'streets',
      'source-layer': 'streets',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: {
        'line-color': ['match', ['get', 'class'], 'trunk', '#f3d9a0', 'primary', '#f8e9c4', '#ffffff'],
        'line-width': streetWidth(0),
      },
    },
    {
      id: 'street-names',
      type: 'symbol',
      source: 'streets',
      'source-layer': 'streets',
      minzoom: 13,
      layout: {
        'symbol-placement': 'line',
        'symbol-spacing': 380,
        'text-field': ['get', 'name'],
        'text-font': FONT,
        'text-size': 11.5,
        'text-max-angle': 35,
      },
      paint: { 'text-color': '#5a6470', 'text-halo-color': HALO, 'text-halo-width': 1.4 },
    },
    {
      id: 'place-names',
      type: 'symbol',
      source: 'places',
      'source-layer': 'place_labels',
      filter: [
        'any',
        ['==', kind, 'sub_district'],
        ['all', ['!=', kind, 'community'], ['>=', ['zoom'], 14]],
        ['all', ['in', kind, ['literal', ['industrial_park', 'water', 'hills']]], ['>=', ['zoom'], 11]],
      ],
      layout: {
        'text-field': placeName(locale),
        'text-font': FONT,
        'text-size': ['match', kind, 'sub_district', 14, 12],
        'text-max-width': 8,
      },
      paint: {
        'text-color': ['match', kind, 'water', '#33607a', 'hills', '#4a6340', 'sub_district', '#3c4854', '#6a6258'],
        'text-halo-color': HALO,
        'text-halo-width': 1.5,
      },
    },
  ]
}

function premises(): LayerSpecification[] {
  return [
    {
      id: 'premises',
      type: 'circle',
      source: 'premises',
      'source-layer': 'premises',
      minzoom: 15,
      paint: {
        'circle-radius': byZoom(15, 1.6, 18, 4.5),
        'circle-color': '#6f7b87',
        'circle-stroke-color': HALO,
        'circle-stroke-width': 0.8,
      },
    },
    {
      id: 'premises-names',
      type: 'symbol',
      source: 'premises',
      'source-layer': 'premises',
      minzoom: 17,
      layout: {
        'text-field': ['get', 'address'],
        'text-font': FONT,
        'text-size': 10.5,
        'text-anchor': 'top',
        'text-offset': [0, 0.5],
        'text-max-width': 10,
      },
      paint: { 'text-color': '#4a5866', 'text-halo-color': HALO, 'text-halo-width': 1.2 },
    },
  ]
}

const SWITCHGEAR = ['switch', 'tie_switch', 'breaker']

function power(): LayerSpecification[] {
  const line = (id: string, filter: ExpressionSpecification, paint: Record<string, unknown>): LayerSpecification =>
    ({
      id,
      type: 'line',
      source: 'power',
      'source-layer': 'power_lines',
      filter,
      layout: { 'line-cap': 'round' },
      paint: { 'line-color': POWER, ...paint },
    }) as LayerSpecification
  return [
    line('power-lv', ['==', kind, 'lv_line'], { 'line-width': 1, 'line-opacity': 0.55 }),
    line('power-cable', ['==', kind, 'cable'], { 'line-width': byZoom(9, 1, 16, 2.6), 'line-dasharray': [5, 2] }),
    line('power-lines', ['==', kind, 'overhead_line'], { 'line-width': byZoom(9, 1.1, 16, 2.8) }),
    {
      id: 'power-points',
      type: 'symbol',
      source: 'power',
      'source-layer': 'power_points',
      minzoom: 12.5,
      filter: ['!', ['in', kind, ['literal', ['service_point', 'substation']]]],
      layout: {
        'icon-image': [
          'case',
          ['in', kind, ['literal', SWITCHGEAR]],
          ['concat', 'switch-', ['get', 'state']],
          'transformer',
        ],
        'icon-size': byZoom(12.5, 0.6, 16, 1.15),
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

function gas(): LayerSpecification[] {
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
    {
      id: 'gas-points',
      type: 'symbol',
      source: 'gas',
      'source-layer': 'gas_points',
      minzoom: 12.5,
      filter: ['!', ['in', kind, ['literal', ['riser', 'gate_station']]]],
      layout: {
        'icon-image': [
          'match',
          kind,
          'valve',
          ['concat', 'valve-', ['get', 'state'], ['case', ['==', ['get', 'usable'], false], '-stuck', '-usable']],
          'regulator',
        ],
        'icon-size': byZoom(12.5, 0.55, 16, 1.1),
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

function live(): LayerSpecification[] {
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
    {
      id: 'chosen',
      type: 'circle',
      source: 'chosen',
      paint: {
        'circle-radius': 23,
        'circle-color': '#ffc94d',
        'circle-opacity': 0.18,
        'circle-stroke-color': '#0b3d4f',
        'circle-stroke-width': 3,
      },
    },
    {
      id: 'pin',
      type: 'circle',
      source: 'pin',
      paint: {
        'circle-radius': 9,
        'circle-color': '#b3201f',
        'circle-stroke-color': HALO,
        'circle-stroke-width': 3,
      },
    },
  ]
}

/** Which style layers belong to a switch. */
export const LAYERS_OF: Readonly<Record<Switch, readonly string[]>> = {
  jobs: ['jobs'],
  crews: ['crews'],
  outages: ['outages'],
  power: ['power-lv', 'power-cable', 'power-lines', 'power-points', 'power-stations'],
  gas: ['gas-lines', 'gas-points', 'gas-stations'],
  premises: ['premises', 'premises-names'],
}

export function makeStyle(locale: string): StyleSpecification {
  return {
    version: 8,
    sources: {
      places: tiles('places', 0, 15),
      streets: tiles('streets', 0, 16),
      power: tiles('power', 8, 16),
      gas: tiles('gas', 8, 16),
      premises: tiles('premises', 15, 17),
      jobs: points(),
      crews: points(),
      outages: points(),
      chosen: points(),
      pin: points(),
    },
    layers: [...ground(locale), ...premises(), ...gas(), ...power(), ...live()],
  }
}
