import { useI18n } from 'vue-i18n'
import { isPlace } from '@shared/fmt/geo'
import { span } from '@shared/fmt/time'
import { answerInWords, say } from '../screens/dispatch/answers'
import type { Conflict, Take } from '../types'
import { standing } from './causes'

/** Below this a tablet's clock is right as far as a person cares. */
const RIGHT_MS = 5000

export interface ConflictWords {
  /** What was asked, in the reader's language. */
  readonly title: (conflict: Conflict) => string
  readonly value: (conflict: Conflict, value: unknown) => string
  /** What a person wrote keeps its language; titles of options are in the reader's. */
  readonly langOf: (conflict: Conflict, value: unknown) => string | undefined
  /** How far a tablet's clock was off; empty when nobody knows. */
  readonly clockError: (ms: number | null) => string
  /** A person's name in the reader's writing, where they have one. */
  readonly name: (zh: string | null, en: string | null) => string
  /** What a decision leaves in the record. */
  readonly result: (conflict: Conflict, take: Take, value: unknown) => string
}

export function useConflictWords(): ConflictWords {
  const { t, te, locale } = useI18n()
  const yesNo = (yes: boolean): string => t(yes ? 'record.yes' : 'record.no')

  function title({ question, field }: Conflict): string {
    const key = `conflicts.field.${field.replace('$', '')}`
    return say(question?.['x-title'], locale.value, te(key) ? t(key) : field)
  }

  function value({ question, field }: Conflict, given: unknown): string {
    if (field === '$deleted') return t(given === true ? 'conflicts.deleted' : 'conflicts.notDeleted')
    if (given === null || given === undefined || given === '') return t('conflicts.nothing')
    if (field === 'state') return t(`job.state.${String(given)}`)
    return isThing(given) ? thing(given) : answerInWords(question ?? {}, given, locale.value, yesNo)
  }

  function langOf({ question, field }: Conflict, given: unknown): string | undefined {
    const chosen = question?.['x-ui']?.options ?? question?.enum ?? field === 'state'
    return typeof given === 'string' && given !== '' && !chosen ? 'zh-CN' : undefined
  }

  function clockError(ms: number | null): string {
    if (ms === null) return ''
    if (Math.abs(ms) < RIGHT_MS) return t('conflicts.clockRight')
    return t(ms > 0 ? 'conflicts.clockFast' : 'conflicts.clockSlow', { span: span(Math.abs(ms) / 1000, t) })
  }

  const name = (zh: string | null, en: string | null): string => (locale.value === 'en' ? en : null) ?? zh ?? ''

  function result(conflict: Conflict, take: Take, given: unknown): string {
    if (take === 'mine') return value(conflict, conflict.mine)
    return value(conflict, take === 'theirs' ? standing(conflict) : given)
  }

  return { title, value, langOf, clockError, name, result }
}

const isThing = (value: unknown): value is object => typeof value === 'object' && !Array.isArray(value)

/** A place by its coordinates; what no form asks for yet as it came. */
const thing = (value: object): string =>
  isPlace(value) ? value.coordinates.map((degrees) => degrees.toFixed(5)).join(', ') : JSON.stringify(value)
