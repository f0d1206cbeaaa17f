import { liveQuery } from 'dexie'
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

/** What a query finds now and after every change of what it read, in this tab or another. Undefined until first read. */
export function useLive<T>(query: () => Promise<T>): ShallowRef<T | undefined> {
  const found = shallowRef<T>()
  const subscription = liveQuery(query).subscribe({
    next: (value) => {
      found.value = value
    },
    error: (error: unknown) => {
      console.error(error)
    },
  })
  onScopeDispose(() => subscription.unsubscribe())
  return found
}
