/** Every request the console makes, one function each. Shapes follow the server's OpenAPI. */
import { request } from '@shared/api/http'
import type {
  Acted,
  Affected,
  Answer,
  Assignment,
  Attachment,
  BundleTaken,
  CallIn,
  CallTaken,
  Cause,
  Conflict,
  Crew,
  CrewAlert,
  CrewDetail,
  CrewRegion,
  DayBoard,
  DayPlan,
  DeadlineRow,
  Deadlines,
  DeadlineShow,
  Decision,
  Device,
  EnrolmentCode,
  FindingIn,
  FleetIncident,
  FleetList,
  FleetQuery,
  FleetTablet,
  Found,
  GisKey,
  Isolation,
  Job,
  JobDetail,
  JobPatch,
  Me,
  Move,
  NetworkLink,
  NetworkNode,
  NetworkPart,
  Notice,
  Notices,
  Operated,
  OpsState,
  Outage,
  Owner,
  Page,
  PastCall,
  PauseCause,
  PremisesPage,
  Proposal,
  Ranking,
  Reliability,
  Settlement,
  Side,
  StatementIn,
  Supply,
  Switchgear,
  TimelineEntry,
  Transition,
  Triage,
  Verdict,
  Version,
  VisitIn,
  WaitingOp,
  Way,
} from './types'

const V1 = '/api/v1'
/** 40 letters each: an address stays below the 4,094 that gunicorn takes; proxies take more. */
const IDS_A_REQUEST = 90

/** Lists are paged; the console wants the whole of what is open. */
async function all<T>(path: string, query: Record<string, string | undefined> = {}): Promise<T[]> {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const page: Page<T> = await request(V1 + path, { query: { ...query, limit: 200, cursor } })
    items.push(...page.items)
    cursor = page.next ?? undefined
  } while (cursor)
  return items
}

function chunked<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size))
}

export const logIn = (login: string, password: string): Promise<Me> =>
  request(`${V1}/session`, { method: 'POST', body: { login, password } })
export const logOut = (): Promise<void> => request(`${V1}/session`, { method: 'DELETE' })
export const whoAmI = (): Promise<Me> => request(`${V1}/me`)
export const setLocale = (locale: string): Promise<Me> => request(`${V1}/me`, { method: 'PATCH', body: { locale } })

export const openJobs = (): Promise<Job[]> => all('/jobs', { state: 'open' })
export const job = (id: string): Promise<JobDetail> => request(`${V1}/jobs/${id}`)
export const patchJob = (id: string, rev: number, body: JobPatch): Promise<JobDetail> =>
  request(`${V1}/jobs/${id}`, { method: 'PATCH', rev, body })
export const timeline = async (id: string): Promise<readonly TimelineEntry[]> =>
  (await request<Page<TimelineEntry>>(`${V1}/jobs/${id}/timeline`)).items
export const candidates = (id: string, limit?: number): Promise<Ranking> =>
  request(`${V1}/jobs/${id}/candidates`, { query: { limit } })
export const proposal = (id: string): Promise<Proposal> => request(`${V1}/jobs/${id}/proposal`)
export function acceptProposal(id: string, made: Decision, idempotencyKey: string): Promise<Assignment> {
  const moves = made.moves.flatMap(({ assignment_id, crew, planned_start, planned_end }) =>
    crew && planned_start && planned_end ? [{ assignment_id, crew_id: crew.id, planned_start, planned_end }] : [],
  )
  const dropped = made.dropped.map((one) => one.assignment_id)
  const body = { crew_id: made.crew.id, planned_start: made.planned_start, moves, dropped }
  return request(`${V1}/jobs/${id}/proposal`, { method: 'POST', body, idempotencyKey })
}
export const crewAlerts = async (): Promise<readonly CrewAlert[]> =>
  (await request<Page<CrewAlert>>(`${V1}/crew-alerts`)).items
