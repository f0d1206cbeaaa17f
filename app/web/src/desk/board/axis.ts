/** The board's time axis: milliseconds of a day to pixels and back. Days are told in the branch's zone. */

export const HOUR_MS = 3_600_000
export const MINUTE_MS = 60_000
/** Pixels an hour. */
export const ZOOMS = [32, 56, 88, 140, 240] as const
export const DEFAULT_ZOOM = 2

export interface Axis {
  readonly from: number
  readonly to: number
  readonly pxPerHour: number
}

export interface Tick {
  readonly at: number
  readonly label: string
}

export const xOf = (axis: Axis, at: number): number => ((at - axis.from) / HOUR_MS) * axis.pxPerHour
export const timeAt = (axis: Axis, x: number): number => axis.from + (x / axis.pxPerHour) * HOUR_MS
export const widthOf = (axis: Axis): number => xOf(axis, axis.to)

/** The nearest whole step; every zone's offset is a multiple of a quarter of an hour. */
export const snap = (at: number, stepMs: number): number => Math.round(at / stepMs) * stepMs

/** Each full hour of the day: 23 or 25 of them where the clocks change. */
export function ticks(axis: Axis, clock: (at: number) => string): Tick[] {
  const found: Tick[] = []
  for (let at = axis.from; at < axis.to; at += HOUR_MS) found.push({ at, label: clock(at) })
  return found
}

/** `09:30` in a zone; the formatter is made once, it costs more than a bar. */
export function clockOf(timeZone: string): (at: number) => string {
  const format = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone })
  return (at) => format.format(at)
}

/** `2026-07-16T09:30`, as a date and time field holds it. */
export function wallTime(at: number, timeZone: string): string {
  return new Intl.DateTimeFormat('sv-SE', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone,
  })
    .format(at)
    .replace(' ', 'T')
}

/** The moment a clock in the zone shows this time; of an hour that comes twice the first, NaN when it is no time. */
export function fromWall(text: string, timeZone: string): number {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(text)) return NaN // the parser would make something of it
  const asUtc = (wall: string): number => Date.parse(`${wall}:00Z`)
  const wanted = asUtc(text)
  if (Number.isNaN(wanted)) return NaN // the 31st of June
  let at = wanted
  for (let turn = 0; turn < 2; turn++) at += wanted - asUtc(wallTime(at, timeZone))
  return at
}

/** The day so many days after `2026-07-16`. */
export function dayAfter(day: string, days: number): string {
  const date = new Date(`${day}T00:00:00Z`)
  date.setUTCDate(date.getUTCDate() + days)
  return date.toISOString().slice(0, 10)
}
