import { createI18n } from 'vue-i18n'
import en from './en.json'
import zhCN from './zh-CN.json'

export const LOCALES = ['zh-CN', 'en'] as const
export type Locale = (typeof LOCALES)[number]

interface Words {
  readonly [key: string]: string | Words
}
export type AppWords = Readonly<Record<Locale, Words>>

const STORED_LOCALE = 'lamplighter.locale'

export function isLocale(value: unknown): value is Locale {
  return LOCALES.some((locale) => locale === value)
}

/** The language of this browser's last choice; zh-CN is the source language and the default. */
export function storedLocale(): Locale {
  const stored = localStorage.getItem(STORED_LOCALE)
  if (isLocale(stored)) return stored
  return navigator.language.toLowerCase().startsWith('en') ? 'en' : 'zh-CN'
}

export function rememberLocale(locale: Locale): void {
  localStorage.setItem(STORED_LOCALE, locale)
  document.documentElement.lang = locale
}

/** The common words with an application's own beside them; `python -m app.web check` refuses overlapping groups. */
export function createWords(app: AppWords, locale: Locale) {
  return createI18n({
    legacy: false,
    locale,
    fallbackLocale: 'zh-CN',
    messages: { 'zh-CN': { ...zhCN, ...app['zh-CN'] }, en: { ...en, ...app.en } },
  })
}
