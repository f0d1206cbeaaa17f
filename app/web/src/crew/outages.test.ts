import { describe, expect, test, vi } from 'vitest'
import type { Outage } from './types'

vi.mock('./services', () => ({}))
const { nearest } = await import('./outages')

const outage = (number: string, lon: number, opened_at: string): { id: string; outage: Outage } => ({
  id: number,
  outage: {
    number,
    commodity: 'power',
    location: { type: 'Point', coordinates: [lon, 30.2] },
    opened_at,
    due_at: null,
    places: [],
  },
})
const rows = [
  outage('far', 120.3, '2026-07-16T02:00:00Z'),
  outage('near', 120.11, '2026-07-16T01:00:00Z'),
  outage('beside', 120.1, '2026-07-16T00:00:00Z'),
]

describe('open outages near the tablet', () => {
  test('the nearest comes first', () => {
    const found = nearest(rows, { lon: 120.1, lat: 30.2, accuracy_m: 5 })
    expect(found.map((row) => row.id)).toEqual(['beside', 'near', 'far'])
    expect(found.map((row) => Math.round((row.away_m ?? -1) / 100))).toEqual([0, 10, 192])
  })

  test('the newest comes first where the tablet does not know where it is', () => {
    expect(nearest(rows, null).map((row) => [row.id, row.away_m])).toEqual([
      ['far', null],
      ['near', null],
      ['beside', null],
    ])
  })
})
