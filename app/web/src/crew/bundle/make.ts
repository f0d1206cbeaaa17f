/** Sealed files of what this tablet has not sent (SPEC V1). */

import { BUNDLE_MIME, fitting, groups, sealed, unsent, type Jwk } from '@sync/bundle'
import type { FileRow, SyncStorage } from '@sync/store'
import type { SettingsStore } from '../db/settings'
import { SCHEMA_VERSION } from '../schema'
import { sealKit, thumbprint } from './seal'

/** A sealed file and what is in it. */
export interface Sealed {
  blob: Blob
  name: string
  ops: number
  files: number
}

/** Why nothing can be sealed. */
export class CannotSeal extends Error {
  constructor(readonly code: 'no_server_keys' | 'not_enrolled' | 'numbers_have_a_hole') {
    super(code)
  }
}

/** For somebody to take along. Who never heard from the server does not know in which of its lives the numbers will be (SPEC V11). */
export async function sealForCourier(storage: SyncStorage, settings: SettingsStore, most: number): Promise<Sealed[]> {
  const { epoch, ops } = await storage.run('read', unsent)
  if (epoch === null && ops.length > 0) throw new CannotSeal('no_server_keys')
  return sealUnsent(storage, settings, most)
}

/**
 * Bundles of at most `most` bytes of files each; the first has the edits. Sealing changes nothing here: what is in a
 * bundle stays unsent until the centre says that it has it.
 */
export async function sealUnsent(storage: SyncStorage, settings: SettingsStore, most: number): Promise<Sealed[]> {
  const device = await settings.get('device')
  const key = await settings.get('key')
  const keys = await settings.get('server_keys')
  if (device === null || key === null) throw new CannotSeal('not_enrolled')
  if (keys === null) throw new CannotSeal('no_server_keys')
  const { epoch, ops, files } = await storage.run('read', unsent)
  const who = {
    device_id: device.device_id,
    person_id: device.person.id,
    schema_version: SCHEMA_VERSION,
    to: await thumbprint(keys.seal),
  }
  const by = { key, server: keys.seal, device: device.name }
  const found: Sealed[] = []
  const waiting = most > 0 ? groups(files, most) : []
  for (let rest = ops, some = fitting(rest); some.length + waiting.length > 0; some = fitting(rest)) {
    rest = rest.slice(some.length)
    found.push(await sealOne(storage, by, who, { epoch, ops: some, files: waiting.shift() ?? [] }))
  }
  return found.filter((one) => one.ops + one.files > 0)
}

async function sealOne(
  storage: SyncStorage,
  by: { key: CryptoKeyPair; server: Jwk; device: string },
  who: { device_id: string; person_id: string; schema_version: number; to: string },
  work: Parameters<typeof sealed>[1],
): Promise<Sealed> {
  const created_at = new Date().toISOString()
  // Each piece becomes a Blob of its own at once, which the browser may put on the disk: no file is in memory whole.
  const pieces: Blob[] = []
  for await (const piece of sealed({ ...who, created_at }, work, sliceOf(storage), sealKit(by.key, by.server))) {
    pieces.push(new Blob([piece as Uint8Array<ArrayBuffer>]))
  }
  const at = created_at.replaceAll(/[-:]/g, '').replace(/\.\d+Z/, 'Z')
  const name = `${by.device.replaceAll(/[^\p{L}\p{N}]+/gu, '-')}-${at}-${work.ops[0]?.op_no ?? 'files'}.msb`
  return { blob: new Blob(pieces, { type: BUNDLE_MIME }), name, ops: work.ops.length, files: work.files.length }
}

function sliceOf(storage: SyncStorage): (file: FileRow, from: number, to: number) => Promise<Uint8Array> {
  let last: { sha256: string; bytes: Blob } | null = null
  return async ({ sha256 }, from, to) => {
    if (last?.sha256 !== sha256) {
      const content = await storage.run('read', (tables) => tables.contents.get(sha256))
      last = { sha256, bytes: content?.bytes as Blob }
    }
    return new Uint8Array(await last.bytes.slice(from, to).arrayBuffer())
  }
}
