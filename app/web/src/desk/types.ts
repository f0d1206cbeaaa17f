/** The server's shapes under the console's names. They come from the OpenAPI document: a field it does not have does not compile. */
import type { FeatureCollection, Geometry } from 'geojson'
import type { components } from '@shared/api/schema'

type Schemas = components['schemas']

/** An answer carries all its fields; the document calls a field that may be null optional. */
type Whole<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> }

export interface Page<T> {
  readonly items: readonly T[]
  readonly next?: string | null
}

export type Me = Whole<Schemas['MeOut']>
export type Branch = Whole<Schemas['BranchOut']>
export type Assignment = Whole<Schemas['AssignmentOut']>
export type Job = Whole<Schemas['JobOut']>
export type JobPatch = Schemas['JobPatch']
export type JobKind = Job['kind']
export type JobState = Job['state']
export type Priority = Job['priority']
export type TimelineEntry = Whole<Schemas['EventOut']>
export type Attachment = Whole<Schemas['AttachmentOut']>
export type Reason = Whole<Schemas['ReasonOut']>
export type Candidate = Whole<Schemas['CandidateOut']>
export type Ranking = Omit<Schemas['CandidatesOut'], 'items'> & { readonly items: readonly Candidate[] }
export type MovedVisit = Whole<Schemas['MovedVisit']>
export type Decision = Omit<Whole<Schemas['DecisionOut']>, 'moves' | 'dropped'> & {
  readonly moves: readonly MovedVisit[]
  readonly dropped: readonly MovedVisit[]
}
export interface Proposal {
  readonly at: string
  readonly decision: Decision | null
}
export type CrewAlert = Omit<Whole<Schemas['CrewAlertOut']>, 'job' | 'crew' | 'people'> & {
  readonly job: Whole<Schemas['JobBrief']>
  readonly crew: Whole<Schemas['AlertedCrew']>
  readonly people: readonly Whole<Schemas['NamedOut']>[]
}
export type Crew = Whole<Schemas['CrewOut']>
export type VisitIn = Schemas['VisitIn']
export type Lane = Whole<Schemas['LaneOut']>
export type Bar = Whole<Schemas['BarOut']>
export type DayBoard = Omit<Whole<Schemas['DayBoard']>, 'lanes' | 'bars'> & {
  readonly lanes: readonly Lane[]
  readonly bars: readonly Bar[]
}
export type GisKey = Whole<Schemas['GisKeyOut']>
export type DeadlineClock = Whole<Schemas['ClockOut']>
export type Deadlines = Omit<Schemas['DeadlinesOut'], 'clocks'> & { readonly clocks: readonly DeadlineClock[] }
export type DeadlineAlert = Whole<Schemas['DeadlineAlertOut']>
export type DeadlineRow = Omit<Schemas['DeadlineRowOut'], 'clocks' | 'alert'> & {
  readonly clocks: readonly DeadlineClock[]
  readonly alert: DeadlineAlert | null
}
export type DeadlineShow = 'open' | 'soon' | 'missed'
export type PauseCause = Schemas['PauseIn']['cause']
export type CrewDetail = Whole<Schemas['CrewDetail']>
export type Outage = Whole<Schemas['OutageOut']>
export type NetworkNode = Whole<Schemas['NodeOut']>
export type NetworkLink = Whole<Schemas['LinkOut']>
export type Switchgear = Schemas['SwitchgearOut']
export type Move = Schemas['SwitchIn']['move']
export type Way = 'down' | 'up'
export type NetworkPart = Omit<Schemas['TracedOut'], 'features' | 'type'> &
  FeatureCollection<Geometry, Readonly<Record<string, unknown>>>
