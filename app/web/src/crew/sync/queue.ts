/** What the sync page tells: every waiting or parked thing by name, with its age, tries and reason. */

import { TOLD } from '@sync/outbox'
import { parkedOps } from '@sync/status'
import { view, viewAll } from '@sync/overlay'
import { INCIDENTS, type Incident } from '@sync/verify'
import { readMeta, type FileRow, type OpRow, type Tables } from '@sync/store'
import { fieldOf } from '@sync/fields'
import type { Doc } from '@sync/protocol'
import { formOf } from '../jobs/forms'
import type { FormDocument } from '../forms/rules'
import { manifests, PREVIEW, type Manifest } from '../jobs/manifest'
import { storage } from '../services'
import { QUIET } from '../status'
import type { Job } from '../types'

/** A waiting thing with what is needed to name it. */
export interface Named {
  /** Null where the job has left this tablet. */
  job: { id: string; number: string } | null
  form: FormDocument | null
}

export interface WaitingOp extends Named {
  row: OpRow
}

export interface WaitingFile extends Named {
  row: FileRow
}

export interface Parked extends WaitingOp {
  /** What the record says now, for the comparison in words. */
  theirs: Doc | null
}

export interface Queue {
  ops: WaitingOp[]
  atCentre: WaitingOp[]
  files: WaitingFile[]
  parked: Parked[]
  refused: WaitingFile[]
  /** What the centre has dealt with, the newest first. */
  told: WaitingOp[]
  incidents: Incident[]
  /** Jobs of which the centre lacks declared files. */
  awaited: { id: string; number: string; completed: boolean; files: Manifest }[]
  stored: { jobs: number; forms: number; pictures: number }
}

export function loadQueue(): Promise<Queue> {
  return storage.run('read', async (tables) => {
    const named = namer(tables)
    const withName = async <Row extends { tag: string }>(rows: readonly Row[]): Promise<(Named & { row: Row })[]> =>
      Promise.all(rows.map(async (row) => ({ row, ...(await named(row.tag)) })))
    const pending = (await tables.ops.by('state', 'pending')).filter((row) => !QUIET.includes(row.op.entity))
    const centre = [...(await tables.ops.by('state', 'held')), ...(await tables.ops.by('state', 'quarantined'))]
    const parked = await withName(await parkedOps(tables))
    return {
      ops: await withName(pending),
      atCentre: await withName(centre),
      files: await withName(counted(await tables.files.by('state', 'waiting'))),
      parked: await Promise.all(parked.map(async (one) => ({ ...one, theirs: await theirsOf(tables, one.row) }))),
      refused: await withName(counted(await tables.files.by('state', 'refused'))),
      awaited: await awaitedOf(tables),
      told: await withName(await toldOf(tables)),
      incidents: ((await tables.meta.get(INCIDENTS))?.value as Incident[] | undefined) ?? [],
      stored: await storedHere(tables),
    }
  })
}

function namer(tables: Tables): (tag: string) => Promise<Named> {
  const known = new Map<string, Named>()
  return async (tag) => {
    const before = known.get(tag)
    if (before !== undefined) return before
    const job = (await view(tables, 'job', tag))?.doc as unknown as Job | undefined
    const named: Named = {
      job: job === undefined ? null : { id: tag, number: job.number },
      form: job === undefined ? null : await formOf(tables, job),
    }
    known.set(tag, named)
    return named
  }
}

/** A refused one is among the parked ones until somebody has seen it. */
async function toldOf(tables: Tables): Promise<OpRow[]> {
  const numbers = await readMeta<number[]>(tables, TOLD, [])
  const rows = await Promise.all(numbers.toReversed().map((op_no) => tables.ops.get(op_no)))
  return rows.filter((row) => row !== undefined).filter((row) => row.attention === 'none')
}

async function theirsOf(tables: Tables, row: OpRow): Promise<Doc | null> {
  return (await tables.docs.get(row.record))?.doc ?? null
}

function counted(files: readonly FileRow[]): FileRow[] {
  return files.filter((file) => file.kind !== PREVIEW)
}

async function awaitedOf(tables: Tables): Promise<Queue['awaited']> {
  const found: Queue['awaited'] = []
  for (const [id, files] of await manifests(tables, await tables.files.all())) {
    const job = (await view(tables, 'job', id))?.doc as unknown as Job | undefined
    if (job === undefined || files.here === files.declared) continue
    found.push({ id, number: job.number, completed: job.state === 'completed', files })
  }
  return found
}

async function storedHere(tables: Tables): Promise<Queue['stored']> {
  return {
    jobs: (await viewAll(tables, 'job')).length,
    forms: (await viewAll(tables, 'form')).length,
    pictures: counted(await tables.files.all()).filter((file) => !file.purged).length,
  }
}

export interface Compared {
  field: string
  mine: unknown
  /** What the centre had when the edit came there. */
  theirs: unknown
  /** What the last pull brought instead: dispatch has decided, or somebody has written since. Null: nothing else. */
  since: { value: unknown } | null
}

/** Mine, theirs and what has become of it, for each field of a parked op. */
export function comparison(parked: Parked): Compared[] {
  const outcomes = parked.row.result?.fields ?? {}
  return Object.entries(parked.row.op.fields)
    .filter(([field]) => parked.row.result?.status === 'rejected' || outcomes[field]?.outcome === 'conflict')
    .map(([field, mine]) => {
      const held = parked.theirs === null ? null : (fieldOf(parked.theirs, field) ?? null)
      const told = outcomes[field]
      const theirs = told?.outcome === 'conflict' ? (told.value ?? null) : held
      const same = parked.theirs === null || JSON.stringify(held) === JSON.stringify(theirs)
      return { field, mine, theirs, since: same ? null : { value: held } }
    })
}
