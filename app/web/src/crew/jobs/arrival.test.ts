import { expect, test } from 'vitest'
import type { Place } from '@shared/fmt/geo'
import { DWELL_MS, hasArrived, nearSince, type Fix } from './arrival'

const METRE_DEG = 1 / 111_195
const north = (metres: number): Place => ({ type: 'Point', coordinates: [106, 29.5 + metres * METRE_DEG] })
const SITE = north(0)
const MINUTE = 60_000
const fix = (metres: number, minute: number, accuracy_m: number | null = 8): Fix => ({
  at: north(metres),
  accuracy_m,
  ms: minute * MINUTE,
})

test('who has stood near the place for a minute has arrived, not a moment before', () => {
  const track = [fix(900, 0), fix(60, 1), fix(20, 1.5)]
  expect(hasArrived(track, SITE, MINUTE + DWELL_MS - 1)).toBe(false)
  expect(hasArrived(track, SITE, MINUTE + DWELL_MS)).toBe(true)
})

test('who passes by has not, and the minute begins anew on coming back', () => {
  const track = [fix(50, 0), fix(400, 0.5), fix(30, 2)]
  expect(nearSince(track.slice(0, 2), SITE, MINUTE)).toBeNull()
  expect(nearSince(track, SITE, 2 * MINUTE)).toBe(2 * MINUTE)
})

test('a position that jumps away and back changes nothing', () => {
  const track = [fix(10, 0), fix(40_000, 0.5), fix(12, 0.6)]
  expect(nearSince(track, SITE, MINUTE)).toBe(0)
})

test('a position that jumps here is no arrival', () => {
  const track = [fix(40_000, 0), fix(5, 0.1)]
  expect(nearSince(track, SITE, 2 * MINUTE)).toBeNull()
})

test('a circle larger than the place says nothing', () => {
  expect(nearSince([fix(10, 0, 900)], SITE, MINUTE)).toBeNull()
  expect(nearSince([fix(10, 0), fix(700, 0.5, 900)], SITE, MINUTE)).toBe(0)
})

test('a position of three days ago is no arrival', () => {
  expect(nearSince([fix(10, 0)], SITE, 3 * 24 * 60 * MINUTE)).toBeNull()
})

test('a fix that is older than the one before it is passed over', () => {
  expect(nearSince([fix(10, 5), fix(900, 4)], SITE, 5.5 * MINUTE)).toBe(5 * MINUTE)
})
