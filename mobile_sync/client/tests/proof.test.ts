import { describe, expect, test } from 'vitest'
import { differences, journal, TOLD, type ProofResponse } from '../src'
import { sha256, tablet, TestServer } from './world'

const DAY_MS = 24 * 3_600_000

function told(server: TestServer, over: Partial<ProofResponse> = {}): ProofResponse {
  const count = server.ledger.size
  const ops = count === 0 ? [] : [{ entity: 'job', kind: 'update', status: 'applied' as const, count }]
  return { day: '2026-07-09', since: '', until: '', ops, files: [], ...over }
}

const note = (text: string) => ({ entity: 'job', rec_id: 'j1', kind: 'update' as const, fields: { note: text } })

describe('D the proof of a day', () => {
  test('D2 what waits here is told apart, and what was lost there is a difference', async () => {
    const server = new TestServer()
    server.write('job', 'j1', { state: 'assigned' })
    const { client, clock, storage } = tablet(server)
    const ref = { sha256: sha256('bytes'), size: 5, mime: 'image/jpeg', kind: 'photo', slot: 'before' }
    await client.record([{ ...note('one'), files: [{ ref, bytes: 'bytes' }] }])
    await client.sync()
    await client.record([note('two')], { quiet: true })
    const begin = clock.now() - DAY_MS / 2
    const counted = await storage.run('read', (tables) => journal(tables, begin, begin + DAY_MS))
    expect(counted).toMatchObject({ ops: { 'job/update': 1 }, waiting: { job: 1 }, unsent: [] })
    const photo = { kind: 'photo', count: 1, bytes: 5, verified: 1, verified_bytes: 5 }
    expect(differences(counted, told(server, { files: [photo] }))).toEqual([])
    expect(differences(counted, told(server, { ops: [], files: [{ ...photo, verified_bytes: 4 }] }))).toEqual([
      { what: 'job/update', files: false, here: 1, there: 0 },
      { what: 'photo', files: true, here: 1, there: 1 },
    ])
  })

  test('D1 ops of another day are not counted', async () => {
    const server = new TestServer()
    const { client, clock, storage } = tablet(server)
    await client.record([note('yesterday')], { quiet: true })
    clock.advance(DAY_MS)
    const counted = await storage.run('read', (tables) => journal(tables, clock.now(), clock.now() + DAY_MS))
    expect(counted).toEqual({ ops: {}, waiting: {}, files: {}, unsent: [] })
  })
})

describe('R what the centre did with an op that waited', () => {
  test('R5 the person hears of it when the device asks again', async () => {
    const server = new TestServer()
    server.write('job', 'j1', { state: 'assigned' })
    server.judge = () => ({ status: 'quarantined', problem: { code: 'failed' } })
    const { client, storage } = tablet(server)
    await client.record([note('one')])
    await client.sync()
    const known = server.ledger.get(1)
    if (known !== undefined) {
      const centre = { verb: 'repaired' as const, at: '2026-07-09T06:02:00Z', reason: 'meant so' }
      const fields = { note: { outcome: 'merged' as const, value: 'two' } }
      server.ledger.set(1, { ...known, result: { op_no: 1, status: 'merged', rev: 2, fields, centre } })
    }
    await client.sync()
    expect(await storage.run('read', (tables) => tables.ops.get(1))).toMatchObject({ state: 'quarantined' })
    client.askAgain()
    await client.sync()
    expect(await storage.run('read', (tables) => tables.ops.get(1))).toMatchObject({
      result: { centre: { verb: 'repaired' } },
    })
    expect((await storage.run('read', (tables) => tables.meta.get(TOLD)))?.value).toEqual([1])
  })
})
