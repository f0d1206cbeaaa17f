import type { Problem } from '@sync/protocol'
import { Fault } from '@sync/world'

export type Translate = (key: string, params?: Record<string, unknown>) => string

/** Codes that have words of their own here; the server's own title is shown for the rest. */
const KNOWN = new Set([
  'wrong_transition',
  'job_incomplete',
  'job_closed',
  'not_your_job',
  'bad_answer',
  'reason_required',
  'crew_busy',
  'job_taken',
  'not_your_crew',
  'device_revoked',
  'out_of_scope',
  'record_waits',
  'group_waits',
  'dependency_waits',
  'dependency_rejected',
  'group_rejected',
  'unknown_record',
  'unknown_field',
  'unknown_entity',
  'unknown_schema',
  'malformed',
  'failed',
  'not_upcast',
  'not_applied',
  'deleted',
  'forbidden',
  'not_found',
  'invalid',
  'file_type_not_allowed',
  'file_too_large',
  'signature_without_name',
  'attachment_fixed',
  'hash_mismatch',
  'file_bytes_missing',
  'signed_out',
  'not_enrolled',
  'enrolment_code_refused',
  'wrong_password',
  'too_many_logins',
  'device_known',
  'sign_in_again',
  'wrong_signature',
  'token_replayed',
  'no_answer',
  'not_ours',
  'storage_full',
  'conflict',
  'conflict_settled',
  'moved_on',
])

/** One sentence for a refusal: ours for codes we know, else the server's, else the code itself. */
export function problemWords(problem: Problem | null | undefined, t: Translate): string {
  const code = (problem?.code ?? '').replaceAll('-', '_')
  if (KNOWN.has(code)) return t(`crew.problem.${code}`)
  return problem?.title ?? t('crew.problem.other', { code: code || '?' })
}

/** What to tell a person after a request that did not do its work. */
export function faultWords(error: unknown, t: Translate): string {
  if (!(error instanceof Fault)) return t('crew.problem.other', { code: String(error) })
  const fields = (error.problem.errors ?? []).map(({ field }) => field)
  if (error.problem.code === 'wrong-password' || fields.includes('password')) return t('crew.problem.wrong_password')
  return problemWords(error.problem, t)
}
