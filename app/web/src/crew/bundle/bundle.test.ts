import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CHUNK_BYTES, groups, sealed, takeReceipt, type Jwk, type Receipt } from '@sync/bundle'
import { count } from '@sync/status'
import { stage } from '@sync/pull'
import type { PullResponse } from '@sync/protocol'
import type { FileRow } from '@sync/store'
import { tablet, TestLocks, TestServer, type Tablet } from '../../../../../mobile_sync/client/tests/world'
import vectors from '../../../../../mobile_sync/conformance/bundles.json'
import { CrewDatabase } from '../db/database'
import { SettingsStore } from '../db/settings'
import { DexieStorage } from '../db/storage'
import { makeKey, publicJwk, sha256Hex } from '../sync/keys'
import { Session } from '../sync/session'
import { bring, carry, headerOf, sealedFiles } from './carried'
import { learnKeys } from './convoy'
import { CannotSeal, sealForCourier, sealUnsent } from './make'
import { opened } from './opening.testing'
import { readReceipt, sealKit, thumbprint, utf8 } from './seal'

/** What must be there. */
function one<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('nothing here')
  return value
}

const vector = one(vectors.open[0])
const SERVER = one(vectors.keys[0])
const JOB = '018f0000-0000-7000-8000-000000000001'
const person = { id: '018f0000-0000-7000-8000-0000000000a1', name: '赵强' }

let db: CrewDatabase
let settings: SettingsStore
let storage: DexieStorage
let server: TestServer
let here: Tablet
let key: CryptoKeyPair
let made = 0

beforeEach(async () => {
  db = new CrewDatabase(`bundle-${++made}`)
  settings = new SettingsStore(db)
  storage = new DexieStorage(db)
  server = new TestServer()
  server.write('job', JOB, { state: 'assigned', note: null })
  here = tablet(server, storage)
  key = await makeKey()
  await settings.set('key', key)
  await settings.set('device', {
    device_id: '018f0000-0000-7000-8000-0000000000d1',
    name: 'R3 / 1',
    person,
    crew: null,
  })
  await settings.set('tokens', { access_token: 'a1', access_until: Date.now() + 600_000, refresh_token: 'r1' })
  await settings.set('server_keys', { seal: SERVER.seal, sign: SERVER.sign, at: Date.now() })
})
afterEach(async () => {
  vi.unstubAllGlobals()
  await db.delete()
  await sealedFiles.bundles.clear()
})

const photo = async (text: string) => ({
  ref: {
    sha256: await sha256Hex(utf8(text)),
    size: utf8(text).length,
    mime: 'image/jpeg',
    kind: 'photo',
    slot: 'before',
  },
  bytes: new Blob([text]),
})

async function recorded(...texts: string[]): Promise<void> {
  for (const text of texts) {
    const files = [await photo(text)]
    await here.client.record([{ entity: 'job', rec_id: JOB, kind: 'update', fields: { note: text }, files }])
  }
}

async function openedBlob(blob: Blob) {
  const device = await publicJwk(key)
  return opened(new Uint8Array(await blob.arrayBuffer()), vector.server_seal, device)
}

describe('[V2] the format', () => {
  test.each(vectors.open.map((sample) => [sample.name, sample] as const))(
    '[V2] a bundle %s opens here',
    async (_, sample) => {
      const raw = Uint8Array.from(atob(sample.bundle), (char) => char.charCodeAt(0))
      const found = await opened(raw, sample.server_seal, sample.device)
      expect(found.header).toMatchObject({
        ...sample.expect.header,
        format: 1,
        ops: { count: sample.expect.ops.length },
      })
      expect([found.ops, found.files]).toEqual([sample.expect.ops, sample.expect.files])
    },
  )

  test('[V2] parts of every length about a chunk come out as they went in', async () => {
    for (const size of [1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES]) {
      const bytes = new Uint8Array(size).fill(65)
      const file = { sha256: 'f', size, mime: 'image/jpeg', kind: 'photo' } as FileRow
      const who = { device_id: 'd', person_id: null, schema_version: 1, created_at: '', to: '' }
      const pieces: Blob[] = []
      const read = (_: FileRow, from: number, to: number) => Promise.resolve(bytes.slice(from, to))
      const kit = sealKit(key, SERVER.seal)
      for await (const piece of sealed(who, { epoch: null, ops: [], files: [file] }, read, kit))
        pieces.push(new Blob([piece as Uint8Array<ArrayBuffer>]))
      const found = await openedBlob(new Blob(pieces))
      expect(found.files[0]).toBe('A'.repeat(size))
    }
  })

  test('[V3] the key it is sealed to is named by its thumbprint', async () => {
    expect(await thumbprint(SERVER.seal as Jwk)).toBe(SERVER.thumbprint)
  })
})

