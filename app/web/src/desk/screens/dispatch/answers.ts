import type { BothWords, FormItem } from '../../types'

export function say(both: BothWords | undefined, locale: string, otherwise: string): string {
  return both?.[locale === 'en' ? 'en' : 'zh-CN'] ?? otherwise
}

/** An answer as a person reads it: the option's title, yes or no, the figure with its unit; empty when not answered. */
export function answerInWords(item: FormItem, value: unknown, locale: string, yesNo: (yes: boolean) => string): string {
  if (value === undefined || value === null || value === '') return ''
  if (typeof value === 'boolean') return yesNo(value)
  if (Array.isArray(value)) return value.map((one) => optionTitle(item, one, locale)).join('、')
  const unit = item['x-ui']?.unit ?? item['x-unit']
  return `${optionTitle(item, value, locale)}${unit ? `\u2009${unit}` : ''}`
}

function optionTitle(item: FormItem, value: unknown, locale: string): string {
  const option = item['x-ui']?.options?.find((one) => one.value === value)
  return say(option?.title, locale, String(value))
}
