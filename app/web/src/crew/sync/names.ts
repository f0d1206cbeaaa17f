import type { Op } from '@sync/protocol'
import { isPlace } from '@shared/fmt/geo'
import type { OpRow } from '@sync/store'
import type { Question } from '../forms/rules'
import type { Translate } from '../words'
import { timeOf } from '../time'
import type { Named } from './queue'

export type Language = 'zh-CN' | 'en'

/** What an edit was, in words: "Fault cause: tree", "Photo: before", "State: arrived". */
export function opWords(op: Op, { form }: Named, t: Translate, language: Language): string {
  if (op.entity === 'attachment') {
    const kind = op.fields['kind'] === 'signature' ? 'signature' : 'photo'
    return `${t(`crew.op.${kind}`)} · ${slotTitle(form, kind, String(op.fields['slot']), language)}`
  }
  if (op.entity === 'conflict') return t('crew.op.decision')
  return Object.entries(op.fields)
    .filter(([name]) => name !== 'reason')
    .map(([name, value]) => `${fieldTitle(name, form, t, language)}: ${valueWords(name, value, form, t, language)}`)
    .join(' · ')
}

/** What the centre did with an edit that waited there: "applied by the centre at 14:02", with what it changed. */
export function centreWords(row: OpRow, { form }: Named, t: Translate, language: Language): string {
  const said = row.result?.centre
  if (said === undefined) return ''
  const words = t(`crew.centre.${said.verb}`, { at: timeOf(said.at) })
  const changed = said.verb === 'repaired' ? Object.entries(row.result?.fields ?? {}) : []
  const values = changed.map(
    ([name, { value }]) => `${fieldTitle(name, form, t, language)}: ${valueWords(name, value, form, t, language)}`,
  )
  return [words, ...values, said.reason].filter(Boolean).join(' · ')
}

export function slotTitle(form: Named['form'], kind: string, slot: string, language: Language): string {
  const slots = kind === 'signature' ? form?.signature_slots : form?.photo_slots
  return slots?.find((one) => one.slot === slot)?.title[language] ?? slot
}

const ANSWER = 'answers.'
const JOB_FIELDS = new Set(['state', 'note', 'finding', 'restored_at', 'location'])

export function fieldTitle(name: string, form: Named['form'], t: Translate, language: Language): string {
  return titleOf(name, questionOf(name, form), t, language)
}

function questionOf(name: string, form: Named['form']): Question | undefined {
  return form?.schema.properties[name.slice(ANSWER.length)]
}

/** The question's own title, where the field is an answer; else the field's. */
export function titleOf(name: string, question: Question | undefined, t: Translate, language: Language): string {
  if (name.startsWith(ANSWER)) return question?.['x-title'][language] ?? name.slice(ANSWER.length)
  return JOB_FIELDS.has(name) ? t(`crew.op.${name}`) : name
}

export function valueWords(
  name: string,
  value: unknown,
  form: Named['form'],
  t: Translate,
  language: Language,
): string {
  return saidOf(name, value, questionOf(name, form), t, language)
}

/** A value as a person reads it: the option's title, yes or no, the figure with its unit. */
export function saidOf(
  name: string,
  value: unknown,
  question: Question | undefined,
  t: Translate,
  language: Language,
): string {
  if (value === null || value === undefined) return t('crew.op.nothing')
  if (isPlace(value)) return value.coordinates.map((degrees) => degrees.toFixed(5)).join(', ')
  if (typeof value === 'boolean') return t(value ? 'crew.form.yes' : 'crew.form.no')
  if (name === 'state') return t(`job.state.${String(value)}`)
  const hints = question?.['x-ui']
  return optionTitle(hints, value, language) ?? withUnit(value, hints?.unit)
}

function optionTitle(hints: Question['x-ui'] | undefined, value: unknown, language: Language): string | undefined {
  return hints?.options?.find((one) => one.value === value)?.title[language]
}

function withUnit(value: unknown, unit: string | undefined): string {
  const words = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return unit === undefined ? words : `${words} ${unit}`
}
