/** What stands on a lane, and whether something else may. No DOM, no network. */
import type { Bar, Lane } from '../types'
import { MINUTE_MS } from './axis'

/** A bar with its span on the axis and its row within the lane. */
export interface Placed {
  readonly bar: Bar
  readonly from: number
  readonly to: number
  readonly row: number
}

export interface LaneRows {
  readonly placed: readonly Placed[]
  readonly rows: number
}

/** Shorter than this a bar could not be taken hold of. */
const SHORTEST_MS = 10 * MINUTE_MS
/** More rows than this would not be legible in a lane; what is left shares the last one. */
const MOST_ROWS = 3

export const time = (text: string): number => Date.parse(text)

/** From when to when a bar stands: booked, under way (until now, or until it was planned to end), or done. */
export function spanOf(bar: Bar, now: number): { from: number; to: number } {
  const planned = { from: time(bar.planned_start ?? ''), to: time(bar.planned_end ?? '') }
  if (!bar.live) return planned
  const from = time(bar.started_at ?? bar.planned_start ?? '')
  if (bar.ended_at) return { from, to: Math.max(time(bar.ended_at), from + SHORTEST_MS) }
  return { from, to: Math.max(now, from + SHORTEST_MS, Number.isNaN(planned.to) ? 0 : planned.to) }
}

/** Bars that overlap stand in rows below each other, each in the first row that is free. */
export function placeBars(bars: readonly Bar[], now: number): LaneRows {
  const spans = bars.map((bar) => ({ bar, ...spanOf(bar, now) })).sort((a, b) => a.from - b.from)
  const busyUntil: number[] = []
  const placed = spans.map((span) => {
    const free = busyUntil.findIndex((until) => until <= span.from)
    const row = free >= 0 ? free : Math.min(busyUntil.length, MOST_ROWS - 1)
    busyUntil[row] = Math.max(busyUntil[row] ?? 0, span.to)
    return { ...span, row }
  })
  return { placed, rows: Math.max(1, busyUntil.length) }
}

export type Obstacle = 'skill' | 'shift' | 'overlap'

/** What the server will say against a visit, as far as the board can know; it has the last word. */
export function obstacleTo(visit: Bar, lane: Lane, others: readonly Bar[], from: number, to: number): Obstacle | null {
  if (!lane.skills.includes(visit.required_skill)) return 'skill'
  const onDuty = lane.shifts.some((shift) => time(shift.starts_at) <= from && time(shift.ends_at) >= to)
  if (!onDuty) return 'shift'
  const inTheWay = others.some(
    (bar) =>
      bar.job_id !== visit.job_id &&
      !bar.ended_at &&
      bar.planned_start !== null &&
      time(bar.planned_start) < to &&
      time(bar.planned_end ?? '') > from,
  )
  return inTheWay ? 'overlap' : null
}

/** Planned outside the time the customer was promised. */
export function breaksPromise(bar: Bar): boolean {
  if (bar.live || !bar.window_start || !bar.window_end || !bar.planned_start || !bar.planned_end) return false
  return time(bar.planned_start) < time(bar.window_start) || time(bar.planned_start) > time(bar.window_end)
}

/** Lanes whose crew, or one of whose jobs, the words name. */
export function matching(
  lanes: readonly Lane[],
  barsOf: (lane: Lane) => readonly Bar[],
  words: string,
): readonly Lane[] {
  const q = words.trim().toLowerCase()
  if (!q) return lanes
  const has = (text: string): boolean => text.toLowerCase().includes(q)
  return lanes.filter(
    (lane) =>
      [lane.code, lane.name_zh, lane.name_en].some(has) ||
      barsOf(lane).some((bar) => has(bar.number) || has(bar.address)),
  )
}
