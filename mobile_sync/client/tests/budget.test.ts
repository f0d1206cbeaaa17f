import { beforeEach, describe, expect, test } from 'vitest'
import type { BudgetRules, Conditions, Edit } from '../src'
import { FIELD_FILES } from '../src'
import { MemoryStorage } from '../src/memory'
import type { Tablet } from './world'
import { sha256, tablet, TestClock, TestServer } from './world'

const JOB = '018f0000-0000-7000-8000-000000000001'
/** The link takes four bytes a request. */
const BUDGET: BudgetRules = { always: ['signature', 'thumb'], small: 8, weak_bytes: 8 }

let server: TestServer
let clock: TestClock
let said: Conditions
let here: Tablet

beforeEach(() => {
  server = new TestServer()
  server.write('job', JOB, { state: 'assigned', note: null })
  clock = new TestClock()
  said = { link: null, battery: null }
  here = tablet(server, new MemoryStorage(), clock, FIELD_FILES, 1, false, {
    conditions: () => Promise.resolve(said),
    budget: BUDGET,
  })
})

async function record(...files: { text: string; kind?: string }[]): Promise<void> {
  const made: Edit[] = files.map(({ text, kind = 'photo' }, n) => ({
    entity: 'job',
    rec_id: JOB,
    kind: 'update',
    fields: { note: text },
    files: [{ ref: { sha256: sha256(text), size: text.length, mime: 'image/jpeg', kind, slot: `s${n}` }, bytes: text }],
  }))
  await here.client.record(made)
}
/** How much of a file the server has. */
const got = (text: string): number => server.stored.get(sha256(text))?.length ?? 0
const PHOTO = 'a photo of twenty-four b'
const OTHER = 'a photo of other bytes..'
const SMALL = 'small'
const SIGNATURE = 'the strokes of a long signature'

describe('[B12] on a weak link', () => {
  beforeEach(() => {
    said.link = 'weak'
  })

  test('ops, signatures and small files go, and of photos no more than the budget a round', async () => {
    await record({ text: PHOTO }, { text: OTHER }, { text: SMALL }, { text: SIGNATURE, kind: 'signature' })
    await here.client.sync()
    expect(server.ledger.size).toBe(4)
    expect([got(SMALL), got(SIGNATURE)]).toEqual([SMALL.length, SIGNATURE.length])
    expect(got(PHOTO) + got(OTHER)).toBe(BUDGET.weak_bytes)
    expect(here.client.waiting).toEqual({ why: 'link', files: 2, bytes: 48 - 8 })
  })

  test('a file goes on in the next round where the server is', async () => {
    await record({ text: PHOTO })
    const taken: number[] = []
    for (let round = 0; round < 3; round += 1) {
      await here.client.sync()
      taken.push(got(PHOTO))
    }
    expect(taken).toEqual([8, 16, 24])
    expect(here.client.waiting).toBeNull()
    expect(here.link.requests.filter((name) => name === 'patch')).toHaveLength(6)
  })

  test('everything goes when the link is good', async () => {
    await record({ text: PHOTO }, { text: OTHER })
    await here.client.sync()
    said.link = 'good'
    await here.client.sync()
    expect(got(PHOTO) + got(OTHER)).toBe(48)
    expect(here.client.waiting).toBeNull()
  })

  test('what another tablet has sent costs nothing and is not waited for', async () => {
    server.stored.set(sha256(OTHER), OTHER)
    await record({ text: PHOTO }, { text: OTHER })
    await here.client.sync()
    expect(here.client.waiting).toMatchObject({ files: 1 })
  })

  test('edits that come in between cost a round no second budget', async () => {
    await record({ text: PHOTO })
    const upload = here.link.upload.bind(here.link)
    let chunks = 0
    here.link.upload = (file, bytes, at, sent) =>
      upload(file, bytes, at, (n) => {
        if ((chunks += 1) === 1) void here.client.record([{ entity: 'job', rec_id: JOB, kind: 'update', fields: {} }])
        return sent(n)
      })
    await here.client.sync()
    expect(got(PHOTO)).toBe(BUDGET.weak_bytes)
  })

  test('a person may have everything sent', async () => {
    await record({ text: PHOTO }, { text: OTHER })
    await here.client.sync()
    here.client.hurry()
    await here.client.sync()
    expect(got(PHOTO) + got(OTHER)).toBe(48)
    await record({ text: `${PHOTO} again` })
    await here.client.sync()
    expect(got(`${PHOTO} again`), 'that held for one round').toBe(BUDGET.weak_bytes)
  })
})

describe('[B12] where the system says nothing of the link', () => {
  /** Each request takes so many milliseconds. */
  function slow(ms: number): void {
    here.link.weather = () => {
      clock.ms += ms
      return 'fair'
    }
  }
  /** More than the 32 KiB that a link is measured by. */
  const LARGE = 'x'.repeat(100_000)

  test('it is judged by what files took: a slow one ends at the budget, a fast one frees the rest', async () => {
    let chunk_ms = 4_000
    here.link.upload = async (file, bytes, at, sent) => {
      for (let end = at.offset; end < file.size;) {
        clock.ms += chunk_ms
        end = Math.min(file.size, end + 35_000)
        server.stored.set(file.sha256, (bytes as string).slice(0, end))
        if (!sent(end)) return
      }
    }
    await record({ text: LARGE })
    await here.client.sync()
    expect([got(LARGE), here.client.waiting?.why]).toEqual([35_000, 'link'])
    chunk_ms = 1
    await here.client.sync()
    expect([got(LARGE), here.client.waiting]).toEqual([LARGE.length, null])
  })

  test('requests that take long make it weak', async () => {
    await record({ text: PHOTO })
    slow(6_000)
    await here.client.sync()
    expect([got(PHOTO), here.client.waiting?.why]).toEqual([8, 'link'])
    slow(10)
    await here.client.sync()
    expect([got(PHOTO), here.client.waiting]).toEqual([24, null])
  })
})

describe('[B13] with a low battery that is not being charged', () => {
  beforeEach(() => {
    said.battery = 'low'
  })

  test('large files wait; ops, signatures and small files never do', async () => {
    await record({ text: PHOTO }, { text: SMALL }, { text: SIGNATURE, kind: 'signature' })
    await here.client.sync()
    expect(server.ledger.size).toBe(3)
    expect([got(PHOTO), got(SMALL), got(SIGNATURE)]).toEqual([0, SMALL.length, SIGNATURE.length])
    expect(here.client.waiting).toEqual({ why: 'battery', files: 1, bytes: PHOTO.length })
  })

  test('they go when it is charged', async () => {
    await record({ text: PHOTO })
    await here.client.sync()
    said.battery = 'fine'
    await here.client.sync()
    expect([got(PHOTO), here.client.waiting]).toEqual([PHOTO.length, null])
  })

  test('a person may have everything sent', async () => {
    await record({ text: PHOTO })
    here.client.hurry()
    await here.client.sync()
    expect(got(PHOTO)).toBe(PHOTO.length)
  })
})
