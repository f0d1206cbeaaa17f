import type { List } from '../../ui/address'
import { stageOf, type Job, type Stage } from '../../types'

const PRIORITY_RANK: Readonly<Record<Job['priority'], number>> = { emergency: 0, urgent: 1, normal: 2 }
const STAGE_RANK: Readonly<Record<Stage, number>> = { unsent: 0, onsite: 1, sent: 2, restored: 3, planned: 4, done: 5 }

/** Which tab of the tray a job stands under; booked visits are only in the whole list. */
export function isIn(list: List, job: Job): boolean {
  const stage = stageOf(job.state)
  if (list === 'unsent') return stage === 'unsent'
  if (list === 'active') return stage === 'sent' || stage === 'onsite' || stage === 'restored'
  return true
}

/** Most urgent first, then what ends first, then what waits longest; the id keeps the order steady. */
export function compareJobs(a: Job, b: Job): number {
  return (
    STAGE_RANK[stageOf(a.state)] - STAGE_RANK[stageOf(b.state)] ||
    PRIORITY_RANK[a.priority] - PRIORITY_RANK[b.priority] ||
    compareTimes(a.due_at, b.due_at) ||
    compareTimes(a.window_start, b.window_start) ||
    compareTimes(a.opened_at, b.opened_at) ||
    (a.id < b.id ? -1 : 1)
  )
}

/** Jobs with a time come before those without. */
function compareTimes(a: string | null, b: string | null): number {
  if (a === b) return 0
  if (a === null) return 1
  if (b === null) return -1
  return new Date(a).getTime() - new Date(b).getTime()
}

/** The tray's rows: one tab, perhaps one kind, in order. */
export function trayRows(jobs: Iterable<Job>, list: List, kind: string): Job[] {
  return [...jobs].filter((job) => isIn(list, job) && (!kind || job.kind === kind)).sort(compareJobs)
}

export interface Due {
  readonly late: boolean
  /** Less than a quarter of an hour left. */
  readonly soon: boolean
  readonly seconds: number
}

/** How a job stands against the time by which a crew must be there; `null` once one is, or when none was promised. */
export function dueOf(job: Job, now: Date): Due | null {
  const stage = stageOf(job.state)
  if (!job.due_at || job.arrived_at || (stage !== 'unsent' && stage !== 'sent')) return null
  const seconds = (new Date(job.due_at).getTime() - now.getTime()) / 1000
  return { late: seconds < 0, soon: seconds >= 0 && seconds < 900, seconds: Math.abs(seconds) }
}
