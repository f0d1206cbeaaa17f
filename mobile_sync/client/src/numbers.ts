/** Op numbers after accidents: a server restored from a backup, a device cloned or restored (SPEC P14, P15). */

import { NEXT_OP_NO, OP_NO_REUSED } from './outbox'
import type { Op, PushResponse } from './protocol'
import type { OpRow, Tables } from './store'
import { readMeta, writeMeta } from './store'

/** Bring our numbers in line with what the server expects. True where ops have become ready to be sent. */
export async function reconcile(tables: Tables, answer: PushResponse): Promise<boolean> {
  const again = await sendAgain(tables, answer.expected)
  const reused = answer.results.filter((result) => result.problem?.code === OP_NO_REUSED).map((result) => result.op_no)
  const pending = (await tables.ops.by('state', 'pending')).sort((a, b) => a.op_no - b.op_no)
  const from = reused.length > 0 ? Math.min(...reused) : firstGap(pending, answer.expected)
  if (from === null) {
    await raiseNext(tables, answer.expected)
    return again
  }
  await renumber(
    tables,
    pending.filter((row) => row.op_no >= from),
    answer.expected,
  )
  return true
}

/** SPEC P14: ops the server has forgotten become pending again, with their numbers. */
async function sendAgain(tables: Tables, expected: number): Promise<boolean> {
  let any = false
  for (const row of await tables.ops.from(expected)) {
    if (row.state === 'pending') continue
    await tables.ops.put({ ...row, state: 'pending', attention: 'none', result: null, answered_at: null })
    any = true
  }
  return any
}

/** The lowest pending number that the server can never reach by itself, or null where all is contiguous. */
function firstGap(pending: readonly OpRow[], expected: number): number | null {
  let next = expected
  for (const row of pending) {
    if (row.op_no < expected) continue
    if (row.op_no !== next) return row.op_no
    next += 1
  }
  return null
}

/** SPEC P15: give pending ops new numbers, in order, from `expected` on (behind those that keep theirs). */
async function renumber(tables: Tables, rows: readonly OpRow[], expected: number): Promise<void> {
  const staying = (await tables.ops.by('state', 'pending')).filter(
    (row) => !rows.some((one) => one.op_no === row.op_no),
  )
  const first = Math.max(expected, ...staying.map((row) => row.op_no + 1))
  const numbers = new Map(rows.map((row, at) => [row.op_no, first + at]))
  const kept = new Set((await tables.ops.from(expected)).map((row) => row.op_no))
  // What neither side has any more: the server forgot it, and it was kept here for long enough.
  const lost = (number: number): boolean => number >= expected && !kept.has(number)
  for (const row of rows) await tables.ops.delete(row.op_no)
  for (const row of rows) await tables.ops.put(renamed(row, numbers, lost))
  for (const file of await tables.files.all()) {
    const op_no = numbers.get(file.op_no)
    if (op_no !== undefined) await tables.files.put({ ...file, op_no })
  }
  await writeMeta(tables, NEXT_OP_NO, Math.max(expected, first + rows.length))
}

function renamed(row: OpRow, numbers: ReadonlyMap<number, number>, lost: (number: number) => boolean): OpRow {
  const name = (number: number): number => numbers.get(number) ?? number
  const op: Op = { ...row.op, op_no: name(row.op_no) }
  if (op.group_no !== undefined) op.group_no = name(op.group_no)
  if (op.depends_on !== undefined) op.depends_on = op.depends_on.filter((number) => !lost(number)).map(name)
  return { ...row, op_no: op.op_no, op, sent_at: null }
}

async function raiseNext(tables: Tables, expected: number): Promise<void> {
  const next = await readMeta(tables, NEXT_OP_NO, 1)
  if (next < expected) await writeMeta(tables, NEXT_OP_NO, expected)
}
