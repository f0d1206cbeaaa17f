import { useI18n } from 'vue-i18n'
import { clock, secondsBetween, span } from '@shared/fmt/time'
import { saidOf, titleOf, type Language } from '../sync/names'
import { TIME_ZONE } from '../time'
import { standing, type Dispute, type Take, type Writer } from './dispute'

/** Below this a tablet's clock is right as far as a person cares, in milliseconds. */
const RIGHT_MS = 5000

export interface DisputeWords {
  title: (dispute: Dispute) => string
  value: (dispute: Dispute, value: unknown) => string
  /** What a person wrote keeps its language; what was chosen from a list is in the reader's. */
  langOf: (dispute: Dispute, value: unknown) => string | undefined
  /** Who wrote it, where, and when: "Zhao Qiang, tablet R3, 10:31". */
  writer: (writer: Writer | null, me: string | null, now: Date) => string
  /** What a decision leaves in the record. */
  result: (dispute: Dispute, take: Take, value: unknown) => string
  due: (dispute: Dispute, now: Date) => string
  settledBy: (dispute: Dispute, now: Date) => string
}

export function useDisputeWords(): DisputeWords {
  const { t, locale } = useI18n()
  const language = (): Language => (locale.value === 'en' ? 'en' : 'zh-CN')
  const nameOf = (zh: string | null, en: string | null): string => (language() === 'en' ? en : null) ?? zh ?? '?'

  const title = ({ field, question }: Dispute): string => titleOf(field, question ?? undefined, t, language())
  const value = ({ field, question }: Dispute, given: unknown): string =>
    saidOf(field, given, question ?? undefined, t, language())

  function langOf({ field, question }: Dispute, given: unknown): string | undefined {
    const chosen = question?.enum ?? question?.['x-ui'].options ?? field === 'state'
    return typeof given === 'string' && given !== '' && !chosen ? 'zh-CN' : undefined
  }

  function writer(by: Writer | null, me: string | null, now: Date): string {
    if (by === null) return t('crew.decide.noWriter')
    const who =
      by.person_id !== null && by.person_id === me ? t('crew.decide.you') : nameOf(by.person_name, by.person_name_en)
    const where =
      by.device_id === null ? t('crew.decide.desk') : t('crew.decide.tablet', { name: by.device_name ?? '?' })
    const when = by.at === null ? [] : [clock(by.at, now, TIME_ZONE)]
    return [who, where, ...when, ...clockError(by)].join(t('crew.decide.comma'))
  }

  function clockError({ clock_error_ms: ms }: Writer): string[] {
    if (ms === null || Math.abs(ms) < RIGHT_MS) return []
    return [t(ms > 0 ? 'crew.decide.fast' : 'crew.decide.slow', { span: span(Math.abs(ms) / 1000, t) })]
  }

  function result(dispute: Dispute, take: Take, given: unknown): string {
    if (take === 'mine') return value(dispute, dispute.mine)
    return value(dispute, take === 'theirs' ? standing(dispute) : given)
  }

  function due({ due_at }: Dispute, now: Date): string {
    const left = -secondsBetween(due_at, now)
    return t(left < 0 ? 'crew.decide.late' : 'crew.decide.left', { span: span(Math.abs(left), t) })
  }

  function settledBy(dispute: Dispute, now: Date): string {
    const who = nameOf(dispute.resolved_by_name, dispute.resolved_by_name_en)
    const when = dispute.resolved_at === null ? [] : [clock(dispute.resolved_at, now, TIME_ZONE)]
    return [who, ...when].join(t('crew.decide.comma'))
  }

  return { title, value, langOf, writer, result, due, settledBy }
}
