import Dexie from 'dexie'
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue'
import { SyncClient } from '@sync/client'
import { CrewDatabase } from './db/database'
import { SettingsStore } from './db/settings'
import { DexieStorage } from './db/storage'
import { sha256Text } from './sync/keys'
import { browserClock, browserLocks } from './sync/platform'
import { Session } from './sync/session'
import { httpTransport } from './sync/transport'
import { tusUploader } from './sync/uploader'

/** The shape of `fields` and `doc` that this app writes and reads (SPEC W8). */
const SCHEMA_VERSION = 1

export const db = new CrewDatabase()
export const settings = new SettingsStore(db)
export const storage = new DexieStorage(db)
export const session = new Session(settings)

export const sync: SyncClient = new SyncClient({
  storage,
  transport: httpTransport(session),
  uploader: tusUploader(session, () => sync.link.link !== 'online'),
  clock: browserClock,
  locks: browserLocks(),
  digest: sha256Text,
  spread: () => Math.random(),
  schema_version: SCHEMA_VERSION,
  report: reportOfDevice,
})

async function reportOfDevice(): Promise<Record<string, string | number>> {
  const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {}
  const free = quota !== undefined && usage !== undefined ? { storage_free_bytes: Math.max(0, quota - usage) } : {}
  const [queued_ops, waiting] = await Promise.all([
    db.ops.where('state').equals('pending').count(),
    db.files.where('state').equals('waiting').toArray(),
  ])
  const oldest = await db.ops.where('state').equals('pending').first()
  const since = oldest === undefined ? {} : { oldest_queued_at: new Date(oldest.made_at).toISOString() }
  const queued_bytes = waiting.reduce((sum, file) => sum + file.size, 0)
  return { app_version: __APP_VERSION__, queued_ops, queued_files: waiting.length, queued_bytes, ...since, ...free }
}

/** Changes of these tables alone are nothing to show. */
const UNSEEN = /\/(drafts|pages|contents)\//

/**
 * What a query finds now and again after every change, in this tab or another. Undefined until first read.
 * All queries run again on any change: there are few of them, and none is missed.
 */
export function useLive<T>(query: () => Promise<T>): ShallowRef<T | undefined> {
  const found = shallowRef<T>()
  let running = false
  let again = false
  let gone = false
  const run = async (): Promise<void> => {
    again = true
    if (running) return
    running = true
    try {
      while (again && !gone) {
        again = false
        const value = await query()
        if (!gone) found.value = value
      }
    } finally {
      running = false
    }
  }
  const changed = (parts: Record<string, unknown>): void => {
    if (Object.keys(parts).some((part) => !UNSEEN.test(part))) void run()
  }
  Dexie.on.storagemutated.subscribe(changed)
  onScopeDispose(() => {
    gone = true
    Dexie.on.storagemutated.unsubscribe(changed)
  })
  void run()
  return found
}
