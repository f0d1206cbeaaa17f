/** Synced documents as the screens read them. */

export type JobKind =
  'outage_repair' | 'gas_leak' | 'gas_alteration' | 'gas_ignition' | 'inspection' | 'metering' | 'care_visit'
export type JobState =
  | 'new'
  | 'planned'
  | 'assigned'
  | 'accepted'
  | 'en_route'
  | 'arrived'
  | 'working'
  | 'restored'
  | 'completed'
  | 'cancelled'

export interface GeoPoint {
  type: 'Point'
  coordinates: [number, number]
}

export interface Job {
  number: string
  kind: JobKind
  state: JobState
  priority: 'emergency' | 'urgent' | 'normal'
  address: string
  location: GeoPoint | null
  contact_name: string | null
  contact_phone: string | null
  note: string | null
  finding: string | null
  due_at: string | null
  window_start: string | null
  window_end: string | null
  form_code: string
  form_version: number
  completed_at?: string | null
}

export type Answer = string | number | boolean | null

export interface FormRecord {
  job_id: string
  form_code: string
  form_version: number
  answers: Record<string, Answer>
}

export interface Attachment {
  job_id: string
  kind: 'photo' | 'signature'
  slot: string
  sha256: string
  size_bytes: number
  mime: string
  taken_at: string
  signer_name?: string | null
  verified_at?: string | null
  refused?: string | null
}

/** What is amiss in a region that the crew serves. */
export interface Outage {
  number: string
  commodity: 'power' | 'gas'
  location: GeoPoint
  opened_at: string
  /** By when a crew is due there. */
  due_at: string | null
  /** What it lies in, the larger before the smaller. */
  places: { name_zh: string; name_en: string }[]
}

export interface Crew {
  code: string
  name_zh: string
  name_en: string
  phone?: string | null
  members?: { name: string; name_en?: string | null; lead?: boolean }[]
}