describe('[V1] unsent work as a file', () => {
  test('[V1] all edits and their files, and nothing leaves the queue by it', async () => {
    await recorded('one', 'two')
    const [only] = await sealUnsent(storage, settings, 1_000_000)
    expect(only).toMatchObject({ ops: 2, files: 2 })
    expect(one(only).name).toMatch(/^R3-1-\d{8}T\d{6}Z-1\.msb$/)
    const found = await openedBlob(one(only).blob)
    expect(found.header).toMatchObject({ first_op: 1, last_op: 2, person_id: person.id, schema_version: 1 })
    expect(found.ops).toEqual((await db.ops.toArray()).map((row) => row.op))
    expect([...found.files].sort()).toEqual(['one', 'two'])
    expect(await storage.run('read', (tables) => count(tables, []))).toMatchObject({ ops: 2 })
  })

  test('[V1] edits only, or as many files as the person lets go along', async () => {
    await recorded('small', 'x'.repeat(400), 'y'.repeat(500))
    expect((await sealUnsent(storage, settings, 0)).map(({ ops, files }) => [ops, files])).toEqual([[3, 0]])
    const parts = await sealUnsent(storage, settings, 450)
    expect(parts.map(({ ops, files }) => [ops, files])).toEqual([
      [3, 2],
      [0, 1],
    ])
    expect((await openedBlob(one(parts[1]).blob)).header).toMatchObject({ first_op: 0, last_op: 0 })
    expect(groups([], 10)).toEqual([[]])
  })

  test('[V1] what has a result and what is verified stays out; nothing unsent is no bundle', async () => {
    await here.client.record([{ entity: 'job', rec_id: JOB, kind: 'update', fields: { note: 'one' } }])
    await here.client.sync()
    expect(await sealUnsent(storage, settings, 1_000_000)).toEqual([])
  })

  test('[V3] without the server’s keys nothing is sealed, and they are asked for once a day', async () => {
    await recorded('one')
    await settings.remove('server_keys')
    await expect(sealUnsent(storage, settings, 0)).rejects.toBeInstanceOf(CannotSeal)
    const asked: string[] = []
    vi.stubGlobal('fetch', (path: string) => {
      asked.push(path)
      return Promise.resolve(Response.json({ seal: SERVER.seal, sign: SERVER.sign }))
    })
    await learnKeys(new Session(settings), settings)
    await learnKeys(new Session(settings), settings)
    expect(asked).toEqual(['/sync/v1/keys'])
    expect(await sealUnsent(storage, settings, 0)).toHaveLength(1)
  })
})

describe('[V10] carrying', () => {
  const answer = { device_id: 'd', results: { applied: 1 }, files: 1, refused_files: [], receipt: 'h.p.s' }

  test('[V10] a file is kept until it is delivered, and delivered once', async () => {
    await recorded('one')
    const [mine] = await sealUnsent(storage, settings, 1_000_000)
    const sent: { path: string; body: unknown; token: string | null }[] = []
    let link = false
    vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
      if (!link) return Promise.reject(new TypeError('network'))
      sent.push({ path, body: init.body, token: new Headers(init.headers).get('Authorization') })
      return Promise.resolve(Response.json(answer))
    })
    expect(await carry('a.msb', one(mine).blob)).toBe('taken')
    expect(await carry('again.msb', one(mine).blob)).toBe('taken')
    await expect(bring(new Session(settings), new TestLocks())).rejects.toMatchObject({ kind: 'offline' })
    expect((await sealedFiles.bundles.toArray()).map((row) => [row.name, row.state])).toEqual([['a.msb', 'waiting']])
    link = true
    await bring(new Session(settings), new TestLocks())
    await bring(new Session(settings), new TestLocks())
    expect(sent.map(({ path, token }) => [path, token])).toEqual([['/sync/v1/bundles', 'Bearer a1']])
    expect((await sealedFiles.bundles.toArray())[0]).toMatchObject({ state: 'delivered', answer })
  })

  test.each([
    ['broken_seal', 422, 'refused'],
    ['foreign_server', 422, 'refused'],
    ['bundle_gap', 409, 'waiting'],
    ['device_revoked', 403, 'waiting'],
  ])('[V10] %s is shown, and the file stays', async (code, status, state) => {
    await recorded('one')
    const [mine] = await sealUnsent(storage, settings, 0)
    await carry('a.msb', one(mine).blob)
    vi.stubGlobal('fetch', () => Promise.resolve(Response.json({ code, title: 'x' }, { status })))
    await bring(new Session(settings), new TestLocks())
    expect((await sealedFiles.bundles.toArray())[0]).toMatchObject({ state, error: { code } })
  })

  test('[V10] a file that is not whole, or no bundle, is not taken along', async () => {
    await recorded('one')
    const [mine] = await sealUnsent(storage, settings, 1_000_000)
    expect(await carry('a.msb', one(mine).blob.slice(0, -1))).toBe('truncated')
    expect(await carry('a.msb', one(mine).blob.slice(0, 40))).toBe('truncated')
    expect(await carry('a.jpg', new Blob(['\xff\xd8 a picture of something']))).toBe('not_a_bundle')
    expect(await carry('empty', new Blob([]))).toBe('not_a_bundle')
    expect(await headerOf(one(mine).blob)).toMatchObject({ format: 1 })
    expect(await sealedFiles.bundles.count()).toBe(0)
  })
})

