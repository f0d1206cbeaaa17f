/** Pull: pages are staged as they come and applied in one local transaction when every bucket is complete (SPEC L6). */

import { fingerprint } from './fingerprint'
import { OPEN } from './overlay'
import { PULLS_BEGUN } from './outbox'
import type { BucketHead, Change, Doc, PullRequest, PullResponse } from './protocol'
import type { DocRow, Tables } from './store'
import { ASKED, EPOCH, HEARD, heardLife, readMeta, recordKey, writeMeta } from './store'

export { EPOCH } from './store'
export const CURSORS = 'pull.cursors'
export const STAGED = 'pull.staged'
/** How many records a stream brought that have not been added up against the server's count and checksum. */
export const UNCHECKED = 'pull.unchecked'
/** Added to a cursor by the server while a bucket is being read from the start (SPEC L12). */
const READING = 2 ** 52
/** How long staged pages are gone on with, in milliseconds of the server's clock. */
const STAGED_FOR_MS = 86_400_000
export const MISMATCHED = 'pull.mismatched'
/** The server's clock at the last page of the last pull. */
export const HEARD_AT = 'pull.heard_at'
/** Set when the server's history changed: what it expects of us must be asked, with no op, before any op is sent. */
export const PROBE = 'push.probe'

type Cursors = Record<string, number>
/** How far the pull that is under way has come. */
export interface Staged {
  epoch: string
  cursors: Cursors
  next: number
  /** Which pull this is; results that came before it began are in what it brings. */
  number: number
  /** Changes that are here, and those that the stream last said were to come; null where there is no stream. */
  done?: number
  left?: number | null
  server_at?: string
  /** The server's clock at the first page. */
  begun_at?: string
}

/** Begin a pull, or go on with one that a lost link or a kill cut off: its pages are facts and stay staged. */
export async function begin(tables: Tables): Promise<void> {
  if ((await tables.meta.get(STAGED)) !== undefined) return
  await writeMeta(tables, PULLS_BEGUN, (await readMeta(tables, PULLS_BEGUN, 0)) + 1)
}

export async function nextRequest(tables: Tables, limit: number): Promise<PullRequest> {
  const staged = await readMeta<Staged | null>(tables, STAGED, null)
  const epoch = staged?.epoch ?? (await readMeta<string | null>(tables, EPOCH, null))
  const cursors = staged?.cursors ?? (await readMeta<Cursors>(tables, CURSORS, {}))
  const mismatched = staged === null ? await readMeta<string[]>(tables, MISMATCHED, []) : []
  return { epoch, cursors, limit, ...(mismatched.length > 0 ? { mismatched } : {}) }
}

/** Throw away what is staged where this page comes too late to go on with it, and say so (SPEC L14, T4). */
export async function dropTooOld(tables: Tables, page: PullResponse): Promise<boolean> {
  const staged = await readMeta<Staged | null>(tables, STAGED, null)
  const begun_at = staged?.begun_at
  if (begun_at === undefined || Date.parse(page.server_at) - Date.parse(begun_at) <= STAGED_FOR_MS) return false
  for (const row of await tables.pages.all()) await tables.pages.delete(row.n)
  await tables.meta.delete(STAGED)
  return true
}

/** With the page that names another life, that it must be asked: the pull may be cut off behind it, and a push come first. */
async function noteLife(tables: Tables, epoch: string): Promise<void> {
  const heard = await heardLife(tables)
  if (heard !== null && heard !== epoch) {
    await writeMeta(tables, PROBE, true)
    await writeMeta(tables, ASKED, await readMeta(tables, ASKED, heard))
  }
  await writeMeta(tables, HEARD, epoch)
}

/** Whether the server must be asked, with no op, before any op is sent: what names no life may run in any. */
export async function mustAsk(tables: Tables): Promise<boolean> {
  if ((await heardLife(tables)) !== null) return readMeta(tables, PROBE, false)
  return (await tables.ops.by('state', 'pending')).length > 0
}

/** Keep one page. True when every bucket is complete, so that `applyStaged` may run. */
export async function stage(tables: Tables, page: PullResponse): Promise<boolean> {
  const before = await stagedSoFar(tables, page)
  const { epoch, server_at, changes } = page
  const cursors = without(before.cursors, page.dropped)
  for (const bucket of page.buckets) cursors[bucket.key] = bucket.seq
  const left = page.left ?? (before.left == null ? null : Math.max(0, before.left - changes.length))
  const done = (before.done ?? 0) + changes.length
  await tables.pages.put({ n: before.next, page })
  await writeMeta(tables, STAGED, { ...before, epoch, server_at, cursors, next: before.next + 1, done, left })
  await noteLife(tables, epoch)
  return page.buckets.every((bucket) => !bucket.more)
}

/** What this pull has brought; of another life of the server, nothing. */
async function stagedSoFar(tables: Tables, { epoch, server_at }: PullResponse): Promise<Staged> {
  const before = await readMeta<Staged | null>(tables, STAGED, null)
  if (before === null) {
    const cursors = await readMeta<Cursors>(tables, CURSORS, {})
    const number = await readMeta(tables, PULLS_BEGUN, 0)
    return { epoch, cursors, next: 1, number, done: 0, left: null, server_at, begun_at: server_at }
  }
  const goingOn = { ...before, begun_at: before.begun_at ?? server_at }
  if (before.epoch === epoch) return goingOn
  // The history changed under this pull; its earlier pages belong to the old one.
  for (const row of await tables.pages.all()) await tables.pages.delete(row.n)
  return { ...goingOn, cursors: {}, done: 0 }
}

