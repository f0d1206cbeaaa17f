/** Declared and arrived files of jobs: declared = here + on their way, always. */

import { viewAll } from '@sync/overlay'
import { recordKey, type FileRow, type OpRow, type Tables } from '@sync/store'
import type { Attachment } from '../types'

/** The kind of a file that is made from another one and goes before it. Nobody counts these. */
export const PREVIEW = 'thumb'

export interface Manifest {
  declared: number
  here: number
}

export const NOTHING: Manifest = { declared: 0, here: 0 }

/** By job. What the server refused is not declared any more: it has to be taken again. */
export async function manifests(
  tables: Tables,
  files: readonly FileRow[],
  shown?: readonly OpRow[],
): Promise<Map<string, Manifest>> {
  const found = new Map<string, Manifest>()
  const originals = files.filter(({ kind }) => kind !== PREVIEW)
  const made = new Map(originals.map((file) => [file.record, file]))
  for (const seen of await viewAll(tables, 'attachment', shown)) {
    const attachment = seen.doc as unknown as Attachment
    const file = made.get(recordKey('attachment', seen.id))
    if (attachment.refused || file?.state === 'refused') continue
    const { declared, here } = found.get(attachment.job_id) ?? NOTHING
    const arrived = attachment.verified_at != null || file?.state === 'verified'
    found.set(attachment.job_id, { declared: declared + 1, here: here + Number(arrived) })
  }
  return found
}
