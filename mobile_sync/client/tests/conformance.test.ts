import { describe, expect, test } from 'vitest'
import bundleVectors from '../../conformance/bundles.json'
import outboxVectors from '../../conformance/outbox.json'
import replicaVectors from '../../conformance/replica.json'
import type { DocRow, Edit, Op, OpRow, OpState, PullResponse, PushResponse, SyncStorage } from '../src'
import { checksum, record, settle, takeBatch, verify } from '../src'
import { numberedIn } from '../src/bundle'
import { MemoryStorage } from '../src/memory'
import { reconcile } from '../src/numbers'
import { NEXT_OP_NO } from '../src/outbox'
import { applyStaged, begin, CURSORS, EPOCH, MISMATCHED, nextRequest, stage } from '../src/pull'
import { ASKED, HEARD } from '../src/store'
import { digest, there } from './world'

/** What a vector says of an op; the vectors know three stages, this half tells them apart further. */
interface VectorOp {
  op_no: number
  stage: string
  group_no?: number
  group_size?: number
  depends_on?: number[]
}

const STATES: Record<string, OpState> = { pending: 'pending', waiting: 'held', final: 'kept' }
const STAGES: Record<OpState, string> = {
  pending: 'pending',
  held: 'waiting',
  quarantined: 'waiting',
  settled: 'final',
  kept: 'final',
}

function rowOf({ stage: named, ...numbers }: VectorOp, record = 'job/x'): OpRow {
  const [entity, rec_id] = record.split('/') as [string, string]
  const op: Op = { entity, rec_id, kind: 'update', base_rev: 0, fields: {}, device_at: '', ...numbers }
  return {
    op_no: op.op_no,
    record,
    state: STATES[named] as OpState,
    attention: 'none',
    op,
    tag: record,
    label: '',
    made_at: 0,
    tries: 0,
    sent_at: null,
    result: null,
    answered_at: null,
    answered_pull: 0,
  }
}

function vectorOf({ state, op }: OpRow): VectorOp {
  const { op_no, group_no, group_size, depends_on } = op
  return JSON.parse(JSON.stringify({ op_no, stage: STAGES[state], group_no, group_size, depends_on })) as VectorOp
}

async function given(
  ops: readonly OpRow[],
  meta: Record<string, unknown>,
  docs: readonly DocRow[] = [],
): Promise<SyncStorage> {
  const storage = new MemoryStorage()
  await storage.run('write', async (tables) => {
    for (const row of ops) await tables.ops.put(row)
    for (const row of docs) await tables.docs.put(row)
    for (const [key, value] of Object.entries(meta)) await tables.meta.put({ key, value })
  })
  return storage
}

describe('outbox.json: settle', () => {
  test.each(outboxVectors.settle.map((vector) => [`[${vector.rule}] ${vector.name}`, vector] as const))(
    '%s',
    async (_, vector) => {
      const storage = await given(
        vector.ops.map((op) => rowOf(op)),
        { [NEXT_OP_NO]: vector.next_op_no },
      )
      const answer = { epoch: 'e1', server_at: '', ...vector.answer } as unknown as PushResponse
      await storage.run('write', async (tables) => {
        await settle(tables, answer.results, 1)
        await reconcile(tables, answer)
      })
      const rows = await storage.run('read', (tables) => tables.ops.all())
      expect(rows.map(vectorOf)).toEqual(vector.expect.ops)
      const next = await storage.run('read', (tables) => tables.meta.get(NEXT_OP_NO))
      expect(next?.value).toBe(vector.expect.next_op_no)
      const send = await storage.run('write', (tables) => takeBatch(tables, 500, false, 1))
      expect(send.map((op) => op.op_no)).toEqual(vector.expect.send)
    },
  )
})

describe('outbox.json: to_send', () => {
  test.each(outboxVectors.to_send.map((vector) => [`[${vector.rule}] ${vector.name}`, vector] as const))(
    '%s',
    async (_, vector) => {
      const storage = await given(
        vector.ops.map((op) => rowOf(op)),
        {},
      )
      const send = await storage.run('write', (tables) => takeBatch(tables, vector.limit, false, 1))
      expect(send.map((op) => op.op_no)).toEqual(vector.expect)
    },
  )
})

describe('outbox.json: record', () => {
  test.each(outboxVectors.record.map((vector) => [`[${vector.rule}] ${vector.name}`, vector] as const))(
    '%s',
    async (_, vector) => {
      const docs = Object.entries(vector.docs).map(([key, rev]) => docOf(key, rev))
      const storage = await given([], { [EPOCH]: vector.epoch }, docs)
      const edit = vector.edit as unknown as Edit
      const how = { together: false, now: 0, schema_version: vector.schema_version }
      await storage.run('write', (tables) => record(tables, [edit], how))
      const [row] = await storage.run('read', (tables) => tables.ops.all())
      const { base_rev, epoch, schema_version } = there(row).op
      expect(JSON.parse(JSON.stringify({ base_rev, epoch, schema_version }))).toEqual(vector.expect)
    },
  )
})

