import { dismiss } from '@sync/outbox'
import type { OpRow } from '@sync/store'
import { sync } from '../services'
import { uuid7 } from '../sync/keys'

/** The same edit as a new op, after what stood in its way is gone. Its files are still here. */
export function sendAgain(row: OpRow): Promise<number[]> {
  const { entity, kind, fields, files } = row.op
  // What was refused as a new record was never made there; it is offered under a new id.
  const rec_id = kind === 'create' ? uuid7() : row.op.rec_id
  const edit = { entity, rec_id, kind, fields, tag: row.tag, label: row.label }
  const withFiles = files === undefined ? edit : { ...edit, files: files.map((ref) => ({ ref })) }
  return sync.record([withFiles], { also: (tables) => dismiss(tables, row.op_no) })
}
