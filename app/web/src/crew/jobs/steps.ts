/** The crew's side of a job's life: the one next step, and the ways out of it. The server checks again. */

import type { Job, JobKind, JobState } from '../types'

/** Jobs that pass through `restored`: supply comes back before the paper is done. */
const RESTORES_SUPPLY: readonly JobKind[] = ['outage_repair', 'gas_leak']

export const CLOSED: readonly JobState[] = ['completed', 'cancelled']

/** The state that the big button leads to, or null where there is nothing for the crew to do. */
export function nextState(job: Pick<Job, 'kind' | 'state'>): JobState | null {
  switch (job.state) {
    case 'planned':
    case 'assigned':
      return 'accepted'
    case 'accepted':
      return 'en_route'
    case 'en_route':
      return 'arrived'
    case 'arrived':
      return 'working'
    case 'working':
      return RESTORES_SUPPLY.includes(job.kind) ? 'restored' : 'completed'
    case 'restored':
      return 'completed'
    default:
      return null
  }
}

/** Giving a job back: refusing it before it is accepted, handing it back after. Null once supply is restored. */
export function wayOut(state: JobState): 'refuse' | 'hand_back' | null {
  if (state === 'planned' || state === 'assigned') return 'refuse'
  const taken: readonly JobState[] = ['accepted', 'en_route', 'arrived', 'working']
  return taken.includes(state) ? 'hand_back' : null
}

/** The steps of this kind of job, in order, for the list with ticks. */
export function stepsOf(kind: JobKind): JobState[] {
  const steps: JobState[] = ['accepted', 'en_route', 'arrived', 'working', 'restored', 'completed']
  return steps.filter((state) => state !== 'restored' || RESTORES_SUPPLY.includes(kind))
}

/** Whether the checklist may be written to: the crew is on the job, and it is not closed. */
export function isRecordable(state: JobState): boolean {
  return !CLOSED.includes(state) && state !== 'new'
}

export const URGENCY: Record<Job['priority'], number> = { emergency: 0, urgent: 1, normal: 2 }
const UNDER_WAY: readonly JobState[] = ['accepted', 'en_route', 'arrived', 'working', 'restored']

/** Jobs under way first, then the most urgent, then by when they are due. */
export function byOrderOfWork(a: Job, b: Job): number {
  const away = Number(UNDER_WAY.includes(b.state)) - Number(UNDER_WAY.includes(a.state))
  const when = (job: Job): string => job.window_start ?? job.due_at ?? '9999'
  return away || URGENCY[a.priority] - URGENCY[b.priority] || (when(a) < when(b) ? -1 : 1)
}