function docOf(key: string, rev: number): DocRow {
  const [entity, id] = key.split('/') as [string, string]
  return { key, entity, id, rev, doc: {}, held: { b: 1 }, buckets: ['b'], shadow: false }
}

interface VectorReplica {
  epoch: string | null
  cursors: Record<string, number>
  members: Record<string, Record<string, number>>
  docs: Record<string, { rev: number }>
}

function docsOf(replica: VectorReplica): DocRow[] {
  return Object.entries(replica.docs).map(([key, { rev }]) => {
    const [entity, id] = key.split('/') as [string, string]
    const held = Object.fromEntries(
      Object.entries(replica.members).flatMap(([bucket, seqs]) => (key in seqs ? [[bucket, seqs[key] as number]] : [])),
    )
    const buckets = Object.keys(held)
    return { key, entity, id, rev, doc: {}, held, buckets, shadow: buckets.length === 0 }
  })
}

interface Held {
  members: VectorReplica['members']
  docs: Record<string, number>
  shadows: string[]
}

async function replicaOf(storage: SyncStorage): Promise<Held> {
  const rows = await storage.run('read', (tables) => tables.docs.all())
  const members: VectorReplica['members'] = {}
  for (const row of rows) {
    for (const [bucket, seq] of Object.entries(row.held)) members[bucket] = { ...members[bucket], [row.key]: seq }
  }
  return {
    members,
    docs: Object.fromEntries(rows.map((row) => [row.key, row.rev])),
    shadows: rows.filter((row) => row.shadow).map((row) => row.key),
  }
}

/** Buckets without members are the same as no bucket. */
const filled = (members: VectorReplica['members']): VectorReplica['members'] =>
  Object.fromEntries(Object.entries(members).filter(([, seqs]) => Object.keys(seqs).length > 0))

describe('bundles.json: epoch', () => {
  test.each(bundleVectors.epoch.map((vector) => [`[${vector.rule}] ${vector.name}`, vector] as const))(
    '%s',
    async (_, vector) => {
      const storage = await given(
        vector.ops.map((op) => rowOf(op)),
        vector.asked === null ? {} : { [ASKED]: vector.asked, [HEARD]: vector.asked },
      )
      for (const epoch of vector.pulled) {
        const page = { epoch, server_at: '2026-07-16T00:00:00.000Z', buckets: [], dropped: [], changes: [] }
        await storage.run('write', (tables) => stage(tables, page as unknown as PullResponse))
      }
      expect(await storage.run('read', numberedIn)).toBe(vector.expect)
    },
  )
})

describe('replica.json: apply', () => {
  test.each(replicaVectors.apply.map((vector) => [`[${vector.rule}] ${vector.name}`, vector] as const))(
    '%s',
    async (_, vector) => {
      const replica = vector.replica as unknown as VectorReplica
      const pending = vector.pending.map((record, at) => rowOf({ op_no: at + 1, stage: 'pending' }, record))
      const storage = await given(pending, { [EPOCH]: replica.epoch, [CURSORS]: replica.cursors }, docsOf(replica))
      await storage.run('write', begin)
      for (const page of vector.answers)
        await storage.run('write', (tables) => stage(tables, page as unknown as PullResponse))
      const applied = await storage.run('write', applyStaged)
      const wrong = await verify(storage, applied.heads, digest, 1)
      const meta = async (key: string) => (await storage.run('read', (tables) => tables.meta.get(key)))?.value
      const after = await replicaOf(storage)
      expect({
        ...after,
        members: filled(after.members),
        epoch: await meta(EPOCH),
        cursors: await meta(CURSORS),
        mismatched: wrong,
      }).toEqual({
        ...vector.expect,
        members: filled(vector.expect.members as unknown as VectorReplica['members']),
      })
    },
  )
})

describe('replica.json: request', () => {
  test.each(replicaVectors.request.map((vector) => [`[${vector.rule}] ${vector.name}`, vector] as const))(
    '%s',
    async (_, vector) => {
      const replica = vector.replica as unknown as VectorReplica
      const storage = await given(
        [],
        { [EPOCH]: replica.epoch, [CURSORS]: replica.cursors, [MISMATCHED]: vector.mismatched },
        docsOf(replica),
      )
      for (const page of vector.staged)
        await storage.run('write', (tables) => stage(tables, page as unknown as PullResponse))
      const request = await storage.run('read', (tables) => nextRequest(tables, 500))
      expect({ ...request, limit: undefined }).toEqual(vector.expect)
    },
  )
})

describe('replica.json: checksum', () => {
  test.each(replicaVectors.checksum.map((vector) => [`[${vector.rule}] ${vector.name}`, vector] as const))(
    '%s',
    async (_, vector) => {
      const entries = Object.entries(vector.members as unknown as Record<string, number>).map(
        ([key, seq]) => `${key}@${seq}`,
      )
      expect(await checksum(entries, digest)).toBe(vector.expect)
    },
  )
})
