import type { Attachment } from '../../types'

export type FileState = 'expected' | 'small' | 'arrived' | 'examined' | 'refused'

/** How far a file has come: its bytes may still be on a tablet in a basement, or not yet looked at. */
export function fileState(file: Pick<Attachment, 'refused' | 'has_thumbnail' | 'verified_at'>): FileState {
  if (file.refused) return 'refused'
  if (file.verified_at) return file.has_thumbnail ? 'examined' : 'arrived'
  return file.has_thumbnail ? 'small' : 'expected'
}

/** Seconds between what the file says of itself and what the tablet declared, whichever is later. */
export function secondsApart(file: Pick<Attachment, 'exif_taken_at' | 'taken_at'>): number {
  if (!file.exif_taken_at) return 0
  return Math.abs(new Date(file.exif_taken_at).getTime() - new Date(file.taken_at).getTime()) / 1000
}
