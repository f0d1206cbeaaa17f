import type { FeatureCollection, Geometry, Point } from 'geojson'
import { shallowRef, type ShallowRef } from 'vue'

/** A place a panel wants the map to show. */
export interface Shown {
  readonly location: Point
  readonly label?: string
  readonly zoom?: number
}

const wanted = shallowRef<Shown | null>(null)

/** The last place asked for; a new object each time, so that asking twice for one place works. */
export const shown: Readonly<ShallowRef<Shown | null>> = wanted

export function show(place: Shown): void {
  wanted.value = { ...place }
}

/** A part of a network a panel wants lit up: features with a `tone` the map knows. */
export type Lit = FeatureCollection<Geometry, Readonly<Record<string, unknown>>>

const litPart = shallowRef<Lit | null>(null)

export const lit: Readonly<ShallowRef<Lit | null>> = litPart

export function light(part: Lit | null): void {
  litPart.value = part
}

/** An area a panel wants in sight: west, south, east, north. */
const wantedArea = shallowRef<readonly number[] | null>(null)

export const areaShown: Readonly<ShallowRef<readonly number[] | null>> = wantedArea

export function showArea(box: readonly number[]): void {
  wantedArea.value = [...box]
}

/** The next click on the map goes to whoever asked for a place. */
const asking = shallowRef<((location: Point) => void) | null>(null)

export const pointAsked: Readonly<ShallowRef<((location: Point) => void) | null>> = asking

export function askForPoint(answer: ((location: Point) => void) | null): void {
  asking.value = answer
}

export function answerPoint(location: Point): boolean {
  const answer = asking.value
  if (!answer) return false
  asking.value = null
  answer(location)
  return true
}

/** A pin the intake holds on the map. */
const held = shallowRef<Point | null>(null)

export const pin: Readonly<ShallowRef<Point | null>> = held

export function holdPin(location: Point | null): void {
  held.value = location
}