export const takeAlert = (id: string): Promise<CrewAlert> =>
  request(`${V1}/crew-alerts/${id}/take`, { method: 'POST', body: {} })
export const sendInstead = (id: string, crewId: string, idempotencyKey: string): Promise<Assignment> =>
  request(`${V1}/crew-alerts/${id}/send`, { method: 'POST', body: { crew_id: crewId }, idempotencyKey })
export const attachments = async (id: string): Promise<readonly Attachment[]> =>
  (await request<Page<Attachment>>(`${V1}/jobs/${id}/attachments`)).items
export const assign = (id: string, crewId: string, idempotencyKey: string): Promise<Assignment> =>
  request(`${V1}/jobs/${id}/assignments`, { method: 'POST', body: { crew_id: crewId }, idempotencyKey })
export const withdraw = (assignmentId: string): Promise<Assignment> =>
  request(`${V1}/assignments/${assignmentId}/withdraw`, { method: 'POST', body: {} })
/** A day of a branch, today when none is named; of one job alone where `job_id` is given. */
export const dayBoard = (day: string, branch_id: string | undefined, job_id?: string): Promise<DayBoard> =>
  request(`${V1}/board`, { query: { day: day || undefined, branch_id, job_id } })
export const bookVisit = (jobId: string, body: VisitIn, idempotencyKey: string): Promise<Assignment> =>
  request(`${V1}/jobs/${jobId}/visits`, { method: 'POST', body, idempotencyKey })
export const moveVisit = (visitId: string, body: VisitIn, idempotencyKey: string): Promise<Assignment> =>
  request(`${V1}/assignments/${visitId}/move`, { method: 'POST', body, idempotencyKey })
/** The newest plans of a day, newest first. */
export const plansOf = async (branch_id: string, day: string): Promise<readonly { readonly id: string }[]> =>
  (await request<{ items: { id: string }[] }>(`${V1}/plans`, { query: { branch_id, day } })).items
export const dayPlan = (id: string): Promise<DayPlan> => request(`${V1}/plans/${id}`)
export const proposePlan = (branch_id: string, day: string): Promise<{ readonly id: string }> =>
  request(`${V1}/plans`, { method: 'POST', body: { branch_id, day } })
export const stopPlan = (id: string, keep: boolean): Promise<{ readonly id: string }> =>
  request(`${V1}/plans/${id}/stop`, { method: 'POST', body: { keep } })
/** Books what a plan proposes for these jobs, or for all. */
export const acceptPlan = (id: string, job_ids: readonly string[] | null): Promise<DayPlan> =>
  request(`${V1}/plans/${id}/accept`, { method: 'POST', body: job_ids ? { job_ids } : {} })
export const moveJob = (id: string, to: Transition, reason: string | null): Promise<JobDetail> =>
  request(`${V1}/jobs/${id}/transitions`, { method: 'POST', body: reason ? { to, reason } : { to } })
export const jobsCsv = `${V1}/jobs.csv`
export const attachmentContent = (id: string): string => `${V1}/attachments/${id}/content`
export const attachmentThumbnail = (id: string): string => `${V1}/attachments/${id}/thumbnail`

export const crews = (): Promise<Crew[]> => all('/crews')
/** These crews as they are now, in as few requests as addresses have room for. */
export async function crewsOf(ids: readonly string[]): Promise<Crew[]> {
  const named = (some: readonly string[]): string => new URLSearchParams(some.map((id) => ['id', id])).toString()
  const pages = chunked(ids, IDS_A_REQUEST).map((some) =>
    request<Page<Crew>>(`${V1}/crews?limit=${IDS_A_REQUEST}&${named(some)}`),
  )
  return (await Promise.all(pages)).flatMap((page) => page.items)
}
export const crew = (id: string): Promise<CrewDetail> => request(`${V1}/crews/${id}`)

