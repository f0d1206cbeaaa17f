/** Unsent work as one sealed file (SPEC V1, V2), and the receipts that come back for it (V8). */

import { settle } from './outbox'
import type { Op, OpStatus } from './protocol'
import { ASKED, heardLife, readMeta, type FileRow, type Tables } from './store'

const MAGIC = 'MSBNDL1\n'
export const BUNDLE_MIME = 'application/vnd.mobile-sync.bundle'
export const CHUNK_BYTES = 256 * 1024
/** What a server takes, with room for all the files there may be. */
const MOST_OPS_BYTES = 32 * 1024 * 1024
const MOST_FILES = 2_000

/** A public P-256 key (RFC 7517). */
export interface Jwk {
  kty: string
  crv: string
  x: string
  y: string
}

export type Cipher = (nonce: Uint8Array, plain: Uint8Array) => Promise<Uint8Array>

/** The cryptography, which every browser has and this engine does not: see SPEC V2 for what each must do. */
export interface SealKit {
  utf8(text: string): Uint8Array
  /** 64 lower-case hexadecimal digits. */
  sha256(bytes: Uint8Array): Promise<string>
  /** ES256 by the device's key: 64 bytes. */
  sign(bytes: Uint8Array): Promise<Uint8Array>
  /** A key for this one bundle: its public half, and the cipher it makes with the server's and the opening. */
  agree(): Promise<{ key: Jwk; cipher(opening: Uint8Array): Promise<Cipher> }>
}

/** What has not been sent: ops that follow on each other, and files that are here and not verified. */
export interface Unsent {
  epoch: string | null
  ops: Op[]
  files: FileRow[]
  /** Ops behind a hole in the numbers: they get others at the next push (SPEC P15) and are in no bundle until then. */
  beyond: number
}

/** Who seals, and to whom: `to` is the thumbprint of the server's key (RFC 7638). */
export interface Sealing {
  device_id: string
  person_id: string | null
  schema_version: number
  created_at: string
  to: string
}

/** Everything that would be lost with this device. */
export async function unsent(tables: Tables): Promise<Unsent> {
  const pending = (await tables.ops.by('state', 'pending')).sort((a, b) => a.op_no - b.op_no)
  const first = pending[0]?.op_no ?? 0
  const ops = pending.filter((row, at) => row.op_no === first + at).map((row) => row.op)
  const files = []
  for (const state of ['waiting', 'refused', 'parked'] as const) {
    for (const file of await tables.files.by('state', state)) {
      if ((await tables.contents.get(file.sha256)) !== undefined) files.push(file)
    }
  }
  files.sort((a, b) => a.size - b.size)
  return { epoch: await numberedIn(tables), ops, files, beyond: pending.length - ops.length }
}

/**
 * The life of the server in which the numbers of the pending ops hold (SPEC V11): a pull may have named another, in which
 * they may mean other ops, or be ours no longer. Where op 1 is pending they never change.
 */
export async function numberedIn(tables: Tables): Promise<string | null> {
  const heard = await heardLife(tables)
  if ((await tables.ops.get(1))?.state === 'pending') return heard
  return readMeta(tables, ASKED, heard)
}

/** Files in bundles of `most` bytes each, small ones first; one that is larger goes alone. The first has the ops. */
export function groups(files: readonly FileRow[], most: number): FileRow[][] {
  let last: FileRow[] = []
  const found = [last]
  let bytes = 0
  for (const file of files) {
    const full = bytes + file.size > most || last.length === MOST_FILES
    if (full && last.length > 0) {
      last = []
      found.push(last)
    }
    bytes = full ? file.size : bytes + file.size
    last.push(file)
  }
  return found
}

/** As many of the ops, from the first on, as one bundle takes; a group of ops is not cut. */
export function fitting(ops: readonly Op[], most = MOST_OPS_BYTES): Op[] {
  let end = 0
  let chars = 2
  for (let at = 0; at < ops.length; at++) {
    // Three bytes a character at most, so that nothing has to be encoded to be measured.
    chars += 3 * (JSON.stringify(ops[at]).length + 1)
    if (chars > most) break
    const group = ops[at + 1]?.group_no
    if (group === undefined || group !== ops[at]?.group_no) end = at + 1
  }
  return ops.slice(0, end)
}

