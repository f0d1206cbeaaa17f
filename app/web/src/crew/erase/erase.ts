/** The centre has asked this tablet to erase itself (SPEC E1, E2): sealed first, then delivered or kept, then erased. */

import { unsent } from '@sync/bundle'
import type { SyncClient } from '@sync/client'
import type { SyncStorage } from '@sync/store'
import { Fault } from '@sync/world'
import { carry, deliver } from '../bundle/carried'
import { learnKeys } from '../bundle/convoy'
import { CannotSeal, sealUnsent, type Sealed } from '../bundle/make'
import type { CrewDatabase } from '../db/database'
import type { SettingsStore } from '../db/settings'
import { nonce, sign } from '../sync/keys'
import { post } from '../sync/http'
import type { Session } from '../sync/session'

/** Well below what a server takes in one request. */
const MOST_BYTES = 32 * 1024 * 1024

export interface World {
  sync: SyncClient
  storage: SyncStorage
  session: Session
  settings: SettingsStore
  db: CrewDatabase
}

/** What is left to say when everything is gone. `kept`: sealed files that could not be delivered. */
export interface Erased {
  delivered: number
  kept: number
}

interface Proof {
  device_id: string
  nonce: string
  signature: string
}

/**
 * Seal, deliver or keep, erase, say so.
 *
 * @throws CannotSeal there is unsent work and no key to seal it to: nothing was erased, it is tried again.
 */
export async function erase(world: World): Promise<Erased> {
  world.sync.stop()
  const told: Erased = { delivered: 0, kept: 0 }
  const secured = new Set<string>()
  try {
    // What is recorded while a bundle is on its way is sealed in the next turn.
    for (let left = await remaining(world, secured); left.length > 0; left = await remaining(world, secured)) {
      for (const one of await sealed(world)) told[await secure(one, world.session)] += 1
      for (const name of left) secured.add(name)
    }
  } catch (error) {
    world.sync.start()
    throw error
  }
  const proof = await proofOf(world.settings)
  await destroy(world.db)
  if (proof !== null) await confirm(proof)
  return told
}

/** Names of edits and files that no bundle has yet. */
async function remaining({ storage }: World, secured: ReadonlySet<string>): Promise<string[]> {
  const { ops, files, beyond } = await storage.run('read', unsent)
  if (beyond > 0) throw new CannotSeal('numbers_have_a_hole')
  const names = [...ops.map((op) => `op ${op.op_no}`), ...files.map((file) => file.sha256)]
  return names.filter((name) => !secured.has(name))
}

async function sealed({ storage, settings, session }: World): Promise<Sealed[]> {
  if ((await settings.get('server_keys')) === null) {
    await learnKeys(session, settings).catch((error: unknown) => {
      if (!(error instanceof Fault)) throw error
      throw new CannotSeal('no_server_keys')
    })
  }
  return sealUnsent(storage, settings, MOST_BYTES)
}

async function secure({ blob, name }: Sealed, session: Session): Promise<'delivered' | 'kept'> {
  try {
    const answer = await deliver(blob, session)
    // What the centre does not keep is kept here, sealed: somebody may still want it.
    if (answer.refused_files.length === 0) return 'delivered'
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
  await carry(name, blob)
  return 'kept'
}

/** Made while the key is still there. */
async function proofOf(settings: SettingsStore): Promise<Proof | null> {
  const [device, key] = [await settings.get('device'), await settings.get('key')]
  if (device === null || key === null) return null
  const once = nonce()
  return {
    device_id: device.device_id,
    nonce: once,
    signature: await sign(key, `${device.device_id}.erased.${once}`),
  }
}

async function destroy(db: CrewDatabase): Promise<void> {
  await db.delete()
  localStorage.clear()
  sessionStorage.clear()
  // Not there on plain http.
  for (const name of (await globalThis.caches?.keys()) ?? []) await caches.delete(name)
  for (const worker of (await navigator.serviceWorker?.getRegistrations()) ?? []) await worker.unregister()
}

/** Without a link the centre goes on believing that the tablet is still to be erased, which is the safe side. */
async function confirm(proof: Proof): Promise<void> {
  try {
    await post<undefined>('/sync/v1/erased', proof)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
}