export type Isolation = Omit<Schemas['IsolationOut'], 'section' | 'beyond'> & {
  readonly section: NetworkPart
  readonly beyond: NetworkPart
}
export type Operated = Omit<Whole<Schemas['SwitchingOut']>, 'link'> & { readonly link: Switchgear }
export type Cause = Schemas['CauseOut'] & { readonly of: 'node' | 'link' }
export type Supply = Whole<Schemas['SupplyOut']>
export type FindingIn = Schemas['FindingIn']
export type StatementIn = Schemas['StatementIn']
export type Affected = Whole<Schemas['AffectedOut']>
export type Answer = Schemas['ContactIn']['answer']
export type Notice = Whole<Schemas['NoticeOut']>
export type Notices = Whole<Schemas['NoticesOut']>
export type Triage = Whole<Schemas['TriageOut']>
export type Side = 'out' | 'back'
export type Found = Whole<Schemas['HitOut']>
export type PremisesPage = Whole<Schemas['PremisesOut']>
export type PastCall = Whole<Schemas['CallOut']>
export type Symptom = PastCall['symptom']
export type CallIn = Schemas['CallIn']
export type CallTaken = Whole<Schemas['TakenOut']>
export type Device = Whole<Schemas['DeviceOut']>
export type CrewRegion = Whole<Schemas['CrewRegionOut']>
export type DayPlan = Whole<Schemas['PlanDetail']>
export type PlanLine = DayPlan['lines'][number]
export type Reliability = Whole<Schemas['ReliabilityReport']>
export type ReliabilityLine = Reliability['lines'][number]

export type FleetTablet = Omit<Whole<Schemas['FleetTablet']>, 'proof'> & {
  readonly proof: Whole<Schemas['FleetProof']> | null
}
export type FleetIncident = Whole<Schemas['IncidentOut']>
export type Need = FleetTablet['needs'][number]
export type FleetList = Omit<Schemas['FleetPage'], 'items'> & { readonly items: readonly FleetTablet[] }
/** Empty texts ask for nothing. */
export type FleetQuery = Readonly<Record<'state' | 'crew_id' | 'q' | 'attention' | 'sort', string>>
export type Why = Omit<Whole<Schemas['WhyOut']>, 'errors' | 'params'> & {
  readonly params: Readonly<Record<string, unknown>>
  readonly errors: readonly { readonly field: string; readonly reason: string }[]
}
export type SaidOfOp = Omit<Whole<Schemas['SaidOut']>, 'why'> & { readonly why: Why | null }
/** Fields are whatever the tablet sent; questions are the form's own. */
export type WaitingOp = Omit<
  Whole<Schemas['OpOut']>,
  'why' | 'sent' | 'fields_now' | 'held' | 'questions' | 'files' | 'history'
> & {
  readonly why: Why | null
  readonly sent: Readonly<Record<string, unknown>>
  readonly fields_now: Readonly<Record<string, unknown>>
  readonly held: Readonly<Record<string, unknown>>
  readonly questions: Readonly<Record<string, FormItem>>
  readonly files: readonly unknown[]
  readonly history: readonly SaidOfOp[]
}
export type Acted = Omit<Whole<Schemas['ActedOut']>, 'why'> & { readonly why: Why | null }
export type OpsState = 'waiting' | 'decided'
/** What somebody at the centre may do with an op that waits. */
export type Verdict = 'replay' | 'repair' | 'refuse'
export type BundleTaken = Whole<Schemas['BundleOut']>
export type Writer = Whole<Schemas['WriterOut']>
/** The values are whatever the field holds; the question is the form's own, where the field is an answer. */
export type Conflict = Omit<Whole<Schemas['ConflictOut']>, 'question' | 'mine_by' | 'theirs_by'> & {
  readonly question: FormItem | null
  readonly mine_by: Writer
  readonly theirs_by: Writer | null
}
export type Owner = Whole<Schemas['OwnerOut']>
export type FieldChange = Whole<Schemas['ChangedOut']>
export type Version = Omit<Whole<Schemas['VersionOut']>, 'by' | 'changes'> & {
  readonly by: Writer
  readonly changes: readonly FieldChange[]
}
export type Settlement = Schemas['SettlementIn']
export type Take = Settlement['take']
export type EnrolmentCode = Whole<Schemas['EnrolmentCodeOut']>
export type Transition = Schemas['TransitionIn']['to']

/** The job's page: the checklist's document is free JSON to the API, its shape is fixed by the forms themselves. */
export type JobDetail = Omit<Whole<Schemas['JobDetail']>, 'form'> & { readonly form: FormDocument }

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

/** A text in both languages, as forms carry them. */
export type BothWords = Readonly<Record<'zh-CN' | 'en', string>>

export interface FormItem {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
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
