/** The proof of a day: what this device counts of it, and where the centre counts otherwise (SPEC D). */

import { OPEN } from './overlay'
import type { OpStatus, ProofResponse } from './protocol'
import type { OpRow, Tables } from './store'

export interface Journal {
  /** Ops with a result, by `entity/kind`. */
  ops: Record<string, number>
  /** Ops without one, by entity. */
  waiting: Record<string, number>
  /** Files declared by ops that were taken, by kind: content hash → bytes. */
  files: Record<string, Record<string, number>>
  /** Those of them without a receipt. */
  unsent: string[]
}

export interface Difference {
  /** `entity/kind` of ops, or the kind of files. */
  what: string
  files: boolean
  here: number
  there: number
}

/** The files of such ops are declared nowhere (SPEC P10). */
const NOT_DECLARED: readonly OpStatus[] = ['rejected', 'held', 'quarantined']

/** Count the ops made in [since, until), milliseconds by this device's own clock, which both sides know (SPEC D1). */
export async function journal(tables: Tables, since: number, until: number): Promise<Journal> {
  const counted: Journal = { ops: {}, waiting: {}, files: {}, unsent: [] }
  for (const row of await tables.ops.from(0)) {
    const at = Date.parse(row.op.device_at)
    if (at < since || at >= until) continue
    if (row.state === 'pending') {
      counted.waiting[row.op.entity] = (counted.waiting[row.op.entity] ?? 0) + 1
      continue
    }
    const key = `${row.op.entity}/${row.op.kind}`
    counted.ops[key] = (counted.ops[key] ?? 0) + 1
    if (isTaken(row)) await countFiles(tables, row, counted)
  }
  return counted
}

function isTaken(row: OpRow): boolean {
  return !OPEN.includes(row.state) && row.result !== null && !NOT_DECLARED.includes(row.result.status)
}

async function countFiles(tables: Tables, row: OpRow, counted: Journal): Promise<void> {
  for (const { sha256, kind, size } of row.op.files ?? []) {
    counted.files[kind] = { ...counted.files[kind], [sha256]: size }
    const file = await tables.files.get(sha256)
    if (file !== undefined && file.state !== 'verified' && !counted.unsent.includes(sha256)) counted.unsent.push(sha256)
  }
}

/** Ops by entity and kind; files by kind in number and in bytes (SPEC D2). */
export function differences(counted: Journal, told: ProofResponse): Difference[] {
  const there: Record<string, number> = {}
  for (const { entity, kind, count } of told.ops) there[`${entity}/${kind}`] = (there[`${entity}/${kind}`] ?? 0) + count
  const ops = keysOf(counted.ops, there)
    .map((what) => ({ what, files: false, here: counted.ops[what] ?? 0, there: there[what] ?? 0 }))
    .filter((one) => one.here !== one.there)
  const verified = Object.fromEntries(told.files.map((one) => [one.kind, one]))
  const files = keysOf(counted.files, verified)
    .map((what) => ({ what, here: sent(counted, what), there: verified[what] }))
    .filter(({ here, there: one }) => here.length !== (one?.verified ?? 0) || sum(here) !== (one?.verified_bytes ?? 0))
    .map(({ what, here, there: one }) => ({ what, files: true, here: here.length, there: one?.verified ?? 0 }))
  return [...ops, ...files]
}

const keysOf = (...parts: object[]): string[] => [...new Set(parts.flatMap((part) => Object.keys(part)))].sort()
const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)

function sent(counted: Journal, kind: string): number[] {
  return Object.entries(counted.files[kind] ?? {})
    .filter(([sha256]) => !counted.unsent.includes(sha256))
    .map(([, size]) => size)
}
