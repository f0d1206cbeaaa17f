import { shallowRef, type ShallowRef } from 'vue'
import type { Feature, Geometry, Position } from 'geojson'
import type { Tone } from '../../map/layers/lit'
import type { Move, NetworkLink, NetworkNode, NetworkPart } from '../../types'
import type { Lit } from '../../ui/shown'

export type Asset = NetworkNode | NetworkLink

const NODES: readonly NetworkNode['kind'][] = [
  'substation',
  'junction',
  'transformer',
  'service_point',
  'gate_station',
  'regulator',
  'gas_junction',
  'riser',
]
const SWITCHGEAR: readonly NetworkLink['kind'][] = ['breaker', 'switch', 'tie_switch', 'valve']

export const isNode = (kind: unknown): boolean => NODES.some((one) => one === kind)
export const isSwitchgear = (asset: Asset): asset is NetworkLink => SWITCHGEAR.some((one) => one === asset.kind)

/** The asset whose panel is open: the map rings it. */
const open = shallowRef<Asset | null>(null)
export const lookedAt: Readonly<ShallowRef<Asset | null>> = open
export function lookAt(asset: Asset | null): void {
  open.value = asset
}

/** What can be done to a device as it stands. */
export const moveOf = (link: Pick<NetworkLink, 'state'>): Move => (link.state === 'open' ? 'close' : 'open')

/** Words for a device's state and moves: valves have their own. */
export const wordsOf = (kind: NetworkLink['kind']): 'valve' | 'switch' => (kind === 'valve' ? 'valve' : 'switch')

/** Parts under one another, each in its tone. */
export function litFrom(parts: readonly (readonly [Tone, NetworkPart])[]): Lit {
  const features = parts.flatMap(([tone, part]) =>
    part.features.map((one): Feature => ({ ...one, properties: { ...one.properties, tone } })),
  )
  return { type: 'FeatureCollection', features: features as Lit['features'] }
}

/** West, south, east, north of all that is drawn; null where nothing is. */
export function boxOf(part: NetworkPart): readonly number[] | null {
  const places = part.features.flatMap(({ geometry }) => placesOf(geometry))
  if (!places.length) return null
  const [lon, lat] = [places.map(([east = 0]) => east), places.map(([, north = 0]) => north)]
  return [least(lon), least(lat), -least(lon.map((one) => -one)), -least(lat.map((one) => -one))]
}

const least = (numbers: readonly number[]): number => numbers.reduce((one, other) => Math.min(one, other), Infinity)

function placesOf(geometry: Geometry): readonly Position[] {
  if (geometry.type === 'Point') return [geometry.coordinates]
  return geometry.type === 'MultiLineString' ? geometry.coordinates.flat() : []
}

/** Switchgear and stations of a part, for a list. */
export const devicesIn = (
  part: NetworkPart,
): readonly { readonly id: string; readonly kind: string; readonly code: string; readonly name: string | null }[] =>
  part.features
    .filter(({ properties }) => properties['role'] === 'device')
    .map(({ id, properties }) => ({
      id: String(id),
      kind: String(properties['kind']),
      code: String(properties['code']),
      name: (properties['name'] as string | null) ?? null,
    }))
