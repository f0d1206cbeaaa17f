import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Edit, FileRow, OpResult } from '../src'
import { badgeOf, badges, dismiss, Fault, outstanding, parkedOps, purge, view, viewAll, FIELD_FILES } from '../src'
import { INCIDENTS } from '../src/verify'
import { NEXT_OP_NO } from '../src/outbox'
import type { Tablet } from './world'
import { sha256, tablet, TestServer } from './world'

const JOB = '018f0000-0000-7000-8000-000000000001'
const OTHER = '018f0000-0000-7000-8000-000000000002'
const FORM = '018f0000-0000-7000-8000-00000000000f'

let server: TestServer
let here: Tablet

beforeEach(() => {
  server = new TestServer()
  server.write('job', JOB, { state: 'assigned', note: null })
  here = tablet(server)
})

const edit = (id: string, fields: Edit['fields'], more: Partial<Edit> = {}): Edit => ({
  entity: 'job',
  rec_id: id,
  kind: 'update',
  fields,
  ...more,
})
const photo = (text: string, kind = 'photo', slot = 'before'): NonNullable<Edit['files']>[number] => ({
  ref: { sha256: sha256(text), size: text.length, mime: 'image/jpeg', kind, slot },
  bytes: text,
})
const seen = async (id: string, entity = 'job') => (await here.client.read((tables) => view(tables, entity, id)))?.doc
const ops = () => here.storage.run('read', (tables) => tables.ops.all())
const rejecting = (code: string) => (): Partial<OpResult> => ({ status: 'rejected', problem: { code } })

