import 'fake-indexeddb/auto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { tablet, TestServer, type Tablet } from '../../../../../mobile_sync/client/tests/world'
import vectors from '../../../../../mobile_sync/conformance/bundles.json'
import { carry, sealedFiles } from '../bundle/carried'
import { CannotSeal, sealUnsent } from '../bundle/make'
import { opened } from '../bundle/opening.testing'
import { utf8 } from '../bundle/seal'
import { CrewDatabase } from '../db/database'
import { SettingsStore } from '../db/settings'
import { DexieStorage } from '../db/storage'
import { makeKey, publicJwk, sha256Hex } from '../sync/keys'
import { Session } from '../sync/session'
import { eraseAsked } from '../triggers'
import { erase, type World } from './erase'

/** What must be there. */
function one<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('nothing here')
  return value
}

const SERVER = one(vectors.keys[0])
const JOB = '018f0000-0000-7000-8000-000000000001'
const DEVICE = '018f0000-0000-7000-8000-0000000000d1'

let world: World
let here: Tablet
let key: CryptoKeyPair
let made = 0
let bundles: Uint8Array[]
let asked: { path: string; body: unknown }[]
let link: 'on' | 'off' | 'no bundles'
let caches: string[]

beforeEach(async () => {
  const db = new CrewDatabase(`erase-${++made}`)
  const [settings, storage] = [new SettingsStore(db), new DexieStorage(db)]
  const server = new TestServer()
  server.write('job', JOB, { state: 'assigned' })
  here = tablet(server, storage)
  world = { sync: here.client, storage, session: new Session(settings), settings, db }
  key = await makeKey()
  await settings.set('key', key)
  await settings.set('device', { device_id: DEVICE, name: 'R3', person: { id: DEVICE, name: '赵强' }, crew: null })
  await settings.set('tokens', { access_token: 'a1', access_until: Date.now() + 600_000, refresh_token: 'r1' })
  await settings.set('server_keys', { seal: SERVER.seal, sign: SERVER.sign, at: Date.now() })
  bundles = []
  asked = []
  link = 'on'
  caches = ['precache']
  vi.stubGlobal('fetch', answered)
  vi.stubGlobal('localStorage', { clear: () => undefined })
  vi.stubGlobal('navigator', {})
  vi.stubGlobal('sessionStorage', { clear: () => undefined })
  vi.stubGlobal('caches', {
    keys: () => Promise.resolve([...caches]),
    delete: () => Promise.resolve((caches = []).length),
  })
})
afterEach(async () => {
  vi.unstubAllGlobals()
  await world.db.delete()
  await sealedFiles.bundles.clear()
})

async function answered(path: string, init: RequestInit): Promise<Response> {
  if (link === 'off') throw new TypeError('network')
  if (path !== '/sync/v1/bundles') {
    asked.push({ path, body: init.body === undefined ? null : JSON.parse(String(init.body)) })
    return new Response(null, { status: 204 })
  }
  if (link === 'no bundles') return Response.json({ code: 'try_again' }, { status: 503 })
  bundles.push(new Uint8Array(await (init.body as Blob).arrayBuffer()))
  return Response.json({ device_id: DEVICE, results: {}, files: 1, refused_files: [], receipt: '' })
}

async function recorded(text: string): Promise<void> {
  const bytes = new Blob([text])
  const ref = { sha256: await sha256Hex(utf8(text)), size: bytes.size, mime: 'image/jpeg', kind: 'photo', slot: 'a' }
  await here.client.record([
    { entity: 'job', rec_id: JOB, kind: 'update', fields: { note: text }, files: [{ ref, bytes }] },
  ])
}

const inside = async (raw: Uint8Array) => opened(raw, one(vectors.open[0]).server_seal, await publicJwk(key))
const names = async (): Promise<string[]> => (await indexedDB.databases()).map((one) => one.name ?? '')

test('[E1] it is asked by the refusal of a pull, or of a sign-in', () => {
  expect(eraseAsked({ code: 'device_revoked', params: { wipe: true } })).toBe(true)
  expect(eraseAsked({ code: 'device-revoked', params: { wipe: true } })).toBe(true)
  expect(eraseAsked({ code: 'device_revoked', params: { wipe: false } })).toBe(false)
  expect(eraseAsked({ code: 'device_revoked' })).toBe(false)
})

test('[E1] [E2] what was not sent is sealed and delivered first, then all is erased and said so', async () => {
  await recorded('one')
  await recorded('two')
  expect(await erase(world)).toEqual({ delivered: 1, kept: 0 })
  const found = await inside(one(bundles[0]))
  expect(found.ops).toMatchObject([
    { op_no: 1, fields: { note: 'one' } },
    { op_no: 2, fields: { note: 'two' } },
  ])
  expect([...found.files].sort()).toEqual(['one', 'two'])
  expect(await names()).not.toContain(world.db.name)
  expect(caches).toEqual([])
  expect(asked).toMatchObject([{ path: '/sync/v1/erased', body: { device_id: DEVICE } }])
})

test('[E2] an edit that comes while the bundle is on its way is sealed too', async () => {
  await recorded('one')
  let late = false
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    if (!late && path === '/sync/v1/bundles') {
      late = true
      await recorded('late')
    }
    return answered(path, init)
  })
  await erase(world)
  expect((await inside(one(bundles.at(-1)))).ops).toMatchObject([{ op_no: 1 }, { op_no: 2, fields: { note: 'late' } }])
})

test.each(['off', 'no bundles'] as const)('[E1] with %s the sealed file stays and nothing readable', async (state) => {
  await recorded('one')
  link = state
  expect(await erase(world)).toEqual({ delivered: 0, kept: 1 })
  expect(await names()).not.toContain(world.db.name)
  const [row] = await sealedFiles.bundles.toArray()
  expect(row).toMatchObject({ state: 'waiting', ops: 1, files: 1, device_id: DEVICE })
  expect((await inside(new Uint8Array(await one(row).blob.arrayBuffer()))).files).toEqual(['one'])
  expect(await one(row).blob.text()).not.toContain('"note":"one"')
})

test('[E2] without a key to seal it to, nothing is erased', async () => {
  await recorded('one')
  await world.settings.remove('server_keys')
  link = 'off'
  await expect(erase(world)).rejects.toBeInstanceOf(CannotSeal)
  expect(await world.db.ops.count()).toBe(1)
  expect(here.client.started).toBe(true)
  here.client.stop()
})

test('[E2] numbers with a hole are not erased before a push has closed it', async () => {
  await recorded('one')
  await recorded('two')
  await recorded('three')
  await world.db.ops.delete(2)
  await expect(erase(world)).rejects.toMatchObject({ code: 'numbers_have_a_hole' })
  expect(await world.db.ops.count()).toBe(2)
  here.client.stop()
})

test('[E2] a tablet with nothing to lose is erased at once', async () => {
  expect(await erase(world)).toEqual({ delivered: 0, kept: 0 })
  expect(bundles).toEqual([])
  expect(await names()).not.toContain(world.db.name)
})

test('[E4] what it carries for others survives', async () => {
  await recorded('one')
  const [other] = await sealUnsent(world.storage, world.settings, 0)
  await carry('of another.msb', one(other).blob)
  await erase(world)
  expect((await sealedFiles.bundles.toArray()).map((row) => row.name)).toEqual(['of another.msb'])
})
