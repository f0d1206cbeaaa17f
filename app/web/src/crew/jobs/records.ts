/** Reads and writes of a job on this tablet. Every write is an op in the outbox before the screen says it is saved. */

import { badgeOf, badgesOf, parkedOps, type Badge } from '@sync/status'
import { shownOps, view, viewAll } from '@sync/overlay'
import type { Fields, Position } from '@sync/protocol'
import { recordKey, type FileRow, type Tables } from '@sync/store'
import { graveOf, openByJob, type Grave } from '../decide/open'
import { missing, type Filled, type FormDocument } from '../forms/rules'
import { formOf } from './forms'
import { manifests, NOTHING, PREVIEW, type Manifest } from './manifest'
import type { SmallPicture } from '../camera/picture'
import type { Answer, Attachment, Crew, FormRecord, Job, JobState } from '../types'
import { storage, sync } from '../services'
import { uuid7 } from '../sync/keys'

/** Written in the same local transaction as the edit. */
type Also = (tables: Tables) => Promise<void>

export interface JobRow {
  id: string
  job: Job
  badge: Badge
  /** How many values of it wait for a person's decision. */
  disputed: number
  files: Manifest
}

export interface Piece {
  id: string
  attachment: Attachment
  /** Its bytes on this tablet, where it was made here. */
  file: FileRow | undefined
}

/** Everything a job's screens need, read in one snapshot. */
export interface JobSheet extends JobRow {
  record: { id: string; record: FormRecord } | null
  form: FormDocument | null
  pieces: Piece[]
  missing: string[]
  /** Conflicts about safety that lock the next step. */
  grave: Grave[]
}

/** Ops and files are read once for the whole list: reads are what a tablet takes longest for. */
export function loadJobs(): Promise<JobRow[]> {
  return storage.run('read', async (tables) => {
    const [ops, parked, files] = await Promise.all([shownOps(tables), parkedOps(tables), tables.files.all()])
    const badges = badgesOf([...ops, ...parked], files, sync.moving?.sha256 ?? null)
    const [disputes, declared, jobs] = await Promise.all([
      openByJob(tables, ops),
      manifests(tables, files, ops),
      viewAll(tables, 'job', ops),
    ])
    // Given back: gone from the crew's list at once, from the tablet with the next pull.
    const ours = jobs.filter(({ doc }) => doc['state'] !== 'new')
    return ours.map(({ id, doc }) => ({
      id,
      job: doc as unknown as Job,
      badge: badges.get(id) ?? 'synced',
      disputed: disputes.get(id) ?? 0,
      files: declared.get(id) ?? NOTHING,
    }))
  })
}

async function badge(tables: Tables, job: string): Promise<Badge> {
  const ops = await tables.ops.by('tag', job)
  return badgeOf(ops, await tables.files.by('tag', job), sync.moving?.sha256 ?? null)
}

export function loadSheet(id: string): Promise<JobSheet | null> {
  return storage.run('read', async (tables) => {
    const seen = await view(tables, 'job', id)
    if (seen === null) return null
    const job = seen.doc as unknown as Job
    const record = await recordOf(tables, id)
    const form = await formOf(tables, record?.record ?? job)
    const pieces = await piecesOf(tables, id)
    const filled: Filled[] = pieces.map(({ attachment: { kind, slot } }) => ({ kind, slot }))
    const gone = form === null ? [] : missing(form, record?.record.answers ?? {}, filled)
    const disputed = (await openByJob(tables)).get(id) ?? 0
    const grave = await graveOf(tables, id)
    const files = (await manifests(tables, await tables.files.all())).get(id) ?? NOTHING
    return { id, job, badge: await badge(tables, id), disputed, files, record, form, pieces, missing: gone, grave }
  })
}

async function recordOf(tables: Tables, job: string): Promise<JobSheet['record']> {
  const found = (await viewAll(tables, 'form_record')).find((one) => one.doc['job_id'] === job)
  if (found === undefined) return null
  const record = found.doc as unknown as FormRecord
  return { id: found.id, record: { ...record, answers: record.answers ?? {} } }
}

