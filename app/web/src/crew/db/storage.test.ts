import 'fake-indexeddb/auto'
import Dexie from 'dexie'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { outstanding, parkedOps, view, viewAll, type Tables } from '@sync/index'
import { seeded, sha256, tablet, TestServer, type Tablet } from '../../../../../mobile_sync/client/tests/world'
import { CrewDatabase } from './database'
import { DexieStorage, draftRemoval } from './storage'

let db: CrewDatabase
let storage: DexieStorage
let made = 0

beforeEach(() => {
  db = new CrewDatabase(`test-${++made}`)
  storage = new DexieStorage(db)
})
afterEach(() => db.delete())

const note = (text: string) => ({
  entity: 'job',
  rec_id: 'j1',
  kind: 'update' as const,
  fields: { note: text },
  tag: 'j1',
})

describe('the tablet database keeps the engine’s promises', { timeout: 60_000 }, () => {
  test('a transaction that fails leaves nothing behind', async () => {
    const work = storage.run('write', async (tables) => {
      await tables.meta.put({ key: 'a', value: 1 })
      throw new Error('killed')
    })
    await expect(work).rejects.toThrow('killed')
    expect(await db.meta.count()).toBe(0)
  })

  test('[W8] [M13] edits that waited in the first version of the app keep their numbers and learn shape and life', async () => {
    const name = `old-${++made}`
    const first = new Dexie(name)
    first.version(1).stores({ meta: 'key', ops: 'op_no, record, state, tag, attention' })
    const op = { entity: 'job', rec_id: 'j1', fields: { note: 'x' }, device_at: '' }
    const row = (op_no: number, more: object, of: object): object => ({
      ...{ op_no, record: 'job/j1', state: 'pending', sent_at: null, attention: 'none', tag: 'j1', ...more },
      op: { ...op, op_no, ...of },
    })
    await first.table('meta').put({ key: 'pull.epoch', value: 'e7' })
    await first
      .table('ops')
      .bulkPut([
        row(1, { state: 'kept', sent_at: 5 }, { kind: 'update', base_rev: 3 }),
        row(2, { sent_at: 5 }, { kind: 'update', base_rev: 3 }),
        row(3, {}, { kind: 'update', base_rev: 3 }),
        row(4, {}, { kind: 'create', base_rev: 0 }),
      ])
    first.close()
    const upgraded = new CrewDatabase(name)
    const ops = (await upgraded.ops.toArray()).map((one) => one.op)
    expect(ops.map(({ op_no, epoch, schema_version }) => [op_no, epoch, schema_version])).toEqual([
      [1, undefined, undefined],
      [2, undefined, undefined],
      [3, 'e7', 1],
      [4, undefined, 1],
    ])
    expect(ops.every((one) => one.fields['note'] === 'x')).toBe(true)
    await upgraded.delete()
  })

  test('an edit and the end of its draft are one transaction', async () => {
    const { client } = tablet(new TestServer(), storage)
    await db.drafts.put({ key: 'answer/j1/cause', value: 'tr', at: 1 })
    const failing = {
      also: async (tables: Tables) => {
        await draftRemoval('answer/j1/cause')(tables)
        throw new Error('killed')
      },
    }
    await expect(client.record([note('x')], failing)).rejects.toThrow('killed')
    expect([await db.drafts.count(), await db.ops.count()]).toEqual([1, 0])
    await client.record([note('x')], { also: draftRemoval('answer/j1/cause') })
    expect([await db.drafts.count(), await db.ops.count()]).toEqual([0, 1])
  })

  test('a transaction goes on behind nested async functions', async () => {
    const deep = async (tables: Tables): Promise<number> => (await viewAll(tables, 'job')).length
    const work = storage.run('write', async (tables) => {
      await deep(tables)
      await tables.meta.put({ key: 'after', value: 1 })
      await deep(tables)
      throw new Error('killed')
    })
    await expect(work).rejects.toThrow('killed')
    expect(await db.meta.count()).toBe(0)
  })

  test('numbers stay contiguous when two tabs record at once', async () => {
    const server = new TestServer()
    const tabs = [tablet(server, storage), tablet(server, new DexieStorage(db))]
    const numbers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (tabs[n % 2] as Tablet).client.record([note(`${n}`)])),
    )
    expect(numbers.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1))
  })

  test('records are found by bucket, entity and tag, and a photo’s bytes come back as they were', async () => {
    const server = new TestServer()
    server.write('job', 'j1', { state: 'assigned' })
    server.write('form', 'f1', { code: 'outage-repair' }, 'catalog:1')
    server.subscribed.add('catalog:1')
    const { client } = tablet(server, storage)
    const ref = { sha256: sha256('bytes'), size: 5, mime: 'image/jpeg', kind: 'photo', slot: 'before' }
    await client.record([{ ...note('x'), files: [{ ref, bytes: 'bytes' }] }])
    await client.sync()
    expect(await storage.run('read', (tables) => viewAll(tables, 'form'))).toHaveLength(1)
    expect(await storage.run('read', (tables) => tables.files.by('tag', 'j1'))).toMatchObject([{ state: 'verified' }])
    expect(await db.contents.get(ref.sha256)).toMatchObject({ bytes: 'bytes' })
    server.subscribed.delete('catalog:1')
    await client.sync()
    expect(await storage.run('read', (tables) => viewAll(tables, 'form'))).toEqual([])
  })

  test.each([1, 2, 3, 4, 5, 6])(
    'seed %i: a browser that dies between rounds loses nothing and doubles nothing',
    async (seed) => {
      const random = seeded(seed)
      const server = new TestServer()
      server.write('job', 'j1', { state: 'assigned' })
      server.judge = (op) =>
        op.fields['note'] === 'refuse me' ? { status: 'rejected', problem: { code: 'wrong-transition' } } : null
      let here = tablet(server, storage)
      const notes: string[] = []
      for (let step = 0; step < 25; step++) {
        here.link.weather = () => (random() < 0.3 ? 'unanswered' : random() < 0.2 ? 'lost' : 'fair')
        if (random() < 0.5) {
          notes.push(random() < 0.1 ? 'refuse me' : `n${step}`)
          await here.client.record([note(notes.at(-1) ?? '')])
        } else if (random() < 0.6) await here.client.sync()
        else {
          db.close()
          db = new CrewDatabase(db.name)
          storage = new DexieStorage(db)
          here = tablet(server, storage, here.clock)
        }
      }
      here.link.weather = () => 'fair'
      await here.client.sync()
      expect([...server.ledger.values()].map(({ op }) => op.fields['note'])).toEqual(notes)
      const refused = notes.filter((text) => text === 'refuse me').length
      expect(await storage.run('read', parkedOps)).toHaveLength(refused)
      expect(await outstanding(storage)).toMatchObject({ ops: 0, parked: refused })
      const last = notes.filter((text) => text !== 'refuse me').at(-1)
      expect((await storage.run('read', (tables) => view(tables, 'job', 'j1')))?.doc['note']).toBe(last)
    },
  )
})
