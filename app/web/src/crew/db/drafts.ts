import type { Also } from '@sync/store'
import { db } from '../services'
import { draftRemoval } from './storage'

/** What came while an earlier state of the same draft was being written. */
const waiting = new Map<string, unknown>()
const writing = new Map<string, Promise<void>>()

/** What is half done, by a key such as `answer/<job>/<item>`; each keystroke is kept, so a kill costs none. */
export async function readDraft<T>(key: string): Promise<T | null> {
  return ((await db.drafts.get(key))?.value as T | undefined) ?? null
}

/**
 * Keeps a draft; when this resolves it survives a kill. Each write waits for the disk, so of the states that come
 * meanwhile only the newest is written: a letter waits for two writes at most, however fast somebody types.
 */
export function keepDraft(key: string, value: unknown): Promise<void> {
  waiting.set(key, value)
  const turn = writing.get(key) ?? writeAll(key)
  writing.set(key, turn)
  return turn
}

async function writeAll(key: string): Promise<void> {
  try {
    while (waiting.has(key)) {
      const value = waiting.get(key)
      waiting.delete(key)
      await db.drafts.put({ key, value, at: Date.now() })
    }
  } finally {
    writing.delete(key)
  }
}

/**
 * The end of a draft, in the transaction of the edit it became. What still waits to be written is in that edit and must
 * not come after it.
 */
export function endDraft(key: string): Also {
  waiting.delete(key)
  return draftRemoval(key)
}

export async function dropDraft(key: string): Promise<void> {
  waiting.delete(key)
  await db.drafts.delete(key)
}

/** Drafts whose key begins so, in key order. */
export async function draftsUnder<T>(prefix: string): Promise<{ key: string; value: T }[]> {
  const rows = await db.drafts.where('key').startsWith(prefix).toArray()
  return rows.map(({ key, value }) => ({ key, value: value as T }))
}
