/** Every request the console makes, one function each. Shapes follow the server's OpenAPI. */
import { request } from '@shared/api/http'
import type {
  Assignment,
  Attachment,
  CallIn,
  CallTaken,
  Conflict,
  Crew,
  CrewDetail,
  DayBoard,
  Device,
  EnrolmentCode,
  Found,
  Job,
  JobDetail,
  JobPatch,
  Me,
  Outage,
  Page,
  PastCall,
  PremisesPage,
  Ranking,
  Settlement,
  TimelineEntry,
  Transition,
  VisitIn,
} from './types'

const V1 = '/api/v1'
/** 40 letters each: an address stays below the 8 KiB that proxies take. */
const IDS_A_REQUEST = 150

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
export const candidates = (id: string): Promise<Ranking> => request(`${V1}/jobs/${id}/candidates`)
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

export const search = async (q: string, signal: AbortSignal): Promise<readonly Found[]> =>
  (await request<Page<Found>>(`${V1}/search`, { query: { q }, signal })).items
export const premises = (id: string): Promise<PremisesPage> => request(`${V1}/premises/${id}`)
export const takeCall = (body: CallIn, idempotencyKey: string): Promise<CallTaken> =>
  request(`${V1}/calls`, { method: 'POST', body, idempotencyKey })

export const openConflicts = (): Promise<Conflict[]> => all('/conflicts', { state: 'open' })
/** Settled ones grow without end: a page at a time, newest first. */
export const settledConflicts = (cursor?: string): Promise<Page<Conflict>> =>
  request(`${V1}/conflicts`, { query: { state: 'settled', limit: 50, cursor } })
export const settle = (body: Settlement, idempotencyKey: string): Promise<{ settled: string[] }> =>
  request(`${V1}/conflicts/settlements`, { method: 'POST', body, idempotencyKey })
export const giveConflict = (id: string, person_id: string | null, due_at: string): Promise<void> =>
  request(`${V1}/conflicts/${id}/owner`, { method: 'PUT', body: { person_id, due_at } })

export const devices = (): Promise<Device[]> => all('/devices')
export const makeEnrolmentCode = (name: string): Promise<EnrolmentCode> =>
  request(`${V1}/devices/enrolment-codes`, { method: 'POST', body: { name } })
export const revokeDevice = (id: string, wipe: boolean): Promise<unknown> =>
  request(`${V1}/devices/${id}/revoke`, { method: 'POST', body: { wipe } })
