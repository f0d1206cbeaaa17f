/** What the person is told: the link in three words, what waits, since when, and a badge for each record. */

import type { OpRow, FileRow, SyncStorage, Tables } from './store'
import type { FaultKind } from './world'
import { readMeta } from './store'

export type Link = 'online' | 'weak' | 'offline'
export type Phase = 'idle' | 'pushing' | 'pulling' | 'sending'
/** Synced, waiting, going up now, the office changed it too, refused. */
export type Badge = 'synced' | 'pending' | 'sending' | 'conflict' | 'rejected'

/** A request slower than this, in milliseconds, is a weak link. */
export const SLOW_REQUEST_MS = 5_000

/** Judges the link by what requests did, not by what the browser says about its network card. */
export class LinkMonitor {
  link: Link = 'online'
  private silent = 0

  answered(ms: number): void {
    this.silent = 0
    this.link = ms > SLOW_REQUEST_MS ? 'weak' : 'online'
  }

  failed(kind: FaultKind): void {
    if (kind === 'full') return
    if (kind !== 'offline') {
      this.link = 'weak'
      return
    }
    this.silent += 1
    this.link = this.silent > 1 ? 'offline' : 'weak'
  }

  /** The system itself says that there is no network. */
  cut(): void {
    this.silent = 2
    this.link = 'offline'
  }
}

export interface Outstanding {
  /** Edits that the server does not have. */
  ops: number
  /** Edits that the server has and has not judged (held, quarantined). */
  at_centre: number
  /** Files without a receipt, by kind. */
  files: Record<string, number>
  /** Bytes of those files that the server does not have. */
  bytes: number
  /** Device time of the oldest of all these, or null. */
  since: number | null
  /** Edits and files that wait for the person here: conflict, rejected, refused. */
  parked: number
  last_synced: number | null
}

export const LAST_SYNCED = 'status.last_synced'

/** `quiet` names entities that a person does not count as work, for example positions. */
export function outstanding(storage: SyncStorage, quiet: readonly string[] = []): Promise<Outstanding> {
  return storage.run('read', (tables) => count(tables, quiet))
}

export async function count(tables: Tables, quiet: readonly string[]): Promise<Outstanding> {
  const ops = (await tables.ops.by('state', 'pending')).filter((row) => !quiet.includes(row.op.entity))
  const atCentre = (await tables.ops.by('state', 'held')).length + (await tables.ops.by('state', 'quarantined')).length
  const waiting = await tables.files.by('state', 'waiting')
  const refused = await tables.files.by('state', 'refused')
  const files: Record<string, number> = {}
  for (const file of waiting) files[file.kind] = (files[file.kind] ?? 0) + 1
  const made = [...ops, ...waiting].map((row) => row.made_at)
  return {
    ops: ops.length,
    at_centre: atCentre,
    files,
    bytes: waiting.reduce((sum, file) => sum + file.size - file.sent, 0),
    since: made.length > 0 ? Math.min(...made) : null,
    parked: (await parkedOps(tables)).length + refused.length,
    last_synced: await readMeta<number | null>(tables, LAST_SYNCED, null),
  }
}

/** Ops that wait for the person here, oldest first. */
export async function parkedOps(tables: Tables): Promise<OpRow[]> {
  return (await tables.ops.by('attention', 'open')).sort((a, b) => a.op_no - b.op_no)
}

/** The badge of one record or of one tag, from its ops and files; `moving` names the file being sent. */
export function badgeOf(ops: readonly OpRow[], files: readonly FileRow[], moving: string | null): Badge {
  const open = ops.filter((row) => row.attention === 'open').map((row) => row.result?.status)
  if (open.includes('rejected') || files.some((file) => file.state === 'refused')) return 'rejected'
  if (open.includes('conflict') || ops.some((row) => row.state === 'quarantined')) return 'conflict'
  const waiting = files.filter((file) => file.state === 'waiting')
  if (waiting.some((file) => file.sha256 === moving)) return 'sending'
  if (waiting.length > 0 || ops.some((row) => row.state === 'pending' || row.state === 'held')) return 'pending'
  return 'synced'
}

/** The badges of all tags: a list reads ops and files once, and not for each of its rows. */
export function badgesOf(
  ops: readonly OpRow[],
  files: readonly FileRow[],
  moving: string | null,
): ReadonlyMap<string, Badge> {
  const tags = new Set([...ops, ...files].map(({ tag }) => tag))
  const of = <Row extends { readonly tag: string }>(tag: string, rows: readonly Row[]): Row[] =>
    rows.filter((row) => row.tag === tag)
  return new Map([...tags].map((tag) => [tag, badgeOf(of(tag, ops), of(tag, files), moving)]))
}
