/** Replicas that did not add up: noted when found, told to the server, ended when they heal (SPEC L16). */

import type { ToldIncident } from './protocol'
import type { Tables } from './store'
import { readMeta, writeMeta } from './store'

export const INCIDENTS = 'verify.incidents'
const MOST_KEPT = 50

/** What a bucket should add up to and what it does. */
export type Mismatch = Pick<ToldIncident, 'expected_rows' | 'expected_checksum' | 'rows' | 'checksum'>

/** An incident as this device keeps it. */
export interface Incident extends ToldIncident {
  /** Device time in milliseconds when it was found, for the person here; never sent. */
  at: number
  /** The server has it as it stands. */
  told: boolean
}

/** How the buckets of a pull stood at its end. */
export interface Ending {
  server_at: string
  own: readonly string[]
  wrong: ReadonlyMap<string, Mismatch>
  /** Could not be checked, being in motion. */
  unsure: readonly string[]
}

/** After a pull: what is newly wrong, and what is so no more. */
export function noted(known: readonly Incident[], ending: Ending, at: number): Incident[] {
  const { server_at, own, wrong, unsure } = ending
  const stays = ({ bucket, healed_at }: Incident): boolean =>
    healed_at !== null || (own.includes(bucket) && (wrong.has(bucket) || unsure.includes(bucket)))
  const after = known.map((one) => (stays(one) ? one : { ...one, healed_at: server_at, told: false }))
  const lasting = new Set(after.filter((one) => one.healed_at === null).map((one) => one.bucket))
  const begun = [...wrong].filter(([bucket]) => !lasting.has(bucket)).sort(([a], [b]) => (a < b ? -1 : 1))
  const added = begun.map(([bucket, found]) => ({
    bucket,
    found_at: server_at,
    ...found,
    healed_at: null,
    told: false,
    at,
  }))
  return [...after, ...added]
}

/** What the server does not have, oldest first, as the wire has it. */
export function toTell(known: readonly Incident[]): ToldIncident[] {
  return known
    .filter((one) => !one.told)
    .slice(0, MOST_KEPT)
    .map(({ bucket, found_at, expected_rows, expected_checksum, rows, checksum, healed_at }) => {
      return { bucket, found_at, expected_rows, expected_checksum, rows, checksum, healed_at }
    })
}

/** After the answer to a pull that told `sent`; the last of those that are over are kept to be looked at. */
export function told(known: readonly Incident[], sent: readonly ToldIncident[]): Incident[] {
  const same = (a: ToldIncident, b: ToldIncident): boolean =>
    a.bucket === b.bucket && a.found_at === b.found_at && a.healed_at === b.healed_at
  const after = known.map((one) => (sent.some((other) => same(one, other)) ? { ...one, told: true } : one))
  let tooMany = after.length - MOST_KEPT
  return after.filter((one) => !(one.told && one.healed_at !== null && tooMany-- > 0))
}

/** Incidents of an earlier version of this app are of this device alone: they say too little for the server. */
export async function readIncidents(tables: Tables): Promise<Incident[]> {
  const known = await readMeta<Incident[]>(tables, INCIDENTS, [])
  return known.map((one) => (one.found_at === undefined ? { ...one, found_at: '', healed_at: '', told: true } : one))
}

export async function markTold(tables: Tables, sent: readonly ToldIncident[]): Promise<void> {
  if (sent.length > 0) await writeMeta(tables, INCIDENTS, told(await readIncidents(tables), sent))
}
