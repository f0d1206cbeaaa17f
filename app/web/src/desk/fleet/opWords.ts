import { useI18n } from 'vue-i18n'
import { answerInWords, say } from '../screens/dispatch/answers'
import type { FormItem, WaitingOp, Why } from '../types'

/** Steps a crew's own op may name; what the desk moves it does on the job itself. */
const STATES = [
  'accepted',
  'en_route',
  'arrived',
  'working',
  'restored',
  'completed',
  'handed_back',
  'refused',
] as const

export interface OpWords {
  /** What was to be done: a checklist answered, a job moved, a photo kept. */
  readonly what: (op: WaitingOp) => string
  readonly title: (op: WaitingOp, field: string) => string
  readonly value: (op: WaitingOp, field: string, value: unknown) => string
  /** The control for a field: the form's own question, or the job's states. */
  readonly question: (op: WaitingOp, field: string) => FormItem | null
  /** Why it waits, with the fields at fault. */
  readonly why: (op: WaitingOp, why: Why | null) => string
  readonly person: (one: { readonly person_name: string | null; readonly person_name_en: string | null }) => string
}

const isNothing = (value: unknown): value is '' | null | undefined =>
  value === null || value === undefined || value === ''

export function useOpWords(): OpWords {
  const { t, te, locale } = useI18n()
  const yesNo = (yes: boolean): string => t(yes ? 'record.yes' : 'record.no')
  const stateWords = (state: string): string => (te(`job.state.${state}`) ? t(`job.state.${state}`) : t(`ops.${state}`))

  function what({ entity, kind }: WaitingOp): string {
    const thing = entity !== null && te(`ops.entity.${entity}`) ? t(`ops.entity.${entity}`) : (entity ?? t('ops.thing'))
    return kind === null ? thing : t(`ops.kind.${kind}`, { thing })
  }

  function title({ questions }: WaitingOp, field: string): string {
    if (te(`ops.field.${field}`)) return t(`ops.field.${field}`)
    return say(questions[field]?.['x-title'], locale.value, field)
  }

  function question({ questions, entity }: WaitingOp, field: string): FormItem | null {
    if (entity !== 'job' || field !== 'state') return questions[field] ?? null
    const options = STATES.map((state) => ({
      value: state,
      title: { 'zh-CN': stateWords(state), en: stateWords(state) },
    }))
    return { 'x-ui': { options } }
  }

  function value(op: WaitingOp, field: string, given: unknown): string {
    if (isNothing(given)) return t('conflicts.nothing')
    if (op.entity === 'job' && field === 'state') return stateWords(String(given))
    if (field === 'kind' && te(`ops.files.${String(given)}`)) return t(`ops.files.${String(given)}`)
    if (typeof given === 'object' && !Array.isArray(given)) return JSON.stringify(given)
    return answerInWords(op.questions[field] ?? {}, given, locale.value, yesNo)
  }

  function why(op: WaitingOp, told: Why | null): string {
    if (told === null) return ''
    const fields = told.errors.map(({ field }) => title(op, String(field)))
    const number = typeof told.params['op_no'] === 'number' ? t('ops.number', { n: told.params['op_no'] }) : ''
    return [told.title, number, fields.join('、')].filter(Boolean).join(' · ')
  }

  const person = (one: { readonly person_name: string | null; readonly person_name_en: string | null }): string =>
    (locale.value === 'en' ? one.person_name_en : null) ?? one.person_name ?? t('fleet.nobody')

  return { what, title, value, question, why, person }
}
