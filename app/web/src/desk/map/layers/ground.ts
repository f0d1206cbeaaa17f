/** The ground: areas, streets, premises and their names. */
import type { ExpressionSpecification, LayerSpecification } from 'maplibre-gl'
import { byZoom, FONT, HALO, kind, NEAR } from './parts'

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

export function ground(locale: string): LayerSpecification[] {
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
      // From far away a street is one plain line: edge, joins and caps cannot be seen there, and cost thousands a frame.
      id: 'streets-far',
      type: 'line',
      source: 'streets',
      'source-layer': 'streets',
      maxzoom: NEAR,
      paint: {
        'line-color': ['match', ['get', 'class'], 'trunk', '#eccb84', 'primary', '#f1dba6', '#d9dce0'],
        'line-width': streetWidth(0.4),
      },
    },
    {
      id: 'street-edges',
      type: 'line',
      source: 'streets',
      'source-layer': 'streets',
      minzoom: NEAR,
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': '#cfd3d8', 'line-width': streetWidth(1.4) },
    },
    {
      id: 'streets',
      type: 'line',
      source: 'streets',
      'source-layer': 'streets',
      minzoom: NEAR,
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
      minzoom: NEAR,
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

export function premises(): LayerSpecification[] {
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
