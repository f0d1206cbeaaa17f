import type { Bar, Lane } from '../types'
import { spanOf } from './lanes'

/** Where an arrow leads: along a lane, or to the nearest bar of the next lane above or below that has one. */
export function nextBar(
  key: string,
  here: Bar,
  lanes: readonly Lane[],
  barsOf: (crewId: string) => readonly Bar[],
  now: number,
): { readonly bar: Bar; readonly lane: number } | undefined {
  const lane = lanes.findIndex((one) => one.crew_id === here.crew_id)
  if (lane < 0) return undefined
  const from = (bar: Bar): number => spanOf(bar, now).from
  const own = [...barsOf(here.crew_id)].sort((a, b) => from(a) - from(b))
  const along: Readonly<Record<string, Bar | undefined>> = {
    ArrowRight: own[own.indexOf(here) + 1],
    ArrowLeft: own[own.indexOf(here) - 1],
    Home: own[0],
    End: own.at(-1),
  }
  const beside = along[key]
  if (beside) return { bar: beside, lane }
  const step = key === 'ArrowDown' ? 1 : key === 'ArrowUp' ? -1 : 0
  const away = (bar: Bar): number => Math.abs(from(bar) - from(here))
  for (let index = lane + step; step !== 0; index += step) {
    const next = lanes[index]
    if (!next) return undefined
    const [nearest] = [...barsOf(next.crew_id)].sort((a, b) => away(a) - away(b))
    if (nearest) return { bar: nearest, lane: index }
  }
  return undefined
}