/** Photos and signatures of a job that were not refused by the server, oldest first. */
async function piecesOf(tables: Tables, job: string): Promise<Piece[]> {
  const made = (await tables.files.by('tag', job)).filter((file) => file.kind !== PREVIEW)
  const files = new Map(made.map((file) => [file.record, file]))
  return (await viewAll(tables, 'attachment'))
    .map((seen): Piece => {
      const file = files.get(recordKey('attachment', seen.id))
      const attachment = seen.doc as unknown as Attachment
      return { id: seen.id, attachment: { ...attachment, sha256: attachment.sha256 ?? file?.sha256 ?? '' }, file }
    })
    .filter(({ attachment, file }) => attachment.job_id === job && !attachment.refused && file?.state !== 'refused')
    .sort((a, b) => (a.attachment.taken_at < b.attachment.taken_at ? -1 : 1))
}

export function loadCrew(): Promise<Crew | null> {
  return storage.run('read', async (tables) => ((await viewAll(tables, 'crew'))[0]?.doc as unknown as Crew) ?? null)
}

export function moveJob(sheet: JobSheet, to: JobState, reason: string | null, gps: Position | null): Promise<number[]> {
  const fields = reason === null ? { state: to } : { state: to, reason }
  const edit = { entity: 'job', rec_id: sheet.id, kind: 'update' as const, fields, ...groupOf(sheet) }
  return sync.record([gps === null ? edit : { ...edit, gps }])
}

/** Where the job really is: where the crew stands. */
export function placeJob(sheet: JobSheet, at: Position): Promise<number[]> {
  const location = { type: 'Point', coordinates: [at.lon, at.lat] }
  const fields = { location }
  return sync.record([{ entity: 'job', rec_id: sheet.id, kind: 'update', fields, gps: at, ...groupOf(sheet) }])
}

/** Edits of a job's records belong together on the sync page, also after the job has left the tablet. */
function groupOf(sheet: JobSheet): { tag: string; label: string } {
  return { tag: sheet.id, label: sheet.job.number }
}

/** One answer, as soon as it is given. `also` removes its draft in the same transaction. */
export function answer(sheet: JobSheet, item: string, value: Answer, also: Also): Promise<number[]> {
  if (sheet.record === null) return Promise.reject(new Error('the job has no checklist'))
  const fields = { [`answers.${item}`]: value }
  return sync.record([{ entity: 'form_record', rec_id: sheet.record.id, kind: 'update', fields, ...groupOf(sheet) }], {
    also,
  })
}

export interface NewPiece {
  kind: Attachment['kind']
  slot: string
  bytes: Blob
  sha256: string
  preview?: SmallPicture | null
  taken_at: string
  position: Position | null
  signer_name?: string
  /** Strokes of points [x, y, milliseconds since the first]. */
  strokes?: number[][][]
}

/** A photo or signature with its bytes: the record, the file and the removal of the draft in one transaction. */
export function attach(sheet: JobSheet, piece: NewPiece, also: Also): Promise<number[]> {
  const { kind, slot, bytes, sha256, taken_at, position } = piece
  const signed = kind === 'signature' ? { signer_name: piece.signer_name, strokes: piece.strokes } : {}
  const fields = { job_id: sheet.id, kind, slot, taken_at, ...signed } as Fields
  const files = [{ ref: { sha256, size: bytes.size, mime: bytes.type, kind: kind as string, slot }, bytes }]
  if (piece.preview) {
    const { bytes: little, sha256: named } = piece.preview
    files.push({ ref: { sha256: named, size: little.size, mime: little.type, kind: PREVIEW, slot }, bytes: little })
  }
  const edit = {
    entity: 'attachment',
    rec_id: uuid7(),
    kind: 'create' as const,
    fields,
    ...groupOf(sheet),
    files,
  }
  return sync.record([position === null ? edit : { ...edit, gps: position }], { also })
}
