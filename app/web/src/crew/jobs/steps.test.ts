import { describe, expect, test } from 'vitest'
import type { Job, JobKind, JobState } from '../types'
import { byOrderOfWork, isRecordable, nextState, stepsOf, wayOut } from './steps'

function walked(kind: JobKind): JobState[] {
  const path: JobState[] = []
  for (let state: JobState | null = 'assigned'; state !== null; state = nextState({ kind, state })) path.push(state)
  return path.slice(1)
}

describe('the big button walks a job to its end', () => {
  test.each(['outage_repair', 'gas_leak'] as const)('%s passes through restored', (kind) => {
    expect(walked(kind)).toEqual(['accepted', 'en_route', 'arrived', 'working', 'restored', 'completed'])
    expect(walked(kind)).toEqual(stepsOf(kind))
  })

  test.each(['inspection', 'care_visit', 'metering'] as const)('%s does not', (kind) => {
    expect(walked(kind)).toEqual(['accepted', 'en_route', 'arrived', 'working', 'completed'])
    expect(walked(kind)).toEqual(stepsOf(kind))
  })
})

test('a job is refused before it is accepted, handed back after, and kept once supply is restored', () => {
  expect(
    ['planned', 'assigned', 'accepted', 'working', 'restored', 'completed'].map((state) => wayOut(state as JobState)),
  ).toEqual(['refuse', 'refuse', 'hand_back', 'hand_back', null, null])
})

test('nothing is recorded on a job that is closed or somebody else’s', () => {
  expect((['new', 'completed', 'cancelled'] as const).some(isRecordable)).toBe(false)
  expect((['assigned', 'working', 'restored'] as const).every(isRecordable)).toBe(true)
})

test('the job under way comes first, then the most urgent, then the earliest', () => {
  const job = (number: string, state: JobState, priority: Job['priority'], due_at: string): Job =>
    ({ number, state, priority, due_at, window_start: null }) as Job
  const jobs = [
    job('late', 'assigned', 'normal', '2026-07-09T09:00:00Z'),
    job('early', 'assigned', 'normal', '2026-07-09T08:00:00Z'),
    job('emergency', 'assigned', 'emergency', '2026-07-09T10:00:00Z'),
    job('under way', 'working', 'normal', '2026-07-09T11:00:00Z'),
  ]
  expect(jobs.sort(byOrderOfWork).map(({ number }) => number)).toEqual(['under way', 'emergency', 'early', 'late'])
})
