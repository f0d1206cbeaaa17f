import { viewAll } from '@sync/overlay'
import type { Tables } from '@sync/store'
import type { FormDocument } from '../forms/rules'

/** The version of the form that a job was opened with, from the catalogue on this tablet. */
export async function formOf(
  tables: Tables,
  of: { form_code: string; form_version: number },
): Promise<FormDocument | null> {
  for (const seen of await viewAll(tables, 'form')) {
    if (seen.doc['code'] !== of.form_code || seen.doc['version'] !== of.form_version) continue
    return (seen.doc['document'] ?? seen.doc) as unknown as FormDocument
  }
  return null
}
