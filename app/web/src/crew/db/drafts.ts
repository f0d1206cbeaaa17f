import { db } from '../services'

/** What is half done, by a key such as `answer/<job>/<item>`; each keystroke is kept, so a kill costs none. */
export async function readDraft<T>(key: string): Promise<T | null> {
  return ((await db.drafts.get(key))?.value as T | undefined) ?? null
}

export async function keepDraft(key: string, value: unknown): Promise<void> {
  await db.drafts.put({ key, value, at: Date.now() })
}

export async function dropDraft(key: string): Promise<void> {
  await db.drafts.delete(key)
}

/** Drafts whose key begins so, in key order. */
export async function draftsUnder<T>(prefix: string): Promise<{ key: string; value: T }[]> {
  const rows = await db.drafts.where('key').startsWith(prefix).toArray()
  return rows.map(({ key, value }) => ({ key, value: value as T }))
}
