import { describe, expect, test } from 'vitest'
import type { Doc, Edit, SyncStorage } from '../src'
import { fieldOf, outstanding, view, viewAll } from '../src'
import { INCIDENTS } from '../src/verify'
import { MemoryStorage } from '../src/memory'
import type { Weather } from './world'
import { seeded, sha256, tablet, TestClock, TestServer } from './world'

class Killed extends Error {}

const JOBS = ['j1', 'j2', 'j3', 'j4']
const BAD_WEATHER: readonly Weather[] = ['lost', 'unanswered', 'busy']

/** One random life of a tablet: edits, photos, office edits, scope moves, lost messages and kills at any storage step. */
async function live(
  seed: number,
  storage: MemoryStorage,
): Promise<{ server: TestServer; kept: Kept; storage: SyncStorage }> {
  const random = seeded(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const server = new TestServer()
  const clock = new TestClock()
  const kept: Kept = { values: new Map(), photos: new Set() }
  for (const job of JOBS) server.write('job', job, { note: 'from the office' })
  let process = tablet(server, storage, clock)
  process.link.weather = () => (random() < 0.25 ? pick(BAD_WEATHER) : 'fair')
  for (let step = 0; step < 60; step++) {
    const fuse = random() < 0.3 ? Math.floor(random() * 40) : Infinity
    let steps = 0
    storage.fuse = () => {
      if (++steps > fuse) throw new Killed()
    }
    try {
      await act(random, pick, { server, process, kept, step })
    } catch (error) {
      if (!(error instanceof Killed)) throw error
      const weather = process.link.weather
      process = tablet(server, storage, clock)
      process.link.weather = weather
    }
    storage.fuse = () => undefined
    if (step % 5 === 4) await expectOwnWritesSeen(storage, kept)
    clock.ms += Math.floor(random() * 700_000)
  }
  storage.fuse = () => undefined
  process.link.weather = () => 'fair'
  for (let round = 0; round < 3; round++) {
    clock.ms += 700_000
    expect(await process.client.sync()).toMatchObject({ kind: 'done' })
  }
  return { server, kept, storage }
}

/** What the person was told is safe: field values by name, and hashes. */
interface Kept {
  values: Map<string, number>
  photos: Set<string>
}

/** Whatever was kept shows, before and after it was sent, wherever its job is in scope. */
async function expectOwnWritesSeen(storage: SyncStorage, kept: Kept): Promise<void> {
  for (const job of JOBS) {
    const seen = await storage.run('read', (tables) => view(tables, 'job', job))
    if (seen === null) continue
    for (const [name, value] of kept.values) {
      const [of, field] = name.split(' ') as [string, string]
      if (of === job) expect(fieldOf(seen.doc, field), name).toBe(value)
    }
  }
}

interface Scene {
  server: TestServer
  process: ReturnType<typeof tablet>
  kept: Kept
  step: number
}

async function act(random: () => number, pick: <T>(list: readonly T[]) => T, scene: Scene): Promise<void> {
  const { server, process, kept, step } = scene
  const dice = random()
  const job = pick(JOBS)
  if (dice < 0.35) {
    const name = `answers.q${step}`
    const count = 1 + Math.floor(random() * 4)
    const edits = [...Array(count).keys()].map((n): Edit => ({
      entity: 'job',
      rec_id: job,
      kind: 'update',
      fields: { [`${name}_${n}`]: step },
    }))
    await process.client.record(edits, { together: random() < 0.5 })
    for (const edit of edits) kept.values.set(`${job} ${Object.keys(edit.fields)[0]}`, step)
  } else if (dice < 0.5) {
    const text = `photo ${step} ${'x'.repeat(Math.floor(random() * 20))}`
    const ref = {
      sha256: sha256(text),
      size: text.length,
      mime: 'image/jpeg',
      kind: pick(['photo', 'signature']),
      slot: 's',
    }
    await process.client.record([
      {
        entity: 'attachment',
        rec_id: `a${step}`,
        kind: 'create',
        fields: { job_id: job },
        files: [{ ref, bytes: text }],
      },
    ])
    kept.photos.add(ref.sha256)
  } else if (dice < 0.7) {
    const bucket = pick(['crew:1', 'crew:1', 'crew:2'])
    server.write('job', job, { office: step }, bucket)
  } else if (dice < 0.75) {
    if (!server.subscribed.delete('crew:2')) server.subscribed.add('crew:2')
  } else {
    await process.client.sync()
  }
}

async function replica(storage: SyncStorage): Promise<Record<string, Doc>> {
  const docs: Record<string, Doc> = {}
  for (const entity of ['job', 'attachment']) {
    for (const view of await storage.run('read', (tables) => viewAll(tables, entity)))
      docs[`${entity}/${view.id}`] = view.doc
  }
  return docs
}

/** Milliseconds; a life takes a fifth of a second on a quiet machine. */
const PATIENCE = 60_000

describe('[I11..I20] any life of a tablet', { timeout: PATIENCE }, () => {
  test.each([...Array(25).keys()].map((n) => n + 1))(
    'seed %i: all that was kept arrived, once, and both sides agree',
    async (seed) => {
      const { server, kept, storage } = await live(seed, new MemoryStorage())
      const left = await outstanding(storage)
      expect(left).toMatchObject({ ops: 0, at_centre: 0, files: {}, parked: 0 })
      for (const [name, value] of kept.values) {
        const [job, field] = name.split(' ') as [string, string]
        const answers = server.records.get(`job/${job}`)?.doc['answers'] as Doc | undefined
        expect(answers?.[field.slice('answers.'.length)], name).toBe(value)
      }
      const numbers = [...server.ledger.keys()]
      const own = await storage.run('read', (tables) => tables.ops.all())
      expect(own.map((row) => row.op_no)).toEqual(numbers)
      expect(await storage.run('read', (tables) => tables.meta.get(INCIDENTS))).toBeUndefined()
      expect(numbers).toEqual(numbers.map((_, at) => at + 1))
      for (const hash of kept.photos) expect(sha256(server.stored.get(hash) ?? ''), hash).toBe(hash)
      expect(await replica(storage)).toEqual(server.inScope())
    },
  )
})
