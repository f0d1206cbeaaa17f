/** Spans and clock times as a person says them. Words come from `shared/i18n` under `unit`. */

export type Translate = (key: string, params?: Record<string, unknown>) => string

const MINUTE_S = 60
const HOUR_S = 3600
const DAY_S = 86400

/** `7 分钟`, `1 小时 5 分`, `3 天`; seconds only below one minute. */
export function span(seconds: number, t: Translate): string {
  const s = Math.max(0, Math.round(seconds))
  if (s < MINUTE_S) return t('unit.s', { n: s })
  if (s < HOUR_S) return t('unit.min', { n: Math.round(s / MINUTE_S) })
  if (s < DAY_S) {
    const h = Math.floor(s / HOUR_S)
    const m = Math.floor((s % HOUR_S) / MINUTE_S)
    return m === 0 ? t('unit.h', { n: h }) : t('unit.hmin', { h, m })
  }
  return t('unit.d', { n: Math.floor(s / DAY_S) })
}

/** `12 秒前`; anything within five seconds, or ahead of our clock, is "just now". */
export function ago(at: string | Date, now: Date, t: Translate): string {
  const seconds = secondsBetween(at, now)
  return seconds < 5 ? t('unit.justNow') : t('unit.ago', { span: span(seconds, t) })
}

/** Seconds from `at` to `now`; negative when `at` lies ahead. */
export function secondsBetween(at: string | Date, now: Date): number {
  return (now.getTime() - new Date(at).getTime()) / 1000
}

/** `14:05` today, `07-15 14:05` on another day, in the branch's time zone. */
export function clock(at: string | Date, now: Date, timeZone: string): string {
  const [day = '', time = ''] = stamp(new Date(at), timeZone).split(' ')
  return stamp(now, timeZone).startsWith(day) ? time : `${day.slice(5)} ${time}`
}

/** Zones whose clocks stand at one offset from GMT all year, in milliseconds: China's since 1991. */
const STEADY: Readonly<Record<string, number>> = { 'Asia/Shanghai': 8 * HOUR_S * 1000 }

/** `2026-07-15 14:05` in a time zone. A browser's first format takes 50 ms of its start: a steady zone needs none. */
export function stamp(at: Date, timeZone: string): string {
  const offset = STEADY[timeZone]
  if (offset === undefined) return writerOf(timeZone).format(at)
  return new Date(at.getTime() + offset).toISOString().slice(0, 16).replace('T', ' ')
}

const WRITERS = new Map<string, Intl.DateTimeFormat>()

/** To make one takes the browser fifty times as long as to write with it, and a list writes hundreds of times. */
function writerOf(timeZone: string): Intl.DateTimeFormat {
  const known = WRITERS.get(timeZone)
  if (known) return known
  const two = '2-digit'
  const parts = { year: 'numeric', month: two, day: two, hour: two, minute: two } as const
  const writer = new Intl.DateTimeFormat('sv-SE', { timeZone, ...parts })
  WRITERS.set(timeZone, writer)
  return writer
}

/** `GMT+2`: how far a time zone (or this machine's own) is from GMT at that moment. */
export function offsetOf(at: Date, timeZone?: string): string {
  const parts = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'shortOffset' }).formatToParts(at)
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
}

/** `350 米`, `1.2 公里`, `14 公里`. */
export function distance(metres: number, t: Translate): string {
  if (metres < 950) return t('unit.m', { n: Math.round(metres / 10) * 10 })
  const km = metres / 1000
  return t('unit.km', { n: km < 10 ? km.toFixed(1) : Math.round(km).toString() })
}
