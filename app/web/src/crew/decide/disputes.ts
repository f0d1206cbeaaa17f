/** What waits for a person's decision, as this tablet holds it; and the decision, an edit like any other. */

import { view, viewAll, type View } from '@sync/overlay'
import type { Doc, Fields, Json, Problem } from '@sync/protocol'
import { dismiss } from '@sync/outbox'
import { recordKey, type Tables } from '@sync/store'
import { settings, storage, sync } from '../services'
import { isGrave, standing, type Dispute, type Take } from './dispute'
import { conflictIds, isUndecided } from './open'

/** `open`: nobody has decided. `decided`: decided here, not confirmed by the centre. `settled`: it is over. */
export type Stage = 'open' | 'decided' | 'settled'

export interface Seen {
  id: string
  dispute: Dispute
  stage: Stage
  /** The decision made here that the centre has yet to confirm. */
  decided: { take: Take; value: Json } | null
  /** The person signed in may decide it. */
  mine: boolean
}

export interface Opened extends Seen {
  me: string | null
  /** Why the last decision made here did not stand, until the person has seen it. */
  refused: { op_no: number; problem: Problem | null | undefined } | null
}

function seenOf({ id, doc }: View, me: string | null): Seen {
  const dispute = doc as unknown as Dispute
  const here = dispute.state === 'open' && dispute.take !== null
  const decided = here ? { take: dispute.take as Take, value: (doc as Doc)['value'] ?? null } : null
  const stage = dispute.state !== 'open' ? 'settled' : here ? 'decided' : 'open'
  return { id, dispute, stage, decided, mine: me !== null && dispute.deciders.includes(me) }
}

async function whoAmI(): Promise<string | null> {
  return (await settings.get('device'))?.person.id ?? null
}

const ORDER: Record<Stage, number> = { open: 0, decided: 1, settled: 2 }

/** All of them: safety first, then those nobody has decided, then by when they are due. */
export async function loadDisputes(): Promise<Seen[]> {
  const me = await whoAmI()
  const all = await storage.run('read', (tables) => viewAll(tables, 'conflict'))
  const grave = ({ dispute, stage }: Seen): number => Number(isGrave(dispute) && stage === 'open')
  return all
    .map((one) => seenOf(one, me))
    .sort(
      (a, b) =>
        grave(b) - grave(a) || ORDER[a.stage] - ORDER[b.stage] || (a.dispute.due_at < b.dispute.due_at ? -1 : 1),
    )
}

export async function loadDispute(id: string): Promise<Opened | null> {
  const me = await whoAmI()
  return storage.run('read', async (tables) => {
    const seen = await view(tables, 'conflict', id)
    if (seen === null) return null
    const ops = await tables.ops.by('record', recordKey('conflict', id))
    const last = ops.findLast((row) => row.attention === 'open' && row.result?.status === 'rejected')
    const refused = last === undefined ? null : { op_no: last.op_no, problem: last.result?.problem }
    return { ...seenOf(seen, me), me, refused }
  })
}

/** The decision, with both values as they stood on the screen: the centre takes it only if they still stand. */
export function decide({ id, dispute }: Seen, take: Take, value: Json, reason: string): Promise<number[]> {
  const saw = { theirs: standing(dispute), mine: dispute.mine }
  const fields: Fields = { take, saw, ...(take === 'value' ? { value } : {}), ...(reason === '' ? {} : { reason }) }
  const edit = { entity: 'conflict', rec_id: id, kind: 'update' as const, fields }
  const decision = { ...edit, tag: dispute.job_id, label: dispute.job_number }
  return sync.record([decision], { also: (tables) => dismissDecided(tables, id) })
}

/** The edit that raised it need not be looked at any more, unless another of its fields waits: the decision stands for it. */
async function dismissDecided(tables: Tables, id: string): Promise<void> {
  for (const row of await tables.ops.by('attention', 'open')) {
    const raised = conflictIds(row)
    if (!raised.includes(id)) continue
    const others = await Promise.all(raised.filter((one) => one !== id).map((one) => view(tables, 'conflict', one)))
    if (!others.some((one) => one !== null && isUndecided(one.doc))) await dismiss(tables, row.op_no)
  }
}
