import { useI18n } from 'vue-i18n'
import { newKey } from '@shared/api/http'
import { useDesk } from '../stores/desk'
import type { Bar, Lane, VisitIn } from '../types'
import { toast } from '../ui/toasts'
import { spanOf, time } from './lanes'
import type { UseDay } from './useDay'
import type { BoardLanguage } from './words'

const MOST_UNDO = 10

export interface Moves {
  /** Moves a visit to where it was let go; a refusal is told and the visit goes back. */
  readonly drop: (visit: Bar, over: Lane, from: number, to: number) => void
  /** Moves a visit and offers the way back. */
  readonly carry: (visit: Bar, to: VisitIn, key: string) => Promise<void>
  /** Books a job that waits and offers the way back. */
  readonly put: (jobId: string, number: string, to: VisitIn, key: string) => Promise<void>
  /** Takes a visit off the board and offers the way back. */
  readonly takeBack: (visit: Bar) => Promise<void>
  /** Undoes the last of these; false where there is none. */
  readonly undoLast: () => boolean
}

/** What a dispatcher does to visits, and its undoing. */
export function useMoves({ day, book, move, withdraw }: UseDay, say: BoardLanguage): Moves {
  const { t } = useI18n()
  const desk = useDesk()
  const undone: (() => Promise<void>)[] = []

  const codeOf = (crewId: string): string =>
    desk.crews.get(crewId)?.code ?? day.value?.lanes.find((one) => one.crew_id === crewId)?.code ?? ''
  const spanAt = (to: VisitIn): string => say.span(time(to.planned_start), time(to.planned_end))

  function drop(visit: Bar, over: Lane, from: number, to: number): void {
    const before = asItWas(visit)
    if (over.crew_id === visit.crew_id && before.planned_start === new Date(from).toISOString()) return
    carry(visit, visitOf(over.crew_id, from, to), newKey()).catch((error: unknown) => toast('bad', say.refusal(error)))
  }

  async function carry(visit: Bar, to: VisitIn, key: string): Promise<void> {
    const before = asItWas(visit)
    await move(visit, to, key)
    const said = t('board.moved', { number: visit.number, crew: codeOf(to.crew_id), span: spanAt(to) })
    offerUndo(said, async () => {
      const moved = day.value?.barOfJob(visit.job_id) ?? visit
      await move(moved, before, newKey())
      toast('plain', t('board.movedBack', { number: visit.number }))
    })
  }

  async function put(jobId: string, number: string, to: VisitIn, key: string): Promise<void> {
    await book(jobId, to, key)
    offerUndo(t('board.booked', { number, crew: codeOf(to.crew_id), span: spanAt(to) }), async () => {
      const made = day.value?.barOfJob(jobId)
      if (made) await withdraw(made)
      toast('plain', t('send.withdrawn', { number }))
    })
  }

  async function takeBack(visit: Bar): Promise<void> {
    const before = asItWas(visit)
    try {
      await withdraw(visit)
      offerUndo(t('send.withdrawn', { number: visit.number }), () => book(visit.job_id, before, newKey()))
    } catch (error) {
      toast('bad', say.refusal(error))
    }
  }

  function offerUndo(said: string, back: () => Promise<void>): void {
    undone.push(back)
    if (undone.length > MOST_UNDO) undone.shift()
    toast('good', said, { label: t('send.undo'), run: () => undo(back) })
  }

  function undo(back: () => Promise<void>): void {
    const at = undone.indexOf(back)
    if (at < 0) return
    undone.splice(at, 1)
    back().catch((error: unknown) => toast('bad', say.refusal(error)))
  }

  function undoLast(): boolean {
    const last = undone.at(-1)
    if (last) undo(last)
    return last !== undefined
  }

  return { drop, carry, put, takeBack, undoLast }
}

const visitOf = (crew_id: string, from: number, to: number): VisitIn => ({
  crew_id,
  planned_start: new Date(from).toISOString(),
  planned_end: new Date(to).toISOString(),
})

function asItWas(visit: Bar): VisitIn {
  const { from, to } = spanOf(visit, 0)
  return visitOf(visit.crew_id, from, to)
}
