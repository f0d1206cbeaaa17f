import type { Point } from 'geojson'
import { reactive } from 'vue'
import { newKey } from '@shared/api/http'
import { metresBetween } from '@shared/fmt/geo'
import type { CallIn, Outage, Symptom } from '../../types'

export interface Spot {
  readonly id: string
  readonly address: string
  readonly location: Point
}

/** A call as it is being taken. It outlives the panel, so that looking something up loses nothing. */
export interface Draft {
  phone: string
  name: string
  premises: Spot | null
  /** A place clicked on the map, for callers who stand somewhere without an address. */
  location: Point | null
  symptom: Symptom | null
  note: string
  /** `auto`: the server joins a near open outage; `new`: a separate one; else the outage's id. */
  join: string
  /** One key for all tries of this call: a lost answer never makes a second call. */
  key: string
}

const blank = (): Draft => ({
  phone: '',
  name: '',
  premises: null,
  location: null,
  symptom: null,
  note: '',
  join: 'auto',
  key: newKey(),
})

export const draft = reactive<Draft>(blank())

export function clearDraft(): void {
  Object.assign(draft, blank())
}

export function placeOf(call: Draft): Point | null {
  return call.premises?.location ?? call.location
}

export type Missing = 'where' | 'symptom'

/** What still has to be asked before the call can be taken. */
export function missingIn(call: Draft): Missing[] {
  const missing: Missing[] = []
  if (!placeOf(call)) missing.push('where')
  if (!call.symptom) missing.push('symptom')
  return missing
}

/** The request for a complete draft; empty fields are left out. */
export function requestOf(call: Draft, symptom: Symptom): CallIn {
  return {
    channel: 'phone',
    symptom,
    join: call.join,
    ...(call.name.trim() && { caller_name: call.name.trim() }),
    ...(call.phone.trim() && { caller_phone: call.phone.trim() }),
    ...(call.note.trim() && { note: call.note.trim() }),
    ...(call.premises ? { premises_id: call.premises.id } : call.location ? { location: call.location } : {}),
  }
}

const NEAR_M = 1500

export interface NearOutage {
  readonly outage: Outage
  readonly metres: number
}

/** Open outages within a walk of the place, nearest first: what the caller may be reporting again. */
export function outagesNear(place: Point, outages: Iterable<Outage>): NearOutage[] {
  return [...outages]
    .map((outage) => ({ outage, metres: metresBetween(place, outage.location) }))
    .filter(({ metres }) => metres <= NEAR_M)
    .sort((a, b) => a.metres - b.metres)
    .slice(0, 5)
}
