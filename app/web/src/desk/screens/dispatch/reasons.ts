import { useI18n } from 'vue-i18n'
import { distance, span } from '@shared/fmt/time'
import type { Reason } from '../../types'

/** A reason's code and figures as a short sentence. A code this version does not know is shown as it is. */
export function useReasonWords(): (reason: Reason) => string {
  const { t, te } = useI18n()

  function inWords(name: string, value: unknown): unknown {
    if (typeof value === 'number' && name.endsWith('_m')) return distance(value, t)
    if (typeof value === 'number' && name.endsWith('_s')) return span(value, t)
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
