import { beforeEach, describe, expect, test } from 'vitest'
import { bringing, FIELD_FILES, INCIDENTS, isFarBehind } from '../src'
import { MemoryStorage } from '../src/memory'
import replicaVectors from '../../conformance/replica.json'
import type { SyncStorage } from '../src'
import type { Tablet } from './world'
import { seeded, tablet, TestClock, TestServer, there } from './world'

const idOf = (n: number): string => `018f0000-0000-7000-8000-${String(n).padStart(12, '0')}`

let server: TestServer
let here: Tablet

const streaming = (storage: SyncStorage = new MemoryStorage()): Tablet =>
  tablet(server, storage, new TestClock(), FIELD_FILES, 1, true)

beforeEach(() => {
  server = new TestServer()
  for (let n = 1; n <= 20; n += 1) server.write('job', idOf(n), { n })
  here = streaming()
})

const held = async (one = here): Promise<Record<string, unknown>> => {
  const docs = await one.client.read((tables) => tables.docs.all())
  return Object.fromEntries(docs.map((row) => [row.key, row.doc]))
}
const progress = (one = here) => one.client.read(bringing)

describe('a pull as one stream', () => {
  test('[L13] the first pull is one question, however many pages', async () => {
    await here.client.sync()
    expect(here.link.requests.filter((name) => name !== 'check')).toEqual(['snapshot'])
    expect(await held()).toEqual(server.inScope())
    await here.client.sync()
    expect(here.link.requests.filter((name) => name !== 'check')).toEqual(['snapshot', 'pull'])
  })

  test('[L14] a stream that is cut, or whose tablet is killed, goes on behind the last whole page', async () => {
    here.link.cutAfter = 3
    expect((await here.client.sync()).kind).toBe('fault')
    expect(await held()).toEqual({})
    expect(await progress()).toEqual({ done: 9, total: 20, checking: false })
    server.write('job', idOf(2), { n: 'changed meanwhile' })
    server.write('job', idOf(3), {}, null)
    const again = streaming(here.storage)
    let brought = 0
    const stream = there(again.link.snapshot)
    again.link.snapshot = (body, take) =>
      stream(body, async (page) => {
        brought += page.changes.length
        await take(page)
      })
    await again.client.sync()
    expect(brought).toBe(13) // eleven that had not come, one that changed, one that left
    expect(await held(again)).toEqual(server.inScope())
    expect(await progress(again)).toBeNull()
  })

  test('[L14] whatever is cut where, the tablet ends equal to the server', async () => {
    const chance = seeded(7)
    for (let round = 0; round < 30; round += 1) {
      let one = streaming()
      for (let cut = 0; cut < 6; cut += 1) {
        one.link.cutAfter = Math.floor(chance() * 4)
        await one.client.sync()
        server.write('job', idOf(1 + Math.floor(chance() * 24)), { n: chance() }, chance() < 0.8 ? 'crew:1' : null)
        if (chance() < 0.3) server.epoch = `e${round}.${cut}`
        if (chance() < 0.5) one = streaming(one.storage)
      }
      one.link.cutAfter = null
      await one.client.sync()
      expect(await held(one)).toEqual(server.inScope())
    }
  })

  test('[L14] what was staged more than a day ago is not gone on with', async () => {
    here.link.cutAfter = 3
    await here.client.sync()
    server.records.delete(`job/${idOf(1)}`)
    server.entries.delete(`crew:1|job/${idOf(1)}`) // its exit was purged: nobody is told
    server.at += 86_400_001
    expect((await here.client.sync()).kind).toBe('done')
    expect(await held()).toEqual(server.inScope())
    expect(here.link.requests.filter((name) => name === 'snapshot')).toHaveLength(3)
    expect(await here.client.read((tables) => tables.meta.get(INCIDENTS))).toBeUndefined()
  })

  test('[L15] an older server is asked by pages, and not twice for a stream', async () => {
    here.link.older = true
    await here.client.sync()
    expect(await held()).toEqual(server.inScope())
    expect(here.link.requests.filter((name) => name === 'snapshot')).toHaveLength(1)
    expect(await progress()).toBeNull()
  })

  test('[L15] a bucket that was reset and is long comes by a stream, a short one by its page', async () => {
    await here.client.sync()
    here.link.requests = []
    server.epoch = 'e2'
    await here.client.sync()
    expect(here.link.requests.filter((name) => name !== 'push')).toEqual(['pull', 'snapshot'])
    expect(await held()).toEqual(server.inScope())
  })

  test('[L15] the person is told when all is here and added up, not before', async () => {
    const seen: string[] = []
    here.client.onChange(() => void progress().then((found) => seen.push(JSON.stringify(found))))
    await here.client.sync()
    expect(await progress()).toBeNull()
    expect(seen).toContain(JSON.stringify({ done: 20, total: 20, checking: true }))
  })
})

describe('replica.json: far_behind', () => {
  test.each(replicaVectors.far_behind.map((vector) => [`[${vector.rule}] ${vector.name}`, vector] as const))(
    '%s',
    (_, { request, expect: wanted }) => {
      expect(isFarBehind(request as { epoch: string | null; cursors: Record<string, number> })).toBe(wanted)
    },
  )
})
