import Dexie from 'dexie'
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue'
import { SyncClient } from '@sync/client'
import type { Report } from '@sync/protocol'
import { FIELD_FILES } from '@sync/files'
import { view } from '@sync/overlay'
import type { FileRow, Tables } from '@sync/store'
import { CrewDatabase } from './db/database'
import { SettingsStore } from './db/settings'
import { DexieStorage } from './db/storage'
import { URGENCY } from './jobs/steps'
import { SCHEMA_VERSION } from './schema'
import { firstShown, hold } from './shown'
import { sha256Text } from './sync/keys'
import { browserClock, browserLocks } from './sync/platform'
import { Session } from './sync/session'
import { httpTransport } from './sync/transport'
import { tusUploader } from './sync/uploader'
import type { Job } from './types'

export const db = new CrewDatabase()
export const settings = new SettingsStore(db)
export const storage = new DexieStorage(db)
export const session = new Session(settings)

export const transport = httpTransport(session)

export const sync: SyncClient = new SyncClient({
  storage,
  transport,
  uploader: tusUploader(session, () => sync.link.link !== 'online'),
  clock: browserClock,
  locks: browserLocks(),
  digest: sha256Text,
  spread: () => Math.random(),
  schema_version: SCHEMA_VERSION,
  files: { ...FIELD_FILES, urgency: urgencyOf },
  conditions: async () => (await import('./sync/conditions')).conditions(),
  report: reportOfDevice,
})

/** Files of the most urgent jobs go first; of a job that has left this tablet, last. */
async function urgencyOf(tables: Tables, file: FileRow): Promise<number> {
  const job = (await view(tables, 'job', file.tag))?.doc as unknown as Job | undefined
  return job === undefined ? URGENCY.normal + 1 : URGENCY[job.priority]
}

async function reportOfDevice(): Promise<Report> {
  const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {}
  const free = quota !== undefined && usage !== undefined ? { storage_free_bytes: Math.max(0, quota - usage) } : {}
  const [queued_ops, waiting] = await Promise.all([
    db.ops.where('state').equals('pending').count(),
    db.files.where('state').equals('waiting').toArray(),
  ])
  const oldest = await db.ops.where('state').equals('pending').first()
  const since = oldest === undefined ? {} : { oldest_queued_at: new Date(oldest.made_at).toISOString() }
  const queued_bytes = waiting.reduce((sum, file) => sum + file.size, 0)
  const counts = { queued_ops, queued_files: waiting.length, queued_bytes }
  const proved = (await settings.get('proof'))?.report
  const proof = proved === undefined ? {} : { proof: proved }
  return { app_version: __APP_VERSION__, ...counts, ...since, ...free, ...proof }
}

/** Changes of these tables alone are nothing to show. */
const UNSEEN = /\/(drafts|pages|contents)\//

/**
 * What a query finds now and again after every change, in this tab or another. Undefined until first read.
 * All queries run again on any change: there are few of them, and none is missed. One that is no part of what a screen
 * is opened for is asked `after` the first screen stands there.
 */
export function useLive<T>(query: () => Promise<T>, when: 'now' | 'after' = 'now'): ShallowRef<T | undefined> {
  const found = shallowRef<T>()
  let running = false
  let again = false
  let gone = false
  let release = when === 'now' ? hold() : null
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
      release?.()
      release = null
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
  void (when === 'now' ? run() : firstShown.then(run))
  return found
}
