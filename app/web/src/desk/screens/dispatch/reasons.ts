import { useI18n } from 'vue-i18n'
import { clock, distance, span } from '@shared/fmt/time'
import { useSession } from '../../stores/session'
import type { Reason } from '../../types'

const TIMES = ['at', 'until', 'due_at']

/** A reason's code and figures as a short sentence. A code this version does not know is shown as it is. */
export function useReasonWords(): (reason: Reason) => string {
  const { t, te } = useI18n()
  const session = useSession()

  function figureInWords(name: string, value: number): string | number {
    if (name.endsWith('_m')) return distance(value, t)
    return name.endsWith('_s') ? span(value, t) : value
  }

  function textInWords(name: string, value: string): string {
    if (TIMES.includes(name)) return clock(value, session.serverNow(), session.timeZone)
    const key = `${name === 'grade' ? 'skillGrade' : name}.${value}`
    return te(key) ? t(key) : value
  }

  function inWords(name: string, value: unknown): unknown {
    if (typeof value === 'number') return figureInWords(name, value)
    return typeof value === 'string' ? textInWords(name, value) : value
  }

  return (reason) => {
    const key = `reason.${reason.code}`
    const params = Object.fromEntries(
      Object.entries(reason.params).map(([name, value]) => [name, inWords(name, value)]),
    )
    return te(key) || te(key, 'zh-CN') ? t(key, params) : reason.code
  }
}
