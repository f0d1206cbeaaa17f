/** The branch's time zone; the tablet itself may be set to another. */
export const TIME_ZONE = 'Asia/Shanghai'

/** `2026-07-09` in the branch's zone. */
export function dayOf(at: Date): string {
  return at.toLocaleDateString('sv-SE', { timeZone: TIME_ZONE })
}

export function isToday(at: string | null, now = new Date()): boolean {
  return at !== null && dayOf(new Date(at)) === dayOf(now)
}

/** `14:05`, with the day in front where it is not today. */
export function timeOf(at: string | number, now = new Date()): string {
  const date = new Date(at)
  const time = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: TIME_ZONE })
  return dayOf(date) === dayOf(now) ? time : `${dayOf(date).slice(5)} ${time}`
}
