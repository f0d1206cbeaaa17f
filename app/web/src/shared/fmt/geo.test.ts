import { describe, expect, test } from 'vitest'
import { directionTo, metresBetween, nearby, wayTo, type Place } from './geo'

const t = (key: string, params?: Record<string, unknown>): string => `${key} ${JSON.stringify(params ?? {})}`
const at = (lon: number, lat: number): Place => ({ type: 'Point', coordinates: [lon, lat] })
const HOME = at(120, 30)

test('a thousandth of a degree of latitude is 111 metres', () => {
  expect(metresBetween(HOME, at(120, 30.001))).toBeCloseTo(111.2, 1)
})

describe('the direction is the one on a map', () => {
  test.each([
    [120, 30.01, 'n'],
    [120.01, 30.009, 'ne'],
    [120.01, 30, 'e'],
    [120, 29.99, 's'],
    [119.99, 30, 'w'],
    [119.99, 30.009, 'nw'],
  ])('%s %s lies %s', (lon, lat, direction) => {
    expect(directionTo(HOME, at(lon, lat))).toBe(direction)
  })
})

test('what is near is told to the metre', () => {
  expect(nearby(42.4, t)).toBe('unit.m {"n":42}')
  expect(nearby(342, t)).toBe('unit.m {"n":340}')
  expect(wayTo(HOME, at(120, 30.01), t)).toContain('direction.n')
})
