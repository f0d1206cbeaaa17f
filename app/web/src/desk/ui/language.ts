import { useI18n } from 'vue-i18n'
import { speak } from '@shared/api/http'
import { LOCALES, rememberLocale, type Locale } from '@shared/i18n'
import * as api from '../api'
import { useSession } from '../stores/session'

/** Changes the language of the screens and problems, and of the person's account when somebody is signed in. */
export function useLanguage(): { other: () => Locale; speakIn: (locale: Locale) => Promise<void> } {
  const { locale } = useI18n()
  const session = useSession()

  const other = (): Locale => LOCALES.find((one) => one !== locale.value) ?? 'zh-CN'

  async function speakIn(chosen: Locale): Promise<void> {
    locale.value = chosen
    rememberLocale(chosen)
    speak(chosen)
    if (session.me) await api.setLocale(chosen)
  }

  return { other, speakIn }
}
