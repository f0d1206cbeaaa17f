import * as api from '../../api'
import type { PastCall } from '../../types'
import type { Spot } from './draft'

/** What is known of a phone number: the premises its holder has, and the newest calls from it. */
export interface History {
  readonly name: string
  readonly spots: readonly Spot[]
  readonly calls: readonly PastCall[]
}

export async function lookUpPhone(phone: string, signal: AbortSignal): Promise<History> {
  const [found, calls] = await Promise.all([api.search(phone, signal), api.callsFrom(phone, signal)])
  const held = found.flatMap((one) =>
    one.kind === 'premises' && one.found_by === 'phone' && one.location
      ? [{ id: one.id, address: one.title, location: one.location }]
      : [],
  )
  const called = calls.flatMap((call) =>
    call.premises_id ? [{ id: call.premises_id, address: call.address ?? '', location: call.location }] : [],
  )
  const spots = new Map([...called, ...held].map((spot) => [spot.id, spot]))
  return { name: calls.find((call) => call.caller_name)?.caller_name ?? '', spots: [...spots.values()], calls }
}
