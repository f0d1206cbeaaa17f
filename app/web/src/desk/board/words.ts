import { computed, type ComputedRef } from 'vue'
import { useI18n } from 'vue-i18n'
import { ApiProblem } from '@shared/api/problem'
import { useSession } from '../stores/session'
import { stageOf, type Bar, type Lane } from '../types'
import { useNames } from '../ui/names'
import { useProblemWords } from '../ui/problems'
import type { Axis } from './axis'
import { breaksPromise, time, type Obstacle, type Placed } from './lanes'
import type { BoardWords } from './stage'

export interface BoardLanguage {
  readonly words: ComputedRef<BoardWords>
  readonly span: (from: number, to: number) => string
  readonly stateOf: (bar: Bar) => string
  readonly obstacle: (found: Obstacle, bar: Bar) => string
  /** Why a visit was refused, with what stands in its way. */
  readonly refusal: (error: unknown) => string
}

/** Everything the board says, in the reader's language and the branch's time. */
export function useBoardWords(
  clock: Readonly<{ value: (at: number) => string }>,
  axis: Readonly<{ value: Axis }>,
): BoardLanguage {
  const { t, locale } = useI18n()
  const { nameOf } = useNames()
  const session = useSession()
  const problems = useProblemWords()

  const span = (from: number, to: number): string => `${clock.value(from)}–${clock.value(to)}`
  const stage = (bar: Bar): string =>
    bar.end_reason === 'handed_back' ? 'back' : bar.ended_at ? 'done' : stageOf(bar.state)
  const stateOf = (bar: Bar): string =>
    bar.end_reason === 'handed_back' ? t('board.handedBack') : t(`job.state.${bar.ended_at ? 'completed' : bar.state}`)
  const kindOf = (bar: Bar): string => t(`job.kind.${bar.kind}`)
  const barText = (bar: Bar): string => `${kindOf(bar)} ${bar.address}`
  const comma = (): string => (locale.value === 'en' ? ', ' : '，')

  /** The crew's hours of this day: shifts that follow on each other are one, what lies beyond midnight is not shown. */
  function shifts(lane: Lane): string {
    const { from, to } = axis.value
    const hours: { from: number; to: number }[] = []
    for (const shift of lane.shifts) {
      const next = { from: Math.max(from, time(shift.starts_at)), to: Math.min(to, time(shift.ends_at)) }
      const last = hours.at(-1)
      if (last && last.to >= next.from) last.to = Math.max(last.to, next.to)
      else hours.push(next)
    }
    const until = (at: number): string => (at === to ? '24:00' : clock.value(at))
    return hours.map((one) => `${clock.value(one.from)}–${until(one.to)}`).join(comma()) || t('board.noShift')
  }

  function barLabel({ bar, from, to }: Placed): string {
    const parts = [
      barText(bar), // first what is seen, so that it can be spoken to
      `${stateOf(bar)} ${span(from, to)}`,
      bar.number,
      bar.priority === 'normal' ? '' : t(`job.priority.${bar.priority}`),
      bar.window_start && bar.window_end
        ? t('board.promised', { span: span(time(bar.window_start), time(bar.window_end)) })
        : '',
      breaksPromise(bar) ? t('board.breaksPromise') : '',
    ]
    return parts.filter(Boolean).join(comma())
  }

  const words = computed<BoardWords>(() => {
    const dispatches = session.may('dispatch')
    const marks = Object.fromEntries(
      ['planned', 'sent', 'onsite', 'restored', 'done', 'back', 'unsent'].map((key) => [key, t(`board.mark.${key}`)]),
    )
    return {
      crew: (lane) => `${lane.code} ${nameOf(lane)}`,
      crewNote: (lane) => `${t(`crewKind.${lane.kind}`)} · ${shifts(lane)}`,
      laneLabel: (lane) => `${lane.code} ${nameOf(lane)}, ${shifts(lane)}`,
      barText,
      barLabel,
      mark: (bar) => (breaksPromise(bar) ? `!${marks[stage(bar)] ?? ''}` : (marks[stage(bar)] ?? '')),
      stage,
      warns: breaksPromise,
      movable: (bar) => dispatches && !bar.live && !bar.ended_at,
      cannot: t('board.cannot'),
    }
  })

  function obstacle(found: Obstacle, bar: Bar): string {
    return t(`board.obstacle.${found}`, { skill: t(`skill.${bar.required_skill}`) })
  }

  function refusal(error: unknown): string {
    const text = problems.text(error)
    if (!(error instanceof ApiProblem)) return text
    const params = error.problem.params ?? {}
    const at = (name: string): number => time(String(params[name]))
    if (error.problem.code === 'visit-overlap' && params['job_number'])
      return `${text} (${String(params['job_number'])} ${span(at('planned_start'), at('planned_end'))})`
    const named = Object.values(problems.fields(error))
    return [text, ...named].join(' ')
  }

  return { words, span, stateOf, obstacle, refusal }
}
