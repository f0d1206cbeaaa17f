/** Sending files: small first, until the server has verified them. Loaded when there is one to send. */

import type { Allowance, Throughput } from './budget'
import { KEEP_MS, type FileRules } from './files'
import type { BlobStatus } from './protocol'
import type { FileRow, SyncStorage, Tables } from './store'
import type { Clock, Transport, Uploader } from './world'
import { writeMeta } from './store'
import { Fault } from './world'

export interface FileWorld {
  storage: SyncStorage
  transport: Pick<Transport, 'checkBlobs'>
  uploader: Uploader
  clock: Clock
  rules: FileRules
  allowance: Allowance
  throughput: Throughput
  /** True when edits came in meanwhile: text goes before the next chunk of any file. */
  interrupted(): boolean
  /** Bytes of the file being sent that the server has; for the screen only. */
  progress(sha256: string, sent: number): void
}

/**
 * Send the waiting files that link and battery allow. One refused file is parked and the rest go on; a lost link ends the
 * round by its Fault.
 */
export async function sendFiles(world: FileWorld): Promise<number> {
  world.allowance.waiting = null
  const ordered = await world.storage.run('read', (tables) => inOrder(tables, world.rules))
  const waiting = smallFirst(world, ordered)
  let verified = 0
  for (let at = 0; at < waiting.length; at += world.rules.check_limit) {
    const group = waiting.slice(at, at + world.rules.check_limit)
    const known = await check(world, group)
    for (const file of group) {
      if (world.interrupted()) return verified
      verified += await sendOne(world, file, known.get(file.sha256))
    }
  }
  return verified
}

/** SPEC B10: by kind, among these by how soon they are wanted, then the smallest. */
async function inOrder(tables: Tables, rules: FileRules): Promise<FileRow[]> {
  const declared: { file: FileRow; rank: number[] }[] = []
  for (const file of await tables.files.by('state', 'waiting')) {
    // The op goes first: it declares the file (SPEC B2).
    if ((await tables.ops.get(file.op_no))?.state === 'pending') continue
    const listed = rules.order.indexOf(file.kind)
    const urgency = (await rules.urgency?.(tables, file)) ?? 0
    declared.push({ file, rank: [listed < 0 ? rules.order.length : listed, urgency, file.size, file.op_no] })
  }
  return declared.sort((a, b) => compare(a.rank, b.rank)).map(({ file }) => file)
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index])
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0)
}

/** What costs a weak link little goes before what costs it much (SPEC B12). */
function smallFirst({ allowance }: FileWorld, files: readonly FileRow[]): readonly FileRow[] {
  if (!allowance.isLinkWeak) return files
  return [...files.filter((file) => !allowance.isLarge(file)), ...files.filter((file) => allowance.isLarge(file))]
}

async function check(world: FileWorld, files: readonly FileRow[]): Promise<Map<string, BlobStatus>> {
  const answer = await world.transport.checkBlobs(files.map((file) => file.sha256))
  const { keep_s } = answer
  if (keep_s !== undefined) await world.storage.run('write', (tables) => writeMeta(tables, KEEP_MS, keep_s * 1000))
  return new Map(answer.blobs.map((blob) => [blob.sha256, blob]))
}

async function sendOne(world: FileWorld, file: FileRow, known: BlobStatus | undefined): Promise<number> {
  if (isVerified(known)) return markVerified(world, file)
  if (world.allowance.postpones(file, known?.offset ?? 0)) return 0
  if (!(await delivered(world, file, known))) return 0
  const after = (await check(world, [file])).get(file.sha256)
  if (isVerified(after)) return markVerified(world, file)
  const sent = after?.offset ?? 0
  await update(world, file, (row) => ({ ...row, tries: row.tries + 1, sent }))
  world.allowance.postpones(file, sent)
  return 0
}

function isVerified(known: BlobStatus | undefined): boolean {
  return known?.state === 'verified'
}

/** Upload what may go of a file; false: it is parked, for it can never be sent. */
async function delivered(world: FileWorld, file: FileRow, known: BlobStatus | undefined): Promise<boolean> {
  const content = await world.storage.run('read', (tables) => tables.contents.get(file.sha256))
  try {
    if (content === undefined) throw new Fault('refused', { code: 'file_bytes_missing' })
    await upload(world, file, content.bytes, known)
    return true
  } catch (fault) {
    if (!(fault instanceof Fault) || fault.kind !== 'refused') throw fault
    await park(world, file, fault)
    return false
  }
}

async function upload(world: FileWorld, file: FileRow, bytes: unknown, known: BlobStatus | undefined): Promise<void> {
  const { allowance, clock, throughput } = world
  const at = { url: known?.upload_url ?? null, offset: known?.offset ?? 0 }
  const began = clock.monotonic()
  let taken = at.offset
  await world.uploader.upload(file, bytes, at, (sent) => {
    allowance.spend(file, sent - taken)
    taken = sent
    throughput.measured(sent - at.offset, clock.monotonic() - began)
    world.progress(file.sha256, sent)
    return !world.interrupted() && allowance.allows(file)
  })
}

async function markVerified(world: FileWorld, file: FileRow): Promise<number> {
  // Dated by the next server time that is heard: this device's clock may be years off (SPEC B9).
  await update(world, file, (row) => ({ ...row, state: 'verified', sent: row.size, verified_at: null, error: null }))
  return 1
}

async function park(world: FileWorld, file: FileRow, fault: Fault): Promise<void> {
  await update(world, file, (row) => ({ ...row, state: 'refused', tries: row.tries + 1, error: fault.problem }))
}

async function update(world: FileWorld, file: FileRow, change: (row: FileRow) => FileRow): Promise<void> {
  await world.storage.run('write', async (tables) => {
    const row = await tables.files.get(file.sha256)
    if (row !== undefined) await tables.files.put(change(row))
  })
}