describe('[V11] the life of a bundle', () => {
  const opsOf = async (made: { blob: Blob } | undefined) => (await openedBlob(one(made).blob)).header as object

  test('[V11] a pull that names another life changes it only when a push has asked there', async () => {
    await here.client.sync()
    await recorded('one')
    await here.client.sync()
    await recorded('two')
    const elsewhere = { epoch: 'e2', server_at: '2026-07-16T08:00:00.000Z', buckets: [], dropped: [], changes: [] }
    await storage.run('write', (tables) => stage(tables, elsewhere as unknown as PullResponse))
    expect(await opsOf((await sealUnsent(storage, settings, 0))[0])).toMatchObject({ epoch: 'e1', first_op: 2 })
    server.epoch = 'e2'
    await here.client.sync()
    await recorded('three')
    expect(await opsOf((await sealUnsent(storage, settings, 0))[0])).toMatchObject({ epoch: 'e2', first_op: 3 })
  })

  test('[V11] who never heard from the server makes no bundle of edits', async () => {
    await recorded('one')
    await expect(sealForCourier(storage, settings, 0)).rejects.toThrow(new CannotSeal('no_server_keys'))
  })
})

describe('[V8] receipts', () => {
  test('[V8] what the server of these keys wrote, and nothing else, is believed', async () => {
    const sample = one(vectors.receipts[0])
    expect(await readReceipt(`${sample.text}\n`, sample.sign)).toEqual(sample.claims)
    const [head, payload, signature] = sample.text.split('.') as [string, string, string]
    for (const wrong of ['', 'a.b.c', `${head}.${payload}`, `${head}.${payload}x.${signature}`, `${sample.text}.x`])
      expect(await readReceipt(wrong, sample.sign)).toBeNull()
    expect(await readReceipt(sample.text, SERVER.seal)).toBeNull()
  })

  test('[V8] it settles what is plain; the rest is asked of the server itself', async () => {
    await recorded('one', 'two', 'three')
    await db.meta.put({ key: 'pull.epoch', value: 'e1' })
    const files = [await sha256Hex(utf8('one'))]
    const results = [
      { op_no: 1, status: 'applied' as const, rev: 2 },
      { op_no: 2, status: 'conflict' as const, rev: 2 },
      { op_no: 3, status: 'noop' as const, rev: 2 },
    ]
    const server_at = '2026-07-16T08:00:00.000Z'
    const receipt: Receipt = { device_id: 'd', epoch: 'e1', server_at, expected: 4, results, files }
    const take = (what: Receipt) => storage.run('write', (tables) => takeReceipt(tables, what))
    expect(await take({ ...receipt, epoch: 'e0' })).toBeNull()
    expect(await take(receipt)).toBe(3)
    expect((await db.ops.toArray()).map((row) => row.state)).toEqual(['settled', 'pending', 'settled'])
    expect((await db.files.toArray()).map((row) => row.state).sort()).toEqual(['verified', 'waiting', 'waiting'])
    expect(await take(receipt)).toBe(0)
    expect((await db.ops.get(1))?.answered_at).toBe(Date.parse(server_at))
  })
})
