/** Distances and directions as a person says them. Words come from `shared/i18n` under `unit` and `direction`. */
import { distance, type Translate } from './time'

export interface Place {
  readonly type: 'Point'
  readonly coordinates: readonly number[]
}

export const placeAt = ({ lon, lat }: { readonly lon: number; readonly lat: number }): Place => ({
  type: 'Point',
  coordinates: [lon, lat],
})

export function isPlace(value: unknown): value is Place {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('coordinates' in value)) return false
  return value.type === 'Point' && Array.isArray(value.coordinates)
}

const EARTH_M = 6_371_008.8

const radians = (degrees: number): number => (degrees * Math.PI) / 180

/** Metres between two points on a sphere: good to half a percent, enough to say how far two answers lie apart. */
export function metresBetween(a: Place, b: Place): number {
  const [lonA = 0, latA = 0] = a.coordinates.map(radians)
  const [lonB = 0, latB = 0] = b.coordinates.map(radians)
  const h = Math.sin((latB - latA) / 2) ** 2 + Math.cos(latA) * Math.cos(latB) * Math.sin((lonB - lonA) / 2) ** 2
  return 2 * EARTH_M * Math.asin(Math.sqrt(h))
}

const EIGHT = ['n', 'ne', 'e', 'se', 's', 'sw', 'w', 'nw'] as const
export type Direction = (typeof EIGHT)[number]

/** Where `to` lies as seen from `from`. */
export function directionTo(from: Place, to: Place): Direction {
  const [lonA = 0, latA = 0] = from.coordinates.map(radians)
  const [lonB = 0, latB = 0] = to.coordinates.map(radians)
  const east = Math.sin(lonB - lonA) * Math.cos(latB)
  const north = Math.cos(latA) * Math.sin(latB) - Math.sin(latA) * Math.cos(latB) * Math.cos(lonB - lonA)
  const eighth = Math.round((Math.atan2(east, north) / Math.PI) * 4)
  return EIGHT[(eighth + 8) % 8] ?? 'n'
}

/** `东北方向 350 米`: how far `to` is from `from`, and in which direction. */
export function wayTo(from: Place, to: Place, t: Translate): string {
  return t('direction.way', {
    distance: nearby(metresBetween(from, to), t),
    direction: t(`direction.${directionTo(from, to)}`),
  })
}

/** To the metre where the next ten would be another house. */
export function nearby(metres: number, t: Translate): string {
  return metres < 100 ? t('unit.m', { n: Math.round(metres) }) : distance(metres, t)
}
