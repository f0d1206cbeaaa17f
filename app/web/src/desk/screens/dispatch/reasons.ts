import { useI18n } from 'vue-i18n'
import { clock, distance, span } from '@shared/fmt/time'
import { useSession } from '../../stores/session'
import type { Reason } from '../../types'

const TIMES = ['at', 'until', 'due_at']

/** A reason's code and figures as a short sentence. A code this version does not know is shown as it is. */
export function useReasonWords(): (reason: Reason) => string {
  const { t, te } = useI18n()
  const session = useSession()

  function inWords(name: string, value: unknown): unknown {
    if (typeof value === 'number' && name.endsWith('_m')) return distance(value, t)
    if (typeof value === 'number' && name.endsWith('_s')) return span(value, t)
    if (typeof value === 'string' && TIMES.includes(name)) return clock(value, session.serverNow(), session.timeZone)
    if (typeof value === 'string' && te(`${name === 'grade' ? 'skillGrade' : name}.${value}`)) {
      return t(`${name === 'grade' ? 'skillGrade' : name}.${value}`)
    }
    return value
  }

  return (reason) => {
    const key = `reason.${reason.code}`
    const params = Object.fromEntries(
      Object.entries(reason.params).map(([name, value]) => [name, inWords(name, value)]),
    )
    return te(key) || te(key, 'zh-CN') ? t(key, params) : reason.code
  }
}
