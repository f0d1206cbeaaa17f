/** Which conflicts belong together, which come first, and what may be decided about them. Values in, values out. */
import type { Conflict } from '../types'

/** Conflicts of one tablet about one job: mostly one visit without a link, to be decided in one go. */
export interface Cause {
  readonly key: string
  readonly grave: boolean
  /** The one that stands for all where job and tablet are named. */
  readonly first: Conflict
  readonly conflicts: readonly Conflict[]
}

/** A field about safety is never merged by rule. */
export const isGrave = (conflict: Conflict): boolean => conflict.policy === 'never'

const graveFirst = <T>(items: readonly T[], grave: (item: T) => boolean): T[] => [
  ...items.filter(grave),
  ...items.filter((item) => !grave(item)),
]

/** By job and tablet, safety first, else in the order given (newest first). */
export function causesOf(conflicts: readonly Conflict[]): Cause[] {
  const groups = new Map<string, [Conflict, ...Conflict[]]>()
  for (const conflict of conflicts) {
    const key = `${conflict.job_id} ${conflict.mine_by.device_id ?? ''}`
    const group = groups.get(key)
    if (group) group.push(conflict)
    else groups.set(key, [conflict])
  }
  const causes = [...groups].map(([key, group]) => ({
    key,
    grave: group.some(isGrave),
    first: group[0],
    conflicts: graveFirst(group, isGrave),
  }))
  return graveFirst(causes, ({ grave }) => grave)
}

const OWN_FIELDS: readonly string[] = ['state', 'note', 'finding', 'location']

/** The desk writes answers, words and steps; what is gone or only a tablet's can just be left as it stands. */
export function isWritable({ entity, field, gone }: Conflict): boolean {
  if (gone) return false
  if (entity === 'form_record') return field.startsWith('answers.')
  return entity === 'job' && OWN_FIELDS.includes(field)
}

const DECIDED_ELSEWHERE: readonly string[] = ['state', 'location']

/** One other value fits all of these: they ask the same thing. Steps and the place of a job are the job's page's. */
export function takesOther(conflicts: readonly Conflict[]): boolean {
  const asked = new Set(conflicts.map(({ field, question }) => JSON.stringify([field, question])))
  return asked.size === 1 && conflicts.every((one) => isWritable(one) && !DECIDED_ELSEWHERE.includes(one.field))
}

/** What "keep the system's" leaves in place: the value now; of a file's record only the one at the time is told. */
export function standing(conflict: Conflict): unknown {
  const isNow = conflict.entity === 'job' || conflict.field.startsWith('answers.')
  return isNow ? conflict.held : conflict.theirs
}

/** Somebody changed the system's value after the tablet had sent its own. */
export const hasMovedOn = (conflict: Conflict): boolean =>
  JSON.stringify(standing(conflict) ?? null) !== JSON.stringify(conflict.theirs ?? null)

export interface Fix {
  readonly lon: number
  readonly lat: number
  readonly accuracy: number | null
}

/** Where a tablet was, if it said so. */
export function fixOf(gps: unknown): Fix | null {
  if (typeof gps !== 'object' || gps === null || !('lon' in gps) || !('lat' in gps)) return null
  const { lon, lat } = gps
  if (typeof lon !== 'number' || typeof lat !== 'number') return null
  const accuracy = 'accuracy_m' in gps && typeof gps.accuracy_m === 'number' ? gps.accuracy_m : null
  return { lon, lat, accuracy }
}
