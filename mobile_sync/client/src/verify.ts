/** The replica against the server's count and checksum of each bucket (SPEC L7, L16). */

import { fingerprint } from './fingerprint'
import type { Mismatch, Ending } from './incidents'
import { INCIDENTS, noted, readIncidents } from './incidents'
import type { BucketHead } from './protocol'
import { HEARD_AT, MISMATCHED } from './pull'
import type { SyncStorage, Tables } from './store'
import { readMeta, writeMeta } from './store'

export { INCIDENTS, type Incident } from './incidents'

/** SHA-256 of UTF-8 text; the platform's, passed in. */
export type Digest = (text: string) => Promise<Uint8Array>

const RENEWED_AT = 'verify.renewed_at'
/** A bucket that stays wrong is sent whole at most this often, in milliseconds. */
const RENEW_EVERY_MS = 600_000

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
  const wrong = new Map<string, Mismatch>()
  const unsure: string[] = []
  for (const head of heads) {
    if (head.row_count === null || head.checksum === null) {
      unsure.push(head.key)
      continue
    }
    const entries = await storage.run('read', (tables) => entriesOf(tables, head.key))
    const found = { rows: entries.length, checksum: await checksum(entries, digest) }
    const expected = { expected_rows: head.row_count, expected_checksum: head.checksum }
    if (found.rows !== expected.expected_rows || found.checksum !== expected.expected_checksum)
      wrong.set(head.key, { ...expected, ...found })
  }
  const own = heads.map((head) => head.key)
  return (await isNews(storage, wrong))
    ? storage.run('write', (tables) => report(tables, { own, wrong, unsure }, now))
    : []
}

/** Mostly all adds up, and nothing is written. */
async function isNews(storage: SyncStorage, wrong: Ending['wrong']): Promise<boolean> {
  if (wrong.size > 0) return true
  return (await storage.run('read', readIncidents)).some((one) => one.healed_at === null)
}

/** What does not read back as it was written is not there. */
async function entriesOf(tables: Tables, bucket: string): Promise<string[]> {
  return (await tables.docs.by('buckets', bucket))
    .filter((row) => row.print === undefined || row.print === fingerprint(row.doc))
    .map((row) => `${row.key}@${row.held[bucket]}`)
}

async function report(tables: Tables, ending: Omit<Ending, 'server_at'>, now: number): Promise<string[]> {
  const renewed = await readMeta<Record<string, number>>(tables, RENEWED_AT, {})
  // Either way round: a clock that stood years ahead once must not put this off for years.
  const due = [...ending.wrong.keys()].filter(
    (bucket) => Math.abs(now - (renewed[bucket] ?? -Infinity)) > RENEW_EVERY_MS,
  )
  for (const bucket of due) renewed[bucket] = now
  await writeMeta(tables, RENEWED_AT, renewed)
  await writeMeta(tables, MISMATCHED, due)
  const server_at = await readMeta(tables, HEARD_AT, '')
  await writeMeta(tables, INCIDENTS, noted(await readIncidents(tables), { ...ending, server_at }, now))
  return due
}
