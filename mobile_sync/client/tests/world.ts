/** A server, a link and a clock in memory, for tests: the promises SPEC.md makes to a client, with faults on demand. */

import { createHash } from 'node:crypto'
import type { Clock, Doc, Locks, Op, OpResult, PullRequest, PullResponse, PushRequest, PushResponse } from '../src'
import { applyFields, checksum, Fault, FIELD_FILES, SyncClient } from '../src'
import { MemoryStorage } from '../src/memory'
import type { BlobCheckResponse, Change, FileRow, FileRules, Parts } from '../src'
import type { SyncStorage, ToldIncident, Transport, Uploader } from '../src'

export const digest = async (text: string): Promise<Uint8Array> =>
  new Uint8Array(createHash('sha256').update(text, 'utf8').digest())

export const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex')

/** What a test knows to be there. */
export function there<T>(thing: T | null | undefined): T {
  if (thing === null || thing === undefined) throw new Error('it is not there')
  return thing
}

/** Repeatable numbers in [0, 1): mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

export class TestClock implements Clock {
  ms = Date.UTC(2026, 6, 9, 0, 0, 0)
  private timers: { at: number; wake: () => void }[] = []

  now = (): number => this.ms
  monotonic = (): number => this.ms
  after = (ms: number, wake: () => void): (() => void) => {
    const timer = { at: this.ms + ms, wake }
    this.timers.push(timer)
    return () => {
      this.timers = this.timers.filter((one) => one !== timer)
    }
  }

  get armed(): number {
    return this.timers.length
  }

  advance(ms: number): void {
    this.ms += ms
    const due = this.timers.filter((timer) => timer.at <= this.ms)
    this.timers = this.timers.filter((timer) => timer.at > this.ms)
    for (const timer of due) timer.wake()
  }
}

export class TestLocks implements Locks {
  private readonly held = new Map<string, Promise<unknown>>()

  async only<T>(name: string, work: () => Promise<T>): Promise<T | null> {
    if (this.held.has(name)) return null
    const working = work()
    this.held.set(name, working)
    try {
      return await working
    } finally {
      this.held.delete(name)
    }
  }

  async freed(name: string): Promise<void> {
    await this.held.get(name)?.catch(() => undefined)
  }
}

/** SPEC L12: while a bucket is read from its start, its cursor is a mark. */
const READING = 2 ** 52
const marked = (seq: number, reading: boolean): number => (reading && seq > 0 ? seq + READING : seq)
const unmarked = (sent: number): number => (sent >= READING ? sent - READING : sent)

interface ServerRecord {
  entity: string
  id: string
  rev: number
  doc: Doc
  bucket: string | null
}

interface Entry {
  bucket: string
  entity: string
  id: string
  seq: number
  gone: boolean
}

type Judge = (op: Op, record: ServerRecord | undefined) => Partial<OpResult> | null

/** One device's server. Fields win by arrival unless `judge` says otherwise. */
export class TestServer {
  epoch = 'e1'
  /** Its own clock, and how long it asks devices to keep originals. */
  at = Date.UTC(2026, 6, 9, 0, 0, 0)
  keep_s: number | undefined
  records = new Map<string, ServerRecord>()
  entries = new Map<string, Entry>()
  seqs = new Map<string, number>()
  ledger = new Map<number, { op: Op; result: OpResult }>()
  declared = new Map<string, number>()
  stored = new Map<string, string>()
  subscribed = new Set<string>(['crew:1'])
  judge: Judge = () => null
  offers = ['incidents']
  incidents: ToldIncident[] = []

  write(entity: string, id: string, fields: Doc, bucket: string | null = 'crew:1'): void {
    const key = `${entity}/${id}`
    const known = this.records.get(key)
    const record = {
      entity,
      id,
      bucket,
      rev: (known?.rev ?? 0) + 1,
      doc: applyFields(known?.doc ?? {}, fields),
    }
    this.records.set(key, record)
    if (known?.bucket && known.bucket !== bucket) this.stamp(known.bucket, entity, id, true)
    if (bucket !== null) this.stamp(bucket, entity, id, false)
  }

  private stamp(bucket: string, entity: string, id: string, gone: boolean): void {
    const seq = (this.seqs.get(bucket) ?? 0) + 1
    this.seqs.set(bucket, seq)
    this.entries.set(`${bucket}|${entity}/${id}`, { bucket, entity, id, seq, gone })
  }

