import { secondsBetween } from '@shared/fmt/time'
import type { Crew } from '../../types'

export type Duty = 'free' | 'busy' | 'off'

export function dutyOf(crew: Crew): Duty {
  if (!crew.duty_until) return 'off'
  return crew.live_job ? 'busy' : 'free'
}

const DUTY_RANK: Readonly<Record<Duty, number>> = { free: 0, busy: 1, off: 2 }

/** Free crews first, then busy, then off duty; by code within each, 2 before 10. */
export function compareCrews(a: Crew, b: Crew): number {
  return DUTY_RANK[dutyOf(a)] - DUTY_RANK[dutyOf(b)] || a.code.localeCompare(b.code, 'en', { numeric: true })
}

const STALE_S = 900

/** A position this old may mislead whoever sends the nearest crew; the ranking counts it against a crew from here on. */
export function isStale(crew: Crew, now: Date): boolean {
  return crew.position_at === null || secondsBetween(crew.position_at, now) > STALE_S
}
