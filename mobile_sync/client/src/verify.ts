/** The replica against the server's count and checksum of each bucket (SPEC L7). */

import type { BucketHead } from './protocol'
import { MISMATCHED } from './pull'
import type { SyncStorage, Tables } from './store'
import { readMeta, writeMeta } from './store'

/** SHA-256 of UTF-8 text; the platform's, passed in. */
export type Digest = (text: string) => Promise<Uint8Array>

const RENEWED_AT = 'verify.renewed_at'
export const INCIDENTS = 'verify.incidents'
/** A bucket that stays wrong is sent whole at most this often, in milliseconds. */
const RENEW_EVERY_MS = 600_000

/** A replica that did not add up, kept for the sync page and for support. */
export interface Incident {
  at: number
  bucket: string
  rows: number
  expected_rows: number | null
}

/** Sum modulo 2^64 of the first 8 bytes of SHA-256(`entity/id@seq`), as 16 hexadecimal digits. */
export async function checksum(entries: readonly string[], digest: Digest): Promise<string> {
  let sum = 0n
  for (const hash of await Promise.all(entries.map(digest)))
    sum += new DataView(hash.buffer, hash.byteOffset).getBigUint64(0)
  return (sum & 0xffff_ffff_ffff_ffffn).toString(16).padStart(16, '0')
}

/** Compare complete buckets; those that differ are named in the next pull. Returns them where that pull is due now. */
export async function verify(
  storage: SyncStorage,
  heads: readonly BucketHead[],
  digest: Digest,
  now: number,
): Promise<string[]> {
  const wrong: Incident[] = []
  for (const head of heads) {
    const entries = await storage.run('read', (tables) => entriesOf(tables, head.key))
    const counts = head.row_count === null || head.row_count === entries.length
    const adds = head.checksum === null || head.checksum === (await checksum(entries, digest))
    if (!counts || !adds) wrong.push({ at: now, bucket: head.key, rows: entries.length, expected_rows: head.row_count })
  }
  return wrong.length === 0 ? [] : storage.run('write', (tables) => report(tables, wrong, now))
}

async function entriesOf(tables: Tables, bucket: string): Promise<string[]> {
  return (await tables.docs.by('buckets', bucket)).map((row) => `${row.key}@${row.held[bucket]}`)
}

async function report(tables: Tables, wrong: readonly Incident[], now: number): Promise<string[]> {
  const renewed = await readMeta<{ [bucket: string]: number }>(tables, RENEWED_AT, {})
  // Either way round: a clock that stood years ahead once must not put this off for years.
  const due = wrong
    .map((one) => one.bucket)
    .filter((bucket) => Math.abs(now - (renewed[bucket] ?? -Infinity)) > RENEW_EVERY_MS)
  for (const bucket of due) renewed[bucket] = now
  await writeMeta(tables, RENEWED_AT, renewed)
  await writeMeta(tables, MISMATCHED, due)
  const known = await readMeta<Incident[]>(tables, INCIDENTS, [])
  await writeMeta(tables, INCIDENTS, [...known, ...wrong].slice(-50))
  return due
}
