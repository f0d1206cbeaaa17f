import { ref, shallowRef } from 'vue'
import { metresBetween, placeAt } from '@shared/fmt/geo'
import type { Position } from '@sync/protocol'
import type { Fix } from './jobs/arrival'
import { settings, sync } from './services'
import { uuid7 } from './sync/keys'

/** A fix is kept when the tablet moved this far, in metres, or this long has passed, in milliseconds. */
const MOVED_M = 25
const MOVING_MS = 10_000
const STILL_MS = 60_000
/** A job never waits longer for a position. */
const PATIENCE_MS = 3000

export type Reason = 'no_sensor' | 'denied' | 'timeout'

/** The last position and why there is none; shown on the shift screen. */
export const position = ref<{ at: Position & { at: string }; ms: number } | null>(null)
export const positionTrouble = ref<Reason | null>(null)

/** The latest fixes, oldest first: also those that are not worth sending say whether the tablet stands still. */
export const track = shallowRef<readonly Fix[]>([])
const TRACKED = 120

let watching: number | null = null

/** Watch while on shift and looked at; a page in the background has no position, and the screen says so. */
export function keepPosition(): void {
  document.addEventListener('visibilitychange', () => void watchOrRest())
  void watchOrRest()
}

export async function watchOrRest(): Promise<void> {
  const wanted = document.visibilityState === 'visible' && (await settings.get('shift')) !== null
  if (!wanted && watching !== null) {
    navigator.geolocation.clearWatch(watching)
    watching = null
  }
  if (wanted && watching === null && 'geolocation' in navigator) {
    watching = navigator.geolocation.watchPosition(
      (fix) => void take(fix),
      (error) => {
        positionTrouble.value = reasonOf(error)
      },
      { enableHighAccuracy: true, maximumAge: 5000 },
    )
  }
}

async function take(fix: GeolocationPosition): Promise<void> {
  const at = positionOf(fix)
  const last = position.value
  positionTrouble.value = null
  const seen = { at: placeAt(at), accuracy_m: at.accuracy_m ?? null, ms: fix.timestamp }
  track.value = [...track.value, seen].slice(-TRACKED)
  if (last !== null && !worthKeeping(last, at, Date.now())) return
  position.value = { at, ms: Date.now() }
  const fields = {
    at: at.at,
    location: { type: 'Point', coordinates: [at.lon, at.lat] },
    accuracy_m: at.accuracy_m,
  }
  await sync.record([{ entity: 'position', rec_id: uuid7(), kind: 'create', fields, tag: 'position' }], { quiet: true })
}

function worthKeeping(last: { at: Position; ms: number }, now: Position, ms: number): boolean {
  const moved = metresBetween(placeAt(last.at), placeAt(now)) > MOVED_M
  return ms - last.ms >= (moved ? MOVING_MS : STILL_MS)
}

function positionOf(fix: GeolocationPosition): Position & { at: string } {
  const { longitude, latitude, accuracy } = fix.coords
  return { lon: longitude, lat: latitude, accuracy_m: accuracy, at: new Date(fix.timestamp).toISOString() }
}

/** Where we are, or null with the reason kept for the screen; never blocks longer than three seconds. */
export function here(): Promise<Position | null> {
  if (!('geolocation' in navigator)) {
    positionTrouble.value = 'no_sensor'
    return Promise.resolve(null)
  }
  return new Promise((resolve) => {
    const end = (found: Position | null, trouble: Reason | null): void => {
      clearTimeout(patience)
      positionTrouble.value = trouble
      resolve(found)
    }
    // The browser's own patience does not run while it asks for leave, and a hand in a glove may never answer.
    const patience = setTimeout(() => end(null, 'timeout'), PATIENCE_MS)
    navigator.geolocation.getCurrentPosition(
      (fix) => end(positionOf(fix), null),
      (error) => end(null, reasonOf(error)),
      { enableHighAccuracy: true, timeout: PATIENCE_MS, maximumAge: 30_000 },
    )
  })
}

const reasonOf = (error: GeolocationPositionError): Reason =>
  error.code === error.PERMISSION_DENIED ? 'denied' : 'timeout'
