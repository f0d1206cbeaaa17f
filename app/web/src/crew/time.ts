import { clock, stamp } from '@shared/fmt/time'

/** The branch's time zone; the tablet itself may be set to another. */
export const TIME_ZONE = 'Asia/Shanghai'

/** `2026-07-09` in the branch's zone. */
export function dayOf(at: Date): string {
  return stamp(at, TIME_ZONE).slice(0, 10)
}

export function isToday(at: string | null, now = new Date()): boolean {
  return at !== null && dayOf(new Date(at)) === dayOf(now)
}

/** `14:05`, with the day in front where it is not today. */
export function timeOf(at: string | number, now = new Date()): string {
  return clock(new Date(at), now, TIME_ZONE)
}
