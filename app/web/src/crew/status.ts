import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { count, type Link, type Outstanding, type Phase } from '@sync/status'
import type { Waiting } from '@sync/budget'
import type { FaultKind } from '@sync/world'
import { PREVIEW } from './jobs/manifest'
import { storage, sync, useLive } from './services'

/** Positions are sent, not counted: a person's work is answers, photos and signatures. */
export const QUIET = ['position']

export interface LinkState {
  link: Link
  phase: Phase
  moving: { sha256: string; sent: number } | null
  /** Files that link or battery make wait. */
  waiting: Waiting | null
  next_try_at: number | null
  /** What the last round came to grief on. */
  fault: FaultKind | null
}

function snapshot(): LinkState {
  const fault = sync.last?.kind === 'fault' ? sync.last.fault : null
  const { phase, moving, waiting, next_try_at } = sync
  return { link: sync.link.link, phase, moving, waiting, next_try_at, fault }
}

/** The engine's state as it changes. */
export function useLink(): ShallowRef<LinkState> {
  const state = shallowRef(snapshot())
  const stop = sync.onChange(() => {
    state.value = snapshot()
  })
  onScopeDispose(stop)
  return state
}

/** What waits on this tablet, counted from the database itself. */
export function useOutstanding(): ShallowRef<Outstanding | undefined> {
  return useLive(() => storage.run('read', (tables) => count(tables, QUIET)), 'after')
}

/** The time, often enough for "3 minutes ago". */
export function useNow(everyMs = 15_000): Ref<Date> {
  const now = ref(new Date())
  const timer = setInterval(() => {
    now.value = new Date()
  }, everyMs)
  onScopeDispose(() => clearInterval(timer))
  return now
}

/** Photos and signatures; the small pictures of photos are no work of anybody's. */
export function totalFiles(outstanding: Outstanding): number {
  const counted = Object.entries(outstanding.files).filter(([kind]) => kind !== PREVIEW)
  return counted.reduce((sum, [, n]) => sum + n, 0)
}

/** Below this many bytes free, or this share of what the browser grants, the person is told. */
const LOW_BYTES = 200e6
const LOW_SHARE = 0.1

export interface Space {
  free: number
  low: boolean
  /** Originals that the centre has and that stay here for some days yet. */
  kept: number
  keptBytes: number
}

/** How full the storage is, measured again whenever something is written. Undefined where the browser does not tell. */
export function useSpace(): ShallowRef<Space | undefined> {
  return useLive(async () => {
    const { usage, quota } = await navigator.storage.estimate()
    if (usage === undefined || quota === undefined) return undefined
    const verified = await storage.run('read', (tables) => tables.files.by('state', 'verified'))
    const kept = verified.filter((file) => !file.purged)
    const free = Math.max(0, quota - usage)
    const keptBytes = kept.reduce((sum, file) => sum + file.size, 0)
    return { free, low: free < Math.min(LOW_BYTES, quota * LOW_SHARE), kept: kept.length, keptBytes }
  }, 'after')
}

/** `820 KB`, `4.2 MB`, `10.7 GB`. */
export function megabytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`
  return bytes < 950_000 ? `${Math.ceil(bytes / 1000)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
