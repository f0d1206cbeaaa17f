import type { Point } from 'geojson'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Outage } from '../../types'
import { clearDraft, draft, missingIn, outagesNear, requestOf } from './draft'

const point = (lon: number, lat: number): Point => ({ type: 'Point', coordinates: [lon, lat] })
const outage = (id: string, location: Point): Outage => ({
  id,
  rev: 1,
  number: id,
  commodity: 'power',
  state: 'open',
  location,
  cause: null,
  opened_at: '2026-07-16T00:00:00Z',
  restored_at: null,
  closed_at: null,
  branch_id: 'b',
  suspected_node_id: null,
  suspected_node_code: null,
  suspected_node_name: null,
  suspected_node_kind: null,
  calls: 1,
  jobs: [],
})

beforeEach(clearDraft)

describe('a call being taken', () => {
  test('a place and a symptom must be asked; the phone number may be withheld', () => {
    expect(missingIn(draft)).toEqual(['where', 'symptom'])
    draft.location = point(114, 22.6)
    draft.symptom = 'no_supply'
    expect(missingIn(draft)).toEqual([])
  })

  test('an address wins over a click on the map, and empty fields stay out of the request', () => {
    draft.phone = ' 13800000000 '
    draft.location = point(114, 22.6)
    draft.premises = { id: 'p1', address: '龙衡路 1 号', location: point(114.01, 22.6) }

    expect(requestOf(draft, 'sparks')).toEqual({
      channel: 'phone',
      symptom: 'sparks',
      join: 'auto',
      caller_phone: '13800000000',
      premises_id: 'p1',
    })
  })

  test('every new call gets a key of its own', () => {
    const first = draft.key
    clearDraft()
    expect(draft.key).not.toBe(first)
  })
})

describe('outages near a caller', () => {
  test('the nearest comes first and those in another part of town stay away', () => {
    const near = outagesNear(point(114, 22.6), [
      outage('far', point(114.1, 22.6)),
      outage('second', point(114, 22.61)),
      outage('first', point(114, 22.601)),
    ])
    expect(near.map((one) => one.outage.id)).toEqual(['first', 'second'])
  })
})
