/** The wire of SPEC.md as types: what a device and a server say to each other. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type Fields = Record<string, Json>
export type Doc = Record<string, Json>

export type OpKind = 'create' | 'update' | 'delete'

/** A file named by its content. `size` is in bytes. */
export interface FileRef {
  sha256: string
  size: number
  mime: string
  kind: string
  slot: string
}

export interface Position {
  lon: number
  lat: number
  accuracy_m: number | null
  at?: string
}

/** One local edit as it is sent. `op_no` is contiguous on a device and never used twice. */
export interface Op {
  op_no: number
  entity: string
  rec_id: string
  kind: OpKind
  base_rev: number
  /** Of the pull that brought `base_rev` (SPEC M13). */
  epoch?: string
  fields: Fields
  device_at: string
  group_no?: number
  group_size?: number
  depends_on?: number[]
  /** The shape of `fields`, as it was when they were recorded (SPEC W8). */
  schema_version?: number
  gps?: Position
  files?: FileRef[]
}

export type OpStatus = 'applied' | 'merged' | 'noop' | 'conflict' | 'rejected' | 'held' | 'quarantined'

/** RFC 9457 as the server says it: a code and parameters; the words are the screen's. */
export interface Problem {
  code?: string
  type?: string
  title?: string
  detail?: string
  status?: number
  params?: Record<string, Json>
  errors?: { field: string; reason: string }[]
}

/** What became of one field that was not plainly written (SPEC M2). `value` is what the server holds now. */
export interface FieldOutcome {
  outcome: 'applied' | 'noop' | 'merged' | 'kept' | 'conflict'
  value?: Json
  conflict_id?: string
}

export interface OpResult {
  op_no: number
  status: OpStatus
  rev: number
  problem?: Problem | null
  fields?: Record<string, FieldOutcome> | null
  centre?: Said
}

/** What the centre did with an op that waited (SPEC R5). */
export interface Said {
  verb: 'replayed' | 'repaired' | 'refused' | 'released'
  at: string
  reason?: string
}

/** What the centre may know about the device (SPEC W9). */
export interface Report {
  app_version?: string
  queued_ops?: number
  queued_files?: number
  queued_bytes?: number
  oldest_queued_at?: string
  storage_free_bytes?: number
  /** How the last day compared (SPEC D3). */
  proof?: { day: string; ops_here: number; ops_there: number; files_here: number; files_there: number }
}

export interface PushRequest {
  schema_version: number
  sent_at: string
  monotonic_ms: number
  epoch?: string
  report?: Report
  ops: Op[]
}

export interface PushResponse {
  epoch: string
  results: OpResult[]
  expected: number
  server_at: string
}

/** A replica that did not add up (SPEC L16). Times are the server's, as this device heard them. */
export interface ToldIncident {
  bucket: string
  found_at: string
  expected_rows: number
  expected_checksum: string
  rows: number
  checksum: string
  healed_at: string | null
}

export interface PullRequest {
  epoch: string | null
  cursors: Record<string, number>
  limit: number
  schema_version?: number
  mismatched?: string[]
  incidents?: ToldIncident[]
  report?: Report
}

/** A day of this device as the centre counts it (SPEC D1). */
export interface ProofResponse {
  day: string
  since: string
  until: string
  ops: { entity: string; kind: string; status: OpStatus; count: number }[]
  files: { kind: string; count: number; bytes: number; verified: number; verified_bytes: number }[]
}

export interface BucketHead {
  key: string
  priority: number
  seq: number
  more: boolean
  reset: boolean
  row_count: number | null
  checksum: string | null
}

export interface Change {
  bucket: string
  seq: number
  entity: string
  id: string
  rev: number
  gone: boolean
  doc?: Doc | null
}

export interface PullResponse {
  epoch: string
  /** What the server takes beyond the first wire (SPEC W12). */
  offers?: string[]
  /** In a stream: how many changes come behind this page (SPEC L13). */
  left?: number
  schema_version?: number
  server_at: string
  buckets: BucketHead[]
  dropped: string[]
  changes: Change[]
}

export type BlobState = 'missing' | 'partial' | 'verified'

export interface BlobStatus {
  sha256: string
  state: BlobState
  upload_url?: string | null
  offset?: number | null
}

export interface BlobCheckResponse {
  blobs: BlobStatus[]
  /** Seconds that a device keeps an original after its receipt. */
  keep_s?: number
}
