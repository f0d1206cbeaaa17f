/** Whether a tablet stands where its job is. It only proposes: a person says that they have arrived. */

import { metresBetween, type Place } from '@shared/fmt/geo'

/** Our own choices, no standard gives any: a plot and the street before it; longer than a traffic light. */
export const NEAR_M = 100
export const DWELL_MS = 60_000
/** A tablet at rest is not heard of for minutes; after this nobody knows where it is. */
const HEARD_MS = 300_000
/** Faster than any crew drives: the receiver has jumped, and is believed again when nothing else was heard for long. */
const FASTEST_M_PER_S = 60

export interface Fix {
  readonly at: Place
  readonly accuracy_m: number | null
  /** When it was measured, by the tablet's clock. */
  readonly ms: number
}

/** Since when the tablet stands near a place, or null. `track` has its latest fixes, oldest first. */
export function nearSince(track: readonly Fix[], place: Place, now: number): number | null {
  let since: number | null = null
  let last: Fix | null = null
  for (const fix of track) {
    if ((fix.accuracy_m ?? 0) > NEAR_M || (last !== null && isJump(last, fix))) continue
    since = metresBetween(fix.at, place) > NEAR_M ? null : (since ?? fix.ms)
    last = fix
  }
  return last !== null && now - last.ms <= HEARD_MS ? since : null
}

export function hasArrived(track: readonly Fix[], place: Place, now: number): boolean {
  const since = nearSince(track, place, now)
  return since !== null && now - since >= DWELL_MS
}

function isJump(from: Fix, to: Fix): boolean {
  const seconds = (to.ms - from.ms) / 1000
  if (seconds <= 0) return true
  return seconds * 1000 < HEARD_MS && metresBetween(from.at, to.at) / seconds > FASTEST_M_PER_S
}
