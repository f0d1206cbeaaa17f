/** How much waits for a decision: all that a tablet's first screens have to know of it. */

import { viewAll } from '@sync/overlay'
import type { OpRow, Tables } from '@sync/store'
import type { Dispute } from './dispute'

/** Nobody has decided it yet, neither at the centre nor here. */
export function isUndecided(doc: object): boolean {
  const { state, take } = doc as Dispute
  return state === 'open' && take === null
}

/** How many of each job nobody has decided yet. */
export async function openByJob(tables: Tables, shown?: readonly OpRow[]): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (const { doc } of await viewAll(tables, 'conflict', shown)) {
    const { job_id } = doc as unknown as Dispute
    if (isUndecided(doc)) found.set(job_id, (found.get(job_id) ?? 0) + 1)
  }
  return found
}

export interface Grave {
  id: string
  field: string
}

/** What is about safety and not settled yet, of one job: nobody should go on before. */
export async function graveOf(tables: Tables, job: string): Promise<Grave[]> {
  return (await viewAll(tables, 'conflict'))
    .map(({ id, doc }) => ({ id, ...(doc as unknown as Dispute) }))
    .filter(({ state, policy, job_id }) => state === 'open' && policy === 'never' && job_id === job)
    .map(({ id, field }) => ({ id, field }))
}

/** Open ones that no parked edit of this tablet stands for: those of colleagues' tablets. */
export async function countOthers(tables: Tables): Promise<number> {
  const parked = new Set((await tables.ops.by('attention', 'open')).flatMap(conflictIds))
  return (await viewAll(tables, 'conflict')).filter(({ id, doc }) => isUndecided(doc) && !parked.has(id)).length
}

/** The conflicts that an edit of this tablet has raised. */
export const conflictIds = (row: OpRow): string[] =>
  Object.values(row.result?.fields ?? {}).flatMap(({ conflict_id }) => conflict_id ?? [])
