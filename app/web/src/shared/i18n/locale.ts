/** Which language this browser shows; apart from the words, so that an app may load those when it needs them. */

export const LOCALES = ['zh-CN', 'en'] as const
export type Locale = (typeof LOCALES)[number]

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

/** Whether somebody has chosen a language in this browser. */
export function hasChosenLocale(): boolean {
  return localStorage.getItem(STORED_LOCALE) !== null
}

export function rememberLocale(locale: Locale): void {
  localStorage.setItem(STORED_LOCALE, locale)
  document.documentElement.lang = locale
}
