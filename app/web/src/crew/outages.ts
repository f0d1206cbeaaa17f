/** Open outages in the regions the crew serves, nearest first where the tablet knows where it is. */

import { viewAll } from '@sync/overlay'
import type { Position } from '@sync/protocol'
import { metresBetween, placeAt } from '@shared/fmt/geo'
import { storage } from './services'
import type { Outage } from './types'

export interface OutageRow {
  id: string
  outage: Outage
}

export interface NearRow extends OutageRow {
  away_m: number | null
}

export function loadOutages(): Promise<OutageRow[]> {
  return storage.run('read', async (tables) =>
    (await viewAll(tables, 'outage')).map(({ id, doc }) => ({ id, outage: doc as unknown as Outage })),
  )
}

/** The newest first where the place is unknown. */
export function nearest(rows: readonly OutageRow[], from: Position | null): NearRow[] {
  const away = ({ location }: Outage): number | null => (from ? metresBetween(placeAt(from), location) : null)
  const byTime = (a: NearRow, b: NearRow): number => (a.outage.opened_at > b.outage.opened_at ? -1 : 1)
  return rows
    .map((row) => ({ ...row, away_m: away(row.outage) }))
    .sort((a, b) => (a.away_m ?? 0) - (b.away_m ?? 0) || byTime(a, b))
}
