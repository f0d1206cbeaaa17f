import { dropDraft, draftsUnder, endDraft } from '../db/drafts'
import { answerOf, complaint } from '../forms/rules'
import type { Answer } from '../types'
import { answer, loadSheet, type JobSheet } from './records'
import { isRecordable } from './steps'

/**
 * What was typed and had not become an edit when the tablet died, or had no room, becomes one: the form may never be
 * opened again. What the form's rules would refuse, or want confirmed, stays a draft, for the person.
 */
export async function resumeDrafts(): Promise<void> {
  // Drafts of answers are kept as `answer/<job>/<item>`.
  for (const { key, value } of await draftsUnder<string>('answer/')) {
    const [, job, item] = key.split('/') as [string, string, string]
    const sheet = await loadSheet(job)
    const given = sheet === null ? undefined : resumable(sheet, item, value)
    if (sheet === null || given === undefined) continue
    if (given === (sheet.record?.record.answers[item] ?? null)) await dropDraft(key)
    else await answer(sheet, item, given, endDraft(key))
  }
}

/** What was typed, where it can be taken as it stands. */
function resumable(sheet: JobSheet, item: string, text: string): Answer | undefined {
  const question = sheet.form?.schema.properties[item]
  if (question === undefined || sheet.record === null || !isRecordable(sheet.job.state)) return undefined
  const given = answerOf(question, text)
  const waits = question['x-policy'] === 'never' || complaint(question, given) !== null
  return waits ? undefined : given
}
