import { describe, expect, test } from 'vitest'
import { viewAll } from '../src'
import { INCIDENTS } from '../src/verify'
import { JOB, OTHER, server, here, edit, seen, ops } from './one_tablet'
import { tablet, TestServer, there } from './world'

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
    server.ledger.set(1, { op: there(server.ledger.get(1)).op, result: { op_no: 1, status: 'applied', rev: 9 } })
    here.clock.advance(600_001)
    await here.client.sync()
    expect(await here.storage.run('read', (tables) => tables.docs.get(`job/${JOB}`))).toBeUndefined()
  })
})
