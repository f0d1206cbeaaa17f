/** How far the first load of a tablet has come (SPEC L15). */

import { STAGED, UNCHECKED, type Staged } from './pull'
import { readMeta, type Tables } from './store'

/** How far a stream has come, for the person who waits for it: records here, records in all; then they are checked. */
export interface Bringing {
  done: number
  total: number
  checking: boolean
}

/** What is being brought, also after a kill; null where nothing is, or not by a stream. */
export async function bringing(tables: Tables): Promise<Bringing | null> {
  const staged = await readMeta<Staged | null>(tables, STAGED, null)
  if (staged?.left != null) {
    const done = staged.done ?? 0
    return { done, total: done + staged.left, checking: staged.left === 0 }
  }
  const total = await readMeta<number | null>(tables, UNCHECKED, null)
  return total === null ? null : { done: total, total, checking: true }
}
