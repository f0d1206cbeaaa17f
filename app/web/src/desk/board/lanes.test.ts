import { describe, expect, it } from 'vitest'
import type { Bar, Lane } from '../types'
import { clockOf, dayAfter, fromWall, HOUR_MS, snap, ticks, timeAt, wallTime, xOf } from './axis'
import { breaksPromise, matching, obstacleTo, placeBars, spanOf, time } from './lanes'

const at = (clock: string): string => `2026-07-16T${clock}:00+00:00`
const bar = (from: string, to: string, more: Partial<Bar> = {}): Bar =>
  ({
    id: from,
    job_id: from + to,
    live: false,
    planned_start: at(from),
    planned_end: at(to),
    started_at: null,
    ended_at: null,
    window_start: null,
    window_end: null,
    required_skill: 'care',
    number: 'GA1',
    address: '龙衡路8号',
    ...more,
  }) as Bar
const lane = {
  code: 'R1',
  name_zh: '抢修一班',
  name_en: 'Crew 1',
  skills: ['care'],
  shifts: [] as unknown[],
} as unknown as Lane
const shifts = [{ starts_at: at('08:00'), ends_at: at('17:00') }]

describe('the axis', () => {
  const axis = { from: time(at('00:00')), to: time(at('00:00')) + 24 * HOUR_MS, pxPerHour: 60 }
  it('leads from a time to a place and back', () => {
    expect(xOf(axis, time(at('10:30')))).toBe(630)
    expect(timeAt(axis, 630)).toBe(time(at('10:30')))
  })
  it('snaps to quarters of an hour', () => {
    expect(snap(time(at('10:08')), HOUR_MS / 4)).toBe(time(at('10:15')))
  })
  it('has 25 hours on the day the clocks go back', () => {
    const berlin = { from: Date.parse('2026-10-24T22:00:00Z'), to: Date.parse('2026-10-25T23:00:00Z'), pxPerHour: 60 }
    const labels = ticks(berlin, clockOf('Europe/Berlin')).map((tick) => tick.label)
    expect(labels).toHaveLength(25)
    expect(labels.slice(0, 5)).toEqual(['00:00', '01:00', '02:00', '02:00', '03:00'])
  })
  it.each(['Asia/Shanghai', 'Europe/Berlin', 'Asia/Kathmandu'])('knows the clock on the wall in %s', (zone) => {
    const moment = time(at('10:30'))
    expect(fromWall(wallTime(moment, zone), zone)).toBe(moment)
  })
  it('is not led astray by half a time', () => {
    expect(fromWall('2026-07-1', 'Asia/Shanghai')).toBeNaN()
  })
  it('counts days over the end of a month', () => {
    expect(dayAfter('2026-02-28', 1)).toBe('2026-03-01')
  })
})

describe('a lane', () => {
  const now = time(at('12:00'))
  it('puts bars that overlap into rows and gives a row back when it is free', () => {
    const rows = placeBars([bar('09:00', '10:00'), bar('09:30', '11:00'), bar('10:00', '10:30')], now)
    expect(rows.placed.map(({ row }) => row)).toEqual([0, 1, 0])
    expect(rows.rows).toBe(2)
  })
  it('lets a job under way grow until now, and reach at least to its planned end', () => {
    const running = bar('10:00', '11:00', { live: true, started_at: at('10:20') })
    expect(spanOf(running, now)).toEqual({ from: time(at('10:20')), to: now })
    expect(spanOf(running, time(at('10:30'))).to).toBe(time(at('11:00')))
  })
  it('ends a job where it ended', () => {
    const done = bar('10:00', '11:00', { live: true, started_at: at('10:20'), ended_at: at('10:50') })
    expect(spanOf(done, now).to).toBe(time(at('10:50')))
  })
})

describe('obstacles', () => {
  const visit = bar('09:00', '10:00')
  const free = { ...lane, shifts } as Lane
  const ask = (one: Lane, others: Bar[], from: string, to: string) =>
    obstacleTo(visit, one, others, time(at(from)), time(at(to)))
  it('are the skill, the shift and other visits, in this order', () => {
    expect(ask({ ...free, skills: [] }, [], '09:00', '10:00')).toBe('skill')
    expect(ask(free, [], '16:30', '17:30')).toBe('shift')
    expect(ask(free, [bar('09:30', '11:00')], '09:00', '10:00')).toBe('overlap')
    expect(ask(free, [visit, bar('10:00', '11:00')], '09:00', '10:00')).toBeNull()
  })
})

it('tells a visit outside the promised window', () => {
  const promised = { window_start: at('09:00'), window_end: at('11:00') }
  expect(breaksPromise(bar('10:00', '11:30', promised))).toBe(false)
  expect(breaksPromise(bar('11:30', '12:30', promised))).toBe(true)
})

it('finds lanes by crew and by job', () => {
  const other = { ...lane, code: 'R2' } as Lane
  const bars = (one: Lane): Bar[] => (one.code === 'R2' ? [bar('09:00', '10:00', { number: 'AJ7' })] : [])
  expect(matching([lane, other], bars, 'r1')).toEqual([lane])
  expect(matching([lane, other], bars, 'aj7')).toEqual([other])
  expect(matching([lane, other], bars, ' ')).toHaveLength(2)
})
