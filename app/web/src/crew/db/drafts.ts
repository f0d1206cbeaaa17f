import { ref } from 'vue'
import type { Also } from '@sync/store'
import { db } from '../services'
import { isFull } from './full'
import { draftRemoval } from './storage'

/** How soon a draft that found no room is tried again, in milliseconds. */
const AGAIN_MS = 2000

/** The newest state of each draft that is not on the disk yet. */
const waiting = new Map<string, unknown>()
const writing = new Map<string, Promise<void>>()

/** There was no room for what stands in `waiting`: it is in this page alone until there is. */
export const homeless = ref(false)
let again: ReturnType<typeof setTimeout> | undefined

/** What is half done, by a key such as `answer/<job>/<item>`; each keystroke is kept, so a kill costs none. */
export async function readDraft<T>(key: string): Promise<T | null> {
  if (waiting.has(key)) return waiting.get(key) as T
  return ((await db.drafts.get(key))?.value as T | undefined) ?? null
}

/**
 * Keeps a draft; when this resolves it survives a kill. Each write waits for the disk, so of the states that come
 * meanwhile only the newest is written: a letter waits for two writes at most, however fast somebody types.
 *
 * @throws the disk is full; the draft stays in memory and is tried again until it is kept.
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
      await db.drafts.put({ key, value, at: Date.now() })
      if (waiting.get(key) === value) waiting.delete(key)
    }
  } catch (error) {
    if (isFull(error)) waitForRoom()
    throw error
  } finally {
    writing.delete(key)
    if (waiting.size === 0) homeless.value = false
  }
}

function waitForRoom(): void {
  homeless.value = true
  clearTimeout(again)
  again = setTimeout(() => {
    for (const [key, value] of waiting) keepDraft(key, value).catch(() => undefined)
    if (waiting.size === 0) homeless.value = false
  }, AGAIN_MS)
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
