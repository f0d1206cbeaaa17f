/** Files: declared by their op, verified by the server, deleted here only long after that. Sending them: `sending.ts`. */

import type { FileRow, Tables } from './store'
import { readMeta, writeMeta } from './store'

/** Server time as last heard, in milliseconds; the life of the server that told it; how long originals stay. */
const SERVER_AT = 'files.server_at'
const LIFE = 'files.life'
export const KEEP_MS = 'files.keep_ms'

export interface FileRules {
  /** Kinds in sending order; a kind that is not listed comes last. */
  order: readonly string[]
  /** Milliseconds that the bytes stay here after the server's receipt, where the server names no other time. */
  keep_verified: number
  /** Hashes asked about in one request. */
  check_limit: number
  /** How soon a file is wanted among those of its kind: 0 first. */
  urgency?: (tables: Tables, file: FileRow) => Promise<number>
}

export const FIELD_FILES: FileRules = {
  order: ['signature', 'thumb', 'act', 'photo'],
  keep_verified: 7 * 24 * 3_600_000,
  check_limit: 100,
}

export async function isAnyWaiting(tables: Tables): Promise<boolean> {
  return (await tables.files.by('state', 'waiting')).length > 0
}

/** Send a refused file once more, when the person asks for it. */
export async function offerAgain(tables: Tables, sha256: string): Promise<void> {
  const row = await tables.files.get(sha256)
  if (row?.state === 'refused') await tables.files.put({ ...row, state: 'waiting', error: null })
}

/**
 * The server's life and time, from any answer of its (SPEC B9). Receipts get their date by it; those of another life, or
 * of one that nobody had named yet, are void, because the server may have lost the files: they are offered again.
 */
export async function heard(tables: Tables, epoch: string, server_at: string): Promise<void> {
  const life = await readMeta<string | null>(tables, LIFE, null)
  const at = Date.parse(server_at)
  await writeMeta(tables, LIFE, epoch)
  await writeMeta(tables, SERVER_AT, at)
  for (const file of await tables.files.by('state', 'verified')) {
    if (file.purged) continue
    if (life !== epoch) await tables.files.put({ ...file, state: 'waiting', sent: 0, verified_at: null })
    else if (file.verified_at === null) await tables.files.put({ ...file, verified_at: at })
  }
}

/** Delete the bytes of files that the server verified longer ago than the delay, by its own time, and whose op is settled. */
export async function purge(tables: Tables, rules: FileRules): Promise<number> {
  const now = await readMeta<number | null>(tables, SERVER_AT, null)
  const keep = await readMeta(tables, KEEP_MS, rules.keep_verified)
  if (now === null) return 0
  let purged = 0
  for (const file of await tables.files.by('state', 'verified')) {
    const state = (await tables.ops.get(file.op_no))?.state ?? 'kept'
    if (file.purged || state !== 'kept' || file.verified_at === null || now - file.verified_at < keep) continue
    await tables.contents.delete(file.sha256)
    await tables.files.put({ ...file, purged: true })
    purged += 1
  }
  return purged
}
