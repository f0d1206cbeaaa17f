import type { Position } from '@sync/protocol'
import { sha256Hex } from '../sync/keys'
import { exifOf, withExif } from './exif'

/** Longest side that is kept, in pixels: a nameplate stays readable and the file stays under a megabyte. */
const LONGEST_PX = 2048
const QUALITY = 0.85
/** Larger files than this are no photo from a tablet's camera; reading them could end the page. */
const MOST_BYTES = 60 * 1024 * 1024

/** What the centre sees first, in bytes at most and pixels a side; it takes no larger one. */
const PREVIEW_BYTES = 30_000
const PREVIEW_PX = 320

export interface SmallPicture {
  bytes: Blob
  sha256: string
}

export interface Picture {
  bytes: Blob
  sha256: string
  /** The same picture small; null where even that would not be small. */
  preview?: SmallPicture | null
  taken_at: string
  position: Position | null
}

export class NotAPicture extends Error {}

/** What is burned into the picture: who, when, where. */
export interface Mark {
  who: string
  when: string
  where: string
}

/**
 * Turn what the camera gave into what is kept: upright, small enough, marked, as JPEG, with its hash.
 *
 * @throws NotAPicture the file cannot be read as an image.
 */
export async function prepare(
  source: Blob | HTMLVideoElement,
  mark: Mark,
  position: Position | null,
): Promise<Picture> {
  const taken_at = new Date().toISOString()
  const canvas = await drawn(source)
  watermark(canvas, mark)
  const bytes = withExif(
    await toJpeg(canvas, QUALITY),
    source instanceof Blob ? exifOf(await source.arrayBuffer()) : null,
  )
  const sha256 = await sha256Hex(await bytes.arrayBuffer())
  return { bytes, sha256, preview: await small(canvas), taken_at, position }
}

async function small(canvas: HTMLCanvasElement): Promise<SmallPicture | null> {
  const scale = Math.min(1, PREVIEW_PX / Math.max(canvas.width, canvas.height))
  const to = sized(canvas.width * scale, canvas.height * scale)
  context(to).drawImage(canvas, 0, 0, to.width, to.height)
  for (const quality of [0.7, 0.4]) {
    const bytes = await toJpeg(to, quality)
    if (bytes.size <= PREVIEW_BYTES) return { bytes, sha256: await sha256Hex(await bytes.arrayBuffer()) }
  }
  return null
}

async function drawn(source: Blob | HTMLVideoElement): Promise<HTMLCanvasElement> {
  const image = source instanceof Blob ? await decode(source) : source
  const [width, height] = 'videoWidth' in image ? [image.videoWidth, image.videoHeight] : [image.width, image.height]
  const scale = Math.min(1, LONGEST_PX / Math.max(width, height))
  const canvas = sized(width * scale, height * scale)
  context(canvas).drawImage(image, 0, 0, canvas.width, canvas.height)
  if (image instanceof ImageBitmap) image.close()
  return canvas
}

function sized(width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(width))
  canvas.height = Math.max(1, Math.round(height))
  return canvas
}

async function decode(file: Blob): Promise<ImageBitmap> {
  if (file.size > MOST_BYTES) throw new NotAPicture('too large')
  try {
    return await createImageBitmap(file, { imageOrientation: 'from-image' })
  } catch (error) {
    throw new NotAPicture(String(error))
  }
}

function context(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const found = canvas.getContext('2d')
  if (found === null) throw new NotAPicture('no canvas')
  return found
}

function watermark(canvas: HTMLCanvasElement, mark: Mark): void {
  const paint = context(canvas)
  const size = Math.max(16, Math.round(canvas.width / 42))
  const lines = [`${mark.who}  ${mark.when}`, mark.where]
  const height = size * 1.5 * lines.length + size * 0.6
  paint.fillStyle = 'rgba(0, 0, 0, 0.55)'
  paint.fillRect(0, canvas.height - height, canvas.width, height)
  paint.font = `600 ${size}px "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif`
  paint.fillStyle = '#fff'
  paint.textBaseline = 'top'
  lines.forEach((line, at) => paint.fillText(line, size * 0.6, canvas.height - height + size * (0.4 + at * 1.5)))
}

function toJpeg(canvas: HTMLCanvasElement, quality: number): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new NotAPicture('empty'))), 'image/jpeg', quality)
  })
}

/** `116.39750,39.90870 ±8 m`; empty where the place is unknown. */
export function placeWords(position: Position | null): string {
  if (position === null) return ''
  const accuracy = position.accuracy_m === null ? '' : ` ±${Math.round(position.accuracy_m)} m`
  return `${position.lon.toFixed(5)},${position.lat.toFixed(5)}${accuracy}`
}
