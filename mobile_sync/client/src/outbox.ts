/** The outbox: every edit gets its number in the transaction that keeps it, and leaves the queue only by its result. */

import { OPEN } from './overlay'
import type { Fields, FileRef, Op, OpKind, OpResult, Position } from './protocol'
import type { OpRow, OpState, Tables } from './store'
import { EPOCH, readMeta, recordKey, writeMeta } from './store'

export const NEXT_OP_NO = 'outbox.next_op_no'
export const PULLS_BEGUN = 'pull.begun'
/** SPEC P14. Milliseconds that judged ops stay here. */
export const KEEP_OPS_MS = 30 * 24 * 3_600_000
/** The shape of ops that do not name theirs: apps of the first version wrote none into them. */
export const UNNAMED_SCHEMA = 1
/** Well below the 8 MiB that SPEC W5 allows a request; characters of JSON. */
const BATCH_CHARS = 1_000_000

export interface Edit {
  entity: string
  rec_id: string
  kind: OpKind
  fields: Fields
  tag?: string
  label?: string
  depends_on?: number[]
  gps?: Position
  /** Without `bytes`: a file that is already kept here. */
  files?: { ref: FileRef; bytes?: unknown }[]
}

/** How edits are recorded: `together` lands them all or none (SPEC P9), `schema_version` is the shape of their fields. */
export interface Recording {
  together: boolean
  now: number
  schema_version: number
}

type Group = { group_no: number; group_size: number } | Record<string, never>

/** Keep edits, and the bytes of their files, for sending. */
export async function record(tables: Tables, edits: readonly Edit[], how: Recording): Promise<number[]> {
  const first = await readMeta(tables, NEXT_OP_NO, 1)
  const group: Group = how.together && edits.length > 1 ? { group_no: first, group_size: edits.length } : {}
  const numbers = edits.map((_, at) => first + at)
  for (const [at, edit] of edits.entries()) await recordOne(tables, edit, { op_no: first + at, ...group }, how)
  await writeMeta(tables, NEXT_OP_NO, first + edits.length)
  return numbers
}

async function recordOne(
  tables: Tables,
  edit: Edit,
  numbers: { op_no: number } & Partial<Group>,
  { now, schema_version }: Recording,
): Promise<void> {
  const { op_no } = numbers
  const key = recordKey(edit.entity, edit.rec_id)
  const base = edit.kind === 'create' ? undefined : await tables.docs.get(key)
  const epoch = base === undefined ? null : await readMeta<string | null>(tables, EPOCH, null)
  const op: Op = {
    entity: edit.entity,
    rec_id: edit.rec_id,
    kind: edit.kind,
    base_rev: base?.rev ?? 0,
    ...(epoch === null ? {} : { epoch }),
    fields: edit.fields,
    device_at: new Date(now).toISOString(),
    schema_version,
    ...numbers,
    ...extras(edit),
  }
  const tag = edit.tag ?? key
  const label = edit.label ?? ''
  await tables.ops.put({
    op_no,
    record: key,
    state: 'pending',
    attention: 'none',
    op,
    tag,
    label,
    made_at: now,
    tries: 0,
    sent_at: null,
    result: null,
    answered_at: null,
    answered_pull: 0,
  })
  for (const file of edit.files ?? []) await keepFile(tables, file, { op_no, record: key, tag, label, made_at: now })
}

function extras(edit: Edit): Partial<Op> {
  const extra: Partial<Op> = {}
  if (edit.depends_on !== undefined && edit.depends_on.length > 0) extra.depends_on = edit.depends_on
  if (edit.gps !== undefined) extra.gps = edit.gps
  if (edit.files !== undefined) extra.files = edit.files.map((file) => file.ref)
  return extra
}

/**
 * A row of an app that wrote neither shape nor epoch into its ops, with both; `epoch` is that of the replica. An op that
 * may have reached the server stays as it is: another content under its number would be another op (SPEC P4).
 */
export function completed(row: OpRow, epoch: string | null): OpRow {
  if (row.state !== 'pending' || row.sent_at !== null || row.op.schema_version !== undefined) return row
  const based = row.op.base_rev > 0 && epoch !== null
  return { ...row, op: { ...row.op, schema_version: UNNAMED_SCHEMA, ...(based ? { epoch } : {}) } }
}

interface Owner {
  op_no: number
  record: string
  tag: string
  label: string
  made_at: number
}

async function keepFile(tables: Tables, file: { ref: FileRef; bytes?: unknown }, owner: Owner): Promise<void> {
  const known = await tables.files.get(file.ref.sha256)
  // The same content twice is one file (SPEC B1): what is verified is not sent again.
  if (known?.state === 'verified') return
  await tables.files.put({
    ...file.ref,
    ...owner,
    state: 'waiting',
    sent: known?.sent ?? 0,
    tries: known?.tries ?? 0,
    error: null,
    verified_at: null,
    purged: false,
  })
  if (file.bytes !== undefined) await tables.contents.put({ sha256: file.ref.sha256, bytes: file.bytes })
}

/**
 * The next ops to send, by number: those waiting, after those whose judgement is asked again (SPEC P16).
 * They are marked as sent before they leave, so they never change again. A group is never cut (SPEC P9).
 */
