import { expect, test } from 'vitest'
import { exifOf, withExif } from './exif'

/** A segment with one directory: orientation 6 and nothing else. */
function segment(little: boolean, directory = 8): number[] {
  const two = (n: number): number[] => (little ? [n & 255, n >> 8] : [n >> 8, n & 255])
  const four = (n: number): number[] => (little ? [...two(n), 0, 0] : [0, 0, ...two(n)])
  const order = little ? [0x49, 0x49] : [0x4d, 0x4d]
  const entry = [...two(0x0112), ...two(3), ...four(1), ...two(6), 0, 0]
  const tiff = [...order, ...two(42), ...four(directory), ...two(1), ...entry, ...four(0)]
  const body = [0x45, 0x78, 0x69, 0x66, 0, 0, ...tiff]
  return [0xff, 0xe1, 0, body.length + 2, ...body]
}

const jfif = [0xff, 0xe0, 0, 4, 1, 2]
const jpeg = (...parts: number[][]): ArrayBuffer =>
  new Uint8Array([0xff, 0xd8, ...parts.flat(), 0xff, 0xda, 0, 2, 9, 9]).buffer

test.each([true, false])('the segment comes over and says upright (little endian: %s)', (little) => {
  const found = exifOf(jpeg(jfif, segment(little)))
  const turned = segment(little)
  const upright = turned.map((byte, at) => (byte === 6 && at > 20 ? 1 : byte))
  expect([...(found ?? [])]).toEqual(upright)
})

test('it goes right behind the first marker of the new picture', async () => {
  const made = withExif(new Blob([jpeg(jfif)], { type: 'image/jpeg' }), exifOf(jpeg(segment(true))))
  const bytes = new Uint8Array(await made.arrayBuffer())
  expect([...bytes.slice(0, 4)]).toEqual([0xff, 0xd8, 0xff, 0xe1])
  expect(exifOf(bytes.buffer)).toEqual(exifOf(jpeg(segment(true))))
  expect(made.type).toBe('image/jpeg')
})

test.each<[string, ArrayBuffer]>([
  ['no segment', jpeg(jfif)],
  ['no JPEG', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 1, 2, 3, 4]).buffer],
  ['an empty file', new ArrayBuffer(0)],
  ['a segment that is cut off', jpeg(segment(true)).slice(0, 20)],
  ['a directory that points outside', jpeg(segment(true, 60_000))],
])('%s carries nothing over', (_, file) => {
  expect(exifOf(file)).toBeNull()
  const picture = new Blob(['picture'])
  expect(withExif(picture, exifOf(file))).toBe(picture)
})
