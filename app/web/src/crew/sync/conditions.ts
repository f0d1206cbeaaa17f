/** What the browser tells of link and battery. Safari and Firefox tell neither: there the engine measures for itself. */

import type { Conditions } from '@sync/world'

/** Below this share of its charge a battery is low. */
const LOW_LEVEL = 0.2
/** The fastest class of the Network Information API; all others are slower than 700 kbit/s. */
const FASTEST = '4g'

interface Told {
  connection?: { saveData?: boolean; effectiveType?: string }
  getBattery?: () => Promise<{ level: number; charging: boolean }>
}

export async function conditions(told: Told = navigator as Told): Promise<Conditions> {
  return { link: linkOf(told), battery: await batteryOf(told) }
}

/** Somebody who asked to save data pays for it. */
function linkOf({ connection }: Told): Conditions['link'] {
  if (connection?.saveData === true) return 'weak'
  if (connection?.effectiveType === undefined) return null
  return connection.effectiveType === FASTEST ? 'good' : 'weak'
}

async function batteryOf(told: Told): Promise<Conditions['battery']> {
  try {
    const battery = await told.getBattery?.()
    if (battery === undefined) return null
    return battery.level <= LOW_LEVEL && !battery.charging ? 'low' : 'fine'
  } catch {
    return null // a policy forbids to ask
  }
}