export const openOutages = (): Promise<Outage[]> => all('/outages', { state: 'open' })
export const outage = (id: string): Promise<Outage> => request(`${V1}/outages/${id}`)
export const callsOf = (outageId: string): Promise<PastCall[]> => all('/calls', { outage_id: outageId })
/** The newest calls from a number. */
export const callsFrom = async (phone: string, signal: AbortSignal): Promise<readonly PastCall[]> =>
  (await request<Page<PastCall>>(`${V1}/calls`, { query: { phone, limit: 5 }, signal })).items

export const networkNode = (id: string): Promise<NetworkNode> => request(`${V1}/network/nodes/${id}`)
export const networkLink = (id: string): Promise<NetworkLink> => request(`${V1}/network/links/${id}`)
/** What of the network a question is about. */
export type AssetQuery = { readonly node_id: string } | { readonly link_id: string }
export const trace = (asset: AssetQuery, way: Way): Promise<NetworkPart> =>
  request(`${V1}/network/supply`, { query: { ...asset, way } })
export const isolation = (asset: AssetQuery): Promise<Isolation> => request(`${V1}/network/isolation`, { query: asset })
export const operate = (
  link: string,
  body: { readonly move: Move; readonly parallel?: boolean },
  idempotencyKey: string,
): Promise<Operated> => request(`${V1}/network/links/${link}/switching`, { method: 'POST', body, idempotencyKey })
export const undoOperation = (id: string): Promise<Operated> =>
  request(`${V1}/network/switching/${id}/undo`, { method: 'POST', body: {} })
export const markUsable = (link: string, usable: boolean): Promise<Switchgear> =>
  request(`${V1}/network/links/${link}/condition`, { method: 'PUT', body: { usable } })
export const operationsOf = async (link_id: string): Promise<readonly Operated[]> =>
  (await request<Page<Operated>>(`${V1}/network/switching`, { query: { link_id, limit: 5 } })).items

/** Makes other outages one with this, or takes that back. */
export const mergeOutages = (into: string, outage_ids: readonly string[], idempotencyKey: string): Promise<Outage> =>
  request(`${V1}/outages/${into}/merges`, { method: 'POST', body: { outage_ids }, idempotencyKey })
export const unmergeOutages = (into: string, outage_ids: readonly string[]): Promise<Outage> =>
  request(`${V1}/outages/${into}/unmerges`, { method: 'POST', body: { outage_ids } })
/** The devices that most probably failed. */
export const causes = async (branch_id: string): Promise<readonly Cause[]> =>
  (await request<{ items: Cause[] }>(`${V1}/outages/causes`, { query: { branch_id } })).items

/** Whom an outage cut off, and how they come back. */
export const supplyOf = (outage: string): Promise<Supply> => request(`${V1}/outages/${outage}/supply`)
export const confirmCause = (outage: string, body: FindingIn, idempotencyKey: string): Promise<Supply> =>
  request(`${V1}/outages/${outage}/confirmation`, { method: 'POST', body, idempotencyKey })
export const withdrawCause = (outage: string): Promise<Supply> =>
  request(`${V1}/outages/${outage}/confirmation/withdrawal`, { method: 'POST', body: {} })
export const stateRestored = (outage: string, body: StatementIn, idempotencyKey: string): Promise<Supply> =>
  request(`${V1}/outages/${outage}/stages`, { method: 'POST', body, idempotencyKey })
export const expectSupply = (
  outage: string,
  body: { readonly expected_at: string; readonly reason: string | null },
  idempotencyKey: string,
): Promise<Supply> => request(`${V1}/outages/${outage}/estimates`, { method: 'POST', body, idempotencyKey })
export const affectedBy = (outage: string, side: Side | '', cursor: string | null): Promise<Page<Affected>> =>
  request(`${V1}/outages/${outage}/affected`, {
    query: { side: side || undefined, limit: 50, cursor: cursor ?? undefined },
  })
export const noteContact = (outage: string, account: string, answer: Answer): Promise<unknown> =>
  request(`${V1}/outages/${outage}/affected/${account}/contacts`, { method: 'POST', body: { answer } })
