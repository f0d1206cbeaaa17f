import { differences, journal, type Journal } from '@sync/proof'
import type { ProofResponse } from '@sync/protocol'
import { Fault } from '@sync/world'
import type { Proof } from '../db/settings'
import { settings, storage, transport } from '../services'
import { QUIET } from '../status'
import { dayOf } from '../time'

const DAY_MS = 24 * 3_600_000

export const yesterday = (now = new Date()): string => dayOf(new Date(now.getTime() - DAY_MS))

export const isWhole = (proof: Proof): boolean =>
  proof.differences.length === 0 && proof.waiting.records + proof.waiting.files === 0

/** Compare yesterday with the centre, until all of it is there. Without a link nothing is said. */
export async function proveYesterday(): Promise<void> {
  const day = yesterday()
  const known = await settings.get('proof')
  if (known?.day === day && isWhole(known)) return
  try {
    const told = await transport.proof(day)
    const counted = await storage.run('read', (tables) =>
      journal(tables, Date.parse(told.since), Date.parse(told.until)),
    )
    await settings.set('proof', proofOf(counted, told))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)
const isWork = (key: string): boolean => !QUIET.includes(key.split('/')[0] ?? '')

function proofOf(counted: Journal, told: ProofResponse): Proof {
  const records = (ops: Record<string, number>): number =>
    sum(Object.entries(ops).filter(([key]) => isWork(key)).map(([, n]) => n)) // prettier-ignore
  const files = Object.fromEntries(told.files.map(({ kind, verified }) => [kind, verified]))
  const all = Object.values(counted.files).flatMap((found) => Object.keys(found))
  return {
    day: told.day,
    at: Date.now(),
    records: sum(told.ops.filter(({ entity }) => isWork(entity)).map(({ count }) => count)),
    files,
    waiting: { records: records(counted.waiting), files: counted.unsent.length },
    differences: differences(counted, told),
    report: {
      day: told.day,
      ops_here: sum(Object.values(counted.ops)),
      ops_there: sum(told.ops.map(({ count }) => count)),
      files_here: all.length - counted.unsent.length,
      files_there: sum(Object.values(files)),
    },
  }
}