function without<T>(all: Readonly<Record<string, T>>, keys: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(all).filter(([key]) => !keys.includes(key)))
}

/** Whether a pull should ask for a stream: nothing is here yet, or a bucket is within its reading from the start. */
export function isFarBehind(request: { epoch: string | null; cursors: Cursors }): boolean {
  return request.epoch === null || Object.values(request.cursors).some((seq) => seq >= READING)
}

/** What one application of staged pages did, and what each bucket should add up to now. */
export interface Applied {
  changed: number
  gone: number
  heads: BucketHead[]
}

/** Apply all staged pages and move the cursors, in the caller's one transaction. */
export async function applyStaged(tables: Tables): Promise<Applied> {
  const staged = await readMeta<Staged | null>(tables, STAGED, null)
  if (staged === null) return { changed: 0, gone: 0, heads: [] }
  const epoch = await readMeta<string | null>(tables, EPOCH, null)
  const work = new Application(tables, epoch !== null && epoch !== staged.epoch)
  for (let n = 1; n < staged.next; n += 1) {
    // One page at a time: a bootstrap has hundreds.
    const row = await tables.pages.get(n)
    if (row !== undefined) await work.page(row.page)
    await tables.pages.delete(n)
  }
  await work.dropMarked()
  await writeMeta(tables, EPOCH, staged.epoch)
  await writeMeta(tables, CURSORS, staged.cursors)
  await writeMeta(tables, HEARD_AT, staged.server_at ?? '')
  if (staged.left != null) await writeMeta(tables, UNCHECKED, staged.done ?? 0)
  await tables.meta.delete(STAGED)
  await tables.meta.delete(MISMATCHED)
  await liftOverlays(tables, staged.number)
  return { changed: work.changed, gone: work.gone, heads: [...work.heads.values()] }
}

class Application {
  changed = 0
  gone = 0
  readonly heads = new Map<string, BucketHead>()
  /** Buckets that are sent from their start, with the records seen in them since (SPEC L8). */
  private readonly renewed = new Map<string, Set<string>>()
  private readonly fresh = new Set<string>()

  constructor(
    private readonly tables: Tables,
    /** What we hold is from another history, so even a lower revision replaces it. */
    private readonly newEpoch: boolean,
  ) {}

  async page(page: PullResponse): Promise<void> {
    for (const bucket of page.buckets) {
      if (bucket.reset) this.renewed.set(bucket.key, new Set())
      this.heads.set(bucket.key, bucket)
    }
    for (const bucket of page.dropped) await this.drop(bucket)
    for (const change of page.changes) await this.change(change)
  }

  private async drop(bucket: string): Promise<void> {
    this.renewed.delete(bucket)
    this.heads.delete(bucket)
    for (const row of await this.tables.docs.by('buckets', bucket)) await this.release(row, bucket)
  }

  private async change(change: Change): Promise<void> {
    const key = recordKey(change.entity, change.id)
    const row = await this.tables.docs.get(key)
    if (change.gone) {
      this.renewed.get(change.bucket)?.delete(key)
      if (row !== undefined && change.bucket in row.held) await this.release(row, change.bucket)
      return
    }
    this.renewed.get(change.bucket)?.add(key)
    await this.hold(row, change, key)
    this.fresh.add(key)
    this.changed += 1
  }

  private async hold(row: DocRow | undefined, change: Change, key: string): Promise<void> {
    const held = { ...row?.held, [change.bucket]: change.seq }
    const { rev, doc } = this.newer(row, change, key)
    await this.tables.docs.put({
      key,
      entity: change.entity,
      id: change.id,
      held,
      buckets: Object.keys(held),
      shadow: false,
      rev,
      doc,
      print: fingerprint(doc),
    })
  }

  /** What came, unless what is here is newer; revisions of another epoch say nothing. */
  private newer(row: DocRow | undefined, { rev, doc }: Change, key: string): { rev: number; doc: Doc } {
    const here = row === undefined || (this.newEpoch && !this.fresh.has(key)) ? -1 : row.rev
    if (doc != null && rev >= here) return { rev, doc }
    return { rev: row?.rev ?? rev, doc: row?.doc ?? {} }
  }

  /** Let go of one (bucket, record) pair; the record leaves with its last pair, or stays as a hidden shadow. */
  private async release(row: DocRow, bucket: string): Promise<void> {
    const held = without(row.held, [bucket])
    const buckets = Object.keys(held)
    this.gone += 1
    if (buckets.length > 0) {
      await this.tables.docs.put({ ...row, held, buckets })
      return
    }
    const ops = await this.tables.ops.by('record', row.key)
    const waiting = ops.some((op) => OPEN.includes(op.state))
    if (waiting) await this.tables.docs.put({ ...row, held, buckets, shadow: true })
    else await this.tables.docs.delete(row.key)
  }

  async dropMarked(): Promise<void> {
    for (const [bucket, seen] of this.renewed) {
      for (const row of await this.tables.docs.by('buckets', bucket)) {
        if (!seen.has(row.key)) await this.release(row, bucket)
      }
    }
  }
}

/** SPEC L6: what was judged before this pull began is in what it brought; its overlay goes. */
async function liftOverlays(tables: Tables, number: number): Promise<void> {
  for (const row of await tables.ops.by('state', 'settled')) {
    if (row.answered_pull < number) await tables.ops.put({ ...row, state: 'kept' })
  }
}