  push(body: PushRequest): PushResponse {
    const results: OpResult[] = []
    for (const op of [...body.ops].sort((a, b) => a.op_no - b.op_no)) {
      const known = this.ledger.get(op.op_no)
      if (known !== undefined) {
        const same = JSON.stringify(known.op) === JSON.stringify(op)
        results.push(
          same ? known.result : { op_no: op.op_no, status: 'rejected', rev: 0, problem: { code: 'op_no_reused' } },
        )
        continue
      }
      const late = body.epoch !== undefined && body.epoch !== this.epoch
      if (late || op.op_no !== this.expected) break
      const result = this.run(op)
      this.ledger.set(op.op_no, { op, result })
      results.push(result)
    }
    return { epoch: this.epoch, results, expected: this.expected, server_at: new Date(this.at).toISOString() }
  }

  get expected(): number {
    return this.ledger.size + 1
  }

  private run(op: Op): OpResult {
    const record = this.records.get(`${op.entity}/${op.rec_id}`)
    const verdict = this.judge(op, record)
    if (verdict !== null) return { op_no: op.op_no, status: 'rejected', rev: record?.rev ?? 0, ...verdict }
    for (const file of op.files ?? []) this.declared.set(file.sha256, file.size)
    this.write(op.entity, op.rec_id, op.fields, record === undefined ? 'crew:1' : record.bucket)
    return { op_no: op.op_no, status: 'applied', rev: this.records.get(`${op.entity}/${op.rec_id}`)?.rev ?? 0 }
  }

  async pull(body: PullRequest): Promise<PullResponse> {
    this.incidents.push(...(body.incidents ?? []))
    const changes: Change[] = []
    const buckets = []
    for (const key of [...this.subscribed].sort()) {
      const bucket = await this.bucket(key, body, body.limit - changes.length)
      buckets.push(bucket.state)
      changes.push(...bucket.changes)
    }
    const dropped = Object.keys(body.cursors).filter((key) => !this.subscribed.has(key))
    const server_at = new Date(this.at).toISOString()
    return { epoch: this.epoch, server_at, offers: this.offers, buckets, dropped, changes }
  }

  private async bucket(
    key: string,
    body: PullRequest,
    room: number,
  ): Promise<{ state: PullResponse['buckets'][number]; changes: Change[] }> {
    const sent = body.cursors[key] ?? 0
    const top = this.seqs.get(key) ?? 0
    const reset = this.isToBeginAgain(key, body)
    const since = reset ? 0 : unmarked(sent)
    const held = [...this.entries.values()].filter((entry) => entry.bucket === key)
    const live = held.filter((entry) => !entry.gone)
    const due = held.filter((entry) => entry.seq > since && !(entry.gone && since === 0)).sort((a, b) => a.seq - b.seq)
    const page = due.slice(0, room)
    const more = page.length < due.length
    const state = {
      key,
      priority: 0,
      reset,
      more,
      seq: more ? marked(page.at(-1)?.seq ?? since, since === 0 || sent >= READING) : top,
      row_count: live.length,
      checksum: await checksum(
        live.map((entry) => `${entry.entity}/${entry.id}@${entry.seq}`),
        digest,
      ),
    }
    return { state, changes: page.map((entry) => this.change(entry)) }
  }

  private isToBeginAgain(key: string, { epoch, cursors, mismatched }: PullRequest): boolean {
    if (epoch !== null && epoch !== this.epoch) return true
    return unmarked(cursors[key] ?? 0) > (this.seqs.get(key) ?? 0) || (mismatched ?? []).includes(key)
  }

  private change({ bucket, seq, entity, id, gone }: Entry): Change {
    const record = this.records.get(`${entity}/${id}`)
    return { bucket, seq, entity, id, gone, rev: record?.rev ?? 0, ...(gone ? {} : { doc: record?.doc ?? {} }) }
  }

  /** Everything to the end, page by page, as of the moment it was asked. */
  async *stream(body: PullRequest): AsyncGenerator<PullResponse> {
    const pages = [await this.pull(body)]
    for (let last = there(pages[0]); last.buckets.some((bucket) => bucket.more); pages.push(last)) {
      const cursors = Object.fromEntries(last.buckets.map((bucket) => [bucket.key, bucket.seq]))
      last = await this.pull({ epoch: last.epoch, cursors, limit: body.limit })
    }
    let left = pages.reduce((sum, page) => sum + page.changes.length, 0)
    for (const page of pages) {
      left -= page.changes.length
      yield { ...page, left }
    }
  }

