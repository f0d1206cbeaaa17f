import type { Point } from 'geojson'
import { expect, test } from 'vitest'
import { SourceMemory, type LivePoint } from './diff'

const at = (lon: number): Point => ({ type: 'Point', coordinates: [lon, 22.6] })
const point = (id: string, lon: number, state = 'new'): LivePoint => ({ id, location: at(lon), properties: { state } })

test('only what moved, changed or left is told to the map', () => {
  const memory = new SourceMemory()
  const first = memory.diff([point('a', 114), point('b', 114.1), point('c', 114.2)])
  expect(first?.add).toHaveLength(3)
  expect(first?.remove).toEqual([])

  const second = memory.diff([point('a', 114), point('b', 114.11), point('d', 114.3)])

  expect(second?.add.map(({ properties }) => properties?.['id'])).toEqual(['b', 'd'])
  expect(second?.remove).toEqual([memory.numberOf('c')])
})

test('a changed state is a change although the place is the same', () => {
  const memory = new SourceMemory()
  memory.diff([point('a', 114)])
  expect(memory.diff([point('a', 114, 'assigned')])?.add).toHaveLength(1)
})

test('an unchanged set costs the map nothing', () => {
  const memory = new SourceMemory()
  memory.diff([point('a', 114), point('b', 114.1)])
  expect(memory.diff([point('b', 114.1), point('a', 114)])).toBeNull()
})

test('a record that comes back keeps its number', () => {
  const memory = new SourceMemory()
  memory.diff([point('a', 114)])
  const before = memory.numberOf('a')
  memory.diff([])
  expect(memory.diff([point('a', 114)])?.add[0]?.id).toBe(before)
})
