import { useI18n } from 'vue-i18n'
import { speak } from '@shared/api/http'
import { hasChosenLocale, isLocale, LOCALES, rememberLocale, type Locale } from '@shared/i18n'
import * as api from '../api'
import { useSession } from '../stores/session'

/** Changes the language of the screens and problems, and of the person's account when somebody is signed in. */
export function useLanguage(): {
  other: () => Locale
  speakIn: (locale: Locale) => Promise<void>
  adopt: () => void
} {
  const { locale } = useI18n()
  const session = useSession()

  const other = (): Locale => LOCALES.find((one) => one !== locale.value) ?? 'zh-CN'

  async function speakIn(chosen: Locale): Promise<void> {
    locale.value = chosen
    rememberLocale(chosen)
    speak(chosen)
    if (session.me) await api.setLocale(chosen)
  }

  /** Somebody signed in at a browser where nobody has chosen yet: their account's language it is. */
  function adopt(): void {
    const own = session.me?.locale
    if (hasChosenLocale() || !isLocale(own)) return
    locale.value = own
    document.documentElement.lang = own
    speak(own)
  }

  return { other, speakIn, adopt }
}
