/** The live records as map points: what the style reads, and nothing else. */
import type { LivePoint } from '../../map/diff'
import { stageOf, type Crew, type Job, type Outage, type Stage } from '../../types'
import { dutyOf, isStale } from './crews'

/** Drawn later means on top: what waits for a crew must not hide under a booked visit. */
const ORDER: Readonly<Record<Stage, number>> = { done: 0, planned: 1, restored: 2, sent: 3, onsite: 4, unsent: 5 }

export function* jobPoints(jobs: Iterable<Job>): Generator<LivePoint> {
  for (const { id, location, kind, state, number, address } of jobs) {
    const stage = stageOf(state)
    yield { id, location, properties: { kind, state, stage, order: ORDER[stage], number, address } }
  }
}

export function* crewPoints(crews: Iterable<Crew>, now: Date): Generator<LivePoint> {
  for (const crew of crews) {
    if (!crew.location) continue
    const { id, location, code } = crew
    yield { id, location, properties: { code, duty: dutyOf(crew), stale: isStale(crew, now) } }
  }
}

export function* outagePoints(outages: Iterable<Outage>): Generator<LivePoint> {
  for (const { id, location, number, commodity } of outages) yield { id, location, properties: { number, commodity } }
}
