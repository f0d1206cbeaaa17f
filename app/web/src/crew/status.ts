import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { count, type Link, type Outstanding, type Phase } from '@sync/status'
import { storage, sync, useLive } from './services'

/** Positions are sent, not counted: a person's work is answers, photos and signatures. */
export const QUIET = ['position']

export interface LinkState {
  link: Link
  phase: Phase
  moving: { sha256: string; sent: number } | null
  next_try_at: number | null
}

function snapshot(): LinkState {
  return { link: sync.link.link, phase: sync.phase, moving: sync.moving, next_try_at: sync.next_try_at }
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
  return useLive(() => storage.run('read', (tables) => count(tables, QUIET)))
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

export function totalFiles(outstanding: Outstanding): number {
  return Object.values(outstanding.files).reduce((sum, n) => sum + n, 0)
}

/** `820 KB`, `4.2 MB`, `10.7 GB`. */
export function megabytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`
  return bytes < 950_000 ? `${Math.ceil(bytes / 1000)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
