/**
 * Sealed files that this tablet carries, of others or its own (SPEC V10). They lie in a database apart, which an erasure
 * does not reach: nothing in them can be read here.
 */

import Dexie, { type Table } from 'dexie'
import { BUNDLE_MIME } from '@sync/bundle'
import type { Problem } from '@sync/protocol'
import { Fault, type Locks } from '@sync/world'
import { ask } from '../sync/http'
import { sha256Hex } from '../sync/keys'
import type { Session } from '../sync/session'

const TIMEOUT_MS = 15 * 60_000
const MAGIC = 'MSBNDL1\n'
/** Magic, length and signature. */
const OPENING_BYTES = 76
/** Refusals that time does not cure; the rest may pass later. */
const FINAL = ['not_a_bundle', 'bundle_format', 'bundle_truncated', 'broken_seal', 'foreign_server', 'unknown_origin']

/** What the centre says of a bundle (SPEC, `POST /bundles`). */
export interface Delivered {
  device_id: string
  results: Record<string, number>
  files: number
  refused_files: { sha256: string; code: string }[]
  receipt: string
}

export interface CarriedRow {
  id: string
  name: string
  blob: Blob
  taken_at: number
  /** Of another tablet, or this one's own from before it was erased. */
  device_id: string
  created_at: string
  ops: number
  files: number
  state: 'waiting' | 'delivered' | 'refused'
  error: Problem | null
  answer: Delivered | null
}

class SealedDatabase extends Dexie {
  bundles!: Table<CarriedRow, string>

  constructor() {
    super('lamplighter-sealed', { chromeTransactionDurability: 'strict' })
    this.version(1).stores({ bundles: 'id, state' })
  }
}

export const sealedFiles = new SealedDatabase()

interface Header {
  format: number
  device_id: string
  created_at: string
  ops: { count: number; size: number }
  files: { size: number }[]
}

/** The header of a bundle that is as long as it says; null for no bundle. Whether the seal is whole the centre knows. */
export async function headerOf(blob: Blob): Promise<Header | 'truncated' | null> {
  const start = new Uint8Array(await blob.slice(0, 12).arrayBuffer())
  if (new TextDecoder().decode(start.slice(0, 8)) !== MAGIC || start.length < 12) return null
  const length = new DataView(start.buffer).getUint32(8)
  try {
    const header = JSON.parse(await blob.slice(12, 12 + length).text()) as Header
    const sizes = [header.ops.size, ...header.files.map((file) => file.size)]
    const whole = sizes.reduce((sum, size) => sum + sealedSize(size), OPENING_BYTES + length)
    return blob.size < whole ? 'truncated' : header
  } catch {
    return blob.size < 12 + length ? 'truncated' : null
  }
}

/** A tag of 16 bytes a chunk (SPEC V2). */
function sealedSize(size: number): number {
  return size + 16 * Math.max(1, Math.ceil(size / (256 * 1024)))
}

/** Take a bundle along; the same one twice is one. A file that is no whole bundle is refused with the reason. */
export async function carry(name: string, blob: Blob): Promise<'taken' | 'truncated' | 'not_a_bundle'> {
  const header = await headerOf(blob)
  if (header === null || header === 'truncated') return header ?? 'not_a_bundle'
  // The signature makes the opening unlike any other.
  const length = new DataView(await blob.slice(8, 12).arrayBuffer()).getUint32(0)
  const id = await sha256Hex(await blob.slice(0, OPENING_BYTES + length).arrayBuffer())
  const known = await sealedFiles.bundles.get(id)
  if (known !== undefined && known.state !== 'refused') return 'taken'
  await sealedFiles.bundles.put({
    ...{ id, name, blob, device_id: header.device_id, created_at: header.created_at },
    ...{ ops: header.ops.count, files: header.files.length, taken_at: Date.now() },
    ...{ state: 'waiting', error: null, answer: null },
  })
  return 'taken'
}

/** Bring what waits. Safe to call at any time and twice: the centre counts each edit once. */
export async function bring(session: Session, locks: Locks): Promise<void> {
  await locks.only('crew.carry', async () => {
    const waiting = await sealedFiles.bundles.where('state').equals('waiting').toArray()
    for (const row of waiting.sort((a, b) => (a.created_at < b.created_at ? -1 : 1))) await bringOne(row, session)
  })
}

async function bringOne(row: CarriedRow, session: Session): Promise<void> {
  try {
    const answer = await deliver(row.blob, session)
    await sealedFiles.bundles.put({ ...row, state: 'delivered', error: null, answer })
  } catch (error) {
    if (!(error instanceof Fault) || error.kind !== 'refused') throw error
    const state = FINAL.includes(error.problem.code ?? '') ? 'refused' : 'waiting'
    await sealedFiles.bundles.put({ ...row, state, error: error.problem })
  }
}

/** Send a bundle. Throws Fault. */
export async function deliver(blob: Blob, session: Session): Promise<Delivered> {
  const init = { method: 'POST', headers: { 'Content-Type': BUNDLE_MIME }, body: blob }
  const send = (token: string): Promise<Delivered> => ask<Delivered>('/sync/v1/bundles', init, token, TIMEOUT_MS)
  return send(await session.token()).catch(async (fault: unknown) => {
    if (!(fault instanceof Fault) || fault.kind !== 'auth') throw fault
    return send(await session.renew())
  })
}