  check(hashes: readonly string[]): BlobCheckResponse {
    return {
      ...(this.keep_s === undefined ? {} : { keep_s: this.keep_s }),
      blobs: hashes.map((hash) => {
        const got = this.stored.get(hash)
        if (got === undefined) return { sha256: hash, state: 'missing' as const }
        const whole = sha256(got) === hash
        return whole
          ? { sha256: hash, state: 'verified' as const }
          : { sha256: hash, state: 'partial' as const, upload_url: `/files/${hash}`, offset: got.length }
      }),
    }
  }

  /** What a fresh device would see. */
  inScope(): Record<string, Doc> {
    const docs: Record<string, Doc> = {}
    for (const entry of this.entries.values()) {
      if (entry.gone || !this.subscribed.has(entry.bucket)) continue
      docs[`${entry.entity}/${entry.id}`] = this.records.get(`${entry.entity}/${entry.id}`)?.doc ?? {}
    }
    return docs
  }
}

/** What the link does to the next message: nothing, lose the question, lose the answer, or answer 503. */
export type Weather = 'fair' | 'lost' | 'unanswered' | 'busy'

export class TestLink implements Transport, Uploader {
  weather: () => Weather = () => 'fair'
  requests: string[] = []

  constructor(
    private readonly server: TestServer,
    streams = false,
  ) {
    if (streams) this.snapshot = this.stream
  }

  push = (body: PushRequest): Promise<PushResponse> => this.carry('push', () => this.server.push(structuredClone(body)))
  pull = (body: PullRequest): Promise<PullResponse> => this.carry('pull', () => this.server.pull(structuredClone(body)))
  /** After how many pages the next stream is cut; null: not at all. */
  cutAfter: number | null = null
  older = false

  snapshot?: NonNullable<Transport['snapshot']>
  private readonly stream: NonNullable<Transport['snapshot']> = async (body, take) => {
    await this.carry('snapshot', () => undefined)
    if (this.older) throw new Fault('refused', { status: 404 })
    for await (const page of this.server.stream(structuredClone(body))) {
      if (this.cutAfter !== null && this.cutAfter-- === 0) {
        this.cutAfter = null
        throw new Fault('offline')
      }
      await take(structuredClone(page))
    }
  }

  checkBlobs = (hashes: string[]): Promise<BlobCheckResponse> => this.carry('check', () => this.server.check(hashes))

  async upload(file: FileRow, bytes: unknown, at: { offset: number }, sent: (n: number) => boolean): Promise<void> {
    const text = bytes as string
    for (let from = at.offset; from < text.length; from += 4) {
      await this.carry('patch', () => {
        const got = this.server.stored.get(file.sha256) ?? ''
        if (got.length !== from) throw new Fault('busy', { code: 'offset' })
        this.server.stored.set(file.sha256, got + text.slice(from, from + 4))
      })
      if (!sent(Math.min(text.length, from + 4))) return
    }
  }

  private async carry<T>(name: string, deliver: () => T | Promise<T>): Promise<T> {
    this.requests.push(name)
    const weather = this.weather()
    if (weather === 'lost') throw new Fault('offline')
    if (weather === 'busy') throw new Fault('busy', { status: 503 }, 1_000)
    const answer = await deliver()
    if (weather === 'unanswered') throw new Fault('offline')
    return structuredClone(answer)
  }
}

export interface Tablet {
  client: SyncClient
  storage: SyncStorage
  link: TestLink
  clock: TestClock
}

/** A tablet process over a storage; calling it again with the same storage is the restart after a kill. */
export function tablet(
  server: TestServer,
  storage: SyncStorage = new MemoryStorage(),
  clock = new TestClock(),
  files: FileRules = FIELD_FILES,
  schema_version = 1,
  streams = false,
  more: Pick<Parts, 'conditions' | 'budget'> = {},
): Tablet {
  const link = new TestLink(server, streams)
  const client = new SyncClient({
    storage,
    transport: link,
    uploader: link,
    clock,
    locks: new TestLocks(),
    digest,
    spread: () => 0.5,
    schema_version,
    page: 3,
    batch: 4,
    files,
    ...more,
  })
  return { client, storage, link, clock }
}
