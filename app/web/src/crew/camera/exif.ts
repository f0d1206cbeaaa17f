/**
 * What the camera wrote about a photo (time, place, model), carried over to the picture that is made of it: the centre
 * compares it with what the tablet says. JPEG segments as in JFIF, TIFF inside as in EXIF 2.3 §4.5.
 */

const SOI = 0xffd8
const APP1 = 0xffe1
const SCAN = 0xffda
const ORIENTATION = 0x0112
const HEADER = [0x45, 0x78, 0x69, 0x66, 0, 0]
/** Marker, length, "Exif\0\0". */
const TIFF_AT = 10

/** The EXIF segment of a JPEG, marker and length included, said to be upright; null where there is none. */
export function exifOf(jpeg: ArrayBuffer): Uint8Array<ArrayBuffer> | null {
  const view = new DataView(jpeg)
  if (view.byteLength < 4 || view.getUint16(0) !== SOI) return null
  for (let at = 2; at + 4 <= view.byteLength;) {
    const marker = view.getUint16(at)
    const end = at + 2 + view.getUint16(at + 2)
    if (marker < 0xff00 || marker === SCAN || end > view.byteLength) return null
    if (marker === APP1 && HEADER.every((byte, n) => at + 4 + n < end && view.getUint8(at + 4 + n) === byte)) {
      return upright(new Uint8Array(jpeg.slice(at, end)))
    }
    at = end
  }
  return null
}

/** The picture is drawn upright, so the segment must not have it turned once more. */
function upright(segment: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null {
  const tiff = new DataView(segment.buffer, TIFF_AT)
  try {
    const little = tiff.getUint16(0) === 0x4949
    const directory = tiff.getUint32(4, little)
    const entries = tiff.getUint16(directory, little)
    for (let n = 0; n < entries; n += 1) {
      const entry = directory + 2 + n * 12
      if (tiff.getUint16(entry, little) === ORIENTATION) tiff.setUint16(entry + 8, 1, little)
    }
    return segment
  } catch (error) {
    if (error instanceof RangeError) return null // a directory that points outside: not worth carrying over
    throw error
  }
}

/** A JPEG with this segment right behind its first marker, where EXIF belongs. */
export function withExif(jpeg: Blob, segment: Uint8Array<ArrayBuffer> | null): Blob {
  if (segment === null) return jpeg
  return new Blob([jpeg.slice(0, 2), segment, jpeg.slice(2)], { type: jpeg.type })
}
