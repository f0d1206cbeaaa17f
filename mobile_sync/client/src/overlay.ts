/** What the screen shows: the server's documents with the device's own edits on top (SPEC L6, S5). */

import { applyFields } from './fields'
import type { Doc, FieldOutcome, Fields } from './protocol'
import type { DocRow, OpRow, OpState, Tables } from './store'
import { recordKey } from './store'

export interface View {
  entity: string
  id: string
  /** The revision last pulled; 0 for a record that exists only here. */
  rev: number
  doc: Doc
  /** True while an edit of it has no final result. */
  dirty: boolean
}

/** States in which the centre has not judged an op. */
export const OPEN: readonly OpState[] = ['pending', 'held', 'quarantined']
const SHOWN: readonly OpState[] = [...OPEN, 'settled']

/** What an op still says about the record: all it asked for until it is judged, then what the server made of it. */
function saying(row: OpRow): Fields {
  if (row.state !== 'settled') return { ...row.op.fields }
  const outcomes = row.result?.fields ?? {}
  const asked = Object.entries(row.op.fields).filter(([name]) => !isTheirs(outcomes[name]))
  const made = Object.entries(outcomes).flatMap(([name, { value }]) => (value === undefined ? [] : [[name, value]]))
  return Object.fromEntries([...asked, ...made]) as Fields
}

function isTheirs(outcome: FieldOutcome | undefined): boolean {
  return outcome?.outcome === 'kept' || outcome?.outcome === 'conflict'
}

function isShown(row: OpRow): boolean {
  return SHOWN.includes(row.state) && row.result?.status !== 'rejected'
}

/** Lay the record's ops, in order, over the server's document. Null where there is nothing, or it was deleted here. */
export function overlay(base: DocRow | undefined, ops: readonly OpRow[], entity: string, id: string): View | null {
  let doc: Doc | null = base?.doc ?? null
  let dirty = false
  for (const row of [...ops].sort((a, b) => a.op_no - b.op_no)) {
    if (!isShown(row)) continue
    dirty = dirty || OPEN.includes(row.state)
    doc = laidOver(doc, row)
  }
  return doc === null ? null : { entity, id, rev: base?.rev ?? 0, doc, dirty }
}

function laidOver(doc: Doc | null, row: OpRow): Doc | null {
  if (row.op.kind === 'delete') return row.result?.status === 'conflict' ? doc : null
  // An update alone makes no record: of one that left our scope nothing is shown.
  if (doc === null && row.op.kind === 'update') return null
  return applyFields(doc ?? {}, saying(row))
}

/** One record as the screen should show it. Records out of scope (shadows) are hidden. */
export async function view(tables: Tables, entity: string, id: string): Promise<View | null> {
  const key = recordKey(entity, id)
  const base = await tables.docs.get(key)
  if (base?.shadow) return null
  return overlay(base, await tables.ops.by('record', key), entity, id)
}

/** All records of a collection, created-here ones included. `shown`: what `shownOps` told in the same transaction. */
export async function viewAll(tables: Tables, entity: string, shown?: readonly OpRow[]): Promise<View[]> {
  const bases = new Map((await tables.docs.by('entity', entity)).map((row) => [row.key, row]))
  const ops = byRecord(shown ?? (await shownOps(tables)), entity)
  const views: View[] = []
  for (const key of new Set([...bases.keys(), ...ops.keys()])) {
    const base = bases.get(key)
    if (base?.shadow) continue
    const seen = overlay(base, ops.get(key) ?? [], entity, key.slice(entity.length + 1))
    if (seen !== null) views.push(seen)
  }
  return views
}

/** The ops that are laid over documents, of all collections. Who shows several of these reads them once. */
export async function shownOps(tables: Tables): Promise<OpRow[]> {
  return (await Promise.all(SHOWN.map((state) => tables.ops.by('state', state)))).flat()
}

function byRecord(rows: readonly OpRow[], entity: string): Map<string, OpRow[]> {
  const found = new Map<string, OpRow[]>()
  for (const row of rows) {
    if (row.op.entity === entity) found.set(row.record, [...(found.get(row.record) ?? []), row])
  }
  return found
}