export const affectedCsv = (outage: string): string => `${V1}/outages/${outage}/affected.csv`

/** What customers were and will be told of an outage. */
export const noticesOf = (outage: string): Promise<Notices> => request(`${V1}/outages/${outage}/notices/overview`)
export const noticeList = (outage: string, cursor: string | null): Promise<Page<Notice>> =>
  request(`${V1}/outages/${outage}/notices`, { query: { limit: 50, cursor: cursor ?? undefined } })
export const retryNotice = (id: string): Promise<void> =>
  request(`${V1}/notices/${id}/retry`, { method: 'POST', body: {} })

/** What is known of a place before a crew is sent there. */
export const triage = (premises_id: string, symptom: string): Promise<Triage> =>
  request(`${V1}/calls/triage`, { query: { premises_id, symptom } })

export const search = async (q: string, signal: AbortSignal): Promise<readonly Found[]> =>
  (await request<Page<Found>>(`${V1}/search`, { query: { q }, signal })).items
export const premises = (id: string): Promise<PremisesPage> => request(`${V1}/premises/${id}`)
export const takeCall = (body: CallIn, idempotencyKey: string): Promise<CallTaken> =>
  request(`${V1}/calls`, { method: 'POST', body, idempotencyKey })

export const openConflicts = (): Promise<Conflict[]> => all('/conflicts', { state: 'open' })
/** Settled ones grow without end: a page at a time, newest first. */
export const settledConflicts = (job_id: string | undefined, cursor?: string): Promise<Page<Conflict>> =>
  request(`${V1}/conflicts`, { query: { state: 'settled', job_id, limit: 50, cursor } })
export const settle = (body: Settlement, idempotencyKey: string): Promise<{ settled: string[] }> =>
  request(`${V1}/conflicts/settlements`, { method: 'POST', body, idempotencyKey })
/** Who could decide it. */
export const ownersOf = async (id: string): Promise<readonly Owner[]> =>
  (await request<Page<Owner>>(`${V1}/conflicts/${id}/owners`)).items
/** Versions of a job and its records, newest first, a page at a time. */
export const history = (id: string, cursor?: string): Promise<Page<Version>> =>
  request(`${V1}/jobs/${id}/history`, { query: { limit: 50, cursor } })
/** The alarm has been seen. */
export const acknowledge = (id: string): Promise<void> =>
  request(`${V1}/conflicts/${id}/acknowledgement`, { method: 'POST', body: {} })
export const giveConflict = (id: string, person_id: string | null, due_at: string): Promise<void> =>
  request(`${V1}/conflicts/${id}/owner`, { method: 'PUT', body: { person_id, due_at } })

export const gisKeys = async (): Promise<readonly GisKey[]> =>
  (await request<{ items: GisKey[] }>(`${V1}/me/gis-keys`)).items
/** The secret is told this once. */
export const makeGisKey = (name: string, days: number): Promise<{ key: GisKey; secret: string }> =>
  request(`${V1}/me/gis-keys`, { method: 'POST', body: { name, days } })
export const revokeGisKey = (id: string): Promise<void> => request(`${V1}/me/gis-keys/${id}`, { method: 'DELETE' })

/** Jobs by the limit that runs out next. */
export const deadlines = async (show: DeadlineShow): Promise<readonly DeadlineRow[]> =>
  (await request<{ items: DeadlineRow[] }>(`${V1}/deadlines`, { query: { show } })).items
export const takeDeadline = (id: string): Promise<void> =>
  request(`${V1}/deadline-alerts/${id}/take`, { method: 'POST', body: {} })
export const handDeadlineOn = (id: string): Promise<void> =>
  request(`${V1}/deadline-alerts/${id}/hand-on`, { method: 'POST', body: {} })
