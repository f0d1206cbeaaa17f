import type { Attachment } from '../../types'

export type FileState = 'expected' | 'arrived' | 'examined' | 'refused'

/** How far a file has come: its bytes may still be on a tablet in a basement, or not yet looked at. */
export function fileState(file: Pick<Attachment, 'refused' | 'has_thumbnail' | 'verified_at'>): FileState {
  if (file.refused) return 'refused'
  if (file.has_thumbnail) return 'examined'
  return file.verified_at ? 'arrived' : 'expected'
}
