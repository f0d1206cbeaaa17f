import { useI18n } from 'vue-i18n'
import { ApiProblem, Unreachable } from '@shared/api/problem'

export interface ProblemWords {
  /** One or two sentences for the person in front of the screen. */
  readonly text: (error: unknown) => string
  /** What was refused about each field, by the field's name. */
  readonly fields: (error: unknown) => Readonly<Record<string, string>>
}

/** Errors in words: the server's own where it gave some, ours where no answer came. */
export function useProblemWords(): ProblemWords {
  const { t, te } = useI18n()

  function text(error: unknown): string {
    if (error instanceof ApiProblem) {
      const { title, detail, code } = error.problem
      if (code === 'no-problem-body') return t('problem.unexpected')
      return [title, detail].filter(Boolean).join(' ')
    }
    if (error instanceof Unreachable) return t('problem.unreachable')
    return t('problem.unexpected')
  }

  function fields(error: unknown): Readonly<Record<string, string>> {
    if (!(error instanceof ApiProblem)) return {}
    const named = Object.entries(error.fieldErrors())
    return Object.fromEntries(
      named.map(([field, reason]) => [field, te(`field.${field}`) ? `${t(`field.${field}`)} ${reason}` : reason]),
    )
  }

  return { text, fields }
}
