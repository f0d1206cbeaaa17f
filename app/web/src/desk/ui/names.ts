import { useI18n } from 'vue-i18n'

/** Which of two stored names fits the reader's language; user content keeps its own. */
export function useNames(): {
  nameOf: (thing: { readonly name_zh: string; readonly name_en: string }) => string
} {
  const { locale } = useI18n()
  return { nameOf: (thing) => (locale.value === 'en' ? thing.name_en || thing.name_zh : thing.name_zh) }
}
