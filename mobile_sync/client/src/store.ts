/** What the engine needs from a local database: five tables and transactions that are all or nothing. */

import type { Doc, Op, OpResult, Problem, PullResponse } from './protocol'

/**
 * Where an op stands. `pending`: to be sent. `held`, `quarantined`: the centre has it and has not judged it.
 * `settled`: judged, still laid over the replica until a pull that began later is applied (SPEC L6).
 * `kept`: judged and off the screen, kept for a server that is restored (SPEC P14).
 */
export type OpState = 'pending' | 'held' | 'quarantined' | 'settled' | 'kept'

export interface OpRow {
  op_no: number
  /** `entity/rec_id`, so that all ops of a record are found together. */
  record: string
  state: OpState
  /** `open` while a person should look at a conflict or a refusal. */
  attention: 'open' | 'none'
  op: Op
  /** The app's own grouping (for example the job an attachment belongs to); never sent. */
  tag: string
  /** The app's own name for the group, for when its record has left this device; never sent. */
  label: string
  /** Milliseconds of device time when the edit was made. */
  made_at: number
  tries: number
  /** Set before the first sending, so that an op that may have reached the server is never changed. */
  sent_at: number | null
  result: OpResult | null
  /** Server time of the result, in milliseconds. */
  answered_at: number | null
  /** How many pulls had begun when the result came. */
  answered_pull: number
}

/** One record as the server last told it, and in which buckets we hold it. */
export interface DocRow {
  key: string
  entity: string
  id: string
  rev: number
  doc: Doc
  /** The document's fingerprint as it was written; absent in rows of earlier versions. */
  print?: number
  /** bucket key → seq of the entry that brought it. */
  held: Record<string, number>
  buckets: string[]
  /** It left every bucket while edits were waiting: hidden, kept until they have results. */
  shadow: boolean
}

/** One answer of a pull, kept until all buckets are complete. */
export interface PageRow {
  n: number
  page: PullResponse
}

/** `parked`: its op was rejected, so nobody at the centre waits for it; the bytes stay here. */
export type FileState = 'waiting' | 'verified' | 'refused' | 'parked'

export interface FileRow {
  sha256: string
  size: number
  mime: string
  kind: string
  slot: string
  record: string
  tag: string
  label: string
  op_no: number
  state: FileState
  made_at: number
  /** Bytes the server is known to hold. */
  sent: number
  tries: number
  error: Problem | null
  verified_at: number | null
  /** The bytes were deleted here after the server's receipt and the delay. */
  purged: boolean
}

/** The bytes, apart from their row so that lists do not load them. The engine never looks inside. */
export interface ContentRow {
  sha256: string
  bytes: unknown
}

export interface MetaRow {
  key: string
  value: unknown
}

export interface Table<Row, Key> {
  get(key: Key): Promise<Row | undefined>
  put(row: Row): Promise<void>
  delete(key: Key): Promise<void>
  /** All rows in key order. */
  all(): Promise<Row[]>
}

/** A table with indexes; an index over a list holds a row once for each element. */
export interface IndexedTable<Row, Key, Index extends string> extends Table<Row, Key> {
  by(index: Index, value: string): Promise<Row[]>
  /** Rows whose key is `key` or above, in key order. */
  from(key: Key): Promise<Row[]>
}

export interface Tables {
  meta: Table<MetaRow, string>
  docs: IndexedTable<DocRow, string, 'entity' | 'buckets'>
  ops: IndexedTable<OpRow, number, 'record' | 'state' | 'tag' | 'attention'>
  pages: Table<PageRow, number>
  files: IndexedTable<FileRow, string, 'record' | 'state' | 'tag'>
  contents: Table<ContentRow, string>
}

/** What an app writes in the transaction of an edit. */
export type Also = (tables: Tables) => Promise<void>

export interface SyncStorage {
  /**
   * Run `work` in one transaction over all tables: everything it wrote is kept, or, where it throws or the
   * process dies, nothing. Writers run one after the other. `work` may await only the tables' promises.
   * A write that finds no room throws the Fault `full`.
   * `also` is the app's own part of a write, after `work`: only then may tables of the app's be held.
   */
  run<T>(mode: 'read' | 'write', work: (tables: Tables) => Promise<T>, also?: Also): Promise<T>
}

/** Meta: the epoch of what the replica holds. */
export const EPOCH = 'pull.epoch'
/** Meta: the epoch last heard of, in whatever answer (SPEC P19). */
export const HEARD = 'heard.epoch'
/** Meta: the epoch of the last answer to a push; before there was any, the one heard of before the last (SPEC V11). */
export const ASKED = 'asked.epoch'

/** The life of the server last heard of, null if there was none. */
export async function heardLife(tables: Tables): Promise<string | null> {
  return readMeta(tables, HEARD, await readMeta<string | null>(tables, EPOCH, null))
}

export function recordKey(entity: string, id: string): string {
  return `${entity}/${id}`
}

export async function readMeta<T>(tables: Tables, key: string, otherwise: T): Promise<T> {
  const row = await tables.meta.get(key)
  return row === undefined ? otherwise : (row.value as T)
}

export async function writeMeta(tables: Tables, key: string, value: unknown): Promise<void> {
  await tables.meta.put({ key, value })
}