export async function takeBatch(tables: Tables, limit: number, ask: boolean, now: number): Promise<Op[]> {
  const rows = await tables.ops.by('state', 'pending')
  if (ask) rows.push(...(await tables.ops.by('state', 'held')), ...(await tables.ops.by('state', 'quarantined')))
  const batch = cut(
    rows.sort((a, b) => a.op_no - b.op_no),
    limit,
  )
  for (const row of batch) await tables.ops.put({ ...row, sent_at: row.sent_at ?? now })
  return batch.map((row) => row.op)
}

/** Somebody answered, and these ops have no result of it: a try that failed. Where nobody answers, none was made. */
export async function countTry(tables: Tables, ops: readonly Op[]): Promise<void> {
  for (const { op_no } of ops) {
    const row = await tables.ops.get(op_no)
    if (row !== undefined) await tables.ops.put({ ...row, tries: row.tries + 1 })
  }
}

function cut(rows: readonly OpRow[], limit: number): OpRow[] {
  const batch: OpRow[] = []
  let chars = 0
  for (const unit of units(rows)) {
    chars += unit.reduce((sum, row) => sum + JSON.stringify(row.op).length, 0)
    if (batch.length > 0 && (batch.length + unit.length > limit || chars > BATCH_CHARS)) break
    batch.push(...unit)
  }
  return batch
}

/** Single ops, and groups as a whole. */
function units(rows: readonly OpRow[]): OpRow[][] {
  const found: OpRow[][] = []
  for (const row of rows) {
    const last = found.at(-1)
    const joins = row.op.group_no !== undefined && last?.[0]?.op.group_no === row.op.group_no
    if (joins) last?.push(row)
    else found.push([row])
  }
  return found
}

const STATE: Record<OpResult['status'], OpState> = {
  applied: 'settled',
  merged: 'settled',
  noop: 'settled',
  conflict: 'settled',
  rejected: 'settled',
  held: 'held',
  quarantined: 'quarantined',
}

/** Settle ops by their results. A result for an op that is settled already is a replay and changes nothing. */
export async function settle(tables: Tables, results: readonly OpResult[], now: number): Promise<number> {
  const begun = await readMeta(tables, PULLS_BEGUN, 0)
  let moved = 0
  for (const result of results) {
    const row = await tables.ops.get(result.op_no)
    if (row === undefined || !OPEN.includes(row.state) || result.problem?.code === OP_NO_REUSED) continue
    if (row.state !== STATE[result.status]) moved += 1
    await settleOne(tables, row, result, { now, begun })
  }
  return moved
}

export const OP_NO_REUSED = 'op_no_reused'

async function settleOne(
  tables: Tables,
  row: OpRow,
  result: OpResult,
  at: { now: number; begun: number },
): Promise<void> {
  const asks = result.status === 'conflict' || result.status === 'rejected'
  await tables.ops.put({
    ...row,
    state: STATE[result.status],
    attention: asks ? 'open' : 'none',
    result,
    answered_at: at.now,
    answered_pull: at.begun,
  })
  if (result.status === 'rejected') await parkFiles(tables, row)
  if (result.centre !== undefined && result.centre.verb !== 'released') await noteTold(tables, row.op_no)
  await releaseShadow(tables, row.record)
}

/** Op numbers that the centre has dealt with, the newest last: for the person who recorded them. */
export const TOLD = 'outbox.told'
const KEEP_TOLD = 20

async function noteTold(tables: Tables, op_no: number): Promise<void> {
  const known = await readMeta<number[]>(tables, TOLD, [])
  await writeMeta(tables, TOLD, [...known.filter((one) => one !== op_no), op_no].slice(-KEEP_TOLD))
}

/** Nobody at the centre waits for the files of a rejected op; they stay here for the person. */
async function parkFiles(tables: Tables, row: OpRow): Promise<void> {
  for (const file of await tables.files.by('record', row.record)) {
    if (file.op_no === row.op_no && file.state === 'waiting') await tables.files.put({ ...file, state: 'parked' })
  }
}

/** A shadow lives until the last of its ops is judged (SPEC S5). */
export async function releaseShadow(tables: Tables, record: string): Promise<void> {
  const doc = await tables.docs.get(record)
  if (!doc?.shadow) return
  const ops = await tables.ops.by('record', record)
  if (!ops.some((row) => OPEN.includes(row.state))) await tables.docs.delete(record)
}

/** A person has seen a conflict or refusal and needs it no more. The op stays among the kept ones. */
export async function dismiss(tables: Tables, op_no: number): Promise<void> {
  const row = await tables.ops.get(op_no)
  if (row !== undefined) await tables.ops.put({ ...row, attention: 'none' })
}

/** Delete judged ops that are older than SPEC P14 asks and that nobody has to look at. */
export async function forgetOld(tables: Tables, now: number): Promise<void> {
  for (const row of await tables.ops.by('state', 'kept')) {
    const old = now - (row.answered_at ?? now) > KEEP_OPS_MS
    if (old && row.attention === 'none') await tables.ops.delete(row.op_no)
  }
}
