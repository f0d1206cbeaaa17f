import { createI18n } from 'vue-i18n'
import en from './en.json'
import type { Locale } from './locale'
import zhCN from './zh-CN.json'

export * from './locale'

interface Words {
  readonly [key: string]: string | Words
}
export type AppWords = Readonly<Record<Locale, Words>>

/** The common words with an application's own beside them; `python -m app.web check` refuses overlapping groups. */
export function createWords(app: AppWords, locale: Locale) {
  return createI18n({
    legacy: false,
    locale,
    fallbackLocale: 'zh-CN',
    messages: { 'zh-CN': { ...zhCN, ...app['zh-CN'] }, en: { ...en, ...app.en } },
  })
}