/** The bytes of a bundle, piece by piece. `slice` reads of a file what is asked for. */
export async function* sealed(
  who: Sealing,
  work: Omit<Unsent, 'beyond'>,
  slice: (file: FileRow, from: number, to: number) => Promise<Uint8Array>,
  kit: SealKit,
): AsyncGenerator<Uint8Array> {
  const ops = kit.utf8(JSON.stringify(work.ops))
  const { key, cipher } = await kit.agree()
  const header = kit.utf8(JSON.stringify(await headerOf(who, work, ops, key, kit)))
  const opening = joined([kit.utf8(MAGIC), number(header.length, 4), header])
  yield opening
  yield await kit.sign(opening)
  const encrypt = await cipher(opening)
  yield* part(0, ops.length, (from, to) => Promise.resolve(ops.slice(from, to)), encrypt)
  for (const [at, file] of work.files.entries()) {
    yield* part(at + 1, file.size, (from, to) => slice(file, from, to), encrypt)
  }
}

async function headerOf(
  who: Sealing,
  { epoch, ops, files }: Omit<Unsent, 'beyond'>,
  raw: Uint8Array,
  key: Jwk,
  kit: SealKit,
): Promise<object> {
  return {
    format: 1,
    ...who,
    epoch,
    first_op: ops[0]?.op_no ?? 0,
    last_op: ops.at(-1)?.op_no ?? 0,
    ops: { count: ops.length, size: raw.length, sha256: await kit.sha256(raw) },
    files: files.map(({ sha256, size, mime, kind }) => ({ sha256, size, mime, kind })),
    key,
  }
}

async function* part(
  which: number,
  size: number,
  read: (from: number, to: number) => Promise<Uint8Array>,
  encrypt: Cipher,
): AsyncGenerator<Uint8Array> {
  const count = Math.max(1, Math.ceil(size / CHUNK_BYTES))
  for (let at = 0; at < count; at++) {
    const plain = await read(at * CHUNK_BYTES, Math.min(size, (at + 1) * CHUNK_BYTES))
    const last = at === count - 1 ? 1 : 0
    yield await encrypt(joined([number(which, 4), number(at, 7), number(last, 1)]), plain)
  }
}

function number(value: number, bytes: number): Uint8Array {
  const written = new Uint8Array(bytes)
  for (let at = bytes - 1, rest = value; at >= 0; at--, rest = Math.floor(rest / 256)) written[at] = rest % 256
  return written
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0))
  let at = 0
  for (const one of parts) {
    whole.set(one, at)
    at += one.length
  }
  return whole
}

/** What a receipt says, its signature checked. */
export interface Receipt {
  device_id: string
  epoch: string
  server_at: string
  expected: number
  results: { op_no: number; status: OpStatus; rev: number }[]
  files: string[]
}

/** Statuses that leave nothing more to be said of an op; what became of the others comes with their next push. */
const PLAIN: readonly OpStatus[] = ['applied', 'noop']

/**
 * Settle what a receipt settles. Returns how many ops and files that were; null where it is of another life (V8). Results
 * are dated by the server's clock: this device's may be years off (P14).
 */
export async function takeReceipt(tables: Tables, receipt: Receipt): Promise<number | null> {
  if (receipt.epoch !== (await heardLife(tables))) return null
  const results = receipt.results.filter((one) => PLAIN.includes(one.status))
  let settled = await settle(tables, results, Date.parse(receipt.server_at))
  for (const sha256 of receipt.files) {
    const file = await tables.files.get(sha256)
    if (file === undefined || file.state === 'verified') continue
    await tables.files.put({ ...file, state: 'verified', sent: file.size, verified_at: null, error: null })
    settled += 1
  }
  return settled
}