export const deadlinesOf = (job: string): Promise<Deadlines> => request(`${V1}/jobs/${job}/deadlines`)
export const pauseDeadlines = (job: string, cause: PauseCause, idempotencyKey: string): Promise<Deadlines> =>
  request(`${V1}/jobs/${job}/deadlines/pause`, { method: 'POST', body: { cause }, idempotencyKey })
export const resumeDeadlines = (job: string, idempotencyKey: string): Promise<Deadlines> =>
  request(`${V1}/jobs/${job}/deadlines/resume`, { method: 'POST', body: {}, idempotencyKey })
export const explainDeviation = (
  job: string,
  code: string,
  reason: string,
  idempotencyKey: string,
): Promise<Deadlines> =>
  request(`${V1}/jobs/${job}/deadlines/${code}/deviation`, { method: 'POST', body: { reason }, idempotencyKey })

/** Every sub-district of the crew's branch, and which of them it serves. */
export const regionsOf = async (crew: string): Promise<CrewRegion[]> =>
  (await request<{ items: CrewRegion[] }>(`${V1}/crews/${crew}/regions`)).items
/** Refused where the crew does not serve exactly `before` any more. */
export const serveRegions = async (
  crew: string,
  place_ids: readonly string[],
  before: readonly string[],
): Promise<CrewRegion[]> =>
  (
    await request<{ items: CrewRegion[] }>(`${V1}/crews/${crew}/regions`, {
      method: 'PUT',
      body: { place_ids, before },
    })
  ).items

/** The whole fleet as the question has it: a desk looks for the worst, not for the first page. */
export async function fleet(wanted: FleetQuery): Promise<FleetList> {
  const items: FleetTablet[] = []
  let page: FleetList
  let cursor: string | undefined
  do {
    page = await request(`${V1}/fleet`, { query: { ...wanted, limit: 200, cursor } })
    items.push(...page.items)
    cursor = page.next ?? undefined
  } while (cursor)
  return { ...page, items }
}
/** An export begins with the worst, whatever the order on screen. */
export function fleetCsv(wanted: FleetQuery): string {
  const given = Object.entries(wanted).filter(([name, value]) => value && name !== 'sort')
  return given.length ? `${V1}/fleet.csv?${new URLSearchParams(given).toString()}` : `${V1}/fleet.csv`
}

/** `question`: the query as the address holds it. */
export const reliability = (question: string): Promise<Reliability> => request(`${V1}/reliability?${question}`)
export const reliabilityCsv = (question: string): string => `${V1}/reliability.csv?${question}`

export const incidentsOf = async (device: string): Promise<FleetIncident[]> =>
  (await request<{ items: FleetIncident[] }>(`${V1}/fleet/${device}/incidents`)).items
export const opsOf = (device: string, state: OpsState, cursor?: string): Promise<Page<WaitingOp>> =>
  request(`${V1}/fleet/${device}/ops`, { query: { state, limit: 50, cursor } })
export const decideOp = (
  device: string,
  opNo: number,
  rev: number,
  verdict: Verdict,
  body: { reason: string | null; fields?: Record<string, unknown> },
  idempotencyKey: string,
): Promise<Acted> =>
  request(`${V1}/fleet/${device}/ops/${opNo}/${verdict}`, { method: 'POST', rev, body, idempotencyKey })

export const devices = (): Promise<Device[]> => all('/devices')
export const makeEnrolmentCode = (name: string): Promise<EnrolmentCode> =>
  request(`${V1}/devices/enrolment-codes`, { method: 'POST', body: { name } })
/** A tablet's sealed file, as it is; a large one on a slow line takes its time. */
export const deliverBundle = (file: File): Promise<BundleTaken> =>
  request('/sync/v1/bundles', {
    method: 'POST',
    body: file,
    mime: 'application/vnd.mobile-sync.bundle',
    signal: AbortSignal.timeout(15 * 60_000),
  })
export const revokeDevice = (id: string, wipe: boolean): Promise<unknown> =>
  request(`${V1}/devices/${id}/revoke`, { method: 'POST', body: { wipe } })
