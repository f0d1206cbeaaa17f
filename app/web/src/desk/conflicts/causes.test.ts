import { describe, expect, it } from 'vitest'
import { metresBetween } from '@shared/fmt/geo'
import type { Conflict } from '../types'
import { causesOf, fixOf, hasMovedOn, isWritable, standing, takesOther } from './causes'

const writer = (device_id: string | null) =>
  ({ device_id, device_name: device_id, person_name: null }) as Conflict['mine_by']

function conflict(id: string, changes: Partial<Conflict> = {}): Conflict {
  return {
    id,
    job_id: 'j1',
    entity: 'form_record',
    field: 'answers.cause',
    policy: 'human',
    gone: false,
    question: { type: 'string' },
    mine_by: writer('d1'),
    theirs: 'storm',
    held: 'storm',
    mine: 'tree',
    ...changes,
  } as Conflict
}

describe('causes', () => {
  it('puts one tablet and one job together, in the order given', () => {
    const causes = causesOf([
      conflict('a'),
      conflict('b', { mine_by: writer('d2') }),
      conflict('c'),
      conflict('d', { job_id: 'j2' }),
    ])
    expect(causes.map(({ conflicts }) => conflicts.map(({ id }) => id))).toEqual([['a', 'c'], ['b'], ['d']])
  })

  it('puts safety first, inside a cause and among causes', () => {
    const causes = causesOf([
      conflict('a'),
      conflict('b', { job_id: 'j2' }),
      conflict('c', { job_id: 'j2', policy: 'never' }),
    ])
    expect(causes.map(({ conflicts }) => conflicts.map(({ id }) => id))).toEqual([['c', 'b'], ['a']])
  })
})

describe('what may be decided', () => {
  it('leaves alone what is gone, a file and a deletion', () => {
    expect(isWritable(conflict('a'))).toBe(true)
    expect(isWritable(conflict('a', { gone: true }))).toBe(false)
    expect(isWritable(conflict('a', { field: '$deleted' }))).toBe(false)
    expect(isWritable(conflict('a', { entity: 'attachment', field: 'slot' }))).toBe(false)
    expect(isWritable(conflict('a', { entity: 'job', field: 'finding' }))).toBe(true)
  })

  it('offers another value only where all are asked the same', () => {
    expect(takesOther([conflict('a'), conflict('b', { mine_by: writer('d2') })])).toBe(true)
    expect(takesOther([conflict('a'), conflict('b', { field: 'answers.voltage_v' })])).toBe(false)
    expect(takesOther([conflict('a', { entity: 'job', field: 'state', question: null })])).toBe(false)
  })
})

describe('what stands', () => {
  it('is the value now, and told when it is not the one the tablet clashed with', () => {
    expect(standing(conflict('a', { held: 'vehicle' }))).toBe('vehicle')
    expect(hasMovedOn(conflict('a', { held: 'vehicle' }))).toBe(true)
    expect(hasMovedOn(conflict('a'))).toBe(false)
  })

  it('is the one at the time where the value now is not told', () => {
    expect(standing(conflict('a', { entity: 'attachment', field: '$deleted', theirs: false, held: null }))).toBe(false)
  })
})

describe('places', () => {
  it('are read from what a tablet says, or not at all', () => {
    expect(fixOf({ lon: 121.47, lat: 31.23, accuracy_m: 8 })).toEqual({ lon: 121.47, lat: 31.23, accuracy: 8 })
    expect(fixOf({ lon: '121', lat: 31 })).toBeNull()
    expect(fixOf(null)).toBeNull()
  })

  it('lie as far apart as the earth says', () => {
    const apart = metresBetween({ type: 'Point', coordinates: [121, 31] }, { type: 'Point', coordinates: [121, 31.01] })
    expect(apart).toBeCloseTo(1111.95, 0)
  })
})
