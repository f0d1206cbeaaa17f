import type { Op } from '@sync/protocol'
import type { Question } from '../forms/rules'
import type { Translate } from '../words'
import type { Named } from './queue'

export type Language = 'zh-CN' | 'en'

/** What an edit was, in words: "Fault cause: tree", "Photo: before", "State: arrived". */
export function opWords(op: Op, { form }: Named, t: Translate, language: Language): string {
  if (op.entity === 'attachment') {
    const kind = op.fields['kind'] === 'signature' ? 'signature' : 'photo'
    return `${t(`crew.op.${kind}`)} · ${slotTitle(form, kind, String(op.fields['slot']), language)}`
  }
  return Object.entries(op.fields)
    .filter(([name]) => name !== 'reason')
    .map(([name, value]) => `${fieldTitle(name, form, t, language)}: ${valueWords(name, value, form, t, language)}`)
    .join(' · ')
}

export function slotTitle(form: Named['form'], kind: string, slot: string, language: Language): string {
  const slots = kind === 'signature' ? form?.signature_slots : form?.photo_slots
  return slots?.find((one) => one.slot === slot)?.title[language] ?? slot
}

const JOB_FIELDS = new Set(['state', 'note', 'finding', 'restored_at'])

export function fieldTitle(name: string, form: Named['form'], t: Translate, language: Language): string {
  const item = name.startsWith('answers.') ? name.slice('answers.'.length) : null
  if (item !== null) return form?.schema.properties[item]?.['x-title'][language] ?? item
  return JOB_FIELDS.has(name) ? t(`crew.op.${name}`) : name
}

export function valueWords(
  name: string,
  value: unknown,
  form: Named['form'],
  t: Translate,
  language: Language,
): string {
  if (value === null || value === undefined) return t('crew.op.nothing')
  if (typeof value === 'boolean') return t(value ? 'crew.form.yes' : 'crew.form.no')
  if (name === 'state') return t(`job.state.${String(value)}`)
  const hints = form?.schema.properties[name.slice('answers.'.length)]?.['x-ui']
  return optionTitle(hints, value, language) ?? withUnit(value, hints?.unit)
}

function optionTitle(hints: Question['x-ui'] | undefined, value: unknown, language: Language): string | undefined {
  return hints?.options?.find((one) => one.value === value)?.title[language]
}

function withUnit(value: unknown, unit: string | undefined): string {
  const words = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return unit === undefined ? words : `${words} ${unit}`
}