describe('outbox', () => {
  test('[P1] edits get contiguous numbers in the transaction that keeps them', async () => {
    expect(await here.client.record([edit(JOB, { note: 'a' }), edit(JOB, { note: 'b' })])).toEqual([1, 2])
    await expect(
      here.client.record([edit(JOB, { note: 'c' })], { also: () => Promise.reject(new Error('killed')) }),
    ).rejects.toThrow()
    expect(await here.client.record([edit(JOB, { note: 'd' })])).toEqual([3])
    expect((await ops()).map((row) => row.op.fields['note'])).toEqual(['a', 'b', 'd'])
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
    server.ledger.set(1, { op: server.ledger.get(1)!.op, result: { op_no: 1, status: 'applied', rev: 2 } })
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
    restored.ledger.set(1, server.ledger.get(1)!)
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

  test('[P14] a device that may not pull asks whether all it sent is still there', async () => {
    await here.client.record([edit(JOB, { note: 'a' })])
    here.link.pull = () => Promise.reject(new Fault('refused', { code: 'device_revoked' }))
    await here.client.sync()
    server.ledger.clear()
    await here.client.sync()
    expect(server.ledger.get(1)?.op.fields).toEqual({ note: 'a' })
  })

  test('[W8] the shape stands in the op; a batch with ops that name none says the first', async () => {
    await here.client.record([edit(JOB, { note: 'a' })])
    const older = { ...(await ops())[0]!, op_no: 2 }
    const { schema_version: _, ...unnamed } = { ...older.op, op_no: 2 }
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

describe('replica', () => {
  test('[L6] pending edits lie over the replica and stay until a pull that began after their result', async () => {
    await here.client.sync()
    await here.client.record([edit(JOB, { 'answers.meter': 12 })])
    expect(await seen(JOB)).toMatchObject({ state: 'assigned', answers: { meter: 12 } })
    server.write('job', JOB, { priority: 'urgent' })
    await here.client.sync()
    expect(await seen(JOB)).toMatchObject({ priority: 'urgent', answers: { meter: 12 } })
    await here.client.sync()
    expect((await ops()).map((row) => row.state)).toEqual(['kept'])
  })

  test('[L6] nothing of a pull is seen before its last page is here', async () => {
    for (let n = 10; n < 18; n++) server.write('job', `j${n}`, { state: 'new' })
    here.link.weather = () => (here.link.requests.filter((name) => name === 'pull').length >= 3 ? 'lost' : 'fair')
    expect((await here.client.sync()).kind).toBe('fault')
    expect(await here.client.read((tables) => viewAll(tables, 'job'))).toEqual([])
    here.link.weather = () => 'fair'
    await here.client.sync()
    expect(await here.client.read((tables) => viewAll(tables, 'job'))).toHaveLength(9)
  })

  test('[L7] a replica that does not add up is sent again and the incident kept', async () => {
    await here.client.sync()
    await here.storage.run('write', (tables) => tables.docs.delete(`job/${JOB}`))
    await here.client.sync()
    expect(await seen(JOB)).toMatchObject({ state: 'assigned' })
    expect(await here.storage.run('read', (tables) => tables.meta.get(INCIDENTS))).toMatchObject({
      value: [{ bucket: 'crew:1', rows: 0 }],
    })
  })

  test('[L8] a new epoch replaces the replica and keeps the outbox', async () => {
    server.write('job', OTHER, { state: 'new' })
    await here.client.sync()
    await here.client.record([edit(JOB, { note: 'mine' })])
    here.link.weather = () => 'lost'
    await here.client.sync()
    const replaced = new TestServer()
    replaced.epoch = 'e2'
    replaced.write('job', JOB, { state: 'accepted' })
    const again = tablet(replaced, here.storage, here.clock)
    await again.client.sync()
    expect(await seen(JOB)).toMatchObject({ state: 'accepted', note: 'mine' })
    expect(await seen(OTHER)).toBeUndefined()
  })

  test('[S3] a record goes with its last pair, not before', async () => {
    server.subscribed.add('catalog:1')
    await here.client.sync()
    server['stamp']('catalog:1', 'job', JOB, false)
    await here.client.sync()
    server['stamp']('crew:1', 'job', JOB, true)
    await here.client.sync()
    expect(await seen(JOB)).toBeDefined()
    server.subscribed.delete('catalog:1')
    await here.client.sync()
    expect(await seen(JOB)).toBeUndefined()
  })

  test('[S5] a record that left scope with edits waiting is hidden and its edits still go', async () => {
    await here.client.sync()
    server.judge = () => ({ status: 'quarantined', problem: { code: 'out_of_scope' } })
    await here.client.record([edit(JOB, { note: 'done there' })])
    server.write('job', JOB, {}, 'crew:2')
    await here.client.sync()
    expect(await seen(JOB)).toBeUndefined()
    expect(await here.storage.run('read', (tables) => tables.docs.get(`job/${JOB}`))).toMatchObject({ shadow: true })
    server.ledger.set(1, { op: server.ledger.get(1)!.op, result: { op_no: 1, status: 'applied', rev: 9 } })
    here.clock.advance(600_001)
    await here.client.sync()
    expect(await here.storage.run('read', (tables) => tables.docs.get(`job/${JOB}`))).toBeUndefined()
  })
})

describe('files', () => {
  test('[B9] text first, then signatures, then photos, smallest first; bytes stay until long after the receipt', async () => {
    const order: string[] = []
    const upload = here.link.upload.bind(here.link)
    here.link.upload = (file, ...rest) => {
      order.push(`${file.kind}:${file.size}`)
      return upload(file, ...rest)
    }
    await here.client.record([
      edit(FORM, { slot: 'a' }, { entity: 'attachment', kind: 'create', files: [photo('a large photo')] }),
      edit(OTHER, { slot: 'b' }, { entity: 'attachment', kind: 'create', files: [photo('small')] }),
      edit(JOB, { note: 'x' }, { files: [photo('signature strokes', 'signature', 'customer')] }),
    ])
    await here.client.sync()
    expect(here.link.requests[0]).toBe('push')
    expect(order).toEqual(['signature:17', 'photo:5', 'photo:13'])
    expect(await outstanding(here.storage)).toMatchObject({ files: {}, bytes: 0 })
    const bytes = () => here.storage.run('read', (tables) => tables.contents.all())
    expect(await bytes()).toHaveLength(3)
    await here.client.sync()
    server.at += FIELD_FILES.keep_verified - 1
    await here.client.sync()
    expect(await bytes()).toHaveLength(3)
    server.at += 1
    await here.client.sync()
    expect(await bytes()).toHaveLength(0)
    expect((await here.storage.run('read', (tables) => tables.files.all())).map((file) => file.purged)).toEqual([
      true,
      true,
      true,
    ])
  })

  test('[B9] a tablet whose clock is years ahead deletes nothing early, and the server says how long', async () => {
    server.keep_s = 60
    await here.client.record([edit(JOB, {}, { files: [photo('picture')] })])
    await here.client.sync()
    const bytes = () => here.storage.run('read', (tables) => tables.contents.all())
    here.clock.ms += 20 * 365 * 24 * 3_600_000
    server.at += 59_000
    await here.client.sync()
    expect(await bytes(), 'the receipt is dated by this answer').toHaveLength(1)
    server.at += 59_999
    await here.client.sync()
    expect(await bytes()).toHaveLength(1)
    server.at += 1
    await here.client.sync()
    expect(await bytes()).toHaveLength(0)
  })

  test('[B9] an unsent original is never deleted', async () => {
    here.link.upload = () => Promise.reject(new Fault('busy'))
    await here.client.record([edit(JOB, {}, { files: [photo('picture')] })])
    await here.client.sync()
    server.at += 10 * FIELD_FILES.keep_verified
    await here.client.sync()
    await here.client.change((tables) => purge(tables, { ...FIELD_FILES, keep_verified: 0 }))
    expect(await here.storage.run('read', (tables) => tables.contents.all())).toHaveLength(1)
  })

  test('[B9] in another life of the server no receipt counts: the file is offered again', async () => {
    await here.client.record([edit(JOB, {}, { files: [photo('picture')] })])
    await here.client.sync()
    await here.client.sync()
    server.stored.clear()
    server.epoch = 'e2'
    await here.client.sync()
    expect(server.stored.get(sha256('picture'))).toBe('picture')
    expect(await outstanding(here.storage)).toMatchObject({ files: {} })
  })

  test('[B10] among files of one kind those that are wanted soonest go first', async () => {
    const order: string[] = []
    const rules = {
      ...FIELD_FILES,
      urgency: (_: unknown, file: FileRow) => Promise.resolve(file.tag === 'gas' ? 0 : 1),
    }
    const asked = tablet(server, here.storage, here.clock, rules)
    asked.link.upload = (file) => {
      order.push(`${file.kind} ${file.tag}`)
      return Promise.resolve()
    }
    await asked.client.record([
      edit(FORM, {}, { tag: 'meter', files: [photo('a'), photo('b', 'thumb')] }),
      edit(JOB, {}, { tag: 'gas', files: [photo('a longer one'), photo('c', 'thumb'), photo('s', 'signature')] }),
    ])
    await asked.client.sync()
    expect(order).toEqual(['signature gas', 'thumb gas', 'thumb meter', 'photo gas', 'photo meter'])
  })

  test('[B5] an upload that was cut goes on where the server stands', async () => {
    await here.client.record([edit(JOB, {}, { files: [photo('0123456789abcdef')] })])
    let patches = 0
    here.link.weather = () => (here.link.requests.at(-1) === 'patch' && ++patches === 3 ? 'unanswered' : 'fair')
    expect((await here.client.sync()).kind).toBe('fault')
    expect(server.stored.get(sha256('0123456789abcdef'))).toBe('0123456789ab')
    await here.client.sync()
    expect(patches).toBe(4)
    expect(server.stored.get(sha256('0123456789abcdef'))).toBe('0123456789abcdef')
  })

  test('[B6] a file is verified by the server’s word alone', async () => {
    await here.client.record([edit(JOB, {}, { files: [photo('whole')] })])
    here.link.upload = () => Promise.resolve()
    await here.client.sync()
    expect(await outstanding(here.storage)).toMatchObject({ files: { photo: 1 }, bytes: 5 })
  })

  test('a refused file is parked with its reason and the others pass', async () => {
    await here.client.record([edit(JOB, {}, { files: [photo('evil'), photo('good')] })])
    const upload = here.link.upload.bind(here.link)
    here.link.upload = (file, ...rest) =>
      file.sha256 === sha256('evil')
        ? Promise.reject(new Fault('refused', { code: 'not_an_image' }))
        : upload(file, ...rest)
    await here.client.sync()
    const files = await here.storage.run('read', (tables) => tables.files.all())
    expect(Object.fromEntries(files.map((file) => [file.size + file.state, file.error?.code]))).toMatchObject({
      '4refused': 'not_an_image',
      '4verified': undefined,
    })
    expect(badgeOf([], files, null)).toBe('rejected')
  })

  test('a list is told the badges that are not “synced”, by tag', async () => {
    const told = (): Promise<unknown> =>
      here.storage.run('read', async (tables) => Object.fromEntries(await badges(tables, sha256('big'))))
    await here.client.record([edit(JOB, { note: 'x' }, { tag: 'one' })])
    await here.client.record([edit(JOB, {}, { tag: 'two', files: [photo('big')] })])
    expect(await told()).toEqual({ one: 'pending', two: 'sending' })
    await here.client.sync()
    expect(await told()).toEqual({})
  })
})

describe('rounds', () => {
  test('[W10] one failure does not put the queue to sleep: a wake-up is always armed', async () => {
    let fail = 3
    here.link.weather = () => (fail-- > 0 ? 'busy' : 'fair')
    await here.client.record([edit(JOB, { note: 'x' })])
    here.client.start()
    for (let n = 0; n < 6; n++) {
      await here.client.sync().catch(() => undefined)
      expect(here.clock.armed).toBe(1)
      here.clock.advance(301_000)
    }
    expect(server.ledger.size).toBe(1)
    here.client.stop()
    expect(here.clock.armed).toBe(0)
  })

  test('[W10] a device that cannot write does not put the queue to sleep either', async () => {
    const run = here.storage.run.bind(here.storage) as (...given: unknown[]) => Promise<unknown>
    let full = false
    Object.assign(here.storage, {
      run: (mode: string, ...rest: unknown[]) =>
        full && mode === 'write' ? Promise.reject(new Error('the disk is full')) : run(mode, ...rest),
    })
    here.client.start()
    await here.client.sync()
    full = true
    here.clock.advance(61_000)
    await expect(here.client.sync()).rejects.toThrow('the disk is full')
    expect(here.clock.armed).toBe(1)
    expect(here.client.phase).toBe('idle')

    full = false
    await here.client.record([edit(JOB, { note: 'x' })])
    await here.client.sync()
    expect(server.ledger.size).toBe(1)
    here.client.stop()
  })

  test('[W7] an expired sign-in stops the round, says so, and keeps everything', async () => {
    await here.client.record([edit(JOB, { note: 'x' }, { files: [photo('p')] })])
    here.link.push = () => Promise.reject(new Fault('auth', { code: 'token_expired', status: 401 }))
    expect(await here.client.sync()).toMatchObject({ kind: 'fault', fault: 'auth' })
    expect(await outstanding(here.storage)).toMatchObject({ ops: 1, files: { photo: 1 } })
    await here.client.record([edit(JOB, { note: 'y' })])
    expect((await outstanding(here.storage)).ops).toBe(2)
  })

  test('only one sender at a time, and the second says so', async () => {
    const [first, second] = [tablet(server, here.storage), tablet(server, here.storage)]
    const locks = { only: () => Promise.resolve(null) }
    Object.assign(second.client['parts'], { locks })
    expect((await second.client.sync()).kind).toBe('elsewhere')
    expect((await first.client.sync()).kind).toBe('done')
  })

  test('[P18] what a second page kept while the first was sending goes as soon as that is done', async () => {
    const [first, second] = [tablet(server, here.storage), tablet(server, here.storage)]
    second.client['parts'].locks = first.client['parts'].locks
    const pull = first.link.pull
    let release = (): void => undefined
    first.link.pull = async (body) => {
      await new Promise<void>((resolve) => (release = resolve))
      return pull(body)
    }
    first.client.start()
    await vi.waitFor(() => expect(first.client.phase).toBe('pulling'))
    second.client.start()
    await second.client.record([edit(JOB, { finding: 'fuse' })])
    expect(await second.client.sync()).toEqual({ kind: 'elsewhere' })
    expect(server.ledger.size).toBe(0)
    first.link.pull = pull
    release()
    await vi.waitFor(() => expect(server.ledger.size).toBe(1))
    expect(second.link.requests).toContain('push')
    first.client.stop()
    second.client.stop()
  })

  test('a device without room says so, waits, and blames neither link nor server', async () => {
    await here.client.sync()
    const run = here.storage.run.bind(here.storage) as (...given: unknown[]) => Promise<unknown>
    const none = (mode: string, ...rest: unknown[]) =>
      mode === 'write' ? Promise.reject(new Fault('full', { code: 'storage_full' })) : run(mode, ...rest)
    Object.assign(here.storage, { run: none })
    expect(await here.client.sync()).toMatchObject({ kind: 'fault', fault: 'full' })
    expect(here.client.link.link).toBe('online')
    Object.assign(here.storage, { run })
    expect((await here.client.sync()).kind).toBe('done')
  })

  test('an edit does not wait behind a large file: it goes between two chunks, and no byte goes twice', async () => {
    await here.client.record([edit(JOB, {}, { files: [photo('a photo of many chunks')] })])
    const upload = here.link.upload.bind(here.link)
    let chunks = 0
    here.link.upload = async (file, bytes, at, sent) => {
      for (let offset = at.offset; offset < file.size; offset += 4) {
        await upload(file, bytes, { ...at, offset }, () => false)
        chunks += 1
        if (chunks === 2) await here.client.record([edit(JOB, { note: 'meanwhile' })])
        if (!sent(offset + 4)) return
      }
    }
    await here.client.sync()
    const named = here.link.requests.filter((name) => name === 'push' || name === 'patch')
    expect(named).toEqual(['push', 'patch', 'patch', 'push', 'patch', 'patch', 'patch', 'patch'])
    expect(await outstanding(here.storage)).toMatchObject({ ops: 0, files: {} })
  })

  test('an edit made while files go up is sent before the next file', async () => {
    await here.client.record([edit(JOB, {}, { files: [photo('first photo'), photo('a much longer second photo')] })])
    const upload = here.link.upload.bind(here.link)
    here.link.upload = async (file, ...rest) => {
      await upload(file, ...rest)
      if (file.size === 11) await here.client.record([edit(JOB, { note: 'meanwhile' })])
    }
    await here.client.sync()
    const named = here.link.requests.filter((name) => name === 'push' || name === 'patch')
    expect(named.slice(0, 5)).toEqual(['push', 'patch', 'patch', 'patch', 'push'])
    expect((await outstanding(here.storage)).ops).toBe(0)
  })
})
