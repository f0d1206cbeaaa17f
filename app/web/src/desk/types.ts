import type { Point } from 'geojson'

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
export type Priority = 'emergency' | 'urgent' | 'normal'
export type CrewKind = 'outage_repair' | 'gas_installation' | 'inspection' | 'metering' | 'care' | 'contractor'
export type Symptom =
  'no_supply' | 'partial_supply' | 'flicker' | 'low_voltage' | 'sparks' | 'wire_down' | 'no_gas' | 'gas_smell' | 'other'

/** Where a job stands for the one who sends crews; map shape, list order and colour follow from it. */
export type Stage = 'unsent' | 'planned' | 'sent' | 'onsite' | 'restored' | 'done'

const STAGE: Readonly<Record<JobState, Stage>> = {
  new: 'unsent',
  planned: 'planned',
  assigned: 'sent',
  accepted: 'sent',
  en_route: 'sent',
  arrived: 'onsite',
  working: 'onsite',
  restored: 'restored',
  completed: 'done',
  cancelled: 'done',
}

export function stageOf(state: JobState): Stage {
  return STAGE[state]
}

export type Located = { readonly location: Point }

export interface Page<T> {
  readonly items: readonly T[]
  readonly next?: string | null
}

export interface Branch {
  readonly id: string
  readonly code: string
  readonly name_zh: string
  readonly name_en: string
  readonly timezone?: string
  /** Longitude, latitude; `null` while the branch has no outline. */
  readonly center: readonly number[] | null
  /** West, south, east, north. */
  readonly bbox: readonly number[] | null
  readonly synthetic: boolean
}

export interface Me {
  readonly id: string
  readonly name: string
  readonly name_en: string
  readonly locale: string
  readonly roles: readonly string[]
  readonly branches: readonly Branch[]
  readonly permissions: readonly string[]
  readonly stream_url: string
  readonly server_time: string
}

export interface Assignment {
  readonly id: string
  readonly crew_id: string
  readonly crew_code: string
  readonly crew_name_zh: string
  readonly crew_name_en: string
  readonly live: boolean
  readonly assigned_at: string
  readonly planned_start: string | null
  readonly planned_end: string | null
}

export interface Job extends Located {
  readonly id: string
  readonly rev: number
  readonly number: string
  readonly kind: JobKind
  readonly state: JobState
  readonly priority: Priority
  readonly required_skill: string
  readonly address: string
  readonly contact_name: string | null
  readonly contact_phone: string | null
  readonly premises_id: string | null
  readonly outage_id: string | null
  readonly window_start: string | null
  readonly window_end: string | null
  readonly due_at: string | null
  readonly note: string | null
  readonly finding?: string | null
  readonly opened_at: string
  readonly arrived_at: string | null
  readonly restored_at: string | null
  readonly completed_at: string | null
  readonly assignment: Assignment | null
  readonly form?: FormDocument
  readonly record?: FormRecord | null
}

/** A text in both languages, as forms carry them. */
export type BothWords = Readonly<Record<'zh-CN' | 'en', string>>

export interface FormItem {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly 'x-title'?: BothWords
  readonly 'x-unit'?: string
  readonly 'x-ui'?: {
    readonly order?: number
    readonly widget?: string
    readonly unit?: string
    readonly options?: readonly { readonly value: unknown; readonly title: BothWords }[]
  }
}

export interface FormSlot {
  readonly slot: string
  readonly required: boolean
  readonly title: BothWords
}

export interface FormDocument {
  readonly code: string
  readonly version: number
  readonly title: BothWords
  readonly schema: { readonly properties: Readonly<Record<string, FormItem>> }
  readonly required: readonly string[]
  readonly photo_slots: readonly FormSlot[]
  readonly signature_slots: readonly FormSlot[]
}

export interface FormRecord {
  readonly id: string
  readonly rev: number
  readonly answers: Readonly<Record<string, unknown>>
}

export type JobPatch = Partial<Pick<Job, 'address' | 'note' | 'priority' | 'contact_name' | 'contact_phone'>>

export interface TimelineEntry {
  readonly id: string
  readonly at: string
  readonly received_at: string
  readonly kind: string
  readonly detail: Readonly<Record<string, unknown>>
  readonly person_name: string | null
  readonly person_name_en: string | null
  readonly crew_code: string | null
  readonly device_id: string | null
}

export interface Reason {
  readonly code: string
  readonly params: Readonly<Record<string, unknown>>
  readonly good: boolean
}

export interface Candidate {
  readonly crew_id: string
  readonly code: string
  readonly name_zh: string
  readonly name_en: string
  readonly distance_m: number | null
  readonly eta_s: number | null
  readonly ok: boolean
  readonly reasons: readonly Reason[]
  readonly position_age_s: number | null
}

export interface Attachment {
  readonly id: string
  readonly rev: number
  readonly kind: 'photo' | 'signature'
  readonly slot: string
  readonly state: 'expected' | 'arrived' | 'examined' | 'refused'
  readonly refused: string | null
  readonly sha256: string
  readonly size_bytes: number
  readonly mime: string
  readonly taken_at: string
  readonly location: Point | null
  readonly accuracy_m: number | null
  readonly signer_name: string | null
}

export interface Crew {
  readonly id: string
  readonly rev: number
  readonly code: string
  readonly name_zh: string
  readonly name_en: string
  readonly kind: CrewKind
  readonly phone: string | null
  readonly on_duty: boolean
  readonly location: Point | null
  readonly position_at: string | null
  readonly job_id: string | null
}

export interface Outage extends Located {
  readonly id: string
  readonly rev: number
  readonly number: string
  readonly commodity: 'power' | 'gas'
  readonly state: 'open' | 'restored' | 'closed' | 'merged'
  readonly cause: string | null
  readonly opened_at: string
  readonly restored_at: string | null
  readonly calls?: number
  readonly job_ids?: readonly string[]
}

export interface Found {
  readonly kind: 'premises' | 'job' | 'crew' | 'outage'
  readonly id: string
  readonly title: string
  readonly subtitle: string
  readonly location: Point | null
}

export interface Premises extends Located {
  readonly id: string
  readonly code: string
  readonly address: string
  readonly address_en: string | null
}

export interface PastCall {
  readonly id: string
  readonly number: string
  readonly symptom: Symptom
  readonly taken_at: string
  readonly caller_name: string | null
  readonly caller_phone: string | null
  readonly address: string | null
  readonly outage_id: string | null
  readonly note: string | null
}

export interface Caller {
  readonly id: string
  readonly name: string
  readonly phone: string | null
  readonly premises: readonly Premises[]
  readonly calls: readonly PastCall[]
}

export interface CallIn {
  readonly channel: string
  readonly caller_name?: string
  readonly caller_phone?: string
  readonly premises_id?: string
  readonly location?: Point
  readonly symptom: Symptom
  readonly note?: string
  readonly join: string
}

export interface CallTaken {
  readonly id: string
  readonly number: string
  readonly outage_id: string
  readonly job_id: string | null
  readonly joined: boolean
}

export interface Device {
  readonly id: string
  readonly name: string
  readonly state: 'active' | 'revoked' | 'wipe'
  readonly enrolled_at: string
  readonly person_name: string | null
  readonly person_name_en: string | null
  readonly last_seen_at: string | null
  readonly app_version: string | null
  readonly pending_ops: number | null
  readonly oldest_pending_at: string | null
  readonly clock_error_ms: number | null
}

export interface EnrolmentCode {
  readonly code: string
  readonly expires_at: string
}
