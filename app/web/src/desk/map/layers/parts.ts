/** What the layers of the style are written with. */
import type { ExpressionSpecification } from 'maplibre-gl'

export const FONT = ['Noto Sans CJK SC']
export const HALO = '#ffffff'

export const byZoom = (...stops: (number | ExpressionSpecification)[]): ExpressionSpecification =>
  ['interpolate', ['linear'], ['zoom'], ...stops] as unknown as ExpressionSpecification

export const kind: ExpressionSpecification = ['get', 'kind']

/** From here on streets have edges and names. Whole, because tiles are made by whole zooms. */
export const NEAR = 13
/** From here on switchgear has its signs; before, thousands in sight are dots that need no room of their own. */
export const SIGNS = 14
