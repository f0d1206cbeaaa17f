import { createI18n } from 'vue-i18n'
import { rememberLocale, type Locale } from '@shared/i18n/locale'
import sharedWords from '@shared/i18n/zh-CN.json'
import { speak } from '../sync/http'
import crewWords from './zh-CN.json'

/** zh-CN is in the first file; English comes when it is chosen, stored by the service worker like the rest. */
export const words = createI18n({
  legacy: false,
  locale: 'zh-CN' as Locale,
  fallbackLocale: 'zh-CN',
  messages: { 'zh-CN': { ...sharedWords, ...crewWords }, en: {} },
})

export async function switchTo(locale: Locale): Promise<void> {
  if (locale === 'en') {
    const [shared, crew] = await Promise.all([import('@shared/i18n/en.json'), import('./en.json')])
    // Merged: what a part of the app brought with it stays.
    words.global.mergeLocaleMessage('en', { ...shared.default, ...crew.default })
  }
  words.global.locale.value = locale
  rememberLocale(locale)
  speak(locale)
}
