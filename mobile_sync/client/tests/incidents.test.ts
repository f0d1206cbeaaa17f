import { beforeEach, describe, expect, test } from 'vitest'
import incidentVectors from '../../conformance/incidents.json'
import type { Mismatch, DocRow, Incident, Tables } from '../src'
import { noted, told, toTell } from '../src'
import type { Tablet } from './world'
import { tablet, TestServer, there } from './world'

const idOf = (n: number): string => `018f0000-0000-7000-8000-${String(n).padStart(12, '0')}`
const plain = (incidents: readonly Incident[]): unknown =>
  JSON.parse(JSON.stringify(incidents, (key, value) => (key === 'at' ? undefined : value)))

describe('incidents.json: noted', () => {
  test.each(incidentVectors.noted.map((vector) => [`[${vector.rule}] ${vector.name}`, vector] as const))(
    '%s',
    (_, { known, server_at, own, wrong, unsure, expect: wanted }) => {
      const differing = new Map(Object.entries(wrong as Record<string, Mismatch>))
      const after = noted(known as unknown as Incident[], { server_at, own, wrong: differing, unsure }, 1)
      expect(plain(after)).toEqual(wanted)
    },
  )
})

describe('incidents.json: told', () => {
  test.each(incidentVectors.told.map((vector) => [`[${vector.rule}] ${vector.name}`, vector] as const))(
    '%s',
    (_, { known, tell, expect: wanted }) => {
      expect(toTell(known as unknown as Incident[])).toEqual(tell)
      expect(told(known as unknown as Incident[], tell)).toEqual(wanted)
    },
  )
})

let server: TestServer
let here: Tablet

beforeEach(async () => {
  server = new TestServer()
  for (let n = 1; n <= 7; n += 1) server.write('job', idOf(n), { n, note: 'whole' })
  here = tablet(server)
  await here.client.sync()
})

const row = async (tables: Tables, n: number): Promise<DocRow> => there(await tables.docs.get(`job/${idOf(n)}`))
const CORRUPTIONS: Record<string, (tables: Tables) => Promise<void>> = {
  'a row is gone': (tables) => tables.docs.delete(`job/${idOf(3)}`),
  'a row is older than it says': async (tables) =>
    tables.docs.put({ ...(await row(tables, 4)), held: { 'crew:1': 1 } }),
  'a document rotted': async (tables) => tables.docs.put({ ...(await row(tables, 5)), doc: { n: 5, note: 'whale' } }),
  'a row is there that never was': async (tables) =>
    tables.docs.put({ ...(await row(tables, 6)), key: `job/${idOf(99)}`, id: idOf(99) }),
}

describe('a replica that does not add up', () => {
  test.each(Object.entries(CORRUPTIONS))(
    '[L16] I24: %s: found, healed, and the server hears of both',
    async (_, corrupt) => {
      await here.storage.run('write', corrupt)
      await here.client.sync()
      const docs = await here.client.read((tables) => tables.docs.all())
      expect(Object.fromEntries(docs.map(({ key, doc }) => [key, doc]))).toEqual(server.inScope())
      await here.client.sync()
      expect(server.incidents.map(({ bucket, healed_at }) => [bucket, healed_at === null])).toEqual([
        ['crew:1', true],
        ['crew:1', false],
      ])
      const [begun, over] = server.incidents
      expect(over).toEqual({ ...begun, healed_at: over?.healed_at })
      expect(there(over?.healed_at) >= there(begun).found_at).toBe(true)
      server.incidents = []
      await here.client.sync()
      expect(server.incidents).toEqual([])
    },
  )

  test('[L16] what was told into a lost answer is told again', async () => {
    await here.storage.run('write', there(CORRUPTIONS['a row is gone']))
    let pulls = 0
    here.link.weather = () => (here.link.requests.at(-1) === 'pull' && ++pulls === 2 ? 'unanswered' : 'fair')
    expect((await here.client.sync()).kind).toBe('fault')
    here.link.weather = () => 'fair'
    await here.client.sync()
    expect(server.incidents.map((one) => one.healed_at === null)).toEqual([true, true])
  })

  test('[W12] a server that has not offered to hear of incidents is told none', async () => {
    server.offers = []
    await here.client.sync()
    await here.storage.run('write', there(CORRUPTIONS['a row is gone']))
    await here.client.sync()
    await here.client.sync()
    expect(server.incidents).toEqual([])
    server.offers = ['incidents']
    await here.client.sync()
    await here.client.sync()
    expect(server.incidents.map((one) => one.healed_at === null)).toEqual([false])
  })
})
