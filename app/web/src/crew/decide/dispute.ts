/** A conflict as the server tells it, and what follows from it. Values in, values out. */

import type { Json } from '@sync/protocol'
import type { Question } from '../forms/rules'
import type { JobKind, JobState } from '../types'

export interface Writer {
  person_id: string | null
  person_name: string | null
  person_name_en: string | null
  device_id: string | null
  device_name: string | null
  at: string | null
  /** How far the tablet's clock was ahead, in milliseconds. */
  clock_error_ms: number | null
}

export type Take = 'theirs' | 'mine' | 'value'

/** A conflict as the server tells it: `held` is what stands now, `theirs` what stood when `mine` came. */
export interface Dispute {
  entity: string
  field: string
  policy: string
  state: 'open' | 'resolved' | 'dismissed'
  gone: boolean
  base_known: boolean
  base: Json
  theirs: Json
  mine: Json
  held: Json
  question: Question | null
  due_at: string
  take: Take | null
  settled_value: Json
  reason: string | null
  resolved_at: string | null
  resolved_by_name: string | null
  resolved_by_name_en: string | null
  job_id: string
  job_number: string
  job_kind: JobKind
  job_state: JobState
  job_address: string
  mine_by: Writer
  theirs_by: Writer | null
  /** Who may decide, besides the desk. */
  deciders: string[]
}

export const isGrave = ({ policy }: Dispute): boolean => policy === 'never'

/**
 * What "keep the system's" leaves in place: the value now. Of a file's record only the one at the time is told; and once
 * it is settled that is the one that stood against `mine`.
 */
export const standing = ({ entity, field, held, theirs, state }: Dispute): Json =>
  state === 'open' && (entity === 'job' || field.startsWith('answers.')) ? held : theirs

/** Which value is proposed: the one written later by a right clock. None where safety hangs on it. */
export function proposed(dispute: Dispute): Take | null {
  if (isGrave(dispute) || dispute.gone) return null
  const [mine, theirs] = [writtenAt(dispute.mine_by), writtenAt(dispute.theirs_by)]
  if (mine === null || theirs === null) return null
  return mine > theirs ? 'mine' : 'theirs'
}

function writtenAt(writer: Writer | null): number | null {
  return writer?.at ? new Date(writer.at).getTime() - (writer.clock_error_ms ?? 0) : null
}
