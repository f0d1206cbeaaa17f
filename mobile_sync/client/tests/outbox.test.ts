import { describe, expect, test } from 'vitest'
import type { PushRequest } from '../src'
import { dismiss, Fault, outstanding, parkedOps, FIELD_FILES } from '../src'
import { NEXT_OP_NO } from '../src/outbox'
import { nextRequest, stage } from '../src/pull'
import { JOB, OTHER, server, here, edit, photo, seen, ops, rejecting } from './one_tablet'
import { sha256, tablet, TestServer, there } from './world'

describe('outbox', () => {
  test('[P1] edits get contiguous numbers in the transaction that keeps them', async () => {
    expect(await here.client.record([edit(JOB, { note: 'a' }), edit(JOB, { note: 'b' })])).toEqual([1, 2])
    await expect(
      here.client.record([edit(JOB, { note: 'c' })], { also: () => Promise.reject(new Error('killed')) }),
    ).rejects.toThrow()
    expect(await here.client.record([edit(JOB, { note: 'd' })])).toEqual([3])
    expect((await ops()).map((row) => row.op.fields['note'])).toEqual(['a', 'b', 'd'])
  })

  test('where nobody answers nothing was tried; a server that could not is a try that failed', async () => {
    await here.client.sync() // no op goes before a life was heard of
    await here.client.record([edit(JOB, { note: 'waits' })])
    const tries = async (): Promise<number | undefined> => (await ops())[0]?.tries
    for (const weather of ['lost', 'unanswered'] as const) {
      here.link.weather = () => weather
      expect((await here.client.sync()).kind).toBe('fault')
      expect(await tries()).toBe(0)
    }
    here.link.weather = () => 'busy'
    await here.client.sync()
    await here.client.sync()
    expect(await tries()).toBe(2)
  })

  test('[P3] an answer that is lost costs nothing: the op is sent again and counted once', async () => {
    await here.client.record([edit(JOB, { note: 'once' })])
    here.link.weather = () => 'unanswered'
    expect((await here.client.sync()).kind).toBe('fault')
    here.link.weather = () => 'fair'
    await here.client.sync()
    expect(server.ledger.size).toBe(1)
    expect((await outstanding(here.storage)).ops).toBe(0)
  })

  test('[P14] a clock that stood years off does not make a tablet forget what it sent', async () => {
    await here.client.record([edit(JOB, { note: 'x' })])
    here.clock.ms = Date.UTC(1970, 0, 2)
    await here.client.sync()
    await here.client.sync()
    here.clock.ms = Date.UTC(2040, 0, 1)
    await here.client.sync()
    expect((await ops()).map((row) => [row.op_no, row.state])).toEqual([[1, 'kept']])
  })

  test('[P8] a rejected op is parked with its reason and the ones behind it pass', async () => {
    server.judge = (op) => (op.fields['note'] === 'bad' ? rejecting('wrong_state')() : null)
    await here.client.record([edit(JOB, { note: 'bad' }), edit(JOB, { finding: 'fuse' })])
    await here.client.sync()
    const parked = await here.client.read(parkedOps)
    expect(parked.map((row) => [row.op.fields, row.result?.problem?.code])).toEqual([[{ note: 'bad' }, 'wrong_state']])
    expect(server.records.get(`job/${JOB}`)?.doc).toMatchObject({ note: null, finding: 'fuse' })
    expect(await seen(JOB)).toMatchObject({ note: null, finding: 'fuse' })
    await here.client.change((tables) => dismiss(tables, 1))
    expect(await here.client.read(parkedOps)).toEqual([])
  })

  test('[P9] a group is marked and never cut by a batch', async () => {
    await here.client.sync() // no op goes before a life was heard of
    await here.client.record([1, 2, 3].map((n) => edit(JOB, { note: `${n}` })))
    await here.client.record(
      [4, 5, 6].map((n) => edit(JOB, { note: `${n}` })),
      { together: true },
    )
    const batches: number[][] = []
    const push = here.link.push
    here.link.push = (body) => {
      batches.push(body.ops.map((op) => op.op_no))
      return push(body)
    }
    await here.client.sync()
    expect(batches).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ])
    expect((await ops()).slice(3).map((row) => [row.op.group_no, row.op.group_size])).toEqual([
      [4, 3],
      [4, 3],
      [4, 3],
    ])
  })

  test('[P16] a held op leaves the queue, keeps showing, and its state is asked again later', async () => {
    server.judge = () => ({ status: 'held', problem: { code: 'record_waits' } })
    await here.client.record([edit(JOB, { note: 'later' })])
    await here.client.sync()
    expect(await outstanding(here.storage)).toMatchObject({ ops: 0, at_centre: 1 })
    expect(await seen(JOB)).toMatchObject({ note: 'later' })
    server.ledger.set(1, { op: there(server.ledger.get(1)).op, result: { op_no: 1, status: 'applied', rev: 2 } })
    await here.client.sync()
    expect((await outstanding(here.storage)).at_centre).toBe(1)
    here.clock.advance(600_001)
    await here.client.sync()
    expect((await outstanding(here.storage)).at_centre).toBe(0)
  })

  test('[P14] a server restored from a backup gets the ops again that it forgot', async () => {
    for (const note of ['a', 'b', 'c']) await here.client.record([edit(JOB, { note })])
    await here.client.sync()
    const restored = new TestServer()
    restored.epoch = 'e2'
    restored.write('job', JOB, { state: 'assigned', note: 'a' })
    restored.ledger.set(1, there(server.ledger.get(1)))
    const again = tablet(restored, here.storage, here.clock)
    await again.client.sync()
    await again.client.sync()
    expect(restored.ledger.size).toBe(3)
    expect(restored.records.get(`job/${JOB}`)?.doc['note']).toBe('c')
  })

  test('[P19] what another life of the server did not take is sent again under its epoch in the same round', async () => {
    await here.client.sync()
    const restored = new TestServer()
    restored.epoch = 'e2'
    const again = tablet(restored, here.storage, here.clock)
    const epochs: (string | undefined)[] = []
    const push = again.link.push
    again.link.push = (body) => {
      epochs.push(body.epoch)
      return push(body)
    }
    again.link.pull = () => Promise.reject(new Fault('refused', { code: 'device_revoked' }))
    await again.client.record([edit(JOB, { note: 'recorded in the life before' })])
    await again.client.sync()
    expect(epochs).toEqual(['e1', 'e2'])
    expect(restored.ledger.get(1)?.op).toMatchObject({ epoch: 'e1', schema_version: 1 })
  })

  test('[P14] in another life a tablet asks before it sends, also when the pull that told it was cut off', async () => {
    await here.client.record([edit(JOB, { note: 'kept no longer' })])
    await here.client.sync()
    await here.storage.run('write', (tables) => tables.ops.delete(1))
    await here.client.record([edit(JOB, { note: 'a' }), edit(OTHER, { note: 'b' })], { together: true })
    const restored = new TestServer()
    restored.epoch = 'e2'
    const asked = await here.client.read((tables) => nextRequest(tables, 3))
    const page = await restored.pull(asked)
    await here.client.change((tables) => stage(tables, page))
    const again = tablet(restored, here.storage, here.clock)
    const pushed: PushRequest[] = []
    const push = again.link.push
    again.link.push = (body) => {
      pushed.push(body)
      return push(body)
    }
    await again.client.sync()
    expect(pushed.map((body) => body.ops.map((op) => op.op_no))).toEqual([[], [1, 2]])
    for (const late of pushed) restored.push(late)
    expect([...restored.ledger.values()].map(({ op }) => op.fields)).toEqual([{ note: 'a' }, { note: 'b' }])
  })

  test('[P14] a tablet that has heard of no life asks before it sends: no op may run in any life (P19)', async () => {
    await here.client.record([edit(JOB, { note: 'a' })])
    const pushed: PushRequest[] = []
    const push = here.link.push
    here.link.push = (body) => {
      pushed.push(body)
      return push(body)
    }
    await here.client.sync()
    expect(pushed.map(({ epoch, ops }) => [epoch, ops.length])).toEqual([
      [undefined, 0],
      ['e1', 1],
    ])
  })

  test('[P14] a device that may not pull asks whether all it sent is still there', async () => {
    await here.client.record([edit(JOB, { note: 'a' })])
    here.link.pull = () => Promise.reject(new Fault('refused', { code: 'device_revoked' }))
    await here.client.sync()
    server.ledger.clear()
    await here.client.sync()
    expect(server.ledger.get(1)?.op.fields).toEqual({ note: 'a' })
  })

  test('[W8] the shape stands in the op; a batch with ops that name none says the first', async () => {
    await here.client.sync() // no op goes before a life was heard of
    await here.client.record([edit(JOB, { note: 'a' })])
    const older = { ...there((await ops())[0]), op_no: 2 }
    const unnamed = { ...older.op, op_no: 2 }
    delete unnamed.schema_version
    await here.storage.run('write', async (tables) => {
      await tables.ops.put({ ...older, sent_at: 1, op: unnamed })
      await tables.meta.put({ key: NEXT_OP_NO, value: 3 })
    })
    const later = tablet(server, here.storage, here.clock, FIELD_FILES, 2)
    await later.client.record([edit(JOB, { note: 'b' })])
    const said: [number, (number | undefined)[]][] = []
    const push = later.link.push
    later.link.push = (body) => {
      said.push([body.schema_version, body.ops.map((op) => op.schema_version)])
      return push(body)
    }
    await later.client.sync()
    expect(said).toEqual([[1, [1, undefined, 2]]])
  })

  test('[P15] ops get new numbers where the server knows another op by theirs', async () => {
    await here.client.record([
      edit(JOB, { note: 'a' }, { files: [photo('picture')] }),
      edit(JOB, { note: 'b' }, { depends_on: [1] }),
    ])
    for (const op_no of [1, 2]) {
      const op = {
        op_no,
        entity: 'job',
        rec_id: OTHER,
        kind: 'update' as const,
        base_rev: 0,
        fields: {},
        device_at: '',
      }
      server.ledger.set(op_no, { op, result: { op_no, status: 'applied', rev: 1 } })
    }
    await here.client.sync()
    expect([...server.ledger.keys()]).toEqual([1, 2, 3, 4])
    expect(server.ledger.get(4)?.op.depends_on).toEqual([3])
    expect(server.stored.get(sha256('picture'))).toBe('picture')
    expect(await here.storage.run('read', (tables) => tables.meta.get(NEXT_OP_NO))).toMatchObject({ value: 5 })
  })
})
