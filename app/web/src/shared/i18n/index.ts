import { createI18n, type I18n } from 'vue-i18n'
import en from './en.json'
import zhCN from './zh-CN.json'

export const LOCALES = ['zh-CN', 'en'] as const
export type Locale = (typeof LOCALES)[number]

type Messages = Record<string, unknown>
export type AppMessages = Readonly<Record<Locale, Messages>>

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

/** Common words of `shared/i18n` with an application's own words beside them; top-level keys must not overlap. */
export function createMessages(app: AppMessages, locale: Locale): I18n<AppMessages, object, object, Locale, false> {
  return createI18n({
    legacy: false,
    locale,
    fallbackLocale: 'zh-CN',
    messages: { 'zh-CN': { ...zhCN, ...app['zh-CN'] }, en: { ...en, ...app.en } },
    missingWarn: false,
    fallbackWarn: false,
  }) as unknown as I18n<AppMessages, object, object, Locale, false>
}
