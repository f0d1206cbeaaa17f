import { describe, expect, test } from 'vitest'
import type { Job } from '../../types'
import { dueOf, trayRows } from './jobs'

const job = (id: string, some: Partial<Job> = {}): Job => ({
  id,
  rev: 1,
  branch_id: 'b',
  form_code: 'outage-repair',
  form_version: 1,
  finding: null,
  number: `J-${id}`,
  kind: 'outage_repair',
  state: 'new',
  priority: 'normal',
  required_skill: 'low_voltage',
  address: '龙衡区 1 号',
  location: { type: 'Point', coordinates: [114, 22.6] },
  contact_name: null,
  contact_phone: null,
  premises_id: null,
  outage_id: null,
  window_start: null,
  window_end: null,
  due_at: null,
  note: null,
  opened_at: '2026-07-16T00:00:00Z',
  arrived_at: null,
  restored_at: null,
  completed_at: null,
  assignment: null,
  ...some,
})

const ids = (jobs: readonly Job[]): string => jobs.map(({ id }) => id).join('')

describe('the tray', () => {
  const jobs = [
    job('a', { opened_at: '2026-07-16T00:10:00Z' }),
    job('b', { opened_at: '2026-07-16T00:05:00Z' }),
    job('c', { priority: 'emergency', opened_at: '2026-07-16T00:30:00Z' }),
    job('d', { due_at: '2026-07-16T01:00:00Z', opened_at: '2026-07-16T00:50:00Z' }),
    job('e', { state: 'working' }),
    job('f', { state: 'planned', kind: 'metering' }),
    job('g', { state: 'assigned' }),
  ]

  test('what waits for a crew is ordered by urgency, then deadline, then how long it has waited', () => {
    expect(ids(trayRows(jobs, 'unsent', ''))).toBe('cdba')
  })

  test('what is under way shows crews on site before crews on the road, and no booked visits', () => {
    expect(ids(trayRows(jobs, 'active', ''))).toBe('eg')
  })

  test('the whole list keeps unsent work on top and can be narrowed to a kind', () => {
    expect(ids(trayRows(jobs, 'all', ''))).toBe('cdbaegf')
    expect(ids(trayRows(jobs, 'all', 'metering'))).toBe('f')
  })
})

describe('deadlines', () => {
  const now = new Date('2026-07-16T01:00:00Z')

  test('a deadline is soon within a quarter of an hour and late afterwards', () => {
    expect(dueOf(job('a', { due_at: '2026-07-16T02:00:00Z' }), now)).toEqual({
      late: false,
      soon: false,
      seconds: 3600,
    })
    expect(dueOf(job('a', { due_at: '2026-07-16T01:14:00Z' }), now)).toEqual({ late: false, soon: true, seconds: 840 })
    expect(dueOf(job('a', { due_at: '2026-07-16T00:58:00Z' }), now)).toEqual({ late: true, soon: false, seconds: 120 })
  })

  test('the crew on site stops the clock, and a booked visit has none', () => {
    const due_at = '2026-07-16T00:58:00Z'
    expect(dueOf(job('a', { due_at, arrived_at: '2026-07-16T00:57:00Z', state: 'arrived' }), now)).toBeNull()
    expect(dueOf(job('a', { due_at, state: 'planned' }), now)).toBeNull()
    expect(dueOf(job('a', { due_at, state: 'en_route' }), now)?.late).toBe(true)
  })
})
