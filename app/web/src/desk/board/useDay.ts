import { onBeforeUnmount, onMounted, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import * as api from '../api'
import { useDesk } from '../stores/desk'
import { useSession } from '../stores/session'
import type { Bar, DayBoard, Lane, VisitIn } from '../types'

/** Above this many changed jobs it is cheaper to read the whole day again. */
const ONE_BY_ONE = 12

/** Bars and lanes of a day, indexed once: ten thousand bars are not searched again for each lane. */
export class Day {
  readonly lanes: readonly Lane[]
  private readonly byCrew = new Map<string, Bar[]>()
  private readonly byVisit = new Map<string, Bar>()

  constructor(readonly board: DayBoard) {
    this.lanes = board.lanes
    for (const bar of board.bars) {
      const lane = this.byCrew.get(bar.crew_id)
      if (lane) lane.push(bar)
      else this.byCrew.set(bar.crew_id, [bar])
      this.byVisit.set(bar.id, bar)
    }
  }

  barsOf = (crewId: string): readonly Bar[] => this.byCrew.get(crewId) ?? []
  visit = (id: string): Bar | undefined => this.byVisit.get(id)
  /** The open bar of a job, or the last of those that ended. */
  barOfJob(jobId: string): Bar | undefined {
    const bars = this.board.bars.filter((bar) => bar.job_id === jobId)
    return bars.find((bar) => !bar.ended_at) ?? bars.at(-1)
  }

  /** The same day with the bars of some jobs replaced, and lanes that were not there added. */
  with(jobIds: ReadonlySet<string>, bars: readonly Bar[], lanes: readonly Lane[]): Day {
    const known = new Set(this.lanes.map((lane) => lane.crew_id))
    const added = lanes.filter((lane) => !known.has(lane.crew_id))
    const allLanes = added.length
      ? [...this.lanes, ...added].sort((a, b) => (a.code < b.code ? -1 : Number(a.code > b.code)))
      : this.lanes
    const kept = this.board.bars.filter((bar) => !jobIds.has(bar.job_id))
    return new Day({ ...this.board, lanes: allLanes, bars: [...kept, ...bars] })
  }
}

export interface UseDay {
  readonly day: ShallowRef<Day | null>
  readonly failure: ShallowRef<unknown>
  readonly load: () => Promise<void>
  readonly book: (jobId: string, visit: VisitIn, key: string) => Promise<void>
  readonly move: (bar: Bar, visit: VisitIn, key: string) => Promise<void>
  readonly withdraw: (bar: Bar) => Promise<void>
}

/** One day of the branch, kept fresh by the desk's event stream; a move shows at once and goes back when refused. */
export function useDay(wanted: Readonly<Ref<string>>): UseDay {
  const desk = useDesk()
  const session = useSession()
  const day = shallowRef<Day | null>(null)
  const failure = shallowRef<unknown>(null)
  let asked = 0

  async function load(): Promise<void> {
    const turn = ++asked
    try {
      const board = await api.dayBoard(wanted.value, session.branch?.id)
      if (turn !== asked) return
      performance.mark('board-data')
      day.value = new Day(board)
      failure.value = null
    } catch (error) {
      // A day that is on the screen already stays there: it is as old as the last news, not gone.
      const shown = day.value?.board.day
      if (turn === asked && (!shown || (wanted.value && wanted.value !== shown))) failure.value = error
    }
  }

  /** Only these jobs' bars; an answer that a newer day or load has overtaken is dropped. */
  async function refresh(jobIds: readonly string[]): Promise<void> {
    const turn = asked
    const fresh = await Promise.all(
      jobIds.map((jobId) => api.dayBoard(day.value?.board.day ?? '', session.branch?.id, jobId)),
    )
    if (turn !== asked || !day.value) return
    const bars = fresh.flatMap((board) => board.bars)
    const lanes = fresh.flatMap((board) => board.lanes)
    day.value = day.value.with(new Set(jobIds), bars, lanes)
  }

  async function heard(): Promise<void> {
    if (!day.value) return
    const jobIds = [...new Set(desk.lastChanges.filter(({ entity }) => entity === 'job').map(({ id }) => id))]
    if (jobIds.length > ONE_BY_ONE) await load()
    else if (jobIds.length) await refresh(jobIds).catch(() => load())
  }

  function show(bar: Bar, changed: Partial<Bar>): void {
    if (day.value) day.value = day.value.with(new Set([bar.job_id]), [{ ...bar, ...changed }], [])
  }

  async function move(bar: Bar, visit: VisitIn, key: string): Promise<void> {
    show(bar, visit)
    try {
      await api.moveVisit(bar.id, visit, key)
    } catch (error) {
      show(bar, {})
      await refresh([bar.job_id]).catch(() => load())
      throw error
    }
    await refresh([bar.job_id]).catch(() => load())
  }

  async function book(jobId: string, visit: VisitIn, key: string): Promise<void> {
    await api.bookVisit(jobId, visit, key)
    await refresh([jobId]).catch(() => load())
  }

  async function withdraw(bar: Bar): Promise<void> {
    await api.withdraw(bar.id)
    await refresh([bar.job_id]).catch(() => load())
  }

  watch(() => desk.lastChanges, heard)
  watch(() => desk.resets, load)
  watch([wanted, () => session.branch?.id], load)
  onMounted(load)
  onBeforeUnmount(() => {
    asked++
  })

  return { day, failure, load, book, move, withdraw }
}
