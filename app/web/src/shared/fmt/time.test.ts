import { describe, expect, test } from 'vitest'
import { ago, clock, distance, offsetOf, span, stamp } from './time'

const t = (key: string, params: Record<string, unknown> = {}): string => `${key}:${Object.values(params).join('/')}`

describe('spans', () => {
  test.each([
    [0, 'unit.s:0'],
    [59.4, 'unit.s:59'],
    [60, 'unit.min:1'],
    [3540, 'unit.min:59'],
    [3600, 'unit.h:1'],
    [3900, 'unit.hmin:1/5'],
    [86400 * 3, 'unit.d:3'],
    [-8, 'unit.s:0'],
  ])('%d seconds read as %s', (seconds, text) => {
    expect(span(seconds, t)).toBe(text)
  })

  test('something that just happened, or a clock that runs ahead, is just now', () => {
    const now = new Date('2026-07-16T00:00:00Z')
    expect(ago('2026-07-15T23:59:57Z', now, t)).toBe('unit.justNow:')
    expect(ago('2026-07-16T00:00:30Z', now, t)).toBe('unit.justNow:')
    expect(ago('2026-07-15T23:59:00Z', now, t)).toBe('unit.ago:unit.min:1')
  })
})

test('a clock time names its day only when it is not today in the branch', () => {
  const now = new Date('2026-07-15T23:30:00Z')
  expect(clock('2026-07-15T16:30:00Z', now, 'Asia/Shanghai')).toBe('00:30')
  expect(clock('2026-07-15T15:30:00Z', now, 'Asia/Shanghai')).toBe('07-15 23:30')
})

test.each([
  ['2026-07-15T16:00:59Z', 'Asia/Shanghai', '2026-07-16 00:00'],
  ['2026-01-15T22:59:00Z', 'Europe/Berlin', '2026-01-15 23:59'],
  ['2026-07-15T22:59:00Z', 'Europe/Berlin', '2026-07-16 00:59'],
])('%s is written in %s as %s', (at, timeZone, text) => {
  expect(stamp(new Date(at), timeZone)).toBe(text)
})

test.each([
  ['2026-01-15T12:00:00Z', 'Europe/Berlin', 'GMT+1'],
  ['2026-07-15T12:00:00Z', 'Europe/Berlin', 'GMT+2'],
  ['2026-07-15T12:00:00Z', 'Asia/Shanghai', 'GMT+8'],
])('at %s %s is %s', (at, timeZone, offset) => {
  expect(offsetOf(new Date(at), timeZone)).toBe(offset)
})

test.each([
  [4, 'unit.m:0'],
  [344, 'unit.m:340'],
  [1234, 'unit.km:1.2'],
  [14_400, 'unit.km:14'],
])('%d metres read as %s', (metres, text) => {
  expect(distance(metres, t)).toBe(text)
})
