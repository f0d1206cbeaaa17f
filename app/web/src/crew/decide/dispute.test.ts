import { expect, test } from 'vitest'
import { proposed, standing, type Dispute, type Writer } from './dispute'

const writer = (at: string | null, clock_error_ms: number | null = 0): Writer => ({
  person_id: 'p',
  person_name: '赵强',
  person_name_en: 'Zhao Qiang',
  device_id: 'd',
  device_name: 'R3',
  at,
  clock_error_ms,
})

const dispute = (changes: Partial<Dispute>): Dispute =>
  ({
    entity: 'form_record',
    field: 'answers.cause',
    policy: 'human',
    state: 'open',
    gone: false,
    held: 'animal',
    theirs: 'storm',
    mine: 'tree',
    theirs_by: writer('2026-07-09T08:00:00Z'),
    mine_by: writer('2026-07-09T08:05:00Z'),
    ...changes,
  }) as Dispute

test('the later value is proposed', () => {
  expect(proposed(dispute({}))).toBe('mine')
  expect(proposed(dispute({ mine_by: writer('2026-07-09T07:55:00Z') }))).toBe('theirs')
})

test('later by a right clock: a tablet that is ten minutes fast wrote before', () => {
  expect(proposed(dispute({ mine_by: writer('2026-07-09T08:05:00Z', 600_000) }))).toBe('theirs')
})

test('nothing is proposed where safety hangs on it, the record has gone, or nobody knows when', () => {
  expect(proposed(dispute({ policy: 'never' }))).toBeNull()
  expect(proposed(dispute({ gone: true }))).toBeNull()
  expect(proposed(dispute({ theirs_by: null }))).toBeNull()
})

test('what would stay is the value now, of a file the one that was told', () => {
  expect(standing(dispute({}))).toBe('animal')
  expect(standing(dispute({ entity: 'attachment', field: '$deleted' }))).toBe('storm')
  expect(standing(dispute({ state: 'resolved' }))).toBe('storm')
})
